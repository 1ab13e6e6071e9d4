"""A run in the making: what is read of cells, each value with its evidence, before units are resolved."""

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from budgetscope.core.audit.run import Evidence
from budgetscope.core.language import _
from budgetscope.core.trainers import Name, Names, Quantity, Unit
from budgetscope.store.configs import cells as read
from budgetscope.store.configs.cells import Cell, Cells

Variants = Mapping[Quantity, Iterable[Name]]
"""Further names of quantities, the first that is there counts."""

_ATTRIBUTES = {
    Quantity.DEPTH: "depth",
    Quantity.WIDTH: "width",
    Quantity.D_FF: "d_ff",
    Quantity.N_HEADS: "n_heads",
    Quantity.N_KV_HEADS: "n_kv_heads",
    Quantity.HEAD_DIM: "head_dim",
    Quantity.VOCAB_SIZE: "vocab_size",
    Quantity.SEQ_LEN: "seq_len",
    Quantity.ACCUMULATION: "accumulation",
    Quantity.LEARNING_RATE: "learning_rate",
    Quantity.BETA1: "beta1",
    Quantity.BETA2: "beta2",
    Quantity.EPS: "eps",
    Quantity.WEIGHT_DECAY: "weight_decay",
    Quantity.CLIP: "clip",
    Quantity.TIED: "tied",
}
AMOUNTS = (Quantity.BATCH, Quantity.MICRO_BATCH, Quantity.LENGTH, Quantity.WARMUP, Quantity.DECAY)
"""Quantities that trainers count in different units."""
_DEVICES = (Quantity.DATA, Quantity.TENSOR, Quantity.PIPELINE, Quantity.CONTEXT)
_WHOLE = frozenset(
    (
        Quantity.DEPTH, Quantity.WIDTH, Quantity.D_FF, Quantity.N_HEADS, Quantity.N_KV_HEADS, Quantity.HEAD_DIM,
        Quantity.VOCAB_SIZE, Quantity.SEQ_LEN, Quantity.ACCUMULATION, *_DEVICES,
    )
)  # fmt: skip
_MAY_BE_ZERO = frozenset((Quantity.WARMUP, Quantity.DECAY, Quantity.WEIGHT_DECAY, Quantity.CLIP))
_MAY_BE_LEFT = frozenset((*AMOUNTS, *_DEVICES, Quantity.ACCUMULATION))
"""Quantities for which trainers take -1 as left to themselves."""

_RELEVANT = re.compile(
    r"layer|hidden|heads?\b|embd|embed|d_model|dim\b|ffn|mlp|vocab|seq|context|block_size|batch|steps?\b|iters?\b|iterations"
    r"|tokens\b|epoch|\blr|learning|warm|decay|beta|eps\b|epsilon|clip|max_norm|sched|optim|samples|expert"
)
_BESIDE = re.compile(
    r"drop|log|eval|save|valid|test|checkpoint|rope|rotary|init|bias|profile|worker|attention|attn|activation|print|report"
    r"|layer_?norm|ln_eps|norm_eps|norm_epsilon|rms|_wandb|comm|position|distributed|partition|bucket|fp16|loss_scale|push|hub|generat|cache|label"
    r"|_fn|best|remove|group_by|ddp|torch|precision|parallel_(mode|comm)|parallelism$|synchron|bos|eos|pad|sep|cls|padding|resume|include"
)
MAX_UNREAD = 20


@dataclass(frozen=True, slots=True)
class Amount:
    """A quantity in the unit in which a file counts it."""

    value: float
    unit: Unit
    evidence: Evidence


class Draft:
    """What has been read of a run so far; the first value of a quantity stays.

    Args:
        name: of the run, for people.
        trainer: name of what the configuration was written for.
        cells: of its files.

    Attributes:
        values: by attribute of `ObservedRun`.
        amounts: by quantity, those of `AMOUNTS`.
        devices: by quantity, the degrees of parallelism.
        evidence: by attribute of `ObservedRun`.
        remarks: sentences about assumptions.
    """

    def __init__(self, name: str, trainer: str, cells: Cells) -> None:
        self.name, self.trainer, self.cells = name, trainer, cells
        self.values: dict[str, Any] = {}
        self.amounts: dict[Quantity, Amount] = {}
        self.devices: dict[Quantity, int] = {}
        self.evidence: dict[str, Evidence] = {}
        self.remarks: list[str] = []
        self._used: set[str] = set()
        self._unknown: set[str] = set()

    # Cells

    def cell(self, *keys: str) -> Cell | None:
        """Return the first cell of some keys that says something; all of them count as understood."""
        plain = [read.plain_key(key) for key in keys]
        self._used.update(plain)
        found = (self.cells[key] for key in plain if key in self.cells)
        return next((cell for cell in found if not read.is_nothing(cell)), None)

    def number(self, *keys: str) -> float | None:
        """Return the number of the first of some keys that says something."""
        cell = self.cell(*keys)
        return None if cell is None else read.number(cell)

    def switched(self, *keys: str) -> bool | None:
        """Return the switch of the first of some keys that says something."""
        cell = self.cell(*keys)
        return None if cell is None else read.switch(cell)

    def named(self, *keys: str) -> str:
        """Return the name of the first of some keys that says something, in lower case; empty without one."""
        cell = self.cell(*keys)
        return ((read.name_in(cell) if cell is not None else None) or "").lower()

    def _of(self, attribute: str, *keys: str) -> Cell | None:
        """Return the cell for an attribute; remember where only the run of a script makes its value."""
        found = self.cell(*keys)
        unknown = [self.cells[key] for key in map(read.plain_key, keys) if key in self.cells]
        if found is None and any(map(read.is_unknown, unknown)) and attribute not in self._unknown:
            self._unknown.add(attribute)
            self.remarks.append(_("{key} is known only when the script runs.").format(key=unknown[0].key))
        return found

    # Values

    def put(self, attribute: str, value: Any, evidence: Evidence) -> None:
        """Keep a value, unless there is one."""
        if attribute not in self.values:
            self.values[attribute], self.evidence[attribute] = value, evidence

    def assume(self, attribute: str, value: Any, why: str, key: str = "") -> None:
        """Keep a value that follows from others or from the trainer, unless there is one that a script makes.

        Args:
            attribute: of `ObservedRun`.
            value: of it.
            why: the arithmetic, or whose default it is.
            key: of the file, if one made the difference.
        """
        if attribute not in self._unknown:
            self.put(attribute, value, Evidence(self.main_file, key, why))

    @property
    def main_file(self) -> str:
        """The name of the file; empty where there are several, since what follows from values may be of each."""
        files = {cell.file for cell in self.cells.values()}
        return next(iter(files)) if len(files) == 1 else ""

    def word(self, attribute: str, *keys: str, lower: bool = False) -> None:
        """Read a name; of a path its last part."""
        cell = self._of(attribute, *keys)
        name = None if cell is None else read.name_in(cell)
        if cell is not None and name:
            self.put(attribute, name.lower() if lower else name, Evidence(cell.file, cell.key, name))

    def flag(self, attribute: str, *keys: str, inverted: bool = False) -> None:
        """Read a switch.

        Args:
            attribute: of `ObservedRun`.
            keys: of the file.
            inverted: whether the key says the contrary.
        """
        cell = self._of(attribute, *keys)
        if cell is not None:
            self.put(attribute, read.switch(cell) != inverted, evidence_of(cell))

    def real(
        self, attribute: str, *keys: str, parse: Callable[[Cell], float] = read.number, whole: bool = False
    ) -> None:
        """Read a number above zero, or from zero for `min_learning_rate`."""
        cell = self._of(attribute, *keys)
        if cell is None:
            return
        value = parse(cell)
        value = (read.at_least_zero if attribute == "min_learning_rate" else read.above_zero)(cell, value)
        self.put(attribute, read.whole(cell, value) if whole else value, evidence_of(cell))

    def read(
        self,
        names: Names,
        *more: Variants,
        without: Collection[Quantity] = (),
        parse: Callable[[Cell], float] = read.number,
    ) -> None:
        """Read the quantities of a trainer's table, and those of further names.

        Args:
            names: the table.
            more: further names, after those of the table.
            without: quantities of the table that are read otherwise.
            parse: reads a number.
        """
        for quantity, name in names.items():
            if quantity not in without:
                self._quantity(quantity, name, parse)
        for variants in more:
            for quantity, others in variants.items():
                for name in others:
                    self._quantity(quantity, name, parse)

    def _quantity(self, quantity: Quantity, name: Name, parse: Callable[[Cell], float]) -> None:
        cell = self._of(_ATTRIBUTES.get(quantity, quantity), name.key)
        if cell is None:
            return
        if quantity == Quantity.BETAS:
            self._betas(cell)
        elif quantity == Quantity.TIED:
            self.flag("tied", name.key)
        elif quantity == Quantity.CHECKPOINT_INTERVAL:
            return
        else:
            self._number(quantity, name.unit, cell, parse(cell))

    def _number(self, quantity: Quantity, unit: Unit, cell: Cell, value: float) -> None:
        if value == -1 and quantity in _MAY_BE_LEFT:
            return
        if quantity in (Quantity.BETA1, Quantity.BETA2):
            value = read.fraction(cell, value)
        else:
            value = (read.at_least_zero if quantity in _MAY_BE_ZERO else read.above_zero)(cell, value)
        if quantity in _WHOLE:
            value = read.whole(cell, value)
        if quantity in AMOUNTS:
            self.amount(quantity, value, unit, evidence_of(cell))
        elif quantity in _DEVICES:
            self.devices.setdefault(quantity, int(value))
        elif quantity in _ATTRIBUTES:
            self.put(_ATTRIBUTES[quantity], value, evidence_of(cell))

    def _betas(self, cell: Cell) -> None:
        value = cell.value
        if isinstance(value, str):
            value = tuple(part for part in re.split(r"[\s,()\[\]]+", value) if part)
        parts = value if isinstance(value, tuple) else (value,)
        for attribute, part in zip(("beta1", "beta2"), parts, strict=False):
            one = Cell(cell.file, cell.key, part)
            self.put(attribute, read.fraction(one, read.number(one)), evidence_of(cell))

    def amount(self, quantity: Quantity, value: float, unit: Unit, evidence: Evidence) -> None:
        """Keep a quantity of `AMOUNTS`, unless there is one."""
        self.amounts.setdefault(quantity, Amount(value, unit, evidence))

    def is_open(self, quantity: Quantity) -> bool:
        """Return whether a quantity is neither there nor left to a script's run."""
        return quantity not in self.amounts and quantity not in self._unknown

    # What was not understood

    def ignore(self, *keys: str) -> None:
        """Count keys as understood."""
        self._used.update(map(read.plain_key, keys))

    def unread(self) -> tuple[str, ...]:
        """Return the keys that look as if they mattered and were not understood, but none that names a secret."""
        left = [
            cell.key
            for key, cell in self.cells.items()
            if key not in self._used
            and not read.is_nothing(cell)
            and cell.value is not False
            and _RELEVANT.search(key.rsplit(".", 1)[-1])
            and not _BESIDE.search(key)
            and not read.is_secret_key(key)
            and not read.is_secret_value(key)
        ]
        return tuple(key[: read.MAX_SHOWN] for key in left[:MAX_UNREAD])


def evidence_of(cell: Cell) -> Evidence:
    """Return a cell as evidence."""
    return Evidence(cell.file, cell.key, read.written(cell))

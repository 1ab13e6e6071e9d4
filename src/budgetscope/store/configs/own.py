"""Our own TOML of a run: the table `[run]`, whose keys are the attributes of `ObservedRun`."""

from collections.abc import Mapping
from dataclasses import fields
from difflib import get_close_matches
from typing import Any

from budgetscope.core.audit.run import QUANTITIES, ObservedRun
from budgetscope.core.budget.quantities import quote
from budgetscope.core.errors import UsageError
from budgetscope.core.trainers import Name, Quantity, Unit
from budgetscope.store.configs import cells as read_cells
from budgetscope.store.configs.cells import Cell
from budgetscope.store.configs.common import schedule
from budgetscope.store.configs.draft import Draft, evidence_of

TRAINER = "toml"
"""Name of the form, as `ObservedRun.trainer` has it unless the file names a trainer."""
_KINDS = {field.name: str(field.type).removesuffix(" | None") for field in fields(ObservedRun)}
_PARTS = {
    "batch_tokens": (Quantity.BATCH, Unit.TOKENS),
    "batch_sequences": (Quantity.BATCH, Unit.SEQUENCES),
    "micro_sequences": (Quantity.MICRO_BATCH, Unit.SEQUENCES),
    "tokens": (Quantity.LENGTH, Unit.TOKENS),
    "steps": (Quantity.LENGTH, Unit.STEPS),
    "warmup_tokens": (Quantity.WARMUP, Unit.TOKENS),
    "warmup_steps": (Quantity.WARMUP, Unit.STEPS),
    "decay_tokens": (Quantity.DECAY, Unit.TOKENS),
    "decay_steps": (Quantity.DECAY, Unit.STEPS),
}
KEYS = tuple(dict.fromkeys(("name", "trainer", *QUANTITIES, *_PARTS)))
_FRACTIONS = ("beta1", "beta2")
_MAY_BE_ZERO = (
    "weight_decay",
    "clip",
    "min_learning_rate",
    "warmup_tokens",
    "warmup_steps",
    "decay_tokens",
    "decay_steps",
)


def tables(tree: Any) -> list[Mapping[str, Any]] | None:
    """Return the tables `[run]` or `[[run]]` of a TOML document; None where it has none."""
    found = tree.get("run") if isinstance(tree, Mapping) else None
    if isinstance(found, Mapping):
        return [found]
    if isinstance(found, list) and found and all(isinstance(each, Mapping) for each in found):
        return found
    return None


def read(table: Mapping[str, Any], file: str, name: str) -> Draft:
    """Return the draft of a table.

    Raises:
        UsageError: a key is not known, or a value is not of its kind.
    """
    cells = {
        key: Cell(file, f"run.{key}", value if isinstance(value, bool) else str(value)) for key, value in table.items()
    }
    draft = Draft(name, TRAINER, cells)
    # A key that is not known is refused below.
    draft.ignore(*table)
    for key, value in table.items():
        if key not in KEYS:
            close = get_close_matches(key, KEYS, n=1)
            remedy = f"did you mean {close[0]!r}?" if close else f"its keys are {', '.join(KEYS)}."
            raise UsageError(f"{quote(key)} in {file} is no key of [run]; {remedy}")
        if isinstance(value, Mapping | list):
            raise UsageError(f"{quote(key)} in {file} is a table or a list; write one value.")
        _value(draft, key, cells[key])
    return draft


def _value(draft: Draft, key: str, cell: Cell) -> None:
    kind = _KINDS.get(key, "float")
    if key in ("name", "trainer"):
        setattr(draft, key, read_cells.name_in(cell) or getattr(draft, key))
    elif kind == "bool":
        draft.put(key, read_cells.switch(cell), evidence_of(cell))
    elif key == "schedule":
        schedule(draft, key)
    elif kind == "str":
        draft.word(key, key, lower=key in ("optimizer", "precision"))
    elif key in _PARTS:
        quantity, unit = _PARTS[key]
        read_cells.at_least_zero(cell, read_cells.human_number(cell))
        if key in ("tokens", "steps"):
            # Both may stand there: neither is taken from the other then.
            _number(draft, key, cell, whole=key == "steps")
        draft.read({quantity: Name(key, unit)}, parse=read_cells.human_number)
    else:
        _number(draft, key, cell, whole=kind == "int")


def _number(draft: Draft, key: str, cell: Cell, *, whole: bool) -> None:
    value = read_cells.human_number(cell)
    if key in _FRACTIONS:
        value = read_cells.fraction(cell, value)
    else:
        value = (read_cells.at_least_zero if key in _MAY_BE_ZERO else read_cells.above_zero)(cell, value)
    draft.put(key, read_cells.whole(cell, value) if whole else value, evidence_of(cell))

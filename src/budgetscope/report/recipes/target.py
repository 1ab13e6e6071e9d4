"""Targets: the trainers that a recipe can be written for."""

import json
import textwrap
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from budgetscope.core.answers.training_setup import TrainingSetup
from budgetscope.core.hardware.devices import TRAINING_PRECISIONS
from budgetscope.core.hardware.memory import Layout, Recompute, Regime
from budgetscope.core.language import _
from budgetscope.core.trainers import Name, Names, Quantity, Trainer, values


@dataclass(frozen=True, slots=True)
class Written:
    """The files of one recipe.

    Attributes:
        files: name and text of each.
        run: the commands that start the training.
        lost: what the files do not say of this plan, beside the target's own.
        notes: what to know before the start.
    """

    files: tuple[tuple[str, str], ...]
    run: tuple[str, ...]
    lost: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Target:
    """A trainer that a recipe can be written for.

    Attributes:
        install: the command that installs the version that it was written for.
        writes: the files, in words.
        lost: what its recipes do not express of any plan, mostly since the trainer cannot; translated where shown.
        allowed: whether it can hold a layout.
        write: makes the files, which are in English whatever the language: a trainer may read ASCII alone.
    """

    trainer: Trainer
    install: str
    writes: str
    lost: tuple[str, ...]
    allowed: Callable[[Layout], bool]
    write: Callable[[TrainingSetup], Written]


def data_parallel(*regimes: Regime, selective: bool = False) -> Callable[[Layout], bool]:
    """Return which layouts a trainer of these data-parallel regimes can hold.

    Args:
        regimes: of the trainer.
        selective: whether it has selective recomputation.
    """
    return lambda layout: layout.regime in regimes and (selective or layout.recompute != Recompute.SELECTIVE)


def nested(flat: Mapping[str, Any]) -> dict[str, Any]:
    """Return a tree from keys with dots."""
    tree: dict[str, Any] = {}
    for key, value in flat.items():
        *above, last = key.split(".")
        branch = tree
        for part in above:
            branch = branch.setdefault(part, {})
        branch[last] = value
    return tree


def only(setup: TrainingSetup, names: Names, quantities: Iterable[Quantity]) -> dict[str, Any]:
    """Return the values of some quantities, by the trainer's keys."""
    chosen: dict[Quantity, Name] = {quantity: names[quantity] for quantity in quantities}
    return values(setup, chosen)


SHAPE = (
    Quantity.DEPTH, Quantity.WIDTH, Quantity.D_FF, Quantity.N_HEADS, Quantity.N_KV_HEADS, Quantity.HEAD_DIM,
    Quantity.VOCAB_SIZE, Quantity.TIED,
)  # fmt: skip
"""The quantities of a model's shape."""


def as_json(tree: Mapping[str, Any]) -> str:
    """Return a tree as a JSON file."""
    return json.dumps(tree, indent=2) + "\n"


def as_yaml(tree: Mapping[str, Any], indent: int = 0) -> str:
    """Return a tree of mappings, lists, numbers and texts as YAML; numbers are such that every reader takes them so."""
    lines = []
    for key, value in tree.items():
        start = f"{' ' * indent}{key}:"
        if isinstance(value, Mapping):
            lines.append(f"{start}\n{as_yaml(value, indent + 2)}")
        elif isinstance(value, float):
            # YAML 1.1 takes 1e-05 as a text.
            mantissa, _, exponent = repr(value).partition("e")
            number = f"{mantissa}{'' if '.' in mantissa else '.0'}e{exponent}" if exponent else mantissa
            lines.append(f"{start} {number}\n")
        else:
            # JSON is YAML.
            lines.append(f"{start} {json.dumps(value)}\n")
    return "".join(lines)


def comment(lines: Iterable[str], sign: str = "#") -> str:
    """Return lines as a comment of at most 100 columns; each starts a line of its own."""
    wrapped = [part for line in lines for part in textwrap.wrap(line, 98 - len(sign)) or [""]]
    return "".join(f"{sign} {line}".rstrip() + "\n" for line in wrapped)


def head(setup: TrainingSetup, trainer: Trainer, lost: Iterable[str]) -> list[str]:
    """Return the lines at the top of a recipe's main file: for what and whom it is, and what it cannot say."""
    return [
        f"Recipe of budgetscope for {setup.budget}, by {setup.law_id}.",
        f"Written for {trainer.version}, read on {trainer.read}.",
        *(f"Not expressed: {text}" for text in lost),
    ]


def template_values(setup: TrainingSetup, trainer: Trainer, lost: Iterable[str]) -> dict[str, object]:
    """Return what a configuration in Python takes, by the names in its template; arguments as of `head`."""
    shape = setup.shape
    return {
        "head": "\n".join(head(setup, trainer, lost)),
        "depth": shape.depth,
        "width": shape.width,
        "d_ff": shape.d_ff,
        "n_heads": shape.n_heads,
        "n_kv_heads": shape.n_kv_heads,
        "vocab_size": shape.vocab_size,
        "seq_len": shape.seq_len,
        "tied": shape.tied,
        "learning_rate": setup.learning_rate,
        "betas": (setup.beta1, setup.beta2),
        "eps": setup.eps,
        "weight_decay": setup.weight_decay,
        "clip": setup.clip,
        "warmup": setup.warmup_steps,
        "decay": setup.decay_steps,
        "steps": setup.steps,
        "batch": setup.batch_sequences,
        "micro": setup.layout.micro_sequences,
    }


def interval_lost(setup: TrainingSetup) -> tuple[str, ...]:
    """Return how far checkpoints at equal intervals miss the plan's, in words; empty where they meet them."""
    interval = setup.checkpoint_interval
    misses = [
        abs(max(round(each.step / interval), 1) * interval - each.step) / each.step
        for each in setup.checkpoints
        if each.step != setup.steps
    ]
    furthest = max(misses, default=0.0)
    if not furthest:
        return ()
    told = _("the plan's checkpoints: those of every {n} steps miss them by {share} at most")
    return (told.format(n=f"{interval:,}", share=f"{furthest:.2%}"),)


BF16, ANY_16_BIT = ("bf16",), TRAINING_PRECISIONS
"""The precisions of the recipes of a trainer."""


def precision(setup: TrainingSetup, known: Sequence[str]) -> str:
    """Return the precision of the products in a recipe: the plan's, or bf16 where the recipe has no other."""
    return setup.precision if setup.precision in known else "bf16"


def precision_lost(setup: TrainingSetup, known: Sequence[str]) -> tuple[str, ...]:
    """Return that a recipe trains in bf16 in place of the plan's precision; empty where it has that."""
    told = _("{precision}: the recipe trains in bf16").format(precision=setup.precision)
    return () if setup.precision in known else (told,)


def torchrun(setup: TrainingSetup, command: str) -> str:
    """Return a command under torchrun, on the devices of the layout; HOST stands for the first node."""
    nodes, per_node = spread(setup)
    if nodes == 1:
        return f"torchrun --nproc-per-node {per_node} {command}"
    meeting = "--rdzv-backend c10d --rdzv-endpoint HOST:29500"
    return f"torchrun --nnodes {nodes} --nproc-per-node {per_node} {meeting} {command}"


def spread(setup: TrainingSetup) -> tuple[int, int]:
    """Return over how many nodes the devices of a layout are spread, and how many each node gives."""
    devices = setup.layout.n_devices
    per_node = next(n for n in range(min(setup.devices_per_node, devices), 0, -1) if devices % n == 0)
    return devices // per_node, per_node

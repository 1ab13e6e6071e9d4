"""The page of a recipe, README.md beside its files: the plan's numbers, the keys that carry them, and what is lost."""

from collections.abc import Iterator
from dataclasses import dataclass

from budgetscope.core.answers.layout import MARGIN, describe
from budgetscope.core.answers.training_setup import TrainingSetup
from budgetscope.core.trainers import Quantity, amount
from budgetscope.report.markdown import escaped, fenced, table
from budgetscope.report.recipe_sheet import CHECKPOINTS_HEADER, CHECKPOINTS_WHY, checkpoint_cells
from budgetscope.report.recipes.target import Target, Written, spread
from budgetscope.report.rows import shape_text


@dataclass(frozen=True, slots=True)
class TrainerRecipe:
    """The recipe of a plan for one trainer.

    Attributes:
        setup: what it says.
        lost: what it does not say of the plan, a sentence each.
        files: name and text of each, README.md first.
    """

    target: Target
    setup: TrainingSetup
    lost: tuple[str, ...]
    files: tuple[tuple[str, str], ...]


def trainer_recipe(target: Target, setup: TrainingSetup, command: str) -> TrainerRecipe:
    """Return the recipe of a setup.

    Args:
        target: the trainer.
        setup: of the plan.
        command: the shell command that writes the recipe again.
    """
    written = target.write(setup)
    lost = (*written.lost, *target.lost)
    page = _page(target, setup, written, lost, command)
    return TrainerRecipe(target, setup, lost, (("README.md", page), *written.files))


def recipe_told(recipe: TrainerRecipe) -> tuple[str, ...]:
    """Return what the screen tells of a recipe: its version, its layout, and each thing that it does not say."""
    trainer = recipe.target.trainer
    return (
        f"written for {trainer.version}, read on {trainer.read}",
        f"layout: {layout_text(recipe.setup)}",
        *(f"not expressed: {text}" for text in recipe.lost),
    )


def layout_text(setup: TrainingSetup) -> str:
    """Return the layout, its batch and its memory as a sentence."""
    layout, memory = setup.layout, setup.placed.memory
    batch = f"{layout.micro_sequences:,} x {layout.accumulation:,} accumulated x {layout.data:,} data-parallel"
    idle = f", {setup.placed.idle:,} idle" if setup.placed.idle else ""
    devices = f"{layout.n_devices:,} x {setup.device}{idle}"
    sizes = f"{batch} = {setup.batch_sequences:,} sequences; {memory.peak / 1e9:.1f} GB on the fullest device"
    if not setup.fits:
        return (
            f"No layout of this trainer leaves {MARGIN:.0%} of the memory free on {devices}; the leanest is "
            f"{describe(layout)}: {sizes}."
        )
    return f"{describe(layout)} on {devices}: {sizes}."


def _page(target: Target, setup: TrainingSetup, written: Written, lost: tuple[str, ...], command: str) -> str:
    trainer = target.trainer
    model = f"{shape_text(setup.shape)}; {setup.n_params:,} weights, and {setup.n_params_norms:,} of norms"
    schedule = (
        f"linear warmup over {setup.warmup_steps:,} steps, constant to step {setup.decay_start:,}, then a linear decay "
        f"to zero at step {setup.steps:,}"
    )
    lines = [
        f"# Recipe for {escaped(trainer.title)}: {escaped(setup.budget)}",
        "",
        f"Written for {escaped(trainer.version)}, read on {trainer.read}. Another version may name things differently.",
        "",
        *fenced(command),
        "",
        "## Start it",
        "",
        *fenced("\n".join((target.install, *written.run))),
        "",
        *(f"- {escaped(note)}" for note in (*written.notes, *_of_nodes(setup))),
        "",
        "## What this recipe does not express",
        "",
        *(f"- {escaped(text)}" for text in lost),
        "",
        "## The plan, and where it stands",
        "",
        f"- model: {escaped(model)}",
        f"- layout: {escaped(layout_text(setup))}",
        f"- schedule: {schedule}",
        f"- precision: 16-bit products, fp32 weights; the plan is in {setup.precision}",
        "",
        *table(("", "plan", "key"), _cells(target, setup)),
        "",
        "## Checkpoints to keep",
        "",
        escaped(CHECKPOINTS_WHY),
        "",
        *table(CHECKPOINTS_HEADER, [checkpoint_cells(each) for each in setup.checkpoints]),
        "",
    ]
    return "\n".join(lines)


def _of_nodes(setup: TrainingSetup) -> tuple[str, ...]:
    nodes, _ = spread(setup)
    return () if nodes == 1 else (f"Start it on each of the {nodes} nodes; HOST is the name of the first.",)


def _cells(target: Target, setup: TrainingSetup) -> Iterator[tuple[str, str, str]]:
    names = target.trainer.names
    for quantity in Quantity:
        name = names.get(quantity)
        if name is None:
            continue
        value = amount(setup, quantity, name.unit)
        yield quantity, f"{_text(value)} {name.unit}".strip(), name.key


def _text(value: float | bool | list[float]) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(f"{each:g}" for each in value)
    return f"{value:,}" if isinstance(value, int) else f"{value:.6g}"

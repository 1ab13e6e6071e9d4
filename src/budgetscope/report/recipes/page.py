"""The page of a recipe, README.md beside its files: the plan's numbers, the keys that carry them, and what is lost."""

from collections.abc import Iterator
from dataclasses import dataclass

from budgetscope.core.answers.layout import MARGIN, describe
from budgetscope.core.answers.training_setup import TrainingSetup
from budgetscope.core.language import N_, _, in_english
from budgetscope.core.trainers import Quantity, amount
from budgetscope.report.layouts import batch_text
from budgetscope.report.markdown import escaped, fenced, heading, table
from budgetscope.report.recipe_sheet import CHECKPOINTS_HEADER, CHECKPOINTS_WHY, checkpoint_cells
from budgetscope.report.recipes.target import Target, Written, spread
from budgetscope.report.rows import shape_text
from budgetscope.report.words import headed, listed

PAGE = "README.md"
"""Name of the page beside the files of a recipe."""


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
    with in_english():
        files = target.write(setup).files
    written = target.write(setup)
    lost = (*written.lost, *map(_, target.lost))
    page = _page(target, setup, written, lost, command)
    return TrainerRecipe(target, setup, lost, ((PAGE, page), *files))


def recipe_told(recipe: TrainerRecipe) -> tuple[str, ...]:
    """Return what the screen tells of a recipe: its version, its layout, and each thing that it does not say."""
    trainer = recipe.target.trainer
    return (
        _("written for {version}, read on {date}").format(version=trainer.version, date=trainer.read),
        _("layout: {layout}").format(layout=layout_text(recipe.setup)),
        *(_("not expressed: {what}").format(what=text) for text in recipe.lost),
    )


def layout_text(setup: TrainingSetup) -> str:
    """Return the layout, its batch and its memory as a sentence."""
    layout, idle = setup.layout, setup.placed.idle
    devices = _("{n} x {device}").format(n=f"{layout.n_devices:,}", device=setup.device)
    if idle:
        devices = listed((devices, _("{n} idle").format(n=f"{idle:,}")))
    told = _("{layout} on {devices}: {batch}; {memory} GB on the fullest device.")
    if not setup.fits:
        told = _(
            "No layout of this trainer leaves {margin} of the memory free on {devices}; the leanest is {layout}: "
            "{batch}; {memory} GB on the fullest device."
        )
    return told.format(
        margin=f"{MARGIN:.0%}",
        devices=devices,
        layout=describe(layout),
        batch=batch_text(layout, setup.batch_sequences),
        memory=f"{setup.placed.memory.peak / 1e9:.1f}",
    )


def _page(target: Target, setup: TrainingSetup, written: Written, lost: tuple[str, ...], command: str) -> str:
    trainer = target.trainer
    model = _("{shape}; {weights} weights, and {norms} of norms").format(
        shape=shape_text(setup.shape), weights=f"{setup.n_params:,}", norms=f"{setup.n_params_norms:,}"
    )
    schedule = _(
        "linear warmup over {warmup} steps, constant to step {start}, then a linear decay to zero at step {end}"
    ).format(warmup=f"{setup.warmup_steps:,}", start=f"{setup.decay_start:,}", end=f"{setup.steps:,}")
    precision = _("16-bit products, fp32 weights; the plan is in {precision}").format(precision=setup.precision)
    version = _("Written for {version}, read on {date}. Another version may name things differently.")
    title = _("Recipe for {trainer}: {budget}")
    lines = [
        heading(1, title.format(trainer=escaped(trainer.title), budget=escaped(setup.budget))),
        "",
        version.format(version=escaped(trainer.version), date=trainer.read),
        "",
        *fenced(command),
        "",
        heading(2, _("Start it")),
        "",
        *fenced("\n".join((target.install, *written.run))),
        "",
        *(f"- {escaped(note)}" for note in (*written.notes, *_of_nodes(setup))),
        "",
        heading(2, _("What this recipe does not express")),
        "",
        *(f"- {escaped(text)}" for text in lost),
        "",
        heading(2, _("The plan, and where it stands")),
        "",
        "- " + _("model: {model}").format(model=escaped(model)),
        "- " + _("layout: {layout}").format(layout=escaped(layout_text(setup))),
        "- " + _("schedule: {schedule}").format(schedule=schedule),
        "- " + _("precision: {precision}").format(precision=precision),
        "",
        *table(headed(("", N_("plan"), N_("key"))), _cells(target, setup)),
        "",
        heading(2, _("Checkpoints to keep")),
        "",
        escaped(_(CHECKPOINTS_WHY)),
        "",
        *table(headed(CHECKPOINTS_HEADER), [checkpoint_cells(each) for each in setup.checkpoints]),
        "",
    ]
    return "\n".join(lines)


def _of_nodes(setup: TrainingSetup) -> tuple[str, ...]:
    nodes = spread(setup)[0]
    told = _("Start it on each of the {n} nodes; HOST is the name of the first.").format(n=nodes)
    return () if nodes == 1 else (told,)


def _cells(target: Target, setup: TrainingSetup) -> Iterator[tuple[str, str, str]]:
    names = target.trainer.names
    for quantity in Quantity:
        name = names.get(quantity)
        if name is None:
            continue
        value = amount(setup, quantity, name.unit)
        yield _(quantity), f"{_text(value)} {_(name.unit) if name.unit else ''}".strip(), name.key


def _text(value: float | bool | list[float]) -> str:
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, list):
        return listed(f"{each:g}" for each in value)
    return f"{value:,}" if isinstance(value, int) else f"{value:.6g}"

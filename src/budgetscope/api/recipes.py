"""Recipes: the files that a trainer needs for the run of an answer, made and written."""

from pathlib import Path

from budgetscope.core.answers.answer import Answer
from budgetscope.core.answers.training_setup import training_setup
from budgetscope.core.errors import UsageError
from budgetscope.report.recipes.page import TrainerRecipe, trainer_recipe
from budgetscope.report.recipes.targets import recipe_command, target
from budgetscope.store.files import check_folder_above, listed, status, write_atomically, write_folder


def recipe_for(answer: Answer, name: str, command: str) -> TrainerRecipe:
    """Return the recipe of an answer for a trainer.

    Args:
        answer: with the plan.
        name: of the target.
        command: the shell command that exports the answer; the recipe shows it with its target.

    Raises:
        UsageError: no target has that name, or the plan has no shape.
        FailureError: the answer's law gives no usable numbers.
    """
    chosen = target(name)
    again = recipe_command(command, chosen.trainer.name)
    return trainer_recipe(chosen, training_setup(answer, chosen.allowed), again)


def refuse_format(form: str | None) -> None:
    """Refuse a format beside a recipe.

    Raises:
        UsageError: one is stated.
    """
    if form is not None:
        raise UsageError("a recipe has the files of its trainer, and no --format; leave one of the two out.")


def check_recipe_folder(folder: Path, *, overwrite: bool) -> None:
    """Refuse a folder for a recipe that is a file, that holds something while `overwrite` is false, or in no folder.

    Raises:
        UsageError: it is a file, or not empty, or the folder above it is missing.
        FailureError: the system refuses to say.
    """
    if status(folder) is None:
        check_folder_above(folder)
        return
    if not folder.is_dir():
        raise UsageError(f"{str(folder)!r} is a file, and a recipe is a folder of files; name a folder.")
    if not overwrite and listed(folder):
        raise UsageError(f"{str(folder)!r} is not empty; name another folder or add --force.")


def write_recipe(folder: Path, recipe: TrainerRecipe, *, overwrite: bool) -> tuple[Path, ...]:
    """Write the files of a recipe to a folder, all or none; with `overwrite` one by one into a folder that is there.

    Returns:
        The files.

    Raises:
        UsageError: as `check_recipe_folder`.
        FailureError: the folder cannot be written.
    """
    check_recipe_folder(folder, overwrite=overwrite)
    if listed(folder):
        for name, text in recipe.files:
            write_atomically(folder / name, text)
    else:
        write_folder(folder, recipe.files)
    return tuple(folder / name for name, _ in recipe.files)

"""Recipes: the files that a trainer needs for the run of an answer, made and written."""

from pathlib import Path

from budgetscope.core.answers.answer import Answer
from budgetscope.core.answers.training_setup import training_setup
from budgetscope.core.errors import UsageError
from budgetscope.report.recipes.page import PAGE, TrainerRecipe, trainer_recipe
from budgetscope.report.recipes.targets import recipe_command, target
from budgetscope.store.files import (
    check_folder_above,
    listed,
    open_file,
    status,
    unreadable,
    write_atomically,
    write_folder,
)


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
    """Refuse a folder for a recipe that is a file, in no folder, or holds no recipe but something else.

    With `overwrite` it may hold anything. Whether a recipe is the one to write, `write_recipe` checks.

    Raises:
        UsageError: it is a file, or not empty and without a recipe's README.md, or the folder above it is missing.
        FailureError: the system refuses to say.
    """
    if status(folder) is None:
        check_folder_above(folder)
        return
    if not folder.is_dir():
        raise UsageError(f"{str(folder)!r} is a file, and a recipe is a folder of files; name a folder.")
    if not overwrite and listed(folder) and status(folder / PAGE) is None:
        raise _not_empty(folder)


def _not_empty(folder: Path) -> UsageError:
    return UsageError(f"{str(folder)!r} is not empty; name another folder or add --force.")


def _check_unchanged(folder: Path, recipe: TrainerRecipe) -> None:
    """Refuse a folder that is not empty, unless it holds this very recipe: what a person has changed is kept.

    Raises:
        UsageError: it holds something else, or a file of the recipe was changed.
        FailureError: a file cannot be read.
    """
    if not listed(folder):
        return
    there = [(name, _holds(folder / name, text)) for name, text in recipe.files if status(folder / name) is not None]
    if (PAGE, True) not in there:
        raise _not_empty(folder)
    for name, same in there:
        if not same:
            raise UsageError(
                f"{str(folder / name)!r} was changed since it was written; name another folder, or add --force to "
                "lose the changes."
            )


def _holds(path: Path, text: str) -> bool:
    """Return whether a file has exactly this text."""
    wanted = text.encode()
    try:
        with open_file(path) as file:
            return file.read(len(wanted) + 1) == wanted
    except OSError as error:
        raise unreadable(path, error) from None


def write_recipe(folder: Path, recipe: TrainerRecipe, *, overwrite: bool) -> tuple[Path, ...]:
    """Write the files of a recipe to a folder, all or none; one by one into a folder that is not empty.

    Without `overwrite` no file is replaced: a folder that is not empty must hold this very recipe.

    Returns:
        The files.

    Raises:
        UsageError: as `check_recipe_folder`; or the folder holds another recipe, or this one with changes.
        FailureError: the folder cannot be read or written.
    """
    check_recipe_folder(folder, overwrite=overwrite)
    if not overwrite:
        _check_unchanged(folder, recipe)
    if listed(folder):
        for name, text in recipe.files:
            write_atomically(folder / name, text)
    else:
        write_folder(folder, recipe.files)
    return tuple(folder / name for name, _ in recipe.files)

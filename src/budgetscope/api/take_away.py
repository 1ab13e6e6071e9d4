"""Take an answer away: its report as a file, or a recipe for a trainer as a folder."""

import re
from dataclasses import dataclass
from pathlib import Path

from budgetscope.api.ask import Advisor, AnsweredRequest
from budgetscope.api.export import EXPORT_FORMATS, check_export, format_of, write_export
from budgetscope.api.recipes import check_recipe_folder, refuse_format, write_recipe
from budgetscope.core.errors import UsageError
from budgetscope.core.language import N_, _
from budgetscope.report.recipes.targets import TARGETS, target
from budgetscope.store.files import listed, status
from budgetscope.store.locations import expanded

_FORMATS = {
    "html": N_("Report for a meeting, one page with figures (html)"),
    "md": N_("Report as text (md)"),
    "csv": N_("Every number as a table (csv)"),
    "json": N_("Every number for programs (json)"),
}
_MOST_CHARS = 60
"""Of a file's name: that of a long budget is cut."""


@dataclass(frozen=True, slots=True)
class Form:
    """A form in which an answer can be taken away.

    Attributes:
        name: one of `EXPORT_FORMATS`, or the name of a trainer.
        is_recipe: whether it is a trainer's recipe, a folder; else a file.
        title: one line.
    """

    name: str
    is_recipe: bool
    title: str


@dataclass(frozen=True, slots=True)
class Taken:
    """What was written.

    Attributes:
        path: of the file, or of the recipe's folder; absolute.
        files: number of files.
        is_recipe: whether it is a recipe; its README.md tells the layout, and what the trainer does not express.
    """

    path: Path
    files: int
    is_recipe: bool


def forms() -> tuple[Form, ...]:
    """Return the forms: the reports, then the recipes."""
    reports = [Form(name, is_recipe=False, title=_(_FORMATS.get(name, name))) for name in EXPORT_FORMATS]
    recipes = [
        Form(name, is_recipe=True, title=_("Recipe for {trainer} (a folder)").format(trainer=target.trainer.title))
        for name, target in TARGETS.items()
    ]
    return (*reports, *recipes)


def form_of(name: str | None, trainer: str | None, path: Path) -> Form:
    """Return the form that a format or a trainer names, or else the ending of the file.

    Args:
        name: of a format; None when it is not stated.
        trainer: of the recipe; None for a report or its numbers.
        path: of the file, or of the folder of a recipe.

    Raises:
        UsageError: nothing is of that name, or two of the three contradict each other.
    """
    if trainer is None:
        wanted = (format_of(name, path), False)
    else:
        refuse_format(name)
        wanted = (target(trainer).trainer.name, True)
    return next(form for form in forms() if (form.name, form.is_recipe) == wanted)


def proposed_path(answer: AnsweredRequest, form: Form) -> str:
    """Return a path in the working folder, named after the budget."""
    stem = re.sub(r"[^a-z0-9.]+", "-", answer.request.budget.lower()).strip("-.")[:_MOST_CHARS] or "plan"
    return f"{stem}-{form.name}" if form.is_recipe else f"{stem}.{form.name}"


def full_path(text: str) -> Path:
    """Return the absolute path of a typed one; `~` is the home folder.

    Raises:
        UsageError: it is empty.
    """
    if not text.strip():
        raise UsageError("there is no path; type one, such as plan.md.")
    return expanded(text.strip()).absolute()


def replaces(form: Form, path: Path) -> bool:
    """Return whether writing there would replace something: a file, or files of a folder that is not empty.

    Raises:
        UsageError: a file is where a recipe's folder should be, or the reverse.
        FailureError: the system refuses to say.
    """
    if status(path) is None:
        return False
    if form.is_recipe and not path.is_dir():
        raise UsageError(f"{str(path)!r} is a file, and a recipe is a folder of files; name a folder.")
    if not form.is_recipe and path.is_dir():
        raise UsageError(f"{str(path)!r} is a folder, and a report is a file; name a file in it.")
    return bool(listed(path)) if form.is_recipe else True


def check_place(form: Form, path: Path, *, overwrite: bool) -> None:
    """Refuse a path at which a form could not be written, as `take_away` would after all the work.

    Raises:
        UsageError: something is there and `overwrite` is false, or of the other kind, or the folder above is missing.
        FailureError: the system refuses to say.
    """
    check = check_recipe_folder if form.is_recipe else check_export
    check(path, overwrite=overwrite)


def take_away(advisor: Advisor, answer: AnsweredRequest, form: Form, path: Path, *, overwrite: bool) -> Taken:
    """Write an answer in a form.

    Args:
        advisor: that answered.
        answer: to write.
        form: of `forms`.
        path: of the file, or of the folder of a recipe.
        overwrite: whether to replace what is there.

    Raises:
        UsageError: something is there and `overwrite` is false, or the plan has no shape for a recipe.
        FailureError: the law gives no usable numbers, or nothing can be written there.
    """
    if not form.is_recipe:
        write_export(path, advisor.export(answer, form.name), overwrite=overwrite)
        return Taken(path, 1, is_recipe=False)
    written = write_recipe(path, advisor.trainer_recipe(answer, form.name), overwrite=overwrite)
    return Taken(path, len(written), is_recipe=True)

"""Export of an answer: plan, comparison and the command for them, as one text or file."""

from pathlib import Path

from budgetscope.core.answers.comparison import Comparison
from budgetscope.core.answers.plan import Plan
from budgetscope.core.errors import UsageError
from budgetscope.report import tables
from budgetscope.store.files import status, write_atomically

EXPORT_FORMATS = ("md", "csv", "json")


def export_text(form: str, plan: Plan, comparison: Comparison, command: str) -> str:
    """Return an answer as one text.

    Args:
        form: one of `EXPORT_FORMATS`.
        plan: of the answer.
        comparison: of the laws at the answer's budget.
        command: the shell command for both.

    Raises:
        UsageError: the format is unknown.
    """
    match form:
        case "md":
            return tables.plan_markdown(plan, command) + "\n" + tables.comparison_markdown(comparison)
        case "csv":
            return tables.export_csv(plan, comparison, command)
        case "json":
            return tables.export_json(plan, comparison, command)
        case _:
            raise UsageError(f"{form!r} is not a format; choose one of {', '.join(EXPORT_FORMATS)}.")


def write_export(path: Path, text: str, *, overwrite: bool) -> None:
    """Write an export to a file.

    Raises:
        UsageError: the file exists and `overwrite` is false.
        FailureError: the folder cannot be written.
    """
    if not overwrite and status(path) is not None:
        raise UsageError(f"{str(path)!r} exists; name another file or add --force.")
    write_atomically(path, text)

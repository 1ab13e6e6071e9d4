"""The question before a calibration becomes the default law: what it changes at the user's budget."""

import contextlib
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import typer

from budgetscope.core.errors import BudgetscopeError, UsageError

if TYPE_CHECKING:
    from budgetscope.api import Advisor


@dataclass(frozen=True, slots=True)
class Acceptance:
    """How a fit is accepted.

    Attributes:
        budget: at which the change is shown, as text; None takes that of the app's last session, if there is one.
        yes: whether to do so without a question.
    """

    budget: str | None
    yes: bool


def acceptance(*, accept: bool, budget: str | None, yes: bool) -> Acceptance | None:
    """Return how the fit of a run is to be accepted; None if it is not.

    Raises:
        UsageError: an option has no effect, the budget is not understood, or nobody can answer the question.
    """
    if not accept:
        ignored = "--yes" if yes else "--at" if budget is not None else ""
        if ignored:
            raise UsageError(f"{ignored} has no effect without --accept; give both or neither.")
        return None
    return checked("--accept", budget, yes=yes)


def checked(what: str, budget: str | None, *, yes: bool) -> Acceptance:
    """Return how a fit is to be accepted, once its budget is understood and its question can be answered.

    Args:
        what: what asks, for the refusal.
        budget: see `Acceptance`.
        yes: see `Acceptance`.

    Raises:
        UsageError: the budget is not understood, or nobody can answer the question.
    """
    if budget is not None:
        from budgetscope.api import Advisor, PlanRequest

        Advisor().answer(PlanRequest(budget))
    if not yes and not _can_ask():
        raise UsageError(f"{what} asks before it changes the law, and here is no terminal to answer at; add --yes.")
    return Acceptance(budget, yes)


def _can_ask() -> bool:
    return sys.stdin.isatty()


def agreed(advisor: "Advisor", law: str, how: Acceptance, *, quiet: bool = False) -> bool:
    """Show what following a fit changes at the user's budget, and return whether the user wants it.

    Args:
        advisor: with the law in use.
        law: id of the fit, or the path of its file.
        how: budget, and whether to ask.
        quiet: whether to leave the change out.
    """
    from budgetscope.api import PlanRequest, calibration, from_record
    from budgetscope.api.app_state import read_state
    from budgetscope.cli.calibrate_view import show_change
    from budgetscope.cli.output import console

    if not quiet:
        request = None if how.budget is None else PlanRequest(how.budget)
        # The app's last session may be broken, or from a version with other fields.
        with contextlib.suppress(BudgetscopeError):
            record = read_state().request
            request = request or (from_record(record) if record else None)
        judged = calibration.judge(advisor, law, request)
        if not judged.active:
            show_change(judged, console())
    return how.yes or typer.confirm("make it the active law?", err=True)

"""The question before a calibration becomes the default law: what it changes at the user's budget."""

import contextlib
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import typer

from budgetscope.core.errors import BudgetscopeError, UsageError
from budgetscope.core.language import _

if TYPE_CHECKING:
    from budgetscope.api import Advisor, PlanRequest
    from budgetscope.api.calibration import Ready


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
    from budgetscope.api import calibration
    from budgetscope.cli.calibrate_view import show_change
    from budgetscope.cli.output import console

    if not quiet:
        judged = calibration.judge(advisor, law, users_request(how.budget))
        if not judged.active:
            show_change(judged, console())
    return how.yes or typer.confirm(_("make it the active law?"), err=True)


def users_request(budget: str | None) -> "PlanRequest | None":
    """Return the request of a budget, else that of the app's last session; None where there is none."""
    from budgetscope.api import PlanRequest, from_record
    from budgetscope.api.app_state import read_state

    if budget is not None:
        return PlanRequest(budget)
    # The app's last session may be broken, or from a version with other fields.
    with contextlib.suppress(BudgetscopeError):
        record = read_state().request
        return from_record(record) if record else None
    return None


def foretold(ready: "Ready", budget: str | None) -> str:
    """Return how well N at the user's budget would be known after a run; what to give where none is known."""
    from budgetscope.api import Advisor, calibration
    from budgetscope.report.calibration_value import foretold_text

    request = users_request(budget)
    if request is None:
        return _("how well N would be known after this run: give your budget with --at")
    try:
        return foretold_text(calibration.foretell(Advisor(), ready.spec.design, request))
    except BudgetscopeError as error:
        return _("how well N would be known after this run is not known: {reason}").format(reason=error)

"""Slow jobs of the Calibrate screen, for a thread."""

from collections.abc import Callable
from typing import Any

from budgetscope.api import Advisor, PlanRequest, calibration
from budgetscope.api.calibration import Progress, Ready, Request, RunFolder
from budgetscope.core.errors import BudgetscopeError
from budgetscope.core.language import _
from budgetscope.report.calibration_value import foretold_text


class CancelledError(BudgetscopeError):
    """The user has cancelled a preparation."""


class Preparation:
    """Prepares a run, reports its progress, and can be cancelled.

    Attributes:
        said: the present stage.
        notes: sentences on slow steps and decisions, in order.
    """

    def __init__(self, wishes: dict[str, Any]) -> None:
        self._wishes = wishes
        self._cancelled = False
        self.said = _("looking")
        self.notes: list[str] = []

    def cancel(self) -> None:
        """Cancel; the job ends at its next report of progress."""
        self._cancelled = True

    def run(self) -> Ready:
        """Return the prepared run; slow.

        Raises:
            CancelledError: it was cancelled.
            BudgetscopeError: an option is contradictory, out of bounds or names something that does not exist.
        """
        return calibration.prepare(Request(**self._wishes), on_corpus=self._follow, say=self._note)

    def _check(self) -> None:
        if self._cancelled:
            raise CancelledError(_("given up."))

    def _follow(self, progress: Progress) -> None:
        self._check()
        share = f" {progress.done / progress.total:.0%}" if progress.total else ""
        self.said = f"{_(progress.stage)}{share}"

    def _note(self, sentence: str) -> None:
        self._check()
        self.said = sentence
        self.notes.append(sentence)


def foretold(advisor: Advisor, request: PlanRequest, ready: Ready) -> str:
    """Return how well N at the user's budget would be known after a run; empty where the request has no plan."""
    try:
        return foretold_text(calibration.foretell(advisor, ready.spec.design, request))
    except BudgetscopeError:
        return ""


def begin(ready: Ready) -> str:
    """Start the worker of a prepared run, which continues without the app; return no message.

    Raises:
        FailureError: the worker ended before it had the run.
    """
    return resume(calibration.create(ready))


def resume(folder: RunFolder) -> str:
    """Resume a run, as `begin`."""
    calibration.start(folder, calibration.Options()).leave()
    return ""


def halt(folder: RunFolder, say: Callable[[str], None]) -> str:
    """Stop the worker of a run, and return how it ended.

    Args:
        folder: of the run.
        say: called with a sentence on what is waited for, if that takes long.

    Raises:
        BudgetscopeError: there is no worker, or it did not end.
    """
    return f"{folder.name} {calibration.stop(folder, say=say)}"

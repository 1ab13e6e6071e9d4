"""Long work of the calibrate screen, each in a thread that does not keep the app from ending."""

import contextlib
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from textual.message import Message
from textual.widget import Widget

from budgetscope.calibrate.run.folder import RunFolder
from budgetscope.calibrate.run.launch import Options, start, stop
from budgetscope.core.errors import BudgetscopeError

if TYPE_CHECKING:
    from budgetscope.calibrate.corpus import Progress
    from budgetscope.calibrate.plan.request import Ready


class JobDone(Message):
    """A job has ended; `finish` shows what came of it."""

    def __init__(self, finish: Callable[[], None]) -> None:
        super().__init__()
        self.finish = finish


def in_thread(
    owner: Widget, job: Callable[[], Any], done: Callable[[Any], None], refused: Callable[[str], None]
) -> None:
    """Do a job in a daemon thread.

    Args:
        owner: gets a `JobDone` message.
        job: must not touch widgets.
        done: called by the message's handler with the result.
        refused: called instead with the sentence, when the job was refused.
    """

    def run() -> None:
        try:
            result = job()
        except BudgetscopeError as error:
            sentence = str(error)
            finish = lambda: refused(sentence)  # noqa: E731 - one of two
        else:
            finish = lambda: done(result)  # noqa: E731 - one of two
        # The app may have ended meanwhile.
        with contextlib.suppress(RuntimeError):
            owner.post_message(JobDone(finish))

    threading.Thread(target=run, daemon=True).start()


class CancelledError(BudgetscopeError):
    """The user does not want it any more."""


class Preparation:
    """Prepares a run: data, device, design; says how far it is, and can be given up.

    Attributes:
        said: what goes on.
        notes: everything that was decided or took time, in order.
    """

    def __init__(self, wishes: dict[str, Any]) -> None:
        self._wishes = wishes
        self._cancelled = False
        self.said = "looking"
        self.notes: list[str] = []

    def cancel(self) -> None:
        """Give it up: it ends at its next sign of life."""
        self._cancelled = True

    def run(self) -> "Ready":
        """Return a run that can start; slow.

        Raises:
            CancelledError: it was given up.
            BudgetscopeError: something asked for is contradictory, out of bounds or not there.
        """
        from budgetscope.calibrate.plan.request import Request, ready  # noqa: PLC0415 - NumPy, which the app does without

        return ready(Request(**self._wishes), on_corpus=self._follow, say=self._note)

    def _check(self) -> None:
        if self._cancelled:
            raise CancelledError("given up.")

    def _follow(self, progress: "Progress") -> None:
        self._check()
        share = f" {progress.done / progress.total:.0%}" if progress.total else ""
        self.said = f"{progress.stage}{share}"

    def _note(self, sentence: str) -> None:
        self._check()
        self.said = sentence
        self.notes.append(sentence)


def begin(ready: "Ready") -> str:
    """Start the worker of a prepared run, which goes on without the app; return nothing to say.

    Raises:
        FailureError: it ended before it had the run.
    """
    return resume(RunFolder.create(ready.spec))


def resume(folder: RunFolder) -> str:
    """Go on with a run, as `begin`."""
    start(folder, Options()).leave()
    return ""


def halt(folder: RunFolder) -> str:
    """Stop a run's worker, and return how it left.

    Raises:
        BudgetscopeError: there is none, or it did not leave.
    """
    return f"{folder.name} {stop(folder)}"

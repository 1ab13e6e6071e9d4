"""What a campaign counts, how it takes its attempts, and the time that one attempt may take."""

import contextlib
import random
import signal
import threading
import time
import traceback
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from budgetscope.core.errors import BudgetscopeError

LONGEST_SECONDS = 1.0
"""Of processor time; an attempt that takes more hangs."""
_ALARM_SECONDS = 20.0
"""After which an attempt is broken off: on a busy machine a second of work takes longer."""
_TOLD = 5
ENOUGH_FAULTS = 100
_LONGEST_REFUSAL = 1000


class HungError(BaseException):
    """An attempt was broken off; it is no Exception, so that nothing on its way catches it."""


@dataclass
class Counts:
    """The outcome of a campaign: all but `tried` is to be zero.

    Attributes:
        tried: attempts.
        tracebacks: errors that are not refusals in our words.
        hangs: attempts that took too long.
        wrong: answers that are wrong without a word.
        lost: data that is gone or changed.
        told: the first faults, each with the number of its attempt.
    """

    tried: int = 0
    tracebacks: int = 0
    hangs: int = 0
    wrong: int = 0
    lost: int = 0
    told: list[str] = field(default_factory=list)

    @property
    def faults(self) -> int:
        """Everything that should not be."""
        return self.tracebacks + self.hangs + self.wrong + self.lost

    def attempts(self, seed: int, deadline: float) -> Iterator[random.Random]:
        """Yield random numbers for each attempt until a time of `time.monotonic`; at least one.

        A campaign with many faults ends early: more would tell nothing.
        """
        while not self.tried or (time.monotonic() < deadline and self.faults < ENOUGH_FAULTS):
            self.tried += 1
            yield random.Random(f"{seed} {self.tried}")

    def fault(self, kind: str, what: str) -> None:
        """Count a fault of the present attempt."""
        setattr(self, kind, getattr(self, kind) + 1)
        if len(self.told) < _TOLD:
            self.told.append(f"{kind}, attempt {self.tried}: {what[:600]}")

    @contextlib.contextmanager
    def watched(self, what: object, seconds: float = LONGEST_SECONDS) -> Iterator[None]:
        """Count what goes wrong in the body; a refusal in our words does not, if it is a printable line."""
        begun = time.thread_time()
        try:
            with _alarm():
                yield
        except BudgetscopeError as refusal:
            if not (str(refusal).isprintable() and len(str(refusal)) < _LONGEST_REFUSAL):
                self.fault("tracebacks", f"{what!r} is refused in no line: {str(refusal)!r}")
        except HungError:
            self.fault("hangs", f"{what!r} did not end")
            return
        except Exception as error:  # noqa: BLE001 - every other error is a fault
            places = [f"{Path(at.filename).name}:{at.lineno}" for at in traceback.extract_tb(error.__traceback__)[-4:]]
            self.fault("tracebacks", f"{what!r}: {error!r} at {' '.join(places)}")
        if time.thread_time() - begun > seconds:
            self.fault("hangs", f"{what!r} took {time.thread_time() - begun:.1f} s")


@contextlib.contextmanager
def _alarm() -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def ring(_: int, __: FrameType | None) -> None:
        raise HungError

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, _ALARM_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)

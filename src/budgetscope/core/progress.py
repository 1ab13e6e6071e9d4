"""The progress of long work: whoever works tells it, and whoever waits may show it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

Report = Callable[[str, int, int], None]
"""Takes the name of the present stage, how much of it is done, and how much there is, 0 if that is not known."""

_report: ContextVar[Report | None] = ContextVar("report", default=None)


@contextmanager
def reporting(report: Report) -> Iterator[None]:
    """Have `report` called with the progress of what is done inside."""
    token = _report.set(report)
    try:
        yield
    finally:
        _report.reset(token)


def tell(stage: str, done: int = 0, total: int = 0) -> None:
    """Report progress to whoever asked for it."""
    report = _report.get()
    if report is not None:
        report(stage, done, total)

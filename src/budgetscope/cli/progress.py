"""Progress of long work on stderr, where that is a terminal."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress

_AFTER_S = 1.0


class _Bar:
    """A bar that appears once the work has taken a second."""

    def __init__(self) -> None:
        self._begin = time.monotonic()
        self._bar: Progress | None = None

    def __call__(self, stage: str, done: int, total: int) -> None:
        if self._bar is None:
            if time.monotonic() - self._begin < _AFTER_S:
                return
            self._bar = _started()
        described = stage if total or not done else f"{stage}: {done:,}"
        self._bar.update(self._bar.task_ids[0], description=described, completed=done, total=total or None)

    def stop(self) -> None:
        if self._bar is not None:
            self._bar.stop()


def _started() -> "Progress":
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    bar = Progress(*columns, console=Console(stderr=True), transient=True)
    bar.add_task("", total=None)
    bar.start()
    return bar


@contextmanager
def progress() -> Iterator[None]:
    """Show what the work inside tells of its progress; nothing without a terminal, or in the first second."""
    from budgetscope.api.runs import reporting

    if not sys.stderr.isatty():
        yield
        return
    bar = _Bar()
    try:
        with reporting(bar):
            yield
    finally:
        bar.stop()

"""Work in threads: slow computations of the screens, which never hold up a key."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from threading import Thread
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from textual.screen import Screen
from textual.widget import Widget

from budgetscope.api.form_words import in_form
from budgetscope.core.errors import BudgetscopeError

if TYPE_CHECKING:
    from textual.worker import Worker

T = TypeVar("T")


def _is_leaving(owner: Widget) -> bool:
    """Return whether a widget, its screen or the app is being removed: its parts may be gone before its jobs end."""
    return not (owner.app.is_running and owner.is_mounted and owner.screen.display)


async def in_thread(compute: Callable[[], T]) -> T:
    """Return what `compute` returns, computed in a daemon thread, for which the app does not wait when it ends."""
    future: Future[T] = Future()

    def run() -> None:
        try:
            future.set_result(compute())
        except BaseException as error:  # noqa: BLE001 - raised where it is awaited
            future.set_exception(error)

    future.set_running_or_notify_cancel()
    Thread(target=run, daemon=True).start()
    return await asyncio.wrap_future(future)


def run_in_thread(
    owner: Widget, compute: Callable[[], T], show: Callable[[T], None], refuse: Callable[[str], None]
) -> None:
    """Compute in a thread, then show the result; unlike those of `Background`, no job replaces another.

    Args:
        owner: the widget whose job it is; nothing is shown once it is removed.
        compute: must not touch widgets.
        show: takes the result, in the app's own thread.
        refuse: called in place of `show` with the sentence of a `BudgetscopeError`.
    """

    async def work() -> None:
        try:
            finish = partial(show, await in_thread(compute))
        except BudgetscopeError as error:
            finish = partial(refuse, in_form(str(error)))
        if not _is_leaving(owner):
            finish()

    _: Worker[None] = owner.run_worker(work)


class _Job(NamedTuple):
    """A job that waits or runs; `compute` returns what shows its result."""

    compute: Callable[[], Callable[[], None]]
    refuse: Callable[[str], None]
    is_current: Callable[[], bool]
    pause: float


class Background:
    """Computes for the parts of a screen: one job at a time for each, and of those that wait only the newest."""

    def __init__(self, screen: Screen[Any], when_idle: Callable[[], None]) -> None:
        """Wait for jobs.

        Args:
            screen: whose parts are filled; the jobs end with it.
            when_idle: called whenever no job is left.
        """
        self._screen = screen
        self._when_idle = when_idle
        self._newest: dict[str, _Job] = {}
        self._busy_parts: set[str] = set()

    @property
    def busy(self) -> bool:
        """Whether something is computed."""
        return bool(self._busy_parts)

    def run(
        self,
        compute: Callable[[], T],
        show: Callable[[T], None],
        part: str = "",
        *,
        refuse: Callable[[str], None],
        is_current: Callable[[], bool] = lambda: True,
        pause: float = 0.0,
    ) -> None:
        """Compute in a thread, then show the result, unless a newer job for the part has come meanwhile.

        Args:
            compute: must not touch widgets.
            show: takes the result, in the app's own thread.
            part: of the screen that the result fills; the parts do not wait for each other.
            refuse: called in place of `show` with the sentence of a `BudgetscopeError`.
            is_current: whether the result is still wanted; asked when it is there.
            pause: seconds to wait first, for a newer job.
        """

        def computed() -> Callable[[], None]:
            return partial(show, compute())

        self._newest[part] = _Job(computed, refuse, is_current, pause)
        if part not in self._busy_parts:
            self._busy_parts.add(part)
            self._screen.call_after_refresh(self._screen.run_worker, partial(self._work, part))

    def cancel(self, part: str = "") -> None:
        """Drop the job of a part, which has been filled without it."""
        self._newest.pop(part, None)

    async def _work(self, part: str) -> None:
        """Do the jobs of a part until none is left."""
        try:
            while part in self._newest:
                await self._do(part, self._newest[part])
        finally:
            self._busy_parts.discard(part)
        if not (self._busy_parts or _is_leaving(self._screen)):
            self._when_idle()

    async def _do(self, part: str, job: _Job) -> None:
        await asyncio.sleep(job.pause)
        if self._newest.get(part) is not job:
            return
        try:
            finish = await in_thread(job.compute)
        except BudgetscopeError as error:
            finish = partial(job.refuse, in_form(str(error)))
        if self._newest.get(part) is job:
            del self._newest[part]
            if not _is_leaving(self._screen) and job.is_current():
                finish()

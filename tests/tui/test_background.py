"""The work of a screen in threads."""

import asyncio
import threading
import time

from textual.app import App, ComposeResult
from textual.pilot import Pilot
from textual.screen import Screen
from textual.widgets import Label

from budgetscope.core.errors import UsageError
from budgetscope.tui.background import Background, run_in_thread

PATIENCE_SECONDS = 30.0


class Working(Screen[None]):
    """A screen that notes what is shown."""

    def __init__(self) -> None:
        super().__init__()
        self.shown: list[object] = []
        self.background = Background(self, lambda: self.shown.append("idle"))


async def started(pilot: Pilot[None]) -> Working:
    screen = Working()
    await pilot.app.push_screen(screen)
    return screen


async def idle(pilot: Pilot[None], screen: Working) -> None:
    while screen.background.busy:
        await pilot.pause(0.01)


async def test_the_parts_do_not_wait_for_each_other_and_idle_comes_last() -> None:
    async with App[None]().run_test() as pilot:
        screen = await started(pilot)
        go = threading.Event()
        screen.background.run(
            lambda: go.wait(PATIENCE_SECONDS), screen.shown.append, "slow", refuse=screen.shown.append
        )
        screen.background.run(lambda: "quick", screen.shown.append, "quick", refuse=screen.shown.append)
        while not screen.shown:
            await pilot.pause(0.01)
        assert screen.background.busy
        go.set()
        await idle(pilot, screen)
        assert screen.shown == ["quick", True, "idle"]


async def test_of_the_jobs_of_a_part_the_newest_is_shown_unless_it_is_cancelled_or_outdated() -> None:
    async with App[None]().run_test() as pilot:
        screen = await started(pilot)
        show, refuse, current = screen.shown.append, screen.shown.append, [True]
        for number in range(3):
            screen.background.run(lambda number=number: number, show, refuse=refuse)  # type: ignore[misc]
        await idle(pilot, screen)
        screen.background.run(lambda: "cancelled", show, refuse=refuse)
        screen.background.cancel()
        await idle(pilot, screen)
        screen.background.run(lambda: "outdated", show, refuse=refuse, is_current=lambda: current[0])
        current[0] = False
        await idle(pilot, screen)
        assert [found for found in screen.shown if found != "idle"] == [2]


async def test_a_refusal_is_told_in_place_of_the_result() -> None:
    def refused() -> None:
        raise UsageError("no such budget.")

    async with App[None]().run_test() as pilot:
        screen = await started(pilot)
        screen.background.run(refused, lambda _: None, refuse=screen.shown.append)
        run_in_thread(screen, refused, lambda _: None, screen.shown.append)
        run_in_thread(screen, lambda: 1, screen.shown.append, lambda _: None)
        await pilot.app.workers.wait_for_complete()
        await idle(pilot, screen)
        assert sorted(map(str, screen.shown)) == ["1", "idle", "no such budget.", "no such budget."]


def test_an_app_that_ends_waits_for_no_thread() -> None:
    go = threading.Event()

    class Leaving(App[None]):
        def on_mount(self) -> None:
            screen = Working()
            self.push_screen(screen)
            screen.background.run(lambda: go.wait(PATIENCE_SECONDS), lambda _: None, refuse=lambda _: None)
            self.set_timer(0.2, self.exit)

    before = time.monotonic()
    Leaving().run(headless=True)
    assert time.monotonic() - before < PATIENCE_SECONDS / 2
    go.set()


async def test_nothing_is_shown_on_a_screen_that_is_being_removed() -> None:
    """Parts of a screen go before it does: a result that comes between must not look for them."""
    go = threading.Event()

    class Slow(Label):
        async def on_unmount(self) -> None:
            go.set()
            await asyncio.sleep(0.2)

    class Going(Working):
        def compose(self) -> ComposeResult:
            yield Slow()

    for leaves in (App.exit, App.pop_screen):
        go.clear()
        async with App[None]().run_test() as pilot:
            screen = Going()
            await pilot.app.push_screen(screen)
            screen.background.run(lambda: go.wait(PATIENCE_SECONDS), screen.shown.append, refuse=screen.shown.append)
            run_in_thread(screen, lambda: go.wait(PATIENCE_SECONDS), screen.shown.append, screen.shown.append)
            await pilot.pause(0.1)
            leaves(pilot.app)
            await pilot.pause(0.3)
        assert [found for found in screen.shown if found != "idle"] == []

import gc
from collections.abc import Iterator
from unittest.mock import Mock

import pytest

from budgetscope.api import Advisor, PlanRequest
from budgetscope.store.app_state import AppState
from budgetscope.tui import gc_schedule as collector_module
from budgetscope.tui.app import BudgetscopeApp
from budgetscope.tui.gc_schedule import GcSchedule


class Clock:
    def __init__(self) -> None:
        self.seconds = 100.0

    def monotonic(self) -> float:
        return self.seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(collector_module, "time", clock)
    return clock


@pytest.fixture
def searches(monkeypatch: pytest.MonkeyPatch) -> Iterator[Mock]:
    """Stand in for the search itself; `pile` says how much there is to search."""
    before = gc.get_threshold()
    searches = Mock(pile=0)
    monkeypatch.setattr(gc, "collect", searches.collect)
    monkeypatch.setattr(gc, "unfreeze", searches.unfreeze)
    monkeypatch.setattr(gc, "freeze", searches.freeze)
    monkeypatch.setattr(gc, "get_count", lambda: (0, 0, searches.pile))
    yield searches
    gc.set_threshold(*before)


@pytest.fixture
def gc_schedule(clock: Clock, searches: Mock) -> GcSchedule:
    """Start one, with nobody at the keyboard yet."""
    gc_schedule = GcSchedule()
    gc_schedule.start()
    searches.reset_mock()
    clock.seconds += 10
    return gc_schedule


def test_it_leaves_the_interpreter_alone_until_it_is_started(clock: Clock, searches: Mock) -> None:
    gc_schedule = GcSchedule()
    clock.seconds += 60
    searches.pile = 10_000
    gc_schedule.tick(passing=False)
    searches.collect.assert_not_called()
    gc_schedule.start()
    gc_schedule.tick(passing=False)
    searches.collect.assert_called_once()


def test_it_searches_once_nobody_types(gc_schedule: GcSchedule, clock: Clock, searches: Mock) -> None:
    searches.pile = 15
    for _ in range(5):
        gc_schedule.touch()
        clock.seconds += 0.5
        gc_schedule.tick(passing=False)
    searches.collect.assert_not_called()
    clock.seconds += 2
    gc_schedule.tick(passing=False)
    searches.collect.assert_called_once()
    searches.pile = 0
    clock.seconds += 60
    gc_schedule.tick(passing=False)
    searches.collect.assert_called_once()


def test_a_heap_that_grows_while_somebody_types_is_searched_all_the_same(
    gc_schedule: GcSchedule, searches: Mock
) -> None:
    gc_schedule.touch()
    searches.pile = 100
    gc_schedule.tick(passing=False)
    searches.collect.assert_called_once()
    searches.unfreeze.assert_not_called()


def test_what_is_open_for_a_while_can_be_found_once_it_is_closed(gc_schedule: GcSchedule, searches: Mock) -> None:
    searches.pile = 15
    gc_schedule.tick(passing=True)
    searches.collect.assert_called_once()
    searches.freeze.assert_not_called()
    gc_schedule.tick(passing=False)
    searches.freeze.assert_called_once()


def test_what_was_passed_is_searched_again_now_and_then(gc_schedule: GcSchedule, clock: Clock, searches: Mock) -> None:
    searches.pile = 100
    for _ in range(20):
        clock.seconds += 10
        gc_schedule.tick(passing=False)
    assert searches.collect.call_count == 20
    assert searches.unfreeze.call_count == 2


async def test_a_key_and_the_mouse_are_noticed() -> None:
    app = BudgetscopeApp(PlanRequest("1e20"), Advisor(), AppState())
    async with app.run_test(size=(80, 24)) as pilot:
        for act in (pilot.press("escape"), pilot.hover("#laws")):
            app.gc_schedule.touch = Mock()  # type: ignore[method-assign]
            await act
            app.gc_schedule.touch.assert_called()

import gc
from collections.abc import Iterator
from unittest.mock import Mock

import pytest

from budgetscope.api import Advisor, PlanRequest
from budgetscope.store.state import AppState
from budgetscope.tui import collector as collector_module
from budgetscope.tui.app import BudgetscopeApp
from budgetscope.tui.collector import Collector


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
def collector(clock: Clock, searches: Mock) -> Collector:
    """Start one, with nobody at the keyboard yet."""
    collector = Collector()
    collector.start()
    searches.reset_mock()
    clock.seconds += 10
    return collector


def test_it_leaves_the_interpreter_alone_until_it_is_started(clock: Clock, searches: Mock) -> None:
    collector = Collector()
    clock.seconds += 60
    searches.pile = 10_000
    collector.tick(passing=False)
    searches.collect.assert_not_called()
    collector.start()
    collector.tick(passing=False)
    searches.collect.assert_called_once()


def test_it_searches_once_nobody_types(collector: Collector, clock: Clock, searches: Mock) -> None:
    searches.pile = 15
    for _ in range(5):
        collector.touch()
        clock.seconds += 0.5
        collector.tick(passing=False)
    searches.collect.assert_not_called()
    clock.seconds += 2
    collector.tick(passing=False)
    searches.collect.assert_called_once()
    searches.pile = 0
    clock.seconds += 60
    collector.tick(passing=False)
    searches.collect.assert_called_once()


def test_a_heap_that_grows_while_somebody_types_is_searched_all_the_same(collector: Collector, searches: Mock) -> None:
    collector.touch()
    searches.pile = 100
    collector.tick(passing=False)
    searches.collect.assert_called_once()
    searches.unfreeze.assert_not_called()


def test_what_is_open_for_a_while_can_be_found_once_it_is_closed(collector: Collector, searches: Mock) -> None:
    searches.pile = 15
    collector.tick(passing=True)
    searches.collect.assert_called_once()
    searches.freeze.assert_not_called()
    collector.tick(passing=False)
    searches.freeze.assert_called_once()


def test_what_was_passed_is_searched_again_now_and_then(collector: Collector, clock: Clock, searches: Mock) -> None:
    searches.pile = 100
    for _ in range(20):
        clock.seconds += 10
        collector.tick(passing=False)
    assert searches.collect.call_count == 20
    assert searches.unfreeze.call_count == 2


async def test_a_key_and_the_mouse_are_noticed() -> None:
    app = BudgetscopeApp(PlanRequest("1e20"), Advisor(), AppState())
    async with app.run_test(size=(80, 24)) as pilot:
        for act in (pilot.press("escape"), pilot.hover("#laws")):
            app.collector.touch = Mock()  # type: ignore[method-assign]
            await act
            app.collector.touch.assert_called()

import gc
from collections.abc import Iterator
from unittest.mock import Mock

import pytest

from budgetscope.api import Advisor, PlanRequest
from budgetscope.store.app_state import AppState
from budgetscope.tui import gc_schedule as schedule_module
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
    monkeypatch.setattr(schedule_module, "time", clock)
    return clock


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Mock]:
    """Stand in for the collector; `pile` is its count of generation 2."""
    before = gc.get_threshold()
    collector = Mock(pile=0)
    monkeypatch.setattr(gc, "collect", collector.collect)
    monkeypatch.setattr(gc, "unfreeze", collector.unfreeze)
    monkeypatch.setattr(gc, "freeze", collector.freeze)
    monkeypatch.setattr(gc, "get_count", lambda: (0, 0, collector.pile))
    yield collector
    gc.set_threshold(*before)


@pytest.fixture
def gc_schedule(clock: Clock, collector: Mock) -> GcSchedule:
    """Start one, with nobody at the keyboard yet."""
    gc_schedule = GcSchedule()
    gc_schedule.start()
    collector.reset_mock()
    clock.seconds += 10
    return gc_schedule


def test_it_leaves_the_interpreter_alone_until_it_is_started(clock: Clock, collector: Mock) -> None:
    gc_schedule = GcSchedule()
    clock.seconds += 60
    collector.pile = 10_000
    gc_schedule.tick(has_dialog=False)
    collector.collect.assert_not_called()
    gc_schedule.start()
    gc_schedule.tick(has_dialog=False)
    collector.collect.assert_called_once()


def test_it_collects_once_nobody_types(gc_schedule: GcSchedule, clock: Clock, collector: Mock) -> None:
    collector.pile = 35
    for _ in range(5):
        gc_schedule.touch()
        clock.seconds += 0.5
        gc_schedule.tick(has_dialog=False)
    collector.collect.assert_not_called()
    clock.seconds += 2
    gc_schedule.tick(has_dialog=False)
    collector.collect.assert_called_once_with()
    collector.freeze.assert_called_once()


def test_young_garbage_goes_while_nobody_types(gc_schedule: GcSchedule, collector: Mock) -> None:
    gc_schedule.tick(has_dialog=False)
    collector.collect.assert_called_once_with(1)
    collector.freeze.assert_not_called()
    gc_schedule.touch()
    gc_schedule.tick(has_dialog=False)
    collector.collect.assert_called_once_with(1)


def test_a_heap_that_grows_while_somebody_types_is_collected_all_the_same(
    gc_schedule: GcSchedule, collector: Mock
) -> None:
    gc_schedule.touch()
    collector.pile = 100
    gc_schedule.tick(has_dialog=False)
    collector.collect.assert_called_once()
    collector.unfreeze.assert_not_called()


def test_a_dialog_that_is_open_is_not_frozen(gc_schedule: GcSchedule, collector: Mock) -> None:
    collector.pile = 35
    gc_schedule.tick(has_dialog=True)
    collector.collect.assert_called_once()
    collector.freeze.assert_not_called()
    gc_schedule.tick(has_dialog=False)
    collector.freeze.assert_called_once()


def test_what_was_frozen_is_collected_now_and_then(gc_schedule: GcSchedule, clock: Clock, collector: Mock) -> None:
    collector.pile = 100
    for _ in range(20):
        clock.seconds += 10
        gc_schedule.tick(has_dialog=False)
    assert collector.collect.call_count == 20
    assert collector.unfreeze.call_count == 2


async def test_a_key_and_the_mouse_are_noticed() -> None:
    app = BudgetscopeApp(PlanRequest("1e20"), Advisor(), AppState())
    async with app.run_test(size=(80, 24)) as pilot:
        for act in (pilot.press("escape"), pilot.hover("#laws")):
            app.gc_schedule.touch = Mock()  # type: ignore[method-assign]
            await act
            app.gc_schedule.touch.assert_called()

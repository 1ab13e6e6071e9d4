"""Pictures of the calibrate screen; after a change that is meant: pytest ... --snapshot-update."""

import time
from collections.abc import Callable

import pytest
from tests.tui.calibrating import NAME, Planted, plant
from tests.tui.test_calibrate_screen import looked, screen_of
from textual.pilot import Pilot

from budgetscope.api import Advisor
from budgetscope.store.app_state import AppState
from budgetscope.tui.app import BudgetscopeApp
from budgetscope.tui.screens.calibrate.fit_panel import FitPanel

SIZES = [(80, 24), (120, 40)]


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Planted:
    return plant(tmp_path_factory.mktemp("planted"))


@pytest.fixture(autouse=True)
def one_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Logs show the user's own clock."""
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()


async def seen(pilot: Pilot[None]) -> None:
    await looked(pilot)
    while screen_of(pilot).run_shown is not None and screen_of(pilot).query_one(FitPanel).verdict is None:
        await pilot.pause(0.02)
    await looked(pilot)


async def running(pilot: Pilot[None]) -> None:
    await looked(pilot)


def app(advisor: Advisor, **views: str) -> BudgetscopeApp:
    return BudgetscopeApp(None, advisor, AppState(screen="calibrate", views={"calibrate": views}))


@pytest.mark.parametrize("size", SIZES)
def test_the_form(snap_compare: Callable[..., bool], advisor: Advisor, size: tuple[int, int]) -> None:
    assert snap_compare(app(advisor), terminal_size=size, run_before=running)


@pytest.mark.parametrize("size", SIZES)
def test_a_run_that_trains(
    snap_compare: Callable[..., bool], advisor: Advisor, planted: Planted, size: tuple[int, int]
) -> None:
    planted.at(share=0.3, alive=True)
    assert snap_compare(app(advisor, view="map"), terminal_size=size, run_before=running)


@pytest.mark.parametrize("size", SIZES)
def test_a_run_of_several_workers(
    snap_compare: Callable[..., bool], advisor: Advisor, planted: Planted, size: tuple[int, int]
) -> None:
    planted.several(0.6)
    assert snap_compare(app(advisor, view="log"), terminal_size=size, run_before=running)


@pytest.mark.parametrize("size", SIZES)
def test_a_run_that_is_done(
    snap_compare: Callable[..., bool], advisor: Advisor, planted: Planted, size: tuple[int, int]
) -> None:
    planted.at()
    assert snap_compare(app(advisor, chosen=NAME, view="fit"), terminal_size=size, run_before=seen)

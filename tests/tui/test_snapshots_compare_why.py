"""Pictures of Compare and Why; after a change that is meant, run this file with --snapshot-update."""

from collections.abc import Callable

import pytest
from tests.tui.driving import settled
from textual.pilot import Pilot

from budgetscope.api import Advisor, PlanRequest, to_record
from budgetscope.store.app_state import AppState
from budgetscope.store.scenarios import Scenario, save_scenario
from budgetscope.tui.app import BudgetscopeApp

REQUEST = PlanRequest("64 H100 for 14 days")
SIZES = [(80, 24), (120, 40)]


async def second_column(pilot: Pilot[None]) -> None:
    await settled(pilot)
    await pilot.press("right")
    await settled(pilot)


async def third_step(pilot: Pilot[None]) -> None:
    await settled(pilot)
    await pilot.press("right", "right")
    await settled(pilot)


@pytest.mark.parametrize("size", SIZES)
def test_the_compare_screen_looks_as_it_did(
    snap_compare: Callable[..., bool], advisor: Advisor, size: tuple[int, int]
) -> None:
    save_scenario(Scenario("twice as long", to_record(PlanRequest("64 H100 for 28 days"))))
    save_scenario(Scenario("Chinchilla", to_record(PlanRequest("64 H100 for 14 days", law="hoffmann2022/approach-2"))))
    save_scenario(Scenario("gone", to_record(PlanRequest("1e22", law="mine/gone"))))
    app = BudgetscopeApp(REQUEST, advisor, AppState(screen="compare"))
    assert snap_compare(app, terminal_size=size, run_before=second_column)


@pytest.mark.parametrize("size", SIZES)
def test_the_why_screen_looks_as_it_did(
    snap_compare: Callable[..., bool], advisor: Advisor, size: tuple[int, int]
) -> None:
    app = BudgetscopeApp(REQUEST, advisor, AppState(screen="why"))
    assert snap_compare(app, terminal_size=size, run_before=third_step)

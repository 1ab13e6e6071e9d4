"""Pictures of the fits screen and of the plan's other charts; see test_snapshots.py."""

from collections.abc import Callable

import pytest
from tests.tui.driving import settled
from textual.pilot import Pilot

from budgetscope.api import Advisor, PlanRequest
from budgetscope.store.app_state import AppState
from budgetscope.tui.app import BudgetscopeApp

BIG, SMALL = (120, 40), (80, 24)


async def shown(pilot: Pilot[None]) -> None:
    await settled(pilot)


@pytest.mark.parametrize(
    ("size", "view"), [(SMALL, "details"), (SMALL, "points"), (BIG, "residuals"), (BIG, "difference")]
)
def test_the_fits_screen_looks_as_it_did(
    snap_compare: Callable[..., bool], advisor: Advisor, size: tuple[int, int], view: str
) -> None:
    fit = "porian2024/refinedweb-warmup" if view == "difference" else "porian2024/refinedweb-tuned"
    state = AppState(screen="fits", views={"fits": {"view": view, "fit": fit}})
    app = BudgetscopeApp(PlanRequest("1e21"), advisor, state)
    assert snap_compare(app, terminal_size=size, run_before=shown)


@pytest.mark.parametrize(("size", "quantity"), [(SMALL, "learning_rate"), (BIG, "loss")])
def test_the_charts_of_the_plan_look_as_they_did(
    snap_compare: Callable[..., bool], advisor: Advisor, size: tuple[int, int], quantity: str
) -> None:
    state = AppState(screen="plan", views={"plan": {"view": "chart", "zoomed": True, "quantity": quantity}})
    app = BudgetscopeApp(PlanRequest("1e21"), advisor, state)
    assert snap_compare(app, terminal_size=size, run_before=shown)

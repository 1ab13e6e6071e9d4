"""An app on the bundled fits alone."""

import pytest
from tests.tui.driving import Start

from budgetscope.api import Advisor, PlanRequest
from budgetscope.store.fit_library import Layer, Library
from budgetscope.store.locations import bundled_fits
from budgetscope.store.settings import Settings
from budgetscope.tui.app import BudgetscopeApp


@pytest.fixture(scope="session")
def advisor() -> Advisor:
    return Advisor(Library((Layer("bundled", bundled_fits()),)), Settings(), ())


@pytest.fixture
def start(advisor: Advisor) -> Start:
    def make(request: PlanRequest | None = None, own: Advisor | None = None) -> BudgetscopeApp:
        return BudgetscopeApp(request, own or advisor)

    return make

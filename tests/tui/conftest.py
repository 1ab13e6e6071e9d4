"""An app on the bundled fits alone."""

from collections.abc import Iterator

import pytest
import textual._wait
from tests.tui.driving import Start

from budgetscope.api import Advisor, PlanRequest
from budgetscope.store.fit_library import Layer, Library
from budgetscope.store.locations import bundled_fits
from budgetscope.store.settings import Settings
from budgetscope.tui.app import BudgetscopeApp


@pytest.fixture(scope="session", autouse=True)
def _shorter_waits() -> Iterator[None]:
    """Take an app for idle after half the time that Textual's pilot waits: most of the tests' time was this wait."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("SLEEP_GRANULARITY", "SLEEP_IDLE"):
            patch.setattr(textual._wait, name, getattr(textual._wait, name) / 2)
        yield


@pytest.fixture(scope="session")
def advisor() -> Advisor:
    return Advisor(Library((Layer("bundled", bundled_fits()),)), Settings(), ())


@pytest.fixture
def start(advisor: Advisor) -> Start:
    def make(request: PlanRequest | None = None, own: Advisor | None = None) -> BudgetscopeApp:
        return BudgetscopeApp(request, own or advisor)

    return make

"""Questions asked of the bundled fits alone."""

from budgetscope.api import Advisor, PlanRequest
from budgetscope.core.answers.recipe_sheet import RecipeSheet
from budgetscope.core.answers.whatif import IsoFlop
from budgetscope.store.fit_library import Layer, Library
from budgetscope.store.locations import bundled_fits
from budgetscope.store.settings import Settings

ADVISOR = Advisor(Library((Layer("bundled", bundled_fits()),)), Settings(), ())


def iso(budget: str = "1e19", **options: str | float) -> IsoFlop:
    request = PlanRequest(budget, **options)  # type: ignore[arg-type]
    return ADVISOR.iso_flop(request, ADVISOR.plan(request))


def sheet(budget: str = "1e20", **options: str | float) -> RecipeSheet:
    request = PlanRequest(budget, **options)  # type: ignore[arg-type]
    return ADVISOR.recipe_sheet(request, ADVISOR.plan(request))

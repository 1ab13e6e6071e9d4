"""Questions asked of the bundled fits alone."""

from budgetscope.api import Advisor, PlanRequest
from budgetscope.core.answers.recipe_sheet import RecipeSheet
from budgetscope.core.answers.whatif import IsoFlop
from budgetscope.store.fit_library import Layer, Library
from budgetscope.store.locations import bundled_fits
from budgetscope.store.settings import Settings

ADVISOR = Advisor(Library((Layer("bundled", bundled_fits()),)), Settings(), ())


def iso(budget: str = "1e19", **options: str | float) -> IsoFlop:
    return ADVISOR.iso_flop(ADVISOR.answer(PlanRequest(budget, **options)))  # type: ignore[arg-type]


def sheet(budget: str = "1e20", **options: str | float) -> RecipeSheet:
    return ADVISOR.recipe_sheet(ADVISOR.answer(PlanRequest(budget, **options)))  # type: ignore[arg-type]

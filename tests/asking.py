"""Questions asked of the bundled fits alone."""

from hypothesis import assume

from budgetscope.api import Advisor, AnsweredRequest, PlanRequest
from budgetscope.core.answers.recipe_sheet import RecipeSheet
from budgetscope.core.answers.whatif import IsoFlop
from budgetscope.core.errors import UsageError
from budgetscope.store.fit_library import Layer, Library
from budgetscope.store.locations import bundled_fits
from budgetscope.store.settings import Settings

ADVISOR = Advisor(Library((Layer("bundled", bundled_fits()),)), Settings(), ())


def answer_where_known(budget: str, **options: str | float) -> AnsweredRequest:
    """Answer a property's question, or drop the example where the law hardly knows N and there is no plan."""
    try:
        return ADVISOR.answer(PlanRequest(budget, **options))  # type: ignore[arg-type]
    except UsageError as error:
        assume("and a plan needs" not in str(error))
        raise


def iso(budget: str = "1e19", **options: str | float) -> IsoFlop:
    return ADVISOR.iso_flop(ADVISOR.answer(PlanRequest(budget, **options)))  # type: ignore[arg-type]


def sheet(budget: str = "1e20", **options: str | float) -> RecipeSheet:
    return ADVISOR.recipe_sheet(ADVISOR.answer(PlanRequest(budget, **options)))  # type: ignore[arg-type]

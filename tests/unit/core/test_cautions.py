"""What a plan warns of."""

from typing import Any

import pytest
from tests.asking import ADVISOR

from budgetscope.api import PlanRequest
from budgetscope.core.answers.cautions import Level
from budgetscope.core.answers.question import DEFAULT_LAW
from budgetscope.core.budget.quantities import format_count


@pytest.mark.parametrize(
    ("law", "code"),
    [
        ("besiroglu2024/refit", "extrapolated-surface"),
        ("hoffmann2022/approach-3", "extrapolated-surface"),
        ("hoffmann2022/approach-1", "extrapolated-allocation"),
    ],
)
def test_whatever_splits_the_budget_says_how_far_it_is_extrapolated(law: str, code: str) -> None:
    """The data of Hoffmann et al. 2022 end at 1.3e22 FLOPs, or 3e21."""
    codes = {caution.code for caution in ADVISOR.answer(PlanRequest("1e27", law=law)).plan.cautions}
    assert code in codes
    inside = {caution.code for caution in ADVISOR.answer(PlanRequest("1e20", law=law)).plan.cautions}
    assert code not in inside


def test_a_surface_that_nothing_follows_is_not_warned_of() -> None:
    plan = ADVISOR.answer(PlanRequest("1e26")).plan
    assert plan.law_id == "porian2024/refinedweb-tuned"
    assert not [caution for caution in plan.cautions if "surface" in caution.text]


def test_a_comparison_has_the_cautions_of_the_law_that_judges() -> None:
    request = PlanRequest("1e22")
    plan, comparison = ADVISOR.answer(request).plan, ADVISOR.compare(ADVISOR.answer(request))
    assert {caution.fit_id for caution in comparison.cautions} == {comparison.law_id}
    assert set(comparison.cautions) < set(plan.cautions)


def test_a_small_shape_lies_in_its_flat_band() -> None:
    for exponent in range(150, 181):
        plan = ADVISOR.answer(PlanRequest(f"{10 ** (exponent / 10):.3e} FLOPs", law=DEFAULT_LAW)).plan
        band = plan.optimum.flat_band
        assert band is not None
        assert band[0] <= plan.run.n_params <= band[1], plan.budget
        assert "shape-off-band" not in {caution.code for caution in plan.cautions}


@pytest.mark.parametrize(
    "options", [{"law": "besiroglu2024/refit", "budget": "1.2e15"}, {"vocab": 256_000, "budget": "1e15"}]
)
def test_a_shape_outside_the_flat_band_says_so(options: dict[str, Any]) -> None:
    plan = ADVISOR.answer(PlanRequest(**options)).plan
    (told,) = [caution for caution in plan.cautions if caution.code == "shape-off-band"]
    band = plan.optimum.flat_band
    assert band is not None
    assert not band[0] <= plan.run.n_params <= band[1]
    assert told.level == Level.SMALL_PRINT
    assert f"of {format_count(plan.run.n_params)} parameters, is outside the flat band" in told.text

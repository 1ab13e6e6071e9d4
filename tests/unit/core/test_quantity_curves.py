import math

import pytest
from tests.bundled import bundled

from budgetscope.api import Advisor, PlanRequest
from budgetscope.core.answers.quantity_curves import LOSS, ROLES, has_curve
from budgetscope.store.fit_library import Layer, Library
from budgetscope.store.locations import bundled_fits
from budgetscope.store.settings import Settings

GRID = tuple(10.0**power for power in range(17, 26))
TUNED = "porian2024/refinedweb-tuned"


@pytest.fixture(scope="module")
def advisor() -> Advisor:
    return Advisor(Library((Layer("bundled", bundled_fits()),)), Settings(), ())


@pytest.mark.parametrize("convention", ["standard", "kaplan", "total", "deepseek", "exact"])
@pytest.mark.parametrize("quantity", [LOSS, *ROLES])
def test_a_curve_goes_through_the_plans_of_its_budgets(advisor: Advisor, quantity: str, convention: str) -> None:
    rule = "porian2024/rounded-rule"
    plans = [
        advisor.answer(PlanRequest(f"{flops:g}", counting=convention, hyperparameters=rule)).plan for flops in GRID
    ]
    source = TUNED if quantity == LOSS else plans[0].recipe.sources[quantity]
    (curve,) = advisor.quantity_curves(
        advisor.answer(PlanRequest("1e21", counting=convention)), quantity, [source], GRID
    )
    for plan, x, y in zip(plans, curve.xs, curve.ys, strict=True):
        if quantity == LOSS:
            assert plan.loss is not None
            assert x == pytest.approx(plan.flops)
            assert y == pytest.approx(plan.loss.value)
        else:
            estimate = plan.recipe.learning_rate if quantity == "learning_rate" else plan.recipe.batch_tokens
            assert x == pytest.approx(plan.n_params.value)
            # A batch is rounded to whole sequences that no device is idle for.
            assert y == pytest.approx(estimate.value, rel=1e-9 if quantity == "learning_rate" else 0.07)


def test_the_loss_has_the_plans_interval_and_the_measured_losses(advisor: Advisor) -> None:
    (curve,) = advisor.quantity_curves(advisor.answer(PlanRequest("1e21")), LOSS, [TUNED], GRID)
    plan = advisor.answer(PlanRequest("1e21")).plan
    assert plan.loss is not None
    assert curve.low is not None
    assert curve.high is not None
    index = GRID.index(1e21)
    assert (curve.low[index], curve.high[index]) == pytest.approx((plan.loss.low, plan.loss.high))
    points = bundled()[TUNED].points
    assert points is not None
    assert curve.points == tuple((row[0], row[3]) for row in points.rows)
    assert curve.fitted is not None
    # The joint fit takes its loss curve from the largest budgets alone.
    assert (curve.fitted.low, curve.fitted.high) == (8e17, 2.56e19)


def test_a_recipe_with_draws_has_an_interval(advisor: Advisor) -> None:
    own = "budgetscope2026/english"
    (curve,) = advisor.quantity_curves(advisor.answer(PlanRequest("1e21", law=own)), "learning_rate", [own], GRID)
    assert curve.low is not None
    assert curve.high is not None
    assert all(low <= y <= high for low, y, high in zip(curve.low, curve.ys, curve.high, strict=True))


def test_only_fits_that_say_it_are_drawn_and_none_when_the_first_is_silent(advisor: Advisor) -> None:
    answer = advisor.answer(PlanRequest("1e21"))
    drawn = advisor.quantity_curves(answer, LOSS, [TUNED, "meta2024/llama3", "no/such", "besiroglu2024/refit"], GRID)
    assert [curve.fit_id for curve in drawn] == [TUNED, "besiroglu2024/refit"]
    assert drawn[1].low is None
    assert advisor.quantity_curves(answer, LOSS, ["meta2024/llama3", TUNED], GRID) == ()
    assert not has_curve(bundled()["meta2024/llama3"], LOSS)


def test_where_a_law_falls_silent_the_curve_has_a_gap(advisor: Advisor) -> None:
    # Kaplan et al. 2020, eq. D.1: 0.003239 - 0.0001395 ln N is no learning rate beyond 1.2e10 parameters.
    (curve,) = advisor.quantity_curves(
        advisor.answer(PlanRequest("1e21")), "learning_rate", ["kaplan2020/fixed-batch"], GRID
    )
    assert curve.ys[0] > 0
    assert math.isnan(curve.ys[-1])


def test_curves_are_kept_between_calls(advisor: Advisor) -> None:
    first = advisor.quantity_curves(advisor.answer(PlanRequest("1e21")), LOSS, [TUNED], GRID)
    assert advisor.quantity_curves(advisor.answer(PlanRequest("3e22")), LOSS, [TUNED], GRID)[0] is first[0]
    assert (
        advisor.quantity_curves(advisor.answer(PlanRequest("1e21", counting="total")), LOSS, [TUNED], GRID)[0]
        is not first[0]
    )

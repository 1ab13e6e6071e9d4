"""What tuning is worth: by the published stages inside their budgets, by the nearest grid beside it, else unknown."""

import pytest
from tests.asking import ADVISOR

from budgetscope.api import PlanRequest
from budgetscope.core.answers.explanation import Explanation
from budgetscope.report.explanation import tuning_text


def explained(budget: str) -> Explanation:
    return ADVISOR.explain(ADVISOR.answer(PlanRequest(budget)))


def test_inside_the_stages_it_is_what_the_tuned_runs_save() -> None:
    found = explained("1e18")
    untuned = [steps[2].saving_here for steps in found.datasets.values()]
    assert [steps[2].title for steps in found.datasets.values()] == ["Shorten the warmup"] * 2
    assert found.tuning.source == "stages"
    assert found.tuning.lost is not None
    assert found.tuning.lost == pytest.approx((1 - max(map(float, untuned)), 1 - min(map(float, untuned))))  # type: ignore[arg-type]
    assert found.tuning.cost_share == 0.01
    assert found.tuning.balance == pytest.approx((found.tuning.lost[0] - 0.01, found.tuning.lost[1] - 0.01))


def test_beyond_them_it_is_how_far_published_recipes_are_apart() -> None:
    answer = ADVISOR.answer(PlanRequest("64 H100 for 14 days"))
    found = ADVISOR.explain(answer)
    assert found.tuning.source == "grid"
    choice = answer.plan.recipe.choice
    assert choice is not None
    factors = [each.compute_factor for each in choice.evidence]
    assert found.tuning.lost == pytest.approx((1 - 1 / min(factors), 1 - 1 / max(factors)))
    first, second, reach = tuning_text(found)
    assert choice.place in first
    assert "at most 5% to 31% of the compute is left as gain, $" in second
    assert "extrapolation" in reach


def test_noise_below_zero_is_no_loss_and_no_gain() -> None:
    """At 1.35e19 FLOPs the untuned stage of RefinedWeb was as good as the tuned one."""
    found = explained("1 RTX 4090 for 3 days")
    assert found.tuning.lost is not None
    assert found.tuning.lost[1] < 0
    first, second, _reach = tuning_text(found)
    assert "lost nothing that could be measured" in first
    assert "no less than what tuning was measured to save here" in second
    assert "-" not in second


def test_it_is_not_known_where_nothing_is_near() -> None:
    for budget in ("1e15", "N=70B"):
        assert explained(budget).tuning.lost is None
        assert tuning_text(explained(budget)) == (
            "What an untuned recipe costs here is not known: no published stage or grid is near.",
        )

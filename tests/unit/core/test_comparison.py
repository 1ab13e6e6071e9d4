"""Every law's answer under one ledger, and what following it would cost."""

import pytest
from tests.bundled import ALLOCATING, allocate, bundled

from budgetscope.api import Advisor, PlanRequest
from budgetscope.core.answers.comparison import Comparison, Row, chosen_row
from budgetscope.core.counting.ledger import Convention
from budgetscope.core.errors import UsageError
from budgetscope.core.laws.loss_model import LossModel

CHINCHILLA = "5.88e23"
TUNED = "porian2024/refinedweb-tuned"


@pytest.fixture(scope="module")
def advisor() -> Advisor:
    return Advisor()


def rows(comparison: Comparison) -> dict[str, Row]:
    return {row.fit_id: row for row in comparison.rows}


def test_porians_stages_at_chinchillas_budget_in_their_own_counting(advisor: Advisor) -> None:
    # By the standard count C is not the C of the Kaplan-counted stage: asked in that stage's own convention.
    for stage, convention, billions in (
        ("kaplan", "kaplan", 3030),
        ("last-layer", "standard", 787),
        ("warmup", "standard", 292),
        ("cosine", "standard", 183),
        ("tuned-akima", "standard", 76.9),
    ):
        found = rows(advisor.compare(advisor.answer(PlanRequest(CHINCHILLA, counting=convention))))[
            f"porian2024/refinedweb-{stage}"
        ]
        assert found.own_n_params is not None
        assert found.own_n_params / 1e9 == pytest.approx(billions, rel=0.03)


@pytest.mark.parametrize("convention", list(Convention))
def test_kaplans_law_is_above_a_trillion_in_every_counting(advisor: Advisor, convention: Convention) -> None:
    found = rows(advisor.compare(advisor.answer(PlanRequest(CHINCHILLA, counting=str(convention)))))
    for name in ("kaplan2020/fixed-batch", "porian2024/refinedweb-kaplan"):
        n_params = found[name].n_params
        assert n_params is not None
        assert n_params > 1e12


def test_every_law_that_says_something_has_a_row(advisor: Advisor) -> None:
    found = rows(advisor.compare(advisor.answer(PlanRequest("1e21"))))
    speaking = {
        name
        for name, each in bundled().items()
        if each.allocation or {"learning_rate", "batch_size"} & each.laws.keys()
    }
    assert set(found) == speaking
    for name, row in found.items():
        assert (row.n_params is None) == (name not in ALLOCATING)


def test_the_order_is_recommendations_then_steps_each_by_falling_size(advisor: Advisor) -> None:
    keys = [
        (row.ablation, row.n_params is None, -(row.n_params or 0))
        for row in advisor.compare(advisor.answer(PlanRequest("1e21"))).rows
    ]
    assert keys == sorted(keys)


def test_numbers_are_converted_and_not_relabelled(advisor: Advisor) -> None:
    comparison = advisor.compare(advisor.answer(PlanRequest("1e19")))
    family = advisor.question(PlanRequest("1e19")).family
    for row in comparison.rows:
        if row.n_params is None or row.tokens is None or row.own_n_params is None:
            continue
        # The model at which the law holds in its own counting is the model whose N is shown.
        position = family.position(row.n_params, Convention.STANDARD)
        assert 6 * row.n_params * row.tokens == pytest.approx(1e19, rel=1e-6)
        own_flops = row.tokens * family.flops_per_token(position, row.counting)
        assert allocate(row.fit_id, own_flops).tokens == pytest.approx(row.tokens, rel=1e-5)
        if row.counting == Convention.KAPLAN:
            assert row.own_n_params < 0.9 * row.n_params


def test_the_chosen_law_costs_nothing_and_no_other_gains(advisor: Advisor) -> None:
    for law in (TUNED, "besiroglu2024/refit", "porian2024/openwebtext2-tuned"):
        comparison = advisor.compare(advisor.answer(PlanRequest("1e21", law=law)))
        chosen = chosen_row(comparison)
        assert chosen.fit_id == law
        assert chosen.loss_difference == pytest.approx(0, abs=1e-9)
        assert chosen.wasted_share == pytest.approx(0, abs=1e-6)
        for row in comparison.rows:
            if row.wasted_share is None or row.loss_difference is None:
                continue
            # Conversion of another convention's C is exact at shapes only: a millionth of a nat.
            assert row.loss_difference >= -1e-6
            assert 0 <= row.wasted_share <= 1


def test_waste_by_hand(advisor: Advisor) -> None:
    request = PlanRequest("1e21", price=2.0)
    plan = advisor.answer(request).plan
    row = rows(advisor.compare(advisor.answer(request)))["kaplan2020/fixed-batch"]
    question = advisor.question(request)
    loss_model = LossModel(question.fit)
    assert row.n_params is not None
    best, excess = loss_model.best_loss(1e21), loss_model.excess_loss(1e21, row.n_params)
    assert best is not None
    assert excess is not None
    assert row.loss_difference == pytest.approx(excess, rel=1e-3)
    enough = loss_model.flops_for_loss(best + excess)
    assert enough is not None
    assert row.wasted_share == pytest.approx(1 - enough / 1e21, rel=1e-3)
    assert plan.run.cost_usd is not None
    # The run is of the shape that is built, the budget of the optimum.
    assert row.wasted_usd == pytest.approx((row.wasted_share or 0) * plan.run.cost_usd.value, rel=1e-2)


def test_a_law_without_loss_judges_nobody(advisor: Advisor) -> None:
    for row in advisor.compare(advisor.answer(PlanRequest("1e21", law="meta2024/llama3"))).rows:
        assert (row.loss_difference, row.wasted_share, row.wasted_usd) == (None, None, None)


def test_each_laws_hyperparameters_are_at_its_own_model(advisor: Advisor) -> None:
    answer = advisor.answer(PlanRequest("1e21", hyperparameters="porian2024/rounded-rule"))
    found = rows(advisor.compare(answer))
    assert found["porian2024/rounded-rule"].n_params is None
    # Those that say nothing of N and D are asked at the chosen law's optimum.
    rate = answer.plan.recipe.learning_rate.value
    assert found["porian2024/rounded-rule"].learning_rate == pytest.approx(rate)
    assert found["olmo2025/halved-rate"].learning_rate == pytest.approx(rate / 2)
    assert found["minicpm2024/average"].learning_rate == 0.01
    assert found[TUNED].learning_rate is None


def test_a_comparison_without_the_judging_law_has_no_chosen_row(advisor: Advisor) -> None:
    comparison = advisor.compare(advisor.answer(PlanRequest("1e21")))
    without = Comparison(
        comparison.budget, comparison.understood, "mine/gone", comparison.convention, comparison.flops, comparison.rows
    )
    with pytest.raises(UsageError, match="'mine/gone' is not among the laws compared"):
        chosen_row(without)


@pytest.mark.parametrize("budget", ["64 H100 for 14 days", "2.5e17", "1e24"])
def test_outliers_are_those_of_the_recipe(advisor: Advisor, budget: str) -> None:
    answer = advisor.answer(PlanRequest(budget))
    judged = {
        (each.fit_id, each.role)
        for each in advisor.recipe_sheet(answer).law_values
        if each.is_outlier and not each.followed
    }
    assert ("minicpm2024/average", "learning_rate") in judged
    found = rows(advisor.compare(answer))
    assert {(row.fit_id, role) for row in found.values() for role in row.outliers} == judged


def test_what_has_no_range_has_no_outlier(advisor: Advisor) -> None:
    assert not advisor.answer(PlanRequest("1e21")).plan.recipe.is_outlier("beta2", 0.0)

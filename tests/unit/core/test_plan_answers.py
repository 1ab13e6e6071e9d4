"""The plan on known budgets: what is followed, what is refused, and of what the reader is warned."""

import math
from dataclasses import replace
from typing import Any

import pytest
from tests.bundled import allocate, fit, predict

from budgetscope.api import Advisor, PlanRequest
from budgetscope.core.answers.plan import Plan
from budgetscope.core.errors import BudgetscopeError, FailureError, UsageError
from budgetscope.core.laws.drifting_line import DriftingLine
from budgetscope.core.laws.fit import Fit


@pytest.fixture(scope="module")
def advisor() -> Advisor:
    return Advisor()


def cautions(plan: Plan) -> dict[str, str]:
    return {caution.code: caution.text for caution in plan.cautions}


RULE = "porian2024/rounded-rule"


def test_the_default_law_with_its_own_rule(advisor: Advisor) -> None:
    plan = advisor.answer(PlanRequest("1e21", hyperparameters=RULE)).plan
    best = allocate("porian2024/refinedweb-tuned", 1e21)
    assert (plan.n_params.value, plan.tokens.value) == pytest.approx((best.n_params, best.tokens))
    assert plan.tokens_per_param.value == pytest.approx(14.1, abs=0.1)
    rule = {role: predict("porian2024/rounded-rule", role, n=best.n_params) for role in ("learning_rate", "batch_size")}
    assert plan.recipe.learning_rate.value == pytest.approx(rule["learning_rate"])
    assert plan.recipe.batch_tokens.value == pytest.approx(rule["batch_size"], rel=0.032)
    # Of 3.1M tokens: the large-batch value of the two-step rule; warmup of N tokens, less than a fifth of D.
    assert plan.recipe.beta2 == 0.95
    assert plan.recipe.warmup_tokens == pytest.approx(best.n_params)
    assert plan.recipe.weight_decay_independent == 1e-4
    assert plan.recipe.weight_decay_coupled == pytest.approx(1e-4 / plan.recipe.learning_rate.value)
    zhang = predict("zhang2024/critical-batch", "critical_batch_size", d=best.tokens)
    assert plan.recipe.critical_batch_tokens == pytest.approx(zhang)
    assert plan.recipe.sources == {
        **dict.fromkeys(("learning_rate", "batch_size", "beta2", "warmup", "weight_decay"), "porian2024/rounded-rule"),
        "critical_batch_size": "zhang2024/critical-batch",
    }


def test_a_small_model_gets_the_small_batch_beta2_and_a_fifth_of_d_at_most(advisor: Advisor) -> None:
    plan = advisor.answer(PlanRequest("1e16")).plan
    assert plan.recipe.batch_tokens.value < 524_288
    assert plan.recipe.beta2 == 0.99
    few_tokens = advisor.answer(PlanRequest("1e23", law="kaplan2020/fixed-batch")).plan
    assert few_tokens.recipe.warmup_tokens == pytest.approx(0.2 * few_tokens.tokens.value)


def test_another_recipe_is_followed_as_far_as_it_goes(advisor: Advisor) -> None:
    plan = advisor.answer(PlanRequest("1e21", hyperparameters="marek2025/token-half-life")).plan
    assert plan.recipe.sources["beta2"] == "marek2025/token-half-life"
    assert plan.recipe.sources["learning_rate"] == "openeurollm2026/dense"
    assert plan.recipe.beta2 == pytest.approx(0.5 ** (plan.recipe.batch_tokens.value / 10e6))
    step = advisor.answer(PlanRequest("1e21", hyperparameters="steplaw2025/dense")).plan
    assert step.recipe.sources["batch_size"] == "steplaw2025/dense"
    # Step Law counts blocks only: not the plan's N.
    n = step.n_params.value
    assert step.recipe.learning_rate.value != pytest.approx(
        predict("steplaw2025/dense", "learning_rate", n=n, d=step.tokens.value), rel=1e-3
    )


def test_a_law_with_a_recipe_of_its_own_is_followed_in_both(advisor: Advisor) -> None:
    plan = advisor.answer(PlanRequest("1e21", law="deepseek2024/current-data")).plan
    assert plan.recipe.sources["learning_rate"] == "deepseek2024/current-data"
    own = plan.tokens.value * 6 * allocate("deepseek2024/current-data", plan.flops).n_params
    assert plan.recipe.learning_rate.value == pytest.approx(
        predict("deepseek2024/current-data", "learning_rate", c=own), rel=1e-6
    )


def test_a_rate_beyond_where_its_law_ends_falls_to_the_default(advisor: Advisor) -> None:
    plan = advisor.answer(PlanRequest("1e25", hyperparameters="kaplan2020/compute-efficient")).plan
    assert plan.n_params.value > 1.3e10
    assert plan.recipe.sources["learning_rate"] == plan.recipe.sources["batch_size"] == "openeurollm2026/dense"


def test_the_interval_of_the_rate_is_called_what_it_is(advisor: Advisor) -> None:
    rate = advisor.answer(PlanRequest("1e21")).plan.recipe.learning_rate
    assert rate.basis == "range over 6 published laws, most of which do not reach this model"


@pytest.mark.parametrize("budget", ["1e21", "64xH100 14d", "N=7B", "D=140B", "loss 2.6", "$50k on H100"])
def test_a_plan_says_how_it_read_the_budget(advisor: Advisor, budget: str) -> None:
    plan = advisor.answer(PlanRequest(budget)).plan
    assert "FLOPs by the standard count" in plan.understood
    assert plan.understood.isprintable()


def test_in_another_convention_the_plan_is_of_the_same_model(advisor: Advisor) -> None:
    standard = advisor.answer(PlanRequest("64xH100 14d")).plan
    for convention in ("kaplan", "attention", "total", "deepseek", "exact"):
        plan = advisor.answer(PlanRequest("64xH100 14d", counting=convention)).plan
        assert plan.run.shape == standard.run.shape
        assert plan.tokens.value == pytest.approx(standard.tokens.value, rel=1e-6)
        assert plan.n_params.value != pytest.approx(standard.n_params.value, rel=1e-3) or convention == "standard"


# Warnings ---------------------------------------------------------------------------------------------------------


def test_inside_the_data_nothing_is_extrapolated(advisor: Advisor) -> None:
    # 1e18: 104M parameters at 16 tokens each, inside every range but D/N = 20's, which is within the factor 1.5.
    found = cautions(advisor.answer(PlanRequest("1e18")).plan)
    assert not [code for code in found if code.startswith("extrapolated")]


def test_each_law_says_by_what_factor_it_is_extrapolated(advisor: Advisor) -> None:
    plan = advisor.answer(PlanRequest("1e21", hyperparameters=RULE)).plan
    found = cautions(plan)
    # 1e21 / 2.56e19 = 39; 3.23e9 / 110e6 = 29; the batch 3.15M / 1.31M = 2.4.
    assert "39 times" in found["extrapolated-allocation"]
    assert "1.25e16 to 2.56e19" in found["extrapolated-allocation"]
    assert "31 times" in found["extrapolated-learning-rate"]
    assert "25 M to 110 M" in found["extrapolated-learning-rate"]
    assert "2.5 times" in found["extrapolated-beta2"]


def test_the_gravest_stands_first(advisor: Advisor) -> None:
    codes = [caution.code for caution in advisor.answer(PlanRequest("1e21")).plan.cautions]
    assert codes[0] == "extrapolated-allocation"
    assert codes.index("extrapolated-learning-rate") < codes.index("fit-flag")


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        ({"budget": "1e21", "unique_tokens": 6e9}, "repeated-data", "are read "),
        ({"budget": "1e21", "params": 0.5e9}, "far-from-optimum", "times smaller than the optimum"),
        ({"budget": "1e21", "hyperparameters": RULE}, "batch-beyond-critical", "zhang2024/critical-batch"),
        ({"budget": "1e21", "law": "porian2024/refinedweb-kaplan"}, "ablation", "not a recommendation"),
        ({"budget": "1e21", "law": "hoffmann2022/approach-1"}, "no-loss", "has no law of the loss"),
        ({"budget": "1e21", "law": "porian2024/refinedweb-warmup"}, "fit-flag", "scatter about the law"),
        ({"budget": "1e21"}, "fit-flag", "three sizes"),
        ({"budget": "1e21", "vocab": 32000}, "other-tokenizer", "vocabulary of 50432"),
        ({"budget": "1e21", "hyperparameters": "porian2024/sweep-fit"}, "doubtful-constants", "transcription"),
        ({"budget": "N=100T", "law": "porian2024/refinedweb-tuned-akima"}, "no-shape", "does not reach"),
    ],
)
def test_what_else_is_cautioned(advisor: Advisor, options: dict[str, Any], code: str, said: str) -> None:
    plan = advisor.answer(PlanRequest(**options)).plan
    assert any(caution.code == code and said in caution.text for caution in plan.cautions)


def test_a_loss_at_constant_rate_is_also_given_after_the_decay(advisor: Advisor) -> None:
    plan = advisor.answer(PlanRequest("64 H100 for 14 days")).plan
    constant, decayed = plan.loss, plan.loss_after_decay
    assert constant is not None
    assert decayed is not None
    assert 0.11 < constant.value - decayed.value < 0.2
    assert decayed.low is not None
    assert decayed.low < decayed.value < (decayed.high or 0)


def test_a_cosine_law_covers_its_own_schedule(advisor: Advisor) -> None:
    plan = advisor.answer(PlanRequest("1e21", law="besiroglu2024/refit")).plan
    assert plan.loss_after_decay is None
    assert "no-loss" not in cautions(plan)


def test_a_law_without_loss_gives_no_loss_and_no_band(advisor: Advisor) -> None:
    plan = advisor.answer(PlanRequest("1e21", law="meta2024/llama3")).plan
    assert plan.loss is None
    assert plan.optimum.flat_band is None
    assert plan.loss_unit is None
    assert plan.n_params.low is None
    assert plan.n_params.basis == "the source publishes no uncertainty"


def test_a_published_interval_of_the_exponent_alone_is_called_too_narrow(advisor: Advisor) -> None:
    plan = advisor.answer(PlanRequest("1e24", law="hoffmann2022/approach-2")).plan
    assert plan.n_params.low is not None
    assert plan.n_params.high is not None
    assert "too narrow" in plan.n_params.basis
    # 10-90% from 0.462 to 0.534: 95% is 1.96 / 1.2816 times as wide, turned about sqrt(6e18 · 3e21).
    half_width = 1.959964 / 1.281552 * (0.534 - 0.462) / 2
    own = allocate("hoffmann2022/approach-2", 1e24).n_params
    factor = (1e24 / math.sqrt(6e18 * 3e21)) ** half_width
    assert plan.n_params.high / own == pytest.approx(factor, rel=0.01)
    assert own / plan.n_params.low == pytest.approx(factor, rel=0.01)


# Refusals ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"budget": "1e9 FLOPs"}, "where no scaling law says anything"),
        ({"budget": "1e33"}, "where no scaling law says anything"),
        ({"budget": "N=1e40"}, "where no scaling law says anything"),
        ({"budget": "D=1"}, "where no scaling law says anything"),
        ({"budget": "loss 1.3"}, r"below 1.334, the lowest loss that porian2024/refinedweb-tuned can reach"),
        ({"budget": "loss 500"}, "out of reach"),
        ({"budget": "loss 2.6", "law": "hoffmann2022/approach-1"}, "has no law of the loss; choose another law"),
        ({"budget": "1e21", "hyperparameters": "besiroglu2024/refit"}, "no law for the recipe"),
        ({"budget": "1e21", "vocab": 1}, "--vocab 1 is out of bounds"),
        ({"budget": "1e21", "seq_len": 0}, "--seq-len 0 is out of bounds"),
        ({"budget": "1e21", "counting": "palm"}, "'palm' is not a counting convention"),
        ({"budget": "1e21", "device": "Cray-1"}, "unknown device 'Cray-1'"),
        ({"budget": "1e21", "law": "porian2024/refinedweb-tunes"}, "did you mean porian2024/refinedweb-tuned"),
    ],
)
def test_a_question_that_cannot_be_answered(advisor: Advisor, options: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said) as refused:
        advisor.answer(PlanRequest(**options))
    assert str(refused.value).isprintable()


def test_a_law_of_hyperparameters_alone_splits_no_budget(advisor: Advisor) -> None:
    with pytest.raises(FailureError, match="porian2024/rounded-rule has no law for N and D"):
        advisor.answer(PlanRequest("1e21", law="porian2024/rounded-rule"))


@pytest.mark.parametrize(
    "law", sorted({"porian2024/refinedweb-tuned-akima", "kaplan2020/fixed-batch", "meta2024/llama3"})
)
@pytest.mark.parametrize("exponent", range(10, 33))
def test_from_the_smallest_to_the_largest_budget_there_is_a_plan(advisor: Advisor, law: str, exponent: int) -> None:
    plan = advisor.answer(PlanRequest(f"1e{exponent} FLOPs", law=law)).plan
    numbers = (plan.n_params.value, plan.tokens.value, plan.run.device_hours, plan.recipe.learning_rate.value)
    assert all(0 < number < math.inf for number in numbers)


def test_refusals_are_of_our_two_kinds() -> None:
    assert UsageError.exit_code == 2
    assert FailureError.exit_code == 1
    assert issubclass(UsageError, BudgetscopeError)


def test_porians_rule_is_the_default_for_what_the_tuned_runs_used() -> None:
    assert set(fit("porian2024/rounded-rule").laws) == {
        "learning_rate", "batch_size", "beta2", "warmup", "weight_decay",
    }  # fmt: skip


@pytest.mark.parametrize("budget", ["$1e300", "$1e-300", "$1e308"])
def test_money_far_out_of_bounds_is_the_budgets_fault_and_not_the_fits(budget: str) -> None:
    with pytest.raises(UsageError, match="lies outside 1e"):
        Advisor().answer(PlanRequest(budget))


def with_line(drift: float) -> Fit:
    """Return the default law with a joint fit's uncertainty."""
    law = fit("porian2024/refinedweb-tuned").laws["allocation"]
    line = DriftingLine(1e-4, 1e-5, 0.0, 6e17, 8, drift, 1.5, 0.0, 1.25e16, 2.56e19)
    return replace(
        fit("porian2024/refinedweb-tuned"),
        laws=dict(fit("porian2024/refinedweb-tuned").laws) | {"allocation": replace(law, uncertainty=line)},
    )


def test_a_plan_whose_n_is_hardly_known_is_refused_with_the_budget_that_is_not(advisor: Advisor) -> None:
    law = with_line(0.1)
    near = advisor.answer(PlanRequest("1e21"), law=law).plan.n_params
    assert near.low is not None
    assert near.high is not None
    assert 1 < near.high / near.low < 30
    with pytest.raises(
        UsageError, match=r"only within a factor of 114, and a plan needs 30: ask for at most"
    ) as refusal:
        advisor.answer(PlanRequest("1e24"), law=law)
    words = str(refusal.value)
    most = words.partition("at most ")[2].partition(" FLOPs")[0]
    advisor.answer(PlanRequest(most), law=law)
    with pytest.raises(UsageError, match="factor of"):
        advisor.answer(PlanRequest(f"{1.3 * float(most):g}"), law=law)
    with pytest.raises(UsageError, match="ask for at least"):
        advisor.answer(PlanRequest("1e12"), law=law)
    with pytest.raises(UsageError, match="and a plan needs 30: fit more and larger runs"):
        advisor.answer(PlanRequest("1e18"), law=with_line(1.5))


def test_laws_without_an_uncertainty_plan_at_any_budget(advisor: Advisor) -> None:
    for name in ("meta2024/llama3", "kaplan2020/fixed-batch"):
        assert advisor.answer(PlanRequest("1e28", law=name)).plan.n_params.low is None

"""What a fit's laws cannot give is a sentence that names the fit, and never a number that is none."""

import math
from collections.abc import Callable
from dataclasses import replace

import pytest
from tests.bundled import bundled, fit

from budgetscope.api import Advisor, PlanRequest
from budgetscope.core.answers.answer import answer
from budgetscope.core.answers.comparison import compare
from budgetscope.core.answers.explanation import explain
from budgetscope.core.answers.fit_difference import differ
from budgetscope.core.answers.question import Question
from budgetscope.core.counting.shapes import shape_family
from budgetscope.core.errors import FailureError, UsageError
from budgetscope.core.laws.fit import Draws, Fit
from budgetscope.core.laws.forms import (
    Constant,
    ExcessLaw,
    LawForm,
    LogLinear,
    LossCurve,
    LossPower,
    Monomial,
    PowerLawParams,
)
from budgetscope.core.laws.guard import LARGEST, guarded
from budgetscope.core.laws.intervals import Estimate

TUNED = "porian2024/refinedweb-tuned"
BROKEN = PowerLawParams(1.0, 10.0, 1e-40)
REFUSAL = "mine/broken gives no usable numbers"


def with_law(role: str, law: LawForm, name: str = TUNED) -> Fit:
    """Return a fit in which one law, of the same or another form, has no uncertainty."""
    whole = fit(name)
    laws = dict(whole.laws) | {role: replace(next(iter(whole.laws.values())), law=law, uncertainty=None)}
    return replace(whole, id="mine/broken", laws=laws)


def question(budget: str = "1e21", **changes: object) -> Question:
    return replace(Advisor().question(PlanRequest(budget)), **changes)  # type: ignore[arg-type]


def raising(error: Exception) -> Callable[[Fit], float]:
    @guarded
    def function(_: Fit) -> float:
        raise error

    return function


@guarded
def same(_: Fit, result: object) -> object:
    return result


MINE = replace(fit(TUNED), id="mine/x")


@pytest.mark.parametrize("error", [OverflowError(), ZeroDivisionError(), ValueError("math domain error")])
def test_arithmetic_that_fails_is_a_sentence_that_names_the_fit(error: Exception) -> None:
    with pytest.raises(FailureError, match=r"^mine/x gives no usable numbers here: .*\.$") as refused:
        raising(error)(MINE)
    assert refused.value.__cause__ is error


@pytest.mark.parametrize("error", [UsageError("so."), FailureError("so."), TypeError("a mistake of ours")])
def test_what_is_no_arithmetic_passes(error: Exception) -> None:
    with pytest.raises(type(error)) as raised:
        raising(error)(MINE)
    assert raised.value is error


@pytest.mark.parametrize("number", [math.inf, -math.inf, math.nan, 2 * LARGEST, -2 * LARGEST, 10**400])
def test_numbers_that_are_none_are_found_wherever_they_stand(number: float) -> None:
    for result in (number, (1.0, number), {"a": [number]}, Estimate(1.0, high=number), ((Estimate(number),),)):
        with pytest.raises(FailureError, match="mine/x"):
            same(MINE, result)


def test_what_is_sound_comes_back_as_it_was() -> None:
    for result in (None, "text", True, 0.0, -LARGEST, LARGEST, (Estimate(1.0), None), {"a": {1.0}}):
        assert same(MINE, result) is result


def test_the_chosen_law_is_named_by_plan_comparison_explanation_and_difference() -> None:
    broken = with_law("allocation", BROKEN)
    asked = question(fit=broken)
    sound = answer(question())
    tuned = fit(TUNED)
    for ask in (
        lambda: answer(asked),
        lambda: compare(replace(sound, question=asked), (broken, tuned)),
        lambda: differ(tuned, broken, shape_family()),
        lambda: differ(broken, tuned, shape_family()),
    ):
        with pytest.raises(FailureError, match=REFUSAL):
            ask()
    with pytest.raises(FailureError, match="porian2024/refinedweb-warmup gives no usable numbers"):
        explain(sound, lambda name: replace(broken, id=name) if name == "porian2024/refinedweb-warmup" else fit(name))


@pytest.mark.parametrize("budget", ["N=7B", "D=140B", "64xH100 14d", "1e21"])
def test_every_way_to_ask_is_refused(budget: str) -> None:
    with pytest.raises(FailureError, match=REFUSAL):
        answer(question(budget, fit=with_law("allocation", BROKEN)))


def test_draws_that_break_are_refused() -> None:
    whole = fit(TUNED)
    for row in ((-1.0, 0.5), (0.0, 0.5), (1e59, 5.0), (1.0, 1e50), (1.0, -1e50)):
        draws = Draws(("coefficient", "exponent"), (row, row))
        law = replace(whole.laws["allocation"], uncertainty=draws)
        broken = replace(whole, id="mine/broken", laws=dict(whole.laws) | {"allocation": law})
        with pytest.raises(FailureError, match=REFUSAL):
            answer(question(fit=broken))


@pytest.mark.parametrize("floor", [-500.0, -2.0])
def test_a_loss_below_zero_is_refused(floor: float) -> None:
    with pytest.raises(FailureError, match="mine/broken gives a loss of -"):
        answer(question(fit=with_law("loss_curve", LossCurve(1.0, 0.1, floor))))


RULE = "porian2024/rounded-rule"


@pytest.mark.parametrize(
    ("role", "law"),
    [
        ("learning_rate", Monomial(1e60, n_params_exponent=10)),
        ("learning_rate", Monomial(1e-60, n_params_exponent=-10)),
        ("learning_rate", Monomial(1e-60, tokens_exponent=-10, tokens_unit=1e-60)),
        ("batch_size", Monomial(1e60, n_params_exponent=5)),
        ("critical_batch_size", Constant(1e61)),
        ("learning_rate", LossPower(1e60, -10)),
    ],
    ids=repr,
)
def test_a_recipe_that_breaks_is_named_not_the_law(role: str, law: LawForm) -> None:
    rule = with_law(role, law, RULE)
    with pytest.raises(FailureError, match=REFUSAL):
        answer(question(hyperparameters=(rule, fit(RULE)), recipes=()))


def test_a_law_of_the_spread_that_breaks_is_named_too() -> None:
    loud = with_law("learning_rate", Monomial(1e60, n_params_exponent=10), RULE)
    with pytest.raises(FailureError, match=REFUSAL):
        answer(question(spread_fits=(loud,)))


def test_a_law_that_is_silent_in_every_draw_is_passed_over() -> None:
    law = LogLinear(-1.0, -1.0)
    whole = with_law("learning_rate", law, RULE)
    draws = Draws(("intercept",), ((-1.0,), (-2.0,)))
    laws = dict(whole.laws) | {"learning_rate": replace(whole.laws["learning_rate"], uncertainty=draws)}
    silent = replace(whole, laws=laws)
    found = answer(question(hyperparameters=(silent, fit(RULE)), recipes=()))
    assert found.plan.recipe.sources["learning_rate"] == RULE


def test_a_comparison_skips_who_breaks_and_says_so() -> None:
    found = answer(question())
    fits = (with_law("allocation", BROKEN), *bundled().values())
    comparison = compare(found, fits)
    (sentence,) = comparison.skipped
    assert sentence.startswith(REFUSAL)
    assert comparison.rows == compare(found, tuple(bundled().values())).rows


@pytest.mark.parametrize("law", [PowerLawParams(1e-40, 0.5), PowerLawParams(1.0, 1.0), PowerLawParams(1e20, 1.2)])
def test_less_than_a_parameter_or_a_token_is_no_model(law: LawForm) -> None:
    absurd = with_law("allocation", law)
    with pytest.raises(FailureError, match=r"mine/broken splits 1e21 FLOPs into .* which is no model"):
        answer(question(fit=absurd))
    (sentence,) = compare(answer(question()), (absurd, fit(TUNED))).skipped
    assert sentence.startswith("mine/broken splits 1e21 FLOPs")


def test_a_chosen_law_that_cannot_judge_the_others_is_named_once() -> None:
    excess = ExcessLaw(1.0, -10.0, 0.0, 1.0)
    asked = question(fit=with_law("excess", excess))
    comparison = compare(answer(asked), (asked.fit, *bundled().values()))
    (sentence,) = comparison.skipped
    assert sentence.startswith(REFUSAL)
    assert "mine/broken" in {row.fit_id for row in comparison.rows}


@pytest.mark.parametrize("flops", [0.0, -1.0, 1e9, 1e33, math.inf, math.nan])
def test_a_difference_is_asked_within_the_budgets(flops: float) -> None:
    with pytest.raises(UsageError, match="no scaling law says anything"):
        differ(fit(TUNED), fit(TUNED), shape_family(), (flops,))

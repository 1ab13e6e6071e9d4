"""The answer: one frozen object, and everything else about a budget is computed of it alone."""

from dataclasses import FrozenInstanceError, asdict, replace

import pytest
from tests.asking import ADVISOR

from budgetscope.api import AnsweredRequest, PlanRequest
from budgetscope.api import ask as api_ask
from budgetscope.core.answers import answer as core_answer
from budgetscope.core.answers.comparison import chosen_row
from budgetscope.core.answers.mfu_range import settle
from budgetscope.core.answers.question import locate
from budgetscope.core.counting.ledger import Convention

BUDGETS = ("1e21", "64xH100 14d", "$50k on H100", "loss 2.6", "N=7B", "D=140B")


@pytest.mark.parametrize("name", ["question", "optimum", "plan", "request"])
def test_an_answer_is_frozen(name: str) -> None:
    answer = ADVISOR.answer(PlanRequest("1e21"))
    with pytest.raises(FrozenInstanceError):
        setattr(answer, name, None)
    assert not hasattr(answer, "__dict__")


@pytest.mark.parametrize("budget", BUDGETS)
def test_an_answer_is_the_optimum_and_the_plan_of_its_question(budget: str) -> None:
    request = PlanRequest(budget)
    answer = ADVISOR.answer(request)
    assert answer.request is request
    assert answer.question == settle(ADVISOR.question(request))[0]
    assert answer.optimum == locate(answer.question)
    assert answer.plan.n_params.value == answer.optimum.n_params
    assert answer.plan.flops == answer.optimum.flops
    assert answer.plan.tokens.value == answer.optimum.tokens


@pytest.mark.parametrize("budget", BUDGETS)
def test_everything_of_an_answer_is_of_its_own_optimum_and_asks_nothing_again(
    budget: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = ADVISOR.answer(PlanRequest(budget))
    plan = answer.plan

    def again(*_: object) -> None:
        raise AssertionError

    for owner, name in ((core_answer, "settle"), (core_answer, "plan"), (api_ask, "answer"), (ADVISOR, "question")):
        monkeypatch.setattr(owner, name, again)
    comparison = ADVISOR.compare(answer)
    own = chosen_row(comparison)
    assert (comparison.flops, own.n_params, own.tokens) == pytest.approx(
        (plan.flops, plan.n_params.value, plan.tokens.value)
    )
    assert ADVISOR.explain(answer).flops == plan.flops
    assert ADVISOR.iso_flop(answer).at(plan.n_params.value).tokens == pytest.approx(plan.tokens.value)
    sheet = ADVISOR.recipe_sheet(answer)
    assert sheet.answer is answer
    assert sheet.half.n_params == plan.n_params.value / 2
    followed = next(each for each in sheet.law_values if each.role == "learning_rate" and each.followed)
    assert followed.value == plan.recipe.learning_rate.value
    assert sheet.checkpoints[-1].tokens == plan.run.tokens
    assert ADVISOR.place(answer, Convention(plan.convention)).n_params == plan.n_params
    grid = (plan.flops, 10 * plan.flops)
    assert ADVISOR.curves(answer, (), grid)[0].n_params[0] == pytest.approx(plan.n_params.value)
    (losses,) = ADVISOR.quantity_curves(answer, "loss", [plan.law_id], grid)
    assert plan.loss is not None
    assert losses.ys[0] == pytest.approx(plan.loss.value)
    assert ADVISOR.value(answer, 0.02).target_flops == pytest.approx(plan.flops)
    assert f"budgetscope plan {ADVISOR.command(answer.request).partition('plan ')[2]}" in ADVISOR.export(answer, "md")


def test_requests_of_the_same_meaning_have_equal_answers() -> None:
    first, second = (ADVISOR.answer(PlanRequest(budget)) for budget in ("64 H100 for 14 days", "64 H100 for 14 d"))
    assert first == second
    assert first.request != second.request
    assert first != ADVISOR.answer(PlanRequest("64 H100 for 15 days"))
    assert first != ADVISOR.answer(PlanRequest("64 H100 for 14 days", hyperparameters="steplaw2025/dense"))


def test_the_plan_alone_is_what_programs_read() -> None:
    answer = ADVISOR.answer(PlanRequest("1e21"))
    assert "question" not in asdict(answer.plan)
    assert "request" not in asdict(answer.plan)
    assert isinstance(replace(answer, request=PlanRequest("1e22")), AnsweredRequest)

"""Constraints: the run that they allow, and the price of each."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.asking import ADVISOR, answer_where_known
from tests.sizes import examples

from budgetscope.api import PlanRequest
from budgetscope.core.answers.answer import Answer
from budgetscope.core.answers.constraints import Choice, choose
from budgetscope.core.budget.constraints import Constraints
from budgetscope.core.errors import UsageError
from budgetscope.core.laws.forms import LossSurface
from budgetscope.core.laws.loss_model import LossModel

MACHINE = "64 H100 for 14 days at 40% MFU"


def chosen(answer: Answer, **constraints: float) -> Choice:
    question = replace(answer.question, constraints=Constraints(**constraints))
    found = choose(question, answer.optimum, answer.plan.loss)
    assert found is not None
    return found


def asked(budget: str = MACHINE, law: str | None = None, **constraints: float) -> Choice:
    return chosen(ADVISOR.answer(PlanRequest(budget, law=law)), **constraints)


def loss_of(choice: Choice) -> float:
    assert choice.loss is not None
    return choice.loss.value


def test_without_constraints_there_is_no_choice() -> None:
    answer = ADVISOR.answer(PlanRequest(MACHINE))
    assert choose(answer.question, answer.optimum, answer.plan.loss) is None


def test_a_fixed_size_is_the_what_if_of_the_same_compute() -> None:
    answer = ADVISOR.answer(PlanRequest("1e21"))
    found, other = chosen(answer, n_params=1e9), ADVISOR.iso_flop(answer).at(1e9)
    assert found.point.tokens == pytest.approx(other.tokens)
    assert loss_of(found) == pytest.approx(other.loss)
    (price,) = found.prices
    assert price.loss == pytest.approx(other.loss_difference)
    assert price.wasted_flops == pytest.approx(other.wasted_flops, rel=1e-6)
    # What-if takes the share of the optimum's cost; this size spends more on attention.
    assert price.wasted_usd == pytest.approx(other.wasted_usd, rel=0.1)
    assert found.equal_flops == pytest.approx(1e21 - (other.wasted_flops or 0), rel=1e-6)


def test_the_plan_is_of_the_run_that_is_left() -> None:
    """N, D and the loss of a plan are those of its recipe and run; the optimum stands beside them."""
    free = ADVISOR.answer(PlanRequest(MACHINE)).plan
    plan = ADVISOR.answer(PlanRequest(MACHINE, max_params=1e10)).plan
    assert plan.choice is not None
    assert (plan.n_params.value, plan.tokens.value) == (plan.choice.point.n_params, plan.choice.point.tokens)
    assert plan.n_params.value == pytest.approx(plan.run.n_params, rel=0.02)
    assert plan.loss == plan.choice.loss
    assert plan.optimum == free.optimum
    assert (free.n_params, free.tokens, free.loss) == (
        free.optimum.n_params, free.optimum.tokens, free.optimum.loss,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("budget", "options", "said"),
    [
        ("N=7B on 64 H100", {"params": 3e9}, "the budget says N 7e.09 and --params says 3e.09"),
        ("N=7B on 64 H100", {"max_params": 3e9}, "N is fixed at 7 B and bounded by 3 B"),
        ("D=140B", {"tokens": 1e9}, "the budget says D 1.4e.11 and --tokens says 1e.09"),
        ("1e21", {"params": 5e9, "tokens": 5e11}, "are 1.5e22 FLOPs, 15 times the budget"),
        ("loss 2.2", {"max_params": 1e10}, "asks for the least compute that reaches the loss"),
        ("loss 2.2, 50B unique tokens", {}, "asks for the least compute that reaches the loss"),
        ("1e21 max 10B tokens", {}, "write D=10B, or 10B unique tokens"),
        ("8 H100 for a month, only 30B tokens", {}, "write D=30B, or 30B unique tokens"),
    ],
)
def test_text_and_options_do_not_overrule_each_other(budget: str, options: dict[str, float], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        ADVISOR.answer(PlanRequest(budget, **options))  # type: ignore[arg-type]


@pytest.mark.parametrize("words", ["max 2B params", "up to 2B parameters", "at most 2B parameters", "under 2B params"])
def test_an_upper_bound_in_words_is_one(words: str) -> None:
    found = ADVISOR.answer(PlanRequest(f"1e21, {words}"))
    assert found.question.constraints == Constraints(max_params=2e9)
    assert ADVISOR.answer(PlanRequest(found.plan.budget)).question.constraints == found.question.constraints


def test_a_bound_that_does_not_bind_costs_nothing() -> None:
    answer = ADVISOR.answer(PlanRequest(MACHINE))
    found = chosen(answer, max_params=1e11, deadline_hours=1000, unique_tokens=1e13)
    assert found.point.n_params == pytest.approx(answer.optimum.n_params, rel=1e-3)
    assert [(price.loss, price.wasted_flops) for price in found.prices] == [(0, 0)] * 3
    assert found.epochs == pytest.approx(answer.optimum.tokens / 1e13, rel=1e-3)


def test_a_bound_that_binds_is_met_and_priced_in_order() -> None:
    found = asked(deadline_hours=200, max_params=10e9, unique_tokens=1e11)
    assert found.point.n_params == pytest.approx(10e9)
    assert [price.constraints for price in found.prices] == [("deadline_hours",), ("max_params",), ("unique_tokens",)]
    assert [price.text for price in found.prices] == [
        "within 8.33 days", "at most 10 B parameters", "100 B unique tokens",
    ]  # fmt: skip
    assert sum(price.loss or 0 for price in found.prices) == pytest.approx(found.loss_difference)
    assert all((price.loss or 0) > 0 for price in found.prices)
    assert found.prices[0].wasted_flops == 0


@pytest.mark.parametrize("most", [1e9, 3.3e9, 7e9, 1.31e10])
def test_the_shape_to_build_keeps_the_bound(most: float) -> None:
    run = ADVISOR.answer(PlanRequest(MACHINE, max_params=most)).plan.run
    assert 0.9 * most < run.n_params <= most
    assert run.hours == pytest.approx(14 * 24)


def test_a_whole_run_is_priced_as_one() -> None:
    """1.1 B parameters on 3 T tokens: far past the optimum, and still no worse than fewer tokens."""
    found = asked(n_params=1.1e9, tokens=3e12)
    assert [price.text for price in found.prices] == ["1.1 B parameters on 3 T tokens"]
    assert (found.equal_params or 0) > 1.1e9
    assert (found.equal_flops or 0) < 0.2 * found.point.flops
    fewer = asked(n_params=1.1e9, tokens=1e12)
    assert loss_of(found) < loss_of(fewer)


@pytest.mark.parametrize("served", [1e11, 1e12, 1e13])
def test_serving_is_the_optimum_of_sardana(served: float) -> None:
    """Against a brute-force search over N of 6 N D + 2 N S at equal loss, on a surface."""
    answer = ADVISOR.answer(PlanRequest("1e21", law="besiroglu2024/refit"))
    surface = answer.question.fit.surface
    assert isinstance(surface, LossSurface)
    found = chosen(answer, served_tokens=served)
    target = surface.best_loss(1e21)
    n = np.geomspace(answer.optimum.n_params / 100, answer.optimum.n_params, 400_001)
    left = target - surface.E - surface.A * n**-surface.alpha
    n, left = n[left > 0], left[left > 0]
    lifetime = 6 * n * (surface.B / left) ** (1 / surface.beta) + 2 * n * served
    best = n[lifetime.argmin()]
    # The plan counts attention in training, and serves the weights alone: the brute force does not.
    assert found.point.n_params == pytest.approx(best, rel=0.05)
    assert loss_of(found) == pytest.approx(target, rel=1e-9)
    (price,) = found.prices
    assert (price.lifetime_flops or 0) < 0 < price.training_flops


def test_serving_holds_the_loss_and_the_other_constraints() -> None:
    bound = asked(max_params=10e9)
    served = asked(max_params=10e9, served_tokens=1e13)
    assert loss_of(served) == pytest.approx(loss_of(bound), rel=1e-9)
    assert served.point.n_params < bound.point.n_params
    in_time = asked(deadline_hours=14 * 24.0, served_tokens=1e13)
    assert in_time.point.flops <= ADVISOR.answer(PlanRequest(MACHINE)).optimum.flops * 1.001


@pytest.mark.parametrize(
    ("constraints", "said"),
    [
        ({"n_params": 1e10, "max_params": 5e9}, "N is fixed at 10 B and bounded by 5 B"),
        ({"n_params": 1e10, "tokens": 1e13}, "10 B parameters on 10 T tokens take"),
        ({"n_params": 1e9, "tokens": 1e11, "deadline_hours": 1.0}, "and the deadline is 1 h"),
        ({"unique_tokens": 1e9}, "would be read 430 times"),
        ({"max_params": 10.0}, "10 parameters are 1.8e9 times off the optimum"),
        ({"tokens": 1e20}, "fit no model near the budget's optimum"),
    ],
)
def test_what_cannot_be_is_refused(constraints: dict[str, float], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        chosen(ADVISOR.answer(PlanRequest(MACHINE)), **constraints)


def test_a_law_without_a_loss_fixes_and_bounds_but_does_not_price() -> None:
    law = "hoffmann2022/approach-1"
    found = asked("1e21", law, max_params=1e9)
    assert found.point.n_params == 1e9
    assert found.loss is None
    assert found.prices[0].loss is None
    for name in ("unique_tokens", "served_tokens"):
        with pytest.raises(UsageError, match=f"--{name.replace('_', '-')} needs a law of the loss"):
            chosen(ADVISOR.answer(PlanRequest("1e21", law=law)), **{name: 1e10})


LOSSY = ("porian2024/refinedweb-tuned", "porian2024/openwebtext2-tuned", "besiroglu2024/refit")


@examples(40)
@given(st.sampled_from(LOSSY), st.floats(18, 24), st.floats(-3, 0), st.floats(1, 8))
def test_more_tokens_never_make_a_small_model_worse(law: str, exponent: float, log_ratio: float, more: float) -> None:
    answer = answer_where_known(f"{10.0**exponent!r} FLOPs", law=law)
    model, own = LossModel(answer.question.fit), answer.optimum
    n_params = own.n_params * np.exp(log_ratio)

    def loss(tokens: float) -> float:
        flops = 6 * n_params * tokens
        best, above = model.best_loss(flops), model.excess_loss(flops, n_params)
        assert best is not None
        assert above is not None
        return best + above

    tokens = own.tokens * np.exp(-log_ratio)
    assert loss(tokens * more) <= loss(tokens) * (1 + 1e-9)


def test_a_budget_fixes_in_its_text_what_options_fix() -> None:
    said = ADVISOR.answer(PlanRequest("7B on 300B tokens, 4 epochs of 75B tokens, 64 H100 14d, seq 4096")).plan
    asked_for = PlanRequest("64 H100 14d", params=7e9, tokens=3e11, unique_tokens=75e9, seq_len=4096)
    meant = ADVISOR.answer(asked_for).plan
    assert said.choice == meant.choice
    assert said.run == meant.run
    with pytest.raises(UsageError, match=r"the budget says N 7e\+09 and --params says 8e\+09"):
        ADVISOR.answer(PlanRequest("N=7B on 64 H100 14d", params=8e9))
    with pytest.raises(UsageError, match="the budget says seq 4096 and --seq-len says 2048"):
        ADVISOR.answer(PlanRequest("64 H100 14d, seq 4096", seq_len=2048))
    with pytest.raises(UsageError, match="says epochs and not of how many tokens"):
        ADVISOR.answer(PlanRequest("4 epochs on 8 H100 3d"))
    with pytest.raises(UsageError, match="ask '64 x H100 for 14 days' or 'N=7B'"):
        ADVISOR.answer(PlanRequest("N=7B on 64 H100 14d"), alone=True)


def test_n_and_d_without_a_budget_are_a_run_whose_compute_is_the_budget() -> None:
    answer = ADVISOR.answer(PlanRequest("N=1.1B D=3T on 16 A100"))
    choice = answer.plan.choice
    assert choice is not None
    assert (choice.point.n_params, choice.point.tokens) == pytest.approx((1.1e9, 3e12))
    assert answer.optimum.flops == pytest.approx(choice.point.flops)
    assert (answer.plan.machine.n_devices, answer.plan.run.tokens) == (16, 3e12)
    assert (choice.loss_difference or 0) > 0

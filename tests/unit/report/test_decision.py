"""The decision: what to train, how far one may move, and what is least certain, in the plan's own numbers."""

import shlex
from typing import Any

import pytest
from tests.asking import ADVISOR

from budgetscope.api import PlanRequest
from budgetscope.core.answers.cautions import MOST_DECISIVE, Caution, Level, ranked
from budgetscope.core.budget.quantities import format_count
from budgetscope.core.errors import UsageError
from budgetscope.report.decision import decision, doubt, value_command

MACHINE = "64 H100 for 14 days at 40% MFU"


def decided(budget: str = MACHINE, /, **options: Any) -> tuple[str, ...]:
    return decision(ADVISOR.answer(PlanRequest(budget, **options)).plan)


def test_it_says_what_to_train_how_long_and_for_how_much() -> None:
    plan = ADVISOR.answer(PlanRequest(MACHINE)).plan
    what, _, freedom, unsure, confirm = decision(plan)
    assert what.startswith("Train 18.2 B parameters on 264 B tokens: 14 days on 64 x H100 SXM, for $92.5 K ($57.8 K to")
    assert plan.loss_after_decay is not None
    assert f"near {plan.loss_after_decay.value:.2f} nats/token after the decay" in what
    assert plan.optimum.flat_band is not None
    assert all(format_count(end) in freedom for end in plan.optimum.flat_band)
    assert plan.expected_waste is not None
    assert f"costs {plan.expected_waste:.0%} of the compute = $" in unsure
    runs = plan.recipe.confirmation
    assert runs is not None
    assert f"at {format_count(runs.n_params)} parameters" in confirm
    assert plan.run.cost_usd is not None
    assert runs.usd == pytest.approx(0.01 * plan.run.cost_usd.value, rel=1e-3)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"max_params": 1e10}, "(at most 10 B parameters) cost 0.013 of the loss; without them 16.9 B parameters on"),
        ({"max_params": 1e11}, "The constraints (at most 100 B parameters) cost nothing."),
        ({"law": "hoffmann2022/approach-1", "params": 1e10}, "is not known: the law has no loss off the optimum"),
        ({"law": "hoffmann2022/approach-1"}, "How far the size may move is not known"),
        ({"law": "meta2024/llama3"}, "meta2024/llama3 has no published uncertainty"),
        ({"law": "porian2024/refinedweb-tuned-akima"}, "by the runs' noise alone."),
    ],
)
def test_it_says_so_where_something_else_is_true(options: dict[str, Any], said: str) -> None:
    assert said in " ".join(decided(**options))


def test_a_stated_size_is_not_told_to_be_unsure_but_the_best_one() -> None:
    unsure = " ".join(decided("N=7B"))
    assert "Least certain is the budget's best size: 3.58 B to 13.7 B with 95%" in unsure
    assert "To miss it costs 6% of the compute" in unsure


def test_a_small_budget_is_sure_of_its_size() -> None:
    assert decided("1e18")[3].startswith("The optimal size is known within a factor of 1.")


def test_no_more_than_three_cautions_could_change_the_decision() -> None:
    codes = ("long-run", "extrapolated-beta2", "no-shape", "no-loss", "ablation", "repeated-data", "ablation")
    found = ranked(Caution(code, f"{code}.") for code in codes)
    assert [caution.code for caution in found] == [
        "ablation", "repeated-data", "no-shape", "long-run", "no-loss", "extrapolated-beta2",
    ]  # fmt: skip
    levels = [caution.level for caution in found]
    assert levels == [Level.DECISION] * MOST_DECISIVE + [Level.KNOW] * 2 + [Level.SMALL_PRINT]


@pytest.mark.parametrize(
    "asked",
    [
        PlanRequest("64 H100 for 14 days"),
        PlanRequest("64 H100 for 14 days at 40% MFU and $2/h"),
        PlanRequest("$50k on H100", law="budgetscope2026/english"),
    ],
)
def test_the_command_of_a_calibrations_value_answers_as_it_is_printed(asked: PlanRequest) -> None:
    found = ADVISOR.answer(asked).plan
    command = value_command(found)
    assert f"`{command}` says by how much" in doubt(found)
    program, verb, budget, *law = shlex.split(command)
    assert (program, verb, law) == ("budgetscope", "value", ["--law", asked.law] if asked.law else [])
    again = ADVISOR.answer(PlanRequest(budget, law=asked.law), alone=True)
    assert again.plan.flops == found.flops
    shares = [each.share for each in ADVISOR.value(again).calibrations]
    assert shares == pytest.approx([0.0001, 0.001, 0.005, 0.01, 0.02, 0.05, 0.1][-len(shares) :])


def test_a_law_that_cannot_value_a_calibration_names_no_command() -> None:
    assert value_command(ADVISOR.answer(PlanRequest("1e21", law="hoffmann2022/approach-3")).plan) == ""


def test_a_budget_too_small_for_any_calibration_says_which_is_enough() -> None:
    with pytest.raises(UsageError, match=r"10% of 1e16 FLOPs pays for no .*: ask with a budget of at least 3.38e18"):
        ADVISOR.value(ADVISOR.answer(PlanRequest("1e16"), alone=True))

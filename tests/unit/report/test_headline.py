"""Headlines: the sentence and the figures that a screen shows first."""

import math
from dataclasses import replace

import pytest

from budgetscope.api import Advisor, PlanRequest
from budgetscope.core.answers.whatif import IsoFlop
from budgetscope.report.decision import lead
from budgetscope.report.headline import (
    calibration_headline,
    change_headline,
    comparison_headline,
    followed_headline,
    law_headline,
    plan_headline,
    recipe_headline,
    whatif_headline,
)
from budgetscope.report.scenarios import Column

BUDGET = PlanRequest("64 H100 for 14 days", law="porian2024/refinedweb-tuned")


@pytest.fixture(scope="module")
def advisor() -> Advisor:
    return Advisor()


def test_a_plan_leads_with_n_d_and_cost_and_their_honest_ranges(advisor: Advisor) -> None:
    headline = plan_headline(advisor.answer(BUDGET).plan)
    assert headline.sentence.startswith("Train 18.7 B parameters on 268 B tokens: 14 days on 64 x H100 SXM")
    n, d, cost = headline.figures
    assert (n.value, n.label, n.range) == ("18.7 B", "parameters to build", "7.87 B to 44.8 B")
    assert (d.value, d.label, d.range) == ("268 B", "tokens", "112 B to 636 B")
    assert (cost.value, cost.range) == ("$92.5 K", "$57.8 K to $148 K")
    assert "7.87 B to 44.8 B" in headline.doubt


def test_a_fixed_size_has_no_range(advisor: Advisor) -> None:
    headline = plan_headline(advisor.answer(replace(BUDGET, params=7e9)).plan)
    assert [figure.range for figure in headline.figures[:2]] == ["", ""]


def test_without_a_price_the_time_stands_in_its_place(advisor: Advisor) -> None:
    plan = advisor.answer(PlanRequest("8 GPUs for 3 days", device="h800")).plan
    assert plan.run.cost_usd is None
    assert plan_headline(plan).figures[2].value == "3 days"


def test_what_if_tells_the_loss_the_waste_and_the_best_size_over_the_life(advisor: Advisor) -> None:
    answer = advisor.answer(BUDGET)
    iso, served = IsoFlop(answer), 1e12
    best = advisor.answer(replace(BUDGET, served_tokens=served)).plan
    here = iso.at(answer.optimum.n_params / 2, served)
    headline = whatif_headline(iso, here, served, best)
    loss, waste = headline.figures
    assert here.loss_difference is not None
    assert here.wasted_share is not None
    assert math.isclose(float(loss.value), here.loss_difference, abs_tol=1e-4)
    assert waste.value == f"{here.wasted_share:.1%}"
    cheapest = min(iso.at(answer.optimum.n_params, served).lifetime_flops, here.lifetime_flops)
    assert here.lifetime_flops == cheapest
    assert "less than the optimum" in headline.doubt
    assert "The best size over its life, at the optimum's loss, is 11.4 B on 506 B tokens" in headline.doubt
    assert "though its training takes 15% more compute than the budget." in headline.doubt


@pytest.mark.parametrize(
    ("budget", "law", "said"),
    [
        ("1e15", "porian2024/refinedweb-tuned", "A calibration on your own data would cost more than this run."),
        ("1e24", "porian2024/refinedweb-tuned", "`budgetscope value '1e24 FLOPs'` says by how much."),
        ("1e24", "besiroglu2024/refit", "A calibration on your own data narrows it: budgetscope calibrate."),
    ],
)
def test_a_doubt_names_a_command_that_answers(advisor: Advisor, budget: str, law: str, said: str) -> None:
    assert said in plan_headline(advisor.answer(PlanRequest(budget, law=law)).plan).doubt


@pytest.mark.parametrize(
    ("budget", "said"),
    [
        ("1 RTX 4090 for 2 days", "The best size over its life, at the optimum's loss, is "),
        (
            "1 RTX 4090 for 2 days with 2B tokens of data",
            "Within the plan's constraints hardly any size costs less over its life than the plan's.",
        ),
        (
            "1 RTX 4090 for 2 days, at most 200M parameters",
            "Within the plan's constraints the best size over its life, at the plan's loss, is ",
        ),
    ],
)
def test_the_best_size_over_a_life_says_when_constraints_hold_it(advisor: Advisor, budget: str, said: str) -> None:
    answer = advisor.answer(PlanRequest(budget))
    here = IsoFlop(answer).at(answer.optimum.n_params, 1e12)
    doubt = whatif_headline(IsoFlop(answer), here, 1e12, advisor.best_over_life(answer, 1e12)).doubt
    assert doubt.startswith(said)
    assert ("more compute than" in doubt) == ("best size" in doubt)
    assert " Over its life, with 1 T served tokens, the optimum costs $1.68 K of compute." in doubt


def test_nothing_is_said_of_the_life_without_served_tokens(advisor: Advisor) -> None:
    answer = advisor.answer(BUDGET)
    assert whatif_headline(IsoFlop(answer), IsoFlop(answer).at(1e10), 0.0).doubt == ""


def test_the_recipe_says_how_far_the_published_laws_are_apart(advisor: Advisor) -> None:
    plan = advisor.answer(BUDGET).plan
    rate = plan.recipe.learning_rate
    assert rate.low is not None
    assert rate.high is not None
    doubt = recipe_headline(plan).doubt
    assert f"by a factor of {rate.high / rate.low:.2g} in the learning rate" in doubt
    assert "times the best one's compute" in doubt


def test_a_comparison_names_what_differs_most(advisor: Advisor) -> None:
    week = advisor.answer(replace(BUDGET, budget="64 H100 for 7 days")).plan
    cheap = advisor.answer(replace(BUDGET, price=0.01)).plan
    now = advisor.answer(BUDGET).plan
    columns = (Column("now", now), Column("cheap", cheap), Column("week", week), Column("none", None, "no plan"))
    assert comparison_headline(columns, 0, 1).sentence.startswith("“cheap” differs most from “now” in cost: $215")
    told = comparison_headline(columns, 0, 2)
    assert "“week” differs most from “now” in " in told.sentence
    assert week.loss_after_decay is not None
    assert now.loss_after_decay is not None
    assert told.figures[1].value == f"{week.loss_after_decay.value - now.loss_after_decay.value:+.3f}"
    # A scenario without a plan, and the reference itself: the first other one.
    assert (
        comparison_headline(columns, 0, 3) == comparison_headline(columns, 0, 1) == comparison_headline(columns, 0, 0)
    )
    assert comparison_headline(columns[:1], 0, 0).sentence == plan_headline(now).sentence
    twin = (Column("now", now), Column("twin", now))
    assert comparison_headline(twin, 0, 1).sentence == "“twin” and “now” hardly differ."


def test_a_calibration_says_how_well_n_is_known_today(advisor: Advisor) -> None:
    plan = advisor.answer(BUDGET).plan
    assert "from 7.87 B to 44.8 B" in calibration_headline(plan).sentence
    assert calibration_headline(plan, "N will be known").sentence == "N will be known."
    assert (
        "cannot be said" in calibration_headline(advisor.answer(replace(BUDGET, law="meta2024/llama3")).plan).sentence
    )


def test_another_law_says_what_it_changes(advisor: Advisor) -> None:
    plans = [advisor.answer(replace(BUDGET, law=law)).plan for law in (BUDGET.law, "kaplan2020/fixed-batch")]
    headline = change_headline(*plans)
    assert headline.figures[0].value == "280 B"
    assert headline.figures[0].range == "instead of 18.8 B"


def test_a_law_beside_the_plan_is_told_by_the_plans_count(advisor: Advisor) -> None:
    answer = advisor.answer(BUDGET)
    rows = {row.fit_id: row for row in advisor.compare(answer).rows}
    kaplan = next(fit for fit in advisor.fits if fit.id == "kaplan2020/fixed-batch")
    row = advisor.beside(answer, kaplan)
    assert row == rows[kaplan.id]
    headline = law_headline(answer.plan, row)
    assert [figure.value for figure in headline.figures] == ["276 B", "18.2 B"]
    # A law of beta2 alone, and the plan's own: the plan's headline.
    beta2 = next(fit for fit in advisor.fits if fit.id == "marek2025/token-half-life")
    assert advisor.beside(answer, beta2) is None
    assert law_headline(answer.plan, rows[answer.plan.law_id]) == followed_headline(answer.plan)


@pytest.mark.parametrize(
    ("budget", "figure", "value", "span"),
    [
        ("2 TFLOP/s for 3 days", 1, "0.94 B", "0.792 B to 1.08 B"),
        ("N=7B on 64 x H800", 2, "1.91 days", "1.71 to 2.16 days"),
        ("64 H100 for 14 days", 0, "18.7 B", "7.87 B to 44.8 B"),
    ],
)
def test_a_figure_is_in_the_unit_of_its_range(
    advisor: Advisor, budget: str, figure: int, value: str, span: str
) -> None:
    shown = plan_headline(advisor.answer(PlanRequest(budget)).plan).figures[figure]
    assert (shown.value, shown.range) == (value, span)


def test_a_value_in_a_sentence_is_in_the_unit_of_its_range(advisor: Advisor) -> None:
    assert "1.91 days (1.71 to 2.16 days) on 64 x" in lead(advisor.answer(PlanRequest("N=7B on 64 x H100")).plan)

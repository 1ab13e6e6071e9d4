"""The rows of a plan as text."""

import pytest
from tests.asking import ADVISOR

from budgetscope.api import Advisor, PlanRequest
from budgetscope.core.answers.whatif import IsoFlop
from budgetscope.report.acceptance import change_rows
from budgetscope.report.figures.plan_figures import iso_flop
from budgetscope.report.headline import followed_headline, plan_headline, whatif_headline
from budgetscope.report.law_rows import comparison_note
from budgetscope.report.rows import end_rows, plan_rows
from budgetscope.report.scenarios import Column, board
from budgetscope.report.whatif import sentence, size_rows, size_title


@pytest.mark.parametrize(("budget", "hours"), [("1 H100 10 min", "0.167"), ("1 H100 5 h", "5"), ("1 H100 14d", "336")])
def test_a_short_run_takes_more_than_no_device_hours(budget: str, hours: str) -> None:
    rows = {row.key: row.text for row in plan_rows(Advisor().answer(PlanRequest(budget)).plan)}
    assert rows["device_hours"] == hours


@pytest.mark.parametrize(
    ("budget", "key", "text", "interval"),
    [
        ("2 TFLOP/s for 3 days", "tokens", "0.923 B", "[0.792 B, 1.08 B]"),
        ("1 RTX 4090 for 2 days with 2B tokens of data", "batch_tokens", "0.119 M", "[0.119 M, 1.35 M]"),
    ],
)
def test_a_value_is_in_the_unit_of_its_interval(budget: str, key: str, text: str, interval: str) -> None:
    rows = {row.key: row for row in plan_rows(Advisor().answer(PlanRequest(budget)).plan)}
    assert (rows[key].text, rows[key].interval) == (text, interval)


def test_one_head_is_not_many() -> None:
    rows = {row.key: row for row in plan_rows(Advisor().answer(PlanRequest("1e15")).plan)}
    assert ", 1 head, " in rows["shape"].basis


def test_every_face_says_which_of_the_two_sizes_it_shows() -> None:
    # The shape to build has 18.7 B parameters, and the optimum of the law is 18.8 B.
    answer = ADVISOR.answer(PlanRequest("3e22"))
    plan = answer.plan
    rows = {row.key: row for row in plan_rows(plan)}
    assert (rows["n_params"].text, rows["shape_n_params"].text) == ("18.8 B", "18.7 B")
    assert all(rows[key].basis.startswith("the law's optimum: ") for key in ("n_params", "tokens"))
    assert all(rows[key].basis.startswith("of the shape to build") for key in ("shape_n_params", "run_tokens"))
    figure = plan_headline(plan).figures[0]
    assert (figure.value, figure.label) == ("18.7 B", "parameters to build")
    assert "whose optimum is 18.8 B parameters" in followed_headline(plan).sentence
    assert {"optimal N", "optimal D"} < {row.label for row in board([Column("a", plan)], 0).rows}
    assert "optimum of each law" in comparison_note(ADVISOR.compare(answer))
    iso = ADVISOR.iso_flop(answer)
    best = iso.answer.optimum.n_params
    assert "The shape to build, in whole layers, has 18.7 B." in sentence(iso, iso.at(best))
    assert "to build" not in sentence(iso, iso.at(2 * best))
    assert size_title(iso.at(best)) == "This size: the law's optimum"
    assert size_title(iso.at(2 * best)) == "This size"


def test_the_size_that_constraints_allow_is_not_called_the_optimum() -> None:
    plan = ADVISOR.answer(PlanRequest("3e22", max_params=5e9)).plan
    rows = {row.key: row for row in plan_rows(plan)}
    assert not rows["n_params"].basis.startswith("the law's optimum")
    assert rows["optimal_n_params"].basis.startswith("the law's optimum")
    assert {"N", "D"} < {row.label for row in board([Column("a", plan)], 0).rows}


@pytest.mark.parametrize(
    ("law", "title"), [("porian2024/refinedweb-tuned", "pre-decay loss"), ("besiroglu2024/refit", "loss")]
)
def test_a_single_loss_is_the_final_one_and_any_other_is_named(law: str, title: str) -> None:
    answer = Advisor().answer(PlanRequest("1e21", law=law))
    plan, iso = answer.plan, IsoFlop(answer)
    assert plan.loss is not None
    assert plan.final_loss is not None
    assert (plan.final_loss.value < plan.loss.value) == plan.is_before_decay
    final = end_rows(plan)["loss"]
    assert (final.label, final.value) == ("final loss", plan.final_loss.value)
    assert final.basis.startswith("nats/token")
    assert "constant" not in final.basis
    changes = {label: (before, after) for label, before, after in change_rows(plan, plan)}
    assert changes["your final loss"][0].startswith(final.text)
    best = iso.at(plan.n_params.value)
    assert title in [row.label for row in size_rows(iso, best, best)]
    assert ("before the decay" in whatif_headline(iso, best, 0.0).figures[0].label) == plan.is_before_decay
    figure = iso_flop(iso)
    assert figure is None or figure.y.title.startswith(f"{title}, nats/token")

"""The rows of a plan as text."""

import pytest

from budgetscope.api import Advisor, PlanRequest
from budgetscope.core.answers.whatif import IsoFlop
from budgetscope.report.acceptance import change_rows
from budgetscope.report.figures.plan_figures import iso_flop
from budgetscope.report.headline import whatif_headline
from budgetscope.report.rows import end_rows, plan_rows
from budgetscope.report.whatif import size_rows


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

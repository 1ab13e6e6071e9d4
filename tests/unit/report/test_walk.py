"""The walk's words agree with the explanation's numbers."""

from dataclasses import replace

import pytest

from budgetscope.api import Advisor, PlanRequest, compare, explain
from budgetscope.core.answers.comparison import Comparison
from budgetscope.core.answers.explanation import Explanation
from budgetscope.core.budget.quantities import format_count
from budgetscope.report.explanation import step_line_header, step_lines

REQUEST = PlanRequest("64 H100 for 14 days at 40% MFU")


@pytest.fixture(scope="module")
def explanation() -> Explanation:
    return explain(REQUEST)


@pytest.fixture(scope="module")
def comparison() -> Comparison:
    return compare(REQUEST)


@pytest.mark.parametrize("dataset", ["RefinedWeb", "OpenWebText2"])
def test_each_line_holds_its_steps_numbers(explanation: Explanation, comparison: Comparison, dataset: str) -> None:
    lines = step_lines(explanation, dataset, comparison)
    steps = explanation.datasets[dataset]
    rows = {row.fit_id: row for row in comparison.rows}
    assert [line.title for line in lines] == [step.title for step in steps]
    for line, step in zip(lines, steps, strict=True):
        cells = dict(zip(step_line_header()[1:], line.cells, strict=True))
        assert cells["exponent a"].startswith(f"{step.exponent.value:.3f} [")
        assert cells["N here"] == format_count(step.n_params)
        assert cells["D/N here"] == f"{step.tokens_per_param:.3g}"
        share = rows[step.fit_id].wasted_share
        assert share is not None
        assert cells["waste"] == f"{share:.1%}"
        at_1e18 = step.saving_at(1e18)
        assert cells["tuned 1e18"] == ("-" if at_1e18 is None else f"{at_1e18:.0%}")
        facts = dict(line.facts)
        assert cells["exponent a"] in facts["exponent"]
        assert format_count(step.own_n_params.value) in facts["N here"]
        assert f"{share:.1%}" in facts["if followed"]
        assert "none was measured at your budget" in facts["worth"]


def test_what_a_step_was_worth_names_the_step_before(explanation: Explanation, comparison: Comparison) -> None:
    lines = step_lines(explanation, "RefinedWeb", comparison)
    assert lines[0].worth == "Same loss by tuned runs: 62% of its compute at 1e18 FLOPs"
    assert lines[2].worth == "Same loss by tuned runs: 91% of its compute at 1e18 FLOPs (step before: 64%)"
    assert lines[4].worth == "Takes, for the loss of the step before, 122% of its compute at 1e18 FLOPs"
    assert "Same loss by tuned runs: 62% of its compute at 1e18 FLOPs, 96% of its" in dict(lines[0].facts)["worth"]
    assert all(", -" not in dict(line.facts)["worth"] for line in lines)
    assert dict(lines[0].facts)["D/N"] == "15 to 1,350 measured, 0.079 at your budget"


def test_at_a_measured_budget_the_saving_is_told() -> None:
    advisor = Advisor()
    request = PlanRequest("1e18")
    explanation = advisor.explain(advisor.answer(request))
    lines = step_lines(explanation, "RefinedWeb", advisor.compare(advisor.answer(request)))
    share = explanation.datasets["RefinedWeb"][1].saving_here
    assert share is not None
    assert dict(lines[1].facts)["worth"].endswith(f"; {share:.0%} at your budget")


def test_what_is_not_known_is_not_told(explanation: Explanation, comparison: Comparison) -> None:
    steps = tuple(replace(step, savings=()) for step in explanation.datasets["RefinedWeb"])
    bare = replace(explanation, datasets={"RefinedWeb": steps})
    (first, *_) = step_lines(bare, "RefinedWeb", replace(comparison, rows=(), law_id="meta2024/llama3"))
    assert first.worth == "The tuned runs were not measured at its losses"
    assert dict(first.facts)["if followed"] == "not known by meta2024/llama3"
    assert dict(zip(step_line_header()[1:], first.cells, strict=True))["waste"] == "-"

"""No sentence of a report, and no label of its figures, bypasses the catalogue."""

from collections.abc import Iterator
from typing import Any

import pytest
from tests.asking import ADVISOR
from tests.pseudo import PSEUDO, untranslated

from budgetscope import __version__
from budgetscope.api import AnsweredRequest, PlanRequest
from budgetscope.core.language import use
from budgetscope.report.figures.figure import Bars, Figure
from budgetscope.report.meeting.markdown import markdown
from budgetscope.report.meeting.scenarios import Scenario, scenarios_report

QUESTIONS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("64 H100 for 14 days", {}),
    ("1000 H100-hours", {}),
    ("1e21", {"served_tokens": 1e13}),
    ("1e22", {"unique_tokens": 2e10, "max_params": 5e9, "deadline": 240.0}),
    ("1e21", {"law": "kaplan2020/fixed-batch"}),
    ("N=400B D=1T", {"device": "RTX 4090", "gpus": 8.0}),
    ("1e21", {"device": "MI355X"}),
    ("1e12", {}),
)


@pytest.fixture(autouse=True)
def pseudo() -> Iterator[None]:
    use(PSEUDO)
    yield
    use(None)


def data(answer: AnsweredRequest) -> Iterator[str]:
    """Yield what a report quotes and nobody translates: names and citations."""
    yield from (__version__, answer.plan.budget, *(grid.citation for grid in answer.question.scoreboard.grids))  # type: ignore[union-attr]
    for fit in (answer.question.fit, *answer.question.recipe_fits):
        yield fit.citation


@pytest.mark.parametrize("question", QUESTIONS, ids=str)
def test_a_report_is_translated(question: tuple[str, dict[str, Any]]) -> None:
    budget, options = question
    answer = ADVISOR.answer(PlanRequest(budget, **options))
    assert untranslated(ADVISOR.export(answer, "md"), budget, *data(answer)) == []


def test_a_report_of_scenarios_is_translated() -> None:
    names = ("1e21", "64 H100 for 14 days")
    found = [Scenario(name, ADVISOR.facts(ADVISOR.answer(PlanRequest(name)))) for name in names]
    found.append(Scenario("1e20", None, "no such law."))
    text = markdown(scenarios_report(found, (), "", "budgetscope export x", __version__), {})
    budgets = [each.facts.plan.budget for each in found if each.facts is not None]
    assert untranslated(text, *names, *budgets, "1e20", "no such law.", __version__) == []


def labels(figure: Figure | Bars) -> Iterator[str]:
    if isinstance(figure, Bars):
        yield from (figure.title, figure.marked_label)
        return
    yield from (figure.x.title, figure.y.title)
    yield from (figure.band_label for line in figure.lines if line.low is not None)
    yield from (line.label for line in figure.lines)
    yield from (series.label for series in figure.points)
    yield from (span.label for span in figure.spans)


def test_the_labels_of_figures_are_translated() -> None:
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    for figure in ADVISOR.pictures(ADVISOR.answer(PlanRequest("64 H100 for 14 days"))).figures.values():
        assert untranslated("\n".join(labels(figure))) == []

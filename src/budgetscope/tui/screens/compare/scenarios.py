"""Answers scenarios, compares them on a board, and draws them in one figure."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, count

from budgetscope.api import Advisor, AnsweredRequest, PlanRequest
from budgetscope.api.form_words import in_form
from budgetscope.api.judgement import losses_compare
from budgetscope.api.scenarios import SavedScenario
from budgetscope.core.answers.comparison import Comparison
from budgetscope.core.answers.curves import Curve, Place
from budgetscope.core.budget.quantities import format_count, format_usd
from budgetscope.core.counting.ledger import Convention
from budgetscope.core.errors import BudgetscopeError
from budgetscope.core.language import N_, _
from budgetscope.core.wording import one_of
from budgetscope.report.figures.figure import (
    Axis,
    Figure,
    Line,
    Marker,
    Point,
    PointSeries,
    flops_number,
    plain_number,
    reach_of,
)
from budgetscope.report.figures.scale import LinearScale, LogScale
from budgetscope.report.scenarios import Board, Column, board
from budgetscope.report.words import listed
from budgetscope.tui.chart.plot import MAX_LINES
from budgetscope.tui.figures.allocation import grid, short_names
from budgetscope.tui.figures.plan_charts import LOSSES_APART, SIZE
from budgetscope.tui.figures.plan_figures import Figures
from budgetscope.tui.law_letters import SHARED
from budgetscope.tui.session import Session

CURRENT_REQUEST = N_("now")
"""Name of the session's own request among the scenarios."""

_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_MARGIN = 1.5
_NICE = (1.0, 2.0, 5.0)
_LEAST_DOLLARS = 1e-4
_MOST_KEPT = 512


FIRST_STEPS = N_(
    "No scenario is saved yet. Press s to save the current plan, change the budget on Plan (1), and come back: "
    "the two stand side by side."
)


@dataclass(frozen=True, slots=True)
class ScenarioAnswer:
    """A scenario with its answer.

    Attributes:
        name: of the saved scenario; None for the session's own request.
        request: None when it cannot be read.
        answer: None when the request has no answer.
        column: its column of the board: the plan, or why there is none.
        place: its C and N on the chart of N*(C); None without an answer.
    """

    name: str | None
    request: PlanRequest | None
    answer: AnsweredRequest | None
    column: Column
    place: Place | None = None


@dataclass(frozen=True, slots=True)
class ScenarioLaws:
    """The comparison of laws for one scenario, and its chart of N*(C)."""

    comparison: Comparison
    figure: Figure | None


@dataclass(frozen=True, slots=True)
class ScenarioSet:
    """Scenarios side by side.

    Attributes:
        entries: the session's own request, then the saved scenarios.
        board: their quantities.
        curves: N*(C) of each law that a scenario follows, the reference's first, by the reference's convention.
        letters: letter of each law, by fit id.
    """

    entries: tuple[ScenarioAnswer, ...]
    board: Board
    curves: tuple[Curve, ...]
    letters: Mapping[str, str]

    def index(self, name: str | None) -> int:
        """Return the index of a scenario by name; 0, the session's own request, for an unknown name."""
        return next((index for index, entry in enumerate(self.entries) if entry.name == name), 0)


def present_name(session: Session, scenarios: Sequence[SavedScenario]) -> str:
    """Return the name of the session's own request, such as `now, SCENARIO, changed, last good`."""
    parts: list[str] = []
    if session.scenario is not None:
        parts.append(session.scenario)
        saved = next((scenario.request for scenario in scenarios if scenario.name == session.scenario), None)
        if session.answer is not None and saved != session.answer.request:
            parts.append(_("changed"))
    if session.problem is not None and session.answer is not None:
        parts.append(_("last good"))
    now = _(CURRENT_REQUEST)
    return _("{now}, {rest}").format(now=now, rest=listed(parts)) if parts else now


def fitting_name(
    opened: str | None, text: str, request: PlanRequest, scenarios: Sequence[SavedScenario]
) -> tuple[str, set[str]]:
    """Return a name under which a request replaces no other, and the names under which it would.

    Args:
        opened: name of the open scenario, which is kept if it is saved with this very request.
        text: the name otherwise; it gets a number where another request has it.
        request: to save.
        scenarios: the saved ones.
    """
    others = {scenario.name for scenario in scenarios if scenario.request != request}
    if opened is not None and opened in {scenario.name for scenario in scenarios} - others:
        return opened, others
    numbered = (f"{text.strip()} {number}" for number in count(2))
    return next(name for name in chain((text.strip(),), numbered) if name not in others), others


def letter(index: int) -> str:
    """Return the letter of a scenario in table and chart; a dot beyond z."""
    return _LETTERS[index] if index < len(_LETTERS) else "·"


class ScenarioAnswers:
    """Answers scenarios with one advisor and caches the answers."""

    def __init__(self, advisor: Advisor, letters: Mapping[str, str]) -> None:
        self.advisor = advisor
        self._letters = letters
        self._figures = Figures(advisor, letters)
        self._answers: dict[PlanRequest, AnsweredRequest | str] = {}
        self._places: dict[tuple[PlanRequest, Convention], Place] = {}
        self._laws: dict[PlanRequest, ScenarioLaws] = {}

    def side_by_side(
        self, present: tuple[PlanRequest, str], scenarios: Sequence[SavedScenario], reference: str | None
    ) -> ScenarioSet:
        """Return scenarios side by side; slow when a fit is used for the first time.

        Args:
            present: the session's own request, and its name.
            scenarios: the saved scenarios.
            reference: name of the scenario with which the others are compared; None for the session's own request.
        """
        if len(self._answers) > _MOST_KEPT:
            for kept in (self._answers, self._places, self._laws):
                kept.clear()
        entries = [self._answered(None, present[1], present[0]), *(self._saved(scenario) for scenario in scenarios)]
        index = next((i for i, entry in enumerate(entries) if entry.name == reference), 0)
        curves: tuple[Curve, ...] = ()
        ordered = [entries[index], *entries]
        base = next((entry.answer.plan for entry in ordered if entry.answer is not None), None)
        if base is not None:
            entries = [self._placed(entry, base.convention) for entry in entries]
            curves = _curves(self.advisor, [entries[index], *entries], base.convention)
        return ScenarioSet(tuple(entries), board([entry.column for entry in entries], index), curves, self._letters)

    def knows(self, answer: AnsweredRequest) -> bool:
        """Return whether the result of `laws` is cached."""
        return answer.request in self._laws

    def laws(self, answer: AnsweredRequest) -> ScenarioLaws:
        """Return the comparison of laws for a scenario; slow unless it is cached."""
        if answer.request not in self._laws:
            figure = self._figures.figure(answer, SIZE)
            self._laws[answer.request] = ScenarioLaws(self.advisor.compare(answer), figure)
        return self._laws[answer.request]

    def _saved(self, scenario: SavedScenario) -> ScenarioAnswer:
        if scenario.request is None:
            return ScenarioAnswer(scenario.name, None, None, Column(scenario.name, None, scenario.problem))
        return self._answered(scenario.name, scenario.name, scenario.request)

    def _answered(self, name: str | None, title: str, request: PlanRequest) -> ScenarioAnswer:
        if request not in self._answers:
            try:
                self._answers[request] = self.advisor.answer(request)
            except BudgetscopeError as error:
                self._answers[request] = in_form(str(error))
        answer = self._answers[request]
        if isinstance(answer, str):
            return ScenarioAnswer(name, request, None, Column(title, None, answer))
        return ScenarioAnswer(name, request, answer, Column(title, answer.plan))

    def _placed(self, entry: ScenarioAnswer, convention: Convention) -> ScenarioAnswer:
        answer = entry.answer
        if answer is None:
            return entry
        key = answer.request, convention
        if key not in self._places:
            self._places[key] = self.advisor.place(answer, convention)
        return replace(entry, place=self._places[key])


def _curves(advisor: Advisor, entries: Sequence[ScenarioAnswer], convention: Convention) -> tuple[Curve, ...]:
    """Return the curve of each law once, without its interval, which would hide the letters."""
    places = [entry.place.flops for entry in entries if entry.place is not None]
    budgets = grid(_around(min(places), max(places)))
    by_law: dict[tuple[str, int, int], AnsweredRequest] = {}
    for entry in entries:
        if entry.answer is not None:
            plan = entry.answer.plan
            by_law.setdefault((plan.law_id, plan.vocab_size, plan.seq_len), entry.answer)
    answers = list(by_law.values())[:MAX_LINES]
    return tuple(advisor.curve(answer, budgets, convention=convention, band=False) for answer in answers)


def allocation_figure(scenarios: ScenarioSet, cursor: int) -> Figure | None:
    """Return the figure of N*(C) with every law and scenario; None when no scenario has an answer.

    Args:
        scenarios: the scenarios to draw.
        cursor: index of the scenario to label.
    """
    curves, places = scenarios.curves, {i: entry.place for i, entry in enumerate(scenarios.entries) if entry.place}
    if not curves or not places:
        return None
    values = [place.n_params for place in places.values()]
    points = {i: Point(p.flops, p.n_params.value, p.n_params.low, p.n_params.high) for i, p in places.items()}
    marked = places.get(cursor)
    return Figure(
        x=Axis(LogScale(curves[0].flops[0], curves[0].flops[-1]), _("C, training FLOPs"), flops_number),
        y=Axis(
            _around(min(n.low or n.value for n in values), max(n.high or n.value for n in values)),
            _("N, parameters"),
            format_count,
        ),
        lines=tuple(
            Line(
                scenarios.letters.get(curve.fit_id, SHARED),
                curve.title,
                name,
                curve.flops,
                curve.n_params,
                reach=reach_of(curve.fitted),
            )
            for curve, name in zip(curves, short_names([curve.title for curve in curves]), strict=True)
        ),
        points=_series(scenarios, points),
        markers=()
        if marked is None
        else (
            Marker(marked.flops, _named(scenarios, cursor, format_count(marked.n_params.value)), marked.n_params.value),
        ),
    )


def price_title(figure: Figure | None) -> str:
    """Return the title of `price_figure`."""
    if figure is None:
        return _("Loss over cost, but no scenario has both a loss and a price")
    return _("Final loss over cost, each by its own law")


def price_figure(scenarios: ScenarioSet, cursor: int) -> Figure | None:
    """Return the figure of loss over cost for the scenarios that have both; None when none has.

    Args:
        scenarios: the scenarios to draw.
        cursor: index of the scenario to label.
    """
    points, units, answers = {}, set(), []
    for index, entry in enumerate(scenarios.entries):
        plan = entry.column.plan
        if (
            plan is None
            or plan.final_loss is None
            or plan.run.cost_usd is None
            or plan.run.cost_usd.value < _LEAST_DOLLARS
        ):
            continue
        loss, cost = plan.final_loss, plan.run.cost_usd
        points[index] = Point(cost.value, loss.value, loss.low, loss.high, cost.low, cost.high)
        units.add(plan.loss_unit or "")
        answers += [entry.answer] if entry.answer is not None else []
    if not points:
        return None
    xs = [x for p in points.values() for x in (p.x, p.x_low, p.x_high) if x is not None and x >= _LEAST_DOLLARS]
    ys = [y for p in points.values() for y in (p.y, p.low, p.high) if y is not None]
    marked = points.get(cursor)
    unit = _("final loss, {unit}").format(unit=one_of(sorted(units)))
    told = _("{loss} for {usd}")
    return Figure(
        x=Axis(_around(min(xs), max(xs)), _("cost, US dollars"), format_usd),
        y=Axis(
            LinearScale.around(min(ys) - 0.02, max(ys) + 0.02),
            unit,
            plain_number,
        ),
        points=_series(scenarios, points),
        markers=()
        if marked is None
        else (
            Marker(
                marked.x,
                _named(scenarios, cursor, told.format(loss=f"{marked.y:.3f}", usd=format_usd(marked.x))),
                marked.y,
            ),
        ),
        note="" if losses_compare(answers) else _(LOSSES_APART),
    )


def _around(low: float, high: float) -> LogScale:
    """Return a scale around values with ends at 1, 2 or 5 times a power of ten, closer than whole decades."""
    low, high = low / _MARGIN, high * _MARGIN
    steps = [nice * 10.0**power for power in range(_decade(low), _decade(high) + 2) for nice in _NICE]
    return LogScale(max(step for step in steps if step <= low), min(step for step in steps if step >= high))


def _decade(value: float) -> int:
    return math.floor(math.log10(value))


def _named(scenarios: ScenarioSet, index: int, text: str) -> str:
    return f"{letter(index)} {scenarios.entries[index].column.name}: {text}"


def _series(scenarios: ScenarioSet, points: Mapping[int, Point]) -> tuple[PointSeries, ...]:
    # From the left: letters that collide then stand in the order of their values.
    return tuple(
        PointSeries(letter(index), scenarios.entries[index].column.name, (points[index],), dodges=True)
        for index in sorted(points, key=lambda index: (points[index].x, index))
    )

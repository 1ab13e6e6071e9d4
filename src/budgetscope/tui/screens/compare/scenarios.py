"""Scenarios side by side: answered, put on one board, and drawn in one figure."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from budgetscope.api import Advisor, PlanRequest, request_of, said
from budgetscope.core.answers.comparison import Comparison
from budgetscope.core.answers.curves import Curve, Place
from budgetscope.core.answers.plan import Plan
from budgetscope.core.budget.quantities import format_count, format_usd
from budgetscope.core.counting.ledger import Convention
from budgetscope.core.errors import BudgetscopeError
from budgetscope.report.scenarios import Board, Column, board
from budgetscope.store.scenarios import Scenario
from budgetscope.tui.chart.figure import (
    Axis,
    Figure,
    Line,
    Marker,
    Point,
    Points,
    count_number,
    flops_number,
    plain_number,
)
from budgetscope.tui.chart.plot import MAX_LINES
from budgetscope.tui.chart.scale import LinearScale, LogScale
from budgetscope.tui.figures import plan_charts as spots
from budgetscope.tui.figures.allocation import family, grid
from budgetscope.tui.figures.plan_figures import Figures
from budgetscope.tui.law_letters import SHARED
from budgetscope.tui.session import Session

CURRENT_REQUEST = "now"
"""What the request on the desk is called among the scenarios."""

_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_MARGIN = 1.5
_NICE = (1.0, 2.0, 5.0)
_LEAST_DOLLARS = 1e-4
_MOST_KEPT = 512


@dataclass(frozen=True, slots=True)
class Entry:
    """A scenario with its answer.

    Attributes:
        name: of the saved scenario; None for what lies on the desk.
        request: None when it cannot be read.
        column: its answer as people read it.
        place: where it stands on the chart of N*(C); None without an answer.
    """

    name: str | None
    request: PlanRequest | None
    column: Column
    place: Place | None = None


@dataclass(frozen=True, slots=True)
class Study:
    """What the laws say of a scenario."""

    comparison: Comparison
    figure: Figure | None


@dataclass(frozen=True, slots=True)
class Lineup:
    """Scenarios side by side.

    Attributes:
        entries: what lies on the desk, then the saved ones.
        board: their quantities.
        curves: N*(C) of each law that answers one, the reference's first, by the reference's convention.
        signs: of the laws.
    """

    entries: tuple[Entry, ...]
    board: Board
    curves: tuple[Curve, ...]
    signs: Mapping[str, str]

    def index(self, name: str | None) -> int:
        """Return the place of a scenario; of the desk when there is none of that name."""
        return next((index for index, entry in enumerate(self.entries) if entry.name == name), 0)


def present_name(session: Session, scenarios: Sequence[Scenario]) -> str:
    """Return what to call the request on the desk: after the scenario that was opened, and what became of it."""
    parts = [CURRENT_REQUEST]
    if session.scenario is not None:
        parts.append(session.scenario)
        saved = next((scenario.request for scenario in scenarios if scenario.name == session.scenario), None)
        if session.answered is not None and saved != said(session.answered):
            parts.append("changed")
    if session.problem is not None and session.plan is not None:
        parts.append("last good")
    return ", ".join(parts)


def letter(index: int) -> str:
    """Return the letter that names a column in the chart."""
    return _LETTERS[index] if index < len(_LETTERS) else "·"


class Answers:
    """What one advisor says of scenarios, kept: only one that was not met before takes time."""

    def __init__(self, advisor: Advisor, signs: Mapping[str, str]) -> None:
        self.advisor = advisor
        self._signs = signs
        self._figures = Figures(advisor, signs)
        self._plans: dict[PlanRequest, Plan | str] = {}
        self._places: dict[tuple[PlanRequest, Convention], Place] = {}
        self._studies: dict[PlanRequest, Study] = {}

    def line_up(self, present: tuple[PlanRequest, str], scenarios: Sequence[Scenario], reference: str | None) -> Lineup:
        """Put scenarios side by side; slow when a law is met for the first time.

        Args:
            present: the request on the desk, and its name.
            scenarios: the saved ones.
            reference: name of the one with which the others are compared; None for the desk.
        """
        if len(self._plans) > _MOST_KEPT:
            for kept in (self._plans, self._places, self._studies):
                kept.clear()
        entries = [self._answered(None, present[1], present[0]), *(self._saved(scenario) for scenario in scenarios)]
        index = next((i for i, entry in enumerate(entries) if entry.name == reference), 0)
        curves: tuple[Curve, ...] = ()
        ordered = [entries[index], *entries]
        base = next((entry.column.plan for entry in ordered if entry.column.plan is not None), None)
        if base is not None:
            entries = [self._placed(entry, base.convention) for entry in entries]
            curves = _curves(self.advisor, [entries[index], *entries], str(base.convention))
        return Lineup(tuple(entries), board([entry.column for entry in entries], index), curves, self._signs)

    def knows(self, request: PlanRequest) -> bool:
        """Return whether `study` takes no time."""
        return request in self._studies

    def study(self, request: PlanRequest, plan: Plan) -> Study:
        """Return what the laws say of a scenario; slow when a law is met for the first time.

        Args:
            request: the scenario.
            plan: the answer to it.
        """
        if request not in self._studies:
            figure = self._figures.figure(request, plan, spots.SIZE)
            self._studies[request] = Study(self.advisor.compare(request, plan), figure)
        return self._studies[request]

    def _saved(self, scenario: Scenario) -> Entry:
        try:
            request = request_of(scenario.request)
        except BudgetscopeError as error:
            return Entry(scenario.name, None, Column(scenario.name, None, str(error)))
        return self._answered(scenario.name, scenario.name, request)

    def _answered(self, name: str | None, title: str, request: PlanRequest) -> Entry:
        if request not in self._plans:
            try:
                self._plans[request] = self.advisor.plan(request)
            except BudgetscopeError as error:
                self._plans[request] = str(error)
        answer = self._plans[request]
        column = Column(title, None, answer) if isinstance(answer, str) else Column(title, answer)
        return Entry(name, request, column)

    def _placed(self, entry: Entry, convention: Convention) -> Entry:
        request, plan = entry.request, entry.column.plan
        if request is None or plan is None:
            return entry
        if (request, convention) not in self._places:
            self._places[request, convention] = self.advisor.place(request, plan, convention)
        return replace(entry, place=self._places[request, convention])


def _curves(advisor: Advisor, entries: Sequence[Entry], convention: str) -> tuple[Curve, ...]:
    """Return the curve of each law once."""
    places = [entry.place.flops for entry in entries if entry.place is not None]
    budgets = grid(_around(min(places), max(places)))
    asked: dict[tuple[str, int, int], PlanRequest] = {}
    for entry in entries:
        if entry.request is not None and entry.column.plan is not None:
            plan = entry.column.plan
            asked.setdefault((plan.law_id, plan.vocab_size, plan.seq_len), entry.request)
    curves: list[Curve] = []
    for request in list(asked.values())[:MAX_LINES]:
        counted = replace(request, convention=convention)
        # Without bands, over which no letter could be read: each scenario has its own interval.
        curves.append(replace(advisor.curves(counted, (), budgets)[0], low=None, high=None))
    return tuple(curves)


def allocation_figure(lineup: Lineup, cursor: int) -> Figure | None:
    """Return N*(C) of every law with every scenario on it; None when none is answered.

    Args:
        lineup: the scenarios.
        cursor: index of the one to name.
    """
    curves, places = lineup.curves, {i: entry.place for i, entry in enumerate(lineup.entries) if entry.place}
    if not curves or not places:
        return None
    values = [place.n_params for place in places.values()]
    points = {i: Point(p.flops, p.n_params.value, p.n_params.low, p.n_params.high) for i, p in places.items()}
    marked = places.get(cursor)
    return Figure(
        x=Axis(LogScale(curves[0].flops[0], curves[0].flops[-1]), "C, training FLOPs", flops_number),
        y=Axis(
            _around(min(n.low or n.value for n in values), max(n.high or n.value for n in values)),
            "N, parameters",
            count_number,
        ),
        lines=tuple(
            Line(lineup.signs.get(curve.fit_id, SHARED), curve.title, family(curve.fit_id), curve.flops, curve.n_params)
            for curve in curves
        ),
        points=_series(lineup, points),
        markers=()
        if marked is None
        else (
            Marker(marked.flops, _named(lineup, cursor, format_count(marked.n_params.value)), marked.n_params.value),
        ),
    )


def price_figure(lineup: Lineup, cursor: int) -> Figure | None:
    """Return loss over cost of every scenario that has both; None when none has.

    Args:
        lineup: the scenarios.
        cursor: index of the one to name.
    """
    points, units = {}, set()
    for index, entry in enumerate(lineup.entries):
        plan = entry.column.plan
        if plan is None or plan.loss is None or plan.run.cost_usd is None or plan.run.cost_usd.value < _LEAST_DOLLARS:
            continue
        loss, cost = plan.loss, plan.run.cost_usd
        points[index] = Point(cost.value, loss.value, loss.low, loss.high, cost.low, cost.high)
        units.add(plan.loss_unit or "")
    if not points:
        return None
    xs = [x for p in points.values() for x in (p.x, p.x_low, p.x_high) if x is not None and x >= _LEAST_DOLLARS]
    ys = [y for p in points.values() for y in (p.y, p.low, p.high) if y is not None]
    marked = points.get(cursor)
    return Figure(
        x=Axis(_around(min(xs), max(xs)), "cost, US dollars", format_usd),
        y=Axis(LinearScale.around(min(ys) - 0.02, max(ys) + 0.02), f"loss, {' or '.join(sorted(units))}", plain_number),
        points=_series(lineup, points),
        markers=()
        if marked is None
        else (Marker(marked.x, _named(lineup, cursor, f"{marked.y:.3f} for {format_usd(marked.x)}"), marked.y),),
    )


def _around(low: float, high: float) -> LogScale:
    """Return an axis around values, from and to 1, 2 or 5 times a power of ten: decades would crowd them."""
    low, high = low / _MARGIN, high * _MARGIN
    steps = [nice * 10.0**power for power in range(_decade(low), _decade(high) + 2) for nice in _NICE]
    return LogScale(max(step for step in steps if step <= low), min(step for step in steps if step >= high))


def _decade(value: float) -> int:
    return math.floor(math.log10(value))


def _named(lineup: Lineup, index: int, said: str) -> str:
    return f"{letter(index)} {lineup.entries[index].column.name}: {said}"


def _series(lineup: Lineup, points: Mapping[int, Point]) -> tuple[Points, ...]:
    # From the lowest: letters that would meet then stand above each other in their true order.
    return tuple(
        Points(letter(index), lineup.entries[index].column.name, (points[index],), dodges=True)
        for index in sorted(points, key=lambda index: (points[index].y, index))
    )

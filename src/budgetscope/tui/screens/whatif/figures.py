"""The figures of What-if: the IsoFLOP curve at a budget, and the map of the loss over N and D."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from budgetscope.api import Advisor, AnsweredRequest
from budgetscope.core.answers.comparison import Comparison
from budgetscope.core.answers.whatif import Candidate, IsoFlop
from budgetscope.core.budget.quantities import format_count, format_flops
from budgetscope.report.whatif import picks
from budgetscope.tui.chart.figure import (
    Axis,
    Figure,
    HeatMap,
    Line,
    Marker,
    Point,
    PointSeries,
    Span,
    count_number,
    plain_number,
)
from budgetscope.tui.chart.scale import LinearScale, LogScale
from budgetscope.tui.law_letters import SHARED
from budgetscope.tui.short_titles import fitted as shortened

_NEAREST, _FARTHEST = 8.0, 64.0
"""The curve is drawn over at least the one factor either way, and over at most the other."""
_MARGIN = 1.2
_CURVE_POINTS = 160
_STEEP = 3.0
"""The loss of sizes off by this factor sets the height of the figure, so that the curve fills it."""
_HEADROOM = 3.0
_FOOTROOM = 0.3
_MAP_COLUMNS, _MAP_ROWS = 42, 28
MAP_LEVELS, FEW_MAP_LEVELS = 9, 5
_UPPER_EDGE = 0.97
_LEGEND_TITLE = 25


@dataclass(frozen=True, slots=True)
class Pick:
    """Another law's size at the budget, under its letter."""

    fit_id: str
    letter: str
    title: str
    candidate: Candidate


@dataclass(frozen=True, slots=True)
class Budget:
    """All sizes at one budget, and which of them each law would take.

    Attributes:
        answer: whose budget.
        iso: the sizes.
        best: the optimum.
        picks: of the other laws, by growing N; none before they have been asked.
        sizes: the N that are drawn.
    """

    answer: AnsweredRequest
    iso: IsoFlop
    best: Candidate
    picks: tuple[Pick, ...]
    sizes: LogScale

    def within(self, n_params: float) -> float:
        """Return a size, or the end of those drawn that is nearest to it."""
        return min(max(n_params, self.sizes.low), self.sizes.high)


def budget(advisor: Advisor, answer: AnsweredRequest) -> Budget:
    """Return what the screen shows of an answer before the other laws have been asked.

    Raises:
        FailureError: the answer's law gives no usable numbers.
    """
    iso = advisor.iso_flop(answer)
    return _with(answer, iso, iso.at(answer.optimum.n_params), ())


def compared(shown: Budget, comparison: Comparison, letters: Mapping[str, str]) -> Budget:
    """Return a budget with what the other laws would take.

    Args:
        shown: the budget.
        comparison: of all laws at it.
        letters: of the laws.
    """
    found = tuple(
        Pick(row.fit_id, letters.get(row.fit_id, SHARED), row.title, shown.iso.at(row.n_params))
        for row in picks(comparison)
        if row.n_params is not None
    )
    return _with(shown.answer, shown.iso, shown.best, found)


def _with(answer: AnsweredRequest, iso: IsoFlop, best: Candidate, found: tuple[Pick, ...]) -> Budget:
    """Lay the sizes to draw around the optimum and the picks."""
    ratios = [pick.candidate.ratio for pick in found]
    low = max(min([1 / _NEAREST, *(ratio / _MARGIN for ratio in ratios)]), 1 / _FARTHEST)
    high = min(max([_NEAREST, *(ratio * _MARGIN for ratio in ratios)]), _FARTHEST)
    return Budget(answer, iso, best, found, LogScale(best.n_params * low, best.n_params * high))


def curve(shown: Budget) -> Figure | None:
    """Return the IsoFLOP curve without the position; None when the law has none."""
    iso, best = shown.iso, shown.best
    if iso.silence is not None or best.loss is None:
        return None
    reach, scale = iso.reach, shown.sizes
    inner = () if reach is None else tuple(end for end in reach if scale.low < end < scale.high)
    sizes = tuple(sorted({*(scale.value(i / _CURVE_POINTS) for i in range(_CURVE_POINTS + 1)), best.n_params, *inner}))
    losses = iso.losses(sizes)
    ends = set(inner)
    fitted = [reach is not None and reach[0] <= n <= reach[1] for n in sizes]
    solid = tuple(loss if is_in else math.nan for loss, is_in in zip(losses, fitted, strict=True))
    dashed = tuple(
        math.nan if is_in and n not in ends else loss for n, loss, is_in in zip(sizes, losses, fitted, strict=True)
    )
    heights = _heights(iso, best.n_params, best.loss)
    return Figure(
        x=Axis(scale, "N, parameters", count_number),
        y=Axis(heights, f"loss, {shown.answer.plan.loss_unit or 'unit unknown'}", plain_number),
        lines=(
            Line("", f"─ loss by {shortened(shown.answer.plan.law_title, _LEGEND_TITLE)}", "─ fitted", sizes, solid),
            Line("", "╌ the same, extrapolated", "╌ extrapolated", sizes, dashed),
        ),
        points=tuple(_letter(pick, pick.candidate.n_params, _height(pick, heights)) for pick in shown.picks),
        spans=_flat(shown),
    )


def _flat(shown: Budget) -> tuple[Span, ...]:
    band = shown.answer.plan.flat_band
    return () if band is None else (Span(*band, "flat: under 0.1% of the loss"),)


def _heights(iso: IsoFlop, n_params: float, best: float) -> LinearScale:
    steep = max(iso.losses((n_params / _STEEP, n_params * _STEEP))) - best
    room = max(steep, best * 1e-6)
    return LinearScale.around(best - _FOOTROOM * room, best + _HEADROOM * room)


def _height(pick: Pick, heights: LinearScale) -> float:
    """Return where a letter stands: a pick that is worse than all that is drawn, at the upper edge."""
    loss = pick.candidate.loss
    return heights.value(0.0) if loss is None else min(loss, heights.value(_UPPER_EDGE))


def _letter(pick: Pick, x: float, y: float) -> PointSeries:
    return PointSeries(pick.letter, "", (Point(x, y),), dodges=True)


def loss_map(shown: Budget, most_levels: int = MAP_LEVELS) -> Figure | None:
    """Return the loss over N and D without the position; None when the law says nothing off the optimum.

    Args:
        shown: the budget.
        most_levels: how many thresholds there is room for in the legend.
    """
    iso, best = shown.iso, shown.best
    if iso.silence is not None:
        return None
    across = shown.sizes
    up = LogScale(best.tokens * best.n_params / across.high, best.tokens * best.n_params / across.low)
    x_edges = tuple(across.value(i / _MAP_COLUMNS) for i in range(_MAP_COLUMNS + 1))
    y_edges = tuple(up.value(i / _MAP_ROWS) for i in range(_MAP_ROWS + 1))
    values = iso.surface(_middles(x_edges), _middles(y_edges))
    return Figure(
        x=Axis(across, "N, parameters", count_number),
        y=Axis(up, "D, tokens", count_number),
        lines=tuple(_budget_line(shown, factor, across) for factor in (1.0, 0.1, 10.0)),
        points=tuple(_letter(pick, pick.candidate.n_params, pick.candidate.tokens) for pick in shown.picks),
        heat=HeatMap(x_edges, y_edges, values, _levels(values, most_levels), lambda loss: f"{loss:.3g}", "contour"),
    )


def _middles(edges: Sequence[float]) -> tuple[float, ...]:
    return tuple(math.sqrt(low * high) for low, high in pairwise(edges))


def _levels(values: Sequence[Sequence[float | None]], most: int) -> tuple[float, ...]:
    known = [value for row in values for value in row if value is not None]
    if not known or min(known) == max(known):
        return ()
    return tuple(LinearScale(min(known), max(known)).labelled(most))


def _budget_line(shown: Budget, factor: float, across: LogScale) -> Line:
    """Return where N and D spend so many times the budget; between the ends it is nearly straight."""
    symbol, name = {1.0: ("", "─ C"), 0.1: ("÷", "C/10"), 10.0: ("×", "10 C")}[factor]
    flops = format_flops(shown.answer.optimum.flops * factor)
    sizes = tuple(across.value(i / _MAP_COLUMNS) for i in range(_MAP_COLUMNS + 1))
    tokens = tuple(factor * shown.iso.at(n_params).tokens for n_params in sizes)
    return Line(symbol, f"{name} = {flops} FLOPs", f"{name} {flops}" if factor == 1 else flops, sizes, tokens)


def with_position(figure: Figure, shown: Budget, here: Candidate, *, on_map: bool) -> Figure:
    """Return a figure with where one stands and where the optimum is."""

    def marker(candidate: Candidate, words: str) -> Marker:
        height = candidate.tokens if on_map else candidate.loss
        return Marker(candidate.n_params, f"{words} {format_count(candidate.n_params)}", height)

    optimum = marker(shown.best, "optimum")
    if here.n_params == shown.best.n_params:
        return replace(figure, markers=(optimum,))
    return replace(figure, markers=(marker(here, "here"), optimum))

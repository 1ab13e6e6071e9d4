"""The figures of the What-if screen: the IsoFLOP curve at a budget, and the map of the loss over N and D."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from budgetscope.api import Advisor, AnsweredRequest
from budgetscope.core.answers.comparison import Comparison
from budgetscope.core.answers.whatif import Candidate, IsoFlop
from budgetscope.core.budget.quantities import format_count, format_flops
from budgetscope.core.language import _
from budgetscope.report.figures.figure import (
    NOWHERE,
    Axis,
    Figure,
    HeatMap,
    Line,
    Marker,
    Point,
    PointSeries,
    Span,
    plain_number,
)
from budgetscope.report.figures.scale import LinearScale, LogScale
from budgetscope.report.rows import loss_axis
from budgetscope.report.whatif import picks
from budgetscope.tui.law_letters import SHARED
from budgetscope.tui.short_titles import fitted as shortened

_NEAREST, _FARTHEST = 8.0, 64.0
"""Smallest and largest factor above and below the optimal N over which the curve is drawn."""
_MARGIN = 1.2
_CURVE_POINTS = 160
_STEEP = 3.0
"""Factor off the optimal N whose loss sets the y range, so that the curve fills the figure."""
_HEADROOM = 3.0
_FOOTROOM = 0.3
_MAP_COLUMNS, _MAP_ROWS = 42, 28
MAP_LEVELS, FEW_MAP_LEVELS = 9, 5
_LEGEND_TITLE = 25


@dataclass(frozen=True, slots=True)
class Pick:
    """The size that another law recommends at the budget, and the letter of that law."""

    fit_id: str
    letter: str
    title: str
    candidate: Candidate


@dataclass(frozen=True, slots=True)
class SizesAtBudget:
    """All model sizes at the budget of an answer, and the size that each law recommends.

    Attributes:
        answer: its budget is used.
        iso: gives loss and cost of any size.
        best: the optimum.
        picks: recommendations of the other laws, sorted by N; empty before the comparison.
        sizes: scale of the N that are drawn.
    """

    answer: AnsweredRequest
    iso: IsoFlop
    best: Candidate
    picks: tuple[Pick, ...]
    sizes: LogScale

    def within(self, n_params: float) -> float:
        """Return a size, clamped to those that are drawn."""
        return min(max(n_params, self.sizes.low), self.sizes.high)


def sizes_at_budget(advisor: Advisor, answer: AnsweredRequest) -> SizesAtBudget:
    """Return the sizes at an answer's budget, without the other laws' recommendations.

    Raises:
        FailureError: the answer's law gives no usable numbers.
    """
    iso = advisor.iso_flop(answer)
    return _with(answer, iso, iso.at(answer.optimum.n_params), ())


def compared(shown: SizesAtBudget, comparison: Comparison, letters: Mapping[str, str]) -> SizesAtBudget:
    """Return the sizes at a budget with the other laws' recommendations.

    Args:
        shown: the sizes without them.
        comparison: of all laws at the same budget.
        letters: letter of each law, by fit id.
    """
    found = tuple(
        Pick(row.fit_id, letters.get(row.fit_id, SHARED), row.title, shown.iso.at(row.n_params))
        for row in picks(comparison)
        if row.n_params is not None
    )
    return _with(shown.answer, shown.iso, shown.best, found)


def _with(answer: AnsweredRequest, iso: IsoFlop, best: Candidate, found: tuple[Pick, ...]) -> SizesAtBudget:
    """Choose the scale of N so that it holds the optimum and the picks, within the limits."""
    ratios = [pick.candidate.ratio for pick in found]
    low = max(min([1 / _NEAREST, *(ratio / _MARGIN for ratio in ratios)]), 1 / _FARTHEST)
    high = min(max([_NEAREST, *(ratio * _MARGIN for ratio in ratios)]), _FARTHEST)
    return SizesAtBudget(answer, iso, best, found, LogScale(best.n_params * low, best.n_params * high))


def curve(shown: SizesAtBudget) -> Figure | None:
    """Return the figure of the IsoFLOP curve, without the user's position; None when the law gives no curve."""
    iso, best = shown.iso, shown.best
    if iso.no_curve_reason is not None or best.loss is None:
        return None
    scale = shown.sizes
    sizes = tuple(sorted({*(scale.value(i / _CURVE_POINTS) for i in range(_CURVE_POINTS + 1)), best.n_params}))
    losses = iso.losses(sizes)
    heights = _heights(iso, best.n_params, best.loss)
    return Figure(
        x=Axis(scale, _("N, parameters"), format_count),
        y=Axis(heights, loss_axis(shown.answer.plan), plain_number),
        lines=(
            Line(
                "",
                _("loss by {law}").format(law=shortened(shown.answer.plan.law_title, _LEGEND_TITLE)),
                "",
                sizes,
                losses,
                reach=iso.measured_range or NOWHERE,
            ),
        ),
        points=_letters(shown, [pick.candidate.loss for pick in shown.picks], best.loss),
        spans=_flat(shown),
    )


def _flat(shown: SizesAtBudget) -> tuple[Span, ...]:
    band = shown.answer.plan.optimum.flat_band
    return () if band is None else (Span(*band, _("flat: under 0.1% of the loss")),)


def _heights(iso: IsoFlop, n_params: float, best: float) -> LinearScale:
    steep = max(iso.losses((n_params / _STEEP, n_params * _STEEP))) - best
    room = max(steep, best * 1e-6)
    return LinearScale.around(best - _FOOTROOM * room, best + _HEADROOM * room)


def _letters(shown: SizesAtBudget, heights: Sequence[float | None], best: float) -> tuple[PointSeries, ...]:
    """Return the letters of the picks at their heights, beside the place of the optimum, which its marker takes."""
    letters = (
        PointSeries(pick.letter, "", (Point(pick.candidate.n_params, height),), dodges=True)
        for pick, height in zip(shown.picks, heights, strict=True)
        if height is not None
    )
    return PointSeries("○", "", (Point(shown.best.n_params, best),)), *letters


def loss_map(shown: SizesAtBudget, most_levels: int = MAP_LEVELS) -> Figure | None:
    """Return the map of the loss over N and D, without the user's position; None when the law gives no curve.

    Args:
        shown: the sizes at the budget.
        most_levels: largest number of thresholds in the legend.
    """
    iso, best = shown.iso, shown.best
    if iso.no_curve_reason is not None:
        return None
    across = shown.sizes
    up = LogScale(best.tokens * best.n_params / across.high, best.tokens * best.n_params / across.low)
    x_edges = tuple(across.value(i / _MAP_COLUMNS) for i in range(_MAP_COLUMNS + 1))
    y_edges = tuple(up.value(i / _MAP_ROWS) for i in range(_MAP_ROWS + 1))
    values = iso.surface(_middles(x_edges), _middles(y_edges))
    return Figure(
        x=Axis(across, _("N, parameters"), format_count),
        y=Axis(up, _("D, tokens"), format_count),
        lines=tuple(_budget_line(shown, factor, across) for factor in (1.0, 0.1, 10.0)),
        points=_letters(shown, [pick.candidate.tokens for pick in shown.picks], best.tokens),
        heat=HeatMap(x_edges, y_edges, values, _levels(values, most_levels), lambda loss: f"{loss:.3g}", "contour"),
    )


def _middles(edges: Sequence[float]) -> tuple[float, ...]:
    return tuple(math.sqrt(low * high) for low, high in pairwise(edges))


def _levels(values: Sequence[Sequence[float | None]], most: int) -> tuple[float, ...]:
    known = [value for row in values for value in row if value is not None]
    if not known or min(known) == max(known):
        return ()
    return tuple(LinearScale(min(known), max(known)).labelled(most))


def _budget_line(shown: SizesAtBudget, factor: float, across: LogScale) -> Line:
    """Return the line of constant compute, `factor` times the budget; it is nearly straight on log scales."""
    symbol, name = {1.0: ("", "─ C"), 0.1: ("÷", "C/10"), 10.0: ("×", "10 C")}[factor]
    flops = format_flops(shown.answer.optimum.flops * factor)
    sizes = tuple(across.value(i / _MAP_COLUMNS) for i in range(_MAP_COLUMNS + 1))
    tokens = tuple(factor * shown.iso.at(n_params).tokens for n_params in sizes)
    return Line(symbol, f"{name} = {flops} FLOPs", f"{name} {flops}" if factor == 1 else flops, sizes, tokens)


def with_position(figure: Figure, shown: SizesAtBudget, here: Candidate, *, on_map: bool) -> Figure:
    """Return a figure with markers at the user's position and at the optimum.

    Args:
        figure: the curve or the map.
        shown: the sizes at the budget.
        here: the user's position.
        on_map: whether the figure is the map.
    """

    def marker(candidate: Candidate, words: str) -> Marker:
        height = candidate.tokens if on_map else candidate.loss
        return Marker(candidate.n_params, f"{words} {format_count(candidate.n_params)}", height)

    optimum = marker(shown.best, _("optimum"))
    if here.n_params == shown.best.n_params:
        return replace(figure, markers=(optimum,))
    return replace(figure, markers=(marker(here, _("here")), optimum))

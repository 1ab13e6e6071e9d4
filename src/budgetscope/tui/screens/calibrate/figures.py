"""Figures of a run: loss curves, and maps of loss over learning rate and batch."""

import math
from collections.abc import Iterable, Sequence
from itertools import pairwise
from statistics import fmean

from budgetscope.api.calibration import CellState, RunState
from budgetscope.core.budget.quantities import format_count
from budgetscope.core.language import _
from budgetscope.report.figures.figure import Axis, Figure, HeatMap, Line, Point, PointSeries
from budgetscope.report.figures.scale import LogScale
from budgetscope.tui.chart.plot import MAX_LINES

_LETTERS = "ABCDEFGH"
_LEVELS = (0.02, 0.05, 0.1, 0.3)
"""Nats above the lowest loss at which the shades of the map begin; noise is about 0.03."""
_ROUND = 0.5
_LOST = ("diverged", "failed")


def losses(state: RunState) -> Figure | None:
    """Return the training loss of the best cell of each size of the present stage; None before there is a curve.

    The size that trains comes first. Rings are the last validation losses.
    """
    leaders = _leaders(state)
    if not leaders:
        return None
    readings = tuple(Point(r.tokens, r.loss) for s in leaders for r in s.readings[-1:] if 0 < r.loss < math.inf)
    heights = [loss for s in leaders for _, loss in s.curve if 0 < loss < math.inf] + [r.y for r in readings]
    if not heights:
        return None
    first, last = min(s.curve[0][0] for s in leaders), max(s.cell.tokens for s in leaders)
    # Rounded outwards to halves, so that the axis stands still while the loss falls.
    bottom = max(_ROUND / 10, _ROUND * math.floor(min(heights) / _ROUND))
    top = _ROUND * math.floor(max(heights) / _ROUND + 1)
    return Figure(
        x=Axis(LogScale.decades_around(max(first, 1), last), _("tokens"), format_count),
        y=Axis(LogScale(bottom, top), _("loss, nats a token")),
        lines=tuple(
            Line(
                letter,
                _("N={size}, lr {rate}, batch {batch}").format(
                    size=format_count(s.cell.n_params),
                    rate=f"{s.cell.learning_rate:.2g}",
                    batch=s.cell.batch_sequences,
                ),
                format_count(s.cell.n_params),
                tuple(float(tokens) for tokens, _ in s.curve),
                tuple(loss for _, loss in s.curve),
            )
            for letter, s in zip(_LETTERS, leaders, strict=False)
        ),
        points=(PointSeries("o", _("validation"), readings),) if readings else (),
    )


def _leaders(state: RunState) -> list[CellState]:
    """Return the cell of each size with the lowest training loss: the size that trains first, then the largest."""
    best: dict[int, CellState] = {}
    for s in state.of_stage(state.stage):
        if s.curve and s.status not in _LOST:
            n = s.cell.n_params
            if n not in best or s.curve[-1][1] < best[n].curve[-1][1]:
                best[n] = s
    order = sorted(best, key=lambda n: (best[n].status != "running", -n))
    return [best[n] for n in order[:MAX_LINES]]


def grids(state: RunState) -> list[tuple[int, float]]:
    """Return N and beta2 of all grids of stage 1, ascending."""
    return sorted({(s.cell.n_params, s.cell.beta2) for s in state.of_stage(1)})


def latest_grid(state: RunState) -> tuple[int, float] | None:
    """Return the grid that trains, else the largest with a loss, else the largest; None without grids."""
    stage = state.of_stage(1)
    busy = [s for s in stage if s.status == "running"] or [s for s in stage if s.curve or s.readings] or list(stage)
    return max(((s.cell.n_params, s.cell.beta2) for s in busy), default=None)


def heat(state: RunState, n_params: int, beta2: float) -> Figure | None:
    """Return the loss over learning rate and batch of one grid: validation loss, or training loss so far."""
    cells = [s for s in state.of_stage(1) if (s.cell.n_params, s.cell.beta2) == (n_params, beta2)]
    # A log is not protected by a hash as a spec is; leave out values without a logarithm.
    cells = [s for s in cells if s.cell.learning_rate > 0 and s.cell.batch_tokens > 0]
    rates = sorted({s.cell.learning_rate for s in cells})
    batches = sorted({s.cell.batch_tokens for s in cells})
    if not cells:
        return None
    values = tuple(
        tuple(_mean(s for s in cells if (s.cell.learning_rate, s.cell.batch_tokens) == (rate, batch)) for rate in rates)
        for batch in batches
    )
    known = [value for row in values for value in row if value is not None]
    best = min(known, default=0.0)
    lost = tuple(Point(s.cell.learning_rate, s.cell.batch_tokens) for s in cells if s.status in _LOST)
    x_edges, y_edges = _edges(rates), _edges(batches)
    return Figure(
        x=Axis(LogScale(x_edges[0], x_edges[-1]), _("learning rate"), _rate),
        y=Axis(LogScale(y_edges[0], y_edges[-1]), _("batch, tokens"), format_count),
        points=(PointSeries("x", _("diverged or failed"), lost),) if lost else (),
        heat=HeatMap(
            x_edges,
            y_edges,
            values,
            tuple(best + step for step in _LEVELS) if known else (),
            lambda value: f"{value:.3f}{'*' * (value == best)}",
        ),
    )


def _rate(value: float) -> str:
    return f"{value:.2g}"


def _mean(states: Iterable[CellState]) -> float | None:
    found = [loss for s in states if (loss := _loss(s)) is not None]
    return fmean(found) if found else None


def _loss(state: CellState) -> float | None:
    """Return the last validation loss, else the last training loss; None without a finite one."""
    if state.status in _LOST:
        return None
    loss = state.readings[-1].loss if state.readings else state.curve[-1][1] if state.curve else math.nan
    return loss if math.isfinite(loss) else None


def _edges(centres: Sequence[float]) -> tuple[float, ...]:
    """Return the edges of cells around ascending values, half-way on a logarithmic axis."""
    inner = [math.sqrt(low * high) for low, high in pairwise(centres)]
    first = centres[0] / (inner[0] / centres[0] if inner else math.sqrt(2))
    last = centres[-1] * (centres[-1] / inner[-1] if inner else math.sqrt(2))
    return (first, *inner, last)

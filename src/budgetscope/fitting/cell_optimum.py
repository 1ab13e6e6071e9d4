"""The best learning rate, batch and beta2 of each cell of a sweep, or the reason why a cell is dropped."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Literal

import numpy as np

from budgetscope.core.errors import UsageError
from budgetscope.fitting.bootstrap import LEVEL, blocks, interval
from budgetscope.fitting.noise import ConstantNoise
from budgetscope.fitting.refusals import Flag, loud_flags
from budgetscope.fitting.sweep_optimum import (
    MIN_BATCHES,
    MIN_LEARNING_RATES,
    MIN_SURFACE_POINTS,
    Grid,
    Minima,
    interpolated_minima,
    smoothed_minima,
    spacing,
    surface_scatter,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from budgetscope.fitting.noise import Noise
    from budgetscope.fitting.run_table import FloatArray
    from budgetscope.fitting.sweep import SweepCell

Method = Literal["akima", "quadratic"]

# Floor under the standard deviations that weight the law, in steps of the grid, so that no cell outweighs all
# others. It is the paper's floor for N* (`min_std_factor` in their analysis.py).
_FLOOR_OF_SPACING = 0.33
# Degrees of freedom from which on a cell's own seeds measure its noise; below, all cells are pooled.
_OWN_NOISE_DOF = 10


@dataclass(frozen=True)
class CellOptimum:
    """The best settings of one cell.

    Attributes:
        n_params: N.
        tokens: D.
        learning_rate: lr*.
        batch_tokens: batch*.
        beta2: the best beta2 at the tried point nearest the optimum, None when it was not varied.
        loss: loss there, nats per token.
        log_draws: bootstrap draws of (ln lr*, ln batch*), shape (draws, 2).
        weight_log_std: standard deviations of the same that weight the laws, with their floor.
        interior_draws: share of the draws whose optimum lies inside the grid.
        edges: a flag for each end of the grid that the optimum lies at, where it is only a bound.
    """

    n_params: float
    tokens: float
    learning_rate: float
    batch_tokens: float
    beta2: float | None
    loss: float
    log_draws: FloatArray
    weight_log_std: tuple[float, float]
    interior_draws: float
    edges: tuple[Flag, ...]

    def learning_rate_interval(self, level: float = LEVEL) -> tuple[float, float]:
        """Return the percentile interval of lr*."""
        low, high = interval(self.log_draws[:, 0], level)
        return float(np.exp(low)), float(np.exp(high))

    def batch_interval(self, level: float = LEVEL) -> tuple[float, float]:
        """Return the percentile interval of batch*, in tokens."""
        low, high = interval(self.log_draws[:, 1], level)
        return float(np.exp(low)), float(np.exp(high))


@dataclass(frozen=True)
class DroppedCell:
    """A cell that the laws leave out.

    Attributes:
        n_params: N.
        tokens: D.
        code: "few-settings", "noisy", "no-minimum", "lr-low", "lr-high", "batch-low" or "batch-high".
        reason: one sentence.
        optimum: the bound that an optimum at the edge gives, else None.
    """

    n_params: float
    tokens: float
    code: str
    reason: str
    optimum: CellOptimum | None = None


def cell_optimum(
    cell: SweepCell, log_std: FloatArray, method: Method, draws: int, rng: np.random.Generator
) -> CellOptimum | DroppedCell:
    """Return the optimum of one cell and of its noisy copies, or why there is none.

    An optimum at the edge of the grid is returned with its `edges`.

    Args:
        cell: the cell.
        log_std: standard deviation of each setting's log loss, shape (settings,).
        method: as for `fit_hyperparameters`.
        draws: noisy copies.
        rng: of the noise.
    """
    poor = _few_settings(cell, method)
    if poor is not None:
        return poor
    grid = Grid.of(cell)
    log_loss = np.log(cell.loss)
    measured = cell.best_beta2(log_loss)
    copies = (
        cell.best_beta2(log_loss + log_std * rng.standard_normal((block.stop - block.start, log_loss.size)))
        for block in blocks(draws, log_loss.size)
    )
    if method == "akima":
        minima = Minima.joined([interpolated_minima(grid, block) for block in chain([measured[None]], copies)])
    else:
        minima = smoothed_minima(grid, measured, copies, log_std[cell.starts], rng)
    if not minima.convex[0]:
        beyond = _lowest_at_edge(cell, grid, measured)
        if beyond:
            return DroppedCell(cell.n_params, cell.tokens, beyond[0].code, beyond[0].sentence)
        return DroppedCell(
            cell.n_params,
            cell.tokens,
            "no-minimum",
            f"At {cell.name} the smoothed loss has no minimum over learning rate and batch: "
            "try settings on all sides of the best one, or repeat seeds.",
        )
    edges = _edges(
        cell, grid, (minima.log_lr[0], minima.log_batch[0]), (int(minima.lr_edge[0]), int(minima.batch_edge[0]))
    )
    share = float(minima.interior[1:].mean())
    if not edges and share < 0.5:
        return DroppedCell(
            cell.n_params,
            cell.tokens,
            "noisy",
            f"At {cell.name} only {share:.0%} of the noisy draws have their optimum inside the grid: "
            "widen the grid, or repeat seeds.",
        )
    log_draws = np.stack([minima.log_lr[1:], minima.log_batch[1:]], axis=1)
    stds = np.maximum(log_draws.std(axis=0), [_FLOOR_OF_SPACING * spacing(a) for a in (grid.log_lr, grid.log_batch)])
    return CellOptimum(
        n_params=cell.n_params,
        tokens=cell.tokens,
        learning_rate=float(np.exp(minima.log_lr[0])),
        batch_tokens=float(np.exp(minima.log_batch[0])),
        beta2=_beta2_near(cell, float(minima.log_lr[0]), float(minima.log_batch[0])),
        loss=float(np.exp(minima.log_loss[0])),
        log_draws=log_draws,
        weight_log_std=(float(stds[0]), float(stds[1])),
        interior_draws=share,
        edges=edges,
    )


def sweep_noise(
    cells: Sequence[SweepCell], noise: Noise | None
) -> tuple[tuple[FloatArray, ...], str, tuple[Flag, ...]]:
    """Return the standard deviation of each setting's mean log loss, one array a cell.

    Args:
        cells: the cells.
        noise: of a single run; None takes it from repeated seeds, else from the scatter about smooth surfaces, with
            a flag.

    Returns:
        The arrays, the noise in words, and flags.

    Raises:
        UsageError: no noise is given and none can be estimated.
    """
    if noise is not None:
        stds = tuple(noise.std(cell.loss) / cell.loss / np.sqrt(cell.n_seeds) for cell in cells)
        return stds, noise.describe(), ()
    dof = sum(cell.seed_dof for cell in cells)
    squares = sum(cell.seed_variance * cell.seed_dof for cell in cells)
    if squares > 0:
        pooled = ConstantNoise(float(np.sqrt(squares / dof)), f"repeated seeds, {dof} degrees of freedom")
        stds = tuple(
            np.sqrt((cell.seed_variance if cell.seed_dof >= _OWN_NOISE_DOF else squares / dof) / cell.n_seeds)
            for cell in cells
        )
        return stds, pooled.describe(), loud_flags(pooled.log_std, "the mean of their repeats")
    scatter = _scatter(cells)
    stds = tuple(scatter.log_std / np.sqrt(cell.n_seeds) for cell in cells)
    flag = Flag(
        "noise-from-scatter",
        f"No repeated seeds: the noise is the scatter about smooth surfaces ({scatter.log_std:.2g} of the loss).",
    )
    return stds, scatter.describe(), (flag, *loud_flags(scatter.log_std, "smooth surfaces"))


def _scatter(cells: Sequence[SweepCell]) -> ConstantNoise:
    """Return the scatter of the settings near each cell's best about a smooth surface."""
    squares, dof = 0.0, 0
    for cell in cells:
        if _few_settings(cell, "quadratic") is None:
            more, further = surface_scatter(Grid.of(cell), cell.best_beta2(np.log(cell.loss)))
            squares, dof = squares + more, dof + further
    if dof == 0 or squares == 0:
        raise UsageError(
            "the noise of a run is not known and cannot be estimated from so few settings: "
            "state it, or repeat some runs with other seeds."
        )
    return ConstantNoise(float(np.sqrt(squares / dof)), f"scatter about smooth surfaces, {dof} degrees of freedom")


def _few_settings(cell: SweepCell, method: Method) -> DroppedCell | None:
    """Return why a cell has too few settings left for a method; None when it has enough."""
    grid = Grid.of(cell)
    if method == "akima":
        count = len(grid.rows())
        enough = count >= MIN_BATCHES
        has = f"{count} batches with at least {MIN_LEARNING_RATES} learning rates"
        needs = f"{MIN_BATCHES} such batches"
    else:
        lrs, batches = np.unique(grid.log_lr).size, np.unique(grid.log_batch).size
        enough = lrs >= MIN_LEARNING_RATES and batches >= MIN_BATCHES and grid.log_lr.size >= MIN_SURFACE_POINTS
        has = f"{grid.log_lr.size} points over {lrs} learning rates and {batches} batches"
        needs = f"{MIN_SURFACE_POINTS} points over {MIN_LEARNING_RATES} of each"
    if enough:
        return None
    lost = f" ({len(cell.diverged)} settings diverged)" if cell.diverged else ""
    return DroppedCell(
        cell.n_params,
        cell.tokens,
        "few-settings",
        f"At {cell.name} the sweep has {has}{lost} and an optimum needs {needs}: try more settings there.",
    )


def _lowest_at_edge(cell: SweepCell, grid: Grid, log_loss: FloatArray) -> tuple[Flag, ...]:
    """Return a flag for each end of the grid that the lowest point lies at: the optimum is beyond it."""
    lowest = int(log_loss.argmin())
    axes = (grid.log_lr, grid.log_batch)
    lr_end, batch_end = (int(axis[lowest] >= axis.max()) - int(axis[lowest] <= axis.min()) for axis in axes)
    return _edges(cell, grid, (grid.log_lr[lowest], grid.log_batch[lowest]), (lr_end, batch_end))


def _edges(cell: SweepCell, grid: Grid, at: tuple[float, float], ends: tuple[int, int]) -> tuple[Flag, ...]:
    """Return a flag for each end of the grid that an optimum lies at.

    Args:
        cell: the cell.
        grid: its points.
        at: log learning rate and log batch of the optimum.
        ends: -1 where either is at the low end of the grid, 1 at the high end, else 0.
    """
    flags = []
    for axis, what, tried, optimum, edge in (
        ("lr", "learning rate", grid.log_lr, at[0], ends[0]),
        ("batch", "batch", grid.log_batch, at[1], ends[1]),
    ):
        if edge == 0:
            continue
        value = float(np.exp(np.clip(optimum, tried.min(), tried.max())))
        way = "up" if edge > 0 else "down"
        remedy = f"extend the grid {way}"
        if axis == "lr" and edge > 0 and any(lr > value for lr, _ in cell.lost_points):
            remedy = "higher ones diverged, so try values between"
        flags.append(
            Flag(
                f"{axis}-{'high' if edge > 0 else 'low'}",
                f"At {cell.name} the best {what} is at the edge of the grid ({value:.3g}): {remedy}.",
            )
        )
    return tuple(flags)


def _beta2_near(cell: SweepCell, log_lr: float, log_batch: float) -> float | None:
    """Return the best beta2 at the tried point nearest to a place in the grid."""
    if np.isnan(cell.beta2).all():
        return None
    distance = (np.log(cell.learning_rate) - log_lr) ** 2 + (np.log(cell.batch_tokens) - log_batch) ** 2
    nearest = np.flatnonzero(distance <= distance.min() + 1e-12)
    return float(cell.beta2[nearest[cell.loss[nearest].argmin()]])

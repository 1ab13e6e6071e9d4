"""Fits the loss surface L(N, D) = E + A/N^alpha + B/D^beta.

Hoffmann et al. 2022, approach 3 (arXiv 2203.15556), as corrected by Besiroglu et al. 2024
(arXiv 2404.10102): Huber loss on log loss, run to its true minimum, bootstrap over the runs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from budgetscope.core.errors import UsageError
from budgetscope.core.laws.forms import LossSurface
from budgetscope.fitting.bootstrap import LEVEL, interval
from budgetscope.fitting.loss_surface import Points, at_bounds, condition, log_loss, minimise_huber, starts
from budgetscope.fitting.refusals import Flag, check_loss_unit, loss_unit_flags, loud_flags, table_flags
from budgetscope.fitting.run_table import budget_levels
from budgetscope.fitting.surface_draws import Resample, draw_surfaces

if TYPE_CHECKING:
    from budgetscope.fitting.run_table import BoolArray, FloatArray, RunTable

# Five parameters need some residual degrees of freedom, and each exponent at least three abscissas.
MIN_POINTS = 8
MIN_DISTINCT = 3
MAX_CORRELATION = 0.995
# Relative error of double precision times this is a percent of a parameter.
MAX_CONDITION = 1e6
FLOPS_PER_PARAM_TOKEN = 6.0
# Rows, spread over sizes and tokens, that all starts are tried on; the best is fitted to all rows.
_MOST_SEARCHED = 2_000


@dataclass(frozen=True)
class ParametricFit:
    """A fitted loss surface, with its bootstrap draws and its misfit.

    Attributes:
        surface: the point estimate, from all runs.
        draws: bootstrap draws of (ln A, ln B, E, alpha, beta), shape (draws, 5).
        log_residual_std: root mean square misfit of log loss.
        max_log_residual: largest absolute misfit of log loss.
        condition: condition number of the scaled Jacobian at the solution.
        n_points: rows fitted.
        n_distinct_sizes: distinct N among them.
        resample: "points" or "runs".
        drawn: how the draws were made, a phrase.
        flags: doubts about the fit.
        seed: of the random generator.
    """

    surface: LossSurface
    draws: FloatArray
    log_residual_std: float
    max_log_residual: float
    condition: float
    n_points: int
    n_distinct_sizes: int
    resample: Resample
    drawn: str
    flags: tuple[Flag, ...]
    seed: int

    def standard_errors(self) -> dict[str, float]:
        """Return the standard deviation over the draws of E, A, B, alpha and beta."""
        ln_a, ln_b, e, alpha, beta = self.draws.T
        columns = {"E": e, "A": np.exp(ln_a), "B": np.exp(ln_b), "alpha": alpha, "beta": beta}
        return {name: float(column.std()) for name, column in columns.items()}

    def intervals(self, level: float = LEVEL) -> dict[str, tuple[float, float]]:
        """Return the percentile intervals of E, A, B, alpha, beta and of the exponent of N*(C)."""
        ln_a, ln_b, e, alpha, beta = self.draws.T
        columns = {
            "E": e,
            "A": np.exp(ln_a),
            "B": np.exp(ln_b),
            "alpha": alpha,
            "beta": beta,
            "optimal_exponent": beta / (alpha + beta),
        }
        return {name: interval(column, level) for name, column in columns.items()}

    def optimal_n_params_interval(
        self, flops: float, flops_per_param_token: float = FLOPS_PER_PARAM_TOKEN, level: float = LEVEL
    ) -> tuple[float, float]:
        """Return the percentile interval of N* at `flops`."""
        return interval(np.exp(_log_optimum(self.draws, flops, flops_per_param_token)), level)

    def loss_interval(self, n_params: float, tokens: float, level: float = LEVEL) -> tuple[float, float]:
        """Return the percentile interval of the loss at (N, D); run-to-run noise is not part of it."""
        ln_a, ln_b, e, alpha, beta = self.draws.T
        draws = e + np.exp(ln_a - alpha * np.log(n_params)) + np.exp(ln_b - beta * np.log(tokens))
        return interval(draws, level)


def fit_parametric(
    table: RunTable, *, resample: Resample = "points", draws: int = 1000, seed: int = 0
) -> ParametricFit:
    """Fit the loss surface and bootstrap it.

    Args:
        table: the runs; N, D and loss are used.
        resample: "points" draws rows with replacement (Besiroglu et al.), right when every row is its own
            run; "runs" draws whole model sizes, for several rows read off one training curve, whose
            errors are shared.
        draws: bootstrap draws.
        seed: seed of the random generator.

    Raises:
        UsageError: there are too few points or sizes, N and D move together, an exponent ends on its
            bound, or the runs leave the parameters undetermined.
    """
    check_loss_unit(table)
    _check_design(table)
    points = Points.of(table.n_params, table.tokens, table.loss)
    theta = _best(points)
    number = condition(theta[0], points)
    _check_solution(theta[0], points, number)
    drawn = draw_surfaces(table, theta[0], resample, draws, np.random.default_rng(seed))
    residual = log_loss(theta, points)[0] - points.y
    log_residual_std = float(np.sqrt((residual**2).mean()))
    ln_a, ln_b, ln_e, alpha, beta = points.uncentred(theta)[0]
    surface = LossSurface(*(float(v) for v in (np.exp(ln_e), np.exp(ln_a), np.exp(ln_b), alpha, beta)))
    all_draws = points.uncentred(drawn.theta)
    all_draws[:, 2] = np.exp(all_draws[:, 2])
    return ParametricFit(
        surface=surface,
        draws=all_draws,
        log_residual_std=log_residual_std,
        max_log_residual=float(np.abs(residual).max()),
        condition=number,
        n_points=len(table),
        n_distinct_sizes=np.unique(table.n_params).size,
        resample=resample,
        drawn=drawn.words,
        flags=(
            *loss_unit_flags(table),
            *table_flags(budget_levels(table)),
            *loud_flags(log_residual_std, "a surface of this form"),
            *_surface_flags(surface, table, at_bounds(theta, points)[0]),
            *_draw_flags(at_bounds(drawn.theta, points), drawn.converged),
        ),
        seed=seed,
    )


def _log_optimum(draws: FloatArray, flops: float, flops_per_param_token: float) -> FloatArray:
    """Return log N* for each row of (ln A, ln B, E, alpha, beta), shape (rows,)."""
    ln_a, ln_b, _, alpha, beta = draws.T
    ln_nd = np.log(flops / flops_per_param_token)
    return np.asarray((np.log(alpha / beta) + ln_a - ln_b + beta * ln_nd) / (alpha + beta))


def _best(points: Points) -> FloatArray:
    """Return the surface of the least Huber loss, centred, shape (1, 5)."""
    thin = points
    if points.y.size > _MOST_SEARCHED:
        order = np.lexsort((points.z, points.x))
        some = order[np.linspace(0, order.size - 1, _MOST_SEARCHED).round().astype(np.int64)]
        thin = Points(points.x[some], points.z[some], points.y[some], points.x_mean, points.z_mean)
    first = starts(thin)
    found, losses, _ = minimise_huber(first, thin, np.ones((len(first), thin.y.size)))
    best: FloatArray = found[losses.argmin()][None]
    if thin is not points:
        best, _, _ = minimise_huber(best, points, np.ones((1, points.y.size)))
    return best


def _check_design(table: RunTable) -> None:
    """Refuse runs that cannot carry five parameters."""
    if len(table) < MIN_POINTS:
        raise UsageError(
            f"{len(table)} runs cannot determine a loss surface with five parameters: give at least {MIN_POINTS}."
        )
    for name, column in (("model sizes", table.n_params), ("token counts", table.tokens)):
        distinct = np.unique(column).size
        if distinct < MIN_DISTINCT:
            raise UsageError(
                f"the runs have only {distinct} different {name} and an exponent needs {MIN_DISTINCT}: vary them."
            )
    correlation = float(np.corrcoef(np.log(table.n_params), np.log(table.tokens))[0, 1])
    if abs(correlation) > MAX_CORRELATION:
        how, missing = (
            ("together", "tokens per parameter") if correlation > 0 else ("against each other", "values of C")
        )
        raise UsageError(
            f"N and D move {how} (correlation of their logs {correlation:.3f}), so their effects cannot be "
            f"told apart: add runs with other {missing}."
        )


def _check_solution(theta: FloatArray, points: Points, number: float) -> None:
    """Refuse a solution that is due to the bounds of the search or to rounding."""
    hit = at_bounds(theta, points)
    for name, column in (("alpha", 3), ("beta", 4)):
        if hit[column]:
            raise UsageError(
                f"the exponent {name} ran into its bound ({theta[column]:.3g}): the runs do not show how loss "
                f"falls with {'N' if name == 'alpha' else 'D'}, so widen its range."
            )
    for name, column in (("N", 0), ("D", 1)):
        if hit[column]:
            raise UsageError(
                f"the runs show no effect of {name} on the loss: widen the range of {name} or fit IsoFLOP curves."
            )
    if number > MAX_CONDITION:
        raise UsageError(
            f"the runs leave the surface undetermined (condition number {number:.1e}): widen the ranges of N and D."
        )


def _surface_flags(surface: LossSurface, table: RunTable, hit: BoolArray) -> tuple[Flag, ...]:
    """Flag an irreducible loss at its bound or above a measured loss."""
    flags = []
    lowest = float(table.loss.min())
    if hit[2]:
        flags.append(Flag("no-irreducible-loss", "The runs show no irreducible loss: E is at its bound."))
    elif lowest <= surface.E:
        flags.append(
            Flag(
                "floor-above-loss",
                f"The irreducible loss {surface.E:.3f} is above a measured loss ({lowest:.3f}): "
                "the form does not describe these runs.",
            )
        )
    return tuple(flags)


def _draw_flags(hit: BoolArray, converged: BoolArray) -> tuple[Flag, ...]:
    """Flag draws that ended on a bound or did not converge."""
    flags = []
    on_bound = float(hit[:, [0, 1, 3, 4]].any(axis=1).mean())
    if on_bound > 0.01:
        flags.append(Flag("draws-at-bound", f"{on_bound:.0%} of the bootstrap draws ended on a bound."))
    failed = int((~converged).sum())
    if failed:
        flags.append(Flag("draws-not-converged", f"{failed} bootstrap draws did not converge."))
    return tuple(flags)

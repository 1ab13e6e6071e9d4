"""Fits compute-optimal sizes to IsoFLOP curves, as Porian et al. 2024 (arXiv 2406.19146).

At each budget the loss is interpolated over size and minimised, for a thousand copies of the curve with added
seed noise; the medians of the minima, weighted by 1/sigma^2, give power laws in compute.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from budgetscope.core.errors import UsageError
from budgetscope.core.progress import tell
from budgetscope.fitting.bootstrap import Intervals, PowerLaw, blocks, extra_variance, fit_power_law
from budgetscope.fitting.curve_minimum import akima_minimum, parabola_minimum
from budgetscope.fitting.loss_curve import LossCurve, fit_loss_curve
from budgetscope.fitting.noise import noise_from_scatter, noise_from_seeds
from budgetscope.fitting.refusals import (
    MIN_SIZES,
    SCATTER_FLAG,
    Dropped,
    Flag,
    check_loss_unit,
    dropped_flags,
    edge_reason,
    loss_unit_flags,
    loud_flags,
    refuse_few_budgets,
    table_flags,
)
from budgetscope.fitting.run_table import Budget, budgets

if TYPE_CHECKING:
    from budgetscope.fitting.noise import Noise
    from budgetscope.fitting.run_table import FloatArray, RunTable

Method = Literal["akima", "parabola"]

# The paper's floor under the standard deviation of log N*: 0.33 of the mean spacing of the sizes
# (`min_std_factor` in their analysis.py). It enters the weights, not the intervals.
FLOOR_OF_SPACING = 0.33
# The paper's search grid has 25 points an interval counted with both ends, so the spacing that the floor multiplies
# is 25 grid steps. Kept, so that the weights are the published ones.
_GRID_PER_INTERVAL = 25
# Budgets from which on scatter about the law is flagged.
_SCATTER_BUDGETS = 5
_FINDERS = {"akima": akima_minimum, "parabola": parabola_minimum}


@dataclass(frozen=True)
class BudgetOptimum:
    """The best size at one budget.

    Attributes:
        flops: C.
        n_params: N*, median over the draws.
        tokens: D*, median over the draws.
        loss: loss at N*, nats per token, median over the draws.
        n_log_std: standard deviation of log N* that weights the fit (with the floor, widened by the
            share of invalid draws).
        tokens_log_std: the same for log D*.
        loss_log_std: standard deviation of the log of the loss at N*.
        n_sizes: sizes at this budget.
        valid_draws: draws with an interior minimum.
    """

    flops: float
    n_params: float
    tokens: float
    loss: float
    n_log_std: float
    tokens_log_std: float
    loss_log_std: float
    n_sizes: int
    valid_draws: int


@dataclass(frozen=True)
class IsoFlopFit:
    """Power laws of the compute-optimal allocation, with the budgets that they were fitted to.

    Attributes:
        n_params: N*(C).
        tokens: D*(C).
        tokens_per_param: rho*(C) = D*/N*.
        loss_curve: L*(C), or None with a flag when the budgets do not determine it.
        optima: the budgets that were used, ascending.
        dropped: the budgets that were not, and why.
        flags: doubts about the fit.
        method: "akima" or "parabola".
        noise: the noise that was assumed, in words.
        intervals: "noise" or "scatter".
        scatter_ratio: scatter of log N* about the law over what the noise explains.
        draws: bootstrap draws asked for.
        seed: of the random generator.
    """

    n_params: PowerLaw
    tokens: PowerLaw
    tokens_per_param: PowerLaw
    loss_curve: LossCurve | None
    optima: tuple[BudgetOptimum, ...]
    dropped: tuple[Dropped, ...]
    flags: tuple[Flag, ...]
    method: Method
    noise: str
    intervals: Intervals
    scatter_ratio: float
    draws: int
    seed: int


@dataclass(frozen=True)
class _Minima:
    """The valid draws of one budget: logs of N*, D* and loss, each of shape (valid draws,)."""

    optimum: BudgetOptimum
    log_n: FloatArray
    log_tokens: FloatArray
    log_loss: FloatArray


def fit_isoflop(
    table: RunTable,
    *,
    noise: Noise | None = None,
    method: Method = "akima",
    intervals: Intervals = "noise",
    draws: int = 1000,
    seed: int = 0,
    loss_range: tuple[float, float] | None = None,
) -> IsoFlopFit:
    """Fit N*(C), D*(C), rho*(C) and L*(C) to runs at several budgets.

    Args:
        table: the runs; rows of one budget need not have exactly the same FLOPs.
        noise: run-to-run noise; None takes it from repeated seeds, or else from scatter, with a flag.
        method: "akima" interpolates (Porian et al.); "parabola" (Hoffmann et al. 2022, approach 2) is biased
            where the curve is skewed.
        intervals: "noise" makes them from the noise alone, as published; "scatter" adds the scatter of the optima about
            the law that the noise does not explain.
        draws: noisy copies of each curve.
        seed: of the random generator; the same seed gives the same fit to the last digit.
        loss_range: smallest and largest C of the loss curve's budgets; None takes all.

    Raises:
        UsageError: fewer than three budgets have an interior minimum, the noise is neither given nor
            estimable, or the losses cannot be nats per token.
    """
    check_loss_unit(table)
    groups = budgets(table)
    unusable = [_unusable(group, method) for group in groups]
    refuse_few_budgets([drop for drop in unusable if drop is not None], unusable.count(None))
    noise, noise_flags = _choose_noise(noise, table, groups)
    rng = np.random.default_rng(seed)
    found = [_minimise(group, drop, noise, method, draws, rng) for group, drop in zip(groups, unusable, strict=True)]
    minima = [each for each in found if isinstance(each, _Minima)]
    dropped = [each for each in found if isinstance(each, Dropped)]
    refuse_few_budgets(dropped, len(minima))
    flops = np.array([m.optimum.flops for m in minima])
    (n_law, token_law, rho_law), ratio = _laws(minima, flops, intervals, rng)
    curve, curve_flags = _loss_curve(minima, flops, loss_range)
    return IsoFlopFit(
        n_params=n_law,
        tokens=token_law,
        tokens_per_param=rho_law,
        loss_curve=curve,
        optima=tuple(m.optimum for m in minima),
        dropped=tuple(dropped),
        flags=(
            *loss_unit_flags(table),
            *noise_flags,
            *table_flags(flops),
            *_budget_flags(minima, dropped, draws),
            *_scatter_flags(ratio, flops.size, intervals),
            *curve_flags,
        ),
        method=method,
        noise=noise.describe(),
        intervals=intervals,
        scatter_ratio=ratio,
        draws=draws,
        seed=seed,
    )


def _choose_noise(noise: Noise | None, table: RunTable, groups: tuple[Budget, ...]) -> tuple[Noise, tuple[Flag, ...]]:
    """Return the given noise, or the best estimate that the table allows, with its flags."""
    if noise is not None:
        return noise, ()
    measured = noise_from_seeds(table)
    if measured is not None:
        return measured, loud_flags(measured.log_std, "the mean of their repeats")
    scatter = noise_from_scatter(groups)
    if scatter is not None:
        return scatter, (
            Flag(
                "noise-from-scatter",
                f"No repeated seeds: the noise is the scatter about smooth curves ({scatter.log_std:.2g}).",
            ),
            *loud_flags(scatter.log_std, "smooth curves"),
        )
    raise UsageError(
        "the noise of a run is not known and cannot be estimated from so few sizes: repeat some runs with other "
        "seeds, train more sizes near the best ones, or take a published noise, as --noise refinedweb."
    )


def _unusable(group: Budget, method: Method) -> Dropped | None:
    """Return why a budget has no optimum even without noise; None when it has one."""
    size = group.n_params.size
    if size < MIN_SIZES:
        return Dropped(
            group.flops,
            "few-sizes",
            f"At C={group.flops:.3g} there are {size} sizes and a minimum needs {MIN_SIZES}: train more sizes.",
        )
    measured = _FINDERS[method](np.log(group.n_params), np.log(group.loss)[None])[0][0]
    return None if np.isfinite(measured) else edge_reason(group)


def _minimise(
    group: Budget, unusable: Dropped | None, noise: Noise, method: Method, draws: int, rng: np.random.Generator
) -> _Minima | Dropped:
    """Return the optimum of one budget and of its noisy copies, or why there is none."""
    size = group.n_params.size
    x, loss = np.log(group.n_params), group.loss
    std = noise.std(loss) / np.sqrt(group.n_seeds)
    found, lowest, positive = [], [], []
    for block in blocks(draws, size):
        tell(f"minimising draws at C={group.flops:.3g}", block.start, draws)
        # Drawn for a dropped budget, too, so that dropping it does not change the draws of the others.
        standard = rng.standard_normal((block.stop - block.start, size))
        if unusable is None:
            noisy = loss + std * standard
            # Noise as large as the loss itself has no logarithm: such a draw is invalid.
            where, value = _FINDERS[method](x, np.log(np.maximum(noisy, np.finfo(float).tiny)))
            found.append(where)
            lowest.append(value)
            positive.append((noisy > 0).all(axis=1))
    if unusable is not None:
        return unusable
    log_n, log_loss = np.concatenate(found), np.concatenate(lowest)
    valid = np.isfinite(log_n) & np.concatenate(positive)
    n_valid = int(valid.sum())
    if n_valid < draws // 2:
        return Dropped(
            group.flops,
            "noisy",
            f"At C={group.flops:.3g} only {n_valid} of {draws} noisy draws have an interior minimum: "
            "train more sizes around the best one, or repeat seeds.",
        )
    log_n, log_loss = log_n[valid], log_loss[valid]
    log_tokens = np.interp(log_n, x, np.log(group.tokens))
    widen = draws / n_valid
    steps = (size - 1) * _GRID_PER_INTERVAL - 1
    floor = FLOOR_OF_SPACING * _GRID_PER_INTERVAL * (x[-1] - x[0]) / steps
    optimum = BudgetOptimum(
        flops=group.flops,
        n_params=float(np.exp(np.median(log_n))),
        tokens=float(np.exp(np.median(log_tokens))),
        loss=float(np.exp(np.median(log_loss))),
        n_log_std=float(max(log_n.std(), floor) * widen),
        tokens_log_std=float(max(log_tokens.std(), floor) * widen),
        loss_log_std=float(log_loss.std() * widen),
        n_sizes=size,
        valid_draws=n_valid,
    )
    return _Minima(optimum, log_n, log_tokens, log_loss)


def _laws(
    minima: list[_Minima], flops: FloatArray, intervals: Intervals, rng: np.random.Generator
) -> tuple[tuple[PowerLaw, PowerLaw, PowerLaw], float]:
    """Fit N*, D* and rho* on C, all with the weights of N* so that rho = D/N; return them and the scatter ratio."""
    # Each budget's noise is independent, so its valid draws may be paired with any of another's.
    shared = min(m.log_n.size for m in minima)
    log_n_draws = np.array([m.log_n[:shared] for m in minima]).T
    log_token_draws = np.array([m.log_tokens[:shared] for m in minima]).T
    n = np.array([m.optimum.n_params for m in minima])
    tokens = np.array([m.optimum.tokens for m in minima])
    weights = np.array([m.optimum.n_log_std for m in minima]) ** -2.0
    explained = np.array([m.log_n.var() for m in minima])
    x = np.log(flops)
    basis = np.stack([np.ones_like(x), x - x.mean()], axis=1)
    extra, ratio = extra_variance(basis, np.log(n), weights, explained)
    if intervals == "scatter":
        # At a given C, D* falls as N* grows.
        shift = np.sqrt(extra) * rng.standard_normal(log_n_draws.shape)
        log_n_draws += shift
        log_token_draws -= shift
    laws = (
        fit_power_law(flops, n, weights, np.exp(log_n_draws)),
        fit_power_law(flops, tokens, weights, np.exp(log_token_draws)),
        fit_power_law(flops, tokens / n, weights, np.exp(log_token_draws - log_n_draws)),
    )
    return laws, ratio


def _scatter_flags(ratio: float, n_budgets: int, intervals: Intervals) -> tuple[Flag, ...]:
    """Flag optima that scatter about the law more than the noise explains."""
    if n_budgets < _SCATTER_BUDGETS or ratio < SCATTER_FLAG:
        return ()
    sentence = f"The optima scatter about the law {ratio:.1f} times as far as the noise explains"
    ending = (
        ": the intervals include it." if intervals == "scatter" else ": intervals from the noise alone are too narrow."
    )
    return (Flag("scatter-exceeds-noise", sentence + ending),)


def _loss_curve(
    minima: list[_Minima], flops: FloatArray, loss_range: tuple[float, float] | None
) -> tuple[LossCurve | None, tuple[Flag, ...]]:
    """Return L*(C), or None and a flag that says why."""
    low, high = loss_range or (0.0, np.inf)
    used = [m for m, c in zip(minima, flops, strict=True) if low <= c <= high]
    shared = min((m.log_loss.size for m in used), default=0)
    try:
        curve = fit_loss_curve(
            np.array([m.optimum.flops for m in used]),
            np.array([m.optimum.loss for m in used]),
            np.array([m.optimum.loss_log_std for m in used]),
            np.exp([m.log_loss[:shared] for m in used]).T,
        )
    except UsageError as error:
        reason = str(error)
        return None, (Flag("no-loss-curve", f"{reason[0].upper()}{reason[1:]}"),)
    if curve.irreducible == 0:
        return curve, (Flag("no-saturation", "The optimal loss shows no saturation: E is 0, at its bound."),)
    return curve, ()


def _budget_flags(minima: list[_Minima], dropped: list[Dropped], draws: int) -> tuple[Flag, ...]:
    """Flag budgets that were dropped, and those with few valid draws."""
    flags = [*dropped_flags(dropped)]
    weak = [m.optimum for m in minima if m.optimum.valid_draws < 0.9 * draws]
    flags.extend(
        Flag(
            "few-valid-draws",
            f"At C={o.flops:.3g} only {o.valid_draws} of {draws} noisy draws have an interior minimum.",
        )
        for o in weak
    )
    return tuple(flags)

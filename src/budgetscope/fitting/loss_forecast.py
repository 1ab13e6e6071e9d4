"""Forecasts the loss of larger budgets: L*(C) = E + A C^-alpha as a mixture over the floor E.

A few decades of compute hardly determine the floor: least squares puts E at zero or close under the lowest loss, and
an interval about that is far too narrow. So E is averaged over, with a prior: for each E of a grid, ln(L - E) is a
straight line in ln C, and the grid is weighted by how well its line fits. The result is a set of draws of
(ln A, alpha, E), each of them a loss curve that lies above the entropy of text.

Only the upper half of the budgets is used, four at least: small runs fall in another way.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from budgetscope.core.errors import UsageError
from budgetscope.fitting.bootstrap import LEVEL, interval
from budgetscope.fitting.refusals import Flag

if TYPE_CHECKING:
    from budgetscope.fitting.joint import JointFit
    from budgetscope.fitting.run_table import FloatArray

MIN_BUDGETS = 4
LEAST_BITS_PER_BYTE = 0.3
"""Our choice, under what any published model reaches on natural text as far as we know; not sourced."""
MEDIAN_BITS_PER_BYTE = 0.5
PRIOR_WIDTH = 0.35
"""Of ln E. A floor fitted to large runs: 0.6 (Besiroglu et al. 2024, 1.82 nats at about 4.4 bytes a token)."""
FORM_STD = 0.0015
"""How far measured optima lie off the form, in ln L, beforehand: as on Porian et al.'s tuned runs, generously."""
FORM_DOF = 4.0
EXPONENT_DRIFT = (0.03, 0.003)
"""Standard deviation of alpha beyond the data, by tokens at the largest budget: up to the first of `DRIFT_TOKENS` and
from the second on. Runs that short pass through the rise of in-context learning: the local slope of ln L was 0.06,
0.09 and 0.06 again along all four calibrations of 2026-11-29."""
DRIFT_TOKENS = (3e8, 3e9)
_GRID = 64
_HIGHEST = 0.98
_LEAST_EXPONENT = 0.005
# A floor whose interval is this much of the prior's has not been told by the runs.
_UNTOLD = 0.7


@dataclass(frozen=True)
class LossForecast:
    """L*(C) as draws of loss curves.

    Attributes:
        coefficient: A of the middle curve, in nats at C = 1 FLOP.
        exponent: alpha of the middle curve.
        floor: E of the middle curve, the median of the mixture, nats per token.
        draws: of (ln A, alpha, E), shape (draws, 3).
        floor_determined: whether the draws of E are narrower than its prior.
        exponent_drift: standard deviation of alpha beyond the data that the draws hold.
        flops_range: smallest and largest budget used.
        residual_std: misfit of ln L at the budgets used, of the middle curve.
        n_budgets: budgets used.
        prior: of E, in words.
        flags: doubts about the fit.
    """

    coefficient: float
    exponent: float
    floor: float
    draws: FloatArray
    floor_determined: bool
    exponent_drift: float
    flops_range: tuple[float, float]
    residual_std: float
    n_budgets: int
    prior: str
    flags: tuple[Flag, ...]

    def at(self, flops: float) -> float:
        """Return the loss of the compute-optimal model at `flops`, nats per token."""
        return self.floor + float(np.exp(np.log(self.coefficient) - self.exponent * np.log(flops)))

    def interval_at(self, flops: float, level: float = LEVEL) -> tuple[float, float]:
        """Return the percentile interval of that loss."""
        ln_a, alpha, floor = self.draws.T
        return interval(floor + np.exp(ln_a - alpha * np.log(flops)), level)

    def floor_interval(self, level: float = LEVEL) -> tuple[float, float] | None:
        """Return the percentile interval of E; None when the runs do not determine it."""
        return interval(self.draws[:, 2], level) if self.floor_determined else None


@dataclass(frozen=True)
class FloorPrior:
    """The prior of the floor E.

    Attributes:
        floors: grid of E, nats per token, shape (floors,).
        log_weight: log of the weight of each, shape (floors,).
        words: for provenance.
    """

    floors: FloatArray
    log_weight: FloatArray
    words: str


def floor_prior(lowest_loss: float, bytes_per_token: float | None) -> FloorPrior:
    """Return the prior of E below the lowest measured loss.

    Args:
        lowest_loss: nats per token.
        bytes_per_token: of the tokenizer on the validation text; None where it is not known, and then any share of
            the lowest loss from a fifth up is as likely as any other.
    """
    top = _HIGHEST * lowest_loss
    if bytes_per_token is None:
        floors = np.linspace(0.2 * lowest_loss, top, _GRID)
        return FloorPrior(floors, np.zeros(_GRID), "floor anywhere from a fifth of the lowest loss (bytes unknown)")
    nats = np.log(2) * bytes_per_token
    least = LEAST_BITS_PER_BYTE * nats
    if least >= top:
        raise UsageError(
            f"a loss of {lowest_loss:.3g} nats a token is {lowest_loss / nats:.2g} bits a byte, about or below the "
            f"entropy of any text ({LEAST_BITS_PER_BYTE}): check the loss unit and the bytes per token."
        )
    floors = np.linspace(least, top, _GRID)
    off = (np.log(floors / nats) - np.log(MEDIAN_BITS_PER_BYTE)) / PRIOR_WIDTH
    words = f"floor about {MEDIAN_BITS_PER_BYTE} bits a byte, at least {LEAST_BITS_PER_BYTE}"
    return FloorPrior(floors, -0.5 * off**2 - np.log(floors), words)


def fit_loss_forecast(
    flops: FloatArray,
    log_loss: FloatArray,
    log_loss_std: FloatArray,
    tokens: FloatArray,
    *,
    bytes_per_token: float | None = None,
    draws: int = 1000,
    seed: int = 0,
) -> LossForecast:
    """Forecast the loss from the measured optima.

    Args:
        flops: budgets, ascending, shape (budgets,).
        log_loss: ln of the loss at each budget's optimum, shape (budgets,), as `fit_joint` has it.
        log_loss_std: standard deviation of that by the runs' noise, shape (budgets,).
        tokens: tokens at each budget's optimum, shape (budgets,).
        bytes_per_token: of the tokenizer, None where not known.
        draws: curves to draw.
        seed: of the random generator.

    Raises:
        UsageError: If there are fewer than four budgets, or the loss does not fall with compute.
    """
    if flops.size < MIN_BUDGETS:
        raise UsageError(
            f"a loss curve with a floor has three parameters and {flops.size} budgets cannot test it: "
            f"give at least {MIN_BUDGETS}."
        )
    used = slice(-max(MIN_BUDGETS, (flops.size + 1) // 2), None)
    x, y = np.log(flops[used]), log_loss[used]
    prior = floor_prior(float(np.exp(y.min())), bytes_per_token)
    form = FORM_STD**2 + float(np.mean(log_loss_std[used] ** 2))
    lines = _lines(x, y, prior, form)
    drift = exponent_drift(float(tokens[-1]))
    found = _draw(lines, prior.floors, float(x[-1]), drift, draws, np.random.default_rng(seed))
    floor = float(np.interp(0.5, np.cumsum(lines.weight) - lines.weight / 2, prior.floors))
    level, exponent = (float(np.interp(floor, prior.floors, column)) for column in lines.best.T)
    ln_a = level + exponent * lines.centre
    fitted = np.log(floor + np.exp(ln_a - exponent * x))
    told = _told(prior, found[:, 2])
    return LossForecast(
        coefficient=float(np.exp(ln_a)),
        exponent=exponent,
        floor=floor,
        draws=found,
        floor_determined=told,
        exponent_drift=drift,
        flops_range=(float(flops[used][0]), float(flops[-1])),
        residual_std=float(np.sqrt(np.mean((fitted - y) ** 2))),
        n_budgets=x.size,
        prior=prior.words,
        flags=() if told else (Flag("floor-not-determined", _NOT_DETERMINED),),
    )


_NOT_DETERMINED = "The runs do not determine the irreducible loss: its prior does."


def exponent_drift(tokens: float) -> float:
    """Return the standard deviation of alpha beyond the data, log-linear in tokens.

    Args:
        tokens: of the optimum of the largest budget.
    """
    return float(np.exp(np.interp(np.log(tokens), np.log(DRIFT_TOKENS), np.log(EXPONENT_DRIFT))))


@dataclass(frozen=True)
class _Lines:
    """For each floor: (ln(L - E) at the centre, alpha), shape (floors, 2); their covariance; posterior weight."""

    best: FloatArray
    covariance: FloatArray
    weight: FloatArray
    dof: float
    centre: float


def _lines(x: FloatArray, y: FloatArray, prior: FloorPrior, form: float) -> _Lines:
    """Fit weighted straight lines of ln(L - E) for every floor, and weigh the floors.

    The scatter of ln L, form error and noise, has a scaled inverse chi-squared prior about `form` and is integrated
    out; that of ln(L - E) is L / (L - E) times as large.
    """
    loss = np.exp(y)
    z = np.log(loss - prior.floors[:, None])
    weights = ((loss - prior.floors[:, None]) / loss) ** 2
    centre = float(x.mean())
    basis = np.stack([np.ones_like(x), centre - x], axis=1)
    normal = np.einsum("fp,pi,pj->fij", weights, basis, basis)
    best = np.linalg.solve(normal, np.einsum("fp,pi,fp->fi", weights, basis, z)[..., None])[..., 0]
    squares = (weights * (z - best @ basis.T) ** 2).sum(axis=1) + FORM_DOF * form
    dof = FORM_DOF + x.size - 2
    log_weight = prior.log_weight - 0.5 * np.linalg.slogdet(normal)[1] - dof / 2 * np.log(squares)
    log_weight = np.where(best[:, 1] > _LEAST_EXPONENT, log_weight, -np.inf)
    if not np.isfinite(log_weight).any():
        raise UsageError("the best loss does not fall with compute: train at budgets further apart, or repeat seeds.")
    weight = np.exp(log_weight - log_weight.max())
    covariance = np.linalg.inv(normal) * (squares / dof)[:, None, None]
    return _Lines(best, covariance, weight / weight.sum(), dof, centre)


def _draw(
    lines: _Lines, floors: FloatArray, x_last: float, drift: float, draws: int, rng: np.random.Generator
) -> FloatArray:
    """Draw (ln A, alpha, E), shape (draws, 3): floors in even steps of probability, Student's t about each line."""
    from scipy.special import stdtrit  # noqa: PLC0415 - takes 0.1 s to load, and only this fit needs it

    share = (np.arange(draws) + 0.5) / draws
    which = np.searchsorted(np.cumsum(lines.weight), share).clip(0, floors.size - 1)
    # Even steps of each, paired by chance: the tails of an interval vary less than with free draws.
    first, second, turn = (rng.permutation(share) for _ in range(3))
    root = np.linalg.cholesky(lines.covariance)[which]
    deviates = np.stack([stdtrit(lines.dof, first), stdtrit(lines.dof, second)], axis=1)
    level, alpha = (lines.best[which] + (root @ deviates[..., None])[..., 0]).T
    # Beyond the data the exponent may be another; the curve stays where it is at the last budget.
    last = level - alpha * (x_last - lines.centre)
    alpha = np.maximum(alpha + drift * stdtrit(np.inf, turn), _LEAST_EXPONENT)
    return np.stack([last + alpha * x_last, alpha, floors[which]], axis=1)


def _told(prior: FloorPrior, floors: FloatArray) -> bool:
    """Return whether the drawn floors are closer together than the prior's."""
    weight = np.exp(prior.log_weight - prior.log_weight.max())
    before = np.interp([0.025, 0.975], np.cumsum(weight) / weight.sum(), prior.floors)
    low, high = interval(floors)
    return bool(high - low < _UNTOLD * float(before[1] - before[0]))


def forecast_of(
    fit: JointFit, *, bytes_per_token: float | None = None, draws: int = 1000, seed: int = 0
) -> LossForecast:
    """Forecast the loss from the least losses that the joint fit found; see `fit_loss_forecast`."""
    flops = np.array(fit.flops)
    tokens = flops / 6 / np.array([fit.at(float(c)) for c in flops])
    loss, std = np.array(fit.log_loss), np.array(fit.log_loss_std)
    return fit_loss_forecast(flops, loss, std, tokens, bytes_per_token=bytes_per_token, draws=draws, seed=seed)

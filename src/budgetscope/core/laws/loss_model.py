"""The loss model of a fit: the loss at the optimum of a budget, and the loss above it for other model sizes.

Each part has its own law:

- the optimum N*(C): the allocation law;
- the loss at the optimum, L*(C): the loss curve through the measured optima, else the loss surface;
- the loss above the optimum: the excess law, fitted to runs of other sizes, else the loss surface. Both are centred,
  in log N, on the optimum of the allocation law, so that a law's own optimum has the lowest loss by that law.

A loss surface alone is not accurate enough. On the tuned runs of Porian et al. it misses the loss of the measured
optima by up to 2%. It gives a third to a fifth of the measured loss above the optimum for a model of twice the optimal
size, because runs at constant learning rate do not follow its form.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

from budgetscope.core.laws.fit import Draws, Fit, percentiles
from budgetscope.core.laws.forms import ExcessLaw
from budgetscope.core.laws.operating_point import MAX_FLOPS, MIN_FLOPS, allocation_law, increasing_root

FLAT_SHARE = 0.001
"""Largest loss above the optimum inside the flat band, as a share of the loss at the optimum."""

SURFACE_EXPONENTS = 0.3478 + 0.3658
"""alpha + beta of the loss surface of Besiroglu et al. 2024 (arXiv 2404.10102)."""

_STEP = 1.1
_UNREACHABLE = -1e3
"""Stands for the logarithm of a loss at or under the floor."""
_LEAST_EXPONENT = 0.2


def equal_loss_share(ratio: float, exponent: float) -> float:
    """Return the share of a budget that would give the same loss at its optimum, by a surface E + A/N^alpha + B/D^beta.

    Along C = 6 N D the loss above E is that of the optimum times f = (exp(-alpha u)/alpha + exp(beta u)/beta) /
    (1/alpha + 1/beta), u = ln(N/N*), and the optimum's falls with C^(-alpha beta / (alpha + beta)); so the share is the
    same at every budget.

    Args:
        ratio: N over the compute-optimal N.
        exponent: of N*(C), beta / (alpha + beta); with it alpha + beta as published.
    """
    u, beta, alpha = math.log(ratio), exponent * SURFACE_EXPONENTS, (1 - exponent) * SURFACE_EXPONENTS
    above = (math.exp(-alpha * u) / alpha + math.exp(beta * u) / beta) / (1 / alpha + 1 / beta)
    return math.pow(above, -SURFACE_EXPONENTS / (alpha * beta))


@dataclass(frozen=True, slots=True)
class LossModel:
    """The loss by one fit, in its own convention and loss unit."""

    fit: Fit

    @property
    def floor(self) -> float:
        """The entropy floor: the loss that no budget reaches; -inf without a law of the loss."""
        surface, curve = self.fit.surface, self.fit.loss_curve
        if curve is not None:
            return curve.floor
        return surface.E if surface is not None else -math.inf

    def best_loss(self, flops: float) -> float | None:
        """Return the compute-optimal loss; None when the fit has no law of loss."""
        law = self.fit.loss_curve or self.fit.surface
        return None if law is None else law.best_loss(flops)

    def excess_loss(self, flops: float, n_params: float) -> float | None:
        """Return the loss above the optimum of a model of `n_params`; None when the fit has no law of it."""
        law = self.fit.excess
        if law is None:
            return None
        ratio = n_params / allocation_law(self.fit).allocate(flops).n_params
        if isinstance(law, ExcessLaw) and math.log(ratio) < -law.window:
            beyond = self._overtrained_excess(law, flops, ratio)
            if beyond is not None:
                return beyond
        return law.excess(flops, ratio)

    def _overtrained_excess(self, law: ExcessLaw, flops: float, ratio: float) -> float | None:
        """Return the loss above the optimum of a model far too small; None without a law of the loss.

        A parabola in ln N would make such a model worse with more tokens. Beyond the window of the excess law, the
        budget of equal loss therefore shrinks as it does by a loss surface (see `equal_loss_share`).
        """
        level = self.best_loss(flops)
        if level is None:
            return None
        edge = math.exp(-law.window)
        enough = self.flops_for_loss(level + law.excess(flops, edge))
        if enough is None:
            return None
        allocate = allocation_law(self.fit).allocate
        grown = allocate(flops * _STEP).n_params / allocate(flops).n_params
        exponent = min(max(math.log(grown) / math.log(_STEP), _LEAST_EXPONENT), 1 - _LEAST_EXPONENT)
        enough *= equal_loss_share(ratio, exponent) / equal_loss_share(edge, exponent)
        best = self.best_loss(max(enough, MIN_FLOPS))
        return None if best is None else best - level

    def flops_for_loss(self, loss: float, gain: Callable[[float], float] | None = None) -> float | None:
        """Return the budget with that loss at its optimum; None if it is not within `MIN_FLOPS` to `MAX_FLOPS`.

        Args:
            loss: less the gain.
            gain: by FLOPs, how far the loss ends below the law's; it never falls.
        """

        def excess(log_flops: float) -> float:
            flops = math.exp(log_flops)
            best = self.best_loss(flops)
            reducible = loss - self.floor if gain is None else loss + gain(flops) - self.floor
            if best is None or reducible <= 0:
                return _UNREACHABLE
            return math.log(reducible / (best - self.floor))

        if self.best_loss(MIN_FLOPS) is None:
            return None
        low, high = math.log(MIN_FLOPS), math.log(MAX_FLOPS)
        if excess(low) > 0 or excess(high) < 0:
            return None
        return math.exp(increasing_root(excess, low, high))

    def wasted_share(self, flops: float, n_params: float) -> float | None:
        """Return the deadweight compute of a model of `n_params` at a budget, as a share of the budget.

        A smaller budget would reach the same loss at its optimum; the difference is the deadweight compute. None when
        the fit has no law of the loss or of the loss above the optimum.
        """
        level, excess = self.best_loss(flops), self.excess_loss(flops, n_params)
        if level is None or excess is None:
            return None
        enough = self.flops_for_loss(level + excess)
        return 1.0 if enough is None else max(0.0, 1.0 - enough / flops)

    def flat_band(self, flops: float) -> tuple[float, float] | None:
        """Return the smallest and largest N with a loss within `FLAT_SHARE` of the optimum's; None without the laws."""
        best = self.best_loss(flops)
        if self.fit.excess is None or best is None:
            return None
        optimum = allocation_law(self.fit).allocate(flops).n_params
        allowed = FLAT_SHARE * best

        def beyond(log_ratio: float, sign: int) -> float:
            excess = self.excess_loss(flops, optimum * math.exp(sign * log_ratio)) or 0.0
            return math.sqrt(max(excess, 0.0)) - math.sqrt(allowed)

        down = increasing_root(lambda x: beyond(x, -1), 0.0, math.log(1e4), 1e-9)
        up = increasing_root(lambda x: beyond(x, +1), 0.0, math.log(1e4), 1e-9)
        return optimum * math.exp(-down), optimum * math.exp(up)

    def measured_range(self, flops: float) -> tuple[float, float] | None:
        """Return the smallest and largest N at which the loss above the optimum was measured at a budget.

        For an excess law it is its window around the optimum. For a loss surface it is the range of N, D and D/N of its
        data along C = 6 N D. None when the fit has no law of the loss above the optimum, or no data at the budget.
        """
        law = self.fit.excess
        if law is None:
            return None
        if isinstance(law, ExcessLaw):
            optimum = allocation_law(self.fit).allocate(flops).n_params
            return optimum * math.exp(-law.window), optimum * math.exp(law.window)
        fitted = self.fit.laws["surface"].fitted
        low, high = 0.0, math.inf
        if "n_params" in fitted:
            low, high = fitted["n_params"].low, fitted["n_params"].high
        if "tokens" in fitted:
            low, high = max(low, flops / (6 * fitted["tokens"].high)), min(high, flops / (6 * fitted["tokens"].low))
        if "tokens_per_param" in fitted:
            ratio = fitted["tokens_per_param"]
            low, high = max(low, math.sqrt(flops / (6 * ratio.high))), min(high, math.sqrt(flops / (6 * ratio.low)))
        return (low, high) if 0 < low < high < math.inf else None

    def loss_interval(self, flops: float, level: float = 0.95) -> tuple[float, float] | None:
        """Return the central interval of the loss at the optimum over bootstrap draws; None without draws."""
        law = self.fit.laws.get("loss_curve") or self.fit.laws.get("surface")
        if law is None or not isinstance(law.uncertainty, Draws):
            return None
        losses = [each.best_loss(flops) for each in law.uncertainty.laws(law.law)]  # type: ignore[union-attr]
        return percentiles(losses, level)

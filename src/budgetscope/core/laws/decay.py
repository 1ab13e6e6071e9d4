"""How much a decay of the learning rate at the end of a run lowers its loss.

Laws fitted to runs at constant learning rate foretell the loss before the decay. No law covers the gain at all sizes;
three sources bound it, and the gain grows with the model:

- Luo et al. 2025 (multi-power law, arXiv 2503.12811): their fits at 25 M, 100 M and 400 M parameters, for a linear
  decay to zero over the last fifth of 24 k and of 72 k steps at a peak of 3e-4;
- Porian et al. 2024 (arXiv 2406.19146): 0.11 to 0.12 nats between constant and decayed runs at 2.56e19 FLOPs;
- Ajroldi et al. 2026 (OpenEuroLLM, arXiv 2608.28308): annealing gains up to 0.2 nats.
"""

import math
from dataclasses import dataclass
from itertools import pairwise

from budgetscope.core.language import _
from budgetscope.core.laws.intervals import Estimate

DECAY_SHARE = 0.2
"""Share of the run over which the learning rate falls."""


@dataclass(frozen=True, slots=True)
class MultiPowerLaw:
    """The loss of a run under a schedule of the learning rate (Luo et al. 2025, equation 3; losses in nats a token).

    L = floor + A S^-alpha - B sum_k (eta_(k-1) - eta_k) G(eta_k^-gamma S_k), G(x) = 1 - (C x + 1)^-beta: S is the sum
    of all learning rates, and S_k that from step k on.
    """

    floor: float
    A: float
    alpha: float
    B: float
    C: float
    beta: float
    gamma: float

    def decay_gain(self, peak: float, steps: int, share: float = DECAY_SHARE) -> float:
        """Return how much lower the loss is after a linear decay to zero than at a constant rate, in nats a token.

        Args:
            peak: learning rate before the decay.
            steps: of the whole run; warmup is left out.
            share: of the steps, in which the rate falls.
        """
        falling = round(share * steps)
        drop = peak / falling
        rates = [peak - drop * k for k in range(1, falling)]
        constant = peak * steps
        decayed = peak * (steps - falling) + sum(rates)
        left, annealed = 0.0, 0.0
        for rate in reversed(rates):
            left += rate
            annealed += drop * (1 - math.pow(self.C * math.pow(rate, -self.gamma) * left + 1, -self.beta))
        return self.A * (math.pow(constant, -self.alpha) - math.pow(decayed, -self.alpha)) + self.B * annealed


LUO_2025 = {
    25e6: MultiPowerLaw(3.040, 0.525, 0.508, 363.788, 2.066, 0.583, 0.641),
    100e6: MultiPowerLaw(2.651, 0.601, 0.453, 437.946, 2.132, 0.598, 0.655),
    400e6: MultiPowerLaw(2.375, 0.654, 0.429, 523.425, 2.025, 0.594, 0.635),
}
"""By parameters: the rows of the authors' README."""

_LOW = ((25e6, 0.085), (100e6, 0.105), (400e6, 0.11))
_HIGH = ((25e6, 0.096), (100e6, 0.116), (400e6, 0.138), (20e9, 0.2))
"""(N, nats): the least and the most that the sources give. Beyond 400 M the least is Porian et al.'s, and the most
grows as between 100 M and 400 M up to the 0.2 nats of Ajroldi et al. Under 25 M nothing is published: the least is
zero."""


def decay_gain(n_params: float) -> Estimate:
    """Return the gain in loss by a decay over the last fifth of a run, in nats a token, with the span of the sources.

    Args:
        n_params: parameters of the model.
    """
    low, high = (0.0 if n_params < _LOW[0][0] else _between(_LOW, n_params)), _between(_HIGH, n_params)
    return Estimate((low + high) / 2, low, high, _("span of published gains: Luo 2025, Porian 2024, Ajroldi 2026"))


def loss_after_decay(loss: Estimate, n_params: float) -> Estimate:
    """Return a loss at constant learning rate less the gain by a decay; both intervals add up.

    Args:
        loss: in nats a token.
        n_params: parameters of the model.
    """
    gain = decay_gain(n_params)
    low, high = loss.value if loss.low is None else loss.low, loss.value if loss.high is None else loss.high
    return Estimate(loss.value - gain.value, low - (gain.high or 0.0), high - (gain.low or 0.0), gain.basis)


def _between(points: tuple[tuple[float, float], ...], n_params: float) -> float:
    """Return the value at a size, linear in ln N, and constant beyond the ends."""
    if n_params <= points[0][0]:
        return points[0][1]
    for (n_low, low), (n_high, high) in pairwise(points):
        if n_params <= n_high:
            return low + (high - low) * math.log(n_params / n_low) / math.log(n_high / n_low)
    return points[-1][1]

"""Runs planted on a known loss surface, for tests and benchmarks of fits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from budgetscope.core.laws.forms import LossSurface
from budgetscope.fitting.parametric import FLOPS_PER_PARAM_TOKEN
from budgetscope.fitting.run_table import RunTable

if TYPE_CHECKING:
    from budgetscope.fitting.run_table import FloatArray

# Besiroglu et al. 2024 (arXiv 2404.10102), plain Huber replication: N and D weigh almost alike.
SYMMETRIC = LossSurface(E=1.81724, A=477.84, B=2143.86, alpha=0.34731, beta=0.36718)
# Too few tokens cost much more than too few parameters: IsoFLOP curves lean to one side.
SKEWED = LossSurface(E=1.8, A=120.0, B=6000.0, alpha=0.28, beta=0.45)


def planted_runs(
    surface: LossSurface,
    *,
    budgets: FloatArray,
    ratio: float = 1.5,
    half: int = 4,
    offset: float = 0.0,
    drift: float = 0.0,
    log_std: float = 0.0,
    run_share: float = 0.0,
    rng: np.random.Generator | None = None,
) -> RunTable:
    """Return runs on a shared ladder of sizes around the optimum of each budget, C = 6 N D.

    Args:
        surface: The truth.
        budgets: C of each IsoFLOP curve, shape (budgets,).
        ratio: Between neighbouring sizes.
        half: Sizes on either side of each grid's centre.
        offset: Log of the grid's centre over the true optimum, at the middle budget.
        drift: Change of that offset from one budget to the next.
        log_std: Noise of log loss; it needs `rng`.
        run_share: Share of the noise's variance that all rows of one size have in common, as rows read off
            one training curve do.
        rng: Generator of the noise; None plants the surface exactly.
    """
    flops, n_params = [], []
    for number, budget in enumerate(budgets):
        centre = surface.allocate(float(budget)).n_params * np.exp(offset + drift * (number - len(budgets) / 2))
        steps = np.round(np.log(centre) / np.log(ratio)) + np.arange(-half, half + 1)
        n_params.append(ratio**steps)
        flops.append(np.full(steps.size, budget))
    c, n = np.concatenate(flops), np.concatenate(n_params)
    d = c / FLOPS_PER_PARAM_TOKEN / n
    loss = surface.E + surface.A / n**surface.alpha + surface.B / d**surface.beta
    if rng is not None:
        sizes, of_row = np.unique(n, return_inverse=True)
        shared, own = rng.standard_normal(sizes.size)[of_row], rng.standard_normal(n.size)
        loss = loss * np.exp(log_std * (np.sqrt(run_share) * shared + np.sqrt(1 - run_share) * own))
    return RunTable(c, n, d, loss)

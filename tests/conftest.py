"""What several kinds of test share: the reference folder and runs planted on a known surface."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from budgetscope.fitting.parametric import LossSurface
from budgetscope.fitting.table import RunTable

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

# Besiroglu et al. 2024, section 4: close to symmetric. The other one is skewed like a data-poor corpus.
SURFACES = {
    "symmetric": LossSurface(1.8172, 477.84, 2143.86, 0.34731, 0.36718),
    "skewed": LossSurface(1.8, 120.0, 6000.0, 0.28, 0.45),
}


def planted_runs(
    surface: LossSurface,
    *,
    budgets: npt.NDArray[np.float64],
    ratio: float = 1.5,
    half: int = 4,
    offset: float = 0.0,
    drift: float = 0.0,
    log_std: float = 0.0,
    run_share: float = 0.0,
    rng: np.random.Generator | None = None,
) -> RunTable:
    """Runs on a shared ladder of sizes around the optimum of each budget, C = 6 N D.

    Args:
        surface: The truth.
        budgets: C of each IsoFLOP curve.
        ratio: Between neighbouring sizes.
        half: Sizes on either side of the grid's centre.
        offset: Log of the grid's centre over the true optimum, at the middle budget.
        drift: Change of that offset from one budget to the next.
        log_std: Noise of log loss.
        run_share: Share of the noise's variance that all rows of one size have in common.
        rng: Of the noise.
    """
    flops, n_params = [], []
    for number, budget in enumerate(budgets):
        centre = surface.optimal_n_params(budget) * np.exp(offset + drift * (number - len(budgets) / 2))
        steps = np.round(np.log(centre) / np.log(ratio)) + np.arange(-half, half + 1)
        n_params.append(ratio**steps)
        flops.append(np.full(steps.size, budget))
    c, n = np.concatenate(flops), np.concatenate(n_params)
    d = c / 6 / n
    loss = surface.irreducible + surface.a / n**surface.alpha + surface.b / d**surface.beta
    if rng is not None:
        sizes, of_row = np.unique(n, return_inverse=True)
        shared = rng.standard_normal(sizes.size)[of_row]
        own = rng.standard_normal(n.size)
        loss = loss * np.exp(log_std * (np.sqrt(run_share) * shared + np.sqrt(1 - run_share) * own))
    return RunTable(c, n, d, loss)


@pytest.fixture(scope="session")
def plant() -> Callable[..., RunTable]:
    """Make runs on a known surface."""
    return planted_runs


@pytest.fixture(scope="session", params=sorted(SURFACES))
def surface(request: pytest.FixtureRequest) -> LossSurface:
    """Each of the surfaces that runs are planted on."""
    return SURFACES[request.param]


@pytest.fixture(scope="session")
def surfaces() -> dict[str, LossSurface]:
    """The surfaces that runs are planted on, by name."""
    return SURFACES


@pytest.fixture(scope="session")
def reference() -> Path:
    """The folder with the published tables; a test that needs it is skipped where there is none."""
    folder = os.environ.get("BUDGETSCOPE_REFERENCE")
    if not folder:
        pytest.skip("BUDGETSCOPE_REFERENCE does not name the folder with the published tables")
    return Path(folder)

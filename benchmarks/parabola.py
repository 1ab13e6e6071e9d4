"""Measure the bias of one parabola per budget: planted loss surfaces, fitted by Akima interpolation and by parabolas.

Run: python -m benchmarks.parabola
"""

import numpy as np
from tests.planted_surfaces import SKEWED, SYMMETRIC, planted_runs

from budgetscope.core.laws.forms import LossSurface
from budgetscope.fitting.isoflop import Method, fit_isoflop
from budgetscope.fitting.noise import ConstantNoise

BUDGETS = np.array([1e18 * 4.0**k for k in range(7)])
TARGET = 1e24
LOG_STD = 5e-4
REPEATS = 100
GRIDS = (("centred", 0.0, 0.0), ("off-centre x2", np.log(2.0), 0.0), ("drifting", 0.0, 0.15))
METHODS: tuple[Method, ...] = ("akima", "parabola")


def trial(surface: LossSurface, offset: float, drift: float, method: Method) -> str:
    """Return the mean errors of one method over repeated noise, as text."""
    truth = surface.allocate(TARGET).n_params
    errors, log_ratios, hits = np.zeros((3, REPEATS))
    for repeat in range(REPEATS):
        rng = np.random.default_rng(repeat)
        runs = planted_runs(surface, budgets=BUDGETS, ratio=2.0, offset=offset, drift=drift, log_std=LOG_STD, rng=rng)
        law = fit_isoflop(runs, noise=ConstantNoise(LOG_STD), method=method, draws=400).n_params
        low, high = law.interval_at(TARGET)
        errors[repeat] = law.exponent - surface.optimal_exponent
        log_ratios[repeat] = np.log(law.at(TARGET) / truth)
        hits[repeat] = low <= truth <= high
    return f"{errors.mean():+.4f}  {np.exp(log_ratios.mean()):5.2f}  {hits.mean():6.0%}"


def main() -> None:
    """Print both fits of each planted case.

    The columns are the mean error of the exponent, the mean ratio of N at 1e24 FLOPs to the truth, how often its 95%
    interval contains the truth.
    """
    span = f"{BUDGETS[0]:.0e} to {BUDGETS[-1]:.1e} FLOPs"
    print(f"planted IsoFLOP curves at {span}, noise {LOG_STD:g} of the loss, 9 sizes a factor 2 apart")
    print(f"means over {REPEATS} data sets: error of a, N at {TARGET:g} FLOPs over the truth, intervals that hold it")
    print(f"{'surface, grid':26} {'Akima':26} parabola")
    for surface_name, surface in (("symmetric", SYMMETRIC), ("skewed", SKEWED)):
        for grid, offset, drift in GRIDS:
            cells = [trial(surface, offset, drift, method) for method in METHODS]
            print(f"{f'{surface_name}, {grid}':26} {cells[0]:26} {cells[1]}")


if __name__ == "__main__":
    main()

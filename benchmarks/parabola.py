"""Where a parabola a budget is biased: planted loss surfaces, fitted by Akima interpolation and by parabolas.

Run: python benchmarks/parabola.py
"""

import numpy as np

from budgetscope.core.laws import LossSurface
from budgetscope.fitting.isoflop import Method, fit_isoflop
from budgetscope.fitting.noise import ConstantNoise
from budgetscope.fitting.planted import SKEWED, SYMMETRIC, planted_runs

BUDGETS = np.array([1e18 * 4.0**k for k in range(7)])
TARGET = 1e24
LOG_STD = 5e-4
GRIDS = (("centred", 0.0, 0.0), ("off-centre x2", np.log(2.0), 0.0), ("drifting", 0.0, 0.15))


def row(name: str, surface: LossSurface, offset: float, drift: float) -> str:
    """Return one planted surface and grid, fitted both ways."""
    rng = np.random.default_rng(0)
    runs = planted_runs(surface, budgets=BUDGETS, ratio=2.0, offset=offset, drift=drift, log_std=LOG_STD, rng=rng)
    truth = surface.allocate(TARGET).n_params
    cells = []
    methods: tuple[Method, ...] = ("akima", "parabola")
    for method in methods:
        fit = fit_isoflop(runs, noise=ConstantNoise(LOG_STD), method=method)
        low, high = fit.n_params.interval_at(TARGET)
        bias = fit.n_params.exponent - surface.optimal_exponent
        ratio = fit.n_params.at(TARGET) / truth
        cells.append(f"{bias:+.4f}  {ratio:.2f} [{low / truth:.2f}, {high / truth:.2f}]")
    return f"{name:26} {cells[0]:29} {cells[1]}"


def main() -> None:
    """Print both fits of each planted case: error of the exponent, and N at 1e24 FLOPs over the truth."""
    span = f"{BUDGETS[0]:.0e} to {BUDGETS[-1]:.1e} FLOPs"
    print(f"planted IsoFLOP curves at {span}, noise {LOG_STD:g} of the loss, 9 sizes a factor 2 apart")
    print(f"{'surface, grid':26} {'Akima: error of a, N ratio':29} parabola: error of a, N ratio")
    for surface_name, surface in (("symmetric", SYMMETRIC), ("skewed", SKEWED)):
        for grid, offset, drift in GRIDS:
            print(row(f"{surface_name}, {grid}", surface, offset, drift))


if __name__ == "__main__":
    main()

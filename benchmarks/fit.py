"""Time the fits beside other implementations, in one process.

    python -m benchmarks.fit [--reference FOLDER] [--grid 5]

IsoFLOP: all 15 published configurations with 1000 draws each, beside a loop over draws in Python, as in the authors'
analysis; and the distance of the results from the published ones. Parametric: 240 points and 1000 draws, beside one fit
without intervals by the `chinchilla` package, when it is installed. Without the reference folder the runs are planted,
and nothing is compared with published results.
"""

from __future__ import annotations

import argparse
import csv
import importlib
import importlib.util
import logging
import os
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from scipy.interpolate import Akima1DInterpolator
from tests.planted_surfaces import SKEWED, SYMMETRIC, planted_runs

from budgetscope.fitting.isoflop import fit_isoflop
from budgetscope.fitting.joint_part import joint_part
from budgetscope.fitting.noise import porian_noise
from budgetscope.fitting.parametric import fit_parametric
from budgetscope.fitting.run_table import RunTable, budgets

if TYPE_CHECKING:
    from collections.abc import Callable

    from budgetscope.fitting.isoflop import IsoFlopFit

DRAWS = 1000
GRID_PER_INTERVAL = 25
CHINCHILLA_FLOPS = 5.88e23
T = TypeVar("T")
KEYS = ("dataset", "hparams", "warmup", "decay", "counting", "split")


def configurations(reference: Path | None) -> list[tuple[tuple[str, ...], RunTable]]:
    """Return the 15 published configurations by their keys, dataset first; without a folder, planted ones."""
    if reference is None:
        c = 1.25e16 * 2.0 ** np.arange(12, dtype=np.float64)
        rng = np.random.default_rng(0)
        truths = [SYMMETRIC, SKEWED, SYMMETRIC] * 5
        return [(("refinedweb",), planted_runs(s, budgets=c, log_std=5e-4, rng=rng)) for s in truths]
    groups: dict[tuple[str, ...], list[list[float]]] = {}
    with (reference / "porian2024" / "isoflop.csv").open() as lines:
        for row in csv.DictReader(lines):
            values = [float(row[name]) for name in ("flops", "params", "tokens", "loss")]
            groups.setdefault(tuple(row[key] for key in KEYS), []).append(values)
    return [(key, RunTable(*np.array(values).T)) for key, values in groups.items()]


def print_distances(reference: Path, fits: dict[tuple[str, ...], IsoFlopFit]) -> None:
    """Print the largest distance of the fits from the published ones, for each dataset."""
    worst: dict[str, np.ndarray] = {}
    with (reference / "porian2024" / "published_fits.csv").open() as lines:
        for row in csv.DictReader(lines):
            law = fits[tuple(row[key] for key in KEYS)].n_params
            low, high = law.exponent_interval()
            ends = max(abs(low - float(row["a_lo"])), abs(high - float(row["a_hi"])))
            ratio = law.at(CHINCHILLA_FLOPS) / float(row["N_chin"])
            here = np.array([abs(law.exponent - float(row["a"])), ends, abs(ratio - 1)])
            worst[row["dataset"]] = np.maximum(worst.get(row["dataset"], 0.0), here)
    for dataset, (exponent, ends, ratio) in worst.items():
        print(f"  {dataset:13} from the published: exponent {exponent:.4f}, interval ends {ends:.4f}, N {ratio:.1%}")


def surface_points(reference: Path | None) -> RunTable:
    """Return the 240 points of Hoffmann's figure 4 that Besiroglu et al. fit; without a folder, planted ones."""
    if reference is None:
        c = 6e18 * 1.3 ** np.arange(24, dtype=np.float64)
        table = planted_runs(SYMMETRIC, budgets=c, half=5, log_std=7.5e-3, rng=np.random.default_rng(0))
        return table.rows(np.arange(240))
    with (reference / "hoffmann2022" / "figure4_points.csv").open() as lines:
        rows = [[float(row[name]) for name in ("params", "flops", "loss")] for row in csv.DictReader(lines)]
    n, c, loss = np.array(sorted(rows, key=lambda row: row[2])[:-5]).T
    return RunTable(c, n, c / 6 / n, loss)


def loop_over_draws(dataset: str, table: RunTable) -> np.ndarray:
    """Return exponents of N*(C) as the authors do, without their data frames: one interpolator per draw and budget."""
    rng = np.random.default_rng(0)
    optima: list[tuple[float, float, list[float]]] = []
    for group in budgets(table):
        x = np.log(group.n_params)
        grid = np.linspace(x[0], x[-1], (x.size - 1) * GRID_PER_INTERVAL)
        std = porian_noise(dataset).std(group.loss)
        found = []
        for _ in range(DRAWS):
            noisy = group.loss + std * rng.standard_normal(x.size)
            best = int(np.argmin(np.exp(Akima1DInterpolator(x, np.log(noisy))(grid))))
            if 0 < best < grid.size - 1:
                found.append(float(grid[best]))
        if len(found) >= DRAWS // 2:
            spacing = 0.33 * GRID_PER_INTERVAL * (grid[1] - grid[0])
            optima.append((np.log(group.flops), max(float(np.std(found)), spacing), found))
    log_c = [c for c, _, _ in optima]
    weights = [1 / std for _, std, _ in optima]
    shared = min(len(found) for _, _, found in optima)
    return np.array(
        [np.polyfit(log_c, [found[draw] for _, _, found in optima], 1, w=weights)[0] for draw in range(shared)]
    )


def chinchilla_fit(table: RunTable, grid: int) -> Callable[[], dict[str, float]]:
    """Return a fit by the `chinchilla` package (0.2.0), from a grid of starts as in its documentation."""
    fitter_class = importlib.import_module("chinchilla").Chinchilla
    log_huber = importlib.import_module("chinchilla._metrics").log_huber
    starts = {
        "e": np.log(np.linspace(1, 2, grid)),
        "a": np.linspace(1, 10, grid),
        "b": np.linspace(1, 10, grid),
        "alpha": np.linspace(0.1, 0.7, grid),
        "beta": np.linspace(0.1, 0.7, grid),
    }

    def huber(y_true: np.ndarray, y_pred: np.ndarray) -> Any:
        return log_huber(y_true, y_pred, delta=1e-3)

    def run() -> dict[str, float]:
        with tempfile.TemporaryDirectory() as folder:
            fitter = fitter_class(folder, param_grid=starts, loss_fn=huber, log_level=logging.CRITICAL)
            for c, n, d, loss in zip(table.flops, table.n_params, table.tokens, table.loss, strict=True):
                fitter.append(C=c, N=n, D=d, loss=loss)
            fitter.fit(parallel=False)
            return {name: float(value) for name, value in fitter.params.items()}

    return run


def timed(work: Callable[[], T]) -> tuple[float, T]:
    """Seconds that the work took, and its result."""
    start = time.perf_counter()
    result = work()
    return time.perf_counter() - start, result


def main() -> None:
    """Print the two comparisons."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--reference", type=Path, default=os.environ.get("BUDGETSCOPE_REFERENCE"))
    parser.add_argument("--grid", type=int, default=5, help="starts a parameter for the chinchilla package")
    options = parser.parse_args()
    reference = Path(options.reference) if options.reference else None

    tables = configurations(reference)
    print(f"IsoFLOP, {len(tables)} configurations x {DRAWS} draws ({'published' if reference else 'planted'} runs)")
    ours, fits = timed(lambda: [fit_isoflop(t, noise=porian_noise(key[0]), draws=DRAWS) for key, t in tables])
    loop, exponents = timed(lambda: [loop_over_draws(key[0], t) for key, t in tables])
    apart = max(
        abs(float(np.median(e)) - float(np.median(f.n_params.draws[:, 1])))
        for e, f in zip(exponents, fits, strict=True)
    )
    print(f"  budgetscope, all laws and intervals   {ours:8.2f} s")
    print(f"  loop over draws, exponent of N* only  {loop:8.2f} s   {loop / ours:6.0f} x")
    print(f"  largest difference of a median exponent {apart:.4f}")
    joint, _ = timed(lambda: [joint_part(t, draws=DRAWS) for _, t in tables])
    print(f"  joint fit, all laws, held-out check   {joint:8.2f} s")
    if reference:
        print_distances(reference, dict(zip((key for key, _ in tables), fits, strict=True)))

    points = surface_points(reference)
    print(f"Parametric, {len(points)} points")
    ours, fit = timed(lambda: fit_parametric(points, draws=DRAWS))
    print(f"  budgetscope, fit and {DRAWS} draws      {ours:8.2f} s")
    print(f"    alpha {fit.surface.alpha:.4f}  beta {fit.surface.beta:.4f}  E {fit.surface.E:.4f}")
    errors = fit.standard_errors()
    print(f"    std errors: alpha {errors['alpha']:.4f}  beta {errors['beta']:.4f}  E {errors['E']:.4f}")
    if importlib.util.find_spec("chinchilla") is None:
        print("  chinchilla (PyPI)                     not installed")
        return
    theirs, found = timed(chinchilla_fit(points, options.grid))
    print(f"  chinchilla, one fit, {options.grid}^5 starts      {theirs:8.2f} s   {theirs / ours:6.0f} x")
    print(f"    alpha {found['alpha']:.4f}  beta {found['beta']:.4f}  E {found['E']:.4f}")


if __name__ == "__main__":
    main()

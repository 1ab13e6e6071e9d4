"""The data sets of the coverage benchmark: Porian's fifteen configurations, four calibrations, planted surfaces."""

from __future__ import annotations

import csv
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from tools.own_fit import run_folders

from budgetscope.calibrate.fit import isoflop_table
from budgetscope.fitting.loss_forecast import MASSIVETEXT_BYTES_PER_TOKEN
from budgetscope.fitting.noise import porian_noise
from budgetscope.fitting.run_table import RunTable

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from budgetscope.calibrate.plan.cells import Cell
    from budgetscope.fitting.noise import Noise
    from budgetscope.fitting.run_table import FloatArray

_KEYS = ("dataset", "hparams", "warmup", "decay", "counting", "split")


@dataclass(frozen=True)
class DataSet:
    """Runs, with what is known of them.

    Attributes:
        name: shown.
        group: data sets that are counted together.
        table: the runs.
        noise: published noise, None where it is estimated.
        bytes_per_token: of the tokenizer, None where there is none.
        truth: ln N* and ln L* at a budget for planted runs; None for measured ones.
    """

    name: str
    group: str
    table: RunTable
    noise: Noise | None = None
    bytes_per_token: float | None = None
    truth: Callable[[float], tuple[float, float]] | None = None


def porian(reference: Path) -> list[DataSet]:
    """The fifteen published configurations."""
    groups: dict[tuple[str, ...], list[list[float]]] = {}
    with (reference / "porian2024" / "isoflop.csv").open(newline="") as lines:
        for row in csv.DictReader(lines):
            values = [float(row[name]) for name in ("flops", "params", "tokens", "loss")]
            groups.setdefault(tuple(row[key] for key in _KEYS), []).append(values)
    return [
        DataSet(
            "/".join((key[0][:3], *key[1:5])),
            "Porian tuned" if key[1] == "tuned" else "Porian untuned",
            RunTable(*np.array(values).T),
            porian_noise(key[0]),
            MASSIVETEXT_BYTES_PER_TOKEN,
        )
        for key, values in groups.items()
    ]


def hoffmann(reference: Path) -> DataSet:
    """The points read off figure 4 of Hoffmann et al. 2022 that lie at their nine budgets, near-duplicates averaged."""
    with (reference / "hoffmann2022" / "figure4_points.csv").open(newline="") as lines:
        n, c, loss = np.array([[float(row[k]) for k in ("params", "flops", "loss")] for row in csv.DictReader(lines)]).T
    nominal = np.array([6e18, 1e19, 3e19, 6e19, 1e20, 3e20, 6e20, 1e21, 3e21])
    nearest = nominal[np.abs(np.log(c[:, None] / nominal)).argmin(axis=1)]
    at = np.abs(np.log(c / nearest)) < 0.15
    cells: dict[tuple[float, int], list[tuple[float, float]]] = {}
    for budget, x, y in zip(nearest[at], np.log(n[at]), np.log(loss[at]), strict=True):
        cells.setdefault((float(budget), round(float(x) / 0.03)), []).append((float(x), float(y)))
    flops = np.array([budget for budget, _ in cells])
    sizes, losses = np.exp([np.mean(values, axis=0) for values in cells.values()]).T
    return DataSet("Hoffmann, figure 4", "Hoffmann fig. 4", RunTable(flops, sizes, flops / 6 / sizes, losses))


def calibrations(reference: Path, max_head: float = 1.0) -> dict[str, DataSet]:
    """The four calibrations of 2026-11-29 by their letter; c took five minutes, d counts bytes.

    Args:
        reference: folder of the published points.
        max_head: sizes whose output head is a larger share of N are left out.
    """
    found = {}
    for letter, (spec, state) in run_folders(reference, "abcd").items():
        cells = {key: s for key, s in state.cells.items() if _head(s.cell) <= max_head}
        table = isoflop_table(replace(state, cells=cells))
        if table is None:
            raise ValueError(letter)
        found[letter] = DataSet(f"calibration {letter}", "calibrations", table, None, spec.corpus.bytes_per_token)
    return found


def _head(cell: Cell) -> float:
    """Return the share of the output head in N."""
    return cell.shape.vocab_size * cell.shape.width / cell.n_params


@dataclass(frozen=True)
class Truth:
    """A surface whose optimum is no power law: exponents drift with compute, or a head is counted in N.

    Attributes:
        surface: E, A, alpha, B, beta.
        drift: change of ln of the first term with ln N squared, about N = 1e8: alpha drifts by twice that an e-fold.
        head: parameters of an output head for width w counted in N but doing no work: head * w, w = (N / 100)^(1/3).
    """

    surface: tuple[float, float, float, float, float]
    drift: float = 0.0
    head: float = 0.0

    def loss(self, n: FloatArray, d: FloatArray) -> FloatArray:
        """Loss of n counted parameters after d tokens."""
        e, a, alpha, b, beta = self.surface
        x = np.log(self._body(n))
        excess: FloatArray = np.exp(np.log(a) - alpha * x - self.drift * (x - np.log(1e8)) ** 2) + b * d**-beta
        return e + excess

    def _body(self, n: FloatArray) -> FloatArray:
        """Parameters that work: n = body + head * width, by Newton's method on the width."""
        if self.head == 0:
            return n
        width = np.minimum((n / 100) ** (1 / 3), n / self.head)
        for _ in range(60):
            width -= (100 * width**3 + self.head * width - n) / (300 * width**2 + self.head)
        return 100 * width**3

    def optimum(self, flops: float) -> tuple[float, float]:
        """Optimum as ln N* and ln L*, by a fine grid and a parabola through its lowest three points."""
        x = np.linspace(np.log(flops) * 0.5 - 8, np.log(flops) * 0.5 + 3, 4001)
        y = self.loss(np.exp(x), flops / 6 / np.exp(x))
        i = int(np.clip(y.argmin(), 1, x.size - 2))
        bend = y[i - 1] - 2 * y[i] + y[i + 1]
        shift = 0.5 * (y[i - 1] - y[i + 1]) / bend
        return float(x[i] + shift * (x[1] - x[0])), float(np.log(y[i] - bend * shift**2 / 2))


TRUTHS = {
    "straight": Truth((1.817, 477.84, 0.3473, 2143.86, 0.3672)),
    "skewed": Truth((1.8, 120.0, 0.28, 6000.0, 0.45)),
    "drifting up": Truth((1.8, 477.84, 0.3473, 2143.86, 0.3672), drift=0.02),
    "drifting down": Truth((1.8, 477.84, 0.3473, 2143.86, 0.3672), drift=-0.02),
    "head": Truth((1.8, 120.0, 0.28, 2143.86, 0.3672), head=50432.0),
    "small head": Truth((1.8, 120.0, 0.28, 2143.86, 0.3672), head=4096.0),
}


def planted(name: str, seed: int, *, noise: float = 0.001, budgets: int = 8, low: float = 1e16) -> DataSet:
    """Seven sizes a factor 1.6 apart at each of some budgets a factor two apart, off the optimum by chance.

    Args:
        name: A key of `TRUTHS`.
        seed: of the noise and of where the grid lies.
        noise: standard deviation of log loss.
        budgets: how many.
        low: the smallest.
    """
    truth = TRUTHS[name]
    rng = np.random.default_rng(seed)
    offset = rng.uniform(-0.3, 0.3)
    rows = []
    for c in low * 2.0 ** np.arange(budgets):
        centre = truth.optimum(float(c))[0] + offset
        steps = np.round(centre / np.log(1.6)) + np.arange(-3, 4)
        n = 1.6**steps
        d = c / 6 / n
        rows.append(np.stack([np.full(n.size, c), n, d, truth.loss(n, d)], axis=1))
    flops, n, d, loss = np.concatenate(rows).T
    loss = loss * np.exp(noise * rng.standard_normal(loss.size))
    group = "planted straight" if name in ("straight", "skewed") else "planted drift, head"
    return DataSet(
        f"planted {name} {seed}", group, RunTable(flops, n, d, loss), None, MASSIVETEXT_BYTES_PER_TOKEN, truth.optimum
    )

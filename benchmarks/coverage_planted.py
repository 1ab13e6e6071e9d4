"""Planted calibrations: the cells of a real one, with losses whose optimum is known up to any budget."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from budgetscope.calibrate.plan.cells import n_params
from budgetscope.calibrate.plan.ladder import ladder
from budgetscope.fitting.run_table import RunTable
from budgetscope.fitting.weighing import PRIOR_MEAN, PRIOR_STD

if TYPE_CHECKING:
    from benchmarks.coverage_data import DataSet

    from budgetscope.fitting.run_table import FloatArray

VOCAB, SEQ_LEN = 4096, 512
"""Of the calibrations a, b and c."""
_E = 1.8
_FAR, _N_FAR, _N_FAR_STD = 1e22, 1e10, 0.25
"""N* at 1e22 FLOPs scatters so about 10 B."""
_MIN_WIDTH = 96
"""Width from which bodies of the ladder grow as a power of it."""


@dataclass(frozen=True)
class HeadTruth:
    """L = E + A / (body + works * head)^alpha + B / D^beta; N counts the whole head.

    Where the head is small, N* grows with the exponent beta / (alpha + beta).
    """

    a: float
    alpha: float
    b: float
    beta: float
    works: float

    def loss(self, body: FloatArray, head: FloatArray, tokens: FloatArray) -> FloatArray:
        """Losses of models."""
        losses: FloatArray = _E + self.a * (body + self.works * head) ** -self.alpha + self.b * tokens**-self.beta
        return losses

    def log_optimum(self, flops: float) -> float:
        """Return ln N* at a budget, over the widths of a ladder without steps."""
        width = np.exp(np.linspace(np.log(16), np.log(60_000), 8001))
        slope, level = _bodies()
        body, head = np.exp(level + slope * np.log(width)), VOCAB * width
        n = body + head
        return float(np.log(n[self.loss(body, head, flops / 6 / n).argmin()]))


@lru_cache(maxsize=1)
def _bodies() -> tuple[float, float]:
    """Return the power of the width with which bodies grow, and ln body at width 1."""
    shapes = [s for s in ladder(VOCAB, SEQ_LEN) if s.width >= _MIN_WIDTH]
    body = [n_params(s) - VOCAB * s.width for s in shapes]
    slope, level = np.polyfit(np.log([s.width for s in shapes]), np.log(body), 1)
    return float(slope), float(level)


def planted_calibration(like: DataSet, seed: int, noise: float) -> tuple[RunTable, HeadTruth]:
    """Return the cells of a calibration with planted losses, and their truth.

    Far up its exponent is one more of the published ones, and N* at 1e22 FLOPs scatters; the head works as any share of
    its parameters; the loss at the largest budget is the measured one.

    Args:
        like: one of the calibrations a, b and c.
        seed: of the truth and of the noise.
        noise: standard deviation of log loss, half of it common to a run.
    """
    rng, table = np.random.default_rng(seed), like.table
    exponent, total = rng.normal(PRIOR_MEAN, PRIOR_STD), rng.uniform(0.6, 0.8)
    alpha, beta, works = total * (1 - exponent), total * exponent, rng.uniform(0, 1)
    level = np.log(_N_FAR) + _N_FAR_STD * rng.standard_normal() - exponent * np.log(_FAR / 6)
    ratio = np.exp(total * level) * beta / alpha
    top = float(table.flops.max())
    n = np.exp(level) * (top / 6) ** exponent
    scale = (float(table.loss.min()) - _E) / (ratio * n**-alpha + (top / 6 / n) ** -beta)
    truth = HeadTruth(ratio * scale, alpha, scale, beta, works)
    heads = {n_params(s): VOCAB * s.width for s in ladder(VOCAB, SEQ_LEN)}
    head = np.array([heads[round(size)] for size in table.n_params.tolist()], dtype=float)
    loss = truth.loss(table.n_params - head, head, table.tokens)
    seeds = np.zeros(loss.size, dtype=np.int64) if table.seeds is None else table.seeds
    _, run = np.unique(np.stack([table.n_params, seeds.astype(float)]), axis=1, return_inverse=True)
    common = rng.standard_normal(int(run.max()) + 1)[run.reshape(-1)]
    loss *= np.exp(noise * np.sqrt(0.5) * (common + rng.standard_normal(loss.size)))
    return RunTable(table.flops, table.n_params, table.tokens, loss, table.seeds), truth

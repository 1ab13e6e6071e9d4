"""Sweeps that tests plant: the best learning rate, batch and beta2 are known."""

import math
from collections.abc import Callable, Sequence

import numpy as np

from budgetscope.fitting.sweep import SweepTable

LEARNING_RATES = 5e-4 * 2.0 ** np.arange(7, dtype=np.float64)
BATCHES = 2048 * 2.0 ** np.arange(6, dtype=np.float64)
CELLS = ((1e6, 2e7), (2e6, 4e7), (4e6, 8e7), (8e6, 1.6e8))
# Curvatures of log loss: a factor of two off costs 9.6 permille in the learning rate and 4.8 in the batch.
LR_CURVATURE, BATCH_CURVATURE = 0.02, 0.01
BETA2_PENALTY = 0.02
BETA2_THRESHOLD = 20_000.0


def best_lr(n_params: float, tokens: float) -> float:
    """lr*(N): 0.0044 at 2M parameters."""
    del tokens
    return 0.35 * math.pow(n_params, -0.3)


def best_batch(n_params: float, tokens: float) -> float:
    """batch*(N) in tokens: 5 200 at 2M parameters."""
    del tokens
    return 0.2 * math.pow(n_params, 0.7)


def lr_excess(x: float, lean: float) -> float:
    """Excess log loss of a learning rate e^x times the best one of its batch: leaning, too high costs more."""
    if lean < 1e-3:
        return LR_CURVATURE * x * x
    return float(LR_CURVATURE * 2 / lean**2 * (np.expm1(lean * x) - lean * x))


def planted_sweep(
    *,
    cells: Sequence[tuple[float, float]] = CELLS,
    lr_law: Callable[[float, float], float] = best_lr,
    batch_law: Callable[[float, float], float] = best_batch,
    learning_rates: Sequence[float] = tuple(LEARNING_RATES),
    batches: Sequence[float] = tuple(BATCHES),
    beta2s: Sequence[float] = (0.95, 0.99),
    lean: float = 0.0,
    tilt: float = 0.4,
    diverge_above: float = np.inf,
    seeds: int = 1,
    log_std: float = 0.0,
    rng: np.random.Generator | None = None,
) -> SweepTable:
    """A full grid in each cell.

    Args:
        cells: (N, D) of each cell.
        lr_law: Best learning rate at the best batch.
        batch_law: Best batch in tokens.
        learning_rates: Tried at every batch.
        batches: Tried in every cell.
        beta2s: Tried at every learning rate and batch; 0.99 is best below `BETA2_THRESHOLD`, any other above.
        lean: Skew of the loss over the learning rate.
        tilt: The best learning rate of a batch grows with its power.
        diverge_above: A run diverges at so many times the best learning rate of its batch.
        seeds: Runs of each setting.
        log_std: Noise of log loss; it needs `rng`.
        rng: Of the noise.
    """
    rows = []
    for n, d in cells:
        floor = np.log(1.7 + 200 * n**-0.34 + 800 * d**-0.32)
        for lr in learning_rates:
            for batch in batches:
                y = float(np.log(batch / batch_law(n, d)))
                x = float(np.log(lr / lr_law(n, d))) - tilt * y
                for beta2 in beta2s:
                    wrong = len(beta2s) > 1 and (beta2 == 0.99) != (batch < BETA2_THRESHOLD)
                    log_loss = floor + lr_excess(x, lean) + BATCH_CURVATURE * y * y + BETA2_PENALTY * wrong
                    loss = np.inf if x > np.log(diverge_above) else np.exp(log_loss)
                    rows += [(n, d, lr, batch, loss, beta2, seed) for seed in range(seeds)]
    n, d, lr, batch, loss, beta2, seed = np.array(rows).T
    if rng is not None:
        loss = loss * np.exp(log_std * rng.standard_normal(loss.size))
    return SweepTable(n, d, lr, batch, loss, beta2, seed.astype(np.int64))

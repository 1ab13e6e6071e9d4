"""Fits learning rate and batch as power laws of scale to sweeps, as Porian et al. 2024 (arXiv 2406.19146).

In each cell of one (N, D) the loss is minimised over learning rate and batch; the minima give power laws in N
(Porian et al.: all cells at one D/N), or in N and D (Step Law, Li et al. 2025, arXiv 2503.04715).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from budgetscope.core.errors import UsageError
from budgetscope.core.progress import tell
from budgetscope.fitting.beta2 import Beta2Row, Beta2Step, beta2_step, beta2_table
from budgetscope.fitting.bootstrap import LEVEL, Intervals, extra_variance, interval
from budgetscope.fitting.cell_optimum import CellOptimum, DroppedCell, Method, cell_optimum, sweep_noise
from budgetscope.fitting.refusals import SCATTER_FLAG, Flag
from budgetscope.fitting.sweep import diverged_sentence, sweep_cells
from budgetscope.fitting.sweep_optimum import MIN_BATCHES, MIN_LEARNING_RATES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from budgetscope.fitting.kinds import Variables
    from budgetscope.fitting.noise import Noise
    from budgetscope.fitting.run_table import FloatArray
    from budgetscope.fitting.sweep import SweepCell, SweepTable


MIN_CELLS: dict[Variables, int] = {"N": 2, "ND": 3}
# Cells within this factor have one D/N, along which a law in N alone holds.
_RATIO_SPREAD = 1.5
# Cells this close to one line in (log N, log D), as a root mean square distance, cannot tell N from D.
_MIN_OFF_LINE = 0.1
_FEW_INTERIOR = 0.9
_NARROW = 4.0
_SCATTER_DOF = 3
_IN_SHORT = {
    "few-settings": "with too few settings",
    "noisy": "too noisy",
    "no-minimum": "without a minimum",
    "lr-low": "best at the lowest learning rate",
    "lr-high": "best at the highest learning rate",
    "batch-low": "best at the smallest batch",
    "batch-high": "best at the largest batch",
}


@dataclass(frozen=True)
class FittedMonomial:
    """y = coefficient · N^a · D^b, with bootstrap draws.

    Attributes:
        coefficient: y at N = D = 1.
        n_params_exponent: a.
        tokens_exponent: b; 0 for a law in N alone.
        draws: bootstrap draws of (ln coefficient, a, b), shape (draws, 3).
        scatter_ratio: scatter of log y about the law over what the noise explains; NaN without degrees of freedom.
    """

    coefficient: float
    n_params_exponent: float
    tokens_exponent: float
    draws: FloatArray
    scatter_ratio: float

    def at(self, n_params: float, tokens: float) -> float:
        """Return the law's value."""
        row = np.array([np.log(self.coefficient), self.n_params_exponent, self.tokens_exponent])
        return float(np.exp(row @ np.array([1.0, np.log(n_params), np.log(tokens)])))

    def interval_at(self, n_params: float, tokens: float, level: float = LEVEL) -> tuple[float, float]:
        """Return the percentile interval of the law's value."""
        low, high = interval(self.draws @ np.array([1.0, np.log(n_params), np.log(tokens)]), level)
        return float(np.exp(low)), float(np.exp(high))

    def through(self, n_params: float, n_params_exponent: float) -> FittedMonomial:
        """Return the law in N with another exponent and, draw by draw, the same value at one size."""
        middle = np.log(n_params)
        at_middle = self.draws[:, 0] + self.draws[:, 1] * middle
        draws = np.column_stack(
            (at_middle - n_params_exponent * middle, np.full_like(at_middle, n_params_exponent), self.draws[:, 2])
        )
        coefficient = float(self.coefficient * n_params ** (self.n_params_exponent - n_params_exponent))
        return replace(self, coefficient=coefficient, n_params_exponent=n_params_exponent, draws=draws)

    def coefficient_interval(self, level: float = LEVEL) -> tuple[float, float]:
        """Return the percentile interval of the coefficient."""
        low, high = interval(self.draws[:, 0], level)
        return float(np.exp(low)), float(np.exp(high))

    def n_params_exponent_interval(self, level: float = LEVEL) -> tuple[float, float]:
        """Return the percentile interval of the exponent of N."""
        return interval(self.draws[:, 1], level)

    def tokens_exponent_interval(self, level: float = LEVEL) -> tuple[float, float]:
        """Return the percentile interval of the exponent of D."""
        return interval(self.draws[:, 2], level)


@dataclass(frozen=True)
class HyperparameterFit:
    """Laws of learning rate and batch, with the cells that they were fitted to.

    Attributes:
        learning_rate: lr*(N) or lr*(N, D).
        batch_tokens: batch*, in tokens.
        optima: the cells that were used, ascending in N and D.
        dropped: the cells that were not, and why.
        beta2: the best beta2 of each batch and what the others cost; empty when it was not varied.
        beta2_step: the threshold that the table supports, or None, with a flag where beta2 was varied.
        flags: doubts about the fit.
        method: "akima" or "quadratic".
        variables: "N" or "ND".
        noise: the noise that was assumed, in words.
        draws: bootstrap draws.
        seed: of the random generator.
    """

    learning_rate: FittedMonomial
    batch_tokens: FittedMonomial
    optima: tuple[CellOptimum, ...]
    dropped: tuple[DroppedCell, ...]
    beta2: tuple[Beta2Row, ...]
    beta2_step: Beta2Step | None
    flags: tuple[Flag, ...]
    method: Method
    variables: Variables
    noise: str
    draws: int
    seed: int


def fit_hyperparameters(
    table: SweepTable,
    *,
    variables: Variables | None = "N",
    method: Method = "akima",
    noise: Noise | None = None,
    intervals: Intervals = "scatter",
    keep_edges: bool = False,
    draws: int = 1000,
    seed: int = 0,
) -> HyperparameterFit:
    """Fit lr*, batch* and the best beta2 to a sweep.

    Args:
        table: the runs; those that diverged are left out with their settings.
        variables: "N" for laws in N alone, "ND" for laws in N and D; None takes N and D where the cells tell them
            apart.
        method: "akima" interpolates twice (Porian et al.); "quadratic" smooths the surface near the minimum,
            which noisy small-scale runs need. Both take the best beta2 at each learning rate and batch.
        noise: of a single run; None takes it from repeated seeds, else from the scatter about smooth surfaces, with
            a flag.
        intervals: "noise" makes them from the noise alone, as published; "scatter" adds the scatter of the optima about
            the laws that the noise does not explain.
        keep_edges: fit through optima at the edge of their grid too, which are only bounds.
        draws: noisy copies of each cell.
        seed: of the random generator; the same seed gives the same fit to the last digit.

    Raises:
        UsageError: the sweep tries too few learning rates or batches, too few cells have an optimum inside their grid,
            the cells cannot determine the laws, or no noise is given and none can be estimated.
    """
    cells = sweep_cells(table)
    _refuse_narrow_sweep(table)
    stds, noise_words, noise_flags = sweep_noise(cells, noise)
    rng = np.random.default_rng(seed)
    optima, dropped = _optima(cells, stds, method, keep_edges, draws, rng)
    variables = variables or _variables(optima)
    _refuse_cells(optima, dropped, variables)
    lr_law, batch_law = _laws(optima, variables, rng if intervals == "scatter" else None)
    rows = beta2_table(cells, stds)
    step, step_flags = beta2_step(rows)
    return HyperparameterFit(
        learning_rate=lr_law,
        batch_tokens=batch_law,
        optima=tuple(optima),
        dropped=tuple(dropped),
        beta2=rows,
        beta2_step=step,
        flags=(
            *noise_flags,
            *((Flag("diverged", lost),) if (lost := diverged_sentence(cells)) else ()),
            *_cell_flags(optima, dropped, variables),
            *_scatter_flags(lr_law, batch_law, len(optima) - MIN_CELLS[variables], intervals),
            *step_flags,
        ),
        method=method,
        variables=variables,
        noise=noise_words,
        draws=draws,
        seed=seed,
    )


def _optima(
    cells: Sequence[SweepCell],
    stds: Sequence[FloatArray],
    method: Method,
    keep_edges: bool,
    draws: int,
    rng: np.random.Generator,
) -> tuple[list[CellOptimum], list[DroppedCell]]:
    """Return the cells that the laws use, and those that they leave out."""
    optima: list[CellOptimum] = []
    dropped: list[DroppedCell] = []
    for number, (cell, log_std) in enumerate(zip(cells, stds, strict=True)):
        tell("minimising cells", number, len(cells))
        found = cell_optimum(cell, log_std, method, draws, rng)
        if isinstance(found, DroppedCell):
            dropped.append(found)
        elif found.edges and not keep_edges:
            first = found.edges[0]
            dropped.append(DroppedCell(cell.n_params, cell.tokens, first.code, first.sentence, found))
        else:
            optima.append(found)
    return optima, dropped


def _variables(optima: Sequence[CellOptimum]) -> Variables:
    """Return the variables of the laws that these cells can carry: N and D where they tell them apart, else N."""
    ratio = np.array([o.tokens / o.n_params for o in optima])
    if len(optima) < MIN_CELLS["ND"] or ratio.max() <= _RATIO_SPREAD * ratio.min():
        return "N"
    return "ND" if _off_line(optima) >= _MIN_OFF_LINE else "N"


def _off_line(optima: Sequence[CellOptimum]) -> float:
    """Return the root mean square distance of the cells from one line in (log N, log D)."""
    logs = np.log([[o.n_params, o.tokens] for o in optima])
    return float(np.linalg.svd(logs - logs.mean(axis=0), compute_uv=False)[-1] / np.sqrt(len(optima)))


def _laws(
    optima: Sequence[CellOptimum], variables: Variables, rng: np.random.Generator | None
) -> tuple[FittedMonomial, FittedMonomial]:
    """Fit both laws by weighted least squares in logs, once for the optima and once for each draw.

    The draws get the scatter that the noise does not explain from `rng`; None leaves it out.
    """
    logs = np.log([[o.n_params, o.tokens] for o in optima])[:, : len(variables)]
    points = np.log([[o.learning_rate, o.batch_tokens] for o in optima])
    draws = np.stack([o.log_draws for o in optima], axis=1)
    stds = np.array([o.weight_log_std for o in optima])
    lr_law, batch_law = (_monomial(logs, points[:, k], draws[:, :, k], stds[:, k], rng) for k in range(2))
    return lr_law, batch_law


def _monomial(
    logs: FloatArray, y: FloatArray, y_draws: FloatArray, std: FloatArray, rng: np.random.Generator | None
) -> FittedMonomial:
    """Fit `y`, shape (cells,), and `y_draws`, shape (draws, cells), on `logs`, shape (cells, 1 or 2)."""
    centre = logs.mean(axis=0)
    basis = np.column_stack([np.ones_like(y), logs - centre])
    solve = np.linalg.pinv(basis / std[:, None]) / std

    def coefficients(values: FloatArray) -> FloatArray:
        solved = values @ solve.T
        full = np.zeros((*values.shape[:-1], 3))
        full[..., 1 : 1 + centre.size] = solved[..., 1:]
        full[..., 0] = solved[..., 0] - solved[..., 1:] @ centre
        return full

    ratio = float("nan")
    if y.size > basis.shape[1]:
        extra, ratio = extra_variance(basis, y, std**-2.0, y_draws.var(axis=0))
        if rng is not None:
            y_draws = y_draws + np.sqrt(extra) * rng.standard_normal(y_draws.shape)
    point = coefficients(y)
    return FittedMonomial(float(np.exp(point[0])), float(point[1]), float(point[2]), coefficients(y_draws), ratio)


def _refuse_narrow_sweep(table: SweepTable) -> None:
    """Refuse a sweep in which no cell can have an interior minimum."""
    for name, values, least in (
        ("learning rate", table.learning_rate, MIN_LEARNING_RATES),
        ("batch", table.batch_tokens, MIN_BATCHES),
    ):
        count = np.unique(np.round(np.log(values), 6)).size
        if count < least:
            raise UsageError(
                f"the sweep tries {count} value{'s' * (count != 1)} of the {name} and an optimum between them needs "
                f"{least}: add values on both sides of the best one."
            )


def _refuse_cells(optima: Sequence[CellOptimum], dropped: Sequence[DroppedCell], variables: Variables) -> None:
    """Refuse cells that are too few, or that do not determine the law's exponents."""
    least = MIN_CELLS[variables]
    if dropped and not optima and {drop.code for drop in dropped} <= {"lr-low", "lr-high", "batch-low", "batch-high"}:
        raise UsageError(f"every cell has its optimum at the edge of its grid; the first: {dropped[0].reason}")
    if len(optima) < least:
        counts = Counter(drop.code for drop in dropped)
        why = f" ({', '.join(f'{count} {_IN_SHORT[code]}' for code, count in counts.items())})" if counts else ""
        remedy = f"the first: {dropped[0].reason}" if dropped else "sweep more sizes."
        raise UsageError(
            f"only {len(optima)} of {len(optima) + len(dropped)} cells can be used and a law in "
            f"{' and '.join(variables)} needs {least}{why}; {remedy}"
        )
    n = np.array([o.n_params for o in optima])
    if variables == "ND":
        _refuse_line(optima)
        return
    if np.unique(n).size < 2:
        raise UsageError(f"all cells have N={n[0]:.4g} and a law in N needs two sizes: sweep another size.")


def _refuse_line(optima: Sequence[CellOptimum]) -> None:
    """Refuse cells on one line in (log N, log D)."""
    if _off_line(optima) < _MIN_OFF_LINE:
        raise UsageError(
            "the cells lie on one line in log N and log D, so a law cannot tell what N does from what D does: "
            "sweep some sizes at another D/N, or fit a law in N alone with --variables N."
        )


def _cell_flags(
    optima: Sequence[CellOptimum], dropped: Sequence[DroppedCell], variables: Variables
) -> tuple[Flag, ...]:
    """Flag cells that were dropped, lie at an edge, are loosely determined, too few or too close together."""
    flags = [*_dropped_flags(dropped)]
    flags.extend(Flag("cell-at-edge", edge.sentence) for o in optima for edge in o.edges)
    flags.extend(
        Flag(
            "few-interior-draws",
            f"At N={o.n_params:.3g}, D={o.tokens:.3g} only {o.interior_draws:.0%} of the noisy draws have their "
            "optimum inside the grid: its interval is cut short.",
        )
        for o in optima
        if not o.edges and o.interior_draws < _FEW_INTERIOR
    )
    if len(optima) == MIN_CELLS[variables]:
        flags.append(Flag("few-cells", f"Only {len(optima)} cells carry the laws: their straightness is untested."))
    sizes = [o.n_params for o in optima]
    ratios = [o.tokens / o.n_params for o in optima]
    if variables == "N" and max(ratios) > _RATIO_SPREAD * min(ratios):
        flags.append(
            Flag(
                "in-n-alone",
                f"The laws are in N alone, and the cells have from {min(ratios):.3g} to {max(ratios):.3g} tokens per "
                "parameter: what D does beside N, they do not say.",
            )
        )
    span = max(sizes) / min(sizes)
    if span < _NARROW:
        flags.append(Flag("narrow-range", f"The sizes span a factor of {span:.1f} only: exponents are weak."))
    return tuple(flags)


def _dropped_flags(dropped: Sequence[DroppedCell]) -> Iterator[Flag]:
    """Flag the cells that were dropped, those of one reason together."""
    for code in dict.fromkeys(drop.code for drop in dropped):
        alike = [drop for drop in dropped if drop.code == code]
        sentence = alike[0].reason
        if len(alike) > 1:
            names = ", ".join(f"{drop.n_params:.3g}/{drop.tokens:.3g}" for drop in alike)
            sentence = f"{len(alike)} cells are left out, {_IN_SHORT[code]}: N/D {names}. The first: {sentence}"
        yield Flag("cell-dropped", sentence)


def _scatter_flags(
    lr_law: FittedMonomial, batch_law: FittedMonomial, dof: int, intervals: Intervals
) -> tuple[Flag, ...]:
    """Flag optima that scatter about a law more than the noise explains."""
    ending = "its intervals include it." if intervals == "scatter" else "its intervals are too narrow."
    return tuple(
        Flag(
            "scatter-exceeds-noise",
            f"The best {name} scatters about its law {law.scatter_ratio:.1f} times as far as the noise explains: "
            f"{ending}",
        )
        for name, law in (("learning rate", lr_law), ("batch", batch_law))
        if dof >= _SCATTER_DOF and law.scatter_ratio > SCATTER_FLAG
    )

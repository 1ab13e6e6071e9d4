"""From stage 1 to stage 2: the measured grid, its extensions, its laws, and the cells of stage 2."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from budgetscope.calibrate.plan import porian_rule
from budgetscope.calibrate.plan.cells import Cell, n_params
from budgetscope.calibrate.plan.design import MIN_BATCH, Design, extended, readings
from budgetscope.calibrate.plan.ladder import (
    build_cell,
    rule_batch,
    rule_learning_rate,
    whole_batch,
)
from budgetscope.calibrate.plan.repetition import votes, without_vote
from budgetscope.calibrate.plan.slices import slice_name
from budgetscope.calibrate.plan.spec import CorpusFacts, Spec
from budgetscope.calibrate.run.state import CellState, RunState
from budgetscope.core.budget.quantities import english_count
from budgetscope.core.errors import UsageError
from budgetscope.core.laws.forms import BatchStep
from budgetscope.fitting.cell_optimum import CellOptimum, cell_optimum, sweep_noise
from budgetscope.fitting.hyperparameters import HyperparameterFit, fit_hyperparameters
from budgetscope.fitting.sweep import SweepTable, sweep_cells

_EDGE_DRAWS = 200
_SIGMAS = 2.0
_SIZES_TO_FORETELL = 2
MAX_FACTOR = 2.0
"""If the 95% interval of an exponent leaves the value at the largest size of stage 2 uncertain by more than this factor
either way, the exponent is held to that of Porian's rule. On the grids of the calibrations of 2026-11-29 a batch twice
the best one costs 2 to 20 permille of the loss, four times 12 to 57."""


@dataclass(frozen=True, slots=True)
class StageTwoHyperparameters:
    """The hyperparameters of stage 2, as functions of N.

    Attributes:
        learning_rate: (coefficient, exponent) of N.
        batch_tokens: (coefficient, exponent) of N.
        beta2: by batch.
        fit: of stage 1; None if it was refused.
        notes: one sentence for each value that is not fitted.
    """

    learning_rate: tuple[float, float]
    batch_tokens: tuple[float, float]
    beta2: BatchStep
    fit: HyperparameterFit | None
    notes: tuple[str, ...]


def measured_grid(state: RunState) -> SweepTable | None:
    """Return the finished cells of stage 1 as a sweep table; None if no cell has a loss."""
    used = [s for s in state.of_stage(1) if s.status in ("done", "diverged")]
    if not any(s.status == "done" for s in used):
        return None
    beta2s = [s.cell.beta2 for s in used]
    return SweepTable(
        n_params=np.array([s.cell.n_params for s in used], dtype=float),
        tokens=np.array([s.cell.tokens for s in used], dtype=float),
        learning_rate=np.array([s.cell.learning_rate for s in used]),
        batch_tokens=np.array([s.cell.batch_tokens for s in used], dtype=float),
        loss=np.array([s.final_loss or math.inf for s in used]),
        beta2=np.array(beta2s) if len(set(beta2s)) > 1 else None,
        seeds=np.array([s.cell.seed for s in used], dtype=np.int64),
    )


def voting(state: RunState, corpus: CorpusFacts) -> RunState:
    """Return the state without what does not vote: readings of stage 2, and cells of stage 1, that repeat the data."""
    cells = {
        key: replace(s, readings=tuple(r for r in s.readings if votes(r.tokens, corpus)))
        for key, s in state.cells.items()
        if s.stage != 1 or votes(s.cell.tokens, corpus)
    }
    return replace(state, cells=cells)


def extensions(state: RunState, design: Design) -> dict[str, tuple[Cell, ...]]:
    """Return the cells that extend the grids, by a sentence that says why.

    The grid of a size grows where its smoothed optimum lies at an edge, or its lowest cell if there is no smoothed
    optimum. It never grows towards learning rates that diverged.
    """
    grown: dict[str, tuple[Cell, ...]] = {}
    for states in _by_size(state):
        lr_edge, batch_edge = _edges(states)
        new = extended(design.preset, [s.cell for s in states], lr_edge, batch_edge)
        if new:
            axis = " and ".join(
                f"{'higher' if edge > 0 else 'lower'} {name}"
                for edge, name in ((lr_edge, "learning rates"), (batch_edge, "batches"))
                if edge
            )
            sentence = f"The best setting of N={states[0].cell.n_params:.3g} is at the edge of its grid: trying {axis}."
            grown[sentence] = new
    return grown


def _by_size(state: RunState) -> list[list[CellState]]:
    sizes: dict[int, list[CellState]] = {}
    for s in state.of_stage(1):
        sizes.setdefault(s.cell.n_params, []).append(s)
    return list(sizes.values())


def _edges(states: Sequence[CellState]) -> tuple[int, int]:
    """Return at which edge of learning rate and of batch the optimum of one size lies: -1, 0 or 1 each."""
    done = [s for s in states if s.final_loss is not None]
    if not done:
        return -1, 0
    diverged = [s.cell.learning_rate for s in states if s.status == "diverged"]
    best = min(done, key=lambda s: s.final_loss or math.inf)
    lr_edge = _end(best.cell.learning_rate, [s.cell.learning_rate for s in done])
    batch_edge = _end(best.cell.batch_sequences, [s.cell.batch_sequences for s in done])
    smoothed = _smoothed(states)
    if smoothed is not None:
        codes = {flag.code for flag in smoothed.edges}
        lr_edge = ("lr-high" in codes) - ("lr-low" in codes)
        batch_edge = ("batch-high" in codes) - ("batch-low" in codes)
    if lr_edge > 0 and diverged and max(diverged) >= max(s.cell.learning_rate for s in done):
        lr_edge = 0
    return lr_edge, batch_edge


def _end(value: float, axis: Sequence[float]) -> int:
    return (value >= max(axis)) - (value <= min(axis))


def _smoothed(states: Sequence[CellState]) -> CellOptimum | None:
    """Return the optimum of the smoothed loss surface of one size; None if there is none."""
    table = measured_grid(RunState(cells={s.cell.id: s for s in states}))
    if table is None:
        return None
    try:
        cells = sweep_cells(table)
        stds, _, _ = sweep_noise(cells, None)
    except UsageError:
        return None
    found = cell_optimum(cells[0], stds[0], "quadratic", _EDGE_DRAWS, np.random.default_rng(0))
    return found if isinstance(found, CellOptimum) else found.optimum


def fit_grid(state: RunState, *, keep_edges: bool = False) -> tuple[HyperparameterFit | None, str]:
    """Return the laws of stage 1, or None and the reason.

    Args:
        state: of the run.
        keep_edges: whether to use optima at the edge of a grid too; those are only bounds.
    """
    table = measured_grid(state)
    if table is None:
        return None, "no cell of stage 1 has finished"
    try:
        return fit_hyperparameters(table, method="quadratic", keep_edges=keep_edges), ""
    except UsageError as error:
        return None, str(error)


def stage_two_hyperparameters(state: RunState, design: Design) -> StageTwoHyperparameters:
    """Return the hyperparameters of stage 2: the fitted laws as far as they are certain, else Porian's rule."""
    fit, reason = fit_grid(state)
    taking = "the law and stage 2 take" if fit is not None else "stage 2 takes"
    if fit is None:
        # Bounds are good enough for training, but are not stored as laws.
        fit, _ = fit_grid(state, keep_edges=True)
    if fit is None:
        shift_lr, shift_batch = _shifts(state, design)
        return StageTwoHyperparameters(
            learning_rate=_through(*_rule_lr(design), shift_lr),
            batch_tokens=_through(*_rule_batch(design), shift_batch),
            beta2=_beta2(fit, design),
            fit=None,
            notes=(
                f"Stage 1 gives no law, so stage 2 takes the rule of Porian et al. through the best cells: {reason}",
            ),
        )
    fit, notes = as_far_as_sure(fit, design, taking)
    rate, batch = fit.learning_rate, fit.batch_tokens
    return StageTwoHyperparameters(
        learning_rate=(rate.coefficient, rate.n_params_exponent),
        batch_tokens=(batch.coefficient, batch.n_params_exponent),
        beta2=_beta2(fit, design),
        fit=fit,
        notes=notes,
    )


def as_far_as_sure(
    fit: HyperparameterFit, design: Design, taking: str = "the law takes"
) -> tuple[HyperparameterFit, tuple[str, ...]]:
    """Return the laws of stage 1, with the exponents of Porian et al. where they do not reach the sizes of stage 2.

    Args:
        fit: of stage 1.
        design: with the sizes of stage 2.
        taking: subject and verb of the sentences.

    Returns:
        The laws, which keep their value at the geometric middle of the sizes, and a sentence for each replaced
        exponent.
    """
    middle = math.exp(float(np.mean([math.log(o.n_params) for o in fit.optima])))
    largest = max(map(n_params, design.shapes))
    laws, notes = [], []
    for name, law, rule in (
        ("learning rate", fit.learning_rate, porian_rule.LEARNING_RATE.n_params_exponent),
        ("batch", fit.batch_tokens, porian_rule.BATCH.n_params_exponent),
    ):
        low, high = law.n_params_exponent_interval()
        factor = (largest / middle) ** ((high - low) / 2)
        if factor > MAX_FACTOR:
            outside = "" if low <= rule <= high else ", although outside"
            notes.append(
                f"The sizes of stage 1 say of the {name}'s exponent only that it lies in [{low:.2f}, {high:.2f}], "
                f"a factor of {factor:.2g} either way at {english_count(largest)} parameters: {taking} {rule:.2f}, "
                f"that of Porian et al.{outside}, through the measured middle."
            )
            law = law.through(middle, rule)  # noqa: PLW2901 - the same law with another exponent
        laws.append(law)
    return replace(fit, learning_rate=laws[0], batch_tokens=laws[1]), tuple(notes)


def _through(coefficient: float, exponent: float, shift: float) -> tuple[float, float]:
    return coefficient * shift, exponent


def _rule_lr(design: Design) -> tuple[float, float]:
    middle, exponent = _middle(design), porian_rule.LEARNING_RATE.n_params_exponent
    return rule_learning_rate(middle) * middle**-exponent, exponent


def _rule_batch(design: Design) -> tuple[float, float]:
    middle, exponent = _middle(design), porian_rule.BATCH.n_params_exponent
    return rule_batch(middle, design.seq_len) * design.seq_len * middle**-exponent, exponent


def _middle(design: Design) -> float:
    """Return the geometric middle of the sizes of stage 1."""
    return math.exp(float(np.mean([math.log(n) for n in {c.n_params for c in design.stage1}])))


def _shifts(state: RunState, design: Design) -> tuple[float, float]:
    """Return the mean factors of the best cells over the rule, in learning rate and batch."""
    lrs, batches = [], []
    for states in _by_size(state):
        done = [s for s in states if s.final_loss is not None]
        if done:
            best = min(done, key=lambda s: s.final_loss or math.inf).cell
            (a, b), (c, d) = _rule_lr(design), _rule_batch(design)
            lrs.append(math.log(best.learning_rate / (a * best.n_params**b)))
            batches.append(math.log(best.batch_tokens / (c * best.n_params**d)))
    return (math.exp(float(np.mean(lrs))), math.exp(float(np.mean(batches)))) if lrs else (1.0, 1.0)


def _beta2(fit: HyperparameterFit | None, design: Design) -> BatchStep:
    """Return beta2 by batch: the fitted step, or one value for all batches."""
    if fit is not None and fit.beta2_step is not None:
        step = fit.beta2_step
        return BatchStep(step.threshold_tokens, step.below, step.above)
    beta2 = _one_beta2(fit, design)
    return BatchStep(1.0, beta2, beta2)


def _one_beta2(fit: HyperparameterFit | None, design: Design) -> float:
    """Return the middle beta2 of the grid, unless another is better over all batches by more than the noise."""
    middle = design.beta2s[len(design.beta2s) // 2]
    if fit is None or not fit.beta2:
        return middle
    weights = np.array([row.cells for row in fit.beta2], dtype=float)
    share = weights / weights.sum()
    cost = {beta2: share @ [row.penalty.get(beta2, math.inf) for row in fit.beta2] for beta2 in design.beta2s}
    error = math.sqrt(float(share**2 @ [row.std_error**2 for row in fit.beta2]))
    best = min(cost, key=lambda beta2: float(cost[beta2]))
    return best if cost[middle] - cost[best] > _SIGMAS * error else middle


def stage2_cells(design: Design, chosen: StageTwoHyperparameters) -> tuple[Cell, ...]:
    """Return the cells of stage 2: every size with these hyperparameters, once per seed."""
    cells = []
    for shape in design.shapes:
        n = n_params(shape)
        batch = max(MIN_BATCH, whole_batch(_at(chosen.batch_tokens, n) / design.seq_len))
        beta2 = chosen.beta2.at_batch(batch * design.seq_len)
        tokens = readings(shape, design.budgets)
        rate = _at(chosen.learning_rate, n)
        cells += [build_cell(shape, rate, batch, beta2, s, tokens, design.decay) for s in design.seeds]
    return tuple(cells)


def likely_stage2(state: RunState, design: Design) -> tuple[Cell, ...]:
    """Return the cells of stage 2 as the finished sizes of stage 1 foretell them; none before two have finished.

    On the calibrations of 2026-11-29, two sizes of three foretold the batches of 6 of 14, 12 of 14, 8 of 13 and 11 of
    11 sizes; one, or the rule, none.
    """
    sizes = [states for states in _by_size(state) if all(s.finished for s in states)]
    if len(sizes) < _SIZES_TO_FORETELL:
        return ()
    known = RunState(cells={s.cell.id: s for states in sizes for s in states})
    try:
        return stage2_cells(design, stage_two_hyperparameters(known, design))
    except UsageError:
        return ()


def _at(law: tuple[float, float], n: float) -> float:
    return law[0] * math.pow(n, law[1])


def stage_two(state: RunState, spec: Spec) -> tuple[tuple[Cell, ...], tuple[str, ...]]:
    """Return the cells of stage 2, and one sentence for each thing that weakens their law."""
    chosen = stage_two_hyperparameters(voting(state, spec.corpus), spec.design)
    cells = stage2_cells(spec.design, chosen)
    repeated = without_vote((*(s.cell for s in state.cells.values()), *cells), spec.corpus)
    return cells, (*chosen.notes, *([repeated] if repeated else []))


def unfinished(
    cells: Mapping[str, CellState], stage: int, *, longest_first: bool = False
) -> list[tuple[str, list[Cell]]]:
    """Return the slices of a stage that still need training: their names, and the cells that are left.

    Args:
        cells: of the run.
        stage: 1 or 2.
        longest_first: whether slices with the most FLOPs left come first; else those of small shapes.
    """
    slices: dict[object, list[CellState]] = {}
    for s in cells.values():
        if s.stage == stage:
            slices.setdefault(s.slice or s.cell.shape, []).append(s)
    waiting = [states for states in slices.values() if not all(s.finished for s in states)]

    def flops_left(states: list[CellState]) -> float:
        return sum(s.cell.shape.executed_flops_per_token * s.cell.trained_tokens for s in states if not s.finished)

    if longest_first:
        waiting.sort(key=flops_left, reverse=True)
    else:
        waiting.sort(key=lambda states: states[0].cell.n_params)
    return [
        (states[0].slice or slice_name([s.cell for s in states]), [s.cell for s in states if not s.finished])
        for states in waiting
    ]

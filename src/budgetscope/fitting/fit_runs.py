"""From runs to a fit that can be stored: which laws the runs can carry, fitted, with what is doubtful."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from budgetscope.core.errors import UsageError
from budgetscope.core.laws.fit import Fit, Law
from budgetscope.fitting.excess import fit_excess
from budgetscope.fitting.hyperparameters import fit_hyperparameters
from budgetscope.fitting.isoflop import fit_isoflop
from budgetscope.fitting.noise import porian_noise
from budgetscope.fitting.parametric import fit_parametric
from budgetscope.fitting.refusals import MIN_BUDGETS, MIN_SIZES
from budgetscope.fitting.run_table import RunTable, budgets
from budgetscope.fitting.stored_hyperparameters import hyperparameter_laws
from budgetscope.fitting.stored_laws import excess_law, isoflop_laws, isoflop_points, surface_law
from budgetscope.fitting.sweep import SweepTable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from budgetscope.core.counting.ledger import Convention
    from budgetscope.core.laws.training_run import Run
    from budgetscope.fitting.noise import Noise
    from budgetscope.fitting.run_table import FloatArray, IntArray

Kind = Literal["isoflop", "parabola", "parametric", "hyperparameters", "hyperparameters-akima"]
KINDS: tuple[Kind, ...] = ("isoflop", "parabola", "parametric", "hyperparameters", "hyperparameters-akima")
SCHEDULES = ("constant", "cosine", "wsd")
_DECAYING = ("cosine", "wsd")
NOISES = ("refinedweb", "openwebtext2", "refinedweb-intended", "openwebtext2-intended")
MIN_SETTINGS = 3
"""Learning rates at one (N, D) from which on a table is taken for a sweep of hyperparameters."""

MOST = 0.8
"""Share of the runs that IsoFLOP curves must hold: points spread over compute fall into a few by chance."""


@dataclass(frozen=True)
class Assembly:
    """How to make a fit of runs.

    Attributes:
        id: Of the fit, `family/name`.
        title: What people call it.
        counting: The convention of the runs' N and C.
        source: Where the runs are from, one phrase.
        kind: Which laws to fit; None takes what the runs can carry.
        noise: A published noise model, of `NOISES`; None takes it from repeated seeds, or from the scatter.
        schedule: Of the learning rate in the runs; one run read at several budgets is only at a constant one.
        tokenizer: Its name.
        vocab_size: Its size.
        seq_len: Training context in tokens.
        curves: Learning curves that the runs are points of; 0 where every run is one of its own.
        budgets_read: Budgets at which those curves were read between their points; 0 where the runs are the points.
        draws: Bootstrap draws.
        seed: Of the random generator.
    """

    id: str
    title: str
    counting: Convention
    source: str
    kind: Kind | None = None
    noise: str | None = None
    schedule: str | None = None
    tokenizer: str | None = None
    vocab_size: int | None = None
    seq_len: int | None = None
    curves: int = 0
    budgets_read: int = 0
    draws: int = 1000
    seed: int = 0


def fit_runs(runs: Sequence[Run], assembly: Assembly) -> Fit:
    """Fit the laws that runs can carry.

    Raises:
        UsageError: The runs cannot carry the kind of law, with the reason and the remedy.
    """
    if assembly.schedule is not None and assembly.schedule not in SCHEDULES:
        raise UsageError(f"{assembly.schedule!r} is not a schedule; choose one of {', '.join(SCHEDULES)}.")
    if assembly.curves and assembly.schedule in _DECAYING:
        raise UsageError(
            f"points in the middle of a {assembly.schedule} schedule are no final losses, since a run that ended there "
            "would have decayed before; leave --curves all out, so that only the last point of each run is used."
        )
    kind = assembly.kind or suitable_kind(runs)
    match kind:
        case "isoflop" | "parabola":
            fit = _isoflop(runs, assembly, kind)
        case "parametric":
            fit = _parametric(runs, assembly)
        case "hyperparameters" | "hyperparameters-akima":
            fit = _hyperparameters(runs, assembly, kind)
    provenance = {"runs": str(len(runs)), "runs_sha256": _digest(runs), "seed": str(assembly.seed)}
    flags = (*_curve_flags(assembly), *fit.flags)
    return replace(fit, flags=flags, provenance={**provenance, **fit.provenance})


def _curve_flags(assembly: Assembly) -> tuple[str, ...]:
    """A caution about points of learning curves that may not be final losses."""
    if not assembly.curves or assembly.schedule is not None:
        return ()
    sentence = (
        f"The runs are points of {assembly.curves} learning curves and their schedule is not said: before the end of a "
        "decay, losses are too high to be final ones."
    )
    return (sentence,)


def suitable_kind(runs: Sequence[Run]) -> Kind:
    """Return the kind of fit that the layout of a table asks for.

    Several learning rates at one (N, D) make a sweep of hyperparameters; three budgets of three sizes that hold
    most of the runs make IsoFLOP curves; anything else is fitted by a loss surface.
    """
    rates = Counter((n, d) for n, d, _ in {(r.n_params, r.tokens, r.learning_rate) for r in runs if r.learning_rate})
    if rates and max(rates.values()) >= MIN_SETTINGS:
        return "hyperparameters"
    try:
        full = [b for b in budgets(run_table(runs)) if np.unique(b.n_params).size >= MIN_SIZES]
    except UsageError:
        # Points spread over compute do not fall into budgets: two of one size can lie within one by chance.
        return "parametric"
    inside = sum(int(b.n_seeds.sum()) for b in full)
    return "isoflop" if len(full) >= MIN_BUDGETS and inside >= MOST * len(runs) else "parametric"


def run_table(runs: Sequence[Run]) -> RunTable:
    """Return runs as the columns that IsoFLOP and parametric fits take."""
    return RunTable(
        _column(runs, "flops"), _column(runs, "n_params"), _column(runs, "tokens"), _column(runs, "loss"), _seeds(runs)
    )


def sweep_table(runs: Sequence[Run]) -> SweepTable:
    """Return runs as the columns that a sweep of hyperparameters has; runs without a setting are left out.

    Raises:
        UsageError: No run says learning rate and batch.
    """
    complete = [run for run in runs if run.learning_rate is not None and run.batch_tokens is not None]
    if not complete:
        raise UsageError(
            "no run says both its learning rate and its batch; name their columns with --map learning_rate=COLUMN "
            "and --map batch_tokens=COLUMN."
        )
    beta2 = np.array([np.nan if run.beta2 is None else run.beta2 for run in complete])
    return SweepTable(
        _column(complete, "n_params"),
        _column(complete, "tokens"),
        _column(complete, "learning_rate"),
        _column(complete, "batch_tokens"),
        _column(complete, "loss"),
        beta2 if np.isfinite(beta2).all() else None,
        _seeds(complete),
    )


def _isoflop(runs: Sequence[Run], assembly: Assembly, kind: Kind) -> Fit:
    table = run_table(runs)
    noise = _noise(assembly.noise)
    found = fit_isoflop(
        table,
        noise=noise,
        method="parabola" if kind == "parabola" else "akima",
        # Published intervals are of the noise alone; on our own runs the scatter about the law counts, too.
        intervals="scatter" if noise is None else "noise",
        draws=assembly.draws,
        seed=assembly.seed,
    )
    laws = isoflop_laws(found)
    flags = [flag.sentence for flag in found.flags]
    try:
        excess = fit_excess(table, found.optima, draws=assembly.draws, seed=assembly.seed)
        laws["excess"] = excess_law(excess, laws["allocation"].fitted["flops"])
    except UsageError as error:
        flags.append(f"no law of excess loss: {error}")
    how = "a parabola through each budget" if kind == "parabola" else "Akima interpolation of log loss over log N"
    read = (
        f" {assembly.curves} learning curves read at {assembly.budgets_read} budgets a factor of two apart,"
        if assembly.budgets_read
        else ""
    )
    fit = _fit(assembly, laws, flags, f"IsoFLOP fit:{read} {how}, {len(found.optima)} budgets used; {found.noise}.")
    dropped = {f"dropped_{d.flops:.3g}": d.reason for d in found.dropped}
    return replace(fit, points=isoflop_points(found), provenance=dropped)


def _parametric(runs: Sequence[Run], assembly: Assembly) -> Fit:
    if assembly.noise is not None:
        raise UsageError(
            f"a loss surface takes its noise from the runs, so --noise {assembly.noise} would change nothing; leave "
            "it out, or ask for --kind isoflop."
        )
    table = run_table(runs)
    # Points of one run share its luck.
    resample: Literal["runs", "points"] = "runs" if assembly.curves or assembly.schedule == "constant" else "points"
    found = fit_parametric(table, resample=resample, draws=assembly.draws, seed=assembly.seed)
    note = f"rms residual of log loss {found.log_residual_std:.4f}, draws over {resample}."
    method = f"Huber fit (delta 1e-3, log loss) of E + A/N^alpha + B/D^beta to {found.n_points} points."
    return _fit(assembly, {"surface": surface_law(found, table, note)}, [flag.sentence for flag in found.flags], method)


def _hyperparameters(
    runs: Sequence[Run], assembly: Assembly, kind: Literal["hyperparameters", "hyperparameters-akima"]
) -> Fit:
    table = sweep_table(runs)
    ratios = {round(float(np.log2(d / n))) for n, d in zip(table.n_params, table.tokens, strict=True)}
    found = fit_hyperparameters(
        table,
        # Cells at one D/N cannot tell N from D.
        variables="N" if len(ratios) == 1 else "ND",
        # A single run's loss is noisy at small scale; a smooth surface does not pick luck.
        method="akima" if kind == "hyperparameters-akima" else "quadratic",
        noise=_noise(assembly.noise),
        draws=assembly.draws,
        seed=assembly.seed,
    )
    how = (
        "Akima interpolation over log learning rate, then over log batch,"
        if found.method == "akima"
        else "Smoothed surface over log learning rate and log batch"
    )
    method = f"{how} at the best beta2 of each, {len(found.optima)} cells used; {found.noise}."
    flags = [*_left_out(runs, len(table)), *(flag.sentence for flag in found.flags)]
    fit = _fit(assembly, hyperparameter_laws(found), flags, method)
    return replace(fit, provenance={f"dropped_cell_{i}": cell.reason for i, cell in enumerate(found.dropped, 1)})


def _left_out(runs: Sequence[Run], used: int) -> list[str]:
    """Cautions about runs and settings that a sweep does not use."""
    sentences = []
    if used < len(runs):
        sentences.append(f"{len(runs) - used} of {len(runs)} runs do not say both learning rate and batch: left out.")
    with_beta2 = sum(run.beta2 is not None for run in runs)
    if 0 < with_beta2 < len(runs):
        sentences.append(f"Only {with_beta2} of {len(runs)} runs say their beta2: it is left out of account.")
    return sentences


def _fit(assembly: Assembly, laws: dict[str, Law], flags: Sequence[str], method: str) -> Fit:
    return Fit(
        id=assembly.id,
        title=assembly.title,
        counting=assembly.counting,
        laws=laws,
        citation=assembly.source,
        url="",
        method=method,
        tokenizer=assembly.tokenizer,
        vocab_size=assembly.vocab_size,
        loss_unit="nats/token",
        seq_len=assembly.seq_len,
        schedule=assembly.schedule,
        flags=tuple(flags),
    )


def _noise(name: str | None) -> Noise | None:
    if name is None:
        return None
    if name not in NOISES:
        raise UsageError(f"{name!r} is not a noise model; choose one of {', '.join(NOISES)}.")
    dataset, _, intended = name.partition("-")
    return porian_noise(dataset, as_published=not intended)


def _column(runs: Sequence[Run], name: str) -> FloatArray:
    return np.array([getattr(run, name) for run in runs], dtype=np.float64)


def _seeds(runs: Sequence[Run]) -> IntArray | None:
    if any(run.seed is None for run in runs):
        return None
    return np.array([run.seed for run in runs])


def _digest(runs: Sequence[Run]) -> str:
    return hashlib.sha256(repr(sorted(map(repr, runs))).encode()).hexdigest()

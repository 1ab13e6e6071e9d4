"""Fits the laws that a table of runs can carry and builds the fit that is stored."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from budgetscope.core.errors import UsageError
from budgetscope.core.laws.training_run import NEAR_TOKENS, TrainingRun
from budgetscope.core.progress import tell
from budgetscope.fitting.hyperparameters import fit_hyperparameters
from budgetscope.fitting.isoflop import fit_isoflop
from budgetscope.fitting.joint_part import joint_part
from budgetscope.fitting.kinds import NOISES, SCHEDULES
from budgetscope.fitting.noise import porian_noise
from budgetscope.fitting.out_of_sample import check_sizes
from budgetscope.fitting.parametric import fit_parametric
from budgetscope.fitting.refusals import MIN_BUDGETS, MIN_SIZES
from budgetscope.fitting.run_table import RunTable, budgets, near_duplicates
from budgetscope.fitting.stored_fit import FitPart, determined, hyperparameter_part, isoflop_part, stored_fit
from budgetscope.fitting.stored_laws import surface_law
from budgetscope.fitting.surface_rows import fit_voted
from budgetscope.fitting.sweep import SweepTable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from budgetscope.core.counting.ledger import Convention
    from budgetscope.core.laws.fit import Fit
    from budgetscope.fitting.bootstrap import Intervals
    from budgetscope.fitting.kinds import Kind, Variables
    from budgetscope.fitting.noise import Noise
    from budgetscope.fitting.run_table import FloatArray, IntArray

_DECAYING = ("cosine", "wsd")
_CHECK_DRAWS = 100
_NAMED_ROWS = 5
"""Rows that decide an exponent and are told one by one."""

MIN_SETTINGS = 3
"""Learning rates at one (N, D) from which on a table is taken for a sweep of hyperparameters."""

MIN_ISOFLOP_SHARE = 0.8
"""Share of the runs that IsoFLOP curves must hold: points spread over compute fall into a few by chance."""


@dataclass(frozen=True)
class FitSpec:
    """How to fit runs, and what the fit records of them.

    Attributes:
        id: of the fit, `family/name`.
        title: what people call it.
        counting: the convention of the runs' N and C.
        source: where the runs are from, one phrase.
        kind: which laws to fit; None takes what the runs can carry.
        variables: of the laws of a recipe; None takes N and D where the runs tell them apart, else N.
        noise: a published noise model, of `NOISES`; None takes it from repeated seeds, or from the scatter.
        schedule: of the learning rate, of `SCHEDULES`; one run read at several budgets is only at a constant one.
        tokenizer: its name.
        vocab_size: its size.
        seq_len: training context in tokens.
        curves: learning curves that the runs are points of; 0 where every run is one of its own.
        budgets_read: budgets at which those curves were read between their points; 0 where the runs are the points.
        bytes_per_token: of the tokenizer, for the prior of the loss that no compute removes.
        draws: bootstrap draws.
        seed: of the random generator.
    """

    id: str
    title: str
    counting: Convention
    source: str
    kind: Kind | None = None
    variables: Variables | None = None
    noise: str | None = None
    schedule: str | None = None
    tokenizer: str | None = None
    vocab_size: int | None = None
    seq_len: int | None = None
    curves: int = 0
    budgets_read: int = 0
    bytes_per_token: float | None = None
    draws: int = 1000
    seed: int = 0


def fit_runs(runs: Sequence[TrainingRun], spec: FitSpec) -> Fit:
    """Fit the laws that runs can carry.

    Raises:
        UsageError: the runs cannot carry the kind of law, with the reason and the remedy.
    """
    if spec.schedule is not None and spec.schedule not in SCHEDULES:
        raise UsageError(f"{spec.schedule!r} is not a schedule; choose one of {', '.join(SCHEDULES)}.")
    if spec.curves and spec.schedule in _DECAYING:
        raise UsageError(
            f"points in the middle of a {spec.schedule} schedule are no final losses, since a run that ended there "
            "would have decayed before; leave --curves all out, so that only the last point of each run is used."
        )
    tell("fitting")
    kind, why = (spec.kind, "as asked") if spec.kind else choose_kind(runs)
    if kind == "isoflop" and spec.kind is None and spec.noise is not None:
        # The joint fit takes its noise from the runs.
        kind, why = "akima", f"{why}, and a noise is given"
    match kind:
        case "isoflop":
            part, method = _joint(runs, spec)
        case "akima" | "parabola":
            part, method = _isoflop(runs, spec, kind)
        case "parametric":
            part, method = _parametric(runs, spec)
        case "hyperparameters" | "hyperparameters-akima":
            part, method = _hyperparameters(runs, spec, kind)
    part = determined(replace(part, flags=(*_curve_flags(spec), *part.flags)))
    if not part.laws:
        raise UsageError(f"the runs give no fit: {' '.join(part.flags)}")
    return stored_fit(
        part,
        fit_id=spec.id,
        title=spec.title,
        counting=spec.counting,
        citation=spec.source,
        method=method,
        provenance={
            "kind": f"{kind}, {why}",
            "runs": str(len(runs)),
            "runs_sha256": _digest(runs),
            "seed": str(spec.seed),
            **part.dropped,
        },
        tokenizer=spec.tokenizer,
        vocab_size=spec.vocab_size,
        seq_len=spec.seq_len,
        schedule=spec.schedule,
    )


def _curve_flags(spec: FitSpec) -> tuple[str, ...]:
    """Flag points of learning curves that may not be final losses."""
    if not spec.curves or spec.schedule is not None:
        return ()
    sentence = (
        f"The runs are points of {spec.curves} learning curves and their schedule is not said: before the end of a "
        "decay, losses are too high to be final ones."
    )
    return (sentence,)


def suitable_kind(runs: Sequence[TrainingRun]) -> Kind:
    """Return the kind of fit that suits the layout of a table, as `choose_kind`."""
    return choose_kind(runs)[0]


def choose_kind(runs: Sequence[TrainingRun]) -> tuple[Kind, str]:
    """Return the kind of fit that suits the layout of a table, and why.

    Several learning rates at one (N, D) make a sweep of hyperparameters; three budgets of three sizes that hold
    most of the runs make IsoFLOP curves; anything else is fitted by a loss surface.
    """
    rates = Counter((n, d) for n, d, _ in {(r.n_params, r.tokens, r.learning_rate) for r in runs if r.learning_rate})
    if rates and max(rates.values()) >= MIN_SETTINGS:
        return "hyperparameters", f"since there are up to {max(rates.values())} learning rates at one (N, D)"
    table = run_table(runs)
    try:
        full = [b for b in budgets(table) if np.unique(b.n_params).size >= MIN_SIZES]
    except UsageError:
        # Points spread over compute do not fall into budgets: two of one size can lie within one by chance.
        return "parametric", "since runs of one size differ in D within one budget, so that there are no IsoFLOP curves"
    inside = sum(int(b.n_seeds.sum()) for b in full)
    if len(full) < MIN_BUDGETS:
        return (
            "parametric",
            f"since IsoFLOP curves need {MIN_BUDGETS} budgets of {MIN_SIZES} sizes and there are {len(full)}",
        )
    held = f"since {len(full)} budgets of {MIN_SIZES} sizes or more hold {inside} of {len(runs)} runs"
    if inside < MIN_ISOFLOP_SHARE * len(runs):
        return "parametric", f"{held} only, too few for IsoFLOP curves"
    return "isoflop", held


def run_table(runs: Sequence[TrainingRun]) -> RunTable:
    """Return runs as the columns that IsoFLOP and parametric fits take."""
    return RunTable(
        _column(runs, "flops"), _column(runs, "n_params"), _column(runs, "tokens"), _column(runs, "loss"), _seeds(runs)
    )


def sweep_table(runs: Sequence[TrainingRun]) -> SweepTable:
    """Return runs as the columns of a sweep of hyperparameters; runs without learning rate or batch are left out.

    Raises:
        UsageError: no run says both.
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


def _joint(runs: Sequence[TrainingRun], spec: FitSpec) -> tuple[FitPart, str]:
    """Return the laws of all budgets at once, and the method in words."""
    if spec.noise is not None:
        raise UsageError(
            f"the joint fit takes its noise from the runs, so --noise {spec.noise} would change nothing; leave it "
            "out, or ask for --kind akima."
        )
    table = run_table(runs)
    found = joint_part(table, bytes_per_token=spec.bytes_per_token, draws=spec.draws, seed=spec.seed)
    part = replace(found.part, flags=(*_near_flags(table), *found.part.flags))
    return part, f"{found.method}{_read(spec)}"


def _near_flags(table: RunTable) -> tuple[str, ...]:
    """Flag runs that count as one point of their budget."""
    found = near_duplicates(table)
    if not found:
        return ()
    first = found[0]
    where = f"N={table.n_params[first[0]]:.4g} at C={table.flops[first].mean():.3g}"
    more = f", as are {len(found) - 1} more groups of runs" if len(found) > 1 else ""
    near = f"differ by under {NEAR_TOKENS:.0%} in D"
    return (f"The {first.size} runs with {where} {near} and are one point, their mean{more}.",)


def _read(spec: FitSpec) -> str:
    if not spec.budgets_read:
        return ""
    return f" {spec.curves} learning curves were read at {spec.budgets_read} budgets a factor of two apart."


def _isoflop(runs: Sequence[TrainingRun], spec: FitSpec, kind: Kind) -> tuple[FitPart, str]:
    """Return the laws of IsoFLOP curves, and the method in words."""
    table = run_table(runs)
    noise = _noise(spec.noise)
    found = fit_isoflop(
        table,
        noise=noise,
        method="parabola" if kind == "parabola" else "akima",
        intervals=_intervals(noise),
        draws=spec.draws,
        seed=spec.seed,
    )
    how = "a parabola through each budget" if kind == "parabola" else "Akima interpolation of log loss over log N"
    method = f"IsoFLOP fit: {how}, {len(found.optima)} budgets used; {found.noise}.{_read(spec)}"
    part = isoflop_part(found, table, draws=spec.draws, seed=spec.seed)
    return replace(part, flags=(*_near_flags(table), *part.flags)), method


def _parametric(runs: Sequence[TrainingRun], spec: FitSpec) -> tuple[FitPart, str]:
    """Return the loss surface, and the method in words."""
    if spec.noise is not None:
        raise UsageError(
            f"a loss surface takes its noise from the runs, so --noise {spec.noise} would change nothing; leave "
            "it out, or ask for --kind akima."
        )
    table = run_table(runs)
    # Points of one run share its error.
    resample: Literal["runs", "points"] = "runs" if spec.curves or spec.schedule == "constant" else "points"
    voted = fit_voted(table, resample=resample, draws=spec.draws, seed=spec.seed)
    found, rows = voted.fit, table.rows(voted.voters)
    # Each row with the exponent that it moves most.
    decisive = list({row.row: row for row in reversed(voted.decisive)}.values())[::-1]
    # The held-out fits need an interval only: a tenth of the draws will do.
    check = check_sizes(rows, lambda t: fit_parametric(t, resample=resample, draws=_CHECK_DRAWS, seed=spec.seed))
    note = f"rms residual of log loss {found.log_residual_std:.4f}, {found.drawn}."
    method = f"Huber fit (delta 1e-3, log loss) of E + A/N^alpha + B/D^beta to {found.n_points} points."
    flags = [flag.sentence for flag in found.flags]
    flags += [voted.sentence] * bool(voted.sentence) + [row.sentence(table) for row in decisive[:_NAMED_ROWS]]
    if len(decisive) > _NAMED_ROWS:
        flags.append(f"{len(decisive) - _NAMED_ROWS} more rows move an exponent by over a standard error.")
    if check.missed:
        flags.append(check.sentence())
    facts = {"out_of_sample": check.sentence()}
    facts |= {f"out_of_sample_{number}": line for number, line in enumerate(check.lines(), 1)}
    return FitPart({"surface": surface_law(found, rows, note)}, tuple(flags), dropped=facts), method


def _hyperparameters(
    runs: Sequence[TrainingRun], spec: FitSpec, kind: Literal["hyperparameters", "hyperparameters-akima"]
) -> tuple[FitPart, str]:
    """Return the laws of learning rate, batch and beta2, and the method in words."""
    table = sweep_table(runs)
    noise = _noise(spec.noise)
    found = fit_hyperparameters(
        table,
        variables=spec.variables,
        # A single run's loss is noisy at small scale; a smooth surface does not pick luck.
        method="akima" if kind == "hyperparameters-akima" else "quadratic",
        noise=noise,
        intervals=_intervals(noise),
        draws=spec.draws,
        seed=spec.seed,
    )
    how = (
        "Akima interpolation over log learning rate, then over log batch,"
        if found.method == "akima"
        else "Smoothed surface over log learning rate and log batch"
    )
    method = f"{how} at the best beta2 of each, {len(found.optima)} cells used; {found.noise}."
    part = hyperparameter_part(found)
    return replace(part, flags=(*_unused_flags(runs, len(table)), *part.flags)), method


def _unused_flags(runs: Sequence[TrainingRun], used: int) -> list[str]:
    """Flag runs and settings that a sweep does not use."""
    sentences = []
    if used < len(runs):
        sentences.append(f"{len(runs) - used} of {len(runs)} runs do not say both learning rate and batch: left out.")
    with_beta2 = sum(run.beta2 is not None for run in runs)
    if 0 < with_beta2 < len(runs):
        sentences.append(f"Only {with_beta2} of {len(runs)} runs say their beta2: no law of it is fitted.")
    return sentences


def _noise(name: str | None) -> Noise | None:
    if name is None:
        return None
    if name not in NOISES:
        raise UsageError(f"{name!r} is not a noise model; choose one of {', '.join(NOISES)}.")
    dataset, _, intended = name.partition("-")
    return porian_noise(dataset, as_published=not intended)


def _intervals(noise: Noise | None) -> Intervals:
    """Published intervals are of the noise alone; on our own runs the scatter about the law counts, too."""
    return "scatter" if noise is None else "noise"


def _column(runs: Sequence[TrainingRun], name: str) -> FloatArray:
    return np.array([getattr(run, name) for run in runs], dtype=np.float64)


def _seeds(runs: Sequence[TrainingRun]) -> IntArray | None:
    if any(run.seed is None for run in runs):
        return None
    return np.array([run.seed for run in runs])


def _digest(runs: Sequence[TrainingRun]) -> str:
    """Return the SHA-256 of the runs, whatever their order and whatever their class is called."""
    names = [f.name for f in fields(TrainingRun)]
    texts = sorted(f"Run({', '.join(f'{name}={getattr(run, name)!r}' for name in names)})" for run in runs)
    digest = hashlib.sha256()
    # As the repr() of the list, of which no copy is made.
    for number, text in enumerate(texts):
        digest.update(f"{', ' if number else '['}{text!r}".encode())
    digest.update(b"]")
    return digest.hexdigest()

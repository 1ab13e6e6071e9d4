"""Builds the fit of a calibration run, whole or partial, from what its stages measured."""

import math
from collections import Counter
from dataclasses import replace

from budgetscope.calibrate.plan.porian_rule import WARMUP_PARAMS, WEIGHT_DECAY
from budgetscope.calibrate.plan.spec import BUILT_IN_CAUTION, Spec
from budgetscope.calibrate.reach import too_small
from budgetscope.calibrate.run.folder import RunFolder
from budgetscope.calibrate.run.stages import as_far_as_sure, fit_grid
from budgetscope.calibrate.run.state import RunState
from budgetscope.core.counting.ledger import Convention
from budgetscope.core.errors import FailureError, UsageError
from budgetscope.core.laws.fit import TOO_SMALL, Fit, Law, Range
from budgetscope.core.laws.forms import Constant, WarmupParams
from budgetscope.fitting.hyperparameters import HyperparameterFit
from budgetscope.fitting.joint_part import JointPart, joint_part
from budgetscope.fitting.noise import noise_from_seeds
from budgetscope.fitting.run_table import RunTable
from budgetscope.fitting.stored_fit import (
    FitPart,
    determined,
    hyperparameter_part,
    joined,
    no_law,
    stored_fit,
)
from budgetscope.fitting.weighing import weigh_in, weighed
from budgetscope.store.files import write_atomically
from budgetscope.store.fit_schema import check_id, decode, dump, encode


def write_fit(folder: RunFolder, state: RunState, spec: Spec) -> Fit:
    """Build the fit of a run, write it to the run's folder and return it.

    Raises:
        UsageError: the readings do not determine a law.
        FailureError: the folder cannot be written.
    """
    fit = build_fit(state, spec)
    write_atomically(folder.fit_file, dump(fit))
    return fit


def build_fit(state: RunState, spec: Spec) -> Fit:
    """Return the fit of a run, whole or partial.

    Raises:
        UsageError: its readings give no law.
        FailureError: the spec's fit id is not one.
    """
    if not state.cells:
        raise UsageError(f"the run {spec.run!r} has trained nothing yet; resume it.")
    grid, grid_reason = fit_grid(state)
    isoflop, table, isoflop_reason = _isoflop(state, spec)
    lacks = "" if isoflop is None else too_small(isoflop.fit, spec, state)
    parts = [FitPart({}, (*_missing(state, spec), *([lacks] if lacks else [])))]
    if isoflop is not None:
        parts.append(isoflop.part)
    if grid is not None:
        sure, notes = as_far_as_sure(grid, spec.design)
        # Once stage 2 was planned, the log says the same of what it was planned with.
        parts.append(FitPart({}, () if state.problems else notes))
        parts.append(hyperparameter_part(sure, note=_recipe_note(grid)))
    elif not any(grid_reason in problem for problem in state.problems):
        parts.append(FitPart({}, (no_law("recipe", grid_reason),)))
    part = determined(joined(parts))
    if not part.laws:
        partial = _partial(state)
        remedy = [f"Go on with `budgetscope calibrate --resume {spec.run}`."] if partial else []
        lacking = " ".join([f"{(isoflop_reason or grid_reason).rstrip('.')}.", *partial, *remedy])
        raise UsageError(f"the run {spec.run!r} gives no fit: {lacking}")
    if isoflop is None:
        part = replace(part, flags=(*part.flags, no_law("allocation", isoflop_reason)))
    fit = stored_fit(
        replace(part, laws={**part.laws, **_recipe_constants(state)}),
        fit_id=check_id(spec.fit_id),
        title=f"Calibrated on {spec.corpus.title}",
        counting=Convention.STANDARD,
        citation=f"This machine's own calibration, run {spec.run}",
        method=_method(state, spec, isoflop),
        provenance=_provenance(state, spec, isoflop, table, grid, part) | ({TOO_SMALL: lacks} if lacks else {}),
        tokenizer=spec.corpus.tokenizer,
        vocab_size=spec.corpus.vocab_size,
        seq_len=spec.design.seq_len,
        schedule="constant",
    )
    try:
        # What could not be read back must not be written.
        return decode(encode(fit))
    except FailureError as error:
        raise UsageError(f"the run {spec.run!r} gives no fit: {error}") from None


def isoflop_table(state: RunState) -> RunTable | None:
    """Return every reading of stage 2 as a run; None when there is none.

    At constant learning rate a reading is final once it is taken, so cells that still train count too; cells that
    diverged or failed do not.
    """
    rows = [
        (s.cell.flops_at(r.tokens), s.cell.n_params, r.tokens, r.loss, s.cell.seed)
        for s in state.of_stage(2)
        if s.status not in ("diverged", "failed")
        for r in s.readings
        if math.isfinite(r.loss) and r.loss > 0
    ]
    if not rows:
        return None
    flops, n_params, tokens, loss, seeds = (list(column) for column in zip(*rows, strict=True))
    return RunTable(flops, n_params, tokens, loss, seeds)


def _isoflop(state: RunState, spec: Spec) -> tuple[JointPart | None, RunTable | None, str]:
    """Return the joint fit of the budgets and its table, or why there is none."""
    table = isoflop_table(state)
    if table is None:
        lost = state.of_stage(2) and all(s.finished for s in state.of_stage(2))
        why = "every run of stage 2 diverged: check the data." if lost else "stage 2 has no reading yet."
        return None, None, why
    try:
        note = f"From models of at most {table.n_params.max():.3g} parameters: beyond, it is an extrapolation."
        part = joint_part(table, bytes_per_token=spec.corpus.bytes_per_token, note=note)
        return replace(part, part=weigh_in(part.part, weighed(part.fit))), table, ""
    except UsageError as error:
        return None, table, str(error)


def _recipe_note(grid: HyperparameterFit) -> str:
    sizes = [optimum.n_params for optimum in grid.optima]
    return (
        f"From {len(sizes)} sizes of {min(sizes):.3g} to {max(sizes):.3g} parameters at D = 20 N, AdamW, constant "
        "schedule, smoothed over learning rate and batch."
    )


def _recipe_constants(state: RunState) -> dict[str, Law]:
    """Return the laws of warmup and weight decay, which every run used alike."""
    sizes = [float(s.cell.n_params) for s in state.cells.values()]
    span = {"n_params": Range(min(sizes), max(sizes))}
    return {
        "warmup": Law(
            WarmupParams(WARMUP_PARAMS, 0.5), "DER", span, note="What every run of this calibration used, not varied."
        ),
        "weight_decay": Law(
            Constant(WEIGHT_DECAY),
            "DER",
            span,
            note="Independent: weights shrink by this a step at peak learning rate. Used by every run, not varied.",
        ),
    }


def _partial(state: RunState) -> list[str]:
    """Return one sentence a stage that has not begun or not ended; none for a whole run."""
    sentences = []
    for stage in (1, 2):
        states = state.of_stage(stage)
        finished = sum(s.finished for s in states)
        if not states:
            sentences.append(f"Partial: stage {stage} has not begun.")
        elif finished < len(states):
            sentences.append(f"Partial: {finished} of {len(states)} cells of stage {stage} finished.")
    return sentences


def _missing(state: RunState, spec: Spec) -> list[str]:
    """Return what the run did not measure and why, one sentence each."""
    sentences = [BUILT_IN_CAUTION] if spec.corpus.built_in else []
    sentences += _partial(state)
    for stage in (1, 2):
        states = state.of_stage(stage)
        count = Counter(s.status for s in states)
        if count["diverged"]:
            lost = " and were left out" if stage == 2 else ""
            sentences.append(f"{count['diverged']} of {len(states)} cells of stage {stage} diverged{lost}.")
        if count["failed"]:
            reason = next(s.reason for s in states if s.status == "failed")
            sentences.append(f"{count['failed']} cells of stage {stage} failed and were left out: {reason}")
    return sentences + [sentence for sentence in (state.damage, *state.problems) if sentence]


def _method(state: RunState, spec: Spec, isoflop: JointPart | None) -> str:
    design = spec.design
    text = (
        f"budgetscope calibrate, preset {design.preset}: {len(state.of_stage(1))} cells of learning rate, batch and "
        f"beta2 at D = 20 N, then {len(state.of_stage(2))} runs of {len(design.shapes)} sizes with {len(design.seeds)} "
        "seeds at constant learning rate"
    )
    if isoflop is None:
        return f"{text}; no IsoFLOP fit."
    found = isoflop.fit
    return f"{text}, read at {len(found.flops)} budgets ({len(found.dropped)} dropped). {isoflop.method}"


def _provenance(
    state: RunState,
    spec: Spec,
    isoflop: JointPart | None,
    table: RunTable | None,
    grid: HyperparameterFit | None,
    part: FitPart,
) -> dict[str, str]:
    """Return what the run was made with and what it measured, by name."""
    corpus = spec.corpus
    facts = {
        "run": spec.run,
        "created": spec.created,
        "spec_sha256": spec.sha256,
        "data": corpus.title,
        "data_sha256": corpus.sha256,
        "train_tokens": str(corpus.train_tokens),
        "tokenizer": f"{corpus.tokenizer}, vocabulary {corpus.vocab_size}",
        "bytes_per_token": "unknown" if corpus.bytes_per_token is None else f"{corpus.bytes_per_token:.4f}",
        "device": state.device or "unknown",
        **{f"version_{name}": version for name, version in state.versions.items()},
        **{f"setting_{name}": text for name, text in state.settings.items()},
        "seeds": ", ".join(map(str, spec.design.seeds)),
        "workers": str(spec.workers),
        "starts": str(state.starts),
        "trained_flops": f"{state.trained_flops:.4g}",
        "trained_seconds": f"{state.trained_seconds:.0f}",
        "startup_seconds": f"{state.startup_seconds:.0f}",
    }
    if state.trained_seconds:
        facts["flops_per_s"] = f"{state.trained_flops / state.trained_seconds:.4g}"
    if state.mfu is not None:
        facts["mfu"] = f"{state.mfu:.3f} of the measured matrix rate of {state.peak_flops_per_s:.3g} FLOP/s"
    facts |= part.dropped
    if isoflop is not None:
        facts["loss_at_largest_budget"] = _losses(math.exp(isoflop.fit.log_loss[-1]), corpus.bytes_per_token)
    if table is not None and (noise := noise_from_seeds(table)) is not None:
        facts["seed_noise"] = noise.describe()
    if grid is not None:
        facts["grid_noise"] = grid.noise
    return facts


def _losses(nats: float, bytes_per_token: float | None) -> str:
    if bytes_per_token is None:
        return f"{nats:.4f} nats a token"
    return f"{nats:.4f} nats a token, {nats / (math.log(2) * bytes_per_token):.4f} bits a byte"

"""Texts of a calibration that all faces share: its price, its progress, its events."""

import time
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from budgetscope.calibrate.plan.price import StagePrice
from budgetscope.calibrate.plan.spec import CorpusFacts, Spec
from budgetscope.calibrate.run import events, progress
from budgetscope.calibrate.run.events import Event
from budgetscope.calibrate.run.state import CellState, RunState
from budgetscope.core.budget.quantities import english_count, format_flops

if TYPE_CHECKING:
    from budgetscope.calibrate.plan.cells import Cell
    from budgetscope.calibrate.plan.request import Ready
    from budgetscope.calibrate.run.launches import WorkerView

STAGES = {0: "starting", 1: "stage 1: learning rate, batch and beta2", 2: "stage 2: sizes and budgets"}
STATUSES = ("done", "running", "waiting", "diverged", "failed")
"""Statuses of cells as shown, in the order in which they are counted."""
PRICE_HEADER = ("stage", "cells", "N (sizes)", "6ND FLOPs", "tokens", "epochs", "time", "memory")


def duration(seconds: float) -> str:
    """Return a time in seconds, minutes or hours."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    if seconds < 100 * 60:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"


def heading(ready: "Ready") -> str:
    """Return the preset, the data and the device of a priced run."""
    spec, corpus = ready.spec, ready.spec.corpus
    return (
        f"{spec.design.preset} calibration on {corpus.title}: {english_count(corpus.train_tokens)} training tokens "
        f"({corpus.tokenizer}, vocabulary {corpus.vocab_size}), context {spec.design.seq_len}, on {ready.facts.name}"
    )


def price_cells(stage: StagePrice, corpus: CorpusFacts) -> tuple[str, ...]:
    """Return the price of a stage as cells under `PRICE_HEADER`."""
    return (
        str(stage.stage),
        str(stage.cells),
        f"{english_count(stage.sizes[0])} to {english_count(stage.sizes[-1])} ({len(stage.sizes)})",
        format_flops(stage.flops),
        english_count(stage.tokens),
        f"{corpus.epochs(stage.longest_tokens):.2g}",
        duration(stage.seconds),
        f"{stage.memory_bytes / 1e9:.2g} GB",
    )


def budgets(ready: "Ready") -> str:
    """Return the budgets of a design, with the number of sizes at each."""
    design = ready.spec.design
    each = ", ".join(
        f"{format_flops(c)} ({sizes} sizes)"
        for c, sizes in zip(design.budgets, ready.price.sizes_per_budget, strict=True)
    )
    decay = f", read after a decay over the last {100 * design.decay:.3g}% of its tokens" if design.decay else ""
    return f"budgets: {each}; {len(design.seeds)} seeds a size{decay}"


def in_all(ready: "Ready") -> str:
    """Return the total cost of a design."""
    price = ready.price
    source = "measured" if price.rate.measured else "assumed"
    return f"in all {format_flops(price.flops)} FLOPs and about {duration(price.seconds)} at {source} rates"


def status_word(logged: str, *, alive: bool) -> str:
    """Return the status of a run whose log says `logged`; without a live worker, `running` is `interrupted`."""
    return "interrupted" if logged == "running" and not alive else logged


def cell_status(state: CellState) -> str:
    """Return the status of a cell: one of `STATUSES`."""
    return "waiting" if state.status == "planned" else state.status


def counts(state: RunState) -> str:
    """Return the number of cells of the present stage by status."""
    if not state.cells:
        return "no cell planned yet"
    found = Counter(cell_status(s) for s in state.of_stage(state.stage))
    return ", ".join(f"{found[name]} {name}" for name in STATUSES if found[name]) + f" of {found.total()} cells"


def speed(state: RunState, spec: Spec) -> str:
    """Return the present speed of a run and the time left; empty while neither is known."""
    parts = []
    training = state.training
    if training:
        tokens = sum(worker.tokens_per_s or 0.0 for worker in training)
        flops = sum(worker.flops_per_s or 0.0 for worker in training)
        peak = sum(worker.peak_flops_per_s or 0.0 for worker in training)
        several = f" on {len(training)} of {len(state.workers)} workers" if len(state.workers) > 1 else ""
        parts.append(f"{english_count(tokens)} tokens/s, {flops / 1e12:.3g} TFLOP/s{several}")
        if peak:
            parts.append(f"MFU {flops / peak:.0%}")
    left = state.seconds_left(spec.design)
    if left is not None and state.status == "running":
        parts.append(f"about {duration(left)} left")
    return ", ".join(parts)


def history(state: RunState) -> str:
    """Return the time that a run has trained, its start and its device; empty before it has trained."""
    if not state.trained_seconds or not state.started:
        return ""
    return (
        f"trained for {duration(state.trained_seconds)} in {state.starts} "
        f"{'worker' if state.starts == 1 else 'workers'}, started "
        f"{time.strftime('%Y-%m-%d %H:%M', time.localtime(state.started))} on {state.device}"
    )


def average(state: RunState) -> str:
    """Return the average speed of a run; empty before it has trained."""
    if not state.trained_seconds:
        return ""
    tokens, flops = state.trained_tokens / state.trained_seconds, state.trained_flops / state.trained_seconds
    mfu = "" if state.mfu is None else f", MFU {state.mfu:.0%}"
    return f"{english_count(tokens)} tokens/s, {flops / 1e12:.3g} TFLOP/s{mfu} on average"


WORKER_HEADER = ("worker", "on", "GPU", "trains", "TFLOP/s", "silent")


_VERBS = ("trains", "waits", "starts")
_DEEDS = (*_VERBS, "done", "stopped", "failed", "gone")


def _deed(view: "WorkerView") -> str:
    """Return what a worker does, or how it ended: one of `_DEEDS`."""
    worker = view.state
    if worker.status != "running":
        return worker.status
    if not view.alive:
        return "gone"
    return "trains" if worker.running else "waits" if worker.device else "starts"


def worker_counts(views: Sequence["WorkerView"]) -> str:
    """Return the number of workers by what they do, like `4 workers: 3 train, 1 waits`; empty for fewer than two."""
    if len(views) < 2:
        return ""
    found = Counter(map(_deed, views))
    plural = {deed: deed.removesuffix("s") if deed in _VERBS and found[deed] > 1 else deed for deed in _DEEDS}
    return f"{len(views)} workers: " + ", ".join(f"{found[deed]} {plural[deed]}" for deed in _DEEDS if found[deed])


def worker_cells(view: "WorkerView", state: RunState) -> tuple[str, ...]:
    """Return a worker as cells under `WORKER_HEADER`."""
    worker, doing = view.state, _deed(view)
    found = [state.cells[key] for key in worker.running if key in state.cells]
    if found and doing == "trains":
        left = sum(not s.finished for s in found)
        doing = f"N={english_count(found[0].cell.n_params)}, {left} {'cell' if left == 1 else 'cells'}"
    rate = "-" if worker.flops_per_s is None else f"{worker.flops_per_s / 1e12:.3g}"
    silent = "-" if view.silent_seconds is None else duration(view.silent_seconds)
    return worker.slot, worker.host or "-", worker.gpu or "-", doing, rate, silent


def cell_text(cell: "Cell") -> str:
    """Return the size and the hyperparameters of a cell."""
    return (
        f"N={english_count(cell.n_params)}, lr {cell.learning_rate:.2g}, batch {cell.batch_sequences} x "
        f"{cell.shape.seq_len}, beta2 {cell.beta2:g}"
    )


def cell_result(state: CellState) -> str:
    """Return the final loss of a cell if it is done, and its size and hyperparameters."""
    loss = "" if state.final_loss is None else f"{state.final_loss:.4f} nats, "
    return loss + cell_text(state.cell)


def event_text(event: Event | None, state: RunState) -> str:
    """Return an event as a line of a log; empty for frequent events.

    Args:
        event: None for an unknown kind.
        state: of the run after the event.
    """
    match event:
        case progress.Finished():
            return _of_cell("done", event.cell_id, state)
        case progress.Diverged():
            return _of_cell("! diverged", event.cell_id, state, event.reason)
        case events.CellFailed():
            return _of_cell("! failed", event.cell, state, event.reason)
        case progress.Started() | progress.Split() | progress.CheckpointLost():
            return _of_stack(event, state)
        case _:
            return _of_run(event)


def _of_run(event: Event | None) -> str:
    text = ""
    match event:
        case events.RunStarted():
            text = f"training begins on {event.device}"
        case events.StagePlanned():
            # A plan has many records: one a slice.
            text = "; ".join(filter(None, (f"stage {event.stage} is planned" * event.complete, event.note)))
        case events.Note():
            text = f"! {event.text}" if event.problem else event.text
        case events.FitWritten():
            text = f"the fit {event.fit_id} is written"
        case events.RunDone():
            text = event.status + (event.reason and f": {event.reason}")
        case events.Waiting():
            text = "waits: every slice that is left is taken"
    return text


def _of_stack(event: progress.Started | progress.Split | progress.CheckpointLost, state: RunState) -> str:
    if isinstance(event, progress.CheckpointLost):
        return f"! a checkpoint is lost, and its stack starts anew: {event.reason}"
    if isinstance(event, progress.Split):
        return f"a stack of {sum(event.sizes)} did not fit into memory: {' and '.join(map(str, event.sizes))}"
    first = next((state.cells[key] for key in event.cell_ids if key in state.cells), None)
    size = "" if first is None else f" of N={english_count(first.cell.n_params)}"
    graphs = event.graphs_found + event.graphs_compiled
    found = f"; {event.graphs_found} of {graphs} compiled graphs were there" if graphs else ""
    return (
        f"stack{size}: {len(event.cell_ids)} cells, {event.mode}, started in {duration(event.startup_seconds)}{found}"
    )


def _of_cell(what: str, key: str, state: RunState, reason: str = "") -> str:
    known = state.cells.get(key)
    return "" if known is None else f"{what}: {cell_result(known)}" + (reason and f": {reason}")

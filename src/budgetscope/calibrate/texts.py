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
from budgetscope.core.budget.quantities import format_count, format_flops
from budgetscope.core.language import N_, _, ngettext
from budgetscope.core.stored_words import stored_text
from budgetscope.core.wording import all_of, listed

if TYPE_CHECKING:
    from budgetscope.calibrate.plan.cells import Cell
    from budgetscope.calibrate.plan.request import Ready
    from budgetscope.calibrate.run.launches import WorkerView

STAGES = {0: N_("starting"), 1: N_("stage 1: learning rate, batch and beta2"), 2: N_("stage 2: sizes and budgets")}
STATUSES = (N_("done"), N_("running"), N_("waiting"), N_("diverged"), N_("failed"))
"""Statuses of cells as shown, in the order in which they are counted."""
PRICE_HEADER = (
    N_("stage"), N_("cells"), N_("N (sizes)"), "6ND FLOPs", N_("tokens, all cells"), N_("epochs, longest cell"),
    N_("time"), N_("memory"),
)  # fmt: skip


def stage_text(stage: int) -> str:
    """Return what a stage of a run finds."""
    return _(STAGES[stage]) if stage in STAGES else _("stage {n}").format(n=stage)


def duration(seconds: float) -> str:
    """Return a time in seconds, minutes or hours."""
    if seconds < 100:
        return _("{n} s").format(n=f"{seconds:.0f}")
    if seconds < 100 * 60:
        return _("{n} min").format(n=f"{seconds / 60:.0f}")
    return _("{n} h").format(n=f"{seconds / 3600:.1f}")


def heading(ready: "Ready") -> str:
    """Return the preset, the data and the device of a priced run."""
    spec, corpus = ready.spec, ready.spec.corpus
    return _(
        "{preset} calibration on {corpus}: text of {tokens} training tokens ({tokenizer}, vocabulary {vocabulary}), "
        "context {context}, on {device}"
    ).format(
        preset=spec.design.preset,
        corpus=corpus.title,
        tokens=format_count(corpus.train_tokens),
        tokenizer=corpus.tokenizer,
        vocabulary=corpus.vocab_size,
        context=spec.design.seq_len,
        device=ready.facts.name,
    )


def price_cells(stage: StagePrice, corpus: CorpusFacts) -> tuple[str, ...]:
    """Return the price of a stage as cells under `PRICE_HEADER`."""
    return (
        str(stage.stage),
        str(stage.cells),
        _("{low} to {high} ({n})").format(
            low=format_count(stage.sizes[0]), high=format_count(stage.sizes[-1]), n=len(stage.sizes)
        ),
        format_flops(stage.flops),
        format_count(stage.tokens),
        f"{corpus.epochs(stage.longest_tokens):.2g}",
        duration(stage.seconds),
        f"{stage.memory_bytes / 1e9:.2g} GB",
    )


def budgets(ready: "Ready") -> str:
    """Return the budgets of a design, with the number of sizes at each."""
    design = ready.spec.design
    sized = _("{flops} ({n} sizes)")
    each = listed(
        sized.format(flops=format_flops(c), n=sizes)
        for c, sizes in zip(design.budgets, ready.price.sizes_per_budget, strict=True)
    )
    if not design.decay:
        return _("budgets: {budgets}; {n} seeds a size").format(budgets=each, n=len(design.seeds))
    return _("budgets: {budgets}; {n} seeds a size, read after a decay over the last {share}% of its tokens").format(
        budgets=each, n=len(design.seeds), share=f"{100 * design.decay:.3g}"
    )


def in_all(ready: "Ready") -> str:
    """Return the total cost of a design."""
    price = ready.price
    measured = _("in all {flops} FLOPs and about {time} at measured rates")
    told = measured if price.rate.measured else _("in all {flops} FLOPs and about {time} at assumed rates")
    return told.format(flops=format_flops(price.flops), time=duration(price.seconds))


def status_word(logged: str, *, alive: bool, queue: str = "") -> str:
    """Return the status of a run.

    Args:
        logged: status in its logs; without a live worker, `running` is `interrupted`.
        alive: whether it has a live worker.
        queue: what its engine says of workers that wait or have just been placed; empty if there are none.
    """
    if queue and logged != "done":
        return "starting" if "running" in queue else "waiting"
    return "interrupted" if logged == "running" and not alive else logged


_RUN_STATUSES = (N_("done"), N_("running"), N_("stopped"), N_("failed"), N_("interrupted"), N_("starting"))


def status_text(status: str) -> str:
    """Return the status of a run as shown."""
    return _(status) if status in _RUN_STATUSES else status


def cell_status(state: CellState) -> str:
    """Return the status of a cell: one of `STATUSES`."""
    return "waiting" if state.status == "planned" else state.status


def counts(state: RunState) -> str:
    """Return the number of cells of the present stage by status."""
    if not state.cells:
        return _("no cell planned yet")
    found = Counter(cell_status(s) for s in state.of_stage(state.stage))
    counted = _("{n} {status}")
    each = listed(counted.format(n=found[name], status=_(name)) for name in STATUSES if found[name])
    return _("stage {stage}: {counts} of {n} cells").format(stage=state.stage, counts=each, n=found.total())


def speed(state: RunState, spec: Spec) -> str:
    """Return the present speed of a run and the time left; empty while neither is known."""
    parts = []
    training = state.training
    if training:
        tokens = sum(worker.tokens_per_s or 0.0 for worker in training)
        flops = sum(worker.flops_per_s or 0.0 for worker in training)
        peak = sum(worker.peak_flops_per_s or 0.0 for worker in training)
        known = {"tokens": format_count(tokens), "tflops": f"{flops / 1e12:.3g}"}
        if len(state.workers) > 1:
            told = _("{tokens} tokens/s, {tflops} TFLOP/s on {n} of {all} workers")
            parts.append(told.format(n=len(training), all=len(state.workers), **known))
        else:
            parts.append(_("{tokens} tokens/s, {tflops} TFLOP/s").format(**known))
        if peak:
            parts.append(f"MFU {flops / peak:.0%}")
    left = state.seconds_left(spec.design)
    if left is not None and state.status == "running":
        parts.append(_("about {time} left").format(time=duration(left)))
    return listed(parts)


def history(state: RunState) -> str:
    """Return the time that a run has trained, its start and its device; empty before it has trained."""
    if not state.trained_seconds or not state.started:
        return ""
    return ngettext(
        "trained for {time} in {n} worker, started {when} on {device}",
        "trained for {time} in {n} workers, started {when} on {device}",
        state.starts,
    ).format(
        time=duration(state.trained_seconds),
        n=state.starts,
        when=time.strftime("%Y-%m-%d %H:%M", time.localtime(state.started)),
        device=state.device,
    )


def average(state: RunState) -> str:
    """Return the average speed of a run; empty before it has trained."""
    if not state.trained_seconds:
        return ""
    tokens, flops = state.trained_tokens / state.trained_seconds, state.trained_flops / state.trained_seconds
    known = {"tokens": format_count(tokens), "tflops": f"{flops / 1e12:.3g}"}
    if state.mfu is None:
        return _("{tokens} tokens/s, {tflops} TFLOP/s on average").format(**known)
    return _("{tokens} tokens/s, {tflops} TFLOP/s, MFU {mfu} on average").format(mfu=f"{state.mfu:.0%}", **known)


WORKER_HEADER = (N_("worker"), N_("on"), "GPU", N_("trains"), "TFLOP/s", N_("silent"))


_DEEDS = {
    "trains": (N_("{n} trains"), N_("{n} train")),
    "waits": (N_("{n} waits"), N_("{n} wait")),
    "starts": (N_("{n} starts"), N_("{n} start")),
    "done": (N_("{n} done"),) * 2,
    "stopped": (N_("{n} stopped"),) * 2,
    "failed": (N_("{n} failed"),) * 2,
    "gone": (N_("{n} gone"),) * 2,
}
"""What a worker does or how it ended; in words for one and for several."""
_DEED_WORDS = (N_("trains"), N_("waits"), N_("starts"), N_("done"), N_("stopped"), N_("failed"), N_("gone"))


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
    each = listed(_(words[found[deed] > 1]).format(n=found[deed]) for deed, words in _DEEDS.items() if found[deed])
    return _("{n} workers: {counts}").format(n=len(views), counts=each)


def worker_cells(view: "WorkerView", state: RunState) -> tuple[str, ...]:
    """Return a worker as cells under `WORKER_HEADER`."""
    worker, doing = view.state, _deed(view)
    found = [state.cells[key] for key in worker.running if key in state.cells]
    if found and doing == "trains":
        left = sum(not s.finished for s in found)
        told = ngettext("N={size}, {n} cell", "N={size}, {n} cells", left)
        doing = told.format(size=format_count(found[0].cell.n_params), n=left)
    else:
        doing = _(doing) if doing in _DEED_WORDS else doing
    rate = "-" if worker.flops_per_s is None else f"{worker.flops_per_s / 1e12:.3g}"
    silent = "-" if view.silent_seconds is None else duration(view.silent_seconds)
    return worker.slot, worker.host or "-", worker.gpu or "-", doing, rate, silent


def cell_text(cell: "Cell") -> str:
    """Return the size and the hyperparameters of a cell."""
    return _("N={size}, lr {rate}, batch {batch}, beta2 {beta2}").format(
        size=format_count(cell.n_params),
        rate=f"{cell.learning_rate:.2g}",
        batch=f"{cell.batch_sequences} x {cell.shape.seq_len}",
        beta2=f"{cell.beta2:g}",
    )


def cell_result(state: CellState) -> str:
    """Return the final loss of a cell if it is done, and its size and hyperparameters."""
    loss = "" if state.final_loss is None else f"{state.final_loss:.4f} nats"
    return listed(filter(None, (loss, cell_text(state.cell))))


def best(state: RunState) -> str:
    """Return the cell with the lowest loss; empty before there is one."""
    if state.best is None:
        return ""
    told = _("best: {cell}") if state.status == "done" else _("best so far: {cell}")
    return told.format(cell=cell_result(state.best))


def event_text(event: Event | None, state: RunState) -> str:
    """Return an event as a line of a log; empty for frequent events.

    Args:
        event: None for an unknown kind.
        state: of the run after the event.
    """
    match event:
        case progress.Finished():
            return _of_cell(_("done"), event.cell_id, state)
        case progress.Diverged():
            return _of_cell(_("! diverged"), event.cell_id, state, event.reason)
        case events.CellFailed():
            return _of_cell(_("! failed"), event.cell, state, event.reason)
        case progress.Started() | progress.Split() | progress.CheckpointLost():
            return _of_stack(event, state)
        case _:
            return _of_run(event)


def _of_run(event: Event | None) -> str:
    text = ""
    match event:
        case events.RunStarted():
            text = _("training begins on {device}").format(device=event.device)
        case events.StagePlanned():
            # A plan has many records: one a slice.
            planned = _("stage {stage} is planned").format(stage=event.stage) if event.complete else ""
            text = "; ".join(filter(None, (planned, stored_text(event.note) if event.note else "")))
        case events.Note():
            said = stored_text(event.text)
            text = f"! {said}" if event.problem else said
        case events.FitWritten():
            text = _("the fit {fit} is written").format(fit=event.fit_id)
        case events.RunDone():
            text = _reasoned(status_text(event.status), event.reason)
        case events.Waiting():
            text = _("waits: every slice that is left is taken")
    return text


def _of_stack(event: progress.Started | progress.Split | progress.CheckpointLost, state: RunState) -> str:
    if isinstance(event, progress.CheckpointLost):
        return _("! a checkpoint is lost, and its stack starts anew: {reason}").format(reason=event.reason)
    if isinstance(event, progress.Split):
        return _("a stack of {n} did not fit into memory: {sizes}").format(
            n=sum(event.sizes), sizes=all_of(map(str, event.sizes))
        )
    first = next((state.cells[key] for key in event.cell_ids if key in state.cells), None)
    known = {"n": len(event.cell_ids), "mode": event.mode, "time": duration(event.startup_seconds)}
    if first is None:
        told = _("stack: {n} cells, {mode}, started in {time}").format(**known)
    else:
        size = format_count(first.cell.n_params)
        told = _("stack of N={size}: {n} cells, {mode}, started in {time}").format(size=size, **known)
    graphs = event.graphs_found + event.graphs_compiled
    if not graphs:
        return told
    return _("{stack}; {found} of {all} compiled graphs were there").format(
        stack=told, found=event.graphs_found, all=graphs
    )


def _of_cell(what: str, key: str, state: RunState, reason: str = "") -> str:
    known = state.cells.get(key)
    if known is None:
        return ""
    return _reasoned(_("{what}: {cell}").format(what=what, cell=cell_result(known)), reason)


def _reasoned(text: str, reason: str) -> str:
    return _("{text}: {reason}").format(text=text, reason=reason) if reason else text

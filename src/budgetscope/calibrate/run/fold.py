"""The state of one log: a pure fold over its records, shared by all readers."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import reduce

from budgetscope.calibrate.plan.cells import Cell
from budgetscope.calibrate.run import events, progress
from budgetscope.calibrate.run.events import Event, Record

CURVE_POINTS = 48
"""Points of a training curve from which on it is thinned: every second point goes when there are twice as many."""
_KEPT_POINTS = 16
"""Of a curve whose cell is trained, at most twice as many: a run of thousands of cells is watched for days."""
# A worker writes every ten seconds, whatever it does.
_AWAY_SECONDS = 90.0
_NOTES = 50
FINISHED = ("done", "diverged", "failed")
"""Statuses of a cell that needs no more training."""


@dataclass(frozen=True, slots=True)
class Measured:
    """One reading: its tokens, mean and standard deviation of its loss in nats per token, their number, its decay."""

    tokens: int
    loss: float
    loss_sd: float
    n_evaluations: int
    decay_tokens: int = 0

    @property
    def begin(self) -> int:
        """Tokens of the run at constant rate at which it is taken: without a decay, `tokens`."""
        return self.tokens - self.decay_tokens


@dataclass(frozen=True, slots=True)
class Trained:
    """What one log says of one cell.

    Attributes:
        status: `running`, or one of `FINISHED`.
        tokens: training tokens so far.
        curve: training loss as (tokens, nats per token).
        readings: ascending by tokens.
        reason: why it failed or diverged.
    """

    status: str = "running"
    tokens: int = 0
    curve: tuple[tuple[int, float], ...] = ()
    readings: tuple[Measured, ...] = ()
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Planned:
    """A cell in a plan, its stage, and the name of its slice."""

    cell: Cell
    stage: int
    slice: str


@dataclass(frozen=True, slots=True)
class Told:
    """A sentence in a log, its time, and whether it weakens the result."""

    t: float
    text: str
    problem: bool = False


@dataclass(frozen=True, slots=True)
class LogState:
    """The state of one log.

    Attributes:
        key: the name of the log without its ending; sorts by launch, slot and start.
        launch: number of the launch that started the worker.
        slot: the worker's number in its launch.
        start: 1 for the first start of the slot.
        status: `new`, `running`, `stopped`, `done` or `failed`.
        reason: why the worker stopped or failed.
        records: number of records.
        last_seq: of the last record; -1 before the first.
        starts: number of workers that wrote it; more than one only in a log of old.
        begun: the worker; None in a plan and in a log of old.
        spec_sha256: hash of the spec that the worker read.
        device: its name.
        versions: of the software.
        settings: resolved training settings.
        peak_flops_per_s: measured matrix rate; None if not measured.
        plan: cells in the order of planning.
        complete: whether the plan's last record has been read.
        cells: what was trained, by id.
        slice: name of the slice that trains; empty if none.
        running: ids of the cells of the stack that trains.
        started, last: times of the first and the last record, seconds since 1970.
        step_at: time and tokens of the last step of the stack that trains; None between stacks.
        trained_flops: executed FLOPs of all steps, attention counted.
        trained_seconds: time of these steps, without gaps in which the worker was suspended or its clock was set.
        trained_tokens: tokens of all members in these steps.
        startup_seconds: sum over all stacks.
        flops_per_s, tokens_per_s: of the last step of the stack that trains; None between stacks.
        told: the latest sentences.
        unreadable: number of lines that are not records.
        fit_id, fit_path: of the fit; empty before it is written.
    """

    key: str = ""
    launch: int = 0
    slot: str = "0"
    start: int = 1
    status: str = "new"
    reason: str = ""
    records: int = 0
    last_seq: int = -1
    starts: int = 0
    begun: events.WorkerStarted | None = None
    spec_sha256: str = ""
    device: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=dict)
    peak_flops_per_s: float | None = None
    plan: tuple[Planned, ...] = ()
    complete: bool = False
    cells: Mapping[str, Trained] = field(default_factory=dict)
    slice: str = ""
    running: tuple[str, ...] = ()
    started: float | None = None
    last: float | None = None
    step_at: tuple[float, int] | None = None
    trained_flops: float = 0.0
    trained_seconds: float = 0.0
    trained_tokens: int = 0
    startup_seconds: float = 0.0
    flops_per_s: float | None = None
    tokens_per_s: float | None = None
    told: tuple[Told, ...] = ()
    unreadable: int = 0
    fit_id: str = ""
    fit_path: str = ""

    @property
    def ended(self) -> bool:
        """Whether the worker has said how it ended."""
        return self.status in ("stopped", "done", "failed")

    @property
    def whole(self) -> bool:
        """Whether no record of a plan is missing."""
        return self.complete and not self.unreadable and self.records == self.last_seq + 1


def fold(records: Iterable[Record], state: LogState | None = None) -> LogState:
    """Return the state of a log after more records."""
    return reduce(_advance, records, state or LogState())


def _without_gap(state: LogState, t: float) -> tuple[float, int] | None:
    """Return `step_at` as if the worker had not been away: suspended, asleep, or its clock set."""
    if state.step_at is None or state.last is None or 0 <= t - state.last <= _AWAY_SECONDS:
        return state.step_at
    then, tokens = state.step_at
    return then + t - state.last, tokens


def _advance(state: LogState, record: Record) -> LogState:
    state = replace(
        state,
        step_at=_without_gap(state, record.t),
        records=state.records + 1,
        last_seq=record.seq,
        started=record.t if state.started is None else state.started,
        last=record.t,
        # A log of old holds several starts, one after another.
        starts=max(state.starts, 1 if state.launch else record.generation),
    )
    match record.event:
        case events.WorkerStarted() as begun:
            state = replace(state, begun=begun, status="running")
        case events.RunStarted() as started:
            state = _started(state, started)
        case events.StagePlanned() as plan:
            state = _planned(state, plan, record.t)
        case progress.Started() as stack:
            state = _restart(state, stack, record.t)
        case progress.Step() as step:
            state = _step(state, step, record.t)
        case progress.LossReading() as reading:
            state = _read(state, reading)
        case events.RunDone(status, reason):
            state = replace(_idle(state), status=status, reason=reason, slice="")
        case event:
            state = _minor(state, event, record.t)
    return state


def _minor(state: LogState, event: Event | None, t: float) -> LogState:
    match event:
        case events.SliceTaken(name):
            state = replace(_idle(state), slice=name)
        case events.Waiting():
            state = replace(_idle(state), slice="")
        case progress.Diverged(cell, tokens, reason):
            state = _update(state, cell, status="diverged", tokens=tokens, reason=reason)
        case progress.Finished(cell):
            curve = state.cells.get(cell, Trained()).curve
            state = _update(state, cell, status="done", curve=_thinned(curve, _KEPT_POINTS))
        case events.CellFailed(cell, reason):
            state = _update(state, cell, status="failed", reason=reason)
        case progress.Split(sizes):
            parts = " and ".join(map(str, sizes))
            state = _tell(state, Told(t, f"a stack of {sum(sizes)} did not fit into memory and goes on as {parts}"))
        case progress.CheckpointLost(reason):
            state = _tell(state, Told(t, f"a checkpoint is lost, and its stack starts anew: {reason}"))
        case events.Note(text, problem):
            state = _tell(state, Told(t, text, problem))
        case events.FitWritten(fit_id, path):
            state = replace(state, fit_id=fit_id, fit_path=path)
    return state


def _started(state: LogState, event: events.RunStarted) -> LogState:
    return replace(
        _idle(state),
        status="running",
        reason="",
        spec_sha256=event.spec_sha256,
        device=event.device,
        versions=event.versions,
        settings=event.settings,
        peak_flops_per_s=event.peak_flops_per_s or state.peak_flops_per_s,
    )


def _idle(state: LogState) -> LogState:
    """Return the state with no stack that trains."""
    return replace(state, running=(), step_at=None, flops_per_s=None, tokens_per_s=None)


def _planned(state: LogState, event: events.StagePlanned, t: float) -> LogState:
    new = tuple(Planned(cell, event.stage, event.slice) for cell in event.cells)
    state = replace(state, plan=(*state.plan, *new), complete=event.complete)
    return _tell(state, Told(t, event.note)) if event.note else state


def _restart(state: LogState, stack: progress.Started, t: float) -> LogState:
    """Return the state with the cells of a stack set back to where the stack starts; later progress was lost."""
    # Members of a stack that was split wait until their part trains.
    state = _idle(state)
    back = {}
    for key in stack.cell_ids:
        known = state.cells.get(key, Trained())
        back[key] = replace(
            known,
            status="running",
            tokens=stack.tokens,
            curve=tuple(p for p in known.curve if p[0] <= stack.tokens),
            readings=tuple(r for r in known.readings if r.begin <= stack.tokens),
            reason="",
        )
    return replace(
        state,
        cells={**state.cells, **back},
        running=stack.cell_ids,
        step_at=(t, stack.tokens),
        startup_seconds=state.startup_seconds + stack.startup_seconds,
    )


def _step(state: LogState, step: progress.Step, t: float) -> LogState:
    new = {}
    for key, loss in zip(step.cell_ids, step.train_loss, strict=False):
        known = state.cells.get(key, Trained())
        if known.status in FINISHED or loss is None:
            continue
        # Losses on a branch are not those of the run at constant rate that goes on from where it began.
        curve = known.curve if step.branch else _extend(known.curve, step.tokens, loss)
        new[key] = replace(known, tokens=step.tokens, curve=curve)
    then, before = state.step_at or (t, step.tokens)
    since = before if step.since is None else step.since
    seconds, tokens = max(t - then, 0.0), max(step.tokens - since, 0) * len(new)
    flops_a_token = step.model_flops_per_s / step.tokens_per_s if step.tokens_per_s else 0.0
    return replace(
        state,
        cells={**state.cells, **new},
        step_at=(t, step.tokens),
        trained_flops=state.trained_flops + (tokens * flops_a_token if math.isfinite(flops_a_token) else 0.0),
        trained_seconds=state.trained_seconds + seconds,
        trained_tokens=state.trained_tokens + tokens,
        flops_per_s=step.model_flops_per_s,
        tokens_per_s=step.tokens_per_s,
    )


def _extend(curve: tuple[tuple[int, float], ...], tokens: int, loss: float) -> tuple[tuple[int, float], ...]:
    """Return the curve with one more point, thinned so that it stays below twice `CURVE_POINTS`."""
    curve = (*(p for p in curve if p[0] < tokens), (tokens, loss))
    return _thinned(curve, CURVE_POINTS)


def _thinned(curve: tuple[tuple[int, float], ...], points: int) -> tuple[tuple[int, float], ...]:
    """Return a curve of fewer than twice so many points: every second one goes as often as needed, the last stays."""
    while len(curve) >= 2 * points:
        curve = curve[1::2] if len(curve) % 2 == 0 else curve[::2]
    return curve


def _read(state: LogState, event: progress.LossReading) -> LogState:
    known = state.cells.get(event.cell_id, Trained())
    others = [r for r in known.readings if r.tokens != event.tokens]
    found = Measured(event.tokens, event.loss, event.loss_sd, event.n_evaluations, event.decay_tokens)
    readings = tuple(sorted([*others, found], key=lambda r: r.tokens))
    # After a branch, training goes on from where it began.
    tokens = found.begin if found.decay_tokens else known.tokens
    return _update(state, event.cell_id, readings=readings, tokens=tokens)


def _update(state: LogState, key: str, **changes: object) -> LogState:
    known = state.cells.get(key, Trained())
    if known.status in FINISHED:
        return state
    return replace(state, cells={**state.cells, key: replace(known, **changes)})  # type: ignore[arg-type]


def _tell(state: LogState, told: Told) -> LogState:
    problems = [each for each in state.told if each.problem]
    if told.problem and told.text in [each.text for each in problems]:
        return state
    kept = [each for each in state.told if not each.problem][-_NOTES:]
    return replace(state, told=tuple(sorted([*problems, *kept, told], key=lambda each: each.t)))

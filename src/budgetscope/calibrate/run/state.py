"""The state of a run: a pure fold over the records of its log, shared by all readers."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import reduce

from budgetscope.calibrate.plan.cells import Cell
from budgetscope.calibrate.plan.design import Design
from budgetscope.calibrate.run import events, progress
from budgetscope.calibrate.run.events import Event, Record

CURVE_POINTS = 48
"""Most points of a training curve: the last of each equal share of the tokens."""
_NOTES = 50


@dataclass(frozen=True, slots=True)
class Measured:
    """One reading: its tokens, mean and standard deviation of its loss in nats per token, their number, the decay."""

    tokens: int
    loss: float
    loss_sd: float
    n_evaluations: int
    decay: float = 0.0


@dataclass(frozen=True, slots=True)
class CellState:
    """The progress of one cell.

    Attributes:
        cell: the cell.
        stage: 1 or 2.
        status: `planned`, `running`, `done`, `diverged` or `failed`.
        tokens: training tokens so far.
        curve: training loss as (tokens, nats per token), at most `CURVE_POINTS`.
        readings: ascending by tokens.
        reason: why it failed or diverged.
    """

    cell: Cell
    stage: int
    status: str = "planned"
    tokens: int = 0
    curve: tuple[tuple[int, float], ...] = ()
    readings: tuple[Measured, ...] = ()
    reason: str = ""

    @property
    def finished(self) -> bool:
        """Whether it needs no more training."""
        return self.status in ("done", "diverged", "failed")

    @property
    def final_loss(self) -> float | None:
        """Validation loss at the end; None unless the cell is done."""
        return self.readings[-1].loss if self.status == "done" and self.readings else None


@dataclass(frozen=True, slots=True)
class RunState:
    """The state of a run by its log.

    Attributes:
        status: `new`, `running`, `stopped`, `done` or `failed`.
        reason: why the run stopped or failed.
        records: number of records.
        generation: of the last worker.
        spec_sha256: hash of the spec that the worker read.
        device: its name.
        versions: of the software.
        settings: resolved training settings.
        peak_flops_per_s: measured matrix rate; None if not measured.
        stage: the stage planned last; 0 before the first.
        planned: whether that stage's plan is complete.
        cells: by id, in the order of planning.
        running: ids of the cells of the stack that trains.
        started, last: times of the first and the last record, seconds since 1970.
        step_at: time and tokens of the last step of the stack that trains; None between stacks.
        trained_flops: executed FLOPs of all steps of all generations, attention counted.
        trained_seconds: time of these steps.
        trained_tokens: tokens of all members in these steps.
        startup_seconds: sum over all stacks.
        flops_per_s, tokens_per_s: of the last step.
        notes: the latest notes.
        problems: notes that weaken the result.
        unreadable: number of lines of the log that are not records.
        fit_id, fit_path: of the fit; empty before it is written.
    """

    status: str = "new"
    reason: str = ""
    records: int = 0
    generation: int = 0
    spec_sha256: str = ""
    device: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=dict)
    peak_flops_per_s: float | None = None
    stage: int = 0
    planned: bool = False
    cells: Mapping[str, CellState] = field(default_factory=dict)
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
    notes: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    unreadable: int = 0
    fit_id: str = ""
    fit_path: str = ""

    def of_stage(self, stage: int) -> tuple[CellState, ...]:
        """Return the cells of a stage, in the order of planning."""
        return tuple(state for state in self.cells.values() if state.stage == stage)

    @property
    def damage(self) -> str:
        """A sentence on the lines of the log that cannot be read; empty if there is none."""
        if not self.unreadable:
            return ""
        return f"Lines of the run's log that cannot be read: {self.unreadable}; what they held is left out."

    @property
    def mfu(self) -> float | None:
        """Training rate so far as a share of the measured matrix rate; None if that was not measured."""
        if self.peak_flops_per_s is None or self.trained_seconds == 0:
            return None
        return self.trained_flops / self.trained_seconds / self.peak_flops_per_s

    @property
    def remaining_flops(self) -> float:
        """Executed FLOPs that the planned cells still take."""
        return sum(
            s.cell.shape.executed_flops_per_token * s.cell.tokens_left(s.tokens, [r.tokens for r in s.readings])
            for s in self.cells.values()
            if not s.finished
        )

    @property
    def best(self) -> CellState | None:
        """The done cell of the latest stage with the lowest final loss."""
        done = [s for s in self.cells.values() if s.stage == self.stage and s.final_loss is not None]
        return min(done, key=lambda s: s.final_loss or 0.0, default=None)

    def seconds_left(self, design: Design) -> float | None:
        """Return the time that the run still takes at its average rate; None before it has one.

        Args:
            design: of the run; its own stage 2 counts until stage 2 is planned.
        """
        if not self.trained_seconds or not self.trained_flops:
            return None
        to_come = design.stage2 if self.stage < 2 else ()
        flops = self.remaining_flops + sum(c.shape.executed_flops_per_token * c.trained_tokens for c in to_come)
        return flops * self.trained_seconds / self.trained_flops


def fold(records: Iterable[Record], state: RunState | None = None) -> RunState:
    """Return the state after more records."""
    return reduce(_advance, records, state or RunState())


def _advance(state: RunState, record: Record) -> RunState:
    state = replace(
        state,
        records=state.records + 1,
        started=record.t if state.started is None else state.started,
        last=record.t,
        generation=max(state.generation, record.generation),
    )
    match record.event:
        case events.RunStarted() as started:
            state = _started(state, started)
        case events.StagePlanned() as plan:
            state = _planned(state, plan)
        case progress.Started() as stack:
            state = _restart(state, stack, record.t)
        case progress.Step() as step:
            state = _step(state, step, record.t)
        case progress.LossReading() as reading:
            state = _read(state, reading)
        case events.RunDone(status, reason):
            state = replace(_idle(state), status=status, reason=reason)
        case event:
            state = _minor(state, event)
    return state


def _minor(state: RunState, event: Event | None) -> RunState:
    match event:
        case progress.Diverged(cell, tokens, reason):
            state = _update(state, cell, status="diverged", tokens=tokens, reason=reason)
        case progress.Finished(cell) if cell in state.cells and _is_whole(state.cells[cell]):
            state = _update(state, cell, status="done", tokens=state.cells[cell].cell.tokens)
        case events.CellFailed(cell, reason):
            state = _update(state, cell, status="failed", reason=reason)
        case progress.Split(sizes):
            parts = " and ".join(map(str, sizes))
            state = _note(state, f"a stack of {sum(sizes)} did not fit into memory and goes on as {parts}")
        case progress.CheckpointLost(reason):
            state = _note(state, f"a checkpoint is lost, and its stack starts anew: {reason}")
        case events.Note(text, problem):
            state = _note(state, text)
            if problem and text not in state.problems:
                state = replace(state, problems=(*state.problems, text))
        case events.FitWritten(fit_id, path):
            state = replace(state, fit_id=fit_id, fit_path=path)
    return state


def _is_whole(state: CellState) -> bool:
    """Whether a cell has all its readings; one that a damaged line of the log held is measured again."""
    return {reading.tokens for reading in state.readings}.issuperset(state.cell.readings)


def _started(state: RunState, event: events.RunStarted) -> RunState:
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


def _idle(state: RunState) -> RunState:
    """Return the state with no cell running: cells that a dead worker left unfinished are planned again."""
    cells = {key: replace(s, status="planned") if s.status == "running" else s for key, s in state.cells.items()}
    return replace(state, cells=cells, running=(), step_at=None, flops_per_s=None, tokens_per_s=None)


def _planned(state: RunState, event: events.StagePlanned) -> RunState:
    new = {c.id: CellState(c, event.stage) for c in event.cells if c.id not in state.cells}
    state = replace(state, cells={**state.cells, **new}, stage=event.stage, planned=event.complete)
    return _note(state, event.note) if event.note else state


def _restart(state: RunState, stack: progress.Started, t: float) -> RunState:
    """Return the state with the cells of a stack set back to where the stack starts; later progress was lost."""
    # Members of a stack that was split wait until their part trains.
    state = _idle(state)
    back = {
        key: replace(
            s,
            status="running",
            tokens=stack.tokens,
            curve=tuple(p for p in s.curve if p[0] <= stack.tokens),
            readings=tuple(r for r in s.readings if s.cell.branch(r.tokens) <= stack.tokens),
        )
        for key in stack.cell_ids
        if (s := state.cells.get(key)) is not None and not s.finished
    }
    return replace(
        state,
        cells={**state.cells, **back},
        running=stack.cell_ids,
        step_at=(t, stack.tokens),
        startup_seconds=state.startup_seconds + stack.startup_seconds,
    )


def _step(state: RunState, step: progress.Step, t: float) -> RunState:
    new, flops_per_token = {}, 0.0
    for key, loss in zip(step.cell_ids, step.train_loss, strict=False):
        known = state.cells.get(key)
        if known is None or known.finished or loss is None:
            continue
        flops_per_token += known.cell.shape.executed_flops_per_token
        # Losses on a branch are not those of the run at constant rate that goes on from where it began.
        curve = known.curve if step.branch else _extend(known, step.tokens, loss)
        new[key] = replace(known, status="running", tokens=step.tokens, curve=curve)
    then, before = state.step_at or (t, step.tokens)
    since = before if step.since is None else step.since
    seconds, tokens = max(t - then, 0.0), max(step.tokens - since, 0)
    return replace(
        state,
        cells={**state.cells, **new},
        step_at=(t, step.tokens),
        trained_flops=state.trained_flops + flops_per_token * tokens,
        trained_seconds=state.trained_seconds + seconds,
        trained_tokens=state.trained_tokens + tokens * len(new),
        flops_per_s=step.model_flops_per_s,
        tokens_per_s=step.tokens_per_s,
    )


def _extend(state: CellState, tokens: int, loss: float) -> tuple[tuple[int, float], ...]:
    """Return the curve with one more point; it keeps the last point of each equal share of the tokens."""
    share = max(1, state.cell.tokens // CURVE_POINTS)
    curve = tuple(p for p in state.curve if p[0] < tokens)
    if curve and curve[-1][0] // share == tokens // share:
        curve = curve[:-1]
    return (*curve, (tokens, loss))


def _read(state: RunState, event: progress.LossReading) -> RunState:
    known = state.cells.get(event.cell_id)
    if known is None or known.finished:
        return state
    others = [r for r in known.readings if r.tokens != event.tokens]
    found = Measured(event.tokens, event.loss, event.loss_sd, event.n_evaluations, event.decay)
    readings = tuple(sorted([*others, found], key=lambda r: r.tokens))
    # After a branch, training goes on from where it began.
    tokens = known.cell.branch(event.tokens) if event.decay else known.tokens
    return _update(state, event.cell_id, readings=readings, tokens=tokens)


def _update(state: RunState, key: str, **changes: object) -> RunState:
    known = state.cells.get(key)
    if known is None or known.finished:
        return state
    return replace(state, cells={**state.cells, key: replace(known, **changes)})  # type: ignore[arg-type]


def _note(state: RunState, text: str) -> RunState:
    return replace(state, notes=(*state.notes, text)[-_NOTES:])

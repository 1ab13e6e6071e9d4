"""The state of a run: what its logs say together, in whatever order they are read."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from budgetscope.calibrate.plan.cells import Cell
from budgetscope.calibrate.plan.design import Design
from budgetscope.calibrate.run.fold import FINISHED, LogState, Measured, Planned, Told, Trained

_NOTES = 50


@dataclass(frozen=True, slots=True)
class CellState:
    """The progress of one cell.

    Attributes:
        cell: the cell.
        stage: 1 or 2.
        status: `planned`, `running`, `done`, `diverged` or `failed`.
        tokens: training tokens so far.
        curve: training loss as (tokens, nats per token).
        readings: ascending by tokens.
        reason: why it failed or diverged.
        slice: name of its slice; empty for one slice a shape.
    """

    cell: Cell
    stage: int
    status: str = "planned"
    tokens: int = 0
    curve: tuple[tuple[int, float], ...] = ()
    readings: tuple[Measured, ...] = ()
    reason: str = ""
    slice: str = ""

    @property
    def finished(self) -> bool:
        """Whether it needs no more training."""
        return self.status in FINISHED

    @property
    def final_loss(self) -> float | None:
        """Validation loss at the end; None unless the cell is done."""
        return self.readings[-1].loss if self.status == "done" and self.readings else None


@dataclass(frozen=True, slots=True)
class WorkerState:
    """One worker of the latest launch, by its log.

    Attributes:
        key: name of its log.
        slot: its number in the launch.
        start: 1 for its first start, 2 after the engine started it again, and so on.
        status: `running`, `stopped`, `done` or `failed`.
        host, pid: of its process; empty and 0 if unknown.
        gpu: the GPUs that it may use; empty if unknown.
        device: name of the device; empty until it has one.
        running: ids of the cells that it trains.
        flops_per_s, tokens_per_s: of its last step; None between stacks.
        peak_flops_per_s: measured matrix rate of its device; None if not measured.
    """

    key: str
    slot: str
    start: int
    status: str
    host: str
    pid: int
    gpu: str
    device: str
    running: tuple[str, ...]
    flops_per_s: float | None
    tokens_per_s: float | None
    peak_flops_per_s: float | None


@dataclass(frozen=True, slots=True)
class RunState:
    """The state of a run by its logs.

    Attributes:
        status: `new`, `running`, `stopped`, `done` or `failed`.
        reason: why the run stopped or failed.
        records: number of records.
        starts: number of starts of workers.
        spec_sha256: hash of the spec that the workers read.
        device: name of the last worker's device.
        versions: of its software.
        settings: its resolved training settings.
        peak_flops_per_s: measured matrix rate of a device; None if not measured.
        stage: the stage planned last; 0 before the first.
        planned: whether that stage's plan is complete.
        cells: by id, in the order of planning.
        running: ids of the cells that train.
        workers: of the latest launch.
        started, last: times of the first and the last record, seconds since 1970.
        trained_flops: executed FLOPs of all steps of all workers, attention counted.
        trained_seconds: time of these steps, summed over the workers.
        trained_tokens: tokens of all members in these steps.
        startup_seconds: sum over all stacks.
        notes: the latest notes.
        problems: notes that weaken the result.
        unreadable: number of lines of the logs that are not records.
        fit_id, fit_path: of the fit; empty before it is written.
    """

    status: str = "new"
    reason: str = ""
    records: int = 0
    starts: int = 0
    spec_sha256: str = ""
    device: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=dict)
    peak_flops_per_s: float | None = None
    stage: int = 0
    planned: bool = False
    cells: Mapping[str, CellState] = field(default_factory=dict)
    running: tuple[str, ...] = ()
    workers: tuple[WorkerState, ...] = ()
    started: float | None = None
    last: float | None = None
    trained_flops: float = 0.0
    trained_seconds: float = 0.0
    trained_tokens: int = 0
    startup_seconds: float = 0.0
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
        """A sentence on the lines of the logs that cannot be read; empty if there is none."""
        if not self.unreadable:
            return ""
        return f"Lines of the run's log that cannot be read: {self.unreadable}; what they held is left out."

    @property
    def mfu(self) -> float | None:
        """Training rate of a device so far as a share of its measured matrix rate; None if that was not measured."""
        if self.peak_flops_per_s is None or self.trained_seconds == 0:
            return None
        return self.trained_flops / self.trained_seconds / self.peak_flops_per_s

    @property
    def training(self) -> tuple[WorkerState, ...]:
        """The workers that train at present."""
        return tuple(worker for worker in self.workers if worker.flops_per_s is not None)

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
        """Return the time that the run still takes at the average rate of its workers; None before it has one.

        Args:
            design: of the run; its own stage 2 counts until stage 2 is planned.
        """
        if not self.trained_seconds or not self.trained_flops:
            return None
        to_come = design.stage2 if self.stage < 2 else ()
        flops = self.remaining_flops + sum(c.shape.executed_flops_per_token * c.trained_tokens for c in to_come)
        workers = sum(worker.status == "running" for worker in self.workers)
        return flops * self.trained_seconds / self.trained_flops / max(1, workers)


def combine(logs: Iterable[LogState]) -> RunState:
    """Return the state of a run from the states of its logs, in any order.

    A cell that several workers trained, because one of them was taken for dead, counts as the first of their logs has
    it that finished it.
    """
    ordered = sorted(logs, key=lambda log: (log.launch, log.slot, log.start, log.key))
    plan = _plan(ordered)
    current = _current(ordered)
    # What a log says of a cell that its worker no longer trains is progress, but does not run.
    active = {key: log for log in current if log.status == "running" for key in log.running}
    trained: dict[str, list[LogState]] = {}
    for log in ordered:
        for key in log.cells:
            trained.setdefault(key, []).append(log)
    cells = {key: _cell(planned, trained.get(key, ()), active.get(key)) for key, planned in plan.items()}
    stage = max((planned.stage for planned in plan.values()), default=0)
    told = sorted((each for log in ordered for each in log.told), key=lambda each: each.t)
    devices = [log for log in ordered if log.device]
    last = max(devices, key=lambda log: log.last or 0.0, default=LogState())
    fitted = max((log for log in ordered if log.fit_id), key=lambda log: log.last or 0.0, default=LogState())
    status, reason = _status(ordered, current)
    return RunState(
        status=status,
        reason=reason,
        records=sum(log.records for log in ordered),
        starts=sum(log.starts for log in ordered),
        spec_sha256=next((log.spec_sha256 for log in ordered if log.spec_sha256), ""),
        device=last.device,
        versions=last.versions,
        settings=last.settings,
        peak_flops_per_s=max((log.peak_flops_per_s for log in ordered if log.peak_flops_per_s), default=None),
        stage=stage,
        planned=any(_plans_all_of(log, stage) for log in ordered),
        cells=cells,
        running=tuple(key for key in cells if key in active),
        workers=tuple(_worker(log) for log in current if log.starts),
        started=min((log.started for log in ordered if log.started is not None), default=None),
        last=max((log.last for log in ordered if log.last is not None), default=None),
        trained_flops=sum(log.trained_flops for log in ordered),
        trained_seconds=sum(log.trained_seconds for log in ordered),
        trained_tokens=sum(log.trained_tokens for log in ordered),
        startup_seconds=sum(log.startup_seconds for log in ordered),
        notes=_texts(told)[-_NOTES:],
        problems=_texts(each for each in told if each.problem),
        unreadable=sum(log.unreadable for log in ordered),
        fit_id=fitted.fit_id,
        fit_path=fitted.fit_path,
    )


def _plan(logs: Sequence[LogState]) -> dict[str, Planned]:
    """Return the planned cells by id, in the order of planning; a plan that was written again adds what was lost."""
    planned: dict[str, Planned] = {}
    for log in logs:
        for each in log.plan:
            planned.setdefault(each.cell.id, each)
    return planned


def _plans_all_of(log: LogState, stage: int) -> bool:
    """Whether a log holds a plan of the stage whose last record was read; of a file with one plan, all records."""
    if not log.plan or log.plan[-1].stage != stage:
        return False
    return log.complete if log.starts else log.whole


def _current(logs: Sequence[LogState]) -> tuple[LogState, ...]:
    """Return the log of the last start of each worker of the latest launch."""
    written = [log for log in logs if log.starts]
    latest = max((log.launch for log in written), default=0)
    slots = {log.slot: log for log in written if log.launch == latest}
    return tuple(sorted(slots.values(), key=lambda log: (len(log.slot), log.slot)))


def _status(logs: Sequence[LogState], current: Sequence[LogState]) -> tuple[str, str]:
    """Return the status of a run and its reason."""
    found = {log.status for log in current}
    if "done" in found:
        return "done", ""
    if "running" in found:
        return "running", ""
    ended = [log for log in current if log.ended]
    if not ended:
        return ("running" if any(log.records for log in logs if log.starts) else "new"), ""
    last = max(ended, key=lambda log: log.last or 0.0)
    return last.status, last.reason


def _worker(log: LogState) -> WorkerState:
    begun = log.begun
    return WorkerState(
        key=log.key,
        slot=log.slot,
        start=log.start,
        status=log.status,
        host="" if begun is None else begun.host,
        pid=0 if begun is None else begun.pid,
        gpu="" if begun is None else begun.gpu,
        device=log.device,
        running=log.running,
        flops_per_s=log.flops_per_s,
        tokens_per_s=log.tokens_per_s,
        peak_flops_per_s=log.peak_flops_per_s,
    )


def _texts(told: Iterable[Told]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(each.text for each in told))


def _cell(planned: Planned, logs: Sequence[LogState], active: LogState | None) -> CellState:
    """Return the state of one cell from the logs that hold some of it."""
    cell, key = planned.cell, planned.cell.id
    state = CellState(cell, planned.stage, slice=planned.slice)
    if not logs:
        return state
    found = [log.cells[key] for log in logs]
    finished = next((each for each in found if each.status in FINISHED and _is_whole(each, found, cell)), None)
    # Without a finish, the worker that trains it now counts, else the one that came furthest.
    chosen = finished or (active.cells[key] if active and key in active.cells else max(found, key=lambda t: t.tokens))
    tokens = cell.tokens if chosen.status == "done" and finished else chosen.tokens
    status = finished.status if finished else "running" if active else "planned"
    # A worker that took over a checkpoint does not repeat what was reported before it.
    begin = chosen.curve[0][0] if chosen.curve else tokens
    before = {t: loss for each in found if each is not chosen for t, loss in each.curve if t < begin}
    return CellState(
        cell=cell,
        stage=planned.stage,
        status=status,
        tokens=tokens,
        curve=(*sorted(before.items()), *chosen.curve) if before else chosen.curve,
        readings=_readings(chosen, found),
        reason=chosen.reason if finished else "",
        slice=planned.slice,
    )


def _is_whole(trained: Trained, others: Sequence[Trained], cell: Cell) -> bool:
    """Whether a done cell has all its readings; one that a damaged line of the log held is measured again."""
    wanted = cell.readings if trained.status == "done" else ()
    return {reading.tokens for reading in _readings(trained, others)}.issuperset(wanted)


def _readings(chosen: Trained, others: Sequence[Trained]) -> tuple[Measured, ...]:
    """Return the readings of a cell: of this worker, and where it has none, of others that trained it."""
    known: dict[int, Measured] = {}
    for each in (chosen, *others):
        for reading in each.readings:
            known.setdefault(reading.tokens, reading)
    return tuple(known[tokens] for tokens in sorted(known))

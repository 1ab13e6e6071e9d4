"""The course of a run: stage 1, its extensions, stage 2 and the fit, from wherever its log ends."""

import contextlib
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from budgetscope.calibrate.fit import write_fit
from budgetscope.calibrate.plan.cells import Cell
from budgetscope.calibrate.plan.spec import Spec
from budgetscope.calibrate.run import events, progress
from budgetscope.calibrate.run.events import CELLS_A_RECORD, Event
from budgetscope.calibrate.run.folder import RunFolder, Writer
from budgetscope.calibrate.run.stages import extensions, stage_two, unfinished
from budgetscope.calibrate.run.state import RunState, fold
from budgetscope.core.errors import BudgetscopeError, FailureError
from budgetscope.store.files import exists

HEARTBEAT_SECONDS = 10.0
_POLL_SECONDS = 0.25
_DURABLE = (
    progress.Finished,
    progress.Diverged,
    events.CellFailed,
    events.StagePlanned,
    events.FitWritten,
    events.RunDone,
)


class Trainer(Protocol):
    """What trains cells; `train/trainer.StackTrainer` is the real one."""

    def started(self, spec_sha256: str) -> events.RunStarted:
        """Return the event that describes device, software and settings."""
        ...

    def train(
        self, cells: Sequence[Cell], checkpoint: Path, emit: Callable[[Event], None], should_stop: Callable[[], bool]
    ) -> None:
        """Train cells of one shape to their end, or until asked to stop.

        Args:
            cells: of one shape, none of them finished.
            checkpoint: folder of the stack's state; a state from an earlier call is resumed.
            emit: receives every event; exactly one of `Finished`, `Diverged` and `CellFailed` for each cell that ends.
            should_stop: called between steps; after True the state is saved and the call returns.
        """
        ...


class Stop:
    """Whether the worker should stop: because of a file, a signal, or its time limit."""

    def __init__(self, stop_file: Path, seconds: float | None = None) -> None:
        """Watch a stop file in a run folder, and a time limit if there is one."""
        self._file = stop_file
        self._spec = stop_file.with_name("spec.json")
        self._deadline = None if seconds is None else time.monotonic() + seconds
        self._next = 0.0
        self.reason = ""

    def ask(self, reason: str) -> None:
        """Ask the worker to stop; a signal handler may call this."""
        self.reason = self.reason or reason

    def __call__(self) -> bool:
        """Return whether to stop."""
        now = time.monotonic()
        if not self.reason and now >= self._next:
            self._next = now + _POLL_SECONDS
            if exists(self._file):
                self.ask("asked to stop")
            elif not exists(self._spec):
                self.ask("its folder is gone")
            elif self._deadline is not None and now > self._deadline:
                self.ask("the time limit is up")
        return bool(self.reason)


class Journal:
    """The only writer of a log, with the state up to its last record; several threads may use it."""

    def __init__(self, folder: RunFolder, state: RunState) -> None:
        self._run_lock = folder.lock
        self._writer = Writer(folder.events, state.records, state.generation + 1)
        self._lock = threading.Lock()
        self.state = state

    def emit(self, event: Event) -> None:
        """Append an event; if it is durable, it is on disk when this returns.

        Raises:
            FailureError: the disk is full or gone, or another worker has the run.
        """
        with self._lock:
            self._run_lock.check()
            record = self._writer.append(event, durable=isinstance(event, _DURABLE))
            self.state = fold([record], self.state)

    def close(self) -> None:
        """Close the log."""
        self._writer.close()


@contextlib.contextmanager
def _beating(folder: RunFolder, journal: Journal) -> Iterator[None]:
    """Write heartbeats to the lock and the log while the body runs."""
    over = threading.Event()

    def beat() -> None:
        while not over.wait(HEARTBEAT_SECONDS):
            folder.lock.beat()
            # The training thread reports a full disk.
            with contextlib.suppress(FailureError):
                journal.emit(events.Heartbeat(os.getpid()))

    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def carry_on(folder: RunFolder, spec: Spec, trainer: Trainer, stop: Stop) -> RunState:
    """Continue a run from the end of its log to its end, or until asked to stop.

    The caller holds the run's lock.

    Returns:
        The final state: `done`, `stopped`, or `failed` if no fit could be made.

    Raises:
        BudgetscopeError: the folder cannot be written, the spec is not the one that the run began with, or nothing can
            be trained here; finished cells are kept.
    """
    state = folder.state()
    if state.spec_sha256 and state.spec_sha256 != spec.sha256:
        raise FailureError(f"the spec of run {folder.name!r} is not the one it began with; start a new run.")
    journal = Journal(folder, state)
    try:
        with _beating(folder, journal):
            journal.emit(trainer.started(spec.sha256))
            _through_stages(_Course(folder, spec, trainer, stop, journal))
    except Exception as error:
        sentence = str(error) if isinstance(error, BudgetscopeError) else f"the worker crashed ({error!r:.200})"
        with contextlib.suppress(FailureError):
            journal.emit(events.RunDone("failed", sentence))
        raise
    else:
        return journal.state
    finally:
        journal.close()


@dataclass(frozen=True, slots=True)
class _Course:
    """The parts that every step of the course uses."""

    folder: RunFolder
    spec: Spec
    trainer: Trainer
    stop: Stop
    journal: Journal


def _through_stages(run: _Course) -> None:
    emit, design = run.journal.emit, run.spec.design
    known = run.journal.state.cells
    # A damaged line of the log may have held part of the plan.
    lost = not run.journal.state.of_stage(2) and any(cell.id not in known for cell in design.stage1)
    if lost or not _planned(run, 1):
        _plan(run, 1, design.stage1, "")
    while _train(run, 1):
        grown = {} if run.journal.state.of_stage(2) else extensions(run.journal.state, design)
        for sentence, cells in grown.items():
            _plan(run, 1, cells, sentence)
        if not grown:
            break
    if not run.stop() and not _planned(run, 2):
        cells, notes = stage_two(run.journal.state, run.spec)
        for note in notes:
            emit(events.Note(note, problem=True))
        _plan(run, 2, cells, "")
    if run.stop() or not _train(run, 2):
        emit(events.RunDone("stopped", run.stop.reason))
        return
    try:
        fit = write_fit(run.folder, run.journal.state, run.spec)
        emit(events.FitWritten(fit.id, run.folder.fit_file.name))
    except BudgetscopeError as error:
        emit(events.RunDone("failed", str(error)))
    else:
        emit(events.RunDone("done"))


def _planned(run: _Course, stage: int) -> bool:
    """Whether the plan of a stage is complete, by this or an earlier worker."""
    state = run.journal.state
    return state.stage > stage or (state.stage == stage and state.planned)


def _plan(run: _Course, stage: int, cells: Sequence[Cell], note: str) -> None:
    """Log the cells of a stage, in records of bounded size."""
    parts = [cells[i : i + CELLS_A_RECORD] for i in range(0, len(cells), CELLS_A_RECORD)]
    for number, part in enumerate(parts, 1):
        last = number == len(parts)
        run.journal.emit(events.StagePlanned(stage, tuple(part), last, note if last else ""))


def _train(run: _Course, stage: int) -> bool:
    """Train the unfinished cells of a stage, one stack per shape; return False if stopped before the end."""
    while stacks := unfinished(run.journal.state.cells, stage):
        if run.stop():
            return False
        cells = stacks[0]
        checkpoint = run.folder.checkpoints / f"{stage}-{cells[0].shape.width}x{cells[0].shape.depth}"
        before = len(cells)
        run.trainer.train(cells, checkpoint, run.journal.emit, run.stop)
        left = unfinished(run.journal.state.cells, stage)
        if not left or left[0][0].shape != cells[0].shape:
            shutil.rmtree(checkpoint, ignore_errors=True)
        elif not run.stop() and len(left[0]) == before:
            raise FailureError(f"the trainer left {before} cells of N={cells[0].n_params:.3g} without a result.")
    return True

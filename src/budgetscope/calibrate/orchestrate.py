"""The course of a run: stage 1, its extensions, stage 2 and the fit, by equal workers, from wherever its logs end.

No worker leads. Each reads all logs and does what is next: publish the plan of a stage, train a free slice, make the
fit, or wait. The plans and the fit are pure functions of the logs, and of several workers that publish one, the first
succeeds. To end any of them is therefore the same case.
"""

import contextlib
import os
import platform
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from budgetscope.calibrate.fit import write_fit
from budgetscope.calibrate.plan.cells import Cell
from budgetscope.calibrate.plan.device import Rate
from budgetscope.calibrate.plan.slices import cut, slice_name
from budgetscope.calibrate.plan.spec import Spec
from budgetscope.calibrate.run import events, progress
from budgetscope.calibrate.run.claims import Claim, Claims
from budgetscope.calibrate.run.events import CELLS_A_RECORD, Event, Record, encode
from budgetscope.calibrate.run.folder import RunFolder
from budgetscope.calibrate.run.launches import Launch, new_launch
from budgetscope.calibrate.run.logs import RunReader, Writer
from budgetscope.calibrate.run.processes import here, identity, process_started
from budgetscope.calibrate.run.stages import extensions, likely_stage2, stage_two, unfinished
from budgetscope.calibrate.run.state import RunState
from budgetscope.core.errors import BudgetscopeError, FailureError
from budgetscope.store.files import create, exists

HEARTBEAT_SECONDS = 10.0
FIT = "fit"
"""Name of the claim to make the fit."""
_POLL_SECONDS = 0.25
_DURABLE = (progress.Finished, progress.Diverged, events.CellFailed, events.FitWritten, events.RunDone)


class Trainer(Protocol):
    """What trains cells; `train/trainer.StackTrainer` is the real one."""

    def started(self, spec_sha256: str) -> events.RunStarted:
        """Return the event that describes device, software and settings."""
        ...

    def prepare(self, now: Sequence[Cell], upcoming: Sequence[Sequence[Cell]]) -> None:
        """Begin in the background what shortens the start of stacks that will or may follow.

        Each call replaces what an earlier one asked for and nobody has begun. It changes no result.

        Args:
            now: the stack that `train` gets next.
            upcoming: others, the next one first.
        """
        ...

    def ready(self, cells: Sequence[Cell]) -> bool:
        """Return whether all that `prepare` could do for this stack is done."""
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
    """Whether the worker should stop: because of a file, a signal, or its time limit.

    Attributes:
        reason: why to stop; empty while there is no reason.
        signalled: whether a signal asked for it.
    """

    def __init__(self, stop_file: Path, seconds: float | None = None) -> None:
        """Watch a stop file in a run folder, and a time limit if there is one."""
        self._file = stop_file
        self._spec = stop_file.with_name("spec.json")
        self._deadline = None if seconds is None else time.monotonic() + seconds
        self._next = 0.0
        self.reason = ""
        self.signalled = False

    def ask(self, reason: str, *, signalled: bool = False) -> None:
        """Ask the worker to stop; a signal handler may call this."""
        self.signalled = self.signalled or (signalled and not self.reason)
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
    """The log of one start of a worker, written by it alone; several of its threads may use it."""

    def __init__(self, folder: RunFolder, launch: Launch, slot: str) -> None:
        """Create the log of the next start of a slot, and say who writes it.

        Raises:
            FailureError: the folder cannot be written.
        """
        start = 1
        while True:
            key = f"{launch.number:04d}-{slot}-{start}"
            try:
                self._writer = Writer(folder.workers / f"{key}.jsonl", start)
                break
            except FileExistsError:
                start += 1
        self.key, self.launch = key, launch
        self._lock = threading.Lock()
        self._over = threading.Event()
        self.emit(
            events.WorkerStarted(
                os.getpid(),
                platform.node(),
                here(),
                process_started(os.getpid()),
                identity(folder.path),
                os.environ.get("CUDA_VISIBLE_DEVICES", ""),
            )
        )
        self._thread = threading.Thread(target=self._beat, daemon=True)
        self._thread.start()

    def emit(self, event: Event) -> None:
        """Append an event; if it is durable, it is on disk when this returns. After `RunDone` there is no heartbeat.

        Raises:
            FailureError: the disk is full or gone.
        """
        with self._lock:
            if isinstance(event, events.RunDone):
                self._over.set()
            elif isinstance(event, events.Heartbeat) and self._over.is_set():
                return
            self._writer.append(event, durable=isinstance(event, _DURABLE))

    def _beat(self) -> None:
        while not self._over.wait(HEARTBEAT_SECONDS):
            # The training thread reports a full disk.
            with contextlib.suppress(FailureError):
                self.emit(events.Heartbeat())

    def close(self) -> None:
        """Close the log."""
        self._over.set()
        self._thread.join()
        self._writer.close()


@contextlib.contextmanager
def journal_of(folder: RunFolder, launch: Launch | None = None, slot: str = "0") -> Iterator[Journal]:
    """Keep the log of a worker while the body runs; an error that ends the body is its last record.

    Args:
        folder: of the run.
        launch: that started the worker; None for one of its own.
        slot: the worker's number in the launch.

    Raises:
        FailureError: the folder cannot be written.
    """
    journal = Journal(folder, launch or new_launch(folder, "local", 1), slot)
    try:
        yield journal
    except Exception as error:
        sentence = str(error) if isinstance(error, BudgetscopeError) else f"the worker crashed ({error!r:.200})"
        with contextlib.suppress(FailureError):
            journal.emit(events.RunDone("failed", sentence))
        raise
    finally:
        journal.close()


def carry_on(folder: RunFolder, spec: Spec, trainer: Trainer, stop: Stop, journal: Journal | None = None) -> RunState:
    """Continue a run to its end, or until asked to stop, beside any other workers that it has.

    Args:
        folder: of the run.
        spec: of the run.
        trainer: trains cells.
        stop: says when to stop.
        journal: the log of this worker; None creates one.

    Returns:
        The final state: `done`, `stopped`, or `failed` if no fit could be made.

    Raises:
        BudgetscopeError: the folder cannot be written, the spec is not the one that the run began with, or nothing can
            be trained here; finished cells are kept.
    """
    if journal is None:
        with journal_of(folder) as own:
            return carry_on(folder, spec, trainer, stop, own)
    course = _Course(folder, spec, trainer, stop, journal, RunReader(folder.path), Claims(folder, journal.key))
    known = course.read().spec_sha256
    if known and known != spec.sha256:
        raise FailureError(f"the spec of run {folder.name!r} is not the one it began with; start a new run.")
    journal.emit(trainer.started(spec.sha256))
    course.run()
    return course.read()


@dataclass(frozen=True, slots=True)
class _Course:
    """One worker's way through a run."""

    folder: RunFolder
    spec: Spec
    trainer: Trainer
    stop: Stop
    journal: Journal
    reader: RunReader
    claims: Claims

    def read(self) -> RunState:
        return self.reader.whole()

    def run(self) -> None:
        """Do what is next until the run is over, or this worker is asked to stop."""
        emit = self.journal.emit
        waiting = False
        while not self.stop():
            did = self._next(self.read())
            if did is None:
                self.claims.clear_all()
                return
            if did:
                waiting = False
                continue
            if not waiting:
                emit(events.Waiting())
                waiting = True
            time.sleep(_POLL_SECONDS)
        emit(events.RunDone("stopped", self.stop.reason))

    def _next(self, state: RunState) -> bool | None:
        """Do one thing; return whether there was one, or None if the run is over."""
        if any(log.launch == self.journal.launch.number and log.status == "done" for log in self.reader.logs.values()):
            self.journal.emit(events.RunDone("done"))
            return None
        known, design = state.cells, self.spec.design
        # A damaged plan may lack cells.
        lost = not state.of_stage(2) and any(cell.id not in known for cell in design.stage1)
        if lost or not state.stage or (state.stage == 1 and not state.planned):
            self._publish(1, {"": design.stage1})
            return True
        # A damaged line may have held the end of a cell of stage 1, also after stage 2 was planned.
        stages = range(1, state.stage + 1)
        waiting = [s for stage in stages for s in unfinished(known, stage, longest_first=self.spec.workers > 1)]
        if waiting:
            return self._train(waiting, likely_stage2(state, design) if state.stage == 1 else ())
        if state.stage == 1:
            grown = extensions(state, design)
            if grown:
                self._publish(1, grown)
                return True
        if state.stage == 1 or not state.planned:
            cells, notes = stage_two(state, self.spec)
            self._publish(2, {"": cells}, notes)
            return True
        return self._fit(state)

    def _publish(self, stage: int, groups: Mapping[str, Sequence[Cell]], problems: Sequence[str] = ()) -> None:
        """Write the plan of cells, cut into slices; if another worker was faster, its plan counts.

        Args:
            stage: 1 or 2.
            groups: cells by the sentence that says why they are trained; empty if none is needed.
            problems: sentences on what weakens the result.
        """
        planned: list[events.StagePlanned] = []
        for note, cells in groups.items():
            for piece in self._cut(cells):
                name = slice_name(piece)
                parts = [piece[i : i + CELLS_A_RECORD] for i in range(0, len(piece), CELLS_A_RECORD)]
                planned += [events.StagePlanned(stage, tuple(part), complete=False, slice=name) for part in parts]
            planned[-1] = replace(planned[-1], note=note)
        planned[-1] = replace(planned[-1], complete=True)
        found: list[Event] = [*(events.Note(text, problem=True) for text in problems), *planned]
        now = round(time.time(), 3)
        text = b"".join(encode(Record(seq, now, 0, event)) for seq, event in enumerate(found)).decode()
        # Of the plans that this worker has read: if another has published since, this one is not created.
        read = [log.key.removeprefix("plan ") for log in self.reader.logs.values() if log.key.startswith("plan ")]
        number = 1 + max((int(stem) for stem in read if stem.isdigit()), default=-1)
        create(self.folder.plans / f"{number:04d}.jsonl", text)

    def _cut(self, cells: Sequence[Cell]) -> list[tuple[Cell, ...]]:
        return cut(cells, self.spec.workers, (self.spec.rate or Rate.assumed(self.spec.device)).slice_seconds)

    def _train(self, slices: Sequence[tuple[str, Sequence[Cell]]], later: Sequence[Cell]) -> bool:
        """Train a slice that is free; return whether there was one.

        Args:
            slices: name and cells of each that is not finished; a free one that starts at once goes first.
            later: cells that are likely to follow.
        """
        claim = self._claimed([name for name, _ in sorted(slices, key=lambda s: not self.trainer.ready(s[1]))])
        if claim is None:
            return False
        # The one that had it may have trained on after it was last read.
        cells = self._left(dict(slices)[claim.slice])
        if cells:
            others = [other for name, other in slices if name != claim.slice]
            self.trainer.prepare(cells, [*others, *self._cut(later)])
            self._train_slice(claim, cells)
        else:
            self.claims.clear(claim)
        return True

    def _train_slice(self, claim: Claim, cells: Sequence[Cell]) -> None:
        """Train cells of a slice to their end, until asked to stop, or until another worker takes the slice over."""
        emit, claims = self.journal.emit, self.claims
        emit(events.SliceTaken(claim.slice, claim.number))
        next_look, lost = 0.0, False

        def should_stop() -> bool:
            nonlocal next_look, lost
            now = time.monotonic()
            if not lost and now >= next_look:
                next_look, lost = now + _POLL_SECONDS, claims.lost(claim)
            return lost or self.stop()

        try:
            self.trainer.train(cells, claims.checkpoint(claim), emit, should_stop)
        except FailureError:
            # Whoever took the slice over has the states of this worker, too.
            if not claims.lost(claim):
                raise
        if claims.lost(claim):
            return
        left = self._left(cells)
        if not left:
            claims.clear(claim)
        elif not self.stop() and len(left) == len(cells):
            raise FailureError(f"the trainer left {len(left)} cells of N={cells[0].n_params:.3g} without a result.")

    def _left(self, cells: Sequence[Cell]) -> list[Cell]:
        """Return those of the cells that no log finishes by now."""
        state = self.read()
        return [cell for cell in cells if not state.cells[cell.id].finished]

    def _claimed(self, names: Sequence[str]) -> Claim | None:
        """Claim the first of these that is free; None if none is."""
        latest = self.claims.latest()
        logs = {log.key: log for log in self.reader.logs.values()}
        for name in names:
            known = latest.get(name)
            if known is not None and known.key == self.journal.key:
                return known
            number = 1 if known is None else known.number + 1
            if self.claims.free(known, logs) and self.claims.take(name, number):
                return Claim(name, number, self.journal.key)
        return None

    def _fit(self, state: RunState) -> bool | None:
        """Make the fit, unless another worker makes it; return None if the run is over."""
        if self._claimed([FIT]) is None:
            return False
        emit = self.journal.emit
        try:
            fit = write_fit(self.folder, state, self.spec)
            emit(events.FitWritten(fit.id, self.folder.fit_file.name))
        except BudgetscopeError as error:
            emit(events.RunDone("failed", str(error)))
        else:
            emit(events.RunDone("done"))
        return None

"""Launches of a run and the workers that they started, as far as their logs and this machine show them."""

import contextlib
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from budgetscope.calibrate.json_records import from_record, to_record
from budgetscope.calibrate.run.events import RunDone, WorkerStarted
from budgetscope.calibrate.run.folder import RunFolder
from budgetscope.calibrate.run.logs import first_event, last_event, named
from budgetscope.calibrate.run.processes import can_see, here, identity, is_gone, same_folder
from budgetscope.calibrate.run.state import RunState, WorkerState
from budgetscope.core.errors import FailureError
from budgetscope.store.files import create, listed, read_text, write_atomically

STALE_SECONDS = 90.0
"""A worker on another machine that has written nothing for this long counts as dead; it writes every ten seconds."""
_MAX_BYTES = 2**16


@dataclass(frozen=True, slots=True)
class Launch:
    """One start of workers.

    Attributes:
        number: from 1.
        engine: `local`, `slurm` or `ray`.
        workers: number of workers.
        gpus: index of each local worker's GPU; empty where the engine chooses.
        job: the engine's name for it; empty if it has none.
        submit: options of the engine's own command, as text.
    """

    number: int
    engine: str
    workers: int
    gpus: tuple[int, ...] = ()
    job: str = ""
    submit: str = ""


def new_launch(folder: RunFolder, engine: str, workers: int, gpus: Sequence[int] = (), submit: str = "") -> Launch:
    """Record the next launch of a run.

    Raises:
        FailureError: the folder cannot be written.
    """
    number = 1 + max((int(path.stem) for path in listed(folder.launches) if path.stem.isdigit()), default=0)
    while True:
        launch = Launch(number, engine, workers, tuple(gpus), submit=submit)
        if create(folder.launches / f"{number:04d}.json", json.dumps(to_record(launch)) + "\n"):
            return launch
        number += 1


def launched_at(folder: RunFolder, launch: Launch) -> float:
    """Return when a launch was recorded, by the clock that stamps files; 0 if that is not known."""
    try:
        return (folder.launches / f"{launch.number:04d}.json").stat().st_mtime
    except OSError:
        return 0.0


def note_job(folder: RunFolder, launch: Launch, job: str) -> None:
    """Record the engine's name for a launch.

    Raises:
        FailureError: the folder cannot be written.
    """
    write_atomically(folder.launches / f"{launch.number:04d}.job", job + "\n")


def last_launch(folder: RunFolder) -> Launch | None:
    """Return the latest launch of a run; None if it has none, or it cannot be read."""
    with contextlib.suppress(FailureError, ValueError, TypeError):
        paths = [path for path in listed(folder.launches) if path.stem.isdigit() and path.suffix == ".json"]
        if paths:
            record = json.loads(read_text(paths[-1], _MAX_BYTES))
            with contextlib.suppress(FailureError):
                record["job"] = read_text(paths[-1].with_suffix(".job"), _MAX_BYTES).strip()
            return from_record(Launch, record)
    return None


@dataclass(frozen=True, slots=True)
class Worker:
    """A worker that has not said how it ended.

    Attributes:
        key: name of its log.
        launch: number of its launch.
        slot: its number in the launch.
        pid: of its process.
        host: name of its machine.
        place: its machine and space of process ids.
        age: seconds since it last wrote, by the clock of the disk.
        process: start of its process; empty if unknown.
    """

    key: str
    launch: int
    slot: str
    pid: int
    host: str
    place: str
    age: float
    process: str = ""

    @property
    def here(self) -> bool:
        """Whether its process is, or was, on this machine."""
        return self.place == here()

    @property
    def alive(self) -> bool:
        """Whether its process exists or, where that cannot be seen, it wrote a short time ago."""
        if can_see(self.place):
            # However long it has been silent: a suspended worker writes nothing.
            return not is_gone(self.place, self.pid, self.process)
        return self.age <= STALE_SECONDS


def find_workers(folder: RunFolder) -> list[Worker]:
    """Return the workers of a run that have not said how they ended, the last start of each; dead ones too.

    Workers that came with a copy of another folder are left out.
    """
    last: dict[tuple[int, str], tuple[int, Path]] = {}
    found: list[Worker] = []
    with contextlib.suppress(FailureError, OSError):
        for path in listed(folder.workers):
            log = named(path)
            if log is not None:
                last[log.launch, log.slot] = max(last.get((log.launch, log.slot), (0, path)), (log.start, path))
        for (launch, slot), (_, path) in last.items():
            begun = first_event(path)
            if not isinstance(begun, WorkerStarted) or isinstance(last_event(path), RunDone):
                continue
            if not _is_same(begun.folder, folder.path):
                continue
            # A clock that was set back must not keep a dead worker alive.
            age = 0.0 if can_see(begun.place) else abs(disk_time(folder) - path.stat().st_mtime)
            found.append(Worker(path.stem, launch, slot, begun.pid, begun.host, begun.place, age, begun.process))
    return found


def live_workers(folder: RunFolder) -> list[Worker]:
    """Return the live workers of a run."""
    return [worker for worker in find_workers(folder) if worker.alive]


@dataclass(frozen=True, slots=True)
class WorkerView:
    """A worker of the latest launch.

    Attributes:
        state: of the worker, by its log.
        alive: whether it still runs.
        silent_seconds: since it last wrote; None if unknown.
    """

    state: WorkerState
    alive: bool
    silent_seconds: float | None


def worker_views(folder: RunFolder, state: RunState) -> tuple[WorkerView, ...]:
    """Return the workers of a run's latest launch, with signs of life."""
    alive, now = {worker.key for worker in live_workers(folder)}, disk_time(folder)

    def silent(key: str) -> float | None:
        try:
            return max(now - (folder.workers / f"{key}.jsonl").stat().st_mtime, 0.0)
        except OSError:
            return None

    return tuple(WorkerView(worker, worker.key in alive, silent(worker.key)) for worker in state.workers)


def disk_time(folder: RunFolder) -> float:
    """Return the present time by the clock that stamps files, which may be another machine's."""
    clock = folder.path / ".clock"
    try:
        clock.touch()
        return clock.stat().st_mtime
    except OSError:
        return time.time()


def _is_same(one: str, folder: Path) -> bool:
    try:
        return same_folder(one, identity(folder))
    except (OSError, ValueError, IndexError):
        return False

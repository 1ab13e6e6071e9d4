"""Start, watch, stop and kill the workers of a run, from a process that never loads torch."""

import contextlib
import os
import shutil
import signal
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from budgetscope.calibrate.engines import local, ray, slurm
from budgetscope.calibrate.engines.base import Options
from budgetscope.calibrate.plan.device import ENGINES
from budgetscope.calibrate.plan.spec import Spec
from budgetscope.calibrate.run.events import MAX_RECORD_BYTES, Record
from budgetscope.calibrate.run.folder import RunFolder
from budgetscope.calibrate.run.launches import (
    Launch,
    Worker,
    disk_time,
    last_launch,
    launched_at,
    live_workers,
    new_launch,
)
from budgetscope.calibrate.run.logs import RunReader
from budgetscope.calibrate.run.processes import is_suspended
from budgetscope.calibrate.run.state import RunState
from budgetscope.core.errors import FailureError, UsageError
from budgetscope.store.files import listed, open_file, unwritable

__all__ = ["Options", "Queue", "Watch", "ask_to_stop", "check_free", "kill", "pending", "start", "stop"]

GRACE_SECONDS = 30.0
"""Time that workers have to save their state after a request to stop, and again after SIGTERM."""
_POLL_SECONDS = 0.2
# Most workers end sooner, and nothing is said of them.
_QUIET_SECONDS = 2.0
# A worker that has not written a record after this long never will.
_BEGIN_SECONDS = 30.0
# Slurm is asked for a queue at most this often; for one that was empty twice as late each time, up to an hour.
_QUEUE_SECONDS = 10.0
_MOST_QUEUE_SECONDS = 3600.0


class Queue:
    """What Slurm says of the latest launch of a run, asked as seldom as its administrators would like."""

    def __init__(self, folder: RunFolder) -> None:
        self._folder = folder
        self._known, self._launch = "", 0
        self._ask_at, self._pause = 0.0, _QUEUE_SECONDS

    def pending(self) -> str:
        """Return the tasks that wait or run, as `pending` gives them; at most ten seconds old."""
        launch = last_launch(self._folder)
        if launch is None or launch.engine != "slurm":
            return ""
        if launch.number != self._launch:
            self._launch, self._ask_at, self._pause = launch.number, 0.0, _QUEUE_SECONDS
        now = time.monotonic()
        if now >= self._ask_at:
            self._known = slurm.pending(launch)
            self._pause = _QUEUE_SECONDS if self._known else min(2 * self._pause, _MOST_QUEUE_SECONDS)
            self._ask_at = now + self._pause
        return self._known


class Watch:
    """Follows the logs and the workers of a run.

    Attributes:
        folder: of the run.
        state: as far as the logs have been read.
        processes: the workers, or the driver of an engine, that this process started; none otherwise.
        launch: that this process started; None if it started none.
    """

    def __init__(
        self, folder: RunFolder, launch: Launch | None = None, processes: Sequence[local.Process] = ()
    ) -> None:
        self.folder, self.launch, self.processes = folder, launch, tuple(processes)
        self._reader = RunReader(folder.path)
        self._queue = Queue(folder)

    @property
    def state(self) -> RunState:
        """The state of the run, as far as the logs have been read."""
        return self._reader.state

    def tick(self) -> list[Record]:
        """Read and return new records by time, at most `logs.READ_BYTES` of each log."""
        return self._reader.read()

    def leave(self) -> None:
        """Detach from the workers as soon as each has begun.

        Raises:
            FailureError: one ended before that.
        """
        for process in self.processes:
            while process.poll() is None and not self._has_begun(process.pid):
                time.sleep(_POLL_SECONDS)
            if process.returncode:
                raise FailureError(self.failure())
            # The child may outlive this process; if it ends first, the thread reaps it.
            threading.Thread(target=process.wait, daemon=True).start()

    def _has_begun(self, pid: int) -> bool:
        if self.launch is not None and self.launch.engine != "local":
            # The driver of an engine has no log of its own.
            return bool(live_workers(self.folder))
        return any(worker.pid == pid for worker in live_workers(self.folder))

    @property
    def over(self) -> bool:
        """Whether no worker has the run any more."""
        if self.processes:
            return all(process.poll() is not None for process in self.processes)
        return not live_workers(self.folder) and not self._queue.pending()

    @property
    def begun(self) -> bool:
        """Whether the logs hold a record of a worker that this process started; without one, of any worker."""
        if self.launch is None:
            return bool(self.state.workers)
        return any(log.launch == self.launch.number and log.records for log in self._reader.logs.values())

    def failure(self) -> str:
        """Return why the workers ended without a record of the end; empty if there is such a record."""
        if self.begun and self.state.status in ("done", "stopped", "failed"):
            return ""
        if not self.folder.exists:
            return (
                f"the folder {str(self.folder.path)!r} of the run was deleted or moved while it trained, with what it "
                "had finished; go on where it is now, or start a new run."
            )
        for path in self._outputs():
            with contextlib.suppress(OSError):
                with open_file(path) as log:
                    lines = log.read().decode(errors="replace").strip().splitlines()
                if lines and lines[-1].startswith("budgetscope: "):
                    return lines[-1].removeprefix("budgetscope: ")
        if _full(self.folder):
            return (
                f"the disk of {str(self.folder.path)!r} is full; free some space and go on with `budgetscope calibrate "
                f"--resume {self.folder.handle}`: what it had finished is kept."
            )
        if not os.access(self.folder.path, os.W_OK):
            return (
                f"the folder {str(self.folder.path)!r} cannot be written any more; mend that and go on with "
                f"`budgetscope calibrate --resume {self.folder.handle}`: what it had finished is kept."
            )
        return (
            f"the worker of run {self.folder.name!r} ended without a word; see {str(self.folder.output)!r} and go on "
            f"with `budgetscope calibrate --resume {self.folder.handle}`."
        )

    def _outputs(self) -> list[Path]:
        """Return the files with the output of the latest launch's workers."""
        with contextlib.suppress(FailureError):
            launch = self.launch or last_launch(self.folder)
            if launch is not None:
                return [p for p in listed(self.folder.output) if p.name.startswith(f"{launch.number:04d}-")]
        return []


def check_free(folder: RunFolder) -> None:
    """Require that no live worker has a run, and none waits in a queue.

    Raises:
        FailureError: one has it.
    """
    for worker in live_workers(folder):
        raise FailureError(
            f"the run {folder.name!r} is being trained by process {worker.pid} on {worker.host}; watch it with "
            f"`budgetscope calibrate attach {folder.handle}`."
        )
    waiting = pending(folder)
    if waiting:
        raise FailureError(
            f"the run {folder.name!r} has workers in Slurm's queue ({waiting}); end them with `budgetscope calibrate "
            f"stop {folder.handle}`."
        )


def pending(folder: RunFolder) -> str:
    """Return what Slurm says of the tasks of the latest launch; empty if there are none, or it is not Slurm's."""
    launch = last_launch(folder)
    return slurm.pending(launch) if launch is not None and launch.engine == "slurm" else ""


def start(folder: RunFolder, options: Options) -> Watch:
    """Start the workers of a run, so that they outlive this process.

    Raises:
        UsageError: an option is contradictory.
        FailureError: a live worker has the run, or the engine is missing or refuses.
    """
    check_free(folder)
    spec = None
    with contextlib.suppress(FailureError):
        # The worker tells what is wrong with a spec.
        spec = folder.spec()
    before = last_launch(folder)
    engine = options.engine or (before.engine if before is not None else "local")
    if engine not in ENGINES:
        raise UsageError(f"{engine!r} is not an engine; choose one of {', '.join(ENGINES)}.")
    submit = options.submit or (before.submit if before is not None and before.engine == engine else "")
    device = options.device or (spec.device if spec is not None else "cpu")
    gpus = _gpus(options, spec) if engine == "local" and device == "cuda" else ()
    workers = options.workers or len(gpus) or (spec.workers if spec is not None else 1)
    try:
        folder.stop_file.unlink(missing_ok=True)
    except OSError as error:
        raise unwritable(folder.stop_file, error) from None
    launch = new_launch(folder, engine, workers, gpus, submit)
    if engine == "slurm":
        slurm.start(folder, launch, options, device)
        return Watch(folder, launch)
    starter = ray.start if engine == "ray" else local.start
    return Watch(folder, launch, starter(folder, launch, options))


def _gpus(options: Options, spec: Spec | None) -> tuple[int, ...]:
    """Return the index of each local worker's GPU: those of the options, else those of the spec."""
    if options.gpus:
        return options.gpus
    if spec is None:
        return ()
    return spec.gpus or (() if spec.device_index is None else (spec.device_index,))


def ask_to_stop(folder: RunFolder) -> None:
    """Ask the workers of a run to save their state and end.

    Raises:
        FailureError: the folder cannot be written.
    """
    try:
        folder.stop_file.touch()
    except OSError as error:
        raise unwritable(folder.stop_file, error) from None


def stop(folder: RunFolder, grace: float = GRACE_SECONDS, say: Callable[[str], None] = lambda _: None) -> str:
    """Stop the workers of a run: by its stop file, then by SIGTERM, then by SIGKILL.

    A suspended worker of this machine is continued, so that it can save its state.

    Args:
        folder: of the run.
        grace: seconds to wait after each of the three.
        say: called with a sentence on what is waited for, and on what happens then.

    Returns:
        How they ended: `stopped`, `terminated` or `killed`.

    Raises:
        UsageError: no worker has the run.
        FailureError: one runs on another machine, without an engine, and did not end.
    """
    workers, launch = live_workers(folder), last_launch(folder)
    queued = pending(folder)
    if not workers and not queued and _have_begun(folder, launch, grace, say):
        workers = live_workers(folder)
        if not workers:
            return "stopped"
    if not workers and not queued:
        raise UsageError(f"no worker has the run {folder.name!r}; there is nothing to stop.")
    asked = True
    try:
        ask_to_stop(folder)
    except FailureError as error:
        # The folder cannot be written: a signal needs no file.
        asked = False
        say(str(error))
    if not workers:
        # Nobody trains, so there is nothing to save.
        _end(launch, workers, kill=True)
        return "stopped"
    _wake(workers, say)
    elsewhere = [worker for worker in workers if not worker.here]
    is_out_of_reach = bool(elsewhere) and (launch is None or launch.engine == "local")
    if asked and _left_by_themselves(folder, workers, grace, say, gives_up=is_out_of_reach):
        _end(launch, (), kill=True)
        return "stopped"
    if is_out_of_reach:
        raise FailureError(
            f"the worker of run {folder.name!r} on {elsewhere[0].host} was asked to stop and has not left yet."
        )
    say(f"{_named(_staying(folder, workers))} has not ended, and gets SIGTERM; in {grace:g} s it is killed")
    _end(launch, workers, kill=False)
    if _left(folder, workers, grace):
        return "terminated"
    say(f"{_named(_staying(folder, workers))} has not ended, and is killed; its last checkpoint is kept")
    _end(launch, workers, kill=True)
    _left(folder, workers, grace)
    return "killed"


def _have_begun(folder: RunFolder, launch: Launch | None, grace: float, say: Callable[[str], None]) -> bool:
    """Ask workers that are only starting to stop, and wait for their first record; return whether it has come."""
    if not _begins(folder, launch):
        return False
    say("a worker of the run is starting, and stops as soon as it has begun")
    ask_to_stop(folder)
    deadline = time.monotonic() + grace
    while (begins := _begins(folder, launch)) and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)
    return not begins


def _begins(folder: RunFolder, launch: Launch | None) -> bool:
    """Whether workers of a local launch may still be on their way to their first record."""
    if launch is None or launch.engine != "local":
        return False
    age = abs(disk_time(folder) - launched_at(folder, launch))
    logged = {path.name.rpartition("-")[0] for path in listed(folder.workers)}
    slots = {f"{launch.number:04d}-{slot}" for slot in range(launch.workers)}
    return age < _BEGIN_SECONDS and not slots <= logged


def _left_by_themselves(
    folder: RunFolder, workers: Sequence[Worker], grace: float, say: Callable[[str], None], *, gives_up: bool
) -> bool:
    """Wait until workers that were asked to have ended, and say for how long; return whether they have."""
    quiet = min(_QUIET_SECONDS, grace)
    if _left(folder, workers, quiet):
        return True
    then = "this command gives up" if gives_up else f"it gets SIGTERM, and {grace:g} s later it is killed"
    say(f"waiting for {_named(_staying(folder, workers))} to save and end; after {grace:g} s {then}")
    return _left(folder, workers, grace - quiet)


def _wake(workers: Sequence[Worker], say: Callable[[str], None]) -> None:
    """Let suspended workers of this machine continue: they could neither save their state nor obey a signal."""
    for worker in workers:
        if worker.here and is_suspended(worker.pid):
            say(f"{_named([worker])} is suspended, and continues to save its state")
            local.wake(worker.pid)


def _named(workers: Sequence[Worker]) -> str:
    """Return the first of some workers in words, with the number of others."""
    if not workers:
        return "the worker"
    others = f" (and {len(workers) - 1} more)" if len(workers) > 1 else ""
    return f"process {workers[0].pid} on {workers[0].host}{others}"


def _end(launch: Launch | None, workers: Sequence[Worker], *, kill: bool) -> None:
    """End workers, with SIGTERM or at once: by the engine, or on this machine."""
    if launch is not None and launch.engine == "slurm":
        slurm.end(launch, kill=kill)
        return
    if launch is not None and launch.engine == "ray" and kill:
        # Its driver would start them again.
        ray.end(launch, kill=True)
    for worker in workers:
        if kill:
            local.kill(worker.pid)
        else:
            local.send(worker.pid, signal.SIGTERM)


def kill(watch: Watch) -> None:
    """Kill the workers that this process started; their last checkpoints stay."""
    for process in watch.processes:
        local.kill(process.pid)
    if watch.launch is not None and watch.launch.engine == "slurm":
        slurm.end(last_launch(watch.folder) or watch.launch, kill=True)


def _full(folder: RunFolder) -> bool:
    """Whether the disk is too full for a worker to log why it ended."""
    try:
        return shutil.disk_usage(folder.path).free < MAX_RECORD_BYTES
    except OSError:
        return False


def _left(folder: RunFolder, workers: Sequence[Worker], seconds: float) -> bool:
    """Wait until these workers have ended; return whether they have."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if not _staying(folder, workers):
            return True
        time.sleep(_POLL_SECONDS)
    return False


def _staying(folder: RunFolder, workers: Sequence[Worker]) -> list[Worker]:
    """Return those of these workers that have not ended."""
    keys = {worker.key for worker in workers}
    return [worker for worker in live_workers(folder) if worker.key in keys]

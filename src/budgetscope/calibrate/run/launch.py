"""Start, watch, stop and kill the worker of a run, from a process that never loads torch."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, replace

from budgetscope.calibrate.run.events import MAX_RECORD_BYTES, Record
from budgetscope.calibrate.run.folder import Reader, RunFolder
from budgetscope.calibrate.run.lock import Owner, process_exists
from budgetscope.calibrate.run.state import RunState, fold
from budgetscope.core.errors import FailureError, UsageError
from budgetscope.store.files import open_file, reason, unwritable

GRACE_SECONDS = 30.0
"""Time that a worker has to save its state after a request to stop, and again after SIGTERM."""
_POLL_SECONDS = 0.2
WORKER = (sys.executable, "-m", "budgetscope.calibrate.worker")


@dataclass(frozen=True, slots=True)
class Options:
    """Options of a worker; None follows the spec.

    Attributes:
        minutes: time limit, after which it stops cleanly.
        device: `cuda`, `mps` or `cpu`.
        gpu: index of the GPU.
        data: a prepared corpus or token file with the same content as the spec's.
    """

    minutes: float | None = None
    device: str | None = None
    gpu: int | None = None
    data: str | None = None

    def arguments(self) -> list[str]:
        """Return the options as arguments of the worker's command line."""
        pairs = (
            ("--time-limit", self.minutes),
            ("--device", self.device),
            ("--gpu", self.gpu),
            ("--data", self.data),
        )
        return [word for flag, value in pairs if value is not None for word in (flag, str(value))]


class Watch:
    """Follows the log and the worker of a run.

    Attributes:
        folder: of the run.
        state: as far as the log has been read.
        process: the worker, if this process started it; else None.
    """

    def __init__(self, folder: RunFolder, process: subprocess.Popen[bytes] | None = None) -> None:
        self.folder, self.process = folder, process
        self.state = RunState()
        self._reader = Reader(folder.events)
        self._past = 0
        if process is not None:
            # Records of earlier workers must not be taken for the end of this one.
            self.state = folder.state()
            self._past = self.state.generation
            self.state = RunState()

    def tick(self) -> list[Record]:
        """Read and return new records, at most `folder.READ_BYTES` of them."""
        records = self._reader.read()
        self.state = fold(records, self.state)
        if self.state.unreadable != self._reader.unreadable:
            self.state = replace(self.state, unreadable=self._reader.unreadable)
        return records

    def leave(self) -> None:
        """Detach from the worker as soon as it has the run.

        Raises:
            FailureError: the worker ended before that.
        """
        process = self.process
        if process is None:
            return
        # The lock may be one that a killed worker left behind.
        while getattr(self.folder.owner(), "pid", None) != process.pid and process.poll() is None:
            time.sleep(_POLL_SECONDS)
        if process.returncode:
            raise FailureError(self.failure())
        # The child may outlive this process; if it ends first, the thread reaps it.
        threading.Thread(target=process.wait, daemon=True).start()

    @property
    def over(self) -> bool:
        """Whether no worker has the run any more."""
        if self.process is not None:
            return self.process.poll() is not None
        owner = self.folder.owner()
        return owner is None or not owner.alive

    @property
    def begun(self) -> bool:
        """Whether the log holds a record of the worker that this process started; without one, of any worker."""
        return self.state.generation > self._past

    def failure(self) -> str:
        """Return why the worker ended without a record of its end; empty if there is such a record."""
        if self.begun and self.state.status in ("done", "stopped", "failed"):
            return ""
        with contextlib.suppress(OSError):
            with open_file(self.folder.worker_log) as log:
                lines = log.read().decode(errors="replace").strip().splitlines()
            said = [line.removeprefix("budgetscope: ") for line in lines if line.startswith("budgetscope: ")]
            if said and lines[-1].startswith("budgetscope: "):
                return said[-1]
        if _full(self.folder):
            return (
                f"the disk of {str(self.folder.path)!r} is full; free some space and go on with `budgetscope calibrate "
                f"--resume {self.folder.handle}`: what it had finished is kept."
            )
        return (
            f"the worker of run {self.folder.name!r} ended without a word; see {str(self.folder.worker_log)!r} and "
            f"go on with `budgetscope calibrate --resume {self.folder.handle}`."
        )


def check_free(folder: RunFolder) -> None:
    """Require that no live worker has a run.

    Raises:
        FailureError: one has it.
    """
    owner = folder.owner()
    if owner is not None and owner.alive:
        raise FailureError(
            f"the run {folder.name!r} is being trained by process {owner.pid} on {owner.host}; watch it with "
            f"`budgetscope calibrate attach {folder.handle}`."
        )


def start(folder: RunFolder, options: Options) -> Watch:
    """Start the worker of a run in a session of its own, so that it outlives this process.

    Raises:
        FailureError: a live worker has the run, or the system cannot start a process.
    """
    check_free(folder)
    try:
        folder.stop_file.unlink(missing_ok=True)
        with folder.worker_log.open("wb") as log:
            process = subprocess.Popen(  # noqa: S603 - our own module
                [*WORKER, str(folder.path), *options.arguments()],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
    except OSError as error:
        raise FailureError(f"cannot start a worker: {reason(error)}.") from None
    return Watch(folder, process)


def ask_to_stop(folder: RunFolder) -> None:
    """Ask the worker of a run to save its state and end.

    Raises:
        FailureError: the folder cannot be written.
    """
    try:
        folder.stop_file.touch()
    except OSError as error:
        raise unwritable(folder.stop_file, error) from None


def stop(folder: RunFolder, grace: float = GRACE_SECONDS) -> str:
    """Stop the worker of a run: by its stop file, then by SIGTERM, then by SIGKILL.

    Returns:
        How it ended: `stopped`, `terminated` or `killed`.

    Raises:
        UsageError: no worker has the run.
        FailureError: it runs on another machine and did not end.
    """
    owner = folder.owner()
    if owner is None or not owner.alive:
        raise UsageError(f"no worker has the run {folder.name!r}; there is nothing to stop.")
    ask_to_stop(folder)
    if _left(folder, owner, grace):
        return "stopped"
    if not owner.here:
        raise FailureError(f"the worker of run {folder.name!r} on {owner.host} was asked to stop and has not left yet.")
    send(owner.pid, signal.SIGTERM)
    if _left(folder, owner, grace):
        return "terminated"
    kill(owner.pid)
    _left(folder, owner, grace)
    return "killed"


def kill(pid: int) -> None:
    """Kill a worker and its children; its last checkpoint stays."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if not hasattr(os, "killpg"):
            os.kill(pid, signal.SIGTERM)
        elif os.getpgid(pid) == pid:
            os.killpg(pid, signal.SIGKILL)
        else:
            os.kill(pid, signal.SIGKILL)


def _full(folder: RunFolder) -> bool:
    """Whether the disk is too full for a worker to log why it ended."""
    try:
        return shutil.disk_usage(folder.path).free < MAX_RECORD_BYTES
    except OSError:
        return False


def send(pid: int, number: int) -> None:
    """Send a signal to a worker; one that has ended is ignored."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)


def _left(folder: RunFolder, owner: Owner, seconds: float) -> bool:
    """Wait until the worker has released the run; return whether it has."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        now = folder.owner()
        if now is None or now.pid != owner.pid or (owner.here and not process_exists(owner.pid)):
            return True
        time.sleep(_POLL_SECONDS)
    return False

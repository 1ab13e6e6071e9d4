"""Workers as processes of this machine, each in a session of its own, so that they outlive their starter."""

import contextlib
import os
import signal
import subprocess

from budgetscope.calibrate.engines import base
from budgetscope.calibrate.engines.base import Options, worker_arguments
from budgetscope.calibrate.run.folder import RunFolder
from budgetscope.calibrate.run.launches import Launch
from budgetscope.core.errors import FailureError
from budgetscope.store.files import reason

Process = subprocess.Popen[bytes]


def start(folder: RunFolder, launch: Launch, options: Options) -> tuple[Process, ...]:
    """Start one process a worker.

    Raises:
        FailureError: the system cannot start a process.
    """
    arguments = worker_arguments(folder, launch, options)
    processes: list[Process] = []
    try:
        folder.output.mkdir(exist_ok=True)
        for slot in range(launch.workers):
            gpu = ["--gpu", str(launch.gpus[slot])] if launch.gpus else []
            with (folder.output / f"{launch.number:04d}-{slot}.log").open("wb") as log:
                processes.append(
                    subprocess.Popen(  # noqa: S603 - our own module
                        [*base.WORKER, *arguments, "--slot", str(slot), *gpu],
                        stdin=subprocess.DEVNULL,
                        stdout=log,
                        stderr=subprocess.STDOUT,
                        start_new_session=True,
                    )
                )
    except OSError as error:
        for process in processes:
            kill(process.pid)
        raise FailureError(f"cannot start a worker: {reason(error)}.") from None
    return tuple(processes)


def send(pid: int, number: int) -> None:
    """Send a signal to a worker; one that has ended is ignored."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)


def wake(pid: int) -> None:
    """Let a suspended worker and its children continue."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if os.getpgid(pid) == pid:
            os.killpg(pid, signal.SIGCONT)
        else:
            os.kill(pid, signal.SIGCONT)


def kill(pid: int) -> None:
    """Kill a worker and its children; its last checkpoint stays."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if not hasattr(os, "killpg"):
            os.kill(pid, signal.SIGTERM)
        elif os.getpgid(pid) == pid:
            os.killpg(pid, signal.SIGKILL)
        else:
            os.kill(pid, signal.SIGKILL)

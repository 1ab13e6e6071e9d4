"""Workers as tasks of a Ray cluster: the driver is `ray_tasks`, a process of its own."""

import platform
import signal
import subprocess
import sys
from functools import partial
from importlib.util import find_spec

from budgetscope.calibrate.engines import local
from budgetscope.calibrate.engines.base import Options, worker_arguments
from budgetscope.calibrate.run.folder import RunFolder
from budgetscope.calibrate.run.launches import Launch, note_job
from budgetscope.core.errors import FailureError
from budgetscope.core.extras import install_command
from budgetscope.store.files import reason

DRIVER: tuple[str, ...] = (sys.executable, "-m", "budgetscope.calibrate.ray_tasks")


def start(folder: RunFolder, launch: Launch, options: Options) -> tuple[local.Process, ...]:
    """Start the process that submits the tasks and follows them; it outlives this one.

    Raises:
        FailureError: Ray is not installed, or the process cannot be started.
    """
    if find_spec("ray") is None:
        raise FailureError(f"--engine ray needs Ray, which is not installed here; {install_command('ray')}")
    where = [] if (options.device or folder.spec().device) == "cuda" else ["--cpu"]
    command = [*DRIVER, "--workers", str(launch.workers), *where, "--"]
    try:
        folder.output.mkdir(exist_ok=True)
        with (folder.output / f"{launch.number:04d}-ray.log").open("wb") as log:
            process = subprocess.Popen(  # noqa: S603 - our own module
                [*command, *worker_arguments(folder, launch, options)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
    except OSError as error:
        raise FailureError(f"cannot start Ray's driver: {reason(error)}.") from None
    note_job(folder, launch, f"{process.pid}@{platform.node()}")
    return (process,)


def end(launch: Launch, *, kill: bool) -> None:
    """End the driver of a launch, and with it its tasks, if it runs on this machine."""
    pid, _, host = launch.job.partition("@")
    if host == platform.node() and pid.isdigit():
        (local.kill if kill else partial(local.send, number=signal.SIGTERM))(int(pid))

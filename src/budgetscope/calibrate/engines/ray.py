"""Workers as tasks of a Ray cluster: `python -m budgetscope.calibrate.engines.ray FOLDER ...` submits and follows them.

Each task trains in its own process: a child of a killed Ray worker would live on and hold its GPU. Ray starts a task
whose process or node is gone again, and it goes on with its slice.
"""

import argparse
import os
import platform
import signal
import subprocess
import sys
from functools import partial
from importlib.util import find_spec
from types import FrameType

from budgetscope.calibrate.engines import local
from budgetscope.calibrate.engines.base import AGAIN, Options, worker_arguments
from budgetscope.calibrate.run.folder import RunFolder
from budgetscope.calibrate.run.launches import Launch, note_job
from budgetscope.core.errors import BudgetscopeError, FailureError
from budgetscope.store.files import reason

REMEDY = "pip install 'budgetscope[ray]'"
DRIVER = (sys.executable, "-m", "budgetscope.calibrate.engines.ray")
_MOST_RETRIES = 100


def start(folder: RunFolder, launch: Launch, options: Options) -> tuple[local.Process, ...]:
    """Start the process that submits the tasks and follows them; it outlives this one.

    Raises:
        FailureError: Ray is not installed, or the process cannot be started.
    """
    if find_spec("ray") is None:
        raise FailureError(f"--engine ray needs Ray, which is not installed here; {REMEDY}")
    where = [] if (options.device or folder.spec().device) == "cuda" else ["--cpu"]
    command = [*DRIVER, "--workers", str(launch.workers), *where, "--"]
    try:
        folder.output.mkdir(parents=True, exist_ok=True)
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


def main(arguments: list[str]) -> int:
    """Submit one task a worker to a cluster, and wait until all have ended."""
    parser = argparse.ArgumentParser(prog="python -m budgetscope.calibrate.engines.ray")
    parser.add_argument("--workers", type=int, required=True)
    parser.add_argument("--cpu", action="store_true")
    parser.add_argument("worker", nargs="+")
    options = parser.parse_args(arguments)
    import ray  # noqa: PLC0415 - an extra, and slow to load

    signal.signal(signal.SIGTERM, _leave)
    try:
        ray.init(address=os.environ.get("RAY_ADDRESS", "auto"), logging_level="ERROR")
    except (ConnectionError, RuntimeError, ValueError) as error:
        sys.stderr.write(
            f"budgetscope: there is no Ray cluster to join ({str(error).splitlines()[0][:100]}); start one with `ray "
            "start --head`, or name it in RAY_ADDRESS.\n"
        )
        return 1
    # By default a task with a GPU gets a process of its own, which would load torch anew each time.
    task = ray.remote(_work).options(
        num_gpus=0 if options.cpu else 1, num_cpus=1, max_calls=0, max_retries=_MOST_RETRIES
    )
    codes = ray.get([task.remote([*options.worker, "--slot", str(slot)]) for slot in range(options.workers)])
    return 0 if 0 in codes or AGAIN in codes else max(codes, default=1)


def _work(arguments: list[str]) -> int:
    """Be a worker, in a process of Ray's."""
    from budgetscope.calibrate import worker  # noqa: PLC0415 - loads torch after the GPU is chosen

    try:
        return worker.main(arguments, worker.real_trainer)
    except BudgetscopeError as error:
        return error.exit_code


def _leave(_: int, __: FrameType | None) -> None:
    sys.exit(0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

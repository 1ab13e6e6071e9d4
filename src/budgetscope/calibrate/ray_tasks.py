"""The driver of a run's workers under Ray: `python -m budgetscope.calibrate.ray_tasks` submits and follows them.

Each task trains in its own process: a child of a killed Ray worker would live on and hold its GPU. Ray starts a task
whose process or node is gone again, and it goes on with its slice.
"""

import argparse
import logging
import os
import signal
import sys
from collections.abc import Callable
from types import FrameType

_MOST_RETRIES = 100


def work(arguments: list[str]) -> int:
    """Be a worker with these arguments, in a process of Ray's; return the exit code."""
    from budgetscope.calibrate import worker  # noqa: PLC0415 - torch loads after Ray has chosen the GPU

    return worker.main(arguments, worker.real_trainer)


def main(arguments: list[str], task: Callable[[list[str]], int] = work) -> int:
    """Submit one task a worker to a cluster, and wait until all have ended.

    Args:
        arguments: of the command line.
        task: what a task does with the arguments of its worker.

    Returns:
        The exit code: 0 unless there is no cluster, or all workers failed.
    """
    parser = argparse.ArgumentParser(prog="python -m budgetscope.calibrate.ray_tasks")
    parser.add_argument("--workers", type=int, required=True)
    parser.add_argument("--cpu", action="store_true")
    parser.add_argument("worker", nargs="+")
    options = parser.parse_args(arguments)
    import ray  # noqa: PLC0415 - an extra, and slow to load

    signal.signal(signal.SIGTERM, _leave)
    try:
        ray.init(address=os.environ.get("RAY_ADDRESS", "auto"), logging_level=logging.ERROR)
    except (ConnectionError, RuntimeError, ValueError) as error:
        sys.stderr.write(
            f"budgetscope: there is no Ray cluster to join ({str(error).splitlines()[0][:100]}); start one with `ray "
            "start --head`, or name it in RAY_ADDRESS.\n"
        )
        return 1
    # By default a task with a GPU gets a process of its own, which would load torch anew each time.
    placed = ray.remote(num_gpus=0 if options.cpu else 1, num_cpus=1, max_calls=0, max_retries=_MOST_RETRIES)
    remote = placed(task)
    codes = ray.get([remote.remote([*options.worker, "--slot", str(slot)]) for slot in range(options.workers)])
    return 1 if set(codes) == {1} else 0


def _leave(_: int, __: FrameType | None) -> None:
    sys.exit(0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

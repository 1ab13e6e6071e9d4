"""A run under Ray on two nodes of this machine, of which one is lost: `python ray_cluster.py RUN_FOLDER`.

It is a process of its own, so that it can be put where only loopback exists: Ray takes the first outward address.
Called with more arguments it is Ray's driver, with the fake worker.
"""

import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tests.unit.calibrate import fake_worker

from budgetscope.calibrate import launch, ray_tasks
from budgetscope.calibrate.engines import ray as engine
from budgetscope.calibrate.engines.base import Options
from budgetscope.calibrate.run.folder import RunFolder
from budgetscope.calibrate.run.launches import live_workers
from budgetscope.calibrate.worker import main

WORKERS = 3
_PATIENCE_SECONDS = 240.0


def work(arguments: list[str]) -> int:
    """Be a fake worker."""
    return main(arguments, fake_worker.fake_trainer)


def disturb(path: Path) -> None:
    """Train a run on two nodes, kill a worker, and take a node away."""
    from ray.cluster_utils import Cluster  # noqa: PLC0415 - an extra

    cluster = Cluster(
        initialize_head=True,
        head_node_args={"num_cpus": 2, "include_dashboard": False, "object_store_memory": 80_000_000},
    )
    other = cluster.add_node(num_cpus=2, object_store_memory=80_000_000)
    os.environ["RAY_ADDRESS"] = cluster.address
    engine.DRIVER = (sys.executable, __file__)
    folder = RunFolder(path)
    hold = Path(os.environ["FAKE_HOLD"])
    hold.touch()
    watch = launch.start(folder, Options(engine="ray"))
    _wait(lambda: len(live_workers(folder)) == WORKERS or watch.over)
    os.kill(live_workers(folder)[0].pid, signal.SIGKILL)
    _wait(lambda: len(folder_starts(folder)) > WORKERS or watch.over)
    cluster.remove_node(other)
    hold.unlink()
    _wait(lambda: watch.over)
    shutdown: Callable[[], None] = cluster.shutdown
    shutdown()


def folder_starts(folder: RunFolder) -> list[Path]:
    """Return the logs of all starts of workers."""
    return list(folder.workers.glob("*.jsonl"))


def _wait(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not holds():
        if time.monotonic() > deadline:
            raise TimeoutError("the run does not go on")
        time.sleep(0.1)


if __name__ == "__main__":
    if sys.argv[1].startswith("-"):
        from tests.e2e.ray_cluster import work as by_name  # Ray's workers find it by its module

        sys.exit(ray_tasks.main(sys.argv[1:], by_name))
    disturb(Path(sys.argv[1]))

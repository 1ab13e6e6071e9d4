"""What every engine does, and the command line of a worker."""

import sys
from dataclasses import dataclass

from budgetscope.calibrate.run.folder import RunFolder
from budgetscope.calibrate.run.launches import Launch

WORKER = (sys.executable, "-m", "budgetscope.calibrate.worker")
AGAIN = 75
"""Exit code of a worker that a signal ended before the run was over (EX_TEMPFAIL of sysexits.h): start it again."""


@dataclass(frozen=True, slots=True)
class Options:
    """Options of a launch; None follows the spec.

    Attributes:
        minutes: time limit of each worker, after which it stops cleanly.
        device: `cuda`, `mps` or `cpu`.
        gpus: indices of the GPUs of this machine, one a worker.
        data: a prepared corpus or token file with the same content as the spec's.
        engine: one of `plan.device.ENGINES`; None for that of the launch before, or `local`.
        workers: number of workers.
        submit: options of the engine's own command, as text; of Slurm alone.
    """

    minutes: float | None = None
    device: str | None = None
    gpus: tuple[int, ...] | None = None
    data: str | None = None
    engine: str | None = None
    workers: int | None = None
    submit: str = ""


def worker_arguments(folder: RunFolder, launch: Launch, options: Options) -> list[str]:
    """Return the arguments of a worker's command line, without its slot and its GPU."""
    pairs = (("--launch", launch.number), ("--time-limit", options.minutes), ("--device", options.device))
    words = [str(folder.path), *(word for flag, value in pairs if value is not None for word in (flag, str(value)))]
    return [*words, *(() if options.data is None else ("--data", options.data))]

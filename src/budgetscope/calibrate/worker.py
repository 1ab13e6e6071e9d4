"""A process that trains a run: `python -m budgetscope.calibrate.worker RUN_FOLDER`.

It reports through its log; its output is only for what could not be logged.
"""

import argparse
import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import FrameType

from budgetscope.calibrate.engines.base import AGAIN
from budgetscope.calibrate.orchestrate import Stop, Trainer, carry_on, journal_of
from budgetscope.calibrate.plan.spec import Spec
from budgetscope.calibrate.run.folder import RunFolder
from budgetscope.calibrate.run.launches import Launch
from budgetscope.calibrate.train.device import choose_gpu, share_processors
from budgetscope.core.errors import BudgetscopeError

SECONDS_PER_MINUTE = 60.0


def main(arguments: list[str], trainer_for: Callable[[Spec, argparse.Namespace], Trainer]) -> int:
    """Train a run from the end of its logs.

    Args:
        arguments: of the command line.
        trainer_for: makes the trainer; it chooses the device before torch loads.

    Returns:
        The exit code: 0 if the run is done or stopped, `AGAIN` if a signal ended this worker before, else 1.
    """
    options = _parser().parse_args(arguments)
    folder = RunFolder(options.folder)
    launch = None if options.launch is None else Launch(options.launch, "", 1)
    # A stop file that exists already is meant for this worker: its starter removed older ones.
    minutes: float | None = options.time_limit
    stop = Stop(folder.stop_file, None if minutes is None else minutes * SECONDS_PER_MINUTE)
    _leave_on_signals(stop)
    try:
        spec = folder.spec()
        device = options.device or spec.device
        choose_gpu(os.environ, options.gpu if device == "cuda" else None)
        with journal_of(folder, launch, options.slot) as journal:
            state = carry_on(folder, spec, trainer_for(spec, options), stop, journal)
    except BudgetscopeError as error:
        sys.stderr.write(f"budgetscope: {error}\n")
        return error.exit_code
    if stop.signalled and state.status != "done":
        return AGAIN
    return 1 if state.status == "failed" else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m budgetscope.calibrate.worker")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--launch", type=int, metavar="NUMBER")
    parser.add_argument("--slot", default="0")
    parser.add_argument("--time-limit", type=float, metavar="MINUTES")
    parser.add_argument("--device", choices=("cuda", "mps", "cpu"))
    parser.add_argument("--gpu", type=int)
    parser.add_argument("--data", metavar="PATH")
    return parser


def _leave_on_signals(stop: Stop) -> None:
    """Stop cleanly at the first SIGINT or SIGTERM; the second one kills."""
    if threading.current_thread() is not threading.main_thread():
        return

    def leave(number: int, _: FrameType | None) -> None:
        stop.ask(f"received {signal.Signals(number).name}", signalled=True)
        signal.signal(number, signal.SIG_DFL)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, leave)


def real_trainer(spec: Spec, options: argparse.Namespace) -> Trainer:
    """Return the trainer of a worker's device; of CUDA, the only GPU that this process sees."""
    share_processors(os.environ)
    from budgetscope.calibrate.train.trainer import StackTrainer  # noqa: PLC0415 - torch loads after the choice

    return StackTrainer(spec, options.device or spec.device, options.data)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], real_trainer))

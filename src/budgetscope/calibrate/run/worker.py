"""The process that trains a run: `python -m budgetscope.calibrate.run.worker RUN_FOLDER`.

Everything it has to say goes into the run's log; its output is for what could not be logged.
"""

import argparse
import os
import signal
import sys
from collections.abc import Callable, MutableMapping
from pathlib import Path
from types import FrameType

from budgetscope.calibrate.plan.spec import Spec
from budgetscope.calibrate.run.folder import RunFolder
from budgetscope.calibrate.run.orchestrate import Stop, Trainer, carry_on
from budgetscope.core.errors import BudgetscopeError, UsageError

SECONDS_PER_MINUTE = 60.0


def main(arguments: list[str], trainer_for: Callable[[Spec, argparse.Namespace], Trainer]) -> int:
    """Train a run from where it stands.

    Args:
        arguments: of the command line.
        trainer_for: makes the trainer, after the device has been chosen.

    Returns:
        The exit code: 0 when the run is done or was stopped, else 1.
    """
    options = _parser().parse_args(arguments)
    folder = RunFolder(options.folder)
    try:
        spec = folder.spec()
        folder.lock.take()
        try:
            # A stop file may be there already: whoever started this worker removed those of the past.
            minutes: float | None = options.time_limit
            stop = Stop(folder.stop_file, None if minutes is None else minutes * SECONDS_PER_MINUTE)
            _leave_on_signals(stop)
            state = carry_on(folder, spec, trainer_for(spec, options), stop)
        finally:
            folder.lock.release()
    except BudgetscopeError as error:
        sys.stderr.write(f"budgetscope: {error}\n")
        return error.exit_code
    return 1 if state.status == "failed" else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m budgetscope.calibrate.run.worker")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--time-limit", type=float, metavar="MINUTES")
    parser.add_argument("--device", choices=("cuda", "mps", "cpu"))
    parser.add_argument("--gpu", type=int)
    parser.add_argument("--data", metavar="PATH")
    return parser


def _leave_on_signals(stop: Stop) -> None:
    """Stop cleanly at the first SIGINT or SIGTERM; the second has its usual effect."""

    def leave(number: int, _: FrameType | None) -> None:
        stop.ask(f"received {signal.Signals(number).name}")
        signal.signal(number, signal.SIG_DFL)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, leave)


def share_processors(environment: MutableMapping[str, str]) -> None:
    """Let waiting threads sleep rather than spin; call it before torch loads.

    Two trainings on one processor otherwise take turns at spinning and slow each other down fiftyfold.

    Args:
        environment: to change; what the user chose stays.
    """
    environment.setdefault("OMP_WAIT_POLICY", "PASSIVE")


def choose_gpu(environment: MutableMapping[str, str], gpu: int | None) -> None:
    """Let this process see one GPU only, numbered as nvidia-smi does; call it before torch loads.

    Args:
        environment: to change.
        gpu: index among the GPUs that the environment shows; None leaves them all.

    Raises:
        UsageError: the environment shows fewer.
    """
    environment["CUDA_DEVICE_ORDER"] = "PCI_BUS_ID"
    if gpu is None:
        return
    shown = environment.get("CUDA_VISIBLE_DEVICES")
    names = [name.strip() for name in shown.split(",")] if shown else None
    if names is None:
        environment["CUDA_VISIBLE_DEVICES"] = str(gpu)
    elif gpu < len(names):
        environment["CUDA_VISIBLE_DEVICES"] = names[gpu]
    else:
        raise UsageError(f"there is no GPU {gpu}: CUDA_VISIBLE_DEVICES shows {len(names)}; count from 0.")


def _real_trainer(spec: Spec, options: argparse.Namespace) -> Trainer:
    device, gpu = options.device or spec.device, options.gpu if options.gpu is not None else spec.device_index
    choose_gpu(os.environ, gpu if device == "cuda" else None)
    share_processors(os.environ)
    from budgetscope.calibrate.train.trainer import StackTrainer  # noqa: PLC0415 - torch must not load before the choice

    return StackTrainer(spec, device, options.data)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], _real_trainer))

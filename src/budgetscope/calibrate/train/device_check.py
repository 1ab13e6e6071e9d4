"""A look at the device in a process of its own: `python -m budgetscope.calibrate.train.device_check` prints JSON.

With `--seconds` it also measures how fast the device trains.
"""

import argparse
import json
import os
import platform
import sys
from datetime import UTC, datetime

from budgetscope.calibrate.environment import DeviceFacts, Probe
from budgetscope.calibrate.record import plain
from budgetscope.calibrate.run.worker import choose_gpu, share_processors
from budgetscope.calibrate.train.device import available_device, import_torch
from budgetscope.core.errors import BudgetscopeError


def main(arguments: list[str]) -> int:
    """Print what the device is, or what it reaches, on one line."""
    parser = argparse.ArgumentParser(prog="python -m budgetscope.calibrate.train.device_check")
    parser.add_argument("--device")
    parser.add_argument("--gpu", type=int)
    parser.add_argument("--seconds", type=float)
    options = parser.parse_args(arguments)
    choose_gpu(os.environ, None)
    share_processors(os.environ)
    try:
        name = available_device(options.device, options.gpu)
        facts = device_facts(name)
        answer = facts if options.seconds is None else _measured(facts, name, options.seconds)
    except BudgetscopeError as error:
        sys.stderr.write(f"budgetscope: {error}\n")
        return error.exit_code
    sys.stdout.write(json.dumps(plain(answer)) + "\n")
    return 0


def device_facts(name: str) -> DeviceFacts:
    """Return what torch says of the device `cuda:INDEX`, `mps` or `cpu`."""
    torch = import_torch()
    kind, _, index = name.partition(":")
    if kind != "cuda":
        return DeviceFacts(kind, None, platform.processor() or platform.machine(), None, None, torch.__version__)
    free, total = torch.cuda.mem_get_info(int(index))
    return DeviceFacts(kind, int(index), torch.cuda.get_device_name(int(index)), free, total, torch.__version__)


def _measured(facts: DeviceFacts, name: str, seconds: float) -> Probe:
    from budgetscope.calibrate.train.probe import probe  # noqa: PLC0415 - torch loads only after the device was found

    found = probe(name, seconds=seconds)
    return Probe(facts, f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}", found.matrix_flops_per_s, found.training_flops_per_s)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

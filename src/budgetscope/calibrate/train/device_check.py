"""The process that looks at a device: `python -m budgetscope.calibrate.train.device_check` prints its facts as JSON.

With `--seconds` it measures how fast the device trains, and prints the probe.
"""

import argparse
import json
import os
import sys
from datetime import UTC, datetime

from budgetscope.calibrate.environment import Probe
from budgetscope.calibrate.json_records import to_record
from budgetscope.calibrate.plan.device import DeviceFacts
from budgetscope.calibrate.train.device import available_device, choose_gpu, device_facts, share_processors
from budgetscope.core.errors import BudgetscopeError


def main(arguments: list[str]) -> int:
    """Print the facts or the probe of a device on one line; return the exit code."""
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
    sys.stdout.write(json.dumps(to_record(answer)) + "\n")
    return 0


def _measured(facts: DeviceFacts, name: str, seconds: float) -> Probe:
    from budgetscope.calibrate.train.probe import probe  # noqa: PLC0415 - torch loads after the device was found

    found = probe(name, seconds=seconds)
    return Probe(facts, f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}", found.matrix_flops_per_s, found.training_flops_per_s)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""This machine: the packages that calibration needs, its device, and the rates that probes measured."""

import json
import math
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from budgetscope.calibrate.json_records import from_record, to_record
from budgetscope.calibrate.plan.device import DeviceFacts, Rate
from budgetscope.core.errors import FailureError, UsageError
from budgetscope.core.extras import install_command
from budgetscope.store.files import locked, read_text, status, write_atomically
from budgetscope.store.locations import probes_file

_MAX_BYTES = 2**20
CHECK = (sys.executable, "-m", "budgetscope.calibrate.train.device_check")


@dataclass(frozen=True, slots=True)
class Probe:
    """The measured rates of a device.

    Attributes:
        device: at the time of the probe.
        measured: time, UTC, ISO 8601.
        matrix_flops_per_s: of large matrix products in the training precision.
        training_flops_per_s: model FLOP/s of stacks, attention counted, by width.
    """

    device: DeviceFacts
    measured: str
    matrix_flops_per_s: float
    training_flops_per_s: Mapping[int, float]

    @property
    def mfu(self) -> float:
        """Best training rate as a share of the matrix rate."""
        return max(self.training_flops_per_s.values()) / self.matrix_flops_per_s

    @property
    def rate(self) -> Rate:
        """The rate for pricing."""
        return Rate(self.device.device, self.training_flops_per_s, measured=True)


def require_extra() -> None:
    """Refuse to continue without the packages that calibration needs.

    Raises:
        FailureError: one or more are missing.
    """
    missing = [name for name in ("torch", "tokenizers") if find_spec(name) is None]
    if missing:
        remedy = install_command("calibrate")
        raise FailureError(f"calibration needs {' and '.join(missing)}, not installed here; {remedy}")


def look(device: str | None, gpu: int | None) -> DeviceFacts:
    """Return the facts of a device, from a process that loads torch.

    Raises:
        UsageError: there is no GPU of that index.
        FailureError: there is no such device, or torch does not load.
    """
    return from_record(DeviceFacts, _ask(device, gpu, ()))


def measure(device: str | None, gpu: int | None, seconds: float) -> Probe:
    """Measure a device in a process that loads torch, and store the result.

    Raises:
        UsageError: there is no GPU of that index.
        FailureError: there is no such device, or it cannot be measured.
    """
    probe = from_record(Probe, _ask(device, gpu, ("--seconds", str(seconds))))
    path = probes_file()
    with locked(path.parent):
        known = [other for other in read_probes() if other.device.name != probe.device.name]
        write_atomically(path, json.dumps([to_record(p) for p in (probe, *known)], indent=1) + "\n")
    return probe


def check_workers(device: str, workers: int) -> None:
    """Refuse more workers than this machine has devices for, where they are not GPUs, each of which has an index.

    Args:
        device: `cuda`, `mps` or `cpu`.
        workers: number of workers that this machine would start.

    Raises:
        UsageError: each would wait for the others, and their number might exhaust the machine.
    """
    if device == "mps" and workers > 1:
        raise UsageError(f"--workers {workers} has no use on Apple's GPU, which is one device; leave it out.")
    there_are = os.cpu_count() or 1
    if device == "cpu" and workers > there_are:
        raise UsageError(
            f"--workers {workers} is more than the {there_are} processors here, and a worker keeps one busy; give at "
            f"most {there_are}."
        )


def crowding() -> float:
    """Return how many times as long this machine's processors take for a command, since others use them: 1 if none do.

    It is the load average of the last minute, and this command, over the number of processors; 1 where the system keeps
    no load average.
    """
    if not hasattr(os, "getloadavg"):
        return 1.0
    return max(1.0, (os.getloadavg()[0] + 1) / (os.cpu_count() or 1))


def read_probes(path: Path | None = None) -> list[Probe]:
    """Return the stored probes, one per device.

    Raises:
        FailureError: the file is broken.
    """
    path = path or probes_file()
    if status(path) is None:
        return []
    try:
        probes = [from_record(Probe, record) for record in json.loads(read_text(path, _MAX_BYTES))]
        if all(p.training_flops_per_s and _positive(p) for p in probes):
            return probes
    except (ValueError, TypeError, RecursionError):
        pass
    raise FailureError(f"the file of measured rates {str(path)!r} is broken; delete it and run --probe again.")


def _positive(probe: Probe) -> bool:
    rates = (probe.matrix_flops_per_s, *probe.training_flops_per_s.values())
    return all(math.isfinite(rate) and rate > 0 for rate in rates)


def known_probe(facts: DeviceFacts) -> Probe | None:
    """Return the stored probe of a device with its present version of torch; None if there is none."""
    found = (p for p in read_probes() if (p.device.name, p.device.torch) == (facts.name, facts.torch))
    return next(found, None)


def _ask(device: str | None, gpu: int | None, more: tuple[str, ...]) -> object:
    arguments = [*(("--device", device) if device else ()), *(("--gpu", str(gpu)) if gpu is not None else ()), *more]
    try:
        done = subprocess.run([*CHECK, *arguments], capture_output=True, text=True, check=False)  # noqa: S603 - ours
    except OSError as error:
        raise FailureError(f"cannot start Python to look at the device: {error.strerror or error}.") from None
    if done.returncode == 0:
        return json.loads(done.stdout.splitlines()[-1])
    said = [line for line in done.stderr.splitlines() if line.startswith("budgetscope: ")]
    if said:
        refused = UsageError if done.returncode == UsageError.exit_code else FailureError
        raise refused(said[-1].removeprefix("budgetscope: "))
    last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
    raise FailureError(f"the device cannot be used: {last[:200]}")

"""The user's device file, and the rates that `calibrate --probe` measured on this machine."""

from collections.abc import Sequence
from pathlib import Path

from budgetscope.core.errors import UsageError
from budgetscope.core.hardware.devices import Device, find_device
from budgetscope.report.devices import Measured
from budgetscope.store import locations
from budgetscope.store.files import status


def devices_path() -> Path:
    """Return the TOML file of the user's own devices; it need not exist."""
    return locations.devices_file()


def measured_devices(known: Sequence[Device]) -> tuple[Measured, ...]:
    """Return the measured accelerators of this machine, each with its entry among the known devices.

    Raises:
        FailureError: the file of measurements is broken.
    """
    if status(locations.probes_file()) is None:
        return ()
    from budgetscope.calibrate.environment import read_probes  # noqa: PLC0415 - most machines have no measurements

    measured = []
    for probe in read_probes():
        # A CPU is not a device of a budget.
        if probe.device.device == "cpu":
            continue
        try:
            device = find_device(probe.device.name, known)
        except UsageError:
            device = None
        found = (probe.measured[:10], probe.matrix_flops_per_s, probe.training_flops_per_s)
        measured.append(Measured(probe.device.name, device, *found))
    return tuple(measured)

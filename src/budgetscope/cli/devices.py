"""`devices`: the accelerators that a budget can name."""

import sys
from functools import partial
from typing import TYPE_CHECKING

from budgetscope.cli import options

if TYPE_CHECKING:
    from rich.console import Console

    from budgetscope.core.hardware.devices import Device
    from budgetscope.report.devices import Measured


def devices(json: options.Json = False) -> None:
    """List the accelerators: dense peak, memory, price range, and where each figure is from."""
    from budgetscope.api import Advisor
    from budgetscope.cli.output import emit
    from budgetscope.report.devices import devices_json

    advisor = Advisor()
    known = advisor.all_devices
    measured = _measured(known)
    emit("json" if json else None, {"json": partial(devices_json, known, measured)}, partial(_show, known, measured))
    for problem in advisor.device_problems:
        sys.stderr.write(f"skipped: {problem}\n")


def _measured(known: "tuple[Device, ...]") -> "list[Measured]":
    """Return what `calibrate --probe` measured of this machine's accelerators.

    Raises:
        FailureError: its file is broken.
    """
    from budgetscope.store.locations import probes_file

    if not probes_file().exists():
        return []
    from budgetscope.calibrate.environment import read_probes
    from budgetscope.core.errors import UsageError
    from budgetscope.core.hardware.devices import find_device
    from budgetscope.report.devices import Measured

    measured = []
    for probe in read_probes():
        # A processor is no device that a budget can name.
        if probe.device.device == "cpu":
            continue
        try:
            device = find_device(probe.device.name, known)
        except UsageError:
            device = None
        found = (probe.measured[:10], probe.matrix_flops_per_s, probe.training_flops_per_s)
        measured.append(Measured(probe.device.name, device, *found))
    return measured


def _show(known: "tuple[Device, ...]", measured: "list[Measured]", console: "Console") -> None:
    from rich.text import Text

    from budgetscope.cli.output import table
    from budgetscope.core.hardware.device_table import TABLE_DATE
    from budgetscope.report.devices import DEVICE_HEADER, device_cells
    from budgetscope.store.locations import devices_file

    console.print(table(DEVICE_HEADER, [device_cells(device) for device in known]))
    for each in measured:
        console.print(Text(each.sentence))
    console.print(
        Text(f"Table of {TABLE_DATE}; your own devices go into {devices_file()}. Sources: --json."), style="dim"
    )

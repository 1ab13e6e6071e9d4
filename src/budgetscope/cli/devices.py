"""`devices`: the accelerators that a budget can name."""

from functools import partial
from typing import TYPE_CHECKING

from budgetscope.cli import options

if TYPE_CHECKING:
    from rich.console import Console

    from budgetscope.core.devices import Device


def devices(json: options.Json = False) -> None:
    """List the accelerators: dense peak, memory, price range, and where each figure is from."""
    from budgetscope.api import Advisor
    from budgetscope.cli.output import emit
    from budgetscope.report.devices import devices_json

    known = Advisor().all_devices
    emit("json" if json else None, {"json": partial(devices_json, known)}, partial(_show, known))


def _show(known: "tuple[Device, ...]", console: "Console") -> None:
    from rich.text import Text

    from budgetscope.cli.output import table
    from budgetscope.core.device_table import TABLE_DATE
    from budgetscope.report.devices import DEVICE_HEADER, device_cells
    from budgetscope.store.locations import devices_file

    console.print(table(DEVICE_HEADER, [device_cells(device) for device in known]))
    console.print(
        Text(f"Table of {TABLE_DATE}; your own devices go into {devices_file()}. Sources: --json."), style="dim"
    )

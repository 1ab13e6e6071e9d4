"""`devices`: list the accelerators that a budget can name."""

import sys
from functools import partial
from typing import TYPE_CHECKING

from budgetscope.cli import options
from budgetscope.core.language import _
from budgetscope.core.printable import printable

if TYPE_CHECKING:
    from rich.console import Console

    from budgetscope.api import Advisor
    from budgetscope.report.devices import Measured


@options.spoken
def devices(json: options.Json = False) -> None:
    """List the accelerators: dense peak, memory, price range, and where each figure is from."""
    from budgetscope.api import Advisor
    from budgetscope.api.devices import measured_devices
    from budgetscope.cli.output import emit
    from budgetscope.report.devices import devices_json

    advisor = Advisor()
    measured = measured_devices(advisor.all_devices)
    texts = {"json": partial(devices_json, advisor.all_devices, measured)}
    emit("json" if json else None, texts, partial(_show, advisor, measured))
    for problem in advisor.device_problems:
        sys.stderr.write(f"skipped: {problem}\n")


def _show(advisor: "Advisor", measured: "tuple[Measured, ...]", console: "Console") -> None:
    from rich.text import Text

    from budgetscope.api.devices import devices_path
    from budgetscope.cli.output import table
    from budgetscope.report.devices import DEVICE_HEADER, device_cells
    from budgetscope.report.words import headed

    console.print(table(headed(DEVICE_HEADER), [device_cells(device) for device in advisor.all_devices]))
    for each in measured:
        console.print(Text(each.sentence))
    own = printable(str(devices_path()))
    told = _("Table of {date}; your own devices go into {path}. Sources: --json.")
    console.print(Text(told.format(date=advisor.device_table_date, path=own)), style="dim")

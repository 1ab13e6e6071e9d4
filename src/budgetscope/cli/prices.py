"""`prices`: fetch the prices of devices, and show what a plan takes and why."""

import sys
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from budgetscope.cli import options
from budgetscope.cli.help import SectionedGroup, examples
from budgetscope.core.language import _
from budgetscope.core.printable import printable

if TYPE_CHECKING:
    from rich.console import Console

    from budgetscope.api import Advisor
    from budgetscope.core.hardware.prices import Catalogue
    from budgetscope.report.prices import DevicePrices

app = typer.Typer(
    cls=SectionedGroup, epilog=examples("prices show H100", "prices update"), help="The prices of devices: fetch, show."
)


@app.command()
@options.spoken
def update(
    *,
    source: Annotated[
        str | None, typer.Option("--from", help="Folder of another copy of the catalogue.", metavar="URL")
    ] = None,
    cloud: Annotated[
        list[str] | None, typer.Option("--cloud", help="Read this cloud alone; may be repeated.", metavar="NAME")
    ] = None,
    json: options.Json = False,
) -> None:
    """Fetch prices from SkyPilot's catalogue, for each device; they are kept with the day, and plans take them."""
    from budgetscope.api import Advisor
    from budgetscope.api.prices import update_prices
    from budgetscope.cli.output import emit
    from budgetscope.report.prices import catalogue_json

    def tell(name: str) -> None:
        sys.stderr.write(f"reading {name} ...\n")

    found = update_prices(source, tuple(cloud or ()), tell)
    emit("json" if json else None, {"json": partial(catalogue_json, found)}, partial(_show_fetched, found, Advisor()))


def _show_fetched(catalogue: "Catalogue", advisor: "Advisor", console: "Console") -> None:
    from rich.text import Text

    from budgetscope.api.prices import prices_path
    from budgetscope.cli.output import table
    from budgetscope.report.prices import FETCHED_HEADER, LEGEND, fetched_cells, fetched_text
    from budgetscope.report.words import headed

    header = headed(FETCHED_HEADER)
    console.print(table(header, fetched_cells(catalogue, advisor.all_devices), wrap=header[3:4]))
    console.print()
    kept = _("Kept in {file}.").format(file=printable(str(prices_path())))
    for told in (_(LEGEND), fetched_text(catalogue), kept):
        console.print(Text(told), style="dim")


@app.command()
@options.spoken
def show(
    *,
    device: Annotated[str, typer.Argument(help="Accelerator; `budgetscope devices` lists them.", metavar="DEVICE")],
    json: options.Json = False,
) -> None:
    """Show a device's prices from every source with their dates, and which of them a plan takes."""
    from budgetscope.api import Advisor
    from budgetscope.api.prices import device_prices
    from budgetscope.cli.output import emit
    from budgetscope.report.prices import prices_json

    advisor = Advisor()
    found = device_prices(advisor, device)
    emit("json" if json else None, {"json": partial(prices_json, found)}, partial(_show, found))
    for problem in advisor.device_problems:
        sys.stderr.write(f"skipped: {problem}\n")


def _show(prices: "DevicePrices", console: "Console") -> None:
    from rich.text import Text

    from budgetscope.cli.output import table
    from budgetscope.report.prices import LEGEND, PRICE_HEADER, price_cells
    from budgetscope.report.words import headed

    console.print(Text(prices.sentences[0]), style="bold")
    cells = price_cells(prices)
    if cells:
        console.print()
        header = headed(PRICE_HEADER)
        console.print(table(header, cells, wrap=header[-1:]))
    console.print()
    for told in (_(LEGEND), *prices.sentences[1:]):
        console.print(Text(told), style="dim")

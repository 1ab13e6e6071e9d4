"""`fits`: list, show, choose and compare the stored fits."""

import sys
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from budgetscope.cli import options
from budgetscope.cli.help import SectionedGroup, examples
from budgetscope.core.errors import UsageError
from budgetscope.core.language import _
from budgetscope.core.printable import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from budgetscope.api.fits import Entry
    from budgetscope.core.answers.fit_difference import Difference
    from budgetscope.core.laws.fit import Fit

app = typer.Typer(
    cls=SectionedGroup,
    epilog=examples("fits list", "fits show porian2024/refinedweb-tuned", "fits use mine/lab"),
    help="The stored laws: list, show, choose.",
)

FitId = Annotated[str, typer.Argument(help="family/name, or a fit file ending in .json.", metavar="ID")]


@app.command("list")
@options.spoken
def list_fits(json: options.Json = False) -> None:
    """List every fit with its layer, its laws and its range; broken files are reported and skipped."""
    from budgetscope.api import Advisor
    from budgetscope.cli.output import emit, tell_skipped
    from budgetscope.report.fits import list_json

    advisor = Advisor()
    entries = advisor.fit_library.entries
    defaults = advisor.active_law, advisor.default_recipe
    texts = {"json": partial(list_json, entries, *defaults)}
    emit("json" if json else None, texts, partial(_list, entries, *defaults))
    tell_skipped(entries)


def _list(entries: "Sequence[Entry]", active: str, recipe: str, console: "Console") -> None:
    from rich.text import Text

    from budgetscope.cli.output import table
    from budgetscope.report.fits import BY_MODEL, LIST_HEADER, list_cells
    from budgetscope.report.words import headed, listed, noted

    cells = [list_cells(entry, active, recipe) for entry in entries if entry.fit]
    header = headed(LIST_HEADER)
    console.print(table(header, cells, wrap=(header[1], header[4])))
    said = [_("* the default law")]
    said.append(_("+ the default recipe") if recipe else _("the recipe is {which}").format(which=_(BY_MODEL)))
    # A default may be a file outside the library.
    named = [printable(name) for name in (active, recipe) if name.endswith(".json")]
    said += [_("the default is {name}").format(name=name) for name in named]
    console.print(Text(noted((listed(said), _("`budgetscope fits use ID` chooses another")))), style="dim")


@app.command()
@options.spoken
def show(fit_id: FitId, json: options.Json = False) -> None:
    """Show a fit: its laws, constants, ranges, source, and how sure we are of them."""
    from budgetscope.api import Advisor
    from budgetscope.cli.output import emit
    from budgetscope.report.fits import fit_json

    fit = Advisor().fit_library.get(fit_id)
    emit("json" if json else None, {"json": partial(fit_json, fit)}, partial(_show, fit))


def _show(fit: "Fit", console: "Console") -> None:
    from rich.text import Text

    from budgetscope.cli.output import table
    from budgetscope.report.fit_page import fit_lines, labelled
    from budgetscope.report.fits import LAW_HEADER, law_cells, law_notes
    from budgetscope.report.words import headed

    console.print(Text(f"{fit.title} ({fit.id})"))
    for label, text in fit_lines(fit):
        console.print(Text(labelled(label, text)))
    console.print()
    header = headed(LAW_HEADER)
    console.print(table(header, [law_cells(role, law) for role, law in fit.laws.items()], wrap=header[2:]))
    for role, note in law_notes(fit):
        console.print(Text(labelled(role, note)))


@app.command()
@options.spoken
def use(
    fit_id: FitId,
    at: Annotated[str | None, typer.Option(help="Budget at which the change is shown.", metavar="BUDGET")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Use it without a question.")] = False,
) -> None:
    """Make a fit the default law for N, D and the loss; a fit of hyperparameters, the default recipe.

    A calibration of your own shows first what it changes at your budget, and asks.
    """
    from budgetscope.api import Advisor
    from budgetscope.api.calibration import asks_before_use
    from budgetscope.cli.acceptance import agreed, checked

    advisor = Advisor()
    if asks_before_use(advisor, fit_id):
        if not agreed(advisor, fit_id, checked("fits use of a calibration", at, yes=yes)):
            sys.stderr.write(f"{advisor.active_law} stays the default law\n")
            return
    elif at is not None:
        raise UsageError(f"--at has no effect, since {printable(fit_id)} is no calibration of your own; leave it out.")
    path, what = advisor.fit_library.use(fit_id)
    sys.stderr.write(f"{fit_id} is now the default {what} (in {printable(str(path))})\n")


@app.command()
@options.spoken
def diff(
    before: Annotated[str, typer.Argument(help="The first fit.", metavar="A")],
    after: Annotated[str, typer.Argument(help="The second fit.", metavar="B")],
    at: Annotated[list[str] | None, typer.Option(help="Budget in FLOPs; may be repeated.", metavar="FLOPS")] = None,
    counting: options.Counting = None,
    json: options.Json = False,
) -> None:
    """Show what changes from one fit to another: its constants, and what it recommends at a few budgets."""
    from budgetscope.api import Advisor
    from budgetscope.cli.output import emit
    from budgetscope.report.tables import to_json

    difference = Advisor().fit_library.difference(before, after, at or (), counting)
    emit("json" if json else None, {"json": partial(to_json, difference)}, partial(show_difference, difference))


def show_difference(difference: "Difference", console: "Console") -> None:
    """Print what changes from one fit to another."""
    from rich.text import Text

    from budgetscope.cli.output import show_cautions, table
    from budgetscope.report.fit_difference import (
        ARROW_HEADER,
        CONSTANT_HEADER,
        arrow_cells,
        constant_cells,
        difference_notes,
    )
    from budgetscope.report.words import headed

    console.print(Text(f"{difference.before} -> {difference.after}"))
    console.print()
    console.print(table(headed(CONSTANT_HEADER), [constant_cells(change) for change in difference.constants]))
    console.print()
    console.print(table(headed(ARROW_HEADER), [arrow_cells(change) for change in difference.budgets]))
    told = _("C and N by the {convention} count").format(convention=difference.convention)
    console.print(Text(told), style="dim")
    show_cautions(console, difference_notes(difference))


@app.command()
@options.spoken
def undo(fit_id: FitId) -> None:
    """Put back what the last write of one of your own fits replaced."""
    from budgetscope.api import Advisor
    from budgetscope.report.fits import undone_text

    undone = Advisor().fit_library.undo(fit_id)
    sys.stderr.write(undone_text(fit_id, undone.restored, was_default=undone.was_default) + "\n")


@app.command()
def path(
    fit_id: Annotated[str | None, typer.Argument(help="A fit; the folders when left out.", metavar="ID")] = None,
) -> None:
    """Print where fits are looked up, nearest first, or where one fit is."""
    from budgetscope.api import Advisor

    library = Advisor().fit_library
    if fit_id is None:
        for layer in library.layers:
            sys.stdout.write(f"{layer.name}\t{layer.folder}\n")
    else:
        sys.stdout.write(f"{library.path(fit_id)}\n")

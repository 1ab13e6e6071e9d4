"""`export`: the report of a plan or of saved scenarios, its numbers, or the files of the run for a trainer."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from budgetscope.cli import options
from budgetscope.core.errors import UsageError

if TYPE_CHECKING:
    from budgetscope.api import PlanRequest
    from budgetscope.api.export import Exported


def _list_recipes(context: typer.Context, given: str | None) -> str | None:
    """Print the recipes and end, if that is asked; this needs no budget."""
    if given is not None and given.strip().lower() == "list":
        from budgetscope.api.language import use_language

        # The options after this one are not read yet.
        use_language(context.find_root().params.get("lang"))
        from rich.padding import Padding
        from rich.text import Text

        from budgetscope.cli.output import broken, console
        from budgetscope.report.recipes.targets import target_lines

        out = console()
        for title, lost in target_lines():
            out.print(Text(title))
            out.print(Padding(broken(Text(lost, style="dim")), (0, 0, 0, 2), expand=False))
        raise typer.Exit
    return given


@options.question("export", optional=True)
def export(
    *,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="File to write; stdout when left out or -. For a recipe, the folder.",
            metavar="FILE",
            readable=False,
        ),
    ] = None,
    form: Annotated[
        str | None,
        typer.Option(
            "--format",
            help="html or md for the report, csv or json for its numbers; by default the file's ending, else md.",
            metavar="FORMAT",
        ),
    ] = None,
    figures: Annotated[
        Path | None,
        typer.Option("--figures", help="Write the report's figures as SVG and PNG to this folder, too.", metavar="DIR"),
    ] = None,
    scenarios: Annotated[
        list[str] | None,
        typer.Option(
            "--scenarios", help="In place of a budget: compare saved scenarios, such as A,B.", metavar="NAMES"
        ),
    ] = None,
    recipe: Annotated[
        str | None,
        typer.Option(
            "--recipe",
            help="Write what this trainer needs for the run, to the folder of -o; list names the trainers.",
            metavar="TARGET",
            callback=_list_recipes,
            is_eager=True,
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite existing files.")] = False,
    request: "PlanRequest | None",
) -> None:
    """Write the report of a plan or of scenarios for a meeting, its numbers, or a trainer's recipe."""
    if recipe is not None:
        _refuse_beside_recipe(form, figures, scenarios)
        _export_recipe(_asked(request), recipe, output, overwrite=force)
        return
    from budgetscope import api
    from budgetscope.cli.output import tell_skipped

    named = None if output is None or str(output) == "-" else output
    chosen = api.format_of(form, named)
    if figures is not None and not api.is_report(chosen):
        raise UsageError(f"--figures belongs to a report, and {chosen} is numbers alone; leave one of the two out.")
    if named is not None:
        api.check_export(named, overwrite=force)
    if figures is not None:
        api.check_figures_folder(figures, overwrite=force)
    link = "" if figures is None or chosen == "html" else api.link_between(named, figures)
    if scenarios:
        if request is not None:
            raise UsageError("--scenarios stands in place of a budget; leave one of the two out.")
        made = api.scenarios_export(api.Advisor(), scenarios, chosen, link)
    else:
        advisor = api.Advisor()
        made = advisor.exported(advisor.answer(_asked(request)), chosen, link)
        tell_skipped(advisor.entries)
    _write(made, named, figures, overwrite=force)


def _asked(request: "PlanRequest | None") -> "PlanRequest":
    if request is None:
        raise UsageError("an export needs a budget, such as 1e21, or --scenarios; see budgetscope export --help.")
    return request


def _write(made: "Exported", named: Path | None, figures: Path | None, *, overwrite: bool) -> None:
    from budgetscope import api

    pictures = made.pictures
    if pictures is not None and pictures.note:
        sys.stderr.write(f"{pictures.note.replace('`', '')}\n")
    if named is None:
        sys.stdout.write(made.text)
    else:
        api.write_export(named, made.text, overwrite=overwrite)
        sys.stderr.write(f"wrote {named}\n")
    if figures is not None and pictures is not None:
        for path in api.write_figures(figures, pictures, overwrite=overwrite):
            sys.stderr.write(f"wrote {path}\n")


def _refuse_beside_recipe(form: str | None, figures: Path | None, scenarios: list[str] | None) -> None:
    from budgetscope import api

    api.refuse_format(form)
    if figures is not None:
        raise UsageError("a recipe has no figures; leave out --figures or --recipe.")
    if scenarios:
        raise UsageError("a recipe is of one budget; leave out --scenarios or --recipe.")


def _export_recipe(request: "PlanRequest", name: str, output: Path | None, *, overwrite: bool) -> None:
    from budgetscope import api
    from budgetscope.report.recipes.page import recipe_told

    if output is None or str(output) == "-":
        raise UsageError(f"a recipe is a folder of files; name it with -o, such as -o {name}.")
    api.check_recipe_folder(output, overwrite=overwrite)
    advisor = api.Advisor()
    made = advisor.trainer_recipe(advisor.answer(request), name)
    written = api.write_recipe(output, made, overwrite=overwrite)
    for sentence in recipe_told(made):
        sys.stderr.write(f"{sentence}\n")
    for path in written:
        sys.stderr.write(f"wrote {path}\n")

"""`plan`, `compare`, `explain`, `value` and `export`: commands that answer a budget."""

import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from budgetscope.api.fields import CALIBRATION_BOUNDS
from budgetscope.cli import options
from budgetscope.core.errors import UsageError
from budgetscope.core.language import _

if TYPE_CHECKING:
    from rich.console import Console

    from budgetscope.api import Comparison, Explanation, Plan, PlanRequest
    from budgetscope.core.answers.calibration_value import Valuation
    from budgetscope.core.answers.layout import Layouts


@options.question("plan")
def plan(
    *,
    request: "PlanRequest",
    json: options.Json = False,
    md: options.Markdown = False,
    csv: options.Csv = False,
    small_print: Annotated[
        bool, typer.Option("--small-print", help="Print the cautions of least weight, too.")
    ] = False,
) -> None:
    """Say what to train with a budget: N, D, learning rate, batch, beta2, loss, time and cost."""
    from budgetscope import api
    from budgetscope.cli.output import emit, one_form
    from budgetscope.report import tables

    form = one_form(json=json, md=md, csv=csv)
    advisor = api.Advisor()
    answer = advisor.answer(request)
    found, layouts = answer.plan, None if answer.plan.run.shape is None else advisor.memory(answer)
    texts = {
        "json": partial(tables.to_json, found),
        "md": partial(tables.plan_markdown, found, advisor.command(request), layouts),
        "csv": partial(tables.plan_csv, found, layouts),
    }
    emit(form, texts, partial(_show_plan, found, layouts, small_print))


def _show_plan(plan: "Plan", layouts: "Layouts | None", small_print: bool, console: "Console") -> None:
    from rich.text import Text

    from budgetscope.cli.output import show_assumptions, show_levels, table
    from budgetscope.report.decision import decision
    from budgetscope.report.recipe_words import confirmation_command
    from budgetscope.report.rows import SECTIONS, plan_header
    from budgetscope.report.tables import all_rows

    for sentence in decision(plan):
        console.print(Text(sentence), style="bold")
    console.print()
    console.print(Text(plan.understood))
    console.print(Text(_("by {law} ({id})").format(law=plan.law_title, id=plan.law_id)), style="dim")
    rows = all_rows(plan, layouts)
    cells = []
    for section, title in SECTIONS:
        chosen = [(row.label, row.text, row.interval, row.basis) for row in rows if row.section == section]
        if chosen:
            cells += [("", "", "", ""), (_(title).upper(), "", "", ""), *chosen]
    header = plan_header()
    console.print(table(header, cells, wrap=header[-1:]))
    console.print()
    if plan.recipe.confirmation is not None:
        told = _("the recipe of the runs that confirm the rate: {command}").format(command=confirmation_command(plan))
        console.print(Text(told), style="dim")
    show_levels(console, plan.cautions, small_print=small_print)
    show_assumptions(console, plan.assumptions)


@options.question("compare")
def compare(
    *,
    request: "PlanRequest",
    json: options.Json = False,
    md: options.Markdown = False,
    csv: options.Csv = False,
) -> None:
    """Say what every law would do with a budget, under one counting, and what following it would cost."""
    from budgetscope import api
    from budgetscope.cli.output import emit, one_form, tell_skipped
    from budgetscope.report import tables

    form = one_form(json=json, md=md, csv=csv)
    advisor = api.Advisor()
    comparison = advisor.compare(advisor.answer(request, alone=True))
    texts = {
        "json": partial(tables.to_json, comparison),
        "md": partial(tables.comparison_markdown, comparison),
        "csv": partial(tables.comparison_csv, comparison),
    }
    emit(form, texts, partial(_show_comparison, comparison))
    tell_skipped(advisor.entries, comparison.skipped)


def _show_comparison(comparison: "Comparison", console: "Console") -> None:
    from rich.text import Text

    from budgetscope.cli.output import show_assumptions, show_cautions, table
    from budgetscope.report.rows import ABLATIONS_TITLE, COMPARISON_HEADER, comparison_note, comparison_rows
    from budgetscope.report.words import headed

    header = headed(COMPARISON_HEADER)
    console.print(Text(comparison.understood))
    for ablation, title in ((False, ""), (True, _(ABLATIONS_TITLE))):
        cells = [
            (f"{'>' if r.chosen else ' '} {r.title}", r.n_params, r.tokens, r.tokens_per_param,
             r.learning_rate, r.batch, r.loss_difference, r.wasted)
            for r in comparison_rows(comparison)
            if r.row.ablation == ablation
        ]  # fmt: skip
        console.print()
        console.print(table(header, cells, title=title, wrap=header[:1]))
    console.print()
    console.print(Text(comparison_note(comparison)), style="dim")
    show_cautions(console, (caution.text for caution in comparison.cautions))
    show_assumptions(console, comparison.assumptions)


@options.question("explain")
def explain(
    *,
    request: "PlanRequest",
    json: options.Json = False,
    md: options.Markdown = False,
) -> None:
    """Say why Kaplan and Chinchilla disagree: the five steps from one to the other, at a budget."""
    from budgetscope import api
    from budgetscope.cli.output import emit, one_form
    from budgetscope.report.explanation import explanation_markdown
    from budgetscope.report.tables import to_json

    form = one_form(json=json, md=md)
    explanation = api.explain(request)
    texts = {"json": partial(to_json, explanation), "md": partial(explanation_markdown, explanation)}
    emit(form, texts, partial(_show_explanation, explanation))


def _show_explanation(explanation: "Explanation", console: "Console") -> None:
    from rich.text import Text

    from budgetscope.cli.output import table
    from budgetscope.report.explanation import STEP_HEADER, savings_cells, savings_header, step_cells, tuning_text
    from budgetscope.report.words import headed, sentences

    header = headed(STEP_HEADER)
    console.print(Text(explanation.understood))
    first = next(iter(explanation.datasets.values()))
    console.print()
    for number, step in enumerate(first, 1):
        titled = _("{number}. {title}.").format(number=number, title=step.title)
        console.print(Text(sentences((titled, step.sentence))))
    for name, steps in explanation.datasets.items():
        console.print()
        console.print(table(header, [step_cells(step) for step in steps], title=name, wrap=header[:1]))
        console.print()
        cells = [savings_cells(step) for step in steps]
        told = _("{dataset}: share of a step's compute with which the tuned runs reach its loss").format(dataset=name)
        console.print(Text(told))
        console.print(table(savings_header(), cells, wrap=header[:1]))
    console.print()
    console.print(Text(_("What tuning is worth here")), style="bold")
    for sentence in tuning_text(explanation):
        console.print(Text(sentence))
    console.print()
    console.print(Text(explanation.note), style="dim")


@options.question("value")
def value(
    *,
    calibration: Annotated[
        float, options.share("calibration", "Share of the budget to spend on it: 2% or 0.02.", *CALIBRATION_BOUNDS)
    ],
    request: "PlanRequest",
    json: options.Json = False,
) -> None:
    """Say how much better N would be known after more calibration, and what that is worth."""
    from budgetscope import api
    from budgetscope.cli.output import emit
    from budgetscope.report.calibration_value import value_json

    advisor = api.Advisor()
    answer = advisor.answer(request, alone=True)
    valuation = advisor.value(answer, calibration)
    texts = {"json": partial(value_json, answer.plan, valuation)}
    emit("json" if json else None, texts, partial(_show_value, answer.plan, valuation))


def _show_value(plan: "Plan", valuation: "Valuation", console: "Console") -> None:
    from rich.text import Text

    from budgetscope.cli.output import show_cautions, table
    from budgetscope.report.calibration_value import VALUE_HEADER, counted_text, knowledge_cells
    from budgetscope.report.words import headed

    cost = plan.run.cost_usd
    console.print(Text(plan.understood))
    console.print()
    cells = [knowledge_cells(valuation.now, _("{fit} today").format(fit=valuation.fit_id), cost)]
    cells += [knowledge_cells(knowledge, "", cost) for knowledge in valuation.calibrations]
    console.print(table(headed(VALUE_HEADER), cells))
    console.print()
    console.print(Text(counted_text(valuation)), style="dim")
    show_cautions(console, (caution.text for caution in plan.cautions_of(valuation.fit_id)))


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


@options.question("export")
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
        str | None, typer.Option("--format", help="md, csv or json; by default the file's ending.", metavar="FORMAT")
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
    request: "PlanRequest",
) -> None:
    """Write the plan, the comparison, every assumption and the command that reproduces them, or a trainer's recipe."""
    from budgetscope import api
    from budgetscope.cli.output import tell_skipped

    if recipe is not None:
        _export_recipe(request, recipe, output, form, overwrite=force)
        return
    named = None if output is None or str(output) == "-" else output
    chosen = form if form is not None else "md" if named is None else named.suffix.removeprefix(".")
    if chosen == "" and named is not None:
        raise UsageError(f"{str(named)!r} has no ending that names a format; add --format md, csv or json.")
    if chosen not in api.EXPORT_FORMATS:
        raise UsageError(f"{chosen!r} is not a format; choose one of {', '.join(api.EXPORT_FORMATS)}.")
    advisor = api.Advisor()
    text = advisor.export(advisor.answer(request), chosen)
    tell_skipped(advisor.entries)
    if named is None:
        sys.stdout.write(text)
        return
    api.write_export(named, text, overwrite=force)
    sys.stderr.write(f"wrote {named}\n")


def _export_recipe(
    request: "PlanRequest", name: str, output: Path | None, form: str | None, *, overwrite: bool
) -> None:
    from budgetscope import api
    from budgetscope.report.recipes.page import recipe_told

    if form is not None:
        raise UsageError("a recipe has the files of its trainer, and no --format; leave one of the two out.")
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

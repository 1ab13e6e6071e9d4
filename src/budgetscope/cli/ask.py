"""`plan`, `compare`, `explain` and `value`: commands that answer a budget."""

from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from budgetscope.api.fields import CALIBRATION_BOUNDS
from budgetscope.cli import options
from budgetscope.core.language import _

if TYPE_CHECKING:
    from rich.console import Console

    from budgetscope.api import Comparison, Explanation, Plan, PlanRequest
    from budgetscope.core.answers.calibration_value import Valuation
    from budgetscope.core.answers.layout import Layouts


@options.question("plan")
@options.forms("json", "md", "csv")
def plan(
    *,
    request: "PlanRequest",
    form: str | None,
    small_print: Annotated[
        bool, typer.Option("--small-print", help="Print the cautions of least weight, too.")
    ] = False,
) -> None:
    """Say what to train with a budget: N, D, learning rate, batch, beta2, loss, time and cost."""
    from budgetscope import api
    from budgetscope.cli.output import emit
    from budgetscope.report import tables

    advisor = api.Advisor()
    answer = advisor.answer(request)
    found, layouts = answer.plan, advisor.memory(answer) if answer.plan.is_laid_out else None
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
@options.forms("json", "md", "csv")
def compare(*, request: "PlanRequest", form: str | None) -> None:
    """Say what every law would do with a budget, under one counting, and what following it would cost."""
    from budgetscope import api
    from budgetscope.cli.output import emit, tell_skipped
    from budgetscope.report import tables

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
    from budgetscope.report.law_rows import ABLATIONS_TITLE, COMPARISON_HEADER, comparison_note, comparison_rows
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
@options.forms("json", "md")
def explain(*, request: "PlanRequest", form: str | None) -> None:
    """Say why Kaplan and Chinchilla disagree: the five steps from one to the other, at a budget."""
    from budgetscope import api
    from budgetscope.cli.output import emit
    from budgetscope.report.explanation import explanation_markdown
    from budgetscope.report.tables import to_json

    explanation = api.explain(request)
    texts = {"json": partial(to_json, explanation), "md": partial(explanation_markdown, explanation)}
    emit(form, texts, partial(_show_explanation, explanation))


def _show_explanation(explanation: "Explanation", console: "Console") -> None:
    from rich.text import Text

    from budgetscope.cli.output import table
    from budgetscope.report.explanation import savings_cells, savings_header, steps_table, tuning_text
    from budgetscope.report.words import headed, sentences

    console.print(Text(explanation.understood))
    first = next(iter(explanation.datasets.values()))
    console.print()
    for number, step in enumerate(first, 1):
        titled = _("{number}. {title}.").format(number=number, title=step.title)
        console.print(Text(sentences((titled, step.sentence))))
    for name, steps in explanation.datasets.items():
        console.print()
        header, rows = steps_table(steps)
        header = headed(header)
        console.print(table(header, rows, title=name, wrap=header[:1]))
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
        float | None,
        options.share("calibration", "Show this share of the budget too: 2% or 0.02.", *CALIBRATION_BOUNDS),
    ] = None,
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

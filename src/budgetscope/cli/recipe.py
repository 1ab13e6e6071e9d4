"""`recipe`: the hyperparameters of a plan by every law, and the checkpoints to keep."""

from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from budgetscope.cli import options
from budgetscope.core.language import _

if TYPE_CHECKING:
    from rich.console import Console

    from budgetscope.api import PlanRequest
    from budgetscope.core.answers.recipe_sheet import RecipeSheet


@options.question("recipe")
@options.forms("json", "md", "csv")
def recipe(
    *,
    request: "PlanRequest",
    notes: Annotated[bool, typer.Option("--notes", help="Print the note of every law.")] = False,
    form: str | None,
) -> None:
    """Say the learning rate, batch and other hyperparameters by every law, and which checkpoints to keep."""
    from budgetscope import api
    from budgetscope.cli.output import emit
    from budgetscope.report.recipe_sheet import recipe_csv, recipe_json, recipe_markdown

    advisor = api.Advisor()
    sheet = advisor.recipe_sheet(advisor.answer(request))
    command = advisor.command(request, "recipe")
    texts = {
        "json": partial(recipe_json, sheet, command),
        "md": partial(recipe_markdown, sheet, command),
        "csv": partial(recipe_csv, sheet),
    }
    emit(form, texts, partial(_show, sheet, notes))


def _show(sheet: "RecipeSheet", notes: bool, console: "Console") -> None:
    from rich.text import Text

    from budgetscope.cli.output import table
    from budgetscope.report import recipe_sheet as report
    from budgetscope.report.law_rows import OUTLIER_SIGN
    from budgetscope.report.rows import plan_header
    from budgetscope.report.words import headed

    plan = sheet.answer.plan
    console.print(Text(plan.understood))
    console.print()
    rows = (*report.recipe_rows(plan), *report.run_rows(plan))
    cells = [(row.label, row.text, row.interval, row.basis) for row in rows]
    cells = [*cells, (_("shape"), report.shape_line(plan), "", ""), (_("schedule"), plan.recipe.schedule, "", "")]
    header = plan_header()
    console.print(table(header, cells, wrap=(header[1], header[3])))
    for title, found in (
        (_(report.SCORES_TITLE), report.scores(plan)),
        (_("What a factor of two costs"), report.factors_of_two(sheet)),
    ):
        if found:
            console.print()
            console.print(table(("", _("says")), found, title=title, wrap=(_("says"),)))
    laws = headed(report.LAWS_HEADER[:-1])
    for topic in report.topics(sheet):
        console.print()
        values = [
            (f"{report.sign(row)} {row.title}", row.value, row.also, row.interval, row.data) for row in topic.rows
        ]
        console.print(table(laws, values, title=topic.title, wrap=laws[:1]))
        if topic.spread:
            console.print(Text(topic.spread), style="dim")
        for row in topic.rows if notes else ():
            if row.law_value.note:
                console.print(Text(f"{row.title}: {row.law_value.note}"), style="dim")
    console.print()
    checkpoints = [report.checkpoint_cells(each) for each in sheet.checkpoints]
    console.print(table(headed(report.CHECKPOINTS_HEADER), checkpoints, title=_("Checkpoints to keep")))
    console.print(Text(_(report.CHECKPOINTS_WHY)), style="dim")
    legend = _("{followed} the plan follows it   {outside} outside the plan's range")
    console.print(Text(legend.format(followed=report.FOLLOWED_SIGN, outside=OUTLIER_SIGN)), style="dim")

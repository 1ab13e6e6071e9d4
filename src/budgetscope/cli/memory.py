"""`memory`: the layouts of a plan's model on its devices, and the bytes that each device holds."""

from functools import partial
from typing import TYPE_CHECKING

from budgetscope.cli import options
from budgetscope.core.language import _

if TYPE_CHECKING:
    from rich.console import Console

    from budgetscope.api import Plan, PlanRequest
    from budgetscope.core.answers.layout import Layouts


@options.question("memory")
@options.forms("json", "md")
def memory(*, request: "PlanRequest", form: str | None) -> None:
    """Say whether the model fits the devices, in which layouts, and how many bytes each device holds."""
    from budgetscope import api
    from budgetscope.cli.output import emit
    from budgetscope.report.layouts import layouts_markdown
    from budgetscope.report.tables import to_json

    advisor = api.Advisor()
    answer = advisor.answer(request)
    layouts = advisor.memory(answer)
    texts = {
        "json": partial(to_json, layouts),
        "md": partial(layouts_markdown, layouts, answer.plan, advisor.command(request, "memory")),
    }
    emit(form, texts, partial(_show, layouts, answer.plan))


def _show(layouts: "Layouts", plan: "Plan", console: "Console") -> None:
    from rich.text import Text

    from budgetscope.cli.output import show_assumptions, table
    from budgetscope.report import layouts as report
    from budgetscope.report.words import headed

    header = headed(report.LAYOUT_HEADER)
    console.print(Text(report.summary(layouts)), style="bold")
    console.print()
    console.print(Text(report.machine_text(layouts)))
    console.print()
    console.print(table(header, report.layout_cells(layouts), wrap=(header[1], header[-1])))
    console.print(Text(_(report.LEGEND)), style="dim")
    console.print()
    console.print(table(headed(report.BYTES_HEADER), report.bytes_cells(layouts), title=_(report.BYTES_TITLE)))
    console.print()
    for note in layouts.notes:
        console.print(Text(note), style="dim")
    show_assumptions(console, plan.assumptions)

"""`machines`: the same training on every device that can hold it."""

from functools import partial
from typing import TYPE_CHECKING

from budgetscope.cli import options
from budgetscope.core.language import _

if TYPE_CHECKING:
    from rich.console import Console

    from budgetscope.api import PlanRequest
    from budgetscope.core.answers.machines import Machines
    from budgetscope.report.machines import Command


@options.question("machines")
@options.forms("json", "md", "csv")
def machines(*, request: "PlanRequest", form: str | None) -> None:
    """Show the plan's training on every device that can hold it: time, cost, energy and the smallest layout."""
    from budgetscope import api
    from budgetscope.cli.output import emit
    from budgetscope.report import machines as report

    advisor = api.Advisor()
    answer = advisor.answer(request)
    found = advisor.machines(answer)

    def command_of(device: str) -> str:
        return advisor.command(advisor.on_device(answer, found, device))

    command = advisor.command(request, "machines")
    texts = {
        "json": partial(report.machines_json, found, command, command_of),
        "md": partial(report.machines_markdown, found, command, command_of),
        "csv": partial(report.machines_csv, found, command_of),
    }
    emit(form, texts, partial(_show, found, command_of))


def _show(found: "Machines", command_of: "Command", console: "Console") -> None:
    from rich.text import Text

    from budgetscope.cli.output import table
    from budgetscope.report import machines as report

    console.print(Text(report.title(found)), style="bold")
    console.print()
    rows = report.cells(found)
    if rows:
        header = report.header(found)
        console.print(table(header, rows, wrap=header[-1:]))
    else:
        console.print(Text(report.problem_text(found)), style="bold")
    console.print()
    for note in report.notes(found):
        console.print(Text(note), style="dim")
    for name, device in report.best(found):
        console.print(Text(_(report.AS_PLAN[name]).format(command=command_of(device))), style="dim")

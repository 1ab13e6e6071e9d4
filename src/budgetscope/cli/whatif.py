"""`whatif`: another size at the same budget, beside the optimum and the sizes of the other laws."""

from functools import partial
from typing import TYPE_CHECKING, Annotated

from budgetscope.api.fields import SERVED, SIZE
from budgetscope.cli import options
from budgetscope.core.language import _

if TYPE_CHECKING:
    from rich.console import Console

    from budgetscope.api import PlanRequest
    from budgetscope.core.answers.whatif import WhatIf
    from budgetscope.report.headline import Headline


@options.question("whatif")
@options.forms("json", "md", "csv")
def whatif(
    *,
    request: "PlanRequest",
    size: Annotated[float | None, options.option(SIZE)] = None,
    served: Annotated[float | None, options.option(SERVED)] = None,
    form: str | None,
) -> None:
    """Say what another model size would lose and cost at the same budget."""
    from budgetscope import api
    from budgetscope.cli.output import emit
    from budgetscope.report import whatif as report
    from budgetscope.report.headline import whatif_headline

    advisor = api.Advisor()
    answer = advisor.answer(request)
    found = advisor.what_if(answer, size, served or 0.0)
    headline = whatif_headline(found.iso, found.here, found.served_tokens, advisor.best_over_life(answer, served or 0))
    command = report.whatif_command(advisor.command(request, "whatif"), found.here, found.served_tokens)
    others = [(pick.title, pick.candidate) for pick in found.picks]
    texts = {
        "json": partial(report.whatif_json, found, command),
        "md": partial(report.whatif_markdown, found.iso, found.here, found.best, others, found.served_tokens, command),
        "csv": partial(report.whatif_csv, found),
    }
    emit(form, texts, partial(_show, found, headline))


def _show(found: "WhatIf", headline: "Headline", console: "Console") -> None:
    from rich.text import Text

    from budgetscope.cli.output import table
    from budgetscope.core.answers.whatif import SERVING_ASSUMPTION
    from budgetscope.report import whatif as report
    from budgetscope.report.words import headed

    plan = found.iso.answer.plan
    console.print(Text(report.sentence(found.iso, found.here)), style="bold")
    if headline.doubt:
        console.print(Text(headline.doubt))
    console.print()
    console.print(Text(plan.understood))
    console.print(Text(_("by {law} ({id})").format(law=plan.law_title, id=plan.law_id)), style="dim")
    console.print()
    console.print(
        table(
            headed(report.SIZE_HEADER),
            [row.cells for row in report.size_rows(found.iso, found.here, found.best)],
        )
    )
    console.print()
    header = headed(report.PICKS_HEADER)
    cells = [report.pick_cells(pick.title, pick.candidate) for pick in found.picks]
    console.print(table(header, cells, title=_("What the other laws would train"), wrap=header[:1]))
    console.print()
    cells = [report.curve_cells(size) for size in found.curve]
    console.print(table(headed(report.CURVE_HEADER), cells, title=_("Sizes at this budget")))
    console.print()
    serving = _("Serving: {what}").format(what=_(SERVING_ASSUMPTION))
    for note in (report.reach_text(found.iso) or found.iso.no_curve_reason, serving):
        console.print(Text(note or ""), style="dim")

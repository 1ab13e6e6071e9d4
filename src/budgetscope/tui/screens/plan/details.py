"""The details dialog: every quantity of a plan with interval and basis, assumptions, all cautions."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from budgetscope.api.form_words import in_form
from budgetscope.core.answers.layout import Layouts
from budgetscope.core.answers.plan import Plan
from budgetscope.core.language import N_, _
from budgetscope.report.decision import decision
from budgetscope.report.layouts import LAYOUT_SECTION, layout_rows
from budgetscope.report.rows import LEVEL_TITLES, SECTIONS, PlanRow, plan_rows
from budgetscope.report.words import padded
from budgetscope.tui.keys import bindings
from budgetscope.tui.screens.dialog import Dialog
from budgetscope.tui.signs import CAUTION_SIGN

_SECTIONS = (("budget", N_("Budget")), *SECTIONS, LAYOUT_SECTION)


class DetailsScreen(Dialog[None]):
    """A dialog that shows a plan in full; it scrolls."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("details")

    def __init__(self, plan: Plan, command: str, layouts: Layouts | None, skipped: tuple[str, ...] = ()) -> None:
        """Create the dialog for a plan.

        Args:
            plan: the plan.
            command: the shell command that gives it.
            layouts: of its model on its devices; None where it has no shape.
            skipped: why laws have no row in the comparison, one sentence each.
        """
        super().__init__()
        self._plan, self._command, self._layouts, self._skipped = plan, command, layouts, skipped

    def compose(self) -> ComposeResult:
        """Compose the sections."""
        plan = self._plan
        rows = (*plan_rows(plan), *(() if self._layouts is None else layout_rows(self._layouts)))
        with VerticalScroll(classes="dialog") as dialog:
            dialog.border_title = _("Details")
            dialog.border_subtitle = _("↑ ↓: scroll   Esc: close")
            yield from _section(_("The decision"), [Content(sentence) for sentence in decision(plan)])
            for level, title in LEVEL_TITLES.items():
                lines = [
                    Content(CAUTION_SIGN + in_form(caution.text)) for caution in plan.cautions if caution.level == level
                ]
                if lines:
                    yield from _section(_(title), lines)
            for section, title in _SECTIONS:
                lines = [_line(row) for row in rows if row.section == section]
                if lines:
                    yield from _section(_(title), lines)
            assumed = [Content(in_form(text)) for text in plan.assumptions] or [Content(_("nothing about the machine"))]
            yield from _section(_("Assumed, since the request does not say"), assumed)
            if self._skipped:
                yield from _section(_("Left out of the comparison"), [Content(sentence) for sentence in self._skipped])
            yield from _section(_("The same plan on the command line"), [Content(self._command)])

    def action_close(self) -> None:
        """Close the dialog."""
        self.dismiss()


def _section(title: str, lines: list[Content]) -> ComposeResult:
    yield Static(Content(title), classes="heading")
    for line in lines:
        yield Static(line, classes="line")


def _line(row: PlanRow) -> Content:
    value = f"{row.text} {row.interval}".strip()
    basis = f"  {in_form(row.basis)}" if row.basis else ""
    return Content.assemble((padded(row.label, 15), "$text-muted"), (value, "bold"), (basis, "$text-muted"))

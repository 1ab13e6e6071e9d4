"""The panel of a finished run's fit: its law beside the active one, and the choice to accept it."""

import re
from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.reactive import reactive
from textual.widgets import Static

from budgetscope.core.answers.plan import Plan
from budgetscope.core.budget.quantities import format_count
from budgetscope.core.language import N_, _
from budgetscope.report.fit_page import labelled
from budgetscope.report.words import padded, sentences
from budgetscope.report.words import width as cells
from budgetscope.tui.screens.calibrate.fit_comparison import Row, Verdict
from budgetscope.tui.signs import CAUTION_SIGN, LABEL_STYLE
from budgetscope.tui.widgets.chart import Chart

_CHART_FROM = 110
_INTERVAL = re.compile(r" \[[^\]]*\]")
_OFFERS = {
    "": (N_("a: accept it as the active law   o: keep the old one"), "bold $text-success"),
    "accepted": (N_("✓ accepted: it is the active law now"), "bold $text-success"),
    "kept": (N_("the old law stays; the fit is kept with its run   a: accept it after all"), "bold"),
}


class FitPanel(Horizontal):
    """Shows a verdict and the present plan.

    Attributes:
        verdict: on the fit; None while it is computed.
        plan: the user's; None before the first.
        decided: `accepted`, `kept`, or empty.
    """

    DEFAULT_CSS: ClassVar[str] = """
    FitPanel VerticalScroll { width: 1fr; scrollbar-size-vertical: 1; }
    FitPanel Static { width: 100%; height: auto; }
    FitPanel Chart { width: 1fr; height: 100%; }
    """

    verdict: reactive[Verdict | None] = reactive(None, init=False)
    plan: reactive[Plan | None] = reactive(None, init=False)
    decided: reactive[str] = reactive("", init=False)

    def compose(self) -> ComposeResult:
        """Yield the table and the chart."""
        with VerticalScroll(can_focus=False):
            yield Static(id="verdict", markup=False)
        yield Chart(id="law")

    def on_resize(self) -> None:
        """Show the chart if there is room beside the table, and the table anew."""
        self._show_chart()
        if self.verdict is not None:
            self._show()

    def watch_verdict(self) -> None:
        """Show the new verdict."""
        self._show_chart()
        self._show()

    def _show_chart(self) -> None:
        """Show the chart where there are one and room for it; else the text has the whole width."""
        chart = self.query_one(Chart)
        chart.figure = self.verdict.figure if self.verdict else None
        chart.display = self.size.width >= _CHART_FROM and chart.figure is not None

    def watch_plan(self) -> None:
        """Show the new plan."""
        self._show()

    def watch_decided(self) -> None:
        """Show the decision."""
        self._show()

    def page(self, pages: int) -> None:
        """Scroll by pages."""
        self.query_one(VerticalScroll).scroll_relative(y=pages * max(self.size.height - 1, 1), animate=False)

    def _show(self) -> None:
        verdict = self.verdict
        if verdict is None:
            self.query_one("#verdict", Static).update(Content(_("comparing with the active law")))
            return
        own, decades = verdict.own, verdict.decades
        room = self.size.width // (2 if self.query_one(Chart).display else 1) - 1
        if sum(_widest((*own, *decades), column) + 2 for column in range(3)) - 2 > room:
            own = tuple((what, _INTERVAL.sub("", old), new) for what, old, new in own)
        label, before = (_widest((*own, *decades), column) + 2 for column in (0, 1))

        def line(row: Row) -> Content:
            return Content.assemble((padded(row[0], label), LABEL_STYLE), padded(row[1], before), (row[2], "bold"))

        names = _("{fit} beside {law}").format(fit=verdict.fit.id, law=verdict.before)
        lines = [Content.styled(names, "bold")]
        # The active law needs no offer, and one that is too small cannot be accepted.
        if not verdict.fit.too_small:
            offer, style = _OFFERS["accepted" if verdict.active else self.decided]
            lines.append(Content.styled(_(offer), style))
        lines += [line(("", _("old"), _("new"))), *map(line, own)]
        # The first caution stands beside the decision; the others follow below.
        if verdict.cautions:
            left = len(verdict.cautions) - 1
            more = _("({n} more below)").format(n=left) if left else ""
            lines.append(_caution(sentences((verdict.cautions[0], more))))
        if self.plan is not None:
            lines.append(Content(_planned(self.plan)))
        lines += [Content(sentence) for sentence in verdict.costs]
        lines += [Content.assemble((labelled(what, ""), LABEL_STYLE), text) for what, text in verdict.exponents]
        lines += [*map(line, decades), *map(_caution, verdict.cautions[1:])]
        self.query_one("#verdict", Static).update(Content("\n").join(lines))


def _widest(rows: Sequence[Row], column: int) -> int:
    return max((cells(row[column]) for row in rows), default=0)


def _caution(sentence: str) -> Content:
    return Content.styled(CAUTION_SIGN + sentence, "$text-warning")


def _planned(plan: Plan) -> str:
    return _("your plan: N = {n_params}, D = {tokens}, by {law}").format(
        n_params=format_count(plan.n_params.value), tokens=format_count(plan.tokens.value), law=plan.law_id
    )

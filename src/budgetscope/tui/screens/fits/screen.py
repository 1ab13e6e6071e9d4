"""The fits screen: the list of stored fits, the page and figures of one, the difference of two, and the import."""

import shlex
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.reactive import reactive
from textual.widgets import Input, Label

from budgetscope.api.calibration import asks_before_use
from budgetscope.api.fits import Entry
from budgetscope.core.answers.fit_difference import Difference
from budgetscope.core.answers.goodness_of_fit import GoodnessOfFit
from budgetscope.core.errors import BudgetscopeError
from budgetscope.core.language import _
from budgetscope.report.fit_difference import difference_markdown
from budgetscope.report.fit_page import fit_markdown, fit_sections
from budgetscope.report.fits import matches, misfit_text, ordered, range_text, undone_text
from budgetscope.report.headline import followed_headline, law_headline
from budgetscope.report.words import listed
from budgetscope.tui.keys import bindings
from budgetscope.tui.screens.accept_dialog import AcceptScreen
from budgetscope.tui.screens.base import NO_PLAN, Remembered, SessionScreen
from budgetscope.tui.screens.calibrate.fit_comparison import Verdict, question, verdict
from budgetscope.tui.screens.fits.figures import points_figure, residuals_figure
from budgetscope.tui.screens.fits.fit_table import LEGEND, FitChosen, FitMarks, FitTable
from budgetscope.tui.screens.fits.import_dialog import ImportScreen
from budgetscope.tui.screens.fits.import_form import ImportForm
from budgetscope.tui.screens.fits.page import Page
from budgetscope.tui.screens.fits.pages import difference_page, fit_page
from budgetscope.tui.screens.fits.undo_dialog import UndoScreen
from budgetscope.tui.screens.law_changes import ask_to_follow, ask_to_use, use
from budgetscope.tui.session import Session
from budgetscope.tui.widgets.chart import Chart
from budgetscope.tui.widgets.headline import HeadlinePanel

VIEWS = ("details", "points", "residuals", "difference")
_PAGE = "page"
_WIDE, _HIGH = 110, 22
"""Columns and rows from which on details stand beside a chart, and a page below the list."""


@dataclass(frozen=True, slots=True)
class _Page:
    """The computed part of the page of the fit at the cursor.

    Attributes:
        entry: at the cursor.
        found: how well its law fits its points; None when it cannot be computed.
        difference: of the two fits that are compared; None when there are not two.
        problem: why something cannot be computed, one sentence; empty otherwise.
    """

    entry: Entry
    found: GoodnessOfFit | None
    difference: Difference | None
    problem: str


class FitsScreen(SessionScreen):
    """Looks through the stored fits.

    Attributes:
        table: the list; an attribute, since its cursor is stored after the screen was removed.
        view: what the lower half shows, of `VIEWS`; a wide window shows the details beside a chart.
        zoomed: whether the lower half has the whole screen.
    """

    SECTION = "fits"
    BINDINGS: ClassVar[list[BindingType]] = bindings("fits")

    view: reactive[str] = reactive("details", init=False, repaint=False)
    zoomed: reactive[bool] = reactive(False, init=False, repaint=False)

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.table = FitTable(id="list", classes="panel")
        self._form = ImportForm()
        self._entries: tuple[Entry, ...] = ()
        self._ids: frozenset[str] = frozenset()
        self._read_by: object = None
        self._compared: tuple[str, ...] = ()
        self._page: _Page | None = None
        self._first_id = ""
        self._was_shown = False

    def body(self) -> ComposeResult:
        """Lay out the filter, the list and the page of the fit at the cursor."""
        yield HeadlinePanel()
        with Horizontal(id="filter"):
            yield Label(_("Filter"))
            yield Input(placeholder=_("id, title, layer, what it says, edited, broken ..."), compact=True)
        yield self.table
        with Horizontal(id="page"):
            yield Page(id="details", classes="panel")
            yield Chart(id="chart", classes="panel")
            yield Page(id="difference", classes="panel")

    def on_mount(self) -> None:
        """Show the view that was shown last."""
        self._arrange()

    def on_resize(self) -> None:
        """Show what there is room for."""
        self._arrange()

    # The list

    def show_session(self) -> None:
        """Show the list, read in the background when files have changed, with marks for the plan's fits."""
        advisor = self.session.advisor
        if advisor is self._read_by:
            self._show_marks()
            self._show_page()
        else:
            self.in_background(lambda: ordered(advisor.entries), self._show_entries)

    def _show_entries(self, entries: tuple[Entry, ...]) -> None:
        self._entries, self._read_by, self._page = entries, self.session.advisor, None
        self._ids = frozenset(entry.id for entry in entries if entry.fit is not None)
        self._compared = tuple(name for name in self._compared if name in self._ids)
        self._show_marks()
        self._sift(self.query_one(Input).value)
        if not self._was_shown:
            self._was_shown = True
            self._first_id = self._first_id or (self.session.plan.law_id if self.session.plan else "")
        if self._first_id:
            self.table.go_to(self._first_id)
            self._first_id = ""
        self._show_page()

    def _show_marks(self) -> None:
        advisor, plan = self.session.advisor, self.session.plan
        defaults = {advisor.active_law, advisor.settings.hyperparameters or ""}
        followed = set() if plan is None else {plan.law_id}
        self.table.marks = FitMarks(frozenset(defaults), frozenset(followed), self._compared)

    def _sift(self, text: str) -> None:
        shown = tuple(entry for entry in self._entries if matches(entry, text))
        self.table.entries = shown
        count = str(len(shown))
        if len(shown) < len(self._entries):
            count = _("{some} of {all}").format(some=len(shown), all=len(self._entries))
        self.table.border_title = Content(f"{_('Fits')} ({count})  {_(LEGEND)}")

    @on(Input.Changed)
    def _filter_edited(self, event: Input.Changed) -> None:
        if self._read_by is not None:
            self._sift(event.value)
            self._show_page()

    @on(Input.Submitted)
    def _filter_left(self) -> None:
        self.set_focus(None)

    @on(FitChosen)
    def _fit_chosen(self) -> None:
        """Show the fit at the cursor."""
        self.query_one("#details").scroll_home(animate=False)
        self._show_page()

    # The page

    def _pair(self) -> tuple[str, str] | None:
        """Return the two fits to compare: the marked ones; of them or the plan's the first, and that at the cursor."""
        entry, plan = self.table.chosen, self.session.plan
        if len(self._compared) == 2:
            return self._compared[0], self._compared[1]
        first = self._compared[0] if self._compared else plan.law_id if plan else None
        # The plan's fit may be a file that is not in the list.
        if first is None or entry is None or entry.fit is None or entry.id == first or first not in self._ids:
            return None
        return first, entry.id

    def _show_page(self) -> None:
        """Show the page of the fit at the cursor; a slow computation follows from the background."""
        entry = self.table.chosen
        self._show_headline(entry)
        details = self.query_one("#details", Page)
        if entry is None:
            none = _("No fit matches the filter: press Esc, and once more to empty it.")
            details.lines = (none,) if self._entries else ()
            self._show_at_once(None)
            return
        details.lines = fit_page(fit_sections(entry, datetime.now(UTC)))
        self.query_one("#details").border_title = Content(entry.fit.title if entry.fit else entry.id)
        pair, page = self._pair(), self._page
        if page is not None and page.entry is entry and self._page_pair() == pair:
            self._show_at_once(page)
        elif entry.fit is None or self.session.advisor.fit_library.is_quick(entry.fit):
            self._show_at_once(self._compute(entry, pair))
        else:
            self.in_background(lambda: self._compute(entry, pair), self._show_computed, _PAGE)

    def _show_headline(self, entry: Entry | None) -> None:
        """Say what the fit at the cursor would change in the plan."""
        answer, panel = self.session.answer, self.query_one(HeadlinePanel)
        if answer is None:
            panel.say(_(NO_PLAN))
            return
        row = None
        if entry is not None and entry.fit is not None:
            with suppress(BudgetscopeError):
                row = self.session.advisor.beside(answer, entry.fit)
        panel.show(followed_headline(answer.plan) if row is None else law_headline(answer.plan, row))

    def _show_at_once(self, page: _Page | None) -> None:
        self.background.cancel(_PAGE)
        self._show_computed(page)

    def _page_pair(self) -> tuple[str, str] | None:
        found = self._page.difference if self._page else None
        return None if found is None else (found.before, found.after)

    def _compute(self, entry: Entry, pair: tuple[str, str] | None) -> _Page:
        library = self.session.advisor.fit_library
        try:
            found = None if entry.fit is None else library.goodness_of_fit(entry.fit)
            difference = None if pair is None else library.difference(*pair)
        except BudgetscopeError as error:
            return _Page(entry, None, None, str(error))
        return _Page(entry, found, difference, "")

    def _show_computed(self, page: _Page | None) -> None:
        self._page = page
        self._show_chart()
        self._show_difference()

    def _show_chart(self) -> None:
        chart, page = self.query_one("#chart", Chart), self._page
        fit = page.entry.fit if page else None
        chart.hide_crosshair()
        if page is None or fit is None or page.found is None:
            chart.figure, chart.border_title = None, Content(page.problem if page else "")
        elif self.view == "residuals":
            chart.figure = residuals_figure(page.found)
            chart.border_title = Content(
                _("Residuals: {what}").format(what=misfit_text(page.found) or _("it keeps no points"))
            )
        else:
            chart.figure = points_figure(fit, page.found)
            kept = "" if page.found.residuals else _("it keeps no points")
            drawn = listed(("N*(C)", range_text(page.found), kept))
            said = drawn if chart.figure else _("It has no law for N and D")
            chart.border_title = Content(said)

    def _show_difference(self) -> None:
        page, pair = self._page, self._pair()
        panel = self.query_one("#difference", Page)
        panel.border_title = Content(_("Difference") if pair is None else f"A {pair[0]}  B {pair[1]}")
        if page is not None and page.difference is not None:
            panel.lines = difference_page(page.difference)
        elif page is not None and page.problem:
            panel.lines = (page.problem,)
        else:
            panel.lines = (_("Go to another fit, or mark one with m and then another, to see what changes."),)

    # Keys

    def action_filter(self) -> None:
        """Move the focus to the filter."""
        self.query_one(Input).focus()

    def action_leave(self) -> None:
        """Leave the filter; else end the zoom; else empty the filter."""
        if self.focused is not None:
            self.set_focus(None)
        elif self.zoomed:
            self.zoomed = False
        else:
            self.query_one(Input).value = ""

    def action_move(self, lines: int) -> None:
        """Go to another fit, and show it with the list in one repaint."""
        if self.table.move(lines):
            self._fit_chosen()

    def action_next_view(self) -> None:
        """Show the next of details, points, residuals and difference; in a wide window details are always shown."""
        views = VIEWS[1:] if self._is_wide() else VIEWS
        current = self.view if self.view in views else views[0]
        self.view = views[(views.index(current) + 1) % len(views)]

    def _is_wide(self) -> bool:
        return self.size.width >= _WIDE

    def _arrange(self) -> None:
        """Show the panels of the view. Not by CSS classes, which would restyle all widgets."""
        for part in ("#filter", "#list"):
            self.query_one(part).display = not self.zoomed
        self.query_one("#page").display = self.zoomed or self.size.height >= _HIGH
        compared, wide = self.view == "difference", self._is_wide()
        self.query_one("#details").display = not compared and (wide or self.view == "details")
        self.query_one("#chart").display = not compared and (wide or self.view != "details")
        self.query_one("#difference").display = compared

    def watch_view(self) -> None:
        """Show another view."""
        self._arrange()
        self._show_chart()

    def watch_zoomed(self) -> None:
        """Give the page the screen, or take it back."""
        self._arrange()

    def action_zoom(self) -> None:
        """Give the page the whole screen, or take it back."""
        self.zoomed = not self.zoomed

    def action_crosshair(self, cells: int) -> None:
        """Move the crosshair of the chart."""
        self.query_one(Chart).move_crosshair(cells)

    def action_scroll_page(self, lines: int) -> None:
        """Scroll details or difference."""
        panel = self.query_one("#difference" if self.view == "difference" else "#details")
        panel.scroll_relative(y=lines, animate=False)

    def action_mark(self) -> None:
        """Mark the fit at the cursor for comparison, or remove its mark."""
        entry = self.table.chosen
        if entry is None or entry.fit is None:
            self.tell(_("only a fit that loads can be compared; mend its file first."))
            return
        if entry.id in self._compared:
            self._compared = tuple(name for name in self._compared if name != entry.id)
        else:
            self._compared = (entry.id,) if len(self._compared) == 2 else (*self._compared, entry.id)
        self._show_marks()
        if len(self._compared) == 2:
            self.view = "difference"
        self._show_page()

    def action_follow(self) -> None:
        """Make the plan follow the law at the cursor."""
        entry = self.table.chosen
        if entry is None or entry.fit is None:
            return
        if entry.fit.allocation is None:
            told = _("{fit} has no law for N and D: a plan cannot follow it; a makes it the default recipe.")
            self.tell(told.format(fit=entry.id))
        else:
            ask_to_follow(self, entry.id)

    def action_use(self) -> None:
        """Make the fit at the cursor the default law or recipe, after a question."""
        entry = self.table.chosen
        if entry is None:
            return
        fit_id, advisor, answer = entry.id, self.session.advisor, self.session.answer
        try:
            asks = asks_before_use(advisor, fit_id)
        except BudgetscopeError as error:
            self.tell(str(error))
            return
        if not asks:
            ask_to_use(self, fit_id)
            return

        def answered(agreed: bool | None) -> None:
            if agreed:
                use(self, fit_id)

        def ask(found: Verdict) -> None:
            self.app.push_screen(AcceptScreen(question(found)), answered)

        request = None if answer is None else answer.request
        self.in_background(lambda: verdict(advisor, fit_id, request), ask)

    def action_undo(self) -> None:
        """After a question, put back what the last write of the user's own fit at the cursor replaced."""
        entry = self.table.chosen
        if entry is None or entry.layer != "user":
            self.tell(_("only your own fits can be undone: go to one of them."))
            return

        def answered(agreed: bool | None) -> None:
            if agreed:
                self._undo(entry.id)

        self.app.push_screen(UndoScreen(entry.id), answered)

    def _undo(self, fit_id: str) -> None:
        try:
            undone = self.session.advisor.fit_library.undo(fit_id)
        except BudgetscopeError as error:
            self.tell(str(error))
            return
        self.session.reread()
        told = undone_text(fit_id, undone.restored, was_default=undone.was_default)
        self.notify(_("{what}.").format(what=told), markup=False)

    def action_import(self) -> None:
        """Open the import of a runs file."""

        def closed(stored: str | None) -> None:
            if stored is not None:
                self._first_id = stored
                self.query_one(Input).value = ""
            self.show_session()

        self.app.push_screen(ImportScreen(self, self._form), closed)

    # What can be taken away

    def as_command(self) -> str | None:
        """Return the shell command that shows the same fit, or the same difference."""
        entry, pair = self.table.chosen, self._pair()
        if self.view == "difference" and pair is not None:
            return shlex.join(("budgetscope", "fits", "diff", *pair))
        return None if entry is None else shlex.join(("budgetscope", "fits", "show", entry.id))

    def as_markdown(self) -> str | None:
        """Return the fit, or the difference, as Markdown."""
        entry, page = self.table.chosen, self._page
        if self.view == "difference" and page is not None and page.difference is not None:
            return difference_markdown(page.difference)
        return None if entry is None else fit_markdown(entry, datetime.now(UTC))

    def remember(self) -> Remembered:
        """Return the view, the zoom and the fit at the cursor."""
        entry = self.table.chosen
        return {"view": self.view, "zoomed": self.zoomed, "fit": entry.id if entry else self._first_id}

    def recall(self, remembered: Remembered) -> None:
        """Restore the view, the zoom and the cursor."""
        if remembered.get("view") in VIEWS:
            self.set_reactive(FitsScreen.view, str(remembered["view"]))
        self.set_reactive(FitsScreen.zoomed, remembered.get("zoomed") is True)
        fit = remembered.get("fit", "")
        self._first_id = fit if isinstance(fit, str) else ""

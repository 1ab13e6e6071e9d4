"""The plan screen: one request, edited by every field, and everything that answers it."""

import asyncio
import gc
from dataclasses import replace
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.reactive import reactive
from textual.screen import Screen
from textual.suggester import SuggestFromList
from textual.widgets import Footer, Static

from budgetscope.api import Advisor, PlanRequest, command
from budgetscope.core.errors import BudgetscopeError
from budgetscope.core.ledger import Convention
from budgetscope.core.plan import Plan
from budgetscope.tui import fields
from budgetscope.tui.fields import FIELDS, Problem
from budgetscope.tui.keys import bindings
from budgetscope.tui.messages import FieldEdited, LawChosen
from budgetscope.tui.screens.details import DetailsScreen
from budgetscope.tui.screens.laws import LawsScreen
from budgetscope.tui.study import Study, laws_drawn, study
from budgetscope.tui.widgets.chart import Chart
from budgetscope.tui.widgets.field_row import FieldRow
from budgetscope.tui.widgets.law_table import LawTable
from budgetscope.tui.widgets.recommendation import Cautions, Recommendation

BUDGET_EXAMPLES = "1e21   64xH100 14d   $50k on H100   loss 2.6   N=7B"
NOTICE_SECONDS = 12.0


class PlanScreen(Screen[None]):
    """Answers its request as soon as it changes.

    Attributes:
        request: the one source of everything shown.
        problem: why `plan` is not the answer to what the fields say; None when it is.
        view: what the lower half shows: `both` where there is room, `chart` or `table`.
        zoomed: whether the lower half has the whole screen.
    """

    BINDINGS: ClassVar[list[BindingType]] = bindings("plan")
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (110, "-wide"), (160, "-very-wide")]  # noqa: RUF012 - Textual's form
    VERTICAL_BREAKPOINTS = [(0, "-low"), (22, "-short"), (36, "-tall"), (50, "-very-tall")]  # noqa: RUF012
    AUTO_FOCUS = "#field-budget Input"

    request: reactive[PlanRequest] = reactive(PlanRequest(""), init=False, repaint=False)
    problem: reactive[Problem | None] = reactive(None, init=False, repaint=False)
    view: reactive[str] = reactive("both", init=False, repaint=False)
    zoomed: reactive[bool] = reactive(False, toggle_class="-zoomed")

    def __init__(self, advisor: Advisor, request: PlanRequest) -> None:
        super().__init__()
        self.advisor = advisor
        self.set_reactive(PlanScreen.request, request)
        self.plan: Plan | None = None
        self.answered: PlanRequest | None = None
        self._unread: dict[str, str] = {}
        self._laws_drawn: tuple[object, ...] = ()
        self.studying = False

    def compose(self) -> ComposeResult:
        """Lay the form, the recommendation, the cautions, the chart and the comparison."""
        texts = fields.written(self.request)
        yield Static(id="header", markup=False)
        yield FieldRow(FIELDS[0], texts["budget"], BUDGET_EXAMPLES)
        with Horizontal(id="upper"):
            with VerticalScroll(id="form", can_focus=False) as form:
                form.border_title = "Options"
                for field in FIELDS[1:]:
                    yield FieldRow(field, texts[field.name], suggestions=self._suggestions(field.name))
            yield Recommendation(id="recommendation")
        yield Cautions(id="cautions")
        with Horizontal(id="lower"):
            yield Chart(id="chart")
            yield LawTable(id="laws")
        yield Footer(show_command_palette=False, compact=True)

    def _suggestions(self, name: str) -> tuple[str, ...]:
        match name:
            case "device":
                return tuple(device.name for device in self.advisor.all_devices)
            case "convention":
                return tuple(Convention)
            case _:
                return ()

    def on_mount(self) -> None:
        """Answer the first request before the first paint; the other laws are read after it."""
        self.query_one("#chart").border_title = "N*(C)"
        self.query_one("#laws").border_title = "What the others say"
        self.query_one("#cautions").border_title = "Cautions"
        self.watch_view()
        self._answer()

    # The one request

    def row(self, name: str) -> FieldRow:
        """Return the row of a field."""
        return self.query_one(f"#field-{name}", FieldRow)

    @on(FieldEdited)
    def _field_edited(self, event: FieldEdited) -> None:
        try:
            request = fields.read(self.request, event.name, event.text)
        except BudgetscopeError as error:
            self._unread[event.name] = str(error)
            self._answer()
            return
        self._unread.pop(event.name, None)
        if request == self.request:
            self._answer()
        else:
            self.request = request

    @on(LawChosen)
    def _law_chosen(self, event: LawChosen) -> None:
        self.row("law").write(event.fit_id)
        self.request = replace(self.request, law=event.fit_id)

    def watch_request(self) -> None:
        """Answer it."""
        self._answer()

    def _answer(self) -> None:
        request = self.request
        if self._unread:
            self.problem = Problem(*next(iter(self._unread.items())))
            return
        try:
            plan = self.advisor.plan(request)
        except BudgetscopeError as error:
            self.problem = Problem(fields.field_at_fault(self.advisor, request), str(error))
            return
        self.plan, self.answered = plan, request
        self.problem = None
        self._show_plan(plan)
        if laws_drawn(plan) == self._laws_drawn:
            self._show_study(self._studied(request, plan))
        elif not self.studying:
            self.studying = True
            self.call_after_refresh(self.run_worker, self._study())

    def _show_plan(self, plan: Plan) -> None:
        self.query_one(Recommendation).plan = plan
        self.query_one(Cautions).plan = plan
        for field in FIELDS[1:]:
            self.row(field.name).hint(field.resolved(plan))
            self.row(field.name).note("")
        self.row("budget").note(plan.understood)
        self.query_one("#header", Static).update(
            Content(f" budgetscope   {plan.law_id}   {plan.law_title}"), layout=False
        )
        self.query_one("#chart").border_title = Content(f"N*(C), {plan.convention} count")

    def watch_problem(self, problem: Problem | None) -> None:
        """Say it beside its field, and mark the plan on the screen as the last good one."""
        self.query_one(Recommendation).stale = problem is not None
        self.set_class(problem is not None, "-stale")
        for field in FIELDS:
            if problem is not None and field.name == problem.field:
                self.row(field.name).problem(problem.sentence)
                self.row(field.name).scroll_visible(animate=False)
            else:
                self.row(field.name).note("")

    # The other laws

    async def _study(self) -> None:
        """Meet the laws of the plan until nothing newer was asked; in a thread, since that takes a while."""
        try:
            while self.answered is not None and self.plan is not None and laws_drawn(self.plan) != self._laws_drawn:
                request, plan = self.answered, self.plan
                found = await asyncio.to_thread(self._studied, request, plan)
                if not self._laws_drawn:
                    self._library_read()
                self._laws_drawn = laws_drawn(plan)
                if request == self.answered:
                    self._show_study(found)
        finally:
            self.studying = False

    def _studied(self, request: PlanRequest, plan: Plan) -> Study | None:
        """Return the study of a plan; None when a file broke since the plan was made."""
        try:
            return study(self.advisor, request, plan)
        except BudgetscopeError:
            return None

    def _show_study(self, found: Study | None) -> None:
        if found is None:
            return
        self.query_one(Chart).figure = found.figure
        self.query_one(LawTable).comparison = found.comparison

    def _library_read(self) -> None:
        """Tell which files were refused, and complete the ids of the others."""
        for entry in self.advisor.entries:
            if entry.problem:
                self._notify(entry.problem)
        ids = [fit.id for fit in self.advisor.fits if fit.allocation]
        self.row("law").input.suggester = SuggestFromList(ids, case_sensitive=False)
        # What was read stays: a collector that walks it again makes one keystroke in twenty twice as slow.
        gc.freeze()

    def _notify(self, sentence: str) -> None:
        self.notify(sentence, severity="warning", timeout=NOTICE_SECONDS, markup=False)

    # Keys

    def action_edit_budget(self) -> None:
        """Put the cursor into the budget."""
        self.row("budget").input.focus()

    def action_leave(self) -> None:
        """Leave a field, or else the zoom."""
        if self.focused is None:
            self.zoomed = False
        self.set_focus(None)

    def action_choose_law(self) -> None:
        """Open the law picker."""

        def chosen(fit_id: str | None) -> None:
            if fit_id is not None:
                self.post_message(LawChosen(fit_id))

        current = self.plan.law_id if self.plan else None
        self.app.push_screen(LawsScreen(self.advisor.fits, current), chosen)

    def action_next_view(self) -> None:
        """Show the next of both, chart and table; both only where both fit."""
        views = ["both", "chart", "table"] if self._room_for_both() else ["chart", "table"]
        current = self.view if self.view in views else "chart"
        self.view = views[(views.index(current) + 1) % len(views)]

    def _room_for_both(self) -> bool:
        return self.has_class("-wide") or self.has_class("-very-wide")

    def watch_view(self) -> None:
        """Show one panel or both."""
        for view in ("both", "chart", "table"):
            self.set_class(view == self.view, f"-view-{view}")

    def action_zoom(self) -> None:
        """Give the lower half the whole screen, or take it back."""
        self.zoomed = not self.zoomed

    def action_details(self) -> None:
        """Open everything the plan says."""
        if self.plan is not None and self.answered is not None:
            self.app.push_screen(DetailsScreen(self.plan, command(self.answered)))

    def action_copy_command(self) -> None:
        """Copy the command that gives the plan on the screen."""
        if self.answered is not None:
            words = command(self.answered)
            self.app.copy_to_clipboard(words)
            self.notify(words, title="Copied", timeout=NOTICE_SECONDS, markup=False)

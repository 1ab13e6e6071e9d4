"""The Plan screen: the form of the request, the plan, a chart and the comparison of laws."""

from dataclasses import replace
from functools import partial
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.reactive import reactive

from budgetscope.api import AnsweredRequest
from budgetscope.api.fields import FORM
from budgetscope.api.request import form_texts, has_text
from budgetscope.core.answers.comparison import Comparison
from budgetscope.core.answers.plan import Plan
from budgetscope.core.counting.ledger import Convention
from budgetscope.core.language import _, ngettext
from budgetscope.report.figures.figure import Figure
from budgetscope.report.headline import budget_readings, plan_headline
from budgetscope.report.words import counted, listed, width
from budgetscope.tui.figures.plan_charts import PLAN_CHARTS, SIZE, plan_chart
from budgetscope.tui.figures.plan_figures import Figures
from budgetscope.tui.keys import bindings
from budgetscope.tui.screens.base import Remembered, SessionScreen
from budgetscope.tui.screens.plan.recommendation import Cautions, RecommendationPanel
from budgetscope.tui.session import Session
from budgetscope.tui.widgets.chart import Chart
from budgetscope.tui.widgets.field_row import FieldEdited, FieldRow
from budgetscope.tui.widgets.headline import HeadlinePanel
from budgetscope.tui.widgets.law_table import LawChosen, LawTable

BUDGET_EXAMPLES = "1e21   64xH100 14d   $50k on H100   loss 2.6   N=7B"
VIEWS = ("both", "chart", "table")
_MARGINS = 2
"""Columns of a window that a note of the budget leaves free, as in the style."""


class PlanScreen(SessionScreen):
    """The Plan screen: computes a new answer whenever a field changes.

    Attributes:
        view: what the lower half shows: `both` where there is room, `chart` or `table`.
        zoomed: whether the lower half fills the screen.
        options: whether the form of the options is open; a very wide window always shows it.
        quantity: quantity of the chart; one of `PLAN_CHARTS`.
    """

    SECTION = "plan"
    SAYS_PROBLEM = False
    BINDINGS: ClassVar[list[BindingType]] = bindings("plan")

    view: reactive[str] = reactive("both", init=False, repaint=False)
    zoomed: reactive[bool] = reactive(False, toggle_class="-zoomed")
    options: reactive[bool] = reactive(False, toggle_class="-options")
    quantity: reactive[str] = reactive(SIZE, init=False, repaint=False)

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._titles: dict[str, str] = {}
        self._figures: Figures | None = None
        self._compared: object = None
        # For the session's answer. Until it is computed, the table shows the previous one, dimmed.
        self._comparison: Comparison | None = None

    def body(self) -> ComposeResult:
        """Compose the headline, the budget, the options, the chart, the comparison, the recipe and the cautions."""
        self._class_view(update=False)
        texts = form_texts(self.session.request)
        yield HeadlinePanel()
        yield FieldRow(FORM[0], texts["budget"], BUDGET_EXAMPLES)
        with Horizontal(id="middle"):
            with VerticalScroll(id="form", classes="panel", can_focus=False) as form:
                form.border_title = _("Options")
                for field in FORM[1:]:
                    yield FieldRow(field, texts[field.name], suggestions=self._suggestions(field.name))
            with Horizontal(id="lower"):
                yield Chart(id="chart", classes="panel")
                yield LawTable(id="laws", classes="panel")
        with Horizontal(id="upper"):
            yield RecommendationPanel(id="recommendation", classes="panel")
            yield Cautions(id="cautions", classes="panel")

    def _suggestions(self, name: str) -> tuple[str, ...]:
        match name:
            case "device":
                return tuple(device.name for device in self.session.advisor.all_devices)
            case "counting":
                return tuple(Convention)
            case _:
                return ()

    def on_mount(self) -> None:
        """Set the panel titles."""
        self._titles["cautions"] = _("What could change the decision")
        self._entitle()

    # The request

    def row(self, name: str) -> FieldRow:
        """Return the row of a field."""
        return self.query_one(f"#field-{name}", FieldRow)

    @on(FieldEdited)
    def _field_edited(self, event: FieldEdited) -> None:
        self.session.edit(event.row.field.name, event.row.take())

    @on(LawChosen)
    def _law_chosen(self, event: LawChosen) -> None:
        from budgetscope.tui.screens.law_changes import ask_to_follow  # noqa: PLC0415 - not at the start

        ask_to_follow(self, event.fit_id)

    def show_session(self) -> None:
        """Show the request, its problem and the plan; start the chart and the comparison in the background."""
        self._show_request()
        self._show_problem()
        answer = self.session.answer
        if answer is None:
            return
        if self.session.problem is None:
            self._show_plan(answer.plan)
            self._show_reading(answer)
        self._draw(answer)
        self._compare(answer)

    def _draw(self, answer: AnsweredRequest) -> None:
        """Show the chart of an answer; it reads only the few fits that it draws, not the whole library."""
        session, quantity = self.session, self.quantity
        if self._figures is None or self._figures.advisor is not session.advisor:
            self._figures = Figures(session.advisor, session.letters)
        figures = self._figures

        def show(figure: Figure | None) -> None:
            self._show_figure(answer.plan, quantity, figure)

        if figures.knows(answer.plan, quantity):
            self.background.cancel("chart")
            show(figures.figure(answer, quantity))
        else:
            self.in_background(lambda: figures.figure(answer, quantity), show, "chart")

    def _compare(self, answer: AnsweredRequest) -> None:
        """Compare all laws for an answer, unless that comparison is shown already."""
        if self._compared == self.answer_key():
            return
        compute = partial(self.session.advisor.compare, answer)
        self.ask_laws(compute, self._show_comparison, self._await_comparison, self._refuse_comparison)

    def _await_comparison(self) -> None:
        self._compared = self._comparison = None
        self.query_one(LawTable).waiting = True
        self._titles["laws"] = _("comparing {n} laws ...").format(n=len(self.session.fit_ids))
        self._entitle()

    def _refuse_comparison(self, sentence: str) -> None:
        self.tell(sentence)
        self._compared, self._comparison = self.answer_key(), None
        self._titles["laws"] = _("What the others say: no answer")
        self._entitle()

    def _entitle(self) -> None:
        """Set the titles of chart, table and cautions, with a prefix when they belong to the last good plan."""
        for part, title in self._titles.items():
            self.query_one(f"#{part}").border_title = Content(self._marked(title))

    def _marked(self, text: str) -> str:
        """Return a text with a prefix when it belongs to the last good plan."""
        return text if self.session.problem is None else _("LAST GOOD PLAN: {text}").format(text=text)

    def _show_request(self) -> None:
        """Update the fields whose text differs from the request, which another screen may have changed."""
        texts = form_texts(self.session.request)
        for name, text in texts.items():
            if not self.session.is_unread(name) and not has_text(self.session.request, name, self.row(name).value):
                self.row(name).write(text)

    def _show_plan(self, plan: Plan) -> None:
        bounds = 0 if plan.choice is None else len(plan.choice.prices)
        told = ngettext("Options, {n} constraint", "Options, {n} constraints", bounds).format(n=bounds)
        self.query_one("#form").border_title = told if bounds else _("Options")
        self.query_one(RecommendationPanel).plan = plan
        self.query_one(Cautions).plan = plan
        for field in FORM[1:]:
            self.row(field.name).hint(field.resolved(plan))
            self.row(field.name).note("")

    def _show_reading(self, answer: AnsweredRequest) -> None:
        """Show how the budget was read, in the longest form of one line; the shortest wraps where none is."""
        readings, room = budget_readings(answer), self.size.width - _MARGINS
        self.row("budget").note(next((each for each in readings if width(each) <= room), readings[-1]))

    def on_resize(self) -> None:
        """Say how the budget was read as far as the new window allows."""
        if self.session.answer is not None and self.session.problem is None:
            self._show_reading(self.session.answer)

    def _show_problem(self) -> None:
        """Show the problem below its field, and mark the plan as the last good one."""
        problem = self.session.problem
        self.query_one(RecommendationPanel).stale = problem is not None
        headline = self.query_one(HeadlinePanel)
        headline.set_class(problem is not None, "-stale")
        if self.session.plan is not None:
            told = plan_headline(self.session.plan)
            headline.show(replace(told, sentence=self._marked(told.sentence)))
        if problem is not None and problem.name != FORM[0].name:
            self.options = True
        self._entitle()
        for field in FORM:
            if problem is not None and field.name == problem.name:
                self.row(field.name).problem(problem.sentence)
                self.row(field.name).scroll_visible(animate=False)
            elif problem is not None:
                self.row(field.name).note("")

    # The other laws

    def _show_figure(self, plan: Plan, quantity: str, figure: Figure | None) -> None:
        chart, shown = self.query_one(Chart), plan_chart(quantity)
        chart.figure = figure
        remark = counted(plan.convention) if figure else _(shown.lacking).format(law=plan.law_id)
        place = _("{n} of {all}").format(n=PLAN_CHARTS.index(shown) + 1, all=len(PLAN_CHARTS))
        self._titles["chart"] = f"{listed((_(shown.title), remark))}  ({place})"
        self._entitle()

    def _show_comparison(self, comparison: Comparison) -> None:
        self._compared, self._comparison = self.answer_key(), comparison
        laws = self.query_one(LawTable)
        laws.letters, laws.comparison, laws.waiting = self.session.letters, comparison, False
        self._titles["laws"] = _("What the others say: the optimum of each law")
        self._entitle()
        if not self.row("law").suggests:
            self.row("law").suggest([fit.id for fit in self.session.advisor.fits if fit.allocation])

    # Keys

    def action_edit_budget(self) -> None:
        """Put the cursor into the budget field."""
        self.row("budget").input.focus()

    def action_leave(self) -> None:
        """Leave the focused field; without one, leave the zoom."""
        if self.focused is None:
            self.zoomed = False
        self.set_focus(None)

    def action_choose_law(self) -> None:
        """Open the law picker."""
        from budgetscope.report.law_choices import law_choices  # noqa: PLC0415 - not at the start
        from budgetscope.tui.screens.plan.law_picker import LawsScreen  # noqa: PLC0415 - not at the start

        def chosen(fit_id: str | None) -> None:
            if fit_id is not None:
                self.post_message(LawChosen(fit_id))

        current = self.session.plan.law_id if self.session.plan else None
        self.app.push_screen(LawsScreen(law_choices(self.session.advisor.fits), current), chosen)

    def action_next_view(self) -> None:
        """Show the next view: both where both fit, chart, table."""
        views = VIEWS if self._room_for_both() else VIEWS[1:]
        current = self.view if self.view in views else "chart"
        self.view = views[(views.index(current) + 1) % len(views)]

    def action_next_chart(self) -> None:
        """Show the next chart."""
        following = PLAN_CHARTS.index(plan_chart(self.quantity)) + 1
        self.quantity = PLAN_CHARTS[following % len(PLAN_CHARTS)].quantity
        if self.view == "table":
            self.view = "chart"

    def watch_quantity(self) -> None:
        """Draw the chart of the new quantity."""
        self.query_one(Chart).hide_crosshair()
        if self.session.answer is not None:
            self._draw(self.session.answer)

    def _room_for_both(self) -> bool:
        return self.has_class("-wide") or self.has_class("-very-wide")

    def watch_view(self) -> None:
        """Show the panels of the new view."""
        self._class_view()

    def _class_view(self, *, update: bool = True) -> None:
        self.update_classes({f"-view-{view}": view == self.view for view in VIEWS}, update)

    def action_zoom(self) -> None:
        """Let the lower half fill the screen, or restore the layout."""
        self.zoomed = not self.zoomed

    async def action_options(self) -> None:
        """Open the options, with the cursor in the first; or close them. The zoom, which hides them, ends."""
        self.options, self.zoomed = self.zoomed or not self.options, False
        if self.options or self.has_class("-very-wide"):
            # At once, not after the next paint: the keys typed until then would go elsewhere.
            for field in FORM[1:]:
                await self.row(field.name).filled()
            self.app.stylesheet.update(self.query_one("#form"))
            self.set_focus(self.row(FORM[1].name).input)

    def action_details(self) -> None:
        """Open the details of the plan."""
        from budgetscope.tui.screens.plan.details import DetailsScreen  # noqa: PLC0415 - not at the start

        answer = self.session.answer
        if answer is not None:
            skipped = self._comparison.skipped if self._comparison else ()
            advisor = self.session.advisor
            layouts = advisor.memory(answer) if answer.plan.is_laid_out else None
            self.app.push_screen(DetailsScreen(answer.plan, advisor.command(answer.request), layouts, skipped))

    def action_crosshair(self, cells: int) -> None:
        """Move the crosshair of the chart."""
        self.query_one(Chart).move_crosshair(cells)

    # Export and saved state

    def as_markdown(self) -> str | None:
        """Return the plan and the comparison of laws as Markdown."""
        from budgetscope.report.tables import comparison_markdown, plan_markdown  # noqa: PLC0415 - not at the start

        answer = self.session.answer
        if answer is None:
            return None
        parts = [plan_markdown(answer.plan, self.session.advisor.command(answer.request))]
        if self._comparison is not None:
            parts.append(comparison_markdown(self._comparison))
        return "\n".join(parts)

    def remember(self) -> Remembered:
        """Return the state of the lower half."""
        return {"view": self.view, "zoomed": self.zoomed, "options": self.options, "quantity": self.quantity}

    def recall(self, remembered: Remembered) -> None:
        """Restore the state of the lower half."""
        if remembered.get("view") in VIEWS:
            self.set_reactive(PlanScreen.view, str(remembered["view"]))
        self.set_reactive(PlanScreen.quantity, plan_chart(str(remembered.get("quantity"))).quantity)
        self.set_reactive(PlanScreen.zoomed, remembered.get("zoomed") is True)
        self.set_class(self.zoomed, "-zoomed")
        self.set_reactive(PlanScreen.options, remembered.get("options") is True)
        self.set_class(self.options, "-options")

"""The Compare screen: saved scenarios side by side, or all laws for one of them."""

from collections.abc import Callable
from functools import partial
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.reactive import reactive
from textual.widgets import Static

from budgetscope.api.request import PlanRequest
from budgetscope.api.scenarios import (
    SavedScenario,
    delete_scenario,
    duplicate_scenario,
    read_scenarios,
    rename_scenario,
    save_scenario,
)
from budgetscope.core.answers.machines import Machines
from budgetscope.core.errors import BudgetscopeError
from budgetscope.core.language import _
from budgetscope.report.headline import comparison_headline
from budgetscope.report.tables import board_markdown, comparison_markdown
from budgetscope.report.words import counted, listed
from budgetscope.tui.keys import bindings
from budgetscope.tui.screens.base import Remembered, SessionScreen, show_line
from budgetscope.tui.screens.compare.dialogs import DeleteScreen, NameScreen
from budgetscope.tui.screens.compare.machine_dialog import MachinesScreen
from budgetscope.tui.screens.compare.scenario_table import ColumnChosen, ScenarioTable
from budgetscope.tui.screens.compare.scenarios import (
    FIRST_STEPS,
    ScenarioAnswer,
    ScenarioAnswers,
    ScenarioLaws,
    ScenarioSet,
    allocation_figure,
    fitting_name,
    letter,
    present_name,
    price_figure,
    price_title,
)
from budgetscope.tui.screens.law_changes import ask_to_follow, ask_to_open
from budgetscope.tui.session import Session
from budgetscope.tui.signs import PROBLEM_SIGN
from budgetscope.tui.widgets.chart import Chart
from budgetscope.tui.widgets.headline import HeadlinePanel
from budgetscope.tui.widgets.law_table import LawChosen, LawTable

VIEWS = ("both", "table", "chart")
_ROWS_FOR_BOTH, _TABLE_ROWS = 40, 22
_LAWS, _MACHINES = "laws", "machines"


class CompareScreen(SessionScreen):
    """The Compare screen: the session's request beside the saved scenarios.

    Attributes:
        view: `both` where there is room, `table` or `chart`.
        laws: whether the table compares the laws for the scenario at the cursor.
        priced: whether the chart shows loss over cost instead of N*(C).
    """

    SECTION = "compare"
    BINDINGS: ClassVar[list[BindingType]] = bindings("compare")

    view: reactive[str] = reactive("both", init=False, repaint=False)
    laws: reactive[bool] = reactive(False, repaint=False, init=False)
    priced: reactive[bool] = reactive(False, repaint=False, init=False)

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._scenarios: tuple[SavedScenario, ...] = ()
        self._broken = ""
        """Why the scenarios cannot be read; empty if they can."""
        self._answers = ScenarioAnswers(session.advisor, session.letters)
        self._shown: ScenarioSet | None = None
        self._laws: ScenarioLaws | None = None
        # Names, since indices change when scenarios are saved or deleted. None is the session's own request.
        self._reference: str | None = None
        self._cursor: str | None = None

    def body(self) -> ComposeResult:
        """Compose the scenarios, the laws and the chart."""
        yield HeadlinePanel()
        yield ScenarioTable(id="board", classes="panel")
        yield Static(id="hint", markup=False)
        yield LawTable(id="laws", classes="panel")
        yield Chart(id="chart", classes="panel")

    def on_mount(self) -> None:
        """Lay out the panels for the restored state."""
        self._arrange()
        # The screen moves the cursor of the table; focusing the table would rebuild the footer.
        laws = self.query_one(LawTable)
        laws.can_focus, laws.lit = False, True

    # Display

    def show_session(self) -> None:
        """Read and answer the scenarios again."""
        self._read()

    on_screen_resume = show_session  # Another process may have changed them.

    def _read(self) -> None:
        try:
            self._scenarios, self._broken = read_scenarios(), ""
        except BudgetscopeError as error:
            self._scenarios, self._broken = (), str(error)
        self._answer()

    def _answer(self) -> None:
        session, scenarios, reference = self.session, self._scenarios, self._reference
        request = session.request if session.answer is None else session.answer.request
        present = (request, present_name(session, scenarios))
        if self._answers.advisor is not session.advisor:
            self._answers = ScenarioAnswers(session.advisor, session.letters)
        answers = self._answers
        self.in_background(lambda: answers.side_by_side(present, scenarios, reference), self._show)

    def _show(self, found: ScenarioSet) -> None:
        self._shown = found
        # Another process may have deleted the scenario at the cursor or the reference.
        self._cursor = self._entry().name
        self._reference = found.entries[found.board.reference].name
        board = self.query_one(ScenarioTable)
        board.board, board.cursor = found.board, self._place()
        self._ask_laws()

    def _ask_laws(self) -> None:
        """Show what depends on the cursor; if the laws are shown, compute them first, in the background."""
        if self._shown is None:
            return
        answer, answers = self._entry().answer, self._answers
        self.background.cancel(_LAWS)
        if not self.laws or answer is None:
            self._show_laws(None)
        elif answers.knows(answer):
            self._show_laws(answers.laws(answer))
        else:
            self.query_one(LawTable).waiting = True
            self.query_one(LawTable).border_title = _("comparing {n} laws ...").format(n=len(self.session.fit_ids))
            self.in_background(lambda: answers.laws(answer), self._show_laws, _LAWS, refuse=self._refuse_laws)

    def _refuse_laws(self, sentence: str) -> None:
        self.tell(sentence)
        self._show_laws(None)

    def _show_laws(self, found: ScenarioLaws | None) -> None:
        self._laws = found
        self.query_one(LawTable).waiting = False
        self._show_chosen()

    def _show_chosen(self) -> None:
        """Show the laws, the hint and the chart for the scenario at the cursor."""
        if self._shown is None:
            return
        entry, place = self._entry(), self._place()
        board = self._shown.board
        self.query_one(HeadlinePanel).show(comparison_headline(board.columns, board.reference, place))
        name = f"{letter(place)} {entry.column.name}"
        laws, chart = self.query_one(LawTable), self.query_one(Chart)
        hint = f"{PROBLEM_SIGN}{self._broken}" if self._broken else _(FIRST_STEPS) if not self._scenarios else ""
        if self.laws:
            laws.letters = self.session.letters
            laws.comparison = None if self._laws is None else self._laws.comparison
            laws.border_title = Content(_("What the laws say of {name}").format(name=name))
            chart.figure = None if self._laws is None else self._laws.figure
            chart.border_title = Content(_("N*(C) of the laws, for {name}").format(name=name))
            problem = entry.column.problem or self._broken
            hint = f"{PROBLEM_SIGN}{problem}" if problem else ""
        elif self.priced:
            chart.figure = price_figure(self._shown, place)
            chart.border_title = price_title(chart.figure)
        else:
            chart.figure = allocation_figure(self._shown, place)
            base = self._shown.board.columns[self._shown.board.reference].plan
            chart.border_title = Content("N*(C)" if base is None else listed(("N*(C)", counted(base.convention))))
        show_line(self.query_one("#hint", Static), hint)

    def _place(self) -> int:
        return 0 if self._shown is None else self._shown.index(self._cursor)

    def _entry(self) -> ScenarioAnswer:
        """Return the scenario at the cursor.

        Raises:
            LookupError: no scenarios are shown yet.
        """
        if self._shown is None:
            raise LookupError
        return self._shown.entries[self._place()]

    # Keys that change the view

    def action_move(self, columns: int) -> None:
        """Move the cursor by columns, in display order."""
        order = self.query_one(ScenarioTable).order()
        if order:
            place = order.index(self._place()) + columns
            self._choose(order[min(max(place, 0), len(order) - 1)])

    def _choose(self, index: int) -> None:
        if self._shown is None:
            return
        self._cursor = self._shown.entries[index].name
        self.query_one(ScenarioTable).cursor = index
        self._ask_laws()

    @on(ColumnChosen)
    def _column_chosen(self, event: ColumnChosen) -> None:
        self._choose(event.index)

    def action_refer(self) -> None:
        """Make the scenario at the cursor the reference; if it is already, the session's own request."""
        self._reference = None if self._reference == self._cursor else self._cursor
        self._answer()

    def action_scroll_lines(self, lines: int) -> None:
        """Move the cursor of the laws, or scroll the quantities."""
        if self.laws:
            self.query_one(LawTable).action_move(lines)
        else:
            self.query_one(ScenarioTable).scroll_relative(y=lines, animate=False)

    def action_switch_laws(self) -> None:
        """Switch between the scenarios and the laws for the scenario at the cursor."""
        self.laws = not self.laws
        self._ask_laws()

    def action_leave(self) -> None:
        """Go back from the laws to the scenarios."""
        if self.laws:
            self.action_switch_laws()

    def action_next_view(self) -> None:
        """Show the next view: both where both fit, table, chart."""
        views = VIEWS if self._room_for_both() else VIEWS[1:]
        current = self.view if self.view in views else "table"
        self.view = views[(views.index(current) + 1) % len(views)]

    def _room_for_both(self) -> bool:
        return self.app.size.height >= _ROWS_FOR_BOTH

    def watch_view(self) -> None:
        """Show the panels of the view, both where there is room."""
        self._arrange()

    watch_laws = on_resize = watch_view

    def _arrange(self) -> None:
        """Lay out the panels by direct styles; CSS classes would restyle the whole screen at every key."""
        view = "table" if self.view == "both" and not self._room_for_both() else self.view
        # The line of names stays visible as the key to the letters in the chart.
        names_only = self.laws or view == "chart"
        board = self.query_one(ScenarioTable)
        board.styles.height = 2 if names_only else _TABLE_ROWS if view == "both" else "1fr"
        board.styles.overflow_y = "hidden" if names_only else "auto"
        self.query_one(LawTable).display = self.laws and view != "chart"
        self.query_one(Chart).display = view != "table"

    def action_switch_axes(self) -> None:
        """Switch the chart between N*(C) and loss over cost; show it where it is hidden."""
        if self.laws:
            self.action_switch_laws()
        self.priced = not self.priced
        if not self.query_one(Chart).display:
            self.view = "chart"
        self._show_chosen()

    def action_crosshair(self, cells: int) -> None:
        """Move the crosshair of the chart."""
        self.query_one(Chart).move_crosshair(cells)

    # Keys that change scenarios

    def _tell_broken(self) -> bool:
        """Tell what is wrong with the scenarios file, and return whether anything is; it may have been mended."""
        if self._broken:
            self._read()
        if self._broken:
            self.tell(self._broken)
        return bool(self._broken)

    def _saved(self) -> str | None:
        """Return the name of the saved scenario at the cursor; None, with a notice, on the session's own request."""
        if self._tell_broken():
            return None
        if self._cursor is None or self._shown is None:
            self.tell(_("This is the current plan: go to a saved scenario with ← →, or save this one with s."))
            return None
        return self._cursor

    def action_save(self) -> None:
        """Ask for a name and save the session's request under it."""
        if self._tell_broken():
            return
        session = self.session
        if session.problem is not None or session.answer is None:
            self.tell(_("The request has no plan: correct it on Plan (1), then save it."))
            return
        request = session.answer.request
        self._ask_name(_("Save the current plan as"), request.budget, request, session.call)

    def _ask_name(self, title: str, name: str, request: PlanRequest, then: Callable[[str], None]) -> None:
        """Ask for a name, save a request under it, and go on with the name."""

        def saved(name: str | None) -> None:
            if name is not None:
                self._cursor = name
                then(name)

        def keep(name: str) -> None:
            save_scenario(name, request)

        name, lost = fitting_name(self.session.scenario, name, request, self._scenarios)
        self.app.push_screen(NameScreen(title, name, lost, keep), saved)

    def action_machines(self) -> None:
        """Offer the training at the cursor on every device, and save the chosen one."""
        answer = None if self._shown is None else self._entry().answer
        if self._tell_broken() or answer is None:
            return
        advisor, key = self.session.advisor, self._cursor

        def chosen(found: Machines, device: str | None) -> None:
            if device is not None:
                request, name = advisor.on_device(answer, found, device), f"{device} {key or found.budget}"
                title = _("Save the training on {device} as").format(device=device)
                self._ask_name(title, name, request, lambda _: self._read())

        def offer(found: Machines) -> None:
            if found.problem:
                self.tell(found.problem)
            elif self.is_current and self._cursor == key:
                self.app.push_screen(MachinesScreen(found), partial(chosen, found))

        self.in_background(lambda: advisor.machines(answer), offer, _MACHINES)

    def action_rename(self) -> None:
        """Ask for a new name for the scenario at the cursor."""
        old = self._saved()
        if old is None:
            return

        def renamed(name: str | None) -> None:
            if name is None:
                return
            self._cursor = name
            self._reference = name if self._reference == old else self._reference
            if self.session.scenario == old:
                self.session.call(name)
            else:
                self._read()

        self.app.push_screen(
            NameScreen(_("Rename {name} to").format(name=old), old, (), partial(rename_scenario, old)), renamed
        )

    def action_duplicate(self) -> None:
        """Duplicate the scenario at the cursor."""
        name = self._saved()
        if name is None:
            return
        try:
            self._cursor = duplicate_scenario(name)
        except BudgetscopeError as error:
            self.tell(str(error))
        self._read()

    def action_delete(self) -> None:
        """Delete the scenario at the cursor after confirmation."""
        name = self._saved()
        if name is None:
            return

        def answered(delete: bool | None) -> None:
            if not delete:
                return
            try:
                delete_scenario(name)
            except BudgetscopeError as error:
                self.tell(str(error))
            self._cursor = None
            if self.session.scenario == name:
                self.session.call(None)
            else:
                self._read()

        self.app.push_screen(DeleteScreen(name), answered)

    def action_open(self) -> None:
        """Open the scenario at the cursor in the session; among the laws, follow the one at the cursor."""
        if self.laws:
            self.query_one(LawTable).action_choose()
            return
        name = self._saved()
        if name is None:
            return
        entry = self._entry()
        if entry.request is None:
            self.tell(entry.column.problem)
            return
        self._cursor = None
        self.session.open(name, entry.request)

    @on(LawChosen)
    def _law_chosen(self, event: LawChosen) -> None:
        """Open the scenario of the comparison under a law, after a question."""
        entry = self._entry()
        if entry.name is not None and entry.request is not None:
            ask_to_open(self, event.fit_id, entry.name, entry.request)
        else:
            ask_to_follow(self, event.fit_id)

    # Export and saved state

    def as_command(self) -> str | None:
        """Return the command of the scenario at the cursor."""
        request = None if self._shown is None else self._entry().request
        return None if request is None else self.session.advisor.command(request, "compare" if self.laws else "plan")

    def as_markdown(self) -> str | None:
        """Return the scenarios, or the comparison of laws, as Markdown."""
        if self._shown is None:
            return None
        if self.laws:
            return None if self._laws is None else comparison_markdown(self._laws.comparison)
        return board_markdown(self._shown.board)

    def remember(self) -> Remembered:
        """Return the state of the screen."""
        return {
            "view": self.view, "laws": self.laws, "priced": self.priced,
            "reference": self._reference or "", "cursor": self._cursor or "",
        }  # fmt: skip

    def recall(self, remembered: Remembered) -> None:
        """Restore the state of the screen."""
        if remembered.get("view") in VIEWS:
            self.set_reactive(CompareScreen.view, str(remembered["view"]))
        self.set_reactive(CompareScreen.laws, remembered.get("laws") is True)
        self.set_reactive(CompareScreen.priced, remembered.get("priced") is True)
        self._reference = str(remembered.get("reference") or "") or None
        self._cursor = str(remembered.get("cursor") or "") or None

"""The app: wires session, screens, keys and themes, and nothing more."""

import codecs
import os
import sys
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime
from functools import partial
from importlib import import_module
from io import StringIO
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any, ClassVar, TextIO

from textual import events
from textual.app import App, SystemCommand
from textual.binding import BindingType
from textual.command import CommandPalette
from textual.screen import ModalScreen, Screen
from textual.widgets import Input

from budgetscope.api import Advisor, PlanRequest, from_record, to_record
from budgetscope.api.app_state import AppState, read_state, write_state
from budgetscope.core.errors import BudgetscopeError, FailureError
from budgetscope.core.language import N_, _
from budgetscope.core.printable import printable
from budgetscope.tui.gc_schedule import TICK_SECONDS, GcSchedule
from budgetscope.tui.keys import EVERYWHERE, bindings, keys_of, titled
from budgetscope.tui.leave import exit_code, leave_on_signals
from budgetscope.tui.legibility import DARK, DARK_16, FEW_COLOURS, LIGHT, LIGHT_16, legible
from budgetscope.tui.screens.base import NOTICE_SECONDS, SessionScreen
from budgetscope.tui.screens.dialog import Dialog
from budgetscope.tui.session import Session
from budgetscope.tui.tabs import TABS, Tab, tab
from budgetscope.tui.textual_fixes.alt_digits import read_alt_digits
from budgetscope.tui.textual_fixes.japanese_lines import break_japanese
from budgetscope.tui.textual_fixes.key_queue import KeyQueue, Typed
from budgetscope.tui.textual_fixes.no_color import show_no_greys
from budgetscope.tui.textual_fixes.one_layout import lay_out_once
from budgetscope.tui.textual_fixes.stylesheet import CachedStylesheet
from budgetscope.tui.widgets.tab_bar import TabChosen

if TYPE_CHECKING:
    from budgetscope.api.take_away import Taken

DEFAULT_BUDGET = "64 H100 for 14 days"
_TEXTUALS_COMMANDS = {
    N_("Theme"): N_("Change the current theme"),
    N_("Quit"): N_("Quit the application as soon as possible"),
}
"""Title and description, as Textual writes them."""
read_alt_digits()
break_japanese()
lay_out_once()
_NO_CURSOR = frozenset({"dumb", "unknown"})
_SWITCH_SECONDS = 0.001
"""For so long a thread that computes may hold the interpreter while a key waits."""


class BudgetscopeApp(App[None]):
    """The planner as a terminal app.

    Attributes:
        session: the request and its answer, which all screens show.
        ended_by: number of the signal that ended the app; 0 for none.
        gc_schedule: collects garbage between keystrokes, once it is started.
        key_queue: lets keys take effect one after the other.
    """

    TITLE = "budgetscope"
    CSS_PATH: ClassVar[list[str | PurePath]] = ["app.tcss", "screens/plan/tour.tcss", *(tab.css_path for tab in TABS)]
    BINDINGS: ClassVar[list[BindingType]] = bindings(EVERYWHERE)

    def __init__(
        self,
        request: PlanRequest | None = None,
        advisor: Advisor | None = None,
        state: AppState | None = None,
        notice: str = "",
        *,
        tour: bool = False,
        keeps_state: bool = False,
    ) -> None:
        """Restore the state of the last session.

        Args:
            request: to open with; that of the last session when None.
            advisor: with the user's fits and settings when None.
            state: of the last session.
            notice: what went wrong before the start; empty for nothing.
            tour: whether to begin with the tour.
            keeps_state: whether to store the state when a signal ends the app.
        """
        self._state = state or AppState()
        self._begins_with_tour, self._toured = tour, self._state.toured
        self._keeps_state = keeps_state
        self._current = (tab(self._state.screen) or TABS[0]).name
        # Textual opens in its default mode, which it takes to be the same at every start.
        self.DEFAULT_MODE = self._current  # type: ignore[misc]
        super().__init__()
        # A key has its effect at once: a page that glides to its end takes a second and more.
        self.animation_level = "none"
        show_no_greys(self)
        for theme in FEW_COLOURS:
            self.register_theme(theme)
        self.stylesheet = CachedStylesheet(variables=self.get_css_variables())
        for found in TABS:
            self.add_mode(found.name, partial(self._open, found))
        self._notices = [notice] if notice else []
        self._screens: dict[str, SessionScreen] = {}
        self.ended_by = 0
        self.gc_schedule = GcSchedule()
        self.key_queue = KeyQueue(self, super().on_event)
        self._parent_process = os.getppid()
        self.session = Session(advisor or Advisor(), request or self._last_request())
        if request is None and self._state.scenario:
            self.session.scenario = self._state.scenario
        self.session.on_change = self._follow_session

    def _last_request(self) -> PlanRequest:
        if self._state.request:
            try:
                return from_record(self._state.request)
            except BudgetscopeError as error:
                self._notices.append(str(error))
        return PlanRequest(DEFAULT_BUDGET)

    def state(self) -> AppState:
        """Return what the next start restores; its request is the last one with an answer."""
        views = {**self._state.views, **{name: screen.remember() for name, screen in self._screens.items()}}
        answer = self.session.answer
        request = to_record(self.session.request if answer is None else answer.request)
        # The next terminal may have more colours than this one.
        theme = {DARK_16: DARK, LIGHT_16: LIGHT}.get(self.theme, self.theme) if self.has_few_colours else self.theme
        return AppState(request, self.session.scenario or "", self._current, theme, views, self._toured)

    # Screens

    def _open(self, tab: Tab) -> SessionScreen:
        """Make a screen as the last session left it; called by Textual when the screen is first shown."""
        screen = screen_class(tab)(self.session)
        screen.recall(self._state.views.get(tab.name, {}))
        self._screens[tab.name] = screen
        return screen

    @property
    def stage(self) -> SessionScreen:
        """The numbered screen that is visible, below any dialog."""
        return self._screens[self._current]

    def _follow_session(self) -> None:
        if self._screens:
            self.stage.follow_session()

    def on_mount(self) -> None:
        """Set the theme, and tell what went wrong before the start."""
        if self._state.theme in self.available_themes:
            self.theme = self._state.theme
        if self.has_few_colours:
            self.theme = DARK_16 if self.current_theme.dark else LIGHT_16
        for sentence in self._notices:
            self.notify(sentence, severity="warning", timeout=NOTICE_SECONDS, markup=False)
        self.set_interval(TICK_SECONDS, self._tick)
        if self._keeps_state:
            leave_on_signals(self._leave)

    def _leave(self, number: int) -> None:
        """Store the state and exit; the terminal may be gone, so nothing is stored later."""
        self.ended_by = number
        self.exit()
        with suppress(BudgetscopeError):
            write_state(self.state())

    def _tick(self) -> None:
        """Collect garbage; exit when the server that showed the app in a browser is gone."""
        if self.is_web and os.getppid() != self._parent_process:
            self.exit()
        self.gc_schedule.tick(has_dialog=len(self.screen_stack) > 1)

    def on_ready(self) -> None:
        """Begin the tour once the first plan has been painted."""
        if self._begins_with_tour:
            self.action_tour()

    def on_tab_chosen(self, event: TabChosen) -> None:
        """Show the screen whose tab was clicked."""
        self.action_go(event.name)

    def action_go(self, name: str) -> None:
        """Show a screen, and take the focus from a field of this one: when it is shown again, digits are keys.

        Alt with a number comes from a dialog too, which is closed as by Esc.
        """
        if isinstance(self.screen, Dialog):
            self.screen.action_close()
        elif isinstance(self.screen, ModalScreen):
            self.screen.dismiss()
        if isinstance(self.stage.focused, Input):
            self.stage.set_focus(None)
        self._current = name
        self.switch_mode(name)

    def action_turn(self, screens: int) -> None:
        """Show the next screen, or the one before for -1; after the last comes the first."""
        names = [tab.name for tab in TABS]
        self.action_go(names[(names.index(self._current) + screens) % len(names)])

    def action_command_palette(self) -> None:
        """Show Textual's palette, which asks in the language in use."""
        if not isinstance(self.screen, CommandPalette):
            self.push_screen(CommandPalette(placeholder=_("Search for commands…"), id="--command-palette"))

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """Yield every action of the table of keys, besides two of Textual's own."""
        for command in super().get_system_commands(screen):
            if command.title in _TEXTUALS_COMMANDS:
                yield SystemCommand(_(command.title), _(_TEXTUALS_COMMANDS[command.title]), command.callback)
        section = screen.SECTION if isinstance(screen, SessionScreen) else ""
        for owner, keys in ((screen, keys_of(section)), (self, keys_of(EVERYWHERE))):
            for key in keys:
                if key.in_palette and key.action:
                    yield SystemCommand(titled(key), _(key.description), partial(self.run_action, key.action, owner))

    # Keys

    async def on_event(self, event: events.Event) -> None:
        """Note that a person is active, and queue keys."""
        if isinstance(event, events.InputEvent):
            self.gc_schedule.touch()
        if isinstance(event, Typed) and not event.is_forwarded:
            await self.key_queue.put(event)
        else:
            await super().on_event(event)

    def action_switch_brightness(self) -> None:
        """Switch between the dark and the light theme."""
        dark, light = (DARK_16, LIGHT_16) if self.current_theme.ansi else (DARK, LIGHT)
        self.theme = light if self.current_theme.dark else dark

    @property
    def has_few_colours(self) -> bool:
        """Whether the terminal has 16 colours or fewer, or the user wants none (`NO_COLOR`)."""
        return self.no_color or (not self.is_headless and self.console.color_system in {"standard", "windows", None})

    def get_css_variables(self) -> dict[str, str]:
        """Return the variables of the theme, with colours in which every text can be read."""
        self.theme_variables = legible(super().get_css_variables())
        return self.theme_variables

    def action_help(self) -> None:
        """Show the keys of the screen, and what the words mean."""
        from budgetscope.tui.screens.help import HelpScreen  # noqa: PLC0415 - the first paint does not need it

        self.clear_notifications()
        self.push_screen(HelpScreen(self.stage.SECTION))

    def action_tour(self) -> None:
        """Show the tour of the plan screen, once that is laid out."""
        if self._current != TABS[0].name:
            self.action_go(TABS[0].name)
        self.stage.call_after_refresh(self._begin_tour)

    def _begin_tour(self) -> None:
        if self.screen is self.stage and self._current == TABS[0].name:
            self._toured = True
            from budgetscope.tui.screens.plan.tour import TourScreen  # noqa: PLC0415 - the first paint does not need it

            self.push_screen(TourScreen(self.session, self.stage))

    def action_undo_law(self) -> None:
        """Take back the last change of the law that plans follow."""
        from budgetscope.tui.screens.law_changes import undo_law  # noqa: PLC0415 - the first paint does not need it

        undo_law(self.stage)

    def action_export(self) -> None:
        """Write the plan to a file, as a report or as a recipe for a trainer."""
        session = self.session
        if session.answer is None:
            self.stage.tell(_("There is no plan to write yet: type a budget on Plan (1)."))
            return

        from budgetscope.tui.screens.export_dialog import ExportScreen, said  # noqa: PLC0415 - reports: not at the start

        def written(taken: "Taken | None") -> None:
            if taken is not None:
                self.notify(said(taken), title=_("Written"), timeout=NOTICE_SECONDS, markup=False)

        # Notices would hide the path.
        self.clear_notifications()
        self.push_screen(ExportScreen(session.advisor, session.answer), written)

    def action_audit(self) -> None:
        """Audit the configuration of a run, which is no part of the plan."""
        from budgetscope.tui.screens.audit_dialog import AuditScreen  # noqa: PLC0415 - readers of files: not at the start

        self.push_screen(AuditScreen(self.session.advisor))

    def action_copy_command(self) -> None:
        """Copy the command with the same answer as the screen."""
        command = self.stage.as_command()
        if command is not None:
            self.copy_to_clipboard(command)
            self.notify(command, title=_("Copied"), timeout=NOTICE_SECONDS, markup=False)

    def action_copy_markdown(self) -> None:
        """Copy the screen's content as Markdown."""
        text = self.stage.as_markdown() if self.stage.is_mounted else None
        if text is not None:
            self.copy_to_clipboard(text)
            title = text.lstrip("# ").partition("\n")[0].replace("\\", "")
            told = _("{title} ({n} lines)").format(title=title, n=len(text.splitlines()))
            self.notify(told, title=_("Copied as Markdown"), markup=False)

    def action_save_picture(self) -> None:
        """Save the screen as SVG, under a name of its own: in a browser there, and not on the machine that serves."""
        stem = f"budgetscope-{self._current}-{datetime.now():%Y%m%d-%H%M%S}"  # noqa: DTZ005 - the user's own clock
        picture = self.export_screenshot()
        if self.is_web:
            self.deliver_text(StringIO(picture), save_filename=f"{stem}.svg", mime_type="image/svg+xml")
            told = _("{file}, by the browser").format(file=f"{stem}.svg")
            self.notify(told, title=_("Saved"), timeout=NOTICE_SECONDS, markup=False)
            return
        number = 1
        while True:
            path = Path(f"{stem}.svg" if number == 1 else f"{stem}-{number}.svg")
            try:
                with path.open("x", encoding="utf-8") as file:
                    file.write(picture)
            except FileExistsError:
                number += 1
            except OSError as error:
                reason = (error.strerror or "the system refused").lower()
                self.stage.tell(f"cannot write {str(path)!r}: {reason}; start budgetscope in a folder of your own.")
                return
            else:
                self.notify(printable(str(path.absolute())), title=_("Saved"), timeout=NOTICE_SECONDS, markup=False)
                return


def screen_class(tab: Tab) -> type[SessionScreen]:
    """Import the screen of a tab."""
    found: type[SessionScreen] = getattr(import_module(tab.module), tab.class_name)
    return found


def _require_utf8(terminal: TextIO | None) -> None:
    """Refuse a terminal that cannot show frames and charts; Textual encodes as stderr does."""
    if terminal is None or "TEXTUAL_DRIVER" in os.environ or codecs.lookup(terminal.encoding).name == "utf-8":
        return
    raise FailureError(
        f"the terminal is set to {terminal.encoding}, which has no characters for frames and charts; "
        "write LC_ALL=C.UTF-8 in front of the command, or use the other commands."
    )


def _require_cursor(name: str) -> None:
    """Refuse a terminal that cannot place its cursor, by the name in `TERM`."""
    if name in _NO_CURSOR and "TEXTUAL_DRIVER" not in os.environ:
        raise FailureError(
            f"TERM is {name!r}, the name of a terminal that only writes line after line; if yours can show an app, "
            "write TERM=xterm-256color in front of the command, else use the other commands, such as budgetscope plan "
            "1e21."
        )


def run_app(request: PlanRequest | None = None) -> None:
    """Run the app until the user quits; the next start restores its state.

    Args:
        request: to open with; that of the last session when None, on the very first start with a tour.

    Raises:
        FailureError: the terminal cannot show the app, the app failed, or its state cannot be stored.
    """
    _require_cursor(os.environ.get("TERM", ""))
    _require_utf8(sys.__stderr__)
    notice = ""
    try:
        state = read_state()
    except BudgetscopeError as error:
        state, notice = AppState(toured=True), str(error)
    app = BudgetscopeApp(
        request, state=state, notice=notice, tour=request is None and not state.toured, keeps_state=True
    )
    app.gc_schedule.start()
    sys.setswitchinterval(_SWITCH_SECONDS)
    try:
        app.run()
        failed = bool(app.return_code)
    except BrokenPipeError:
        # The server that showed the app in a browser was killed.
        failed = False
    if failed and not app.ended_by:
        # The state that made it fail would make the next start fail.
        raise FailureError("the app failed, as shown above; the next start restores the state from before this one.")
    if app.ended_by:
        raise SystemExit(exit_code(app.ended_by))
    write_state(app.state())

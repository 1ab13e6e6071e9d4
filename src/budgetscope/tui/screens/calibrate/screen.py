"""The Calibrate screen: a new calibration, priced before it starts, and all runs, live, to their fits."""

import contextlib
import shlex
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.reactive import reactive
from textual.widgets import Input

from budgetscope.api.calibration import LIVE, RunFolder, accept
from budgetscope.core.budget.quantities import format_count
from budgetscope.core.errors import BudgetscopeError
from budgetscope.core.language import _
from budgetscope.core.laws.fit import Fit
from budgetscope.report.headline import calibration_headline, change_headline
from budgetscope.tui.background import run_in_thread
from budgetscope.tui.keys import bindings
from budgetscope.tui.screens.accept_dialog import AcceptScreen
from budgetscope.tui.screens.base import NOTICE_SECONDS, Remembered, SessionScreen
from budgetscope.tui.screens.calibrate import form, markdown
from budgetscope.tui.screens.calibrate.design_panel import DesignPanel
from budgetscope.tui.screens.calibrate.fit_comparison import Verdict, question, verdict
from budgetscope.tui.screens.calibrate.fit_panel import FitPanel
from budgetscope.tui.screens.calibrate.jobs import begin, foretold, halt, resume
from budgetscope.tui.screens.calibrate.new_run import NewRun
from budgetscope.tui.screens.calibrate.run_list import NEW, RunChosen, RunList
from budgetscope.tui.screens.calibrate.run_view import VIEWS, RunView
from budgetscope.tui.screens.calibrate.runs import Observer, Seen, View
from budgetscope.tui.screens.law_changes import remember_default
from budgetscope.tui.session import Session
from budgetscope.tui.widgets.headline import HeadlinePanel

if TYPE_CHECKING:
    from textual.timer import Timer

_TICK_SECONDS = 1.0
_IDLE_TICKS = 2
"""Ticks between looks while nothing runs."""
_FORM = "form."


class CalibrateScreen(SessionScreen):
    """Designs and starts calibrations, and follows any run.

    Attributes:
        chosen: name of the run that is shown; `NEW` for the form of a new one.
        zoomed: whether one panel of a run has the whole screen.
    """

    SECTION = "calibrate"
    BINDINGS: ClassVar[list[BindingType]] = bindings("calibrate")

    chosen: reactive[str] = reactive(NEW, init=False, repaint=False)
    zoomed: reactive[bool] = reactive(False, init=False, repaint=False)

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._texts = {field.name: "" for field in form.FIELDS}
        # Kept, since their content is remembered after they have been removed.
        self.new = NewRun(
            self._texts, self._offer_keys, lambda ready: foretold(session.advisor, session.request, ready)
        )
        self._run_view = RunView(id="run")
        self._observer = Observer()
        self._looking = self._looked = self._again = False
        self._ticks, self._changed = 0, True  # whether the list of runs may have changed
        self._timer: Timer | None = None
        self._busy: set[str] = set()
        # Names of runs: one to show as soon as it exists, and one to resume as soon as it has been read.
        self._awaited = self._resumes = ""
        self._offering: tuple[bool, ...] = ()
        self._decided: dict[str, str] = {}

    def body(self) -> ComposeResult:
        """Yield the list of runs; below it the form with its design, or the run."""
        yield HeadlinePanel()
        yield RunList(id="runs", classes="panel")
        yield self.new
        yield self._run_view

    def on_mount(self) -> None:
        """Title the panels, and start to look at the runs."""
        self.query_one("#runs").border_title = _("Calibrations")
        self._run_view.zoomed = self.zoomed
        self.watch_chosen()
        self._timer = self.set_interval(_TICK_SECONDS, self._tick, pause=True)

    def on_screen_resume(self) -> None:
        """Look at the runs again."""
        if self._timer is not None:
            self._timer.resume()
            self._changed = True
            self._look()

    def on_screen_suspend(self) -> None:
        """Stop looking while the screen is hidden."""
        if self._timer is not None:
            self._timer.pause()

    def show_session(self) -> None:
        """Compare the fit on the screen with the law that is active now."""
        panel = self.query_one(FitPanel)
        panel.plan = self.session.plan
        self._show_headline()
        run = self.run_shown
        if run is not None and not (panel.verdict is not None and self._decided.get(run.folder.name) == "accepted"):
            self._judge(run)

    def _show_headline(self) -> None:
        """Say what the calibration on the screen changes, or would change."""
        run, found = self.run_shown, self.query_one(FitPanel).verdict
        if run is not None and found is not None and found.plans is not None and run.fitted:
            headline = change_headline(*found.plans)
        else:
            headline = calibration_headline(self.session.plan, self.new.foretold if self.chosen == NEW else "")
        self.query_one(HeadlinePanel).show(headline)

    # Looking at the runs

    @property
    def run_shown(self) -> View | None:
        """The run on the screen; None before it has been read."""
        run = self._run_view.run
        return run if run is not None and run.folder.name == self.chosen else None

    def _tick(self) -> None:
        self._ticks += 1
        self.new.tell_progress(self._ticks)
        alive = any(entry.status in LIVE for entry in self.query_one(RunList).entries)
        if alive or self._busy or self._ticks % _IDLE_TICKS == 0:
            self._look()

    def _look(self) -> None:
        """Look in a thread, one look at a time."""
        if self._looking:
            self._again = True
            return
        chosen, anew = self.chosen, self._changed or bool(self._busy or self._awaited)
        self._looking, self._again, self._changed = True, False, False
        run_in_thread(self, lambda: self._observer.look(chosen, anew=anew), self._show_seen, self._not_seen)

    def _not_seen(self, sentence: str) -> None:
        self._looking = False
        self.tell(sentence)

    def _show_seen(self, seen: Seen) -> None:
        self._looking = False
        runs, run = self.query_one(RunList), seen.view
        runs.entries = seen.entries
        if not self._looked:
            self._looked = True
            live = next((entry.name for entry in seen.entries if entry.status in LIVE), None)
            if self.chosen == NEW and live is not None:
                self.chosen = live
        if self._awaited in runs.names()[1:]:
            self.chosen, self._awaited = self._awaited, ""
        elif self.chosen not in runs.names():
            self.chosen = NEW
        if run is not None and run.folder.name == self.chosen:
            before = self.run_shown
            self._run_view.show(run)
            self._run_view.display = True
            if self._resumes == run.folder.name:
                self._resumes = ""
                self.action_resume()
            if run.fitted and (before is None or not before.fitted):
                self._judge(run)
            # A log that is longer than one look is read on at once.
            self._again = self._again or run.behind
        self._offer_keys()
        if self._again:
            self._look()

    @on(RunChosen)
    def _run_chosen(self, event: RunChosen) -> None:
        self.chosen = event.name

    def watch_chosen(self) -> None:
        """Show the form or a run."""
        new, self._resumes = self.chosen == NEW, ""
        self.query_one(RunList).chosen = self.chosen
        self.new.display = new
        self._run_view.display = not new and self.run_shown is not None
        self._make_room()
        if not new:
            self.set_focus(None)
            self._look()
        self._offer_keys()

    # A new calibration

    def action_new(self) -> None:
        """Show the form, with the cursor in its first field."""
        self.chosen = NEW
        self.new.row(form.FIELDS[0].name).input.focus()

    def action_price(self) -> None:
        """Prepare the data, design and price the run."""
        self.new.price()

    def action_start(self) -> None:
        """Start the priced run; it is shown as soon as it exists."""
        ready = self.new.take()
        if ready is not None:
            self._awaited = ready.spec.run
            self._do("start", lambda: begin(ready))

    def _do(self, what: str, job: Callable[[], str]) -> None:
        """Run a job on a run in a thread, and notify of its result."""
        self._busy.add(what)

        def done(sentence: str) -> None:
            self._busy.discard(what)
            self._changed = True
            if sentence:
                self.notify(sentence, timeout=NOTICE_SECONDS, markup=False)
            self._look()

        def refused(sentence: str) -> None:
            self._busy.discard(what)
            self._changed = True
            self._awaited = ""
            self.tell(sentence)
            self._look()

        run_in_thread(self, job, done, refused)
        self._look()
        self._offer_keys()

    # A run

    def action_stop(self) -> None:
        """Cancel the preparation, or stop the run on the screen; it can be resumed."""
        run = self.run_shown
        if self.chosen == NEW:
            self.new.give_up()
        elif run is not None and run.live:
            self._do("stop", lambda: halt(run.folder, self._say))

    def _say(self, sentence: str) -> None:
        """Notify from the thread of a job."""
        # The app may have ended.
        with contextlib.suppress(RuntimeError):
            self.app.call_from_thread(self.notify, sentence, timeout=NOTICE_SECONDS, markup=False)

    def action_resume(self) -> None:
        """Resume the run on the screen, as soon as it has been read."""
        run = self.run_shown
        if run is None:
            self._resumes = self.chosen
            told = _("{run} is being read, and then resumed.")
            self.notify(told.format(run=self.chosen), markup=False)
        elif run.resumable:
            self._do("resume", lambda: resume(run.folder))

    def action_detach(self) -> None:
        """Leave the run, which continues, for the form."""
        run = self.run_shown
        if run is not None:
            told = _("{run} goes on without you; choose it in the list to come back.")
            self.notify(told.format(run=run.folder.name), markup=False)
        self.chosen = NEW

    def action_move(self, lines: int) -> None:
        """Choose the run above or below; in the form, another field."""
        if isinstance(self.focused, Input):
            (self.focus_next if lines > 0 else self.focus_previous)(Input)
            return
        names = self.query_one(RunList).names()
        place = names.index(self.chosen) if self.chosen in names else 0
        self.chosen = names[min(max(place + lines, 0), len(names) - 1)]

    def action_leave(self) -> None:
        """Leave a field, else the zoom."""
        if self.focused is None:
            self.zoomed = False
        self.set_focus(None)

    def action_next_view(self) -> None:
        """Show the next panel of the run."""
        self._run_view.next_view()

    def action_zoom(self) -> None:
        """Give the chosen panel the whole screen, or show all panels again."""
        self.zoomed = not self.zoomed

    def watch_zoomed(self) -> None:
        """Tell the panels, and make room for them."""
        self._run_view.zoomed = self.zoomed
        self._make_room()

    def _make_room(self) -> None:
        """Hide the list while one panel has the screen; a class on the screen would restyle everything."""
        self.query_one(RunList).display = self.chosen == NEW or not self.zoomed

    def action_next_grid(self, what: int) -> None:
        """Show the map of the next size or the next beta2."""
        self._run_view.next_grid(what)

    def action_crosshair(self, cells: int) -> None:
        """Move the crosshair of the shown chart."""
        self._run_view.chart.move_crosshair(cells)

    def action_page(self, pages: int) -> None:
        """Scroll the shown panel by pages."""
        if self.chosen == NEW:
            self.query_one(DesignPanel).page(pages)
        else:
            self._run_view.page(pages)

    # Its fit

    def _judge(self, run: View) -> None:
        """Compute what the run's fit would change."""
        if not run.fitted:
            return
        advisor, answer = self.session.advisor, self.session.answer
        request = None if answer is None else answer.request

        def show(found: Verdict) -> None:
            if self.chosen == run.folder.name:
                panel = self.query_one(FitPanel)
                panel.verdict, panel.plan = found, self.session.plan
                panel.decided = self._decided.get(run.folder.name, "")
                self._offer_keys()

        self.query_one(FitPanel).verdict = None
        self.in_background(lambda: verdict(advisor, str(run.folder.fit_file), request), show)

    @property
    def offered(self) -> Verdict | None:
        """The verdict on the screen if its fit can be accepted; else None."""
        run, found = self.run_shown, self._run_view.verdict
        if run is None or found is None or found.active or found.fit.too_small:
            return None
        return None if self._decided.get(run.folder.name) == "accepted" else found

    def action_accept(self) -> None:
        """After a question, make the fit the active law, and follow it."""
        run, offered = self.run_shown, self.offered
        if run is None or offered is None:
            return

        def answered(agreed: bool | None) -> None:
            if agreed:
                self._accept(run.folder, offered.fit)

        self.app.push_screen(AcceptScreen(question(offered)), answered)

    def _accept(self, folder: RunFolder, fit: Fit) -> None:
        before, advisor = self.session.plan, self.session.advisor
        try:
            stored = accept(advisor, folder, fit)
        except BudgetscopeError as error:
            self.tell(str(error))
            return
        remember_default(self.session, advisor, stored.role, fit.id, lambda: self._reconsider(folder.name))
        self._decide("accepted")
        # A request that names another law would not follow the active one.
        self.session.request = replace(self.session.request, law=None)
        self.session.reread()
        after = self.session.plan
        if before is not None and after is not None:
            change = f"N {format_count(before.n_params.value)} → {format_count(after.n_params.value)}"
            said = _("{fit} is now the active law: {change}. u takes it back.").format(fit=fit.id, change=change)
            self.notify(said, timeout=NOTICE_SECONDS, markup=False)

    def _reconsider(self, run: str) -> None:
        """Forget that the fit of a run was accepted; following the session compares it anew."""
        self._decided.pop(run, None)

    def on_key(self, event: events.Key) -> None:
        """Say why the fit on the screen cannot be accepted; the key is not offered then."""
        found = self._run_view.verdict
        if event.key == "a" and self.run_shown is not None and found is not None and found.fit.too_small:
            self.tell(found.fit.too_small)

    def action_keep_old(self) -> None:
        """Keep the active law; the fit stays in the run's folder."""
        self._decide("kept")

    def _decide(self, decision: str) -> None:
        self._decided[self.chosen] = decision
        self.query_one(FitPanel).decided = decision
        self._offer_keys()

    # Which keys there are

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Return whether an action has an effect now; the footer and the palette offer only those."""
        if not super().check_action(action, parameters):
            return False
        return _CONDITIONS[action](self) if action in _CONDITIONS else True

    def _offer_keys(self) -> None:
        """Refresh the footer if the offered keys have changed, since it is laid out again."""
        self._show_headline()
        offered = tuple(condition(self) for condition in _CONDITIONS.values())
        if offered != self._offering:
            self._offering = offered
            self.refresh_bindings()

    # Copies

    def as_markdown(self) -> str | None:
        """Return the design, or the run with the changes by its fit."""
        run = self.run_shown
        if run is not None:
            return markdown.of_run(run, self.query_one(FitPanel).verdict if run.fitted else None)
        return None if self.new.ready is None else markdown.of_design(self.new.ready, self.new.foretold)

    def as_command(self) -> str | None:
        """Return the command that prices, attaches to, resumes or fits what is shown; without --dry-run it starts."""
        run = self.run_shown
        if run is None:
            return f"{form.command(self.new.texts)} --dry-run"
        words = ("attach",) if run.live else ("--resume",) if run.resumable else ("fit",)
        return shlex.join(("budgetscope", "calibrate", *words, run.folder.name))

    def remember(self) -> Remembered:
        """Return the texts of the form, and what is shown."""
        texts = {_FORM + name: text for name, text in self._texts.items()}
        return {"chosen": self.chosen, "view": self._run_view.view, "zoomed": self.zoomed, **texts}

    def recall(self, remembered: Remembered) -> None:
        """Restore what `remember` returned."""
        for name in self._texts:
            self._texts[name] = str(remembered.get(_FORM + name, ""))
        if remembered.get("view") in VIEWS:
            self._run_view.set_reactive(RunView.view, str(remembered["view"]))
        self.set_reactive(CalibrateScreen.chosen, str(remembered.get("chosen", NEW)))
        self.set_reactive(CalibrateScreen.zoomed, remembered.get("zoomed") is True)


_CONDITIONS: dict[str, Callable[[CalibrateScreen], bool]] = {
    "price": lambda s: s.chosen == NEW and not s.new.preparing,
    "start": lambda s: s.chosen == NEW and s.new.ready is not None,
    "stop": lambda s: s.new.preparing if s.chosen == NEW else s.run_shown is not None and s.run_shown.live,
    "resume": lambda s: s.chosen != NEW if s.run_shown is None else s.run_shown.resumable,
    "detach": lambda s: s.run_shown is not None and s.run_shown.live,
    "accept": lambda s: s.offered is not None,
    "keep_old": lambda s: s.offered is not None,
    **dict.fromkeys(("next_view", "zoom", "next_grid", "crosshair"), lambda s: s.run_shown is not None),
}
"""When an action has an effect."""

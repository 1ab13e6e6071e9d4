"""The base class of the numbered screens: header, problem line, footer, breakpoints, and following the session."""

from collections.abc import Callable, Mapping
from typing import ClassVar, TypeVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.widgets import Static

from budgetscope.core.errors import BudgetscopeError
from budgetscope.core.language import N_
from budgetscope.tui.background import Background
from budgetscope.tui.keys import HELP, bound
from budgetscope.tui.session import Session
from budgetscope.tui.signs import PROBLEM_SIGN
from budgetscope.tui.textual_fixes.breakpoints import add_breakpoint_classes
from budgetscope.tui.textual_fixes.one_repaint import OneRepaintScreen
from budgetscope.tui.textual_fixes.opening_screen import PatientScreen
from budgetscope.tui.textual_fixes.partial_repaint import RowScreen
from budgetscope.tui.widgets.field_row import FieldRow
from budgetscope.tui.widgets.key_bar import KeyBar
from budgetscope.tui.widgets.tab_bar import TabBar

T = TypeVar("T")
Remembered = Mapping[str, str | float | bool]
NOTICE_SECONDS = 12.0
NO_PLAN = N_("No plan yet: press 1, then b, and type a budget, such as 64 H100 for 14 days.")
_FEW_LAWS = 40
"""Laws that are computed within a frame; some hundred would hold up every key."""
_TYPING_PAUSE_SECONDS = 0.15
"""Without a key, before many laws are computed: meanwhile they would slow down every key."""
_LIBRARY = "library"


class SessionScreen(PatientScreen[None], OneRepaintScreen[None], RowScreen[None]):
    """A screen with a tab, which shows the session's request and answer while it is visible.

    A subclass sets its `SECTION` of the table of keys, composes its `body` and fills it in `show_session`.

    Attributes:
        session: shared by all screens.
        background: the screen's work in threads.
    """

    SECTION: ClassVar[str]
    SAYS_PROBLEM: ClassVar[bool] = True
    """Whether a line below the header says what is wrong with the request."""
    AUTO_FOCUS = ""
    # Before the screen's own keys, so that the footer of a narrow window has it.
    BINDINGS: ClassVar[list[BindingType]] = bound(HELP)
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (110, "-wide"), (160, "-very-wide")]  # noqa: RUF012 - Textual's form
    VERTICAL_BREAKPOINTS = [(0, "-low"), (22, "-short"), (36, "-tall"), (50, "-very-tall")]  # noqa: RUF012

    def __init__(self, session: Session) -> None:
        super().__init__(name=self.SECTION)
        self.session = session
        self.background = Background(self, self._follow_up)
        self._shown_revision = -1
        self._filled = False

    def compose(self) -> ComposeResult:
        """Lay header, problem, body and footer."""
        add_breakpoint_classes(self)
        yield TabBar(self.SECTION)
        if self.SAYS_PROBLEM:
            yield Static(id="problem", markup=False)
        yield from self.body()
        yield KeyBar()

    # What a subclass says

    def body(self) -> ComposeResult:
        """Lay what is between header and footer."""
        raise NotImplementedError

    def show_session(self) -> None:
        """Show the session's present state; called after every change, only while the screen is visible."""
        raise NotImplementedError

    def as_markdown(self) -> str | None:
        """Return the screen's content as Markdown; None while there is none."""
        raise NotImplementedError

    def as_command(self) -> str | None:
        """Return the shell command with the same answer; None while there is no answer."""
        answer = self.session.answer
        return None if answer is None else self.session.advisor.command(answer.request)

    def remember(self) -> Remembered:
        """Return what the next start restores; called when the widgets are gone."""
        return {}

    def recall(self, remembered: Remembered) -> None:
        """Restore what `remember` returned at the end of an earlier start, leaving out whatever does not fit."""

    # Following the session

    def on_mount(self) -> None:
        """Show the session before the first paint."""
        self.follow_session()

    def on_screen_resume(self) -> None:
        """Show what has changed while another screen was visible."""
        self.follow_session()

    def follow_session(self) -> None:
        """Show the session's present state, unless it is shown."""
        if self._shown_revision == self.session.revision or not self.is_mounted:
            return
        self._shown_revision = self.session.revision
        self.query_one(TabBar).show(self.session)
        if self.SAYS_PROBLEM:
            problem = self.session.problem
            sentence = "" if problem is None else f"{PROBLEM_SIGN}{problem.field}: {problem.sentence}"
            show_line(self.query_one("#problem", Static), sentence)
        self.show_session()

    # Work in the background

    @property
    def working(self) -> bool:
        """Whether something is computed in the background."""
        return self.background.busy

    def answer_key(self) -> object:
        """Return what tells the session's answers apart; a mistake in the request changes none."""
        return self.session.advisor, self.session.answer

    def ask_laws(
        self,
        compute: Callable[[], T],
        show: Callable[[T], None],
        wait: Callable[[], None],
        refuse: Callable[[str], None],
        *,
        few: int = _FEW_LAWS,
    ) -> None:
        """Compute what needs every law: few laws at once, many in the background.

        Args:
            compute: as for `in_background`.
            show: as for `in_background`.
            wait: says that the result takes a while.
            refuse: takes that back, and says why there is no result.
            few: most laws that are asked at once.
        """
        if not (self.session.library_read and len(self.session.advisor.fits) <= few):
            wait()
            self.in_background(compute, show, refuse=refuse, pause=_TYPING_PAUSE_SECONDS)
            return
        self.background.cancel()
        try:
            result = compute()
        except BudgetscopeError as error:
            refuse(str(error))
        else:
            show(result)

    def in_background(
        self,
        compute: Callable[[], T],
        show: Callable[[T], None],
        part: str = "",
        *,
        refuse: Callable[[str], None] | None = None,
        pause: float = 0.0,
    ) -> None:
        """Compute for the session's answer as `Background.run`; the result is dropped once there is another answer.

        Args:
            compute: must not touch widgets.
            show: takes the result.
            part: of the screen that the result fills.
            refuse: takes the sentence of a refusal; `tell` when None.
            pause: seconds to wait first.
        """
        key = self.answer_key()
        self.background.run(
            compute, show, part, refuse=refuse or self.tell, is_current=lambda: self.answer_key() == key, pause=pause
        )

    def _follow_up(self) -> None:
        """Do what the first paint does not wait for: fill hidden fields, read every fit file, tell which are broken."""
        if not self._filled:
            # Once: the query walks all widgets, and this is called after every key that computes something.
            self._filled = True
            for row in self.query(FieldRow):
                row.fill()
        if not self.session.library_read:
            self.background.run(self.session.read_library, self._tell_all, _LIBRARY, refuse=self.tell)

    def _tell_all(self, sentences: list[str]) -> None:
        for sentence in sentences:
            self.tell(sentence)

    def tell(self, sentence: str) -> None:
        """Say what went wrong, in a notice."""
        self.notify(sentence, severity="warning", timeout=NOTICE_SECONDS, markup=False)


def show_line(line: Static, sentence: str) -> None:
    """Show a sentence in a line that is hidden without one; a layout costs more than a comparison of texts."""
    if line.display != bool(sentence) or str(line.content) != sentence:
        line.display = bool(sentence)
        line.update(Content(sentence))

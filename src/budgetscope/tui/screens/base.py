"""What all numbered screens share: header, problem, footer, breakpoints, and how they follow the desk."""

import asyncio
from collections.abc import Callable, Mapping
from functools import partial
from typing import ClassVar, NamedTuple, TypeVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.widgets import Static

from budgetscope.core.errors import BudgetscopeError
from budgetscope.tui.keys import HELP, bound
from budgetscope.tui.screens.dialog import PatientScreen
from budgetscope.tui.session import Session
from budgetscope.tui.widgets.field_row import PROBLEM_SIGN
from budgetscope.tui.widgets.key_bar import KeyBar
from budgetscope.tui.widgets.tab_bar import TabBar

T = TypeVar("T")
Remembered = Mapping[str, str | float | bool]
NOTICE_SECONDS = 12.0
_ASKED_AT_ONCE = 40
"""Laws that take no longer than a frame; asked one by one, some hundred would hold up every keystroke."""
_TYPING_PAUSE = 0.15
"""Seconds without a key after which hundreds of laws are asked: in between they would slow down every key."""


class _Wanted(NamedTuple):
    """Something to compute in a thread: of what it is an answer, how, what a refusal does, after how many seconds."""

    asked_of: object
    job: Callable[[], Callable[[], None]]
    refuse: Callable[[str], None]
    pause: float


class SessionScreen(PatientScreen[None]):
    """Shows what is on the desk whenever it is visible.

    A subclass names its `SECTION` of the table of keys, composes its `body` and fills it in `show_desk`.

    Attributes:
        desk: the shared request and its answer.
        opens_app: whether the app opens on this screen.
    """

    SECTION: ClassVar[str]
    SAYS_PROBLEM: ClassVar[bool] = True
    """Whether the line below the header tells what is wrong with the request."""
    AUTO_FOCUS = ""
    # Before the screen's own keys, so that the footer of a narrow window has it.
    BINDINGS: ClassVar[list[BindingType]] = bound(HELP)
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (110, "-wide"), (160, "-very-wide")]  # noqa: RUF012 - Textual's form
    VERTICAL_BREAKPOINTS = [(0, "-low"), (22, "-short"), (36, "-tall"), (50, "-very-tall")]  # noqa: RUF012

    def __init__(self, session: Session) -> None:
        super().__init__(name=self.SECTION)
        self.session = session
        self.opens_app = False
        self._seen = -1
        self._wanted: dict[str, _Wanted] = {}
        self._at_work: set[str] = set()

    def compose(self) -> ComposeResult:
        """Lay header, problem, body and footer."""
        self._take_breakpoints()
        yield TabBar(self.SECTION)
        if self.SAYS_PROBLEM:
            yield Static(id="problem", markup=False)
        yield from self.body()
        yield KeyBar()

    def _take_breakpoints(self) -> None:
        """Have the classes of the window's size before anything is styled: Textual gives them at the first resize."""
        both = zip(self.app.size, (self.HORIZONTAL_BREAKPOINTS, self.VERTICAL_BREAKPOINTS), strict=True)
        for length, breakpoints in both:
            self.add_class(max(point for point in breakpoints if point[0] <= length)[1], update=False)

    def body(self) -> ComposeResult:
        """Lay what is between header and footer."""
        raise NotImplementedError

    def show_session(self) -> None:
        """Show the present state of the desk; called when it changed, only while the screen is visible."""
        raise NotImplementedError

    def as_markdown(self) -> str | None:
        """Return what the screen shows as Markdown; None while there is nothing."""
        raise NotImplementedError

    def as_command(self) -> str | None:
        """Return the shell command that gives the same; None while there is nothing."""
        return None if self.session.answered is None else self.session.advisor.command(self.session.answered)

    def remember(self) -> Remembered:
        """Return what to restore on the next start; asked when the widgets are gone."""
        return {}

    def recall(self, remembered: Remembered) -> None:
        """Restore what `remember` returned at the end of an earlier start; whatever does not fit is left out."""

    def begin(self) -> None:
        """Be the screen on which the app opens; called before its first paint."""

    def on_mount(self) -> None:
        """Show the desk before the first paint."""
        self.follow_session()
        if self.opens_app:
            self.begin()

    def on_screen_resume(self) -> None:
        """Catch up with what changed while another screen was shown."""
        self.follow_session()

    def follow_session(self) -> None:
        """Show the desk unless its present state is shown already."""
        if self._seen == self.session.revision or not self.is_mounted:
            return
        self._seen = self.session.revision
        self.query_one(TabBar).show(self.session)
        if self.SAYS_PROBLEM:
            problem = self.session.problem
            said = "" if problem is None else f"{PROBLEM_SIGN}{problem.field}: {problem.sentence}"
            say_above(self.query_one("#problem", Static), said)
        self.show_session()

    @property
    def working(self) -> bool:
        """Whether something is being computed in the background."""
        return bool(self._at_work)

    @property
    def at_once(self) -> bool:
        """Whether all laws can be asked between two frames."""
        return self.session.library_read and len(self.session.advisor.fits) <= _ASKED_AT_ONCE

    def _standing(self) -> object:
        """Return what an answer is of: a mistake typed later does not outdate it, since the plan stays."""
        return self.session.advisor, self.session.plan

    def answer(
        self,
        compute: Callable[[], T],
        show: Callable[[T], None],
        wait: Callable[[], None],
        refuse: Callable[[str], None],
    ) -> None:
        """Ask all laws: as many as can be between two frames at once, more in the background.

        Args:
            compute: as of `in_background`.
            show: likewise.
            wait: says that the answer takes a while.
            refuse: takes that back, since there is no answer, and tells why.
        """
        if not self.at_once:
            wait()
            self.in_background(compute, show, refuse=refuse, pause=_TYPING_PAUSE)
            return
        self.forget()
        try:
            found = compute()
        except BudgetscopeError as error:
            refuse(str(error))
        else:
            show(found)

    def in_background(
        self,
        compute: Callable[[], T],
        show: Callable[[T], None],
        spot: str = "",
        *,
        refuse: Callable[[str], None] | None = None,
        pause: float = 0.0,
    ) -> None:
        """Compute in a thread, then show the result; of several that wait for a spot, only the newest is computed.

        Args:
            compute: must not touch widgets.
            show: not called when something newer was asked for the spot, or the plan changed, meanwhile.
            spot: part of the screen that it fills; spots do not wait for each other.
            refuse: called instead with why there is no result; tells it in a notice when None.
            pause: seconds to wait first, for something newer.
        """

        def job() -> Callable[[], None]:
            result = compute()
            return lambda: show(result)

        self._wanted[spot] = _Wanted(self._standing(), job, refuse or self.tell, pause)
        if spot not in self._at_work:
            self._at_work.add(spot)
            self.call_after_refresh(self.run_worker, partial(self._work, spot))

    def forget(self, spot: str = "") -> None:
        """Leave out what is being computed for a spot, since it has just been filled."""
        self._wanted.pop(spot, None)

    async def _work(self, spot: str) -> None:
        try:
            while spot in self._wanted or not (spot or self.session.library_read):
                if spot in self._wanted:
                    await self._work_once(spot, self._wanted[spot])
                else:
                    for sentence in await asyncio.to_thread(self.session.read_library):
                        self.tell(sentence)
        finally:
            self._at_work.discard(spot)

    async def _work_once(self, spot: str, wanted: _Wanted) -> None:
        await asyncio.sleep(wanted.pause)
        if self._wanted.get(spot) is not wanted:
            return
        try:
            finish = await asyncio.to_thread(wanted.job)
        except BudgetscopeError as error:
            finish = partial(wanted.refuse, str(error))
        if self._wanted.get(spot) is wanted:
            del self._wanted[spot]
            if wanted.asked_of == self._standing():
                finish()

    def tell(self, sentence: str) -> None:
        """Say what went wrong, in a notice."""
        self.notify(sentence, severity="warning", timeout=NOTICE_SECONDS, markup=False)


def say_above(line: Static, sentence: str) -> None:
    """Say something in a line that is there only then; the screen is laid anew only when that changes."""
    if line.display != bool(sentence) or str(line.content) != sentence:
        line.display = bool(sentence)
        line.update(Content(sentence))

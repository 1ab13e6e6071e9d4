"""A first look round: a card that goes from part to part of the plan screen and ends with the user's own budget."""

from dataclasses import dataclass, replace
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.geometry import Offset, Region, Size
from textual.widget import Widget
from textual.widgets import Input, Static

from budgetscope.tui.keys import bindings
from budgetscope.tui.screens.base import SessionScreen
from budgetscope.tui.screens.dialog import Dialog
from budgetscope.tui.session import Session
from budgetscope.tui.signs import PROBLEM_SIGN

_OTHERS = "-beside-the-tour"


@dataclass(frozen=True, slots=True)
class TourStop:
    """One step of the tour.

    Attributes:
        part: of the plan screen, as a selector.
        title: what people call it.
        text: what to know of it, in a few lines.
    """

    part: str
    title: str
    text: str


STOPS = (
    TourStop(
        "#field-budget",
        "Your budget",
        "Say what you have as you would say it: 64 H100 for 14 days, $50k on H100, 1e21, loss 2.6 or N=7B. The line "
        "below repeats what was understood. A mistake is named there, and the last good plan stays.",
    ),
    TourStop(
        "#recommendation",
        "What to train",
        "The model, its recipe and the run. Brackets hold the interval: of N, D and the loss it is the law's own; of "
        "lr and batch it is the range over the published laws. d shows every figure with its source.",
    ),
    TourStop(
        "#cautions",
        "What not to rely on",
        "How far each law is used beyond the runs it was fitted on, and whatever else weakens the plan. Read this "
        "before you spend the money.",
    ),
    TourStop(
        "#lower",
        "The law, and the others",
        "The best N at every budget: the law that you follow with its band, what was measured, the other laws, and "
        "your budget as a vertical line. v: next chart; c: chart or table; the table says what the others would cost.",
    ),
    TourStop(
        "TabBar",
        "Seven screens, one budget",
        "1 to 7 open them; in a field, press Esc first. ? lists the keys of the screen. Ctrl-P finds every action by "
        "its name, and this tour.",
    ),
    TourStop(
        "#field-budget",
        "Now yours",
        "What do you have? Type over the example; all screens follow.",
    ),
)
PARTS = ("TabBar", "#field-budget", "#form", "#recommendation", "#cautions", "#lower", "KeyBar")
"""What is dimmed while the tour points at something else."""


class TourScreen(Dialog[None]):
    """Points at parts of the plan screen below it; at the end, a budget goes to the session.

    Attributes:
        step: which of `STOPS` is shown, from 0.
    """

    BINDINGS: ClassVar[list[BindingType]] = bindings("tour")
    AUTO_FOCUS = ""

    def __init__(self, session: Session, stage: SessionScreen) -> None:
        """Take what the tour is of.

        Args:
            session: gets the budget.
            stage: the plan screen.
        """
        super().__init__()
        self.step = 0
        self._session, self._stage = session, stage

    def compose(self) -> ComposeResult:
        """Lay the card: a text, and for the last step a field with a line below it."""
        with Vertical(id="card"):
            yield Static(id="text", markup=False)
            yield Input(self._session.request.budget, placeholder="64 H100 for 14 days", compact=True)
            yield Static(id="message", markup=False)

    def on_mount(self) -> None:
        """Begin; the card follows its part whenever either is laid out anew."""
        self._show()
        for screen in (self._stage, self):
            screen.screen_layout_refresh_signal.subscribe(self, lambda _: self._place())

    def on_unmount(self) -> None:
        """Leave the plan screen as it was."""
        self._stage.query(f".{_OTHERS}").remove_class(_OTHERS)

    # The card

    @property
    def _is_last(self) -> bool:
        return self.step == len(STOPS) - 1

    def _show(self) -> None:
        """Show the step."""
        stop = STOPS[self.step]
        self.query_one("#text", Static).update(Content(stop.text))
        self.query_one("#card").border_subtitle = (
            f"[@click=screen.next]Enter: {'plan with it' if self._is_last else 'next'}[/]"
            + ("   [@click=screen.back]↑: back[/]" if self.step else "")
            + "   [@click=screen.close]Esc: skip[/]"
        )
        part = self._stage.query_one(stop.part)
        for other in self._stage.query(", ".join(PARTS)):
            other.set_class(other is not part, _OTHERS)
        self.set_class(self._is_last, "-last")
        field = self.query_one(Input)
        if self._is_last:
            field.focus()
            field.action_select_all()
            self._judge(field.value)
        else:
            self.set_focus(None)
        self._place()

    def _place(self) -> None:
        """Put the card where it touches its part, with an arrow that points there."""
        card, stop = self.query_one("#card"), STOPS[self.step]
        spot, arrow = beside(_seen(self._stage.query_one(stop.part)), card.outer_size, self.size)
        card.offset = spot
        card.border_title = Content(f"{arrow}{stop.title}  {self.step + 1} of {len(STOPS)}")

    # The budget

    def _judge(self, text: str) -> Session:
        """Say what would be understood, and return the session that would be."""
        trial = Session(self._session.advisor, replace(self._session.request, budget=text))
        problem = trial.problem
        said = PROBLEM_SIGN + problem.sentence if problem else trial.plan.understood if trial.plan else ""
        self.query_one("#message", Static).update(Content(said))
        self.set_class(problem is not None, "-problem")
        return trial

    @on(Input.Changed)
    def _edited(self, event: Input.Changed) -> None:
        if self._is_last:
            self._judge(event.value)

    @on(Input.Submitted)
    def _submitted(self) -> None:
        self.action_next()

    # Keys

    def action_next(self) -> None:
        """Go on; after the last step the budget, unless it has a mistake, goes to the session."""
        if not self._is_last:
            self.step += 1
            self._show()
            return
        if not self.is_open:
            return
        budget = self.query_one(Input).value
        problem = self._judge(budget).problem
        # The mistake of another field is the plan screen's to tell.
        if problem is None or problem.field != "budget":
            self._session.edit("budget", budget)
            self.dismiss()

    def action_back(self) -> None:
        """Go back."""
        if self.step:
            self.step -= 1
            self._show()

    def action_close(self) -> None:
        """Skip the rest; the session stays as it is."""
        self.dismiss()


def _seen(widget: Widget) -> Region:
    """Return where a widget is; nowhere while it is hidden."""
    return widget.region if widget.is_on_screen else Region()


def beside(part: Region, card: Size, window: Size) -> tuple[Offset, str]:
    """Return where a card touches a part of a window, and the arrow that points from it to the part.

    Args:
        part: what to point at; empty when it is hidden.
        card: its size.
        window: its size.

    Returns:
        The upper left corner, below the part where there is room, else above it, else at the bottom; and the arrow.
    """
    x = max(0, min(part.x + 2, window.width - card.width))
    if part and part.bottom + card.height <= window.height:
        return Offset(x, part.bottom), "▲ "
    if part and part.y >= card.height:
        return Offset(x, part.y - card.height), "▼ "
    return Offset(x, max(0, window.height - card.height)), ""

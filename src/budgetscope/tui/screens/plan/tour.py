"""The tour for new users: a card that explains the Plan screen part by part and ends with the user's budget."""

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

from budgetscope.core.language import N_, _
from budgetscope.tui.keys import bindings
from budgetscope.tui.screens.base import SessionScreen
from budgetscope.tui.screens.dialog import Dialog
from budgetscope.tui.session import Session
from budgetscope.tui.signs import CHOSEN_SIGN, PROBLEM_SIGN

_OTHERS = "-beside-the-tour"


@dataclass(frozen=True, slots=True)
class TourStop:
    """One step of the tour.

    Attributes:
        part: CSS selector of the part of the Plan screen.
        title: of the card.
        text: of the card, a few lines.
    """

    part: str
    title: str
    text: str


STOPS = (
    TourStop(
        "#field-budget",
        N_("Your budget"),
        N_(
            "Say what you have as you would say it: 64 H100 for 14 days, $50k on H100, 1e21, loss 2.6 or N=7B. "
            "The line under it repeats what was understood. A mistake is named there, and the last good plan stays."
        ),
    ),
    TourStop(
        "HeadlinePanel",
        N_("The decision"),
        N_(
            "What to train, what it costs, and what is least certain. The ranges are honest: of N and D with 95%,"
            " of the cost over the prices on offer. d shows every figure with its source, and every caution."
        ),
    ),
    TourStop(
        "#recommendation",
        N_("The recipe"),
        N_(
            "How to train it. Brackets hold the interval: of the loss it is the law's own; of lr and batch it is "
            "the range over the published laws. o opens the options: device, price, constraints."
        ),
    ),
    TourStop(
        "#lower",
        N_("The law, and the others"),
        N_(
            "The best N at every budget: the law that you follow with its band, what was measured, the other "
            "laws, and your budget as a vertical line. v: next chart; c: chart or table; the table says what the "
            "others would cost."
        ),
    ),
    TourStop(
        "TabBar",
        N_("Seven screens, one budget"),
        N_(
            "1 to 7 open them, and Alt-1 to Alt-7 from a field too. ? lists the keys and explains the words, e "
            "writes the plan to a file, u takes a change of the law back. Ctrl-P finds every action by its name, "
            "and this tour."
        ),
    ),
    TourStop(
        "#field-budget",
        N_("Now yours"),
        N_("What do you have? Choose with ↓ and ↑, or type over it."),
    ),
)
EXAMPLES = (
    (N_("one GPU and your text"), "1 RTX 4090 for 2 days with 2B tokens of data"),
    (N_("a laptop or a Mac, as calibrate --probe says"), "2 TFLOP/s for 3 days"),
    (N_("some money"), "$500 on H100"),
    (N_("one machine"), "8 H100 for 7 days"),
    (N_("a share of a cluster"), "64 H100 for 14 days"),
    (N_("a size to aim at"), "N=7B"),
)
"""What people have, and the budget that says it."""
PARTS = ("TabBar", "HeadlinePanel", "#field-budget", "#form", "#recommendation", "#cautions", "#lower", "KeyBar")
"""Selectors of the parts that are dimmed while the tour points at another."""


class TourScreen(Dialog[None]):
    """A card over the Plan screen that explains its parts; the last step sets the session's budget.

    Attributes:
        step: index into `STOPS`, from 0.
        example: index into `EXAMPLES` of the one that was chosen last; -1 before the first.
    """

    BINDINGS: ClassVar[list[BindingType]] = bindings("tour")
    AUTO_FOCUS = ""

    def __init__(self, session: Session, stage: SessionScreen) -> None:
        """Create the tour.

        Args:
            session: receives the budget.
            stage: the Plan screen.
        """
        super().__init__()
        self.step, self.example = 0, -1
        self._session, self._stage = session, stage

    def compose(self) -> ComposeResult:
        """Compose the card: a text, and for the last step a field with a message line."""
        with Vertical(id="card"):
            yield Static(id="text", markup=False)
            yield Input(self._session.request.budget, placeholder="64 H100 for 14 days", compact=True)
            yield Static(id="message", markup=False)
            yield Static(id="examples", markup=False)

    def on_mount(self) -> None:
        """Show the first step; place the card again after every layout."""
        self._show()
        for screen in (self._stage, self):
            screen.screen_layout_refresh_signal.subscribe(self, lambda _screen: self._place())

    def on_unmount(self) -> None:
        """Undo the dimming of the Plan screen."""
        self._stage.query(f".{_OTHERS}").remove_class(_OTHERS)

    # The card

    @property
    def _is_last(self) -> bool:
        return self.step == len(STOPS) - 1

    def _show(self) -> None:
        """Show the current step."""
        stop = STOPS[self.step]
        self.query_one("#text", Static).update(Content(_(stop.text)))
        go_on = _("Enter: plan with it") if self._is_last else _("Enter: next")
        keys = [("next", go_on), *([("back", _("↑: back"))] if self.step else []), ("close", _("Esc: skip"))]
        self.query_one("#card").border_subtitle = "   ".join(f"[@click=screen.{key}]{text}[/]" for key, text in keys)
        part = self._stage.query_one(stop.part)
        for other in self._stage.query(", ".join(PARTS)):
            other.set_class(other is not part, _OTHERS)
        self.set_class(self._is_last, "-last")
        field = self.query_one(Input)
        if self._is_last:
            field.focus()
            field.action_select_all()
            self._judge(field.value)
            self._show_examples()
        else:
            self.set_focus(None)
        self._place()

    def _place(self) -> None:
        """Place the card beside its part, with an arrow to it."""
        card, stop = self.query_one("#card"), STOPS[self.step]
        corner, arrow = beside(_seen(self._stage.query_one(stop.part)), card.outer_size, self.size)
        card.offset = corner
        place = _("{n} of {all}").format(n=self.step + 1, all=len(STOPS))
        card.border_title = Content(f"{arrow}{_(stop.title)}  {place}")

    # The budget

    def _show_examples(self) -> None:
        rows = [
            Content.styled(f"{CHOSEN_SIGN if i == self.example else ' '} {budget}  ", "bold $text-accent")
            + Content.styled(_(who), "$text-muted")
            for i, (who, budget) in enumerate(EXAMPLES)
        ]
        self.query_one("#examples", Static).update(Content("\n").join(rows))

    def _judge(self, text: str) -> Session:
        """Answer a budget in a trial session, show the result below the field, and return the session."""
        trial = Session(self._session.advisor, replace(self._session.request, budget=text))
        problem = trial.problem
        message = PROBLEM_SIGN + problem.sentence if problem else trial.plan.understood if trial.plan else ""
        self.query_one("#message", Static).update(Content(message))
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
        """Show the next step; after the last, give the budget to the session if it is valid."""
        if not self._is_last:
            self.step += 1
            self._show()
            return
        if not self.is_open:
            return
        budget = self.query_one(Input).value
        problem = self._judge(budget).problem
        # The Plan screen reports the problems of other fields.
        if problem is None or problem.name != "budget":
            self._session.edit("budget", budget)
            self.dismiss()

    def action_choose(self) -> None:
        """In the last step, take the next example for the budget."""
        self._choose(1)

    def _choose(self, direction: int) -> None:
        if not self._is_last:
            return
        self.example = min(self.example + direction, len(EXAMPLES) - 1)
        field = self.query_one(Input)
        field.value = EXAMPLES[self.example][1]
        field.action_select_all()
        self._show_examples()

    def action_back(self) -> None:
        """Take the example before; without one, show the step before."""
        if self._is_last and self.example > 0:
            self._choose(-1)
        elif self.step:
            self.step -= 1
            self._show()

    def action_close(self) -> None:
        """Close the tour; the session does not change."""
        self.dismiss()


def _seen(widget: Widget) -> Region:
    """Return the region of a widget; an empty one while it is hidden."""
    return widget.region if widget.is_on_screen else Region()


def beside(part: Region, card: Size, window: Size) -> tuple[Offset, str]:
    """Return the place of a card beside a part of the window, and the arrow to the part.

    Args:
        part: region of the part; empty when it is hidden.
        card: size of the card.
        window: size of the window.

    Returns:
        The upper left corner, below the part where there is room, else above it, else at the bottom of the window; and
        the arrow, empty at the bottom.
    """
    x = max(0, min(part.x + 2, window.width - card.width))
    if part and part.bottom + card.height <= window.height:
        return Offset(x, part.bottom), "▲ "
    if part and part.y >= card.height:
        return Offset(x, part.y - card.height), "▼ "
    return Offset(x, max(0, window.height - card.height)), ""

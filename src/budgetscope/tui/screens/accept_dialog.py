"""The dialog that shows what another law changes in the user's plan, and asks."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from budgetscope.core.language import _
from budgetscope.report.acceptance import CHANGE_HEADER
from budgetscope.report.words import headed, padded, width
from budgetscope.tui.keys import bindings
from budgetscope.tui.screens.dialog import Dialog


@dataclass(frozen=True, slots=True)
class LawQuestion:
    """What is asked before a law changes.

    Attributes:
        question: one sentence.
        rows: label, before and after.
        sentences: what else to know.
        way_back: how it is taken back.
    """

    question: str
    rows: Sequence[tuple[str, str, str]]
    sentences: Sequence[str]
    way_back: str


class AcceptScreen(Dialog[bool]):
    """Returns whether to go ahead; only a key says so, never the mouse."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("accept")

    def __init__(self, asked: LawQuestion) -> None:
        super().__init__()
        self.asked = asked

    def compose(self) -> ComposeResult:
        """Lay out the question, the change and the way back."""
        asked = self.asked
        rows = [headed(CHANGE_HEADER), *asked.rows] if asked.rows else []
        widths = [max((width(row[column]) for row in rows), default=0) + 2 for column in (0, 1)]
        table = [f"{padded(what, widths[0])}{padded(old, widths[1])}{new}" for what, old, new in rows]
        told = [*table, *([""] if table else []), *asked.sentences, asked.way_back]
        with VerticalScroll(classes="dialog") as dialog:
            dialog.border_title = _("What this changes")
            dialog.border_subtitle = _("Enter: go ahead   Esc: leave the law as it is")
            yield Static(Content(asked.question), classes="question")
            yield Static(Content("\n".join(told)))

    def action_agree(self) -> None:
        """Go ahead."""
        self.dismiss(True)

    def action_close(self) -> None:
        """Change nothing."""
        self.dismiss(False)

"""The dialog that shows what planning by a calibration changes, and asks."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from budgetscope.report.acceptance import way_back
from budgetscope.tui.keys import bindings
from budgetscope.tui.screens.calibrate.fit_comparison import Verdict
from budgetscope.tui.screens.dialog import Dialog


class AcceptScreen(Dialog[bool]):
    """Returns whether to go ahead."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("accept")

    def __init__(self, verdict: Verdict) -> None:
        super().__init__()
        self._verdict = verdict

    def compose(self) -> ComposeResult:
        """Lay out the change and the question."""
        found = self._verdict
        widths = [max(len(row[column]) for row in found.own) + 2 for column in (0, 1)]
        rows = [f"{what.ljust(widths[0])}{old.ljust(widths[1])}{new}" for what, old, new in found.own]
        told = [
            f"Plan by {found.fit.id} in place of {found.before}?",
            "",
            *rows,
            *found.costs,
            "",
            f"It is taken back by `{way_back(found.before, found.fit.id)}`.",
            "",
            "Enter: accept it    Esc: leave the law as it is",
        ]
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = "Accept"
            yield Static(Content("\n".join(told)))

    def action_agree(self) -> None:
        """Accept."""
        self.dismiss(True)

    def action_close(self) -> None:
        """Change nothing."""
        self.dismiss(False)

"""The dialog that asks before the last write of a fit is undone."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from budgetscope.core.language import _
from budgetscope.tui.keys import bindings
from budgetscope.tui.screens.dialog import Dialog


class UndoScreen(Dialog[bool]):
    """Returns whether to go ahead."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("undo")

    def __init__(self, fit_id: str) -> None:
        super().__init__()
        self._fit_id = fit_id

    def compose(self) -> ComposeResult:
        """Lay out the question."""
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = _("Undo")
            yield Static(
                Content(
                    _(
                        "Take back the last write of {fit}? What it replaced comes back; if it replaced nothing, the "
                        "fit leaves the list. Either way it is kept in the history of your fits folder.\n\n"
                        "Enter: take it back    Esc: leave it"
                    ).format(fit=self._fit_id)
                )
            )

    def action_agree(self) -> None:
        """Undo."""
        self.dismiss(True)

    def action_close(self) -> None:
        """Change nothing."""
        self.dismiss(False)

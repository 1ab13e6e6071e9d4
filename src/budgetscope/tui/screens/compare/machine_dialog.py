"""The dialog that offers the same training on every device."""

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from budgetscope.core.answers.machines import Machines
from budgetscope.core.language import _
from budgetscope.report.machines import choices, title
from budgetscope.tui.keys import bindings
from budgetscope.tui.screens.dialog import Dialog


class MachinesScreen(Dialog[str | None]):
    """A dialog that returns the id of the chosen device; None when it is closed without a choice."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("machines")

    def __init__(self, found: Machines) -> None:
        super().__init__()
        self._found = found

    def compose(self) -> ComposeResult:
        """Compose what is trained, and the list."""
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = _("The same training on which device?")
            dialog.border_subtitle = _("Enter: keep as a scenario   Esc: close")
            head, rows = choices(self._found)
            yield Static(Content(title(self._found)))
            yield Static(Content(head), classes="heading")
            yield OptionList(
                *(Option(Content(text), id=device) for device, text in rows.items()), markup=False, compact=True
            )

    @on(OptionList.OptionSelected)
    def _selected(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(event.option_id)

    def action_close(self) -> None:
        """Close without a choice."""
        self.dismiss(None)

"""The base class of all dialogs."""

from typing import TypeVar

from budgetscope.tui.textual_fixes.dismiss_once import DismissOnceScreen
from budgetscope.tui.textual_fixes.opening_screen import PatientScreen
from budgetscope.tui.textual_fixes.partial_repaint import RowScreen

T = TypeVar("T")


class Dialog(PatientScreen[T], DismissOnceScreen[T], RowScreen[T]):
    """A screen over another one, which gets no keys meanwhile but Alt with a number: that closes it first."""

    def action_close(self) -> None:
        """Close without a result."""
        self.dismiss(None)

"""The help dialog: the keys of a screen."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from budgetscope.tui.keys import EVERYWHERE, Key, bindings, keys_of, named
from budgetscope.tui.screens.dialog import Dialog

_KEYS_WIDTH = 20


class HelpScreen(Dialog[None]):
    """Shows the keys of the screen below it, and those that work everywhere."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("help")

    def __init__(self, screen: str) -> None:
        super().__init__()
        self._screen = screen

    def compose(self) -> ComposeResult:
        """Lay the two groups of keys."""
        with VerticalScroll(classes="dialog") as dialog:
            dialog.border_title = "Keys"
            yield Static(Content("\n").join([_line(key) for key in keys_of(self._screen)]))
            yield Static(Content("\nEverywhere"), classes="heading")
            yield Static(Content("\n").join([_line(key) for key in keys_of(EVERYWHERE)]))
            yield Static(
                Content(
                    "\nWhile a field is edited, letters and digits are text: use the keys with Ctrl and F, or "
                    "leave the field with Esc or Enter. A dim option was not given: the plan takes it from "
                    "the budget or the law, or assumes it."
                )
            )

    def action_close(self) -> None:
        """Close the help."""
        self.dismiss()


def _line(key: Key) -> Content:
    names = " ".join(named(name) for name in key.keys)
    return Content.assemble((names.ljust(_KEYS_WIDTH), "bold $text-accent"), key.description)

"""The help dialog: the keys of a screen, and what the words mean."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical

from budgetscope.core.language import _
from budgetscope.report.newcomer import words
from budgetscope.tui.keys import EVERYWHERE, Key, bindings, keys_of, named
from budgetscope.tui.screens.dialog import Dialog
from budgetscope.tui.screens.fits.page import Fact, Heading, Page, PageLine


class HelpScreen(Dialog[None]):
    """Shows the keys of the screen below it, those that work everywhere, and the words of a plan."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("help")

    def __init__(self, screen: str) -> None:
        super().__init__()
        self._screen = screen

    def compose(self) -> ComposeResult:
        """Lay the page."""
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = _("Keys and words")
            dialog.border_subtitle = _("w: what the words mean   Esc: close")
            yield Page()

    def on_mount(self) -> None:
        """Fill the page."""
        lines: list[PageLine] = [_fact(key) for key in keys_of(self._screen)]
        lines += ["", Heading(_("Everywhere")), *(_fact(key) for key in keys_of(EVERYWHERE)), ""]
        lines += [
            _("While a field is edited, letters and digits are text: use the keys with Ctrl, Alt and F, or leave the "
              "field with Esc or Enter. A dim option was not given: the plan takes it from the budget or the law, or "
              "assumes it."),
            "", Heading(_("What the words mean")), *(Fact(word, meaning) for word, meaning in words()), "",
            _("Where a column is narrow, the names of laws are too: RW is RefinedWeb, OWT2 OpenWebText2, "
              "att. attention."),
            _("docs/reference/glossary.md has every word."),
        ]  # fmt: skip
        page = self.query_one(Page)
        page.lines = tuple(lines)
        page.focus()

    def action_words(self) -> None:
        """Go to the words."""
        self.query_one(Page).go_to(_("What the words mean"))


def _fact(key: Key) -> Fact:
    return Fact(" ".join(named(name) for name in key.keys), _(key.description))

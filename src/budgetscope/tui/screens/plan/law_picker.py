"""The law picker: a dialog with a filter and a list of laws."""

from collections.abc import Sequence
from itertools import groupby
from operator import attrgetter
from typing import ClassVar

from rich.cells import cell_len
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, OptionList
from textual.widgets.option_list import Option

from budgetscope.core.language import _
from budgetscope.report.law_choices import LawChoice
from budgetscope.report.words import cut, padded
from budgetscope.tui.keys import bindings
from budgetscope.tui.screens.dialog import Dialog
from budgetscope.tui.signs import CHOSEN_SIGN
from budgetscope.tui.widgets.law_table import SEPARATOR

_TITLE_WIDTH = 46


class LawsScreen(Dialog[str | None]):
    """A dialog that returns the id of the chosen fit; None when it is closed without a choice."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings("laws"),
        Binding("up", "move(-1)", show=False, priority=True),
        Binding("down", "move(1)", show=False, priority=True),
    ]

    def __init__(self, laws: Sequence[LawChoice], current: str | None) -> None:
        super().__init__()
        self._laws = laws
        self._current = current

    def compose(self) -> ComposeResult:
        """Compose the filter and the list."""
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = _("Follow which law?")
            yield Input(placeholder=_("type to filter by title or id"), compact=True)
            yield OptionList(markup=False, compact=True)

    def on_mount(self) -> None:
        """Show all laws, with the cursor on the current one."""
        self._show("")
        options = self.query_one(OptionList)
        if self._current is not None and any(law.fit_id == self._current for law in self._laws):
            options.highlighted = options.get_option_index(self._current)

    def _show(self, text: str) -> None:
        words = text.casefold().split()
        shown = [law for law in self._laws if all(word in f"{law.title} {law.fit_id}".casefold() for word in words)]
        options = self.query_one(OptionList)
        options.clear_options()
        for ablation, laws in groupby(shown, attrgetter("ablation")):
            if ablation:
                options.add_option(Option(Content(f"── {_(SEPARATOR)} ──"), disabled=True))
            options.add_options([Option(_described(law, law.fit_id == self._current), id=law.fit_id) for law in laws])
        if not shown:
            options.add_option(Option(Content(_("No law matches: Backspace, or Esc to close.")), disabled=True))
        options.action_first()

    @on(Input.Changed)
    def _filter(self, event: Input.Changed) -> None:
        self._show(event.value)

    @on(Input.Submitted)
    def _submitted(self) -> None:
        options = self.query_one(OptionList)
        if options.highlighted is not None:
            self.dismiss(options.get_option_at_index(options.highlighted).id)

    @on(OptionList.OptionSelected)
    def _selected(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(event.option_id)

    def action_move(self, lines: int) -> None:
        """Move the cursor of the list while the filter has the focus."""
        options = self.query_one(OptionList)
        if lines < 0:
            options.action_cursor_up()
        else:
            options.action_cursor_down()

    def action_close(self) -> None:
        """Close without a choice."""
        self.dismiss(None)


def _described(law: LawChoice, current: bool) -> Content:
    """Return two lines: title and exponent, then id and fitted range."""
    sign = CHOSEN_SIGN if current else " "
    return Content.assemble(
        (f"{sign} {_cut(law.title, _TITLE_WIDTH)}", "bold"), f"{law.exponent}\n",
        (f"    {_cut(law.fit_id, _TITLE_WIDTH - 2)}{law.fitted}", "$text-muted"),
    )  # fmt: skip


def _cut(text: str, width: int) -> str:
    return padded(text if cell_len(text) < width else f"{cut(text, width - 2)}… ", width)

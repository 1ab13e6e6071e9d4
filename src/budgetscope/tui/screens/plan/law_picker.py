"""The law picker: type to filter, Enter to follow."""

import math
from collections.abc import Sequence
from itertools import groupby
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, OptionList
from textual.widgets.option_list import Option

from budgetscope.core.answers.curves import local_exponent
from budgetscope.core.budget.quantities import format_flops
from budgetscope.core.laws.fit import Fit
from budgetscope.tui.keys import bindings
from budgetscope.tui.screens.dialog import Dialog
from budgetscope.tui.widgets.law_table import CHOSEN_SIGN, SEPARATOR

_NOWHERE_FLOPS = 1e21
"""Where the exponent is taken for a law whose source gives no range of budgets."""
_TITLE_WIDTH = 46


class LawsScreen(Dialog[str | None]):
    """Returns the id of the chosen fit, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings("laws"),
        Binding("up", "move(-1)", show=False, priority=True),
        Binding("down", "move(1)", show=False, priority=True),
    ]

    def __init__(self, fits: Sequence[Fit], current: str | None) -> None:
        super().__init__()
        # Laws to plan with come first, steps of an argument after them.
        self._fits = sorted((fit for fit in fits if fit.allocation), key=lambda fit: (fit.ablation, fit.id))
        self._current = current

    def compose(self) -> ComposeResult:
        """Lay filter and list."""
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = "Follow which law?"
            yield Input(placeholder="type to filter by title or id", compact=True)
            yield OptionList(markup=False, compact=True)

    def on_mount(self) -> None:
        """Show all laws, the current one at the cursor."""
        self._show("")
        options = self.query_one(OptionList)
        if self._current is not None and any(fit.id == self._current for fit in self._fits):
            options.highlighted = options.get_option_index(self._current)

    def _show(self, text: str) -> None:
        words = text.casefold().split()
        shown = [fit for fit in self._fits if all(word in f"{fit.title} {fit.id}".casefold() for word in words)]
        options = self.query_one(OptionList)
        options.clear_options()
        for ablation, fits in groupby(shown, key=lambda fit: fit.ablation):
            if ablation:
                options.add_option(Option(Content(f"── {SEPARATOR} ──"), disabled=True))
            options.add_options([Option(_described(fit, fit.id == self._current), id=fit.id) for fit in fits])
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


def _described(fit: Fit, current: bool) -> Content:
    """Return title and exponent, and below them the id and what the law was fitted on."""
    law = fit.allocation
    span = law.fitted.get("flops") if law is not None else None
    middle = _NOWHERE_FLOPS if span is None else math.sqrt(span.low * span.high)
    exponent = f"N grows as C^{local_exponent(fit, middle):.3f}"
    fitted = "no range given" if span is None else f"{format_flops(span.low)} to {format_flops(span.high)} FLOPs"
    sign = CHOSEN_SIGN if current else " "
    return Content.assemble(
        (f"{sign} {_cut(fit.title, _TITLE_WIDTH)}", "bold"), f"{exponent}\n",
        (f"    {_cut(fit.id, _TITLE_WIDTH - 2)}{fitted}", "$foreground 65%"),
    )  # fmt: skip


def _cut(text: str, width: int) -> str:
    return text.ljust(width) if len(text) < width else text[: width - 2] + "… "

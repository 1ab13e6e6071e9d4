"""The dialogs that name and delete a saved scenario."""

from collections.abc import Callable, Collection
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, Static

from budgetscope.core.budget.quantities import quote
from budgetscope.core.errors import BudgetscopeError
from budgetscope.core.language import _
from budgetscope.tui.keys import bindings
from budgetscope.tui.screens.dialog import Dialog
from budgetscope.tui.signs import PROBLEM_SIGN


class NameScreen(Dialog[str | None]):
    """A dialog that asks for a name and returns it; None when it is closed."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("name")

    def __init__(self, title: str, name: str, replaces: Collection[str], take: Callable[[str], None]) -> None:
        """Create the dialog.

        Args:
            title: of the dialog.
            name: initial text.
            replaces: names of scenarios that the new one would replace, which is asked first.
            take: called with the name; if it raises a `BudgetscopeError`, the dialog shows it and stays open.
        """
        super().__init__()
        self._title, self._first, self._replaces, self._take = title, name, replaces, take
        self._agreed = ""

    def compose(self) -> ComposeResult:
        """Compose the field and a message line."""
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = Content(self._title)
            dialog.border_subtitle = _("Enter: keep   Esc: close")
            yield Input(self._first, placeholder=_("a name"), compact=True)
            yield Static(id="message", markup=False)

    def on_mount(self) -> None:
        """Select the name, so that typing replaces it."""
        self.query_one(Input).action_select_all()

    @on(Input.Changed)
    def _changed(self, event: Input.Changed) -> None:
        name, self._agreed = event.value.strip(), ""
        told = _("{name} is saved: it is asked before it is replaced.")
        self._say(told.format(name=quote(name)) if name in self._replaces else "")

    def _say(self, text: str) -> None:
        self.query_one("#message", Static).update(Content(text))

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        name = event.value.strip()
        if not self.is_open:
            return
        if name in self._replaces and self._agreed != name:
            self._agreed = name
            self._say(_("{name} is saved. Enter once more replaces it.").format(name=quote(name)))
            return
        try:
            self._take(name)
        except BudgetscopeError as error:
            self._say(f"{PROBLEM_SIGN}{error}")
        else:
            self.dismiss(name)

    def action_close(self) -> None:
        """Close without a name."""
        self.dismiss(None)


class DeleteScreen(Dialog[bool]):
    """A dialog that asks whether to delete a scenario; returns True for yes."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("delete")

    def __init__(self, name: str) -> None:
        super().__init__()
        self._scenario = name

    def compose(self) -> ComposeResult:
        """Compose the question."""
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = _("Delete a scenario")
            dialog.border_subtitle = _("y: delete   Esc: keep")
            told = _("Delete {name}? Its request is lost; fits and plans stay.")
            yield Static(Content(told.format(name=quote(self._scenario))))

    def action_close(self) -> None:
        """Keep the scenario."""
        self.dismiss(False)

    def action_answer(self, delete: bool) -> None:
        """Close with the answer."""
        self.dismiss(delete)

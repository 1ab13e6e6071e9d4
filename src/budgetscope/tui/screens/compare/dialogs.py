"""The two dialogs about saved scenarios: give one a name, and delete one."""

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
from budgetscope.tui.keys import bindings
from budgetscope.tui.screens.dialog import Dialog
from budgetscope.tui.signs import PROBLEM_SIGN


class NameScreen(Dialog[str | None]):
    """Asks for a name until it is taken, and returns it; None when it is closed."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("name")

    def __init__(self, title: str, name: str, replaces: Collection[str], take: Callable[[str], None]) -> None:
        """Take what to ask.

        Args:
            title: what the name is for.
            name: to start with.
            replaces: names whose scenario would be replaced.
            take: does what the name is for; a refusal is shown, and the dialog stays.
        """
        super().__init__()
        self._title, self._first, self._replaces, self._take = title, name, replaces, take

    def compose(self) -> ComposeResult:
        """Lay the field and a line below it."""
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = Content(self._title)
            dialog.border_subtitle = "Enter: keep   Esc: close"
            yield Input(self._first, placeholder="a name", compact=True)
            yield Static(id="message", markup=False)

    def on_mount(self) -> None:
        """Select the name, so that typing replaces it."""
        self.query_one(Input).action_select_all()

    @on(Input.Changed)
    def _changed(self, event: Input.Changed) -> None:
        taken = event.value.strip() in self._replaces
        said = f"replaces the saved scenario {quote(event.value.strip())}" if taken else ""
        self.query_one("#message", Static).update(Content(said))

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        name = event.value.strip()
        if not self.is_open:
            return
        try:
            self._take(name)
        except BudgetscopeError as error:
            self.query_one("#message", Static).update(Content(f"{PROBLEM_SIGN}{error}"))
        else:
            self.dismiss(name)

    def action_close(self) -> None:
        """Close without a name."""
        self.dismiss(None)


class DeleteScreen(Dialog[bool]):
    """Asks whether to delete a scenario, and returns the answer."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("delete")

    def __init__(self, name: str) -> None:
        super().__init__()
        self._scenario = name

    def compose(self) -> ComposeResult:
        """Lay the question."""
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = "Delete a scenario"
            dialog.border_subtitle = "y: delete   Esc: keep"
            yield Static(Content(f"Delete {quote(self._scenario)}? Its request is lost; fits and plans stay."))

    def action_answer(self, delete: bool) -> None:
        """Close with the answer."""
        self.dismiss(delete)

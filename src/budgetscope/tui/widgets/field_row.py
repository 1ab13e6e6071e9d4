"""A labelled text field with a line below it for what is wrong, or for what was understood."""

from typing import ClassVar, Protocol

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.suggester import Suggester, SuggestFromList
from textual.widgets import Input, Label, Static

from budgetscope.tui.messages import FieldEdited

PROBLEM_SIGN = "✗ "


class Field(Protocol):
    """What a row needs to know of its field."""

    @property
    def name(self) -> str:
        """By which edits are told."""

    @property
    def label(self) -> str:
        """What people call it."""


class FieldRow(Vertical):
    """Posts `FieldEdited` for every change that a person makes."""

    DEFAULT_CSS: ClassVar[str] = """
    FieldRow { height: auto; }
    FieldRow Horizontal { height: 1; }
    FieldRow Label { width: 9; color: $text-muted; }
    FieldRow Input { width: 1fr; }
    FieldRow .note { height: auto; display: none; color: $text-muted; }
    FieldRow.-problem .note { display: block; color: $text-error; text-style: bold; }
    """

    def __init__(self, field: Field, text: str = "", hint: str = "", suggestions: tuple[str, ...] = ()) -> None:
        super().__init__(id=f"field-{field.name}")
        self.field = field
        self._text, self._hint = text, hint
        self._taken = text
        self._said = ("", False)
        self._suggester: Suggester | None = SuggestFromList(suggestions, case_sensitive=False) if suggestions else None

    def compose(self) -> ComposeResult:
        """Lay label, field and note."""
        with Horizontal():
            yield Label(self.field.label, markup=False)
            yield Input(self._text, placeholder=self._hint, suggester=self._suggester, compact=True)
        yield Static(classes="note", markup=False)

    @property
    def input(self) -> Input:
        """The field itself."""
        return self.query_one(Input)

    def take(self) -> str:
        """Return the text as it is now."""
        self._taken = self.input.value
        return self._taken

    def write(self, text: str) -> None:
        """Set the text without telling anybody, unless a person has typed since it was taken: that is still to come."""
        if self.input.value not in (text, self._taken):
            return
        self._taken = text
        with self.prevent(Input.Changed):
            self.input.value = text

    def hint(self, text: str) -> None:
        """Say what holds while the field is empty."""
        self.input.placeholder = text

    def note(self, text: str) -> None:
        """Say what was understood."""
        self._say(text, problem=False)

    def problem(self, sentence: str) -> None:
        """Say what is wrong."""
        self._say(PROBLEM_SIGN + sentence, problem=True)

    def _say(self, text: str, *, problem: bool) -> None:
        """Change the note, if it changes: a layout costs more than everything else that a keystroke does."""
        if (text, problem) == self._said:
            return
        self._said = (text, problem)
        changed = self.has_class("-problem") != problem
        self.set_class(problem, "-problem")
        self.query_one(".note", Static).update(Content(text), layout=changed or problem)

    @on(Input.Changed)
    def _edited(self, event: Input.Changed) -> None:
        event.stop()
        self.post_message(FieldEdited(self))

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.screen.set_focus(None)

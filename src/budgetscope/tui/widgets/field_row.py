"""A labelled text field, with a line below it for a problem or a remark."""

from dataclasses import dataclass
from typing import ClassVar, Protocol

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.suggester import Suggester, SuggestFromList
from textual.widgets import Input, Label, Static

from budgetscope.tui.signs import PROBLEM_SIGN


class LabelledField(Protocol):
    """What a row needs to know of its field."""

    @property
    def name(self) -> str:
        """The name by which the screen tells its fields apart."""

    @property
    def label(self) -> str:
        """The text before the field."""


@dataclass
class FieldEdited(Message):
    """Posted by `FieldRow`: a person changed the text, which may have changed again until this is handled.

    Attributes:
        row: whose text; its `take` returns the text as it is now.
    """

    row: "FieldRow"


class FieldRow(Vertical):
    """A field with its label and note; posts `FieldEdited`."""

    DEFAULT_CSS: ClassVar[str] = """
    FieldRow { height: auto; }
    FieldRow Horizontal { height: 1; }
    FieldRow Label { width: 9; color: $text-muted; }
    FieldRow Input { width: 1fr; }
    FieldRow .note { height: auto; display: none; color: $text-muted; }
    FieldRow.-problem .note { display: block; color: $text-error; text-style: bold; }
    """

    def __init__(self, field: LabelledField, text: str = "", hint: str = "", suggestions: tuple[str, ...] = ()) -> None:
        super().__init__(id=f"field-{field.name}")
        self.field = field
        self._text, self._hint = text, hint
        self._taken = text
        self._shown = ("", False)
        self._suggester: Suggester | None = SuggestFromList(suggestions, case_sensitive=False) if suggestions else None

    def compose(self) -> ComposeResult:
        """Lay label, field and note."""
        with Horizontal():
            yield Label(self.field.label, markup=False)
            yield Input(self._text, placeholder=self._hint, suggester=self._suggester, compact=True)
        yield Static(classes="note", markup=False)

    @property
    def input(self) -> Input:
        """Textual's input."""
        return self.query_one(Input)

    def take(self) -> str:
        """Return the present text."""
        self._taken = self.input.value
        return self._taken

    def write(self, text: str) -> None:
        """Set the text without a `FieldEdited`, unless a person has typed since `take`: that edit is on its way."""
        if self.input.value not in (text, self._taken):
            return
        self._taken = text
        with self.prevent(Input.Changed):
            self.input.value = text

    def hint(self, text: str) -> None:
        """Show what counts while the field is empty."""
        self.input.placeholder = text

    def note(self, text: str) -> None:
        """Show a remark below the field."""
        self._show(text, problem=False)

    def problem(self, sentence: str) -> None:
        """Show what is wrong with the text."""
        self._show(PROBLEM_SIGN + sentence, problem=True)

    def _show(self, text: str, *, problem: bool) -> None:
        """Change the line below the field if it is new: a layout costs more than all else that a keystroke does."""
        if (text, problem) == self._shown:
            return
        self._shown = (text, problem)
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

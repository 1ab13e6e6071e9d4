"""A labelled text field, with a line below it for a problem or a remark."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.suggester import SuggestFromList
from textual.widget import AwaitMount, Widget
from textual.widgets import Input, Label, Static

from budgetscope.core.language import _
from budgetscope.report.words import width
from budgetscope.tui.signs import PROBLEM_SIGN


class LabelledField(Protocol):
    """What a row needs to know of its field."""

    @property
    def name(self) -> str:
        """The name by which the screen tells its fields apart."""

    @property
    def label(self) -> str:
        """The text before the field, marked for the catalogue."""


LABEL_WIDTH = 9
"""Of the labels, in cells, as in the style."""


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

    def __init__(
        self,
        field: LabelledField,
        text: str = "",
        hint: str = "",
        suggestions: tuple[str, ...] = (),
        *,
        label_width: int = 0,
    ) -> None:
        """Create a row.

        Args:
            field: whose text is edited.
            text: the first text.
            hint: shown while the field is empty.
            suggestions: values that may be typed.
            label_width: in cells, where the labels of a form need more than the usual.
        """
        super().__init__(id=f"field-{field.name}")
        self.field = field
        self._text, self._hint = text, hint
        self._taken = text
        self._shown = ("", False)
        self._label_width = label_width
        self._suggester = _suggester(suggestions)
        self._input: Input | None = None
        self._note: Static | None = None
        self._filling: AwaitMount | None = None

    def compose(self) -> ComposeResult:
        """Lay label, field and note, unless the row is hidden: the first paint does not wait for it."""
        if all(widget.display for widget in self.ancestors_with_self):
            yield from self._parts()

    def fill(self) -> None:
        """Lay the parts of a row that was hidden until now; later calls change nothing."""
        if self.is_mounted and self._note is None:
            self._filling = self.mount(*self._parts())

    async def filled(self) -> None:
        """Fill the row and wait until its parts can take keys."""
        self.fill()
        if self._filling is not None:
            await self._filling

    def on_show(self) -> None:
        """Fill the row when it is shown first."""
        self.fill()

    def _parts(self) -> Iterator[Widget]:
        self._note = Static(Content(self._shown[0]), classes="note", markup=False)
        label = Label(_(self.field.label), markup=False)
        if self._label_width > LABEL_WIDTH:
            label.styles.width = self._label_width
        yield Horizontal(label, self.input)
        yield self._note

    @property
    def input(self) -> Input:
        """Textual's input."""
        if self._input is None:
            self._input = Input(self._text, placeholder=self._hint, suggester=self._suggester, compact=True)
        return self._input

    @property
    def value(self) -> str:
        """The present text."""
        return self._text if self._input is None else self._input.value

    def take(self) -> str:
        """Return the present text."""
        self._taken = self.value
        return self._taken

    def write(self, text: str) -> None:
        """Set the text without a `FieldEdited`, unless a person has typed since `take`: that edit is on its way."""
        if self.value not in (text, self._taken):
            return
        self._taken = self._text = text
        if self._input is not None:
            with self.prevent(Input.Changed):
                self._input.value = text

    def suggest(self, values: Sequence[str]) -> None:
        """Suggest values that may be typed."""
        self._suggester = _suggester(values)
        if self._input is not None:
            self._input.suggester = self._suggester

    @property
    def suggests(self) -> bool:
        """Whether there are values to suggest."""
        return self._suggester is not None

    def hint(self, text: str) -> None:
        """Show what counts while the field is empty."""
        self._hint = text
        if self._input is not None:
            self._input.placeholder = text

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
        if self._note is not None:
            # A line fits one row; what is longer, or was, may need others.
            rows = max(1, -(-width(text) // max(1, self.size.width)))
            self._note.update(Content(text), layout=changed or problem or rows != self._note.size.height > 0)

    @on(Input.Changed)
    def _edited(self, event: Input.Changed) -> None:
        event.stop()
        self.post_message(FieldEdited(self))

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.screen.set_focus(None)


def _suggester(values: Sequence[str]) -> SuggestFromList | None:
    return SuggestFromList(values, case_sensitive=False) if values else None

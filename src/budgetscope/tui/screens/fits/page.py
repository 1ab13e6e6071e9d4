"""A scrollable page of headings, labelled facts and sentences, wrapped with hanging indents."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.reactive import reactive
from textual.strip import Strip

from budgetscope.report.words import cut, padded
from budgetscope.report.wrapping import wrapped
from budgetscope.tui.signs import CAUTION_SIGN, PROBLEM_SIGN
from budgetscope.tui.textual_fixes.line_view import LineView

_LABEL_WIDTH = 16
_LEAST_TEXT = 12


@dataclass(frozen=True, slots=True)
class Heading:
    """The title of the lines below."""

    text: str


@dataclass(frozen=True, slots=True)
class Fact:
    """A text with a label."""

    label: str
    text: str


@dataclass(frozen=True, slots=True)
class Warned:
    """A caution, in the colour of warnings."""

    text: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """A refusal, in the colour of errors."""

    text: str


@dataclass(frozen=True, slots=True)
class TableLine:
    """A line of a table; cut at the page's width, never wrapped."""

    text: str
    header: bool = False


PageLine = str | Heading | Fact | Warned | Refusal | TableLine


Runs = list[tuple[str, str]]
"""A row on the screen: texts, each with the component class of its style."""


class Page(LineView):
    """Shows lines at its own width, and scrolls without a new layout of the screen.

    Attributes:
        lines: from the top; a plain text is a sentence.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "page--heading", "page--label", "page--warned", "page--problem", "page--header",
    }  # fmt: skip
    DEFAULT_CSS: ClassVar[str] = """
    Page { overflow-x: hidden; overflow-y: auto; scrollbar-gutter: stable; scrollbar-size-vertical: 1; }
    Page .page--heading { color: $text-accent; text-style: bold; }
    Page .page--label { color: $text-muted; }
    Page .page--warned { color: $text-warning; }
    Page .page--problem { color: $text-error; text-style: bold; }
    Page .page--header { text-style: bold; }
    """

    lines: reactive[tuple[PageLine, ...]] = reactive(())

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id, classes=classes)
        self._laid: list[Runs] = []

    def watch_lines(self) -> None:
        """Wrap the new lines."""
        self._lay()

    def on_resize(self) -> None:
        """Wrap at the new width."""
        self._lay()

    def _lay(self) -> None:
        width = self.scrollable_content_region.width
        self._laid = [row for line in self.lines for row in _wrapped(line, max(width, 1))]
        self.set_n_lines(len(self._laid))

    def go_to(self, heading: str) -> None:
        """Scroll to a heading."""
        place = next((y for y, row in enumerate(self._laid) if row[:1] == [(heading, "heading")]), None)
        if place is not None:
            self.scroll_to(y=place, animate=False)

    def render_line(self, y: int) -> Strip:
        """Return one row."""
        width, index = self.scrollable_content_region.width, y + self.scroll_offset.y
        runs = self._laid[index] if index < len(self._laid) else []
        segments = [Segment(text, self._style(part)) for text, part in runs]
        return Strip(segments).adjust_cell_length(width, self.rich_style)

    def _style(self, part: str) -> Style:
        return self.get_component_rich_style(f"page--{part}") if part else self.rich_style


def _wrapped(line: PageLine, width: int) -> Iterator[Runs]:
    match line:
        case Heading(text):
            yield from ([(part, "heading")] for part in _parts(text, width))
        case Warned(text):
            yield from _signed(CAUTION_SIGN, text, width, "warned")
        case Refusal(text):
            yield from _signed(PROBLEM_SIGN, text, width, "problem")
        case TableLine(text, header):
            yield [(text, "header" if header else "")]
        case Fact(label, text):
            indent = min(max(_LABEL_WIDTH, cell_len(label) + 1), max(width - _LEAST_TEXT, 0))
            starts = [padded(cut(label, indent), indent), " " * indent]
            for index, part in enumerate(_parts(text, max(width - indent, 1))):
                yield [(starts[min(index, 1)], "label"), (part, "")]
        case str(text):
            yield from ([(part, "")] for part in _parts(text, width))


def _signed(sign: str, text: str, width: int, part: str) -> Iterator[Runs]:
    for index, piece in enumerate(_parts(text, max(width - len(sign), 1))):
        yield [((" " * len(sign) if index else sign) + piece, part)]


def _parts(text: str, width: int) -> list[str]:
    return wrapped(text, width) or [""]

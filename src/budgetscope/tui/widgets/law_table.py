"""The table of laws: the answer of each to the budget, with a cursor to choose one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import ClassVar

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region
from textual.message import Message
from textual.reactive import reactive
from textual.strip import Strip

from budgetscope.core.answers.comparison import Comparison
from budgetscope.core.language import N_, _
from budgetscope.report.law_rows import COMPARISON_HEADER, ComparisonRow, comparison_rows
from budgetscope.report.words import right, ruled
from budgetscope.report.wrapping import wrapped
from budgetscope.tui.law_letters import SHARED
from budgetscope.tui.short_titles import fitted
from budgetscope.tui.signs import CHOSEN_SIGN
from budgetscope.tui.textual_fixes.component_styles import ComponentStyles
from budgetscope.tui.textual_fixes.line_view import LineView

SEPARATOR = N_("steps of the argument, not recommendations")
SKIPPED = N_("left out")


@dataclass(frozen=True, slots=True)
class _Column:
    """A column: the highest rank is the first to be left out of a narrow table; every cell fits the width."""

    title: str
    attribute: str
    rank: int
    width: int


_COLUMNS = tuple(
    _Column(title, attribute, rank, cell_len(title))
    for title, (attribute, rank) in zip(
        COMPARISON_HEADER[1:],
        (
            ("n_params", 0),
            ("tokens", 1),
            ("tokens_per_param", 2),
            ("learning_rate", 5),
            ("batch", 6),
            ("loss_difference", 4),
            ("wasted", 3),
        ),
        strict=True,
    )
)
_SIGNS_WIDTH = 4
"""Of the sign of the law that is followed and the letter, each with a space."""
_MIN_TITLE_WIDTH, _MAX_TITLE_WIDTH = 23, 50
_REMARK_WIDTH = 68


@dataclass(frozen=True, slots=True)
class _Remark:
    """A line without a law: a rule with a title, or part of a sentence."""

    text: str
    rule: bool = False


@dataclass
class LawChosen(Message):
    """Posted by `LawTable`, and by the plan screen for its law picker: a person chose a law to follow.

    Attributes:
        fit_id: of the law.
    """

    fit_id: str


class LawTable(LineView, can_focus=True):
    """A table that is drawn line by line; posts `LawChosen`.

    Attributes:
        comparison: None before the first.
        waiting: whether the comparison is outdated and the next is being computed.
        letters: of the laws, by the ids of their fits.
        cursor: id of the fit at the cursor.
        lit: whether the cursor is shown without the focus too.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "law-table--header", "law-table--chosen", "law-table--cursor", "law-table--separator",
        "law-table--waiting",
    }  # fmt: skip
    DEFAULT_CSS: ClassVar[str] = """
    LawTable { overflow-x: hidden; scrollbar-size-vertical: 1; }
    LawTable .law-table--header { color: $text-muted; text-style: bold; }
    LawTable .law-table--chosen { color: $text-primary; text-style: bold; }
    LawTable .law-table--cursor { text-style: reverse; }
    LawTable .law-table--separator { color: $text-muted; text-style: italic; }
    LawTable .law-table--waiting { color: $text-muted; text-style: italic; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move(-1)", show=False),
        Binding("down", "move(1)", show=False),
        Binding("pageup", "move(-10)", show=False),
        Binding("pagedown", "move(10)", show=False),
        Binding("home", "move(-1000)", show=False),
        Binding("end", "move(1000)", show=False),
        Binding("enter", "choose", show=False),
    ]

    comparison: reactive[Comparison | None] = reactive(None)
    waiting: reactive[bool] = reactive(False)
    cursor: reactive[str | None] = reactive(None)
    lit: reactive[bool] = reactive(False)

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id, classes=classes)
        self.letters: Mapping[str, str] = {}
        self._lines: tuple[ComparisonRow | _Remark, ...] = ()
        self._columns = _COLUMNS
        self._styles = ComponentStyles(self, "law-table")

    def watch_comparison(self, comparison: Comparison | None) -> None:
        """Lay the new lines; the cursor stays with its law."""
        rows = [] if comparison is None else list(comparison_rows(comparison))
        # A law of learning rate or batch alone has nothing here: the recipe screen shows it.
        rows = [row for row in rows if row.row.n_params is not None]
        advice = [row for row in rows if not row.row.ablation]
        steps = [row for row in rows if row.row.ablation]
        skipped = [] if comparison is None else _wrapped(comparison.skipped)
        lines: list[ComparisonRow | _Remark] = [*advice]
        if steps:
            lines += [_Remark(_(SEPARATOR), rule=True), *steps]
        if skipped:
            lines += [_Remark(_(SKIPPED), rule=True), *skipped]
        self._lines = tuple(lines)
        self._columns = tuple(_wide_enough(column, rows) for column in _COLUMNS)
        ids = {row.row.fit_id for row in rows}
        if self.cursor not in ids:
            self.cursor = None if comparison is None else comparison.law_id
        self.set_n_lines(len(self._lines) + 1)

    def _rows(self) -> list[int]:
        """Return the places of the lines with a law."""
        return [index for index, line in enumerate(self._lines) if isinstance(line, ComparisonRow)]

    def _index(self) -> int:
        """Return the place of the cursor's line."""
        ids = (line.row.fit_id if isinstance(line, ComparisonRow) else None for line in self._lines)
        return next((index for index, fit_id in enumerate(ids) if fit_id == self.cursor), 0)

    def action_move(self, laws: int) -> None:
        """Move the cursor by so many laws."""
        rows = self._rows()
        if rows:
            place = rows.index(self._index()) + laws
            self._go(rows[min(max(place, 0), len(rows) - 1)])

    def _go(self, index: int) -> None:
        line = self._lines[index]
        if isinstance(line, ComparisonRow):
            self.cursor = line.row.fit_id
            # With the last law, the remarks below it are scrolled into view.
            below = len(self._lines) - index if index == self._rows()[-1] else 1
            # The header takes a row of the window.
            height = min(1 + below, max(self.size.height, 2))
            self.scroll_to_region(Region(0, index, 1, height), animate=False, force=True)

    def action_choose(self) -> None:
        """Follow the law at the cursor."""
        line = self._lines[self._index()] if self._lines else None
        if not isinstance(line, ComparisonRow):
            return
        self.post_message(LawChosen(line.row.fit_id))

    def on_click(self, event: events.Click) -> None:
        """Move the cursor to the line that was clicked; only a key follows a law."""
        index = event.y - 1 + self.scroll_offset.y
        if event.y > 0 and index in self._rows():
            self._go(index)

    def render_line(self, y: int) -> Strip:
        """Return the header, or a line of the table."""
        width = self.scrollable_content_region.width
        columns, title_width = _fitting(self._columns, width)
        if y == 0:
            cells = [right(_(column.title), column.width) for column in columns]
            return self._strip(" " * _SIGNS_WIDTH, _(COMPARISON_HEADER[0]), cells, title_width, width, "header")
        index = y - 1 + self.scroll_offset.y
        if index >= len(self._lines):
            return Strip.blank(width, self._styles.of(""))
        line = self._lines[index]
        if isinstance(line, _Remark):
            text = ruled(line.text, width - 2) if line.rule else line.text
            return self._strip("  ", text, [], width - 2, width, "separator")
        cells = [right(attrgetter(column.attribute)(line), column.width) for column in columns]
        signs = f"{CHOSEN_SIGN if line.chosen else ' '} {self.letters.get(line.row.fit_id, SHARED)} "
        part = "waiting" if self.waiting else "chosen" if line.chosen else ""
        strip = self._strip(signs, fitted(line.title, title_width), cells, title_width, width, part)
        if line.row.fit_id == self.cursor and (self.has_focus or self.lit):
            return strip.apply_style(Style(reverse=True))
        return strip

    def _strip(self, signs: str, title: str, cells: list[str], title_width: int, width: int, part: str) -> Strip:
        style = self._styles.of(part)
        text = " ".join([f"{signs}{_cut(title, title_width)}", *cells])
        return Strip([Segment(set_cell_size(text, width), style)], width)


def _wrapped(sentences: tuple[str, ...]) -> list[_Remark]:
    return [_Remark(line) for sentence in sentences for line in wrapped(f"- {sentence}", _REMARK_WIDTH, "  ")]


def _cut(text: str, width: int) -> str:
    return set_cell_size(text, width) if cell_len(text) <= width else set_cell_size(text, width - 1) + "…"


def _wide_enough(column: _Column, rows: Sequence[ComparisonRow]) -> _Column:
    cells = map(attrgetter(column.attribute), rows)
    return replace(column, width=max(cell_len(_(column.title)), *map(cell_len, cells), 0))


def _fitting(columns: Sequence[_Column], width: int) -> tuple[list[_Column], int]:
    """Return the columns that fit, in their order, and the width that is left for the title."""
    left = width - _SIGNS_WIDTH - _MIN_TITLE_WIDTH
    chosen = []
    for column in sorted(columns, key=lambda column: column.rank):
        if left < column.width + 1:
            break
        chosen.append(column)
        left -= column.width + 1
    return [column for column in columns if column in chosen], min(_MIN_TITLE_WIDTH + left, _MAX_TITLE_WIDTH)

"""Every law's answer to the budget, one a line, with a cursor to choose one."""

from dataclasses import dataclass
from operator import attrgetter
from typing import ClassVar

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from budgetscope.core.compare import Comparison
from budgetscope.report.rows import COMPARISON_HEADER, ComparisonRow, comparison_rows
from budgetscope.tui.messages import LawChosen

CHOSEN_SIGN = ">"
SEPARATOR = "steps of the argument, not recommendations"


@dataclass(frozen=True, slots=True)
class _Column:
    """A column: its title, width, and rank by which it gives way in a narrow table."""

    title: str
    attribute: str
    width: int
    rank: int


_COLUMNS = tuple(
    _Column(title, attribute, width, rank)
    for title, (attribute, width, rank) in zip(
        COMPARISON_HEADER[1:],
        (
            ("n_params", 7, 0),
            ("tokens", 7, 1),
            ("tokens_per_param", 7, 2),
            ("learning_rate", 8, 5),
            ("batch", 7, 6),
            ("loss_difference", 8, 4),
            ("wasted", 16, 3),
        ),
        strict=True,
    )
)
_LEAST_TITLE = 25
_MOST_TITLE = 50


class LawTable(ScrollView, can_focus=True):
    """A table that repaints without being rebuilt.

    Attributes:
        comparison: what to show.
        cursor: id of the fit at the cursor.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "law-table--header", "law-table--chosen", "law-table--cursor", "law-table--separator",
    }  # fmt: skip
    DEFAULT_CSS: ClassVar[str] = """
    LawTable { overflow-x: hidden; scrollbar-size-vertical: 1; }
    LawTable .law-table--header { color: $text-muted; text-style: bold; }
    LawTable .law-table--chosen { color: $text-primary; text-style: bold; }
    LawTable .law-table--cursor { text-style: reverse; }
    LawTable .law-table--separator { color: $text-muted; text-style: italic; }
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
    cursor: reactive[str | None] = reactive(None)

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id, classes=classes)
        self._lines: tuple[ComparisonRow | None, ...] = ()
        self._styles: tuple[str, dict[str, Style]] = ("", {})

    def watch_comparison(self, comparison: Comparison | None) -> None:
        """Take the new rows; the cursor stays with its law."""
        rows = () if comparison is None else comparison_rows(comparison)
        advice = [row for row in rows if not row.row.ablation]
        steps = [row for row in rows if row.row.ablation]
        self._lines = (*advice, *([None, *steps] if steps else []))
        ids = {row.row.fit_id for row in rows}
        if self.cursor not in ids:
            self.cursor = None if comparison is None else comparison.law_id
        self.virtual_size = Size(self.size.width, len(self._lines) + 1)

    def _index(self) -> int:
        """Return the line of the cursor."""
        places = (i for i, line in enumerate(self._lines) if line is not None and line.row.fit_id == self.cursor)
        return next(places, 0)

    def action_move(self, lines: int) -> None:
        """Move the cursor, past the separator."""
        self._go(self._index() + lines, -1 if lines < 0 else 1)

    def _go(self, index: int, direction: int) -> None:
        if not self._lines:
            return
        index = min(max(index, 0), len(self._lines) - 1)
        line = self._lines[index] or self._lines[index + direction]
        if line is not None:
            self.cursor = line.row.fit_id
        # The header takes the first row of the window, whatever is scrolled below it.
        self.scroll_to_region(Region(0, self._index(), 1, 2), animate=False, force=True)

    def action_choose(self) -> None:
        """Follow the law at the cursor."""
        line = self._lines[self._index()] if self._lines else None
        if line is None:
            return
        if line.row.n_params is None:
            self.app.notify(f"{line.row.fit_id} says nothing of N and D: it cannot be followed.", markup=False)
        else:
            self.post_message(LawChosen(line.row.fit_id))

    def on_click(self, event: events.Click) -> None:
        """Put the cursor on the line that was clicked; a second click follows its law."""
        index = event.y - 1 + self.scroll_offset.y
        if event.y > 0 and 0 <= index < len(self._lines) and self._lines[index] is not None:
            before = self.cursor
            self._go(index, 1)
            if before == self.cursor and event.chain > 1:
                self.action_choose()

    def render_line(self, y: int) -> Strip:
        """Return the header, or a line below it."""
        width = self.scrollable_content_region.width
        columns, title_width = _fitting(width)
        if y == 0:
            cells = [column.title.rjust(column.width) for column in columns]
            return self._strip(COMPARISON_HEADER[0], cells, title_width, width, "header")
        index = y - 1 + self.scroll_offset.y
        if index >= len(self._lines):
            return Strip.blank(width, self._style(""))
        line = self._lines[index]
        if line is None:
            return self._strip(f"── {SEPARATOR} ".ljust(width, "─"), [], width - 2, width, "separator")
        cells = [attrgetter(column.attribute)(line).rjust(column.width) for column in columns]
        sign = CHOSEN_SIGN if line.chosen else " "
        strip = self._strip(line.title, cells, title_width, width, "chosen" if line.chosen else "", sign)
        if line.row.fit_id == self.cursor and self.has_focus:
            return strip.apply_style(Style(reverse=True))
        return strip

    def _style(self, part: str) -> Style:
        """Return the style of a part of the table, which is looked up once for each theme."""
        theme, styles = self._styles
        if theme != self.app.theme:
            styles = {}
            self._styles = (self.app.theme, styles)
        if part not in styles:
            styles[part] = self.get_component_rich_style(f"law-table--{part}") if part else self.rich_style
        return styles[part]

    def _strip(self, title: str, cells: list[str], title_width: int, width: int, part: str, sign: str = " ") -> Strip:
        style = self._style(part)
        text = " ".join([f"{sign} {_cut(title, title_width)}", *cells])
        return Strip([Segment(set_cell_size(text, width), style)], width)


def _cut(text: str, width: int) -> str:
    return set_cell_size(text, width) if cell_len(text) <= width else set_cell_size(text, width - 1) + "…"


def _fitting(width: int) -> tuple[list[_Column], int]:
    """Return the columns for which there is room, in their order, and the width that is left for the title."""
    left = width - 2 - _LEAST_TITLE
    chosen = []
    for column in sorted(_COLUMNS, key=lambda column: column.rank):
        if left < column.width + 1:
            break
        chosen.append(column)
        left -= column.width + 1
    return [column for column in _COLUMNS if column in chosen], min(_LEAST_TITLE + left, _MOST_TITLE)

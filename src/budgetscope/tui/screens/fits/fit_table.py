"""Every stored fit, one a line, with a cursor: fast however many there are, since only what is visible is worded."""

from dataclasses import dataclass
from itertools import groupby
from typing import ClassVar

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import Region, Size
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from budgetscope.report.fit_pages import ShelfRow, shelf_row
from budgetscope.store.fit_library import Entry
from budgetscope.tui.messages import FitChosen
from budgetscope.tui.short_titles import fitted
from budgetscope.tui.widgets.part_styles import PartStyles

LEGEND = "* default > plan A/B marked ! flags ✗ broken ~ edited ^ shadows"
MARKS = ("A", "B")
_SIGNS = 6


_TITLES = {
    "id": "id",
    "exponent": "a [95%]",
    "fitted": "fitted on",
    "title": "title",
    "layer": "layer",
    "written": "written",
    "says": "says",
}
"""Columns in their order: attribute of a row, and title."""
_WIDTHS = (
    ("id", 27), ("exponent", 20), ("fitted", 17), ("id", 42), ("title", 20), ("layer", 8), ("fitted", 20),
    ("written", 10), ("title", 34), ("says", 14), ("layer", 17), ("says", 30), ("title", 60), ("says", 45),
)  # fmt: skip
"""What room is used for, the most important first: a column, or more width for one."""


@dataclass(frozen=True, slots=True)
class Standing:
    """Which fits stand out: ids of the defaults, of what this plan follows, and of those marked for comparison."""

    defaults: frozenset[str] = frozenset()
    followed: frozenset[str] = frozenset()
    marked: tuple[str, ...] = ()


class FitTable(ScrollView):
    """A list that repaints without being rebuilt; posts `FitChosen` when the cursor moves.

    Attributes:
        entries: what to show, in order; None while the fits are being read.
        standing: what to mark.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "fit-table--header", "fit-table--cursor", "fit-table--group", "fit-table--standing", "fit-table--broken",
    }  # fmt: skip
    DEFAULT_CSS: ClassVar[str] = """
    FitTable { overflow-x: hidden; scrollbar-size-vertical: 1; }
    FitTable .fit-table--header { color: $text-muted; text-style: bold; }
    FitTable .fit-table--cursor { text-style: reverse; }
    FitTable .fit-table--group { color: $text-muted; text-style: italic; }
    FitTable .fit-table--standing { color: $text-primary; text-style: bold; }
    FitTable .fit-table--broken { color: $text-error; }
    """

    entries: reactive[tuple[Entry, ...] | None] = reactive(None)
    standing: reactive[Standing] = reactive(Standing())

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id, classes=classes)
        self.cursor: str | None = None
        self._lines: list[Entry | str] = []
        self._places: dict[str, int] = {}
        self._rows: dict[str, tuple[Entry, ShelfRow]] = {}
        self._styles = PartStyles(self, "fit-table")

    def watch_entries(self, entries: tuple[Entry, ...] | None) -> None:
        """Take the new list; the cursor stays with its file, or else goes to the first."""
        self._lines = []
        for group, members in groupby(entries or (), _group):
            self._lines += [group, *members]
        self._places = {key(line): i for i, line in enumerate(self._lines) if isinstance(line, Entry)}
        if self.cursor not in self._places:
            self.cursor = next(iter(self._places), None)
        self.virtual_size = Size(self.size.width, len(self._lines) + 1)
        self._reveal()

    @property
    def chosen(self) -> Entry | None:
        """The entry at the cursor."""
        line = self._lines[self._places[self.cursor]] if self.cursor in self._places else None
        return line if isinstance(line, Entry) else None

    def go_to(self, fit_id: str) -> None:
        """Put the cursor on a fit, if it is in the list."""
        found = next((path for path, i in self._places.items() if self._fit_id(i) == fit_id), None)
        if found is not None:
            self.cursor = found
            self._reveal()

    def _fit_id(self, index: int) -> str:
        line = self._lines[index]
        return line.id if isinstance(line, Entry) else ""

    def move(self, lines: int) -> None:
        """Move the cursor from fit to fit."""
        order = list(self._places)
        if order and self.cursor is not None:
            self._put(order[min(max(order.index(self.cursor) + lines, 0), len(order) - 1)])

    def _put(self, cursor: str) -> None:
        if cursor != self.cursor:
            self.cursor = cursor
            self._reveal()
            self.post_message(FitChosen())

    def watch_show_vertical_scrollbar(self) -> None:
        """Put the scroll bar where the list stands: Textual tells it only of what is scrolled while it is there."""
        self.vertical_scrollbar.position = self.scroll_y

    def on_resize(self) -> None:
        """Keep the cursor in sight."""
        self._reveal()

    def _reveal(self) -> None:
        self.refresh()
        if self.cursor in self._places:
            place = self._places[self.cursor]
            # The first fit of a group brings the group's name with it; the header takes a row of the window.
            top = place - 1 if isinstance(self._lines[place - 1], str) else place
            self.scroll_to_region(Region(0, top, 1, place - top + 2), animate=False, force=True)

    def on_click(self, event: events.Click) -> None:
        """Put the cursor on the line that was clicked."""
        index = event.get_content_offset(self)
        if index is None or index.y == 0:
            return
        at = index.y - 1 + self.scroll_offset.y
        if at < len(self._lines) and isinstance(line := self._lines[at], Entry):
            self._put(key(line))

    def render_line(self, y: int) -> Strip:
        """Return the header, the name of a group, or a fit."""
        width = self.scrollable_content_region.width
        widths = _fitting(width)
        if y == 0:
            cells = " ".join(set_cell_size(_TITLES[name], size) for name, size in widths)
            return self._strip(" " * _SIGNS + cells, width, "header")
        index = y - 1 + self.scroll_offset.y
        if index >= len(self._lines):
            waiting = self.entries is None and y == 1
            return self._strip("reading the fits ..." if waiting else "", width, "")
        line = self._lines[index]
        if isinstance(line, str):
            return self._strip(f"── {line} ".ljust(width, "─"), width, "group")
        row = self._row(line)
        cells = " ".join(_cell(row, name, size) for name, size in widths)
        stands = line.id in self.standing.defaults | self.standing.followed
        part = "broken" if line.fit is None else "standing" if stands else ""
        strip = self._strip(f"{self._signs(line)} {cells}", width, part)
        return strip.apply_style(Style(reverse=True)) if key(line) == self.cursor else strip

    def _row(self, entry: Entry) -> ShelfRow:
        known = self._rows.get(key(entry))
        if known is None or known[0] is not entry:
            known = (entry, shelf_row(entry))
            self._rows[key(entry)] = known
        return known[1]

    def _signs(self, entry: Entry) -> str:
        standing, healthy = self.standing, entry.fit is not None
        mark = MARKS[standing.marked.index(entry.id)] if healthy and entry.id in standing.marked else " "
        return "".join((
            "*" if healthy and entry.id in standing.defaults else " ",
            ">" if healthy and entry.id in standing.followed else " ",
            mark,
            "✗" if entry.fit is None else "!" if entry.fit.flags else " ",
            "~" if entry.edited else "^" if entry.shadows else " ",
        ))  # fmt: skip

    def _strip(self, text: str, width: int, part: str) -> Strip:
        return Strip([Segment(set_cell_size(text, width), self._styles.of(part))], width)


def key(entry: Entry) -> str:
    """Return what tells entries apart: two files, one of them broken, may claim the same id."""
    return str(entry.path)


def _group(entry: Entry) -> str:
    if entry.fit is None:
        return "broken files"
    if entry.layer != "bundled":
        return "your own" if entry.layer == "user" else "from BUDGETSCOPE_FITS"
    return "bundled: steps of an argument, not recommendations" if entry.fit.ablation else "bundled"


def _cell(row: ShelfRow, name: str, size: int) -> str:
    text = getattr(row, name)
    return _cut(fitted(text, size) if name == "title" else text, size)


def _cut(text: str, width: int) -> str:
    return set_cell_size(text, width) if cell_len(text) <= width else set_cell_size(text, width - 1) + "…"


def _fitting(width: int) -> list[tuple[str, int]]:
    """Return the columns for which there is room, in their order, with their widths."""
    left = width - _SIGNS
    chosen: dict[str, int] = {}
    for name, size in _WIDTHS:
        more = size - chosen[name] if name in chosen else size + 1
        if more <= left:
            chosen[name] = size
            left -= more
    return [(name, chosen[name]) for name in _TITLES if name in chosen]

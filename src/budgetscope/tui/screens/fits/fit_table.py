"""The list of stored fits, one a line, with a cursor; only visible lines are formatted, so any number is fast."""

from dataclasses import dataclass
from itertools import groupby
from typing import ClassVar

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import Region
from textual.message import Message
from textual.reactive import reactive
from textual.strip import Strip

from budgetscope.api.fits import Entry
from budgetscope.core.language import N_, _
from budgetscope.report.fits import FitRow, fit_row
from budgetscope.report.words import ruled
from budgetscope.tui.short_titles import fitted
from budgetscope.tui.textual_fixes.component_styles import ComponentStyles
from budgetscope.tui.textual_fixes.line_view import LineView

LEGEND = N_("* default > plan A/B marked ! flags ✗ broken ~ edited ^ shadows")
MARKS = ("A", "B")
_SIGNS = 6


_TITLES = {
    "id": "id",
    "exponent": "a [95%]",
    "fitted": N_("fitted on"),
    "title": N_("title"),
    "layer": N_("layer"),
    "written": N_("written"),
    "laws": N_("laws"),
}
"""Columns in their order: name, and title."""
_WIDTHS = (
    ("id", 27), ("exponent", 20), ("fitted", 19), ("id", 32), ("title", 23), ("id", 42), ("layer", 8), ("title", 34),
    ("written", 10), ("laws", 14), ("layer", 17), ("laws", 30), ("title", 60), ("laws", 45),
)  # fmt: skip
"""Columns and their widths, the most important first; a column named again gets that greater width."""


@dataclass(frozen=True, slots=True)
class FitMarks:
    """Ids of the default fits, of those that the plan follows, and of those chosen for comparison."""

    defaults: frozenset[str] = frozenset()
    followed: frozenset[str] = frozenset()
    compared: tuple[str, ...] = ()


@dataclass
class FitChosen(Message):
    """Posted by `FitTable`: another fit was clicked."""


class FitTable(LineView):
    """A list that repaints without being rebuilt; posts `FitChosen` when another fit is clicked.

    Attributes:
        entries: of the library, in order; None while they are being read.
        marks: which fits to mark.
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
    marks: reactive[FitMarks] = reactive(FitMarks())

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id, classes=classes)
        self.cursor: str | None = None
        self._lines: list[Entry | str] = []
        self._places: dict[str, int] = {}
        self._rows: dict[str, tuple[Entry, FitRow]] = {}
        self._styles = ComponentStyles(self, "fit-table")

    def watch_entries(self, entries: tuple[Entry, ...] | None) -> None:
        """Show another list; the cursor stays on its file, or else goes to the first."""
        self._lines = []
        for group, members in groupby(entries or (), _group):
            self._lines += [group, *members]
        self._places = {key(line): i for i, line in enumerate(self._lines) if isinstance(line, Entry)}
        if self.cursor not in self._places:
            self.cursor = next(iter(self._places), None)
        self.set_n_lines(len(self._lines) + 1)
        self._reveal()

    @property
    def chosen(self) -> Entry | None:
        """The entry at the cursor."""
        line = self._lines[self._places[self.cursor]] if self.cursor in self._places else None
        return line if isinstance(line, Entry) else None

    def go_to(self, fit_id: str) -> None:
        """Move the cursor to a fit, if it is in the list."""
        found = next((path for path, i in self._places.items() if self._fit_id(i) == fit_id), None)
        if found is not None:
            self.cursor = found
            self._reveal()

    def _fit_id(self, index: int) -> str:
        line = self._lines[index]
        return line.id if isinstance(line, Entry) else ""

    def move(self, lines: int) -> bool:
        """Move the cursor by so many fits; return whether it has moved. It posts no message: the caller knows."""
        order = list(self._places)
        if not order or self.cursor is None:
            return False
        return self._put(order[min(max(order.index(self.cursor) + lines, 0), len(order) - 1)])

    def _put(self, cursor: str) -> bool:
        if cursor == self.cursor:
            return False
        self.cursor = cursor
        self._reveal()
        return True

    def on_resize(self) -> None:
        """Keep the cursor in sight."""
        self._reveal()

    def _reveal(self) -> None:
        self.refresh()
        if self.cursor in self._places:
            place = self._places[self.cursor]
            # Above the first fit of a group stands its name; the header takes a row of the window.
            top = place - 1 if isinstance(self._lines[place - 1], str) else place
            self.scroll_to_region(Region(0, top, 1, place - top + 2), animate=False, force=True)

    def on_click(self, event: events.Click) -> None:
        """Move the cursor to the line that was clicked."""
        index = event.get_content_offset(self)
        if index is None or index.y == 0:
            return
        at = index.y - 1 + self.scroll_offset.y
        if at < len(self._lines) and isinstance(line := self._lines[at], Entry) and self._put(key(line)):
            self.post_message(FitChosen())

    def render_line(self, y: int) -> Strip:
        """Return the header, a group's name or a fit's line."""
        width = self.scrollable_content_region.width
        widths = _fitting(width)
        if y == 0:
            cells = " ".join(set_cell_size(_(_TITLES[name]), size) for name, size in widths)
            return self._strip(" " * _SIGNS + cells, width, "header")
        index = y - 1 + self.scroll_offset.y
        if index >= len(self._lines):
            waiting = self.entries is None and y == 1
            return self._strip(_("reading the fits ...") if waiting else "", width, "")
        line = self._lines[index]
        if isinstance(line, str):
            return self._strip(ruled(line, width), width, "group")
        row = self._row(line)
        cells = " ".join(_cell(row, name, size) for name, size in widths)
        stands = line.id in self.marks.defaults | self.marks.followed
        part = "broken" if line.fit is None else "standing" if stands else ""
        strip = self._strip(f"{self._signs(line)} {cells}", width, part)
        return strip.apply_style(Style(reverse=True)) if key(line) == self.cursor else strip

    def _row(self, entry: Entry) -> FitRow:
        known = self._rows.get(key(entry))
        if known is None or known[0] is not entry:
            known = (entry, fit_row(entry))
            self._rows[key(entry)] = known
        return known[1]

    def _signs(self, entry: Entry) -> str:
        marks, loads = self.marks, entry.fit is not None
        compared = MARKS[marks.compared.index(entry.id)] if loads and entry.id in marks.compared else " "
        return "".join((
            "*" if loads and entry.id in marks.defaults else " ",
            ">" if loads and entry.id in marks.followed else " ",
            compared,
            "✗" if entry.fit is None else "!" if entry.fit.flags else " ",
            "~" if entry.edited else "^" if entry.shadows else " ",
        ))  # fmt: skip

    def _strip(self, text: str, width: int, part: str) -> Strip:
        return Strip([Segment(set_cell_size(text, width), self._styles.of(part))], width)


def key(entry: Entry) -> str:
    """Return the path of an entry, which identifies it: a broken file may claim the id of another."""
    return str(entry.path)


def _group(entry: Entry) -> str:
    if entry.fit is None:
        return _("broken files")
    if entry.layer != "bundled":
        return _("your own") if entry.layer == "user" else _("from BUDGETSCOPE_FITS")
    return _("bundled: steps of an argument, not recommendations") if entry.fit.ablation else _("bundled")


def _cell(row: FitRow, name: str, size: int) -> str:
    match name:
        case "exponent":
            text = row.exponent_interval
        case "fitted":
            text = row.fitted.replace(" to ", "–")
        case "title":
            text = fitted(row.title, size)
        case "id" if cell_len(row.id) > size:
            # Many ids begin alike.
            text = f"…{row.id[len(row.id) - size + 1 :]}"
        case _:
            text = getattr(row, name)
    return _cut(text, size)


def _cut(text: str, width: int) -> str:
    return set_cell_size(text, width) if cell_len(text) <= width else set_cell_size(text, width - 1) + "…"


def _fitting(width: int) -> list[tuple[str, int]]:
    """Return the columns that fit into a width, in their order, with their widths."""
    left = width - _SIGNS
    chosen: dict[str, int] = {}
    for name, size in _WIDTHS:
        more = size - chosen[name] if name in chosen else size + 1
        if more <= left:
            chosen[name] = size
            left -= more
    return [(name, chosen[name]) for name in _TITLES if name in chosen]

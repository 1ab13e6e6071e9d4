"""Scenarios side by side: one a column, the reference first, with a cursor to choose one."""

import textwrap
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from textual import events
from textual.content import Content
from textual.geometry import Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from budgetscope.report.scenarios import Board, Cell, Line
from budgetscope.tui.screens.compare.scenarios import letter
from budgetscope.tui.signs import PROBLEM_SIGN
from budgetscope.tui.textual_fixes.component_styles import ComponentStyles

CURSOR_SIGN = "▸"
_LABEL = 13
_LEAST, _MOST = 20, 34
_DIFFERENCE = 11
_WRAPPED = {"budget": 2}
"""Quantities whose words may take more than one row."""
_ENDS = {"law"}
"""Quantities that differ at the end of their words."""
_PARTS = ("header", "cursor", "label", "same", "differs", "problem")


@dataclass
class ColumnChosen(Message):
    """Posted by `ScenarioTable`: the column of a scenario was clicked.

    Attributes:
        index: of the column.
        twice: whether by a double click.
    """

    index: int
    twice: bool


class ScenarioTable(ScrollView, can_focus=False):
    """A table of columns that repaints without being rebuilt; posts `ColumnChosen` when one is clicked.

    Attributes:
        board: what to show.
        cursor: index of the scenario at the cursor.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {f"scenario-table--{part}" for part in _PARTS}
    DEFAULT_CSS: ClassVar[str] = """
    ScenarioTable { overflow-x: hidden; scrollbar-size-vertical: 1; }
    ScenarioTable .scenario-table--header { color: $text-primary; text-style: bold; }
    ScenarioTable .scenario-table--cursor { color: $text-primary; text-style: bold reverse; }
    ScenarioTable .scenario-table--label { color: $text-muted; }
    ScenarioTable .scenario-table--same { color: $foreground; }
    ScenarioTable .scenario-table--differs { color: $foreground; text-style: bold; }
    ScenarioTable .scenario-table--problem { color: $text-error; }
    """

    board: reactive[Board | None] = reactive(None)
    cursor: reactive[int] = reactive(0)

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id, classes=classes)
        self._styles = ComponentStyles(self, "scenario-table")

    def watch_board(self, board: Board | None) -> None:
        """Take the new columns."""
        self.virtual_size = Size(self.size.width, 0 if board is None else len(board.lines) + 2)
        self._entitle()

    def on_resize(self) -> None:
        """Say how many columns have no room."""
        self._entitle()

    def _entitle(self) -> None:
        board = self.board
        if board is not None:
            hidden = len(board.columns) - len(self._columns()[0])
            more = f"; {hidden} more with ← →" if hidden else ""
            said = f"▲ more, ▼ less than {board.columns[board.reference].name}{more}"
            if said != str(self.border_title):
                self.border_title = Content(said)

    def _columns(self) -> tuple[list[int], int]:
        """Return which scenarios are shown, the reference first, and how wide."""
        board, room = self.board, self.scrollable_content_region.width - _LABEL
        if board is None or room < 1:
            return [], 0
        fit = max(1, room // _LEAST)
        others = [index for index in range(len(board.columns)) if index != board.reference]
        if fit == 1:
            return [self.cursor], room
        window = min(fit - 1, len(others))
        place = others.index(self.cursor) if self.cursor in others else 0
        start = min(max(place - window + 1, 0), len(others) - window)
        shown = [board.reference, *others[start : start + window]]
        return shown, min(room // len(shown), _MOST)

    def order(self) -> list[int]:
        """Return all scenarios in the order in which they are shown."""
        board = self.board
        if board is None:
            return []
        return [board.reference, *(index for index in range(len(board.columns)) if index != board.reference)]

    def on_click(self, event: events.Click) -> None:
        """Tell which column was clicked."""
        shown, width = self._columns()
        if width and event.x >= _LABEL and (event.x - _LABEL) // width < len(shown):
            self.post_message(ColumnChosen(shown[(event.x - _LABEL) // width], twice=event.chain > 1))

    def _rows(self, board: Board, shown: list[int], width: int) -> list[tuple[int, int]]:
        """Return the line and the part of it that each row shows."""
        rows = []
        for index, line in enumerate(board.lines):
            most = _WRAPPED.get(line.key, 1)
            parts = max((len(_words(line.cells[column], width)) for column in shown), default=1) if most > 1 else 1
            rows += [(index, part) for part in range(min(parts, most))]
        return rows

    def render_line(self, y: int) -> Strip:
        """Return the names, or a row below them."""
        total = self.scrollable_content_region.width
        board, (shown, width) = self.board, self._columns()
        if board is None or not shown:
            return Strip.blank(total, self.rich_style)
        if y == 0:
            segments = [Segment(" " * _LABEL, self._styles.of("header"))]
            segments += [self._head(board, column, width) for column in shown]
            return Strip(segments).adjust_cell_length(total, self.rich_style)
        rows, row = self._rows(board, shown, width), y - 1 + self.scroll_offset.y
        if row >= len(rows):
            return Strip.blank(total, self.rich_style)
        index, part = rows[row]
        line = board.lines[index]
        segments = [Segment(set_cell_size("" if part else line.label, _LABEL), self._styles.of("label"))]
        for column in shown:
            problem = board.columns[column].problem
            if problem:
                # The sentence runs down the column.
                parts = _wrapped(PROBLEM_SIGN + problem, width - 3)
                text = parts[row] if row < len(parts) else ""
                segments.append(Segment(_cut(f"  {text}", width), self._styles.of("problem")))
            else:
                segments += self._cell(line, column, part, width)
        return Strip(segments).adjust_cell_length(total, self.rich_style)

    def _head(self, board: Board, column: int, width: int) -> Segment:
        at_cursor = column == self.cursor
        text = f"{CURSOR_SIGN if at_cursor else ' '}{letter(column)} {board.columns[column].name}"
        return Segment(_cut(text, width - 1) + " ", self._styles.of("cursor" if at_cursor else "header"))

    def _cell(self, line: Line, column: int, part: int, width: int) -> list[Segment]:
        cell = line.cells[column]
        style = self._styles.of("differs" if cell.difference else "same")
        if cell.number and cell.difference:
            return [
                Segment(_cut(f"  {cell.text}", width - _DIFFERENCE), style),
                Segment(_cut(cell.difference, _DIFFERENCE - 1) + " ", style),
            ]
        sign = " " if part else cell.difference or " "
        if line.key in _ENDS:
            return [Segment(f"{sign} {_cut_start(cell.text, width - 3)} ", style)]
        words = _words(cell, width)
        if line.key not in _WRAPPED:
            text = cell.text
        elif part + 1 == _WRAPPED[line.key]:
            text = " ".join(words[part:])
        else:
            text = words[part] if part < len(words) else ""
        return [Segment(_cut(f"{sign} {text}", width - 1) + " ", style)]


def _cut(text: str, width: int) -> str:
    return set_cell_size(text, width) if cell_len(text) <= width else set_cell_size(text, width - 1) + "…"


def _cut_start(text: str, width: int) -> str:
    while cell_len(text) > width:
        text = "…" + text[2:]
    return set_cell_size(text, width)


def _words(cell: Cell, width: int) -> tuple[str, ...]:
    return _wrapped(cell.text, width - 3)


@lru_cache(maxsize=512)
def _wrapped(text: str, width: int) -> tuple[str, ...]:
    return tuple(textwrap.wrap(text, max(width, 1))) or ("",)

"""The table of scenarios: one a column, the reference first, with a cursor."""

from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from textual import events
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.strip import Strip

from budgetscope.core.language import JAPANESE, _, code
from budgetscope.report.scenarios import Board, BoardRow, Cell
from budgetscope.report.words import noted
from budgetscope.report.wrapping import wrapped
from budgetscope.tui.screens.compare.scenarios import letter
from budgetscope.tui.signs import PROBLEM_SIGN
from budgetscope.tui.textual_fixes.component_styles import ComponentStyles
from budgetscope.tui.textual_fixes.line_view import LineView

CURSOR_SIGN = "▸"
_LABEL = 13
_LEAST, _MOST = 20, 34
_DIFFERENCE = 11
_WRAPPED = {"budget": 2}
"""Largest number of screen lines of a quantity whose text may wrap."""
_ENDS = {"law"}
"""Quantities whose text is cut at its start, since the end tells them apart."""
_PARTS = ("header", "cursor", "label", "same", "differs", "problem")


@dataclass
class ColumnChosen(Message):
    """Posted by `ScenarioTable` when the column of a scenario is clicked.

    Attributes:
        index: of the scenario.
    """

    index: int


class ScenarioTable(LineView, can_focus=False):
    """Shows a board, one scenario a column; posts `ColumnChosen` when a column is clicked.

    Attributes:
        board: the scenarios; None before the first.
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
        self._label = _LABEL

    def watch_board(self, board: Board | None) -> None:
        """Set the height and the title for the new board."""
        widest = 0 if board is None else max(cell_len(row.label) for row in board.rows) + 1
        # Words of Japanese are wider.
        self._label = max(_LABEL, widest) if code() == JAPANESE else _LABEL
        self.set_n_lines(0 if board is None else len(board.rows) + 2)
        self._entitle()

    def on_resize(self) -> None:
        """Update the number of hidden columns in the title."""
        self._entitle()

    def _entitle(self) -> None:
        board = self.board
        if board is not None:
            hidden = len(board.columns) - len(self._columns()[0])
            than = _("▲ more, ▼ less than {name}").format(name=board.columns[board.reference].name)
            title = noted((than, _("{n} more with ← →").format(n=hidden) if hidden else ""))
            if title != str(self.border_title):
                self.border_title = Content(title)

    def _columns(self) -> tuple[list[int], int]:
        """Return the indices of the visible scenarios, the reference first, and the width of a column."""
        board, room = self.board, self.scrollable_content_region.width - self._label
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
        """Return the indices of all scenarios in display order."""
        board = self.board
        if board is None:
            return []
        return [board.reference, *(index for index in range(len(board.columns)) if index != board.reference)]

    def on_click(self, event: events.Click) -> None:
        """Post `ColumnChosen` for the clicked column."""
        shown, width = self._columns()
        if width and event.x >= self._label and (event.x - self._label) // width < len(shown):
            self.post_message(ColumnChosen(shown[(event.x - self._label) // width]))

    def _lines(self, board: Board, shown: list[int], width: int) -> list[tuple[int, int]]:
        """Return for each screen line below the names the index of its quantity and of the wrapped part."""
        lines = []
        for index, row in enumerate(board.rows):
            most = _WRAPPED.get(row.key, 1)
            parts = max((len(_words(row.cells[column], width)) for column in shown), default=1) if most > 1 else 1
            lines += [(index, part) for part in range(min(parts, most))]
        return lines

    def render_line(self, y: int) -> Strip:
        """Return one screen line: the names at the top, else part of a quantity."""
        total = self.scrollable_content_region.width
        board, (shown, width) = self.board, self._columns()
        if board is None or not shown:
            return Strip.blank(total, self.rich_style)
        if y == 0:
            segments = [Segment(" " * self._label, self._styles.of("header"))]
            segments += [self._head(board, column, width) for column in shown]
            return Strip(segments).adjust_cell_length(total, self.rich_style)
        lines, at = self._lines(board, shown, width), y - 1 + self.scroll_offset.y
        if at >= len(lines):
            return Strip.blank(total, self.rich_style)
        index, part = lines[at]
        row = board.rows[index]
        segments = [Segment(set_cell_size("" if part else row.label, self._label), self._styles.of("label"))]
        for column in shown:
            problem = board.columns[column].problem
            if problem:
                # The problem takes the place of the quantities, wrapped over the lines of the column.
                parts = _wrapped(PROBLEM_SIGN + problem, width - 3)
                text = parts[at] if at < len(parts) else ""
                segments.append(Segment(_cut(f"  {text}", width), self._styles.of("problem")))
            else:
                segments += self._cell(row, column, part, width)
        return Strip(segments).adjust_cell_length(total, self.rich_style)

    def _head(self, board: Board, column: int, width: int) -> Segment:
        at_cursor = column == self.cursor
        text = f"{CURSOR_SIGN if at_cursor else ' '}{letter(column)} {board.columns[column].name}"
        return Segment(_cut(text, width - 1) + " ", self._styles.of("cursor" if at_cursor else "header"))

    def _cell(self, row: BoardRow, column: int, part: int, width: int) -> list[Segment]:
        cell = row.cells[column]
        style = self._styles.of("differs" if cell.difference else "same")
        if cell.number and cell.difference:
            return [
                Segment(_cut(f"  {cell.text}", width - _DIFFERENCE), style),
                Segment(_cut(cell.difference, _DIFFERENCE - 1) + " ", style),
            ]
        sign = " " if part else cell.difference or " "
        if row.key in _ENDS:
            return [Segment(f"{sign} {_cut_start(cell.text, width - 3)} ", style)]
        words = _words(cell, width)
        if row.key not in _WRAPPED:
            text = cell.text
        elif part + 1 == _WRAPPED[row.key]:
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
    return tuple(wrapped(text, max(width, 1))) or ("",)

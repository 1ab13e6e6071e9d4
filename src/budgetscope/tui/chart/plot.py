"""The area inside the axes of a figure: grid, bands, lines, points, markers, heat map and legend."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from operator import itemgetter
from typing import NamedTuple

from budgetscope.report.figures.figure import Figure, HeatMap, Line, Marker, Point, cell_of
from budgetscope.tui.chart.canvas import DOTS_ACROSS, DOTS_DOWN, Canvas, Dot
from budgetscope.tui.chart.cells import clipped, cut, drawable, width_of

MAX_LINES = 8
"""Roles `line-0` to `line-7` exist; a figure's first line is `line-0`."""
HEAT_ROLES = 10
"""Roles `heat-0` to `heat-9` exist."""

# In dots on and off. Letters tell the lines apart without colour; dashes tell what is extrapolated.
SOLID, DASHED, DOTTED = (1, 0), (4, 4), (1, 3)
_SHADES = "·░▒▓█"
_ROWS_PER_GRID_LINE = 4
_CROSSING = 6
_TWO_LETTERS_FROM = 50
_MAX_CACHED = 16
"""Canvases of some 30 kB each."""


class LegendEntry(NamedTuple):
    """A line of the legend."""

    text: str
    role: str


class Plot:
    """Draws a figure on a canvas."""

    def __init__(self, figure: Figure, width: int, height: int) -> None:
        self.figure = figure
        self.canvas = Canvas(width, height)

    def draw(self) -> None:
        """Draw from the back to the front; what is behind the markers is cached, since only markers move."""
        figure = self.figure
        self.canvas = _behind_markers(replace(figure, markers=()), self.canvas.width, self.canvas.height).copy()
        for index in reversed(range(len(figure.markers))):
            self._marker(figure.markers[index], "○" if index else "●")
        for marker in figure.markers:
            self._marker_text(marker)

    def draw_behind_markers(self) -> None:
        """Draw everything but the markers."""
        figure = self.figure
        if figure.heat is None:
            self._grid()
        else:
            self._heat(figure.heat)
        for span in figure.spans:
            self._shade_span(span.low, span.high)
        for index in reversed(range(len(figure.lines))):
            self._line(index)
        for index in reversed(range(len(figure.lines))):
            self._letter(index)
        for series in figure.points:
            for point in series.points:
                self._point(point, series.symbol, dodges=series.dodges)

    def _dot(self, x: float, y: float) -> Dot:
        across = self.figure.x.scale.fraction(x) * (self.canvas.dots_across - 1)
        return across, (1 - self.figure.y.scale.fraction(y)) * (self.canvas.dots_down - 1)

    def _dots(self, xs: Sequence[float], ys: Sequence[float]) -> list[Dot]:
        return [self._dot(x, y) for x, y in zip(xs, ys, strict=True)]

    def _cell(self, x: float, y: float) -> tuple[int, int] | None:
        """Return column and row of a point; None where it is not finite."""
        across, down = self._dot(x, y)
        if not (math.isfinite(across) and math.isfinite(down)):
            return None
        return round(across) // DOTS_ACROSS, round(down) // DOTS_DOWN

    def _grid(self) -> None:
        canvas, axis = self.canvas, self.figure.y
        for value in axis.scale.labelled(max(2, canvas.height // _ROWS_PER_GRID_LINE)):
            down = round(self._dot(self.figure.x.scale.low, value)[1])
            for across in range(0, canvas.dots_across, 8):
                canvas.dot(across, down, "grid")

    def _shade_span(self, low: float, high: float) -> None:
        ends = [
            min(max(self._dot(value, self.figure.y.scale.low)[0], 0.0), float(self.canvas.dots_across))
            for value in (low, high)
        ]
        floor = [(across, float(self.canvas.dots_down - 1)) for across in ends]
        if ends[0] < ends[1]:
            self.canvas.shade(floor, [(across, 0.0) for across in ends], "span", 4)
            for across in ends:
                self.canvas.line([(across, 0.0), (across, float(self.canvas.dots_down - 1))], "span", (2, 2))

    def _line(self, index: int) -> None:
        line = self.figure.lines[index]
        if line.low is not None and line.high is not None:
            self.canvas.shade(self._dots(line.xs, line.low), self._dots(line.xs, line.high), "band", 4)
            for edge in (line.low, line.high):
                self.canvas.line(self._dots(line.xs, edge), "band", DOTTED)
        for points, extrapolated in line.pieces(self.figure.x.scale, self.figure.y.scale):
            dash = DASHED if extrapolated else SOLID
            self.canvas.line([self._dot(x, y) for x, y in points], line_role(index), dash)

    def _letter(self, index: int) -> None:
        """Write a line's letter on it at both ends, each line in columns of its own, so that letters do not meet."""
        line, width = self.figure.lines[index], self.canvas.width
        if not line.symbol:
            return
        self._letter_in(index, range(width - 2 - 3 * index, 0, -1))
        if width >= _TWO_LETTERS_FROM:
            self._letter_in(index, range(2 + 3 * index, width // 2))

    def _letter_in(self, index: int, columns: range) -> None:
        """Write a line's letter in the first of some columns where it covers no other text."""
        line = self.figure.lines[index]
        for column in columns:
            row = self._row_of(line, column)
            if row is not None and not self.canvas.is_written(column, row, 1):
                self.canvas.text(column, row, line.symbol, line_role(index))
                return

    def _row_of(self, line: Line, column: int) -> int | None:
        """Return the row in which a line passes a column; None if it does not."""
        figure = self.figure
        x = figure.x.scale.value((DOTS_ACROSS * column + 0.5) / (self.canvas.dots_across - 1))
        y = line.at(x, figure.x.scale, figure.y.scale)
        cell = None if y is None else self._cell(x, y)
        return None if cell is None or not 0 <= cell[1] < self.canvas.height else cell[1]

    def _point(self, point: Point, symbol: str, *, dodges: bool) -> None:
        if point.low is not None and point.high is not None:
            self.canvas.line(self._dots((point.x, point.x), (point.low, point.high)), "point")
        if point.x_low is not None and point.x_high is not None:
            self.canvas.line(self._dots((point.x_low, point.x_high), (point.y, point.y)), "point")
        cell = self._cell(point.x, point.y)
        if cell is None:
            return
        column, row = cell
        if dodges:
            symbol += beyond(point, self.figure)
            row = min(max(row, 0), self.canvas.height - 1)
            column = self._free_column(column, row, width_of(symbol))
        self.canvas.text(column, row, symbol, "point")

    def _free_column(self, column: int, row: int, length: int) -> int:
        """Return the nearest column to the right, or else to the left, where a symbol covers no text."""
        start = min(max(column, 0), self.canvas.width - length)
        columns = (*range(start, self.canvas.width), *range(start - 1, -1, -1))
        return next((free for free in columns if not self.canvas.is_written(free, row, length)), start)

    def _marker(self, marker: Marker, symbol: str) -> None:
        y = self.figure.y.scale
        self.canvas.line(self._dots((marker.x, marker.x), (y.high, y.low)), "marker", (1, 1))
        place = None if marker.y is None else self._marked(marker)
        if place is not None:
            self.canvas.text(*place, symbol, "marker")

    def _marked(self, marker: Marker) -> tuple[int, int] | None:
        """Return the cell of a marker, at the edge if it lies above or below the figure."""
        y = self.figure.y.scale
        value = y.value(0.95) if marker.y is None else min(max(marker.y, y.low), y.high)
        cell = self._cell(marker.x, value)
        return None if cell is None else (cell[0], min(max(cell[1], 0), self.canvas.height - 1))

    def _marker_text(self, marker: Marker) -> None:
        """Write a marker's text near it, on no other text and over as little else as possible."""
        place = self._marked(marker)
        if place is None or not 0 <= place[0] < self.canvas.width:
            return
        text = clipped(f" {drawable(marker.text)} ", self.canvas.width)
        length = width_of(text)
        column, row = place
        others = [other[0] for m in self.figure.markers if (other := self._marked(m)) is not None and other != place]
        free = [
            (self._cost(start, candidate, length, others) + distance, start, candidate)
            for distance, candidate in _near(row, self.canvas.height)
            for start in (column + 1, column - length)
            if not self.canvas.is_written(start, candidate, length)
        ]
        _, start, candidate = min(free, key=itemgetter(0)) if free else (0, 0, self.canvas.height - 1)
        self.canvas.text(start, candidate, text, "marker")

    def _cost(self, column: int, row: int, length: int, others: Sequence[int]) -> int:
        """Return what a text would cover; the lines of other markers weigh most, since it would seem to be theirs."""
        crossed = sum(column <= other < column + length for other in others)
        return self.canvas.ink(column, row, length, 1) + _CROSSING * crossed

    def _heat(self, heat: HeatMap) -> None:
        canvas, figure = self.canvas, self.figure
        width, height = canvas.width, canvas.height
        columns = [cell_of(heat.x_edges, figure.x.scale.value((column + 0.5) / width)) for column in range(width)]
        rows = [cell_of(heat.y_edges, figure.y.scale.value(1 - (row + 0.5) / height)) for row in range(height)]
        levels = [[None if value is None else heat.level(value) for value in line] for line in heat.values]
        unknown: list[int | None] = [None] * width
        seen = [
            unknown if row is None else [None if column is None else levels[row][column] for column in columns]
            for row in rows
        ]
        symbols = [heat_symbol(heat, level) for level in range(len(heat.levels) + 1)]
        roles = [heat_role(heat, level) for level in range(len(heat.levels) + 1)]
        for row, here in enumerate(seen):
            below = seen[min(row + 1, height - 1)]
            right = [*here[1:], here[-1]]
            canvas.ground(
                row,
                [
                    " "
                    if level is None
                    else symbols[level]
                    if heat.fill != "contour" or level != after
                    else " "
                    if level == under
                    else "·"
                    for level, after, under in zip(here, right, below, strict=True)
                ],
                ["" if level is None else roles[level] for level in here],
            )
        self._heat_values(heat, columns, rows)

    def _heat_values(self, heat: HeatMap, columns: list[int | None], rows: list[int | None]) -> None:
        """Write the value into every cell of the map that has room for it."""
        for j, line in enumerate(heat.values):
            for i, value in enumerate(line):
                text = "" if value is None else f" {heat.text(value)} "
                if value is not None and columns.count(i) >= len(text) and rows.count(j):
                    start = columns.index(i) + (columns.count(i) - len(text)) // 2
                    middle = rows.index(j) + rows.count(j) // 2
                    self.canvas.text(start, middle, text, heat_role(heat, heat.level(value)))

    def legend(self, entries: Sequence[LegendEntry]) -> None:
        """Write the legend into the emptiest corner."""
        canvas = self.canvas
        room = max(16, canvas.width * 55 // 100)
        texts = [cut(text, room) for text, _ in entries]
        width, height = max(map(width_of, texts), default=0), len(texts)
        corners = [(column, row) for row in (0, canvas.height - height) for column in (1, canvas.width - width - 1)]

        def cost(corner: tuple[int, int]) -> tuple[bool, int]:
            start, top = corner
            covers_text = any(canvas.is_written(start, top + row, width) for row in range(height))
            return covers_text, canvas.ink(start, top, width, height)

        column, row = min(corners, key=cost)
        for offset, (text, (_, role)) in enumerate(zip(texts, entries, strict=True)):
            canvas.text(column, row + offset, text, role)


@lru_cache(maxsize=_MAX_CACHED)
def _behind_markers(figure: Figure, width: int, height: int) -> Canvas:
    plot = Plot(figure, width, height)
    plot.draw_behind_markers()
    return plot.canvas


def beyond(point: Point, figure: Figure) -> str:
    """Return the arrow that points to where a point lies beyond the figure; empty for a point in it."""
    for value, scale, arrows in ((point.y, figure.y.scale, "↓↑"), (point.x, figure.x.scale, "←→")):
        if not scale.low <= value <= scale.high:
            return arrows[value > scale.high]
    return ""


def line_role(index: int) -> str:
    """Return the role of a line."""
    return f"line-{index % MAX_LINES}"


def heat_symbol(heat: HeatMap, level: int) -> str:
    """Return the character of a level: a shade if there are enough, else its number."""
    if heat.fill == "shade" and len(heat.levels) < len(_SHADES):
        return _SHADES[level * (len(_SHADES) - 1) // max(len(heat.levels), 1)]
    return str(level)


def heat_role(heat: HeatMap, level: int) -> str:
    """Return the role of a level."""
    return f"heat-{level * (HEAT_ROLES - 1) // max(len(heat.levels), 1)}"


def _near(row: int, height: int) -> Iterator[tuple[int, int]]:
    """Yield distance and row, nearest first; below before above, since the lines of most figures rise to the right."""
    for distance in range(1, height):
        yield from ((distance, candidate) for candidate in (row + distance, row - distance) if 0 <= candidate < height)
    yield 1, row

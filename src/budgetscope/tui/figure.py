"""A log-log figure: lines with bands, measured points, a marker, ticks and a legend, drawn on a canvas."""

import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from budgetscope.tui.canvas import Canvas, Dot, Run
from budgetscope.tui.scale import LogScale

MIN_WIDTH, MIN_HEIGHT = 24, 4
"""Below this a figure says so instead of drawing."""
MAX_LINES = 8
"""Roles `line-0` to `line-7` exist; the line of first interest is `line-0`."""

_TIGHT_ROWS = 11
"""Below this height the tick labels stand in the axis and the legend takes one row."""
_LEGEND_INSIDE_WIDTH = 60
_CELLS_PER_X_LABEL = 9
_ROWS_PER_Y_LABEL = 2
# Unlike dashes tell the lines apart without colour; their letters name them.
_DASHES = ((1, 0), (3, 2), (6, 2), (1, 2), (5, 2), (2, 3), (8, 3), (1, 3))

Row = tuple[Run, ...]


@dataclass(frozen=True, slots=True)
class Line:
    """One curve.

    Attributes:
        symbol: the letter that names it in the drawing.
        label: its name in the legend.
        short: a shorter name, where there is little room.
        xs: growing.
        ys: as many.
        low: lower edge of its band, or None.
        high: upper edge of its band, or None.
    """

    symbol: str
    label: str
    short: str
    xs: tuple[float, ...]
    ys: tuple[float, ...]
    low: tuple[float, ...] | None = None
    high: tuple[float, ...] | None = None


@dataclass(frozen=True, slots=True)
class Point:
    """A measurement with its interval."""

    x: float
    y: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Marker:
    """Where the reader is: a vertical line at `x`, a dot at `y` and a text beside it."""

    x: float
    y: float
    text: str


@dataclass(frozen=True, slots=True)
class Figure:
    """What to draw.

    Attributes:
        x: horizontal axis.
        y: vertical axis.
        x_label: text of the decade of an exponent on the horizontal axis.
        y_label: the same on the vertical axis.
        lines: at most `MAX_LINES`; the first is the one of interest and is drawn last.
        points: measurements behind the first line.
        points_label: their name in the legend.
        marker: where the reader is.
    """

    x: LogScale
    y: LogScale
    x_label: Callable[[int], str]
    y_label: Callable[[int], str]
    lines: tuple[Line, ...]
    points: tuple[Point, ...] = ()
    points_label: str = ""
    marker: Marker | None = None


def draw(figure: Figure, width: int, height: int) -> list[Row]:
    """Return the rows of a figure, each as wide as `width`.

    Roles: `axis`, `label`, `grid`, `band`, `line-0` and on, `point`, `marker`, `legend`; an empty role is
    background.
    """
    if width < MIN_WIDTH or height < MIN_HEIGHT:
        words = "too small for the chart"[:width].ljust(width)
        return [(Run(words if row == 0 else " " * width, "label"),) for row in range(height)]
    tight = height < _TIGHT_ROWS
    legend_inside = width >= _LEGEND_INSIDE_WIDTH and height >= len(figure.lines) + 9
    below = [] if legend_inside else _legend_rows(figure, width, 1 if tight else 2)
    plot_height = height - (1 if tight else 2) - len(below)
    y_exponents = figure.y.labelled(max(2, plot_height // _ROWS_PER_Y_LABEL))
    gutter = max(len(figure.y_label(exponent)) for exponent in y_exponents) + 1
    plot = _Plot(figure, width - gutter - 1, plot_height)
    plot.draw()
    if legend_inside:
        plot.legend()
    left = _y_axis(figure, y_exponents, plot_height, gutter)
    rows: list[Row] = [(*axis, *cells) for axis, cells in zip(left, plot.canvas.rows(), strict=True)]
    rows += _x_axis(figure, plot.canvas.width, gutter, tight=tight)
    return rows + below


class _Plot:
    """The area inside the axes."""

    def __init__(self, figure: Figure, width: int, height: int) -> None:
        self.figure = figure
        self.canvas = Canvas(width, height)

    def draw(self) -> None:
        """Draw from the back to the front."""
        figure = self.figure
        self._grid()
        for index in reversed(range(len(figure.lines))):
            line = figure.lines[index]
            if line.low is not None and line.high is not None:
                self.canvas.shade(self._dots(line.xs, line.low), self._dots(line.xs, line.high), "band")
                for edge in (line.low, line.high):
                    self.canvas.line(self._dots(line.xs, edge), "band", (1, 1))
            self.canvas.line(self._dots(line.xs, line.ys), f"line-{index}", _DASHES[index])
        for index in reversed(range(len(figure.lines))):
            self._symbol(index)
        for point in figure.points:
            self._point(point)
        if figure.marker is not None:
            self._marker(figure.marker)

    def _dot(self, x: float, y: float) -> Dot:
        across = self.figure.x.fraction(x) * (self.canvas.dots_across - 1)
        return across, (1 - self.figure.y.fraction(y)) * (self.canvas.dots_down - 1)

    def _dots(self, xs: Sequence[float], ys: Sequence[float]) -> list[Dot]:
        return [self._dot(x, y) for x, y in zip(xs, ys, strict=True)]

    def _cell(self, x: float, y: float) -> tuple[int, int]:
        across, down = self._dot(x, y)
        return round(across) // 2, round(down) // 4

    def _grid(self) -> None:
        figure, canvas = self.figure, self.canvas
        for exponent in figure.y.labelled(max(2, canvas.height // 4)):
            down = round(self._dot(figure.x.low, 10.0**exponent)[1])
            for across in range(0, canvas.dots_across, 8):
                canvas.dot(across, down, "grid")

    def _symbol(self, index: int) -> None:
        """Write a line's letter on it, each line at its own place, so that letters do not meet."""
        line = self.figure.lines[index]
        column = self.canvas.width - 2 - 3 * index
        while column > 0:
            x = self.figure.x.value((2 * column + 0.5) / (self.canvas.dots_across - 1))
            y = _on_line(line, x)
            row = -1 if y is None else self._cell(x, y)[1]
            if 0 <= row < self.canvas.height:
                self.canvas.text(column, row, line.symbol, f"line-{index}")
                return
            column -= 1

    def _point(self, point: Point) -> None:
        bar = [self._dot(point.x, point.low), self._dot(point.x, point.high)]
        self.canvas.line(bar, "point")
        self.canvas.text(*self._cell(point.x, point.y), "o", "point")

    def _marker(self, marker: Marker) -> None:
        figure, canvas = self.figure, self.canvas
        canvas.line([self._dot(marker.x, figure.y.high), self._dot(marker.x, figure.y.low)], "marker", (1, 1))
        column, row = self._cell(marker.x, marker.y)
        row = min(max(row, 0), canvas.height - 1)
        canvas.text(column, row, "●", "marker")
        # To the right and below it is free, since the lines of such figures rise; so is the lower right corner.
        text = f" {marker.text} "
        if column + 1 + len(text) <= canvas.width:
            canvas.text(column + 1, min(row + 1, canvas.height - 1), text, "marker")
        else:
            canvas.text(canvas.width - len(text), canvas.height - 1, text, "marker")

    def legend(self) -> None:
        """Write the legend into the upper left corner, where lines that rise leave room."""
        figure = self.figure
        room = max(16, self.canvas.width * 55 // 100)
        entries = [(f"{line.symbol} {_plain(line.label)}", f"line-{i}") for i, line in enumerate(figure.lines)]
        if figure.lines and figure.lines[0].low is not None:
            entries.insert(1, ("░ its 95% interval", "band"))
        if figure.points:
            entries.insert(1, (f"o {_plain(figure.points_label)}", "point"))
        for row, (text, role) in enumerate(entries):
            self.canvas.text(1, row, text if len(text) <= room else text[: room - 1] + "…", role)


def _on_line(line: Line, x: float) -> float | None:
    """Return y of a line at x, straight in log-log between its points; None beyond its ends."""
    for (x0, x1), (y0, y1) in zip(
        zip(line.xs, line.xs[1:], strict=False), zip(line.ys, line.ys[1:], strict=False), strict=True
    ):
        if x0 <= x <= x1:
            return float(y0 * (y1 / y0) ** LogScale(x0, x1).fraction(x))
    return None


def _y_axis(figure: Figure, labelled: Sequence[int], height: int, gutter: int) -> list[Row]:
    """Return labels and axis for every row from the top."""
    labels: dict[int, str] = {}
    ticks: set[int] = set()
    for value in (*figure.y.minor(), *(10.0**exponent for exponent in figure.y.exponents())):
        ticks.add(_row_of(figure.y, value, height))
    for exponent in labelled:
        labels[_row_of(figure.y, 10.0**exponent, height)] = figure.y_label(exponent)
    every_row_ticked = len(ticks) > height // 2
    rows: list[Row] = []
    for row in range(height):
        text = labels.get(row, "")
        tick = "┼" if text else "┤" if row in ticks and not every_row_ticked else "│"
        rows.append((Run(text.rjust(gutter - 1) + " ", "label"), Run(tick, "axis")))
    return rows


def _row_of(scale: LogScale, value: float, height: int) -> int:
    return round((1 - scale.fraction(value)) * (height * 4 - 1)) // 4


def _x_axis(figure: Figure, width: int, gutter: int, *, tight: bool) -> list[Row]:
    """Return the axis with its ticks, and below it the labels; in a tight figure the labels stand in the axis."""
    axis = ["─"] * width
    labels = [" "] * width
    last = width - 1
    if width / figure.x.span_decades >= 20:
        for value in figure.x.minor():
            axis[round(figure.x.fraction(value) * last)] = "╵"
    for exponent in figure.x.exponents():
        axis[round(figure.x.fraction(10.0**exponent) * last)] = "┴"
    for exponent in figure.x.labelled(max(2, width // _CELLS_PER_X_LABEL)):
        column = round(figure.x.fraction(10.0**exponent) * last)
        axis[column] = "┼"
        text = figure.x_label(exponent)
        start = min(max(0, column - len(text) // 2), width - len(text))
        target = axis if tight else labels
        target[start : start + len(text)] = text
    left = Run(" " * gutter + "└", "axis")
    rows: list[Row] = [(left, Run("".join(axis), "axis"))]
    if not tight:
        rows.append((Run(" " * (gutter + 1) + "".join(labels), "label"),))
    return rows


def _legend_rows(figure: Figure, width: int, most: int) -> list[Row]:
    """Return the legend in short, in at most so many rows."""
    rows: list[list[Run]] = [[]]
    for index, line in enumerate(figure.lines):
        entry = Run(f" {line.symbol} {_plain(line.short)} ", f"line-{index}")
        if sum(len(run.text) for run in [*rows[-1], entry]) > width:
            if len(rows) == most:
                break
            rows.append([])
        rows[-1].append(entry)
    return [(*row, Run(" " * (width - sum(len(run.text) for run in row)), "")) for row in rows]


def _plain(text: str) -> str:
    """Return a text in which every character takes one cell: what does not is left out or replaced."""
    kept = (c for c in text if c.isprintable() and not unicodedata.combining(c))
    return "".join("?" if unicodedata.east_asian_width(c) in "WF" else c for c in kept)

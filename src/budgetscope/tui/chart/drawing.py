"""A figure drawn at a size: the plot with its axes, titles and legend around it."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from budgetscope.tui.chart.canvas import Run
from budgetscope.tui.chart.figure import Axis, Figure
from budgetscope.tui.chart.plot import Plot, heat_role, heat_symbol, line_role
from budgetscope.tui.chart.scale import Scale
from budgetscope.tui.chart.words import Entry, plain

MIN_WIDTH, MIN_HEIGHT = 24, 4
"""Below this a figure says so instead of drawing."""

_TIGHT_ROWS = 11
"""Below this height the tick labels stand in the axis, the legend takes one row and titles are left out."""
_LEGEND_INSIDE_WIDTH = 60
_ROWS_BESIDE_LEGEND = 9
_CELLS_PER_X_LABEL = 9
_ROWS_PER_Y_LABEL = 2
_MOST_TICKED = 0.4

Row = tuple[Run, ...]


@dataclass(frozen=True, slots=True)
class Drawing:
    """A figure in characters.

    Attributes:
        rows: from the top, each as wide as was asked for.
        left: columns before the plot.
        top: rows above the plot.
        width: columns of the plot; 0 when there was no room for one.
        height: rows of the plot.
    """

    rows: list[Row]
    left: int = 0
    top: int = 0
    width: int = 0
    height: int = 0


def draw(figure: Figure, width: int, height: int) -> Drawing:
    """Return a figure in characters.

    Roles: `axis`, `label`, `grid`, `band`, `span`, `point`, `marker`, `line-0` and on, `heat-0` and on; an empty
    role is background.
    """
    if width < MIN_WIDTH or height < MIN_HEIGHT:
        words = "too small for the chart"[:width].ljust(width)
        return Drawing([(Run(words if row == 0 else " " * width, "label"),) for row in range(height)])
    tight = height < _TIGHT_ROWS
    entries = _entries(figure)
    inside = figure.heat is None and width >= _LEGEND_INSIDE_WIDTH and height >= len(entries) + _ROWS_BESIDE_LEGEND
    below = _packed(([] if inside else _short_entries(figure)) + _levels(figure), width, 1 if tight else 2)
    top = int(not tight and bool(figure.x.title or figure.y.title))
    plot_height = height - top - (1 if tight else 2) - len(below)
    y_values = figure.y.scale.labelled(max(2, plot_height // _ROWS_PER_Y_LABEL))
    gutter = max(len(figure.y.text(value)) for value in y_values) + 1
    plot = Plot(figure, width - gutter - 1, plot_height)
    plot.draw()
    if inside:
        plot.legend(entries)
    rows = [_titles(figure, width, gutter)] if top else []
    left = _y_axis(figure.y, y_values, plot_height, gutter)
    rows += [(*axis, *cells) for axis, cells in zip(left, plot.canvas.rows(), strict=True)]
    rows += _x_axis(figure.x, plot.canvas.width, gutter, tight=tight)
    return Drawing([*rows, *below], gutter + 1, top, plot.canvas.width, plot_height)


def _titles(figure: Figure, width: int, gutter: int) -> Row:
    """Return what the axes measure: the vertical one to the left, the horizontal one to the right."""
    left = " " * min(gutter - 1, 1) + (f"↑ {plain(figure.y.title)}" if figure.y.title else "")
    right = f"{plain(figure.x.title)} →" if figure.x.title else ""
    room = width - len(left) - 1
    return (Run(left[:width] + right[: max(room, 0)].rjust(width - len(left[:width])), "label"),)


def _y_axis(axis: Axis, labelled: Sequence[float], height: int, gutter: int) -> list[Row]:
    """Return labels and axis for every row from the top."""
    ticks = {_row_of(axis.scale, value, height) for value in (*axis.scale.minor(), *axis.scale.major())}
    labels = {_row_of(axis.scale, value, height): axis.text(value) for value in labelled}
    every_row_ticked = len(ticks) > height // 2
    rows: list[Row] = []
    for row in range(height):
        text = labels.get(row, "")
        tick = "┼" if text else "┤" if row in ticks and not every_row_ticked else "│"
        rows.append((Run(text.rjust(gutter - 1) + " ", "label"), Run(tick, "axis")))
    return rows


def _row_of(scale: Scale, value: float, height: int) -> int:
    return round((1 - scale.fraction(value)) * (height * 4 - 1)) // 4


def _x_axis(axis: Axis, width: int, gutter: int, *, tight: bool) -> list[Row]:
    """Return the axis with its ticks, and below it the labels; in a tight figure the labels stand in the axis."""
    ticks = ["─"] * width
    minor = axis.scale.minor()
    for values, sign in ((minor if len(minor) <= width * _MOST_TICKED else (), "╵"), (axis.scale.major(), "┴")):
        for value in values:
            ticks[_column_of(axis.scale, value, width)] = sign
    labels = [" "] * width
    for start, text in _placed(axis, width):
        ticks[min(start + len(text) // 2, width - 1)] = "┼"
        target = ticks if tight else labels
        target[start : start + len(text)] = text
    left = Run(" " * gutter + "└", "axis")
    rows: list[Row] = [(left, Run("".join(ticks), "axis"))]
    if not tight:
        rows.append((Run(" " * (gutter + 1) + "".join(labels), "label"),))
    return rows


def _placed(axis: Axis, width: int) -> list[tuple[int, str]]:
    """Return where the labels below the axis start: as many as do not touch."""
    for room in range(max(2, width // _CELLS_PER_X_LABEL), 0, -1):
        placed = []
        for value in axis.scale.labelled(room):
            text = axis.text(value)[:width]
            column = _column_of(axis.scale, value, width)
            placed.append((min(max(0, column - len(text) // 2), width - len(text)), text))
        if all(start + len(text) < after for (start, text), (after, _) in pairwise(placed)):
            return placed
    return placed[:1]


def _column_of(scale: Scale, value: float, width: int) -> int:
    return round(scale.fraction(value) * (width - 1))


def _entries(figure: Figure) -> list[Entry]:
    """Return the legend in full."""
    entries = [
        Entry(f"{line.symbol} {plain(line.label)}".lstrip(), line_role(index))
        for index, line in enumerate(figure.lines)
        if line.label
    ]
    rest = [Entry(f"{series.symbol} {plain(series.label)}", "point") for series in figure.points if series.label]
    if figure.lines and figure.lines[0].low is not None:
        rest.append(Entry(f"░ {plain(figure.band_label)}", "band"))
    rest += [Entry(f"░ {plain(span.label)}", "span") for span in figure.spans]
    return [*entries[:1], *rest, *entries[1:]]


def _short_entries(figure: Figure) -> list[Entry]:
    """Return the legend in short: the lines and points."""
    lines = [
        Entry(f" {line.symbol} {plain(line.short)} ", line_role(index))
        for index, line in enumerate(figure.lines)
        if line.short
    ]
    points = [
        Entry(f" {series.symbol} {plain(series.label)} ", "point")
        for series in figure.points
        if not lines and series.label
    ]
    return [*lines, *points, *(Entry(f" ░ {plain(span.label)} ", "span") for span in figure.spans)]


def _levels(figure: Figure) -> list[Entry]:
    """Return the legend of the heat map: where each level begins."""
    heat = figure.heat
    if heat is None:
        return []
    starts = [f"<{heat.text(heat.levels[0])}" if heat.levels else "all", *(f"≥{heat.text(v)}" for v in heat.levels)]
    return [
        Entry(f" {heat_symbol(heat, level)} {plain(text)} ", heat_role(heat, level))
        for level, text in enumerate(starts)
    ]


def _packed(entries: Sequence[Entry], width: int, most: int) -> list[Row]:
    """Return entries side by side, in at most so many rows."""
    if not entries:
        return []
    rows: list[list[Run]] = [[]]
    for text, role in entries:
        cut = text[:width]
        if sum(len(run.text) for run in rows[-1]) + len(cut) > width:
            if len(rows) == most:
                break
            rows.append([])
        rows[-1].append(Run(cut, role))
    return [(*row, Run(" " * (width - sum(len(run.text) for run in row)), "")) for row in rows]

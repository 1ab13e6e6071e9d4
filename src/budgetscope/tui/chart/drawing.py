"""A figure drawn at a size: the plot, its axes, titles and legend."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from budgetscope.core.language import _
from budgetscope.report.figures.figure import Axis, Figure
from budgetscope.report.figures.scale import Scale
from budgetscope.tui.chart.canvas import TextRun
from budgetscope.tui.chart.cells import SECOND_HALF, clipped, cut, drawable, in_cells, padded, width_of
from budgetscope.tui.chart.plot import LegendEntry, Plot, beyond, heat_role, heat_symbol, line_role

MIN_WIDTH, MIN_HEIGHT = 24, 4
"""In smaller windows there is a sentence in place of the drawing."""

_TIGHT_ROWS = 13
"""Below this height tick labels stand in the axis, the legend has two rows, and titles are left out."""
_LEAST_ROWS = 8
"""Of a plot, below which the legend explains no signs."""
_LEGEND_INSIDE_WIDTH = 60
_ROWS_BESIDE_LEGEND = 9
_CELLS_PER_X_LABEL = 9
_ROWS_PER_Y_LABEL = 2
_MOST_TICKED = 0.4

Row = tuple[TextRun, ...]


@dataclass(frozen=True, slots=True)
class Drawing:
    """A figure in characters.

    Attributes:
        rows: from the top, each of the width asked for.
        left: columns before the plot.
        top: rows above the plot.
        width: columns of the plot; 0 if there was no room for one.
        height: rows of the plot.
    """

    rows: list[Row]
    left: int = 0
    top: int = 0
    width: int = 0
    height: int = 0


def draw(figure: Figure, width: int, height: int) -> Drawing:
    """Return a figure in characters.

    Roles: `axis`, `label`, `grid`, `band`, `span`, `point`, `marker`, `line-0` to `line-7`, `heat-0` to `heat-9`; the
    background has an empty role.
    """
    if width < MIN_WIDTH or height < MIN_HEIGHT:
        words = padded(clipped(_("too small for the chart"), width), width)
        return Drawing([(TextRun(words if row == 0 else " " * width, "label"),) for row in range(height)])
    tight = height < _TIGHT_ROWS
    entries = _entries(figure)
    inside = figure.heat is None and width >= _LEGEND_INSIDE_WIDTH and height >= len(entries) + _ROWS_BESIDE_LEGEND
    below = _below(figure, width, height, inside=inside, tight=tight)
    top = int(not tight and bool(figure.x.title or figure.y.title))
    plot_height = height - top - (1 if tight else 2) - len(below)
    y_values = figure.y.scale.labelled(max(2, plot_height // _ROWS_PER_Y_LABEL))
    gutter = max(width_of(figure.y.text(value)) for value in y_values) + 1
    plot = Plot(figure, width - gutter - 1, plot_height)
    plot.draw()
    if inside:
        plot.legend(entries)
    rows = [_titles(figure, width, gutter)] if top else []
    left = _y_axis(figure.y, y_values, plot_height, gutter)
    rows += [(*axis, *cells) for axis, cells in zip(left, plot.canvas.rows(), strict=True)]
    rows += _x_axis(figure.x, plot.canvas.width, gutter, tight=tight)
    return Drawing([*rows, *below], gutter + 1, top, plot.canvas.width, plot_height)


def _below(figure: Figure, width: int, height: int, *, inside: bool, tight: bool) -> list[Row]:
    """Return the rows below the plot: a note, and the legend unless it stands inside.

    What explains signs has no row of its own where the plot would have fewer than `_LEAST_ROWS`.
    """
    note = [(TextRun(padded(cut(f" {drawable(figure.note)}", width), width), "label"),)] if figure.note else []
    names, signs = ([], []) if inside else (_short_entries(figure), _strokes(figure, " ") + _beyond(figure, " "))
    most, levels = 2 if tight else 3, _levels(figure)
    whole = [*note, *_packed([*names, *signs, *levels], width, most)]
    without = [*note, *_packed([*names, *levels], width, most)]
    costs_a_row = len(without) < len(whole)
    return without if tight and costs_a_row and height - 1 - len(whole) < _LEAST_ROWS else whole


def _titles(figure: Figure, width: int, gutter: int) -> Row:
    """Return the titles of the axes: of the vertical one to the left, of the horizontal one to the right."""
    left = " " * min(gutter - 1, 1) + (f"↑ {drawable(figure.y.title)}" if figure.y.title else "")
    right = f"{drawable(figure.x.title)} →" if figure.x.title else ""
    left = clipped(left, width)
    right = clipped(right, max(width - width_of(left) - 1, 0))
    return (TextRun(padded(left, width - width_of(right)) + right, "label"),)


def _y_axis(axis: Axis, labelled: Sequence[float], height: int, gutter: int) -> list[Row]:
    """Return labels and axis of every row, from the top."""
    ticks = {_row_of(axis.scale, value, height) for value in (*axis.scale.minor(), *axis.scale.major())}
    labels = {_row_of(axis.scale, value, height): axis.text(value) for value in labelled}
    every_row_ticked = len(ticks) > height // 2
    rows: list[Row] = []
    for row in range(height):
        text = labels.get(row, "")
        tick = "┼" if text else "┤" if row in ticks and not every_row_ticked else "│"
        rows.append((TextRun(" " * (gutter - 1 - width_of(text)) + text + " ", "label"), TextRun(tick, "axis")))
    return rows


def _row_of(scale: Scale, value: float, height: int) -> int:
    return round((1 - scale.fraction(value)) * (height * 4 - 1)) // 4


def _x_axis(axis: Axis, width: int, gutter: int, *, tight: bool) -> list[Row]:
    """Return the axis with its ticks, and its labels below it or, in a tight figure, in it."""
    ticks = ["─"] * width
    minor = axis.scale.minor()
    for values, sign in ((minor if len(minor) <= width * _MOST_TICKED else (), "╵"), (axis.scale.major(), "┴")):
        for value in values:
            ticks[_column_of(axis.scale, value, width)] = sign
    labels = [" "] * width
    for start, text in _placed(axis, width):
        ticks[min(start + width_of(text) // 2, width - 1)] = "┼"
        target = ticks if tight else labels
        target[start : start + width_of(text)] = in_cells(text)
    left = TextRun(" " * gutter + "└", "axis")
    rows: list[Row] = [(left, TextRun(_text(ticks), "axis"))]
    if not tight:
        rows.append((TextRun(" " * (gutter + 1) + _text(labels), "label"),))
    return rows


def _text(cells: Sequence[str]) -> str:
    return "".join(cells).replace(SECOND_HALF, "")


def _placed(axis: Axis, width: int) -> list[tuple[int, str]]:
    """Return columns and labels of the horizontal axis: as many as do not touch."""
    for room in range(max(2, width // _CELLS_PER_X_LABEL), 0, -1):
        placed = []
        for value in axis.scale.labelled(room):
            text = clipped(axis.text(value), width)
            column = _column_of(axis.scale, value, width)
            placed.append((min(max(0, column - width_of(text) // 2), width - width_of(text)), text))
        if all(start + width_of(text) < after for (start, text), (after, _) in pairwise(placed)):
            return placed
    return placed[:1]


def _column_of(scale: Scale, value: float, width: int) -> int:
    return round(scale.fraction(value) * (width - 1))


def _entries(figure: Figure) -> list[LegendEntry]:
    """Return the legend in full."""
    entries = [
        LegendEntry(f"{line.symbol} {drawable(line.label)}".lstrip(), line_role(index))
        for index, line in enumerate(figure.lines)
        if line.label
    ]
    rest = [
        LegendEntry(f"{series.symbol} {drawable(series.label)}", "point") for series in figure.points if series.label
    ]
    if figure.lines and figure.lines[0].low is not None:
        rest.append(LegendEntry(f"░ {drawable(figure.band_label)}", "band"))
    rest += [LegendEntry(f"░ {drawable(span.label)}", "span") for span in figure.spans]
    return [*entries[:1], *rest, *entries[1:], *_strokes(figure, ""), *_beyond(figure, "")]


def _beyond(figure: Figure, space: str) -> list[LegendEntry]:
    """Return the legend of the arrows at symbols whose points lie beyond the figure."""
    dodging = (point for series in figure.points if series.dodges for point in series.points)
    arrows = sorted({beyond(point, figure) for point in dodging} - {""})
    text = f"{' '.join(arrows)} {drawable(_('off the chart'))}"
    return [LegendEntry(f"{space}{text}{space}", "point")] if arrows else []


def _strokes(figure: Figure, space: str) -> list[LegendEntry]:
    """Return the legend of solid and dashed, if some line has both."""
    has_laws = any(line.reach is not None for line in figure.lines)
    text = drawable(_("── fitted, ╌╌ extrapolated"))
    return [LegendEntry(f"{space}{text}{space}", "label")] if has_laws else []


def _short_entries(figure: Figure) -> list[LegendEntry]:
    """Return the legend in short: lines, or else points, and spans."""
    lines = [
        LegendEntry(f" {line.symbol} {drawable(line.short)} ", line_role(index))
        for index, line in enumerate(figure.lines)
        if line.short
    ]
    points = [
        LegendEntry(f" {series.symbol} {drawable(series.label)} ", "point")
        for series in figure.points
        if not lines and series.label
    ]
    spans = [LegendEntry(f" ░ {drawable(span.label)} ", "span") for span in figure.spans]
    return [*lines, *points, *spans]


def _levels(figure: Figure) -> list[LegendEntry]:
    """Return the legend of the heat map: the value at which each level begins."""
    heat = figure.heat
    if heat is None:
        return []
    starts = [f"<{heat.text(heat.levels[0])}" if heat.levels else _("all"), *(f"≥{heat.text(v)}" for v in heat.levels)]
    return [
        LegendEntry(f" {heat_symbol(heat, level)} {drawable(text)} ", heat_role(heat, level))
        for level, text in enumerate(starts)
    ]


def _packed(entries: Sequence[LegendEntry], width: int, most: int) -> list[Row]:
    """Return entries side by side, in at most `most` rows."""
    if not entries:
        return []
    rows: list[list[TextRun]] = [[]]
    for text, role in entries:
        entry = cut(text, width)
        if _width(rows[-1]) + width_of(entry) > width:
            if len(rows) == most:
                break
            rows.append([])
        rows[-1].append(TextRun(entry, role))
    return [(*row, TextRun(" " * (width - _width(row)), "")) for row in rows]


def _width(row: Sequence[TextRun]) -> int:
    return sum(width_of(run.text) for run in row)

"""A chart as data: axes, lines with bands, points, markers, shaded spans, a heat map."""

import math
from bisect import bisect
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from operator import itemgetter

from budgetscope.core.budget.quantities import format_flops
from budgetscope.core.language import _
from budgetscope.core.laws.fit import Range
from budgetscope.report.figures.scale import Scale

Fill = str
"""`shade`: denser is higher; `digits`: the number of the level; `contour`: that number along the level's edge only."""


def plain_number(value: float) -> str:
    """Return a number to 4 significant digits."""
    return f"{value:.4g}"


def flops_number(value: float) -> str:
    """Return FLOPs, such as 3.06e22."""
    return format_flops(value)


NOWHERE = (math.inf, math.inf)
"""The reach of a law whose data are not known."""


def reach_of(fitted: Range | None) -> tuple[float, float]:
    """Return the reach of a line for the range of x in the data of its law."""
    return NOWHERE if fitted is None else (fitted.low, fitted.high)


@dataclass(frozen=True, slots=True)
class Axis:
    """One axis.

    Attributes:
        scale: linear or logarithmic.
        title: its quantity with the unit; empty for none.
        text: writes its values, at the ticks and by the crosshair.
    """

    scale: Scale
    title: str = ""
    text: Callable[[float], str] = plain_number


@dataclass(frozen=True, slots=True)
class Line:
    """One curve; values that are not finite interrupt it.

    Attributes:
        symbol: its letter in the drawing; empty for none.
        label: its name in the legend; empty for none.
        short: a shorter name, where there is little room.
        xs: growing.
        ys: one for each x.
        low: lower edge of its band; None for no band.
        high: upper edge of its band; None for no band.
        reach: the xs in the data of its law: the line is solid there and dashed beyond; None for a line that is no law.
    """

    symbol: str
    label: str
    short: str
    xs: tuple[float, ...]
    ys: tuple[float, ...]
    low: tuple[float, ...] | None = None
    high: tuple[float, ...] | None = None
    reach: tuple[float, float] | None = None

    def at(self, x: float, x_scale: Scale, y_scale: Scale) -> float | None:
        """Return y at x, interpolated between two points as the scales draw it; None outside the line."""
        for (x0, x1), (y0, y1) in zip(pairwise(self.xs), pairwise(self.ys), strict=True):
            if x0 <= x <= x1 and x0 < x1:
                start, end, place = x_scale.fraction(x0), x_scale.fraction(x1), x_scale.fraction(x)
                share = (place - start) / (end - start)
                low, high = y_scale.fraction(y0), y_scale.fraction(y1)
                if math.isfinite(low) and math.isfinite(high):
                    return y_scale.value(low + share * (high - low))
        return None

    def pieces(self, x_scale: Scale, y_scale: Scale) -> Iterator[tuple[list[tuple[float, float]], bool]]:
        """Yield the points of the line up to its reach, in it and beyond, each with whether it is an extrapolation."""
        points = list(zip(self.xs, self.ys, strict=True))
        if self.reach is None:
            yield points, False
            return
        low, high = self.reach
        ends = [(x, y) for x in self.reach if (y := self.at(x, x_scale, y_scale)) is not None]
        points = sorted({*points, *ends}, key=itemgetter(0))
        yield [point for point in points if point[0] <= low], True
        yield [point for point in points if low <= point[0] <= high], False
        yield [point for point in points if point[0] >= high], True


@dataclass(frozen=True, slots=True)
class Point:
    """A measurement, with its intervals in y and in x if they are known."""

    x: float
    y: float
    low: float | None = None
    high: float | None = None
    x_low: float | None = None
    x_high: float | None = None


@dataclass(frozen=True, slots=True)
class PointSeries:
    """Measurements of one kind.

    Attributes:
        symbol: drawn at each point.
        label: in the legend; empty for none.
        dodges: whether a symbol stands beside other text rather than over it, in the row of its value; and, with an
            arrow, at the edge that its point lies beyond.
    """

    symbol: str
    label: str
    points: tuple[Point, ...]
    dodges: bool = False


@dataclass(frozen=True, slots=True)
class Marker:
    """A vertical line at `x` with a text beside it, and a dot at `y` where that is given."""

    x: float
    text: str
    y: float | None = None


@dataclass(frozen=True, slots=True)
class Span:
    """A shaded vertical band from `low` to `high` on the horizontal axis, with its label in the legend."""

    low: float
    high: float
    label: str


@dataclass(frozen=True, slots=True)
class HeatMap:
    """A grid of values.

    Attributes:
        x_edges: growing; one more than there are columns.
        y_edges: growing; one more than there are rows.
        values: rows from the lowest y; None for an unknown value.
        levels: growing thresholds, at most 9; level 0 is below the first.
        text: writes a value; of two maps with the same values it is the same.
        fill: tells the levels apart without colour; a cell with room for it shows its value too.
    """

    x_edges: tuple[float, ...]
    y_edges: tuple[float, ...]
    values: tuple[tuple[float | None, ...], ...]
    levels: tuple[float, ...]
    text: Callable[[float], str] = field(default=plain_number, compare=False)
    fill: Fill = "shade"

    def at(self, x: float, y: float) -> float | None:
        """Return the value of the cell at a point; None outside and where it is unknown."""
        column, row = cell_of(self.x_edges, x), cell_of(self.y_edges, y)
        return None if column is None or row is None else self.values[row][column]

    def level(self, value: float) -> int:
        """Return the number of thresholds that a value has reached."""
        return bisect(self.levels, value)


def cell_of(edges: tuple[float, ...], value: float) -> int | None:
    """Return the index of the cell, between growing edges, that holds a value; None outside."""
    index = bisect(edges, value) - 1
    return index if 0 <= index < len(edges) - 1 else None


@dataclass(frozen=True, slots=True)
class Figure:
    """What to draw, from the back to the front: heat map, spans, bands, lines, points, markers.

    Attributes:
        x: horizontal axis.
        y: vertical axis.
        lines: the most important first, which is drawn last; beyond `MAX_LINES` styles repeat.
        points: measurements.
        markers: the most important first.
        spans: shaded parts of the horizontal axis.
        heat: a grid of values.
        band_label: of the first line's band, in the legend.
        note: a sentence below a figure in characters; empty for none.
    """

    x: Axis
    y: Axis
    lines: tuple[Line, ...] = ()
    points: tuple[PointSeries, ...] = ()
    markers: tuple[Marker, ...] = ()
    spans: tuple[Span, ...] = ()
    heat: HeatMap | None = None
    band_label: str = field(default_factory=lambda: _("its 95% interval"))
    note: str = ""


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar.

    Attributes:
        label: beside it.
        value: its length.
        text: the value, as it is written at its end.
        marked: whether it is told apart.
    """

    label: str
    value: float
    text: str
    marked: bool = False


@dataclass(frozen=True, slots=True)
class Bars:
    """Bars from zero, one under the other.

    Attributes:
        title: of their quantity, with the unit.
        bars: the first at the top.
        marked_label: in the legend, what a marked bar is.
    """

    title: str
    bars: tuple[Bar, ...]
    marked_label: str

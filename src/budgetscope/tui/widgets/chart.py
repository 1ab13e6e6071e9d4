"""The chart widget: draws a figure in the colours of the theme, and reads values at a crosshair."""

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.message import Message
from textual.reactive import reactive
from textual.strip import Strip
from textual.widget import Widget

from budgetscope.report.figures.figure import Figure
from budgetscope.tui.chart.cells import clipped, drawable, width_of
from budgetscope.tui.chart.drawing import Drawing, draw
from budgetscope.tui.chart.plot import HEAT_ROLES, MAX_LINES
from budgetscope.tui.textual_fixes.component_styles import ComponentStyles

_ROLES = (
    "axis", "label", "grid", "band", "span", "point", "marker",
    *(f"line-{index}" for index in range(MAX_LINES)), *(f"heat-{index}" for index in range(HEAT_ROLES)),
)  # fmt: skip


class PlotPosition(NamedTuple):
    """A position in the plot, as fractions of it from the left and from the bottom."""

    x: float
    y: float


class CrosshairReading(NamedTuple):
    """The values at the crosshair, and their text."""

    x: float
    y: float
    text: str


@dataclass
class ChartClicked(Message):
    """Posted by `Chart`: the plot was clicked.

    Attributes:
        chart: that was clicked.
        x: value on its horizontal axis.
        y: value on its vertical axis.
    """

    chart: "Chart"
    x: float
    y: float

    @property
    def control(self) -> "Chart":
        """The chart, by whose id Textual's `@on` selects."""
        return self.chart


class Chart(Widget):
    """Draws a figure at the widget's size; posts `ChartClicked`.

    Attributes:
        figure: None while it is computed.
        crosshair: where values are read; None for nowhere.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {f"chart--{role}" for role in _ROLES}
    DEFAULT_CSS: ClassVar[str] = """
    Chart .chart--axis { color: $text-muted; }
    Chart .chart--label { color: $foreground; }
    Chart .chart--grid { color: $text-disabled; }
    Chart .chart--band { color: $primary-lighten-1; }
    Chart .chart--span { color: $text-muted; }
    Chart .chart--point { color: $foreground; }
    Chart .chart--marker { color: $foreground; text-style: bold; }
    Chart .chart--line-0 { color: $text-primary; text-style: bold; }
    Chart .chart--line-1 { color: $text-error; }
    Chart .chart--line-2 { color: $text-success; }
    Chart .chart--line-3 { color: $text-warning; }
    Chart .chart--line-4 { color: $text-secondary; }
    Chart .chart--line-5 { color: $foreground; }
    Chart .chart--line-6 { color: $text-accent; }
    Chart .chart--line-7 { color: $text-muted; }
    """ + "".join(
        f"    Chart .chart--heat-{index} {{ background: $primary {index * 6}%; color: $foreground; }}\n"
        # Of 16 colours none is paler than another: signs tell the levels apart.
        f"    Chart:ansi .chart--heat-{index} {{ background: $background; }}\n"
        for index in range(HEAT_ROLES)
    )

    figure: reactive[Figure | None] = reactive(None)
    crosshair: reactive[PlotPosition | None] = reactive(None)

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id, classes=classes)
        self._drawn: tuple[object, Drawing, list[Strip]] = (None, Drawing([]), [])
        self._styles = ComponentStyles(self, "chart")

    def render_line(self, y: int) -> Strip:
        """Return a row of the drawing, which is made once for each figure, size and theme."""
        drawing, strips = self._drawing()
        if y >= len(strips):
            return Strip.blank(self.size.width, self.rich_style)
        if self.crosshair is None or not drawing.top <= y < drawing.top + drawing.height:
            return strips[y]
        return self._crossed(strips[y], y - drawing.top, drawing, self.crosshair)

    def _drawing(self) -> tuple[Drawing, list[Strip]]:
        key = (self.figure, self.size, self.app.theme)
        if self._drawn[0] != key:
            width, height = self.size
            drawing = (
                Drawing([]) if self.figure is None or not width or not height else draw(self.figure, width, height)
            )
            plain_style = self.rich_style
            strips = [
                Strip([Segment(run.text, self._styles.of(run.role) if run.role else plain_style) for run in row], width)
                for row in drawing.rows
            ]
            self._drawn = (key, drawing, strips)
        return self._drawn[1], self._drawn[2]

    # The crosshair

    def move_crosshair(self, cells: int) -> None:
        """Move the crosshair along the first line, to the left for less than 0; it starts in the middle."""
        drawing, _ = self._drawing()
        if not drawing.width:
            return
        last = max(drawing.width - 1, 1)
        column = round((self.crosshair.x if self.crosshair else 0.5) * last)
        column = min(max(column + (cells if self.crosshair else 0), 0), last)
        self.crosshair = PlotPosition(column / last, self._first_line(column / last))

    def hide_crosshair(self) -> None:
        """Remove the crosshair."""
        self.crosshair = None

    def _first_line(self, across: float) -> float:
        figure = self.figure
        if figure is None or not figure.lines:
            return 0.5
        y = figure.lines[0].at(figure.x.scale.value(across), figure.x.scale, figure.y.scale)
        return 0.5 if y is None else figure.y.scale.fraction(y)

    def reading(self) -> CrosshairReading | None:
        """Return what the crosshair reads: the heat map, or the nearest line or point in its column."""
        figure, position = self.figure, self.crosshair
        if figure is None or position is None:
            return None
        drawing, _ = self._drawing()
        x_axis, y_axis = figure.x, figure.y
        x, y = x_axis.scale.value(position.x), y_axis.scale.value(position.y)
        found = [
            (value, x, line.symbol or drawable(line.short))
            for line in figure.lines
            if (value := line.at(x, x_axis.scale, y_axis.scale)) is not None
        ]
        half_column = 0.5 / max(drawing.width, 1)
        found += [
            (point.y, point.x, series.symbol)
            for series in figure.points
            for point in series.points
            if abs(x_axis.scale.fraction(point.x) - position.x) <= half_column
        ]
        if figure.heat is not None and (value := figure.heat.at(x, y)) is not None:
            text = f"{x_axis.text(x)}, {y_axis.text(y)}: {figure.heat.text(value)}"
            return CrosshairReading(x, y, text)
        if not found:
            return CrosshairReading(x, y, f"{x_axis.text(x)}, {y_axis.text(y)}")
        value, at, name = min(found, key=lambda candidate: abs(y_axis.scale.fraction(candidate[0]) - position.y))
        return CrosshairReading(at, value, f"{name}: {x_axis.text(at)}, {y_axis.text(value)}")

    def _crossed(self, strip: Strip, row: int, drawing: Drawing, position: PlotPosition) -> Strip:
        """Return a row of the plot with the crosshair drawn over it."""
        reading = self.reading()
        figure = self.figure
        if reading is None or figure is None:
            return strip
        style = self._styles.of("marker")
        column = round(position.x * (drawing.width - 1))
        height = round((1 - figure.y.scale.fraction(reading.y)) * (drawing.height * 4 - 1)) // 4
        left = drawing.left + column
        # The vertical line leaves out letters and labels.
        under = strip.crop(left, left + 1).text
        if row == height or not (under.isalnum() or (under.isascii() and under.strip())):
            strip = _over(strip, left, "┼" if row == height else "│", style)
        if row:
            return strip
        text = clipped(f" {reading.text} ", drawing.width)
        start = 0 if column > drawing.width // 2 else drawing.width - width_of(text)
        return _over(strip, drawing.left + start, text, style + Style(reverse=True))

    def _position_of(self, event: events.MouseEvent) -> PlotPosition | None:
        """Return the position of the mouse in the plot; None outside."""
        drawing, _ = self._drawing()
        offset = event.get_content_offset(self)
        if offset is None or not drawing.width:
            return None
        column, row = offset.x - drawing.left, offset.y - drawing.top
        if not (0 <= column < drawing.width and 0 <= row < drawing.height):
            return None
        return PlotPosition(column / max(drawing.width - 1, 1), 1 - (row + 0.5) / drawing.height)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Read values at the mouse."""
        self.crosshair = self._position_of(event)

    def on_leave(self) -> None:
        """Remove the crosshair with the mouse."""
        self.hide_crosshair()

    def on_click(self, event: events.Click) -> None:
        """Post the values at the mouse."""
        position = self._position_of(event)
        if position is not None and self.figure is not None:
            x, y = self.figure.x.scale.value(position.x), self.figure.y.scale.value(position.y)
            self.post_message(ChartClicked(self, x, y))


def _over(strip: Strip, column: int, text: str, style: Style) -> Strip:
    """Return a strip with a text over it."""
    width = strip.cell_length
    length = width_of(text)
    over = Strip([Segment(text, style)], length)
    return Strip.join([strip.crop(0, column), over, strip.crop(column + length, width)])

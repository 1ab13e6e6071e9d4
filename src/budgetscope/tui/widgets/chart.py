"""The chart widget: shows any figure in the colours of the theme, and reads values off it."""

from typing import ClassVar, NamedTuple

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.reactive import reactive
from textual.strip import Strip
from textual.widget import Widget

from budgetscope.tui.chart.drawing import Drawing, draw
from budgetscope.tui.chart.figure import Figure
from budgetscope.tui.chart.plot import HEAT_ROLES, MAX_LINES
from budgetscope.tui.chart.words import plain
from budgetscope.tui.messages import PlaceChosen
from budgetscope.tui.widgets.part_styles import PartStyles

_ROLES = (
    "axis", "label", "grid", "band", "span", "point", "marker",
    *(f"line-{index}" for index in range(MAX_LINES)), *(f"heat-{index}" for index in range(HEAT_ROLES)),
)  # fmt: skip


class Place(NamedTuple):
    """Where the crosshair is, as fractions of the plot from the left and from the bottom."""

    x: float
    y: float


class Reading(NamedTuple):
    """What the crosshair shows: values, and how they are said."""

    x: float
    y: float
    text: str


class Chart(Widget):
    """Draws its figure at its own size; posts `PlaceChosen` for a click into the plot.

    Attributes:
        figure: what to draw; None while it is being made.
        crosshair: where values are read; None for nowhere.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {f"chart--{role}" for role in _ROLES}
    DEFAULT_CSS: ClassVar[str] = """
    Chart .chart--axis { color: $text-muted; }
    Chart .chart--label { color: $foreground; }
    Chart .chart--grid { color: $text-disabled; }
    Chart .chart--band { color: $primary; }
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
        for index in range(HEAT_ROLES)
    )

    figure: reactive[Figure | None] = reactive(None)
    crosshair: reactive[Place | None] = reactive(None)

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id, classes=classes)
        self._drawn: tuple[object, Drawing, list[Strip]] = (None, Drawing([]), [])
        self._styles = PartStyles(self, "chart")

    def render_line(self, y: int) -> Strip:
        """Return one row of the drawing, which is made once for each figure, size and theme."""
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
        """Move the crosshair along the first line to the right, or to the left; it starts in the middle."""
        drawing, _ = self._drawing()
        if not drawing.width:
            return
        last = max(drawing.width - 1, 1)
        column = round((self.crosshair.x if self.crosshair else 0.5) * last)
        column = min(max(column + (cells if self.crosshair else 0), 0), last)
        self.crosshair = Place(column / last, self._first_line(column / last))

    def hide_crosshair(self) -> None:
        """Take the crosshair away."""
        self.crosshair = None

    def _first_line(self, across: float) -> float:
        figure = self.figure
        if figure is None or not figure.lines:
            return 0.5
        y = figure.lines[0].at(figure.x.scale.value(across), figure.x.scale, figure.y.scale)
        return 0.5 if y is None else figure.y.scale.fraction(y)

    def reading(self) -> Reading | None:
        """Return what is nearest to the crosshair: a line at its x, or a point in its column, or the heat map."""
        figure, place = self.figure, self.crosshair
        if figure is None or place is None:
            return None
        drawing, _ = self._drawing()
        x_axis, y_axis = figure.x, figure.y
        x, y = x_axis.scale.value(place.x), y_axis.scale.value(place.y)
        found = [
            (value, x, line.symbol or plain(line.short))
            for line in figure.lines
            if (value := line.at(x, x_axis.scale, y_axis.scale)) is not None
        ]
        half_column = 0.5 / max(drawing.width, 1)
        found += [
            (point.y, point.x, series.symbol)
            for series in figure.points
            for point in series.points
            if abs(x_axis.scale.fraction(point.x) - place.x) <= half_column
        ]
        if figure.heat is not None and (value := figure.heat.at(x, y)) is not None:
            text = f"{x_axis.text(x)}, {y_axis.text(y)}: {figure.heat.text(value)}"
            return Reading(x, y, text)
        if not found:
            return Reading(x, y, f"{x_axis.text(x)}, {y_axis.text(y)}")
        value, at, name = min(found, key=lambda candidate: abs(y_axis.scale.fraction(candidate[0]) - place.y))
        return Reading(at, value, f"{name}: {x_axis.text(at)}, {y_axis.text(value)}")

    def _crossed(self, strip: Strip, row: int, drawing: Drawing, place: Place) -> Strip:
        """Return a row of the plot with the crosshair over it."""
        reading = self.reading()
        figure = self.figure
        if reading is None or figure is None:
            return strip
        style = self._styles.of("marker")
        column = round(place.x * (drawing.width - 1))
        height = round((1 - figure.y.scale.fraction(reading.y)) * (drawing.height * 4 - 1)) // 4
        place_here = drawing.left + column
        # Letters and labels stay legible under the line.
        under = strip.crop(place_here, place_here + 1).text
        if row == height or not (under.isalnum() or (under.isascii() and under.strip())):
            strip = _over(strip, place_here, "┼" if row == height else "│", style)
        if row:
            return strip
        text = f" {reading.text} "[: drawing.width]
        start = 0 if column > drawing.width // 2 else drawing.width - len(text)
        return _over(strip, drawing.left + start, text, style + Style(reverse=True))

    def _place(self, event: events.MouseEvent) -> Place | None:
        """Return where the mouse is in the plot; None outside."""
        drawing, _ = self._drawing()
        offset = event.get_content_offset(self)
        if offset is None or not drawing.width:
            return None
        column, row = offset.x - drawing.left, offset.y - drawing.top
        if not (0 <= column < drawing.width and 0 <= row < drawing.height):
            return None
        return Place(column / max(drawing.width - 1, 1), 1 - (row + 0.5) / drawing.height)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Read values where the mouse is."""
        self.crosshair = self._place(event)

    def on_leave(self) -> None:
        """Stop reading when the mouse leaves."""
        self.hide_crosshair()

    def on_click(self, event: events.Click) -> None:
        """Tell the place that was clicked."""
        place = self._place(event)
        if place is not None and self.figure is not None:
            x, y = self.figure.x.scale.value(place.x), self.figure.y.scale.value(place.y)
            self.post_message(PlaceChosen(self, x, y))


def _over(strip: Strip, column: int, text: str, style: Style) -> Strip:
    """Return a strip with a text over it."""
    width = strip.cell_length
    end = column + len(text)
    return Strip.join([strip.crop(0, column), Strip([Segment(text, style)], len(text)), strip.crop(end, width)])

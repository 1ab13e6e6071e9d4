"""The chart widget: shows any figure in the colours of the theme."""

from typing import ClassVar

from rich.segment import Segment
from textual.reactive import reactive
from textual.strip import Strip
from textual.widget import Widget

from budgetscope.tui.figure import MAX_LINES, Figure, draw

_ROLES = ("axis", "label", "grid", "band", "point", "marker", *(f"line-{index}" for index in range(MAX_LINES)))


class Chart(Widget):
    """Draws its figure at its own size.

    Attributes:
        figure: what to draw; None while it is being made.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {f"chart--{role}" for role in _ROLES}
    DEFAULT_CSS: ClassVar[str] = """
    Chart .chart--axis { color: $text-muted; }
    Chart .chart--label { color: $foreground; }
    Chart .chart--grid { color: $text-disabled; }
    Chart .chart--band { color: $primary; }
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
    """

    figure: reactive[Figure | None] = reactive(None)

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id)
        self._drawn: tuple[object, list[Strip]] = (None, [])

    def render_line(self, y: int) -> Strip:
        """Return one row of the drawing, which is made once for each figure, size and theme."""
        key = (self.figure, self.size, self.app.theme)
        if self._drawn[0] != key:
            self._drawn = (key, self._strips())
        strips = self._drawn[1]
        return strips[y] if y < len(strips) else Strip.blank(self.size.width, self.rich_style)

    def _strips(self) -> list[Strip]:
        width, height = self.size
        if self.figure is None or not width or not height:
            return []
        styles = {role: self.get_component_rich_style(f"chart--{role}") for role in _ROLES}
        plain = self.rich_style
        return [
            Strip([Segment(run.text, styles.get(run.role, plain)) for run in row], width)
            for row in draw(self.figure, width, height)
        ]

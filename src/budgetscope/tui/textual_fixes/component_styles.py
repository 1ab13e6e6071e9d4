"""The styles of a widget's parts, by its component classes."""

from rich.style import Style
from textual.widget import Widget


class PartStyles:
    """Looks up each style once for each theme: lines are rendered one by one, and at every keystroke."""

    def __init__(self, widget: Widget, prefix: str) -> None:
        """Take whose parts they are, and what their component classes begin with."""
        self._widget, self._prefix = widget, prefix
        self._theme = ""
        self._known: dict[str, Style] = {}

    def of(self, part: str) -> Style:
        """Return the style of a part; of the widget itself for none."""
        widget = self._widget
        if self._theme != widget.app.theme:
            self._theme, self._known = widget.app.theme, {}
        if part not in self._known:
            self._known[part] = (
                widget.get_component_rich_style(f"{self._prefix}--{part}") if part else widget.rich_style
            )
        return self._known[part]

"""The styles of a widget's component classes, looked up once for each theme.

Upstream: no issue known. `Widget.get_component_rich_style` has a cache that every `refresh` empties, so that a widget
that is drawn line by line looks its styles up again at every keystroke.
Delete when `test_textual_forgets_component_styles_at_every_refresh` in `tests/tui/test_textual_fixes.py` fails.
"""

from rich.style import Style
from textual.widget import Widget


class ComponentStyles:
    """The styles of a widget's parts: part `header` of `law-table` has the component class `law-table--header`."""

    def __init__(self, widget: Widget, prefix: str) -> None:
        """Take the widget, and what its component classes begin with."""
        self._widget, self._prefix = widget, prefix
        self._theme = ""
        self._known: dict[str, Style] = {}

    def of(self, part: str) -> Style:
        """Return the style of a part; that of the widget itself for an empty name."""
        widget = self._widget
        if self._theme != widget.app.theme:
            self._theme, self._known = widget.app.theme, {}
        if part not in self._known:
            self._known[part] = (
                widget.get_component_rich_style(f"{self._prefix}--{part}") if part else widget.rich_style
            )
        return self._known[part]

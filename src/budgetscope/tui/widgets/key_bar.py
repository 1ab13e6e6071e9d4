"""The keys of the screen in its last line: those that have room whole, and always the way out."""

from collections.abc import Iterable

from textual.app import ComposeResult
from textual.widget import Widget
from textual.widgets import Footer
from textual.widgets._footer import FooterKey

_ALWAYS = ("app.help", "quit")


class KeyBar(Footer):
    """Textual's footer, but no key is cut: the last ones give way, except those for help and to quit."""

    def __init__(self) -> None:
        super().__init__(show_command_palette=False, compact=True)

    def compose(self) -> ComposeResult:
        """Lay the keys, hiding those that have no room."""
        keys = list(super().compose())
        _fit(keys, self.app.size.width)
        yield from keys

    def on_resize(self) -> None:
        """Show what has room now."""
        _fit(self.children, self.size.width)


def _fit(widgets: Iterable[Widget], width: int) -> None:
    keys = [widget for widget in widgets if isinstance(widget, FooterKey)]
    left = width - sum(_width(key) for key in keys if key.action in _ALWAYS)
    for key in keys:
        if key.action not in _ALWAYS:
            key.display = left >= _width(key)
            left -= _width(key) if key.display else 0


def _width(key: FooterKey) -> int:
    return len(key.key_display) + len(key.description) + 2

"""A change of sizes that lays out the screen once.

Upstream: no issue known. After a layout, Textual tells each widget its new virtual size, which asks for a second layout
and a repaint of the screen, always with the same result: where a scroll bar comes or goes, the bar itself asks for it.
Delete when `test_textual_lays_out_twice` in `tests/tui/test_textual_fixes.py` fails.
"""

from textual.geometry import Size
from textual.widget import Widget

TEXTUALS = Widget._size_updated  # noqa: SLF001


def lay_out_once() -> None:
    """Let Textual lay out a screen once for a change of sizes."""
    Widget._size_updated = _told_size_alone  # type: ignore[method-assign]  # noqa: SLF001


def _told_size_alone(self: Widget, size: Size, virtual_size: Size, container_size: Size, layout: bool = True) -> bool:  # noqa: ARG001 - Textual's own
    return TEXTUALS(self, size, virtual_size, container_size, layout=False)

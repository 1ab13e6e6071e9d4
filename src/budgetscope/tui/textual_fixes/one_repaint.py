"""A repaint that takes along what other widgets have asked for.

Upstream: no issue known. A widget that is to be painted again tells its screen by a message, so that what a layout
changes, such as a scroll bar, comes a frame later than the layout.
Delete when `test_textual_paints_a_scroll_bar_after_its_layout` in `tests/tui/test_textual_fixes.py` fails.
"""

from typing import TypeVar

from textual.screen import Screen

T = TypeVar("T")


class OneRepaintScreen(Screen[T]):
    """A screen that paints at once what is known to have changed."""

    def _compositor_refresh(self) -> None:
        asked = {widget for widget in self._compositor.visible_widgets if widget._repaint_required}  # noqa: SLF001
        for widget in asked:
            widget._repaint_required = False  # noqa: SLF001
        self._compositor.update_widgets(asked)
        super()._compositor_refresh()

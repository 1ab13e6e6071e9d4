"""A repaint as soon as all keys have had their effect, which takes along what other widgets have asked for.

Upstream: no issue known. A widget that is to be painted again tells its screen by a message, so that what a layout
changes, such as a scroll bar, comes a frame later than the layout. And a frame waits for the next of 60 ticks a second.
Delete a half when `test_textual_paints_a_scroll_bar_after_its_layout` or `test_textual_waits_for_a_tick` in
`tests/tui/test_textual_fixes.py` fails.
"""

import time
from typing import TypeVar

from textual import events
from textual.screen import Screen

T = TypeVar("T")
_LEAST_SECONDS = 1 / 120
"""Between two repaints."""


class OneRepaintScreen(Screen[T]):
    """A screen that paints at once what is known to have changed."""

    _painted = 0.0

    async def _on_idle(self, event: events.Idle) -> None:
        """Paint now, unless it has just been painted: Textual waits for the next of 60 ticks a second."""
        due = self._layout_required or self._scroll_required or self._repaint_required or self._dirty_widgets
        is_free = self.is_current and not self.app._batch_count  # noqa: SLF001
        if due and is_free and time.monotonic() - self._painted >= _LEAST_SECONDS:
            event.prevent_default()
            self._on_timer_update()

    def _compositor_refresh(self) -> None:
        asked = {widget for widget in self._compositor.visible_widgets if widget._repaint_required}  # noqa: SLF001
        for widget in asked:
            widget._repaint_required = False  # noqa: SLF001
        self._compositor.update_widgets(asked)
        super()._compositor_refresh()
        self._painted = time.monotonic()

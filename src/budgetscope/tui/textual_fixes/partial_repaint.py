"""A repaint that renders the rows that have changed, not the whole screen.

Upstream: no issue known; https://github.com/Textualize/textual/pull/414 meant to do this. Textual asks whether the clip
of a widget, which mostly is the screen, overlaps what has changed, so that each repaint of a line renders every widget.
Delete when `test_textual_renders_every_widget_for_one_line` in `tests/tui/test_textual_fixes.py` fails.
"""

from collections.abc import Iterable
from typing import TypeVar

from textual._compositor import Compositor
from textual.geometry import Region
from textual.screen import Screen
from textual.strip import Strip

T = TypeVar("T")


class RowCompositor(Compositor):
    """Textual's compositor, which renders of each widget the rows that are repainted."""

    def _get_renders(self, crop: Region | None = None) -> Iterable[tuple[Region, Region, list[Strip]]]:
        """Yield the shown part of each widget, the same again as its clip, and its lines; see Textual's own."""
        if not crop:
            yield from super()._get_renders(crop)
            return
        rows = Region(0, crop.y, self.size.width, crop.height)
        for widget, (region, clip) in self.visible_widgets.items():
            shown = region.intersection(clip).intersection(rows)
            if shown:
                yield shown, shown, widget.render_lines(shown.translate(-region.offset))


class RowScreen(Screen[T]):
    """A screen that repaints by rows."""

    def __init__(self, name: str | None = None, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002
        super().__init__(name, id, classes)
        self._compositor = RowCompositor()

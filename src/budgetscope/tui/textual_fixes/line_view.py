"""A scroll view whose number of lines changes without a new layout of the screen.

Upstream: no issue known. When the virtual size of a scroll view changes, Textual lays out the screen and paints all of
it, although no other widget moves.
Delete when `test_textual_lays_out_for_another_number_of_lines` in `tests/tui/test_textual_fixes.py` fails.
"""

from textual.geometry import Size
from textual.widget import Widget

from budgetscope.tui.textual_fixes.scroll_bar import PlacedScrollView


class LineView(PlacedScrollView):
    """A scroll view that draws its lines itself; its height must not depend on their number."""

    def set_n_lines(self, n_lines: int) -> None:
        """Set the number of lines, and paint anew; the screen is laid out only if the scroll bar comes or goes."""
        size = Size(self.size.width, n_lines)
        if size != self.virtual_size:
            self.set_reactive(Widget.virtual_size, size)
            self._scroll_update(size)
        self.refresh()

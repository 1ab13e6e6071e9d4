"""A scroll view whose vertical scroll bar starts where the view stands.

Upstream: no issue known. Textual tells a scroll bar of what is scrolled while the bar is there: one that appears later
shows the top.
Delete when `test_textual_shows_a_new_scroll_bar_at_the_top` in `tests/tui/test_textual_fixes.py` fails.
"""

from textual.scroll_view import ScrollView


class PlacedScrollView(ScrollView):
    """A scroll view whose scroll bar is right from its first paint."""

    def watch_show_vertical_scrollbar(self) -> None:
        """Move the scroll bar to where the view stands."""
        self.vertical_scrollbar.position = self.scroll_y

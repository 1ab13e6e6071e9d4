"""The classes of a screen's breakpoints before its first paint.

Upstream: no issue known; breakpoints came with https://github.com/Textualize/textual/pull/5779. Textual sets their
classes at the first resize, after the widgets have been styled, and styles them all again.
Delete when `test_textual_sets_breakpoint_classes_after_the_first_layout` in `tests/tui/test_textual_fixes.py` fails.
"""

from typing import Any

from textual.screen import Screen


def add_breakpoint_classes(screen: Screen[Any]) -> None:
    """Add the classes for the app's size to a screen that has not been styled yet; call it first in `compose`."""
    both = zip(screen.app.size, (screen.HORIZONTAL_BREAKPOINTS, screen.VERTICAL_BREAKPOINTS), strict=True)
    for length, breakpoints in both:
        reached = [point for point in breakpoints or () if point[0] <= length]
        if reached:
            screen.add_class(max(reached)[1], update=False)

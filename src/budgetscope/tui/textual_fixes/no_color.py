"""Without colour, the terminal's own foreground and background alone.

Upstream: no issue known. With `NO_COLOR`, Textual 8.2.8 chooses at the start between no colour and shades of grey, by
the theme of that moment; https://no-color.org asks for none.
Delete when `test_textual_shows_greys_without_colour` in `tests/tui/test_textual_fixes.py` fails.
"""

from textual.app import App
from textual.filter import Monochrome, NoColor


def show_no_greys(app: App[None]) -> None:
    """Replace shades of grey by no colour, in an app that has just been made."""
    app._filters = [NoColor() if isinstance(each, Monochrome) else each for each in app._filters]  # noqa: SLF001

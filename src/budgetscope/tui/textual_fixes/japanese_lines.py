"""Lines of Japanese break between its characters.

Upstream: no issue known. Textual breaks lines at spaces alone, as Rich does, and Japanese is written without: a
sentence that does not fit begins a new line, and marks of punctuation stand at the start of lines.
Delete when `test_textual_breaks_japanese_at_spaces_alone` in `tests/tui/test_textual_fixes.py` fails.
"""

from rich._wrap import divide_line
from textual import content

from budgetscope.core.language import JAPANESE, code
from budgetscope.report.wrapping import breaks


def break_japanese() -> None:
    """Let Textual break lines as the language in use does."""
    content.divide_line = _divided  # type: ignore[attr-defined]


def _divided(text: str, width: int, fold: bool = True) -> list[int]:
    """Return the places at which lines of a text begin, but for the first; `width` is in cells."""
    return breaks(text, width) if code() == JAPANESE else divide_line(text, width, fold)

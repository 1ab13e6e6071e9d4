"""Lines of Japanese for a terminal: it is written without spaces, at which Rich alone would break."""

from typing import Any

from rich.console import Console
from rich.containers import Lines
from rich.text import Text

from budgetscope.report.wrapping import breaks


class JapaneseText(Text):
    """A text whose lines break between any two characters of Japanese, but not within a word or number of ASCII."""

    def wrap(self, console: Console, width: int, *, no_wrap: bool | None = None, **options: Any) -> Lines:
        """Return the lines of the text; see `rich.text.Text.wrap`."""
        if no_wrap or self.no_wrap or options.get("overflow") == "ignore":
            return super().wrap(console, width, no_wrap=no_wrap, **options)
        lines = Lines()
        for line in self.split(allow_blank=True):
            found = line.divide(breaks(line.plain, width))
            for each in found:
                each.rstrip()
            lines.extend(found)
        return lines


def japanese(text: Text) -> JapaneseText:
    """Return a text that breaks as Japanese does."""
    return JapaneseText(text.plain, style=text.style, spans=list(text.spans))

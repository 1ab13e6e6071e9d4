"""The last lines of a log that fit into a panel."""

import re
from typing import ClassVar

from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget

from budgetscope.core.language import _
from budgetscope.report.wrapping import wrapped

_PROBLEM = re.compile(r"([\d:]{8} ([^!:]*: )?)?! ")


class Tail(Widget):
    """Shows the last lines that fit; problems have another colour.

    Attributes:
        lines: of the log; a problem begins with `!`, with or without a time and a worker before it.
        back: number of lines at the end that are scrolled out of sight.
    """

    DEFAULT_CSS: ClassVar[str] = """
    Tail { height: 1fr; }
    """

    lines: reactive[tuple[str, ...]] = reactive(())
    back: reactive[int] = reactive(0)

    def page(self, pages: int) -> None:
        """Scroll by pages."""
        self.back = min(max(self.back - pages * max(self.size.height - 1, 1), 0), max(len(self.lines) - 1, 0))

    def render(self) -> Content:
        """Return the last lines; problems are wrapped, other lines cut."""
        width, height = self.size
        shown: list[Content] = []
        for line in reversed(self.lines[: len(self.lines) - self.back]):
            style = "$text-warning" if _PROBLEM.match(line) else ""
            parts = wrapped(line, max(width, 20), " " * 9) if style else [line]
            shown = [*(Content.styled(part, style).truncate(width, ellipsis=True) for part in parts), *shown]
            if len(shown) >= height:
                break
        return Content("\n").join(shown[-height:]) if shown else Content(_("nothing yet"))

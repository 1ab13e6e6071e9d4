"""The headline of a screen, with large figures where there is room."""

import re
from itertools import zip_longest
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.content import Content
from textual.geometry import Size
from textual.renderables.digits import Digits
from textual.widget import Widget

from budgetscope.report.headline import Headline, LargeFigure
from budgetscope.report.words import sentences
from budgetscope.tui.signs import LABEL_STYLE

FIGURES_FROM = 36
"""Rows of a window with room for the figures."""
_NUMBER = re.compile(r"[-+]?[$€¥]?[\d.,]+%?")
_LEAST_FIGURE, _GAP = 26, 3
_DOUBT_ROWS = 3
"""Rows of the doubts before the last ones are left out."""
_LEAST_MOST, _MOST_OF_WINDOW = 5, 1 / 3
"""Rows of all sentences, and their share of the window, beyond which they are cut: a window of few columns keeps the
rest of the screen."""

_Rows = list[Content]


class HeadlinePanel(Widget):
    """Shows a headline: its figures, the sentence, and what is least certain.

    One widget that draws all of it: a new headline of as many rows lays nothing out.

    Attributes:
        headline: that is shown.
    """

    DEFAULT_CSS: ClassVar[str] = """
    HeadlinePanel { height: auto; padding: 0 1; }
    HeadlinePanel.-stale { color: $text-muted; }
    """

    def __init__(self, classes: str | None = None) -> None:
        super().__init__(classes=classes)
        self.headline = Headline("")
        self._drawn: tuple[object, _Rows] = (None, [])

    def show(self, headline: Headline) -> None:
        """Show a headline."""
        if headline == self.headline:
            return
        width = self.content_size.width
        before, self.headline = len(self._rows(width)), headline
        self.refresh(layout=len(self._rows(width)) != before)

    def say(self, sentence: str) -> None:
        """Show a sentence alone."""
        self.show(Headline(sentence))

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:  # noqa: ARG002 - Textual's own
        """Return the number of rows at a width."""
        return len(self._rows(width))

    def render(self) -> Content:
        """Return all rows."""
        return Content("\n").join(self._rows(self.content_size.width))

    def _rows(self, width: int) -> _Rows:
        large, stale = self.app.size.height >= FIGURES_FROM, self.has_class("-stale")
        key = (self.headline, width, self.app.size.height, stale)
        if self._drawn[0] != key:
            rows = _figures(self.headline.figures, width, LABEL_STYLE if stale else "$text-accent") if large else []
            told = _wrapped(self.headline.sentence, width, "bold") + _fitting(self.headline.doubts, width)
            most = max(_LEAST_MOST, round(self.app.size.height * _MOST_OF_WINDOW))
            self._drawn = key, rows + _cut(told, width, most)
        return self._drawn[1]


def _figures(figures: tuple[LargeFigure, ...], width: int, style: str) -> _Rows:
    """Return as many figures side by side as fit."""
    rows: _Rows = []
    for block in (_figure(figure, style) for figure in figures):
        wide = max(_LEAST_FIGURE, *(line.cell_length for line in block)) + _GAP
        if rows and rows[0].cell_length + wide > width + _GAP:
            break
        padded = [line.pad_right(wide - line.cell_length) for line in block]
        rows = [before + line for before, line in zip_longest(rows, padded, fillvalue=Content(""))]
    return [row.truncate(width) for row in rows]


def _figure(figure: LargeFigure, style: str) -> _Rows:
    """Return one figure: the number in large digits, its unit, and below it what it is and its range."""
    number = _NUMBER.match(figure.value)
    large = number.group() if number else ""
    text = "".join(segment.text for segment in Digits(large).render(Style()) if isinstance(segment, Segment))
    first, second, third = (Content.styled(line, style) for line in text.split("\n")[:3])
    unit = " ".join(filter(None, (figure.value[len(large) :].strip(), figure.label)))
    return [first, second, third + Content.styled(f" {unit}", "bold"), Content.styled(figure.range, LABEL_STYLE)]


def _wrapped(text: str, width: int, style: str = "") -> _Rows:
    """Return a text in as many rows as it takes: a sentence that ends in the middle says nothing."""
    return list(Content.styled(text, style).wrap(width)) if text and width > 0 else []


def _fitting(doubts: tuple[str, ...], width: int) -> _Rows:
    """Return the first sentence, and as many of the next ones as `_DOUBT_ROWS` hold whole."""
    rows = _wrapped(sentences(doubts[:1]), width)
    for most in range(2, len(doubts) + 1):
        more = _wrapped(sentences(doubts[:most]), width)
        if len(more) > _DOUBT_ROWS:
            break
        rows = more
    return rows


def _cut(rows: _Rows, width: int, most: int) -> _Rows:
    """Return at most so many rows, with an ellipsis where there were more."""
    if len(rows) <= most:
        return rows
    return [*rows[: most - 1], rows[most - 1].rstrip().truncate(max(width - 1, 0)) + "…"]

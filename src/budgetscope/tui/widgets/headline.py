"""The headline of a screen, with large figures where there is room."""

import re
from typing import ClassVar

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Digits, Static

from budgetscope.report.headline import Headline, LargeFigure
from budgetscope.tui.signs import LABEL_STYLE

MOST_FIGURES = 3
_NUMBER = re.compile(r"[-+]?[$€¥]?[\d.,]+%?")


class HeadlinePanel(Vertical):
    """Shows a headline: its figures, the sentence, and what is least certain."""

    DEFAULT_CSS: ClassVar[str] = """
    HeadlinePanel { height: auto; padding: 0 1; }
    HeadlinePanel #figures { height: 4; display: none; }
    HeadlinePanel .figure { width: auto; min-width: 26; height: 4; padding-right: 3; }
    HeadlinePanel .figure Digits { width: auto; height: 3; color: $text-accent; }
    HeadlinePanel .figure Horizontal { height: 3; width: auto; }
    HeadlinePanel .figure .unit { width: auto; height: 3; padding: 2 0 0 1; text-style: bold; }
    HeadlinePanel .figure .range { width: auto; height: 1; color: $text-muted; }
    HeadlinePanel .sentence { height: auto; max-height: 3; text-style: bold; }
    HeadlinePanel .doubt { height: auto; max-height: 2; text-overflow: ellipsis; }
    HeadlinePanel.-stale { text-style: dim; }
    """

    def __init__(self, classes: str | None = None) -> None:
        super().__init__(classes=classes)
        self._headline = Headline("")

    def compose(self) -> ComposeResult:
        """Lay figures, sentence and doubt."""
        with Horizontal(id="figures"):
            for _ in range(MOST_FIGURES):
                yield _Figure(classes="figure")
        yield Static(classes="sentence", markup=False)
        yield Static(classes="doubt", markup=False)

    def show(self, headline: Headline) -> None:
        """Show a headline; nothing is laid out anew for one that takes the same room."""
        if headline == self._headline:
            return
        self._headline = headline
        for place, figure in enumerate(self.query(_Figure)):
            figure.show(headline.figures[place] if place < len(headline.figures) else None)
        self.query_one("#figures").set_class(not headline.figures, "-none")
        for name, text in (("sentence", headline.sentence), ("doubt", headline.doubt)):
            line = self.query_one(f".{name}", Static)
            line.update(Content(text))
            line.display = bool(text)

    def say(self, sentence: str) -> None:
        """Show a sentence alone."""
        self.show(Headline(sentence))


class _Figure(Vertical):
    """One large figure: the number in large digits, its unit, and below it what it is and its range."""

    def compose(self) -> ComposeResult:
        with Horizontal():
            yield Digits()
            yield Static(classes="unit", markup=False)
        yield Static(classes="range", markup=False)

    def show(self, figure: LargeFigure | None) -> None:
        self.display = figure is not None
        if figure is None:
            return
        number = _NUMBER.match(figure.value)
        large = number.group() if number else ""
        self.query_one(Digits).update(large)
        unit = figure.value[len(large) :].strip()
        self.query_one(".unit", Static).update(Content(" ".join(filter(None, (unit, figure.label)))))
        self.query_one(".range", Static).update(Content.styled(figure.range, LABEL_STYLE))

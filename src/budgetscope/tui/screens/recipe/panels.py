"""The panels of the Recipe screen: the recipe, the values of all laws, factors of two, checkpoints."""

import math
import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, ClassVar

from textual.content import Content
from textual.geometry import Size
from textual.reactive import reactive
from textual.strip import Strip
from textual.visual import Visual
from textual.widget import Widget

from budgetscope.core.answers.recipe_sheet import RecipeSheet
from budgetscope.core.language import N_, _
from budgetscope.report.recipe_sheet import (
    CHECKPOINTS_HEADER,
    CHECKPOINTS_WHY,
    LawValueRow,
    Topic,
    checkpoint_cells,
    factors_of_two,
    recipe_rows,
    run_rows,
    scores,
    shape_line,
    sign,
)
from budgetscope.report.rows import PlanRow
from budgetscope.report.words import headed, noted, padded, right
from budgetscope.report.words import width as cells
from budgetscope.report.wrapping import wrapped
from budgetscope.tui.short_titles import fitted

_QUIET = "$text-muted"
_VALUE = "bold $text-accent"
_LABEL = 15
_TITLE, _WIDEST_TITLE, _STRIP = 26, 44, 24
_NUMBER, _ALSO, _INTERVAL, _DATA = 9, 15, 19, 21
_MIN_WIDTH = 40
_MOST_KEPT = 1000

Lines = list[Content]


class Sheet(Widget):
    """A panel that makes its lines for its width and is as tall as they are.

    Attributes:
        sheet: the recipe sheet; None before the first plan.
        notes: whether the notes of the laws are shown.
    """

    DEFAULT_CSS: ClassVar[str] = "Sheet { height: auto; }"

    sheet: reactive[RecipeSheet | None] = reactive(None)
    notes: reactive[bool] = reactive(False)

    def __init__(
        self,
        title: str,
        make: Callable[[Any, int, bool], Lines],
        read: Callable[[RecipeSheet], Any] = lambda sheet: sheet,
        *,
        id: str | None = None,  # noqa: A002 - Textual's own name
    ) -> None:
        """Create a panel.

        Args:
            title: of the panel.
            make: returns the lines; arguments: the result of `read`, the width in cells, whether to show notes.
            read: extracts from a sheet whatever does not depend on the width.
            id: of the widget.
        """
        super().__init__(id=id, classes="panel")
        self.border_title = title
        self._make, self._read = make, read
        self._content: Any = None
        self._made: dict[int, Lines] = {}
        self._strips: dict[tuple[object, ...], Strip] = {}

    def watch_sheet(self, sheet: RecipeSheet | None) -> None:
        """Make the lines of the new sheet."""
        self._content = None if sheet is None else self._read(sheet)
        self._remake()

    def watch_notes(self) -> None:
        """Make the lines with or without notes."""
        self._remake()

    def _remake(self) -> None:
        """Make the lines again; lay out the page, which is slow, only if their number changed."""
        width = self.size.width
        before = len(self._made.get(width, ()))
        self._made = {}
        self.refresh(layout=len(self._lines(width)) != before)

    def _lines(self, width: int) -> Lines:
        """Return the lines for a width, cached: one layout needs several widths many times."""
        if self.sheet is None:
            return []
        if width not in self._made:
            self._made[width] = self._make(self._content, max(width, _MIN_WIDTH), self.notes)
        return self._made[width]

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:  # noqa: ARG002 - Textual's own
        """Return the number of lines at a width."""
        return max(len(self._lines(width)), 1)

    def render_line(self, y: int) -> Strip:
        """Return one line; lines outside the view are not rendered."""
        width, lines = self.size.width, self._lines(self.size.width)
        if y >= len(lines) or not width:
            return Strip.blank(width, self.rich_style)
        line, style = lines[y], self.visual_style
        # Most lines are the same from one recipe to the next.
        key = (line.plain, *line.spans, width, style, self.app.theme)
        if key not in self._strips:
            if len(self._strips) >= _MOST_KEPT:
                self._strips.clear()
            self._strips[key] = Visual.to_strips(self, line, width, 1, style)[0]
        return self._strips[key]


def values(sheet: RecipeSheet, width: int, notes: bool) -> Lines:  # noqa: ARG001 - one signature for all parts
    """Return the lines of the hyperparameters, the shape and the run."""
    lines = [line for row in recipe_rows(sheet.answer.plan) for line in _value(row, width)]
    lines += _long(_("schedule"), sheet.answer.plan.recipe.schedule, width)
    lines += _long(_("shape"), shape_line(sheet.answer.plan), width)
    return lines + [line for row in run_rows(sheet.answer.plan) for line in _value(row, width)]


def _value(row: PlanRow, width: int) -> Lines:
    """Return the line of a quantity, with as many parts of its basis as fit, the unit first."""
    start = _LABEL + max(_NUMBER + 2, cells(row.text) + 1)
    # A value that is too long for its column has no interval and takes its place.
    start = max(start + cells(row.interval) + 1, _LABEL + _NUMBER + 2 + _INTERVAL)
    parts = re.split("; |。", row.basis)
    told = (noted(parts[:end]) for end in range(len(parts), 0, -1))
    basis = next((text for text in told if cells(text) <= width - start), "")
    value = padded(f"{row.text} ", _NUMBER + 2)
    content = Content.assemble(
        (padded(row.label, _LABEL), _QUIET),
        (value, _VALUE),
        padded(row.interval, start - _LABEL - cells(value)),
        (basis, _QUIET),
    )
    return [content.truncate(width, ellipsis=True)]


def _long(label: str, text: str, width: int) -> Lines:
    lines = wrapped(_tied(text), width - _LABEL)
    return [
        Content.assemble((padded(label, _LABEL) if index == 0 else " " * _LABEL, _QUIET), line)
        for index, line in enumerate(lines)
    ]


def laws(found: Sequence[Topic], width: int, notes: bool) -> Lines:
    """Return the lines of the laws' values, grouped by hyperparameter."""
    lines: Lines = []
    for topic in found:
        lines += [Content("")] if lines else []
        lines += _wrapped(topic.title, width, "bold")
        if topic.spread:
            lines += _wrapped(f"  {topic.spread}", width, _QUIET)
        span = _span(topic)
        for row in topic.rows:
            lines.append(_law_value(row, span, width))
            if (notes or row.law_value.is_outlier) and row.law_value.note:
                lines += _wrapped(f"    {row.law_value.note}", width, _QUIET)
    return lines


def _span(topic: Topic) -> tuple[float, float]:
    """Return the smallest and the largest value or interval end of a hyperparameter."""
    ends = [end for row in topic.rows for end in (row.law_value.value, row.law_value.low, row.law_value.high) if end]
    return min(ends), max(ends)


@lru_cache(maxsize=4096)
def _law_value(row: LawValueRow, span: tuple[float, float], width: int) -> Content:
    """Return the line of one law's value; columns that do not fit are dropped from the right."""
    fixed = 2 + _NUMBER + _ALSO + _DATA
    with_strip = width >= fixed + _TITLE + _STRIP + 2
    with_interval = width >= fixed + _TITLE + _STRIP + 2 + _INTERVAL
    room = width - fixed - _INTERVAL * with_interval - (_STRIP + 2) * with_strip
    title_width = min(max(room, 12), _WIDEST_TITLE)
    title = fitted(row.title, title_width - 1)
    style = "bold" if row.law_value.followed else ""
    return Content.assemble(
        (f"{sign(row)} {padded(title, title_width)}", style),
        (right(row.value, _NUMBER), _VALUE if row.law_value.followed else ""),
        right(row.also, _ALSO),
        (right(row.data, _DATA), _QUIET),
        (right(row.interval, _INTERVAL) if with_interval else "", _QUIET),
        (f"  {_strip(row, *span)}" if with_strip else "", style),
    ).truncate(width)


def _strip(row: LawValueRow, least: float, most: float) -> str:
    """Return a strip that marks a law's value and interval on a log scale; empty where all values are equal."""
    if not least < most:
        return ""
    low, high = math.log(least), math.log(most)

    def column(value: float) -> int:
        return round((math.log(value) - low) / (high - low) * (_STRIP - 1))

    cells = ["·"] * _STRIP
    if row.law_value.low and row.law_value.high:
        for at in range(column(row.law_value.low), column(row.law_value.high) + 1):
            cells[at] = "─"
    cells[column(row.law_value.value)] = "●"
    return "".join(cells)


def halves(sheet: RecipeSheet, width: int, notes: bool) -> Lines:  # noqa: ARG001 - one signature for all parts
    """Return the lines of the cost of a factor of two up or down."""
    lines: Lines = []
    for label, cost in factors_of_two(sheet):
        if cells(label) < _LABEL:
            lines += _long(label, cost, width)
        else:
            lines += _wrapped(f"{label}: {cost}", width, "")
    return lines


def scored(sheet: RecipeSheet, width: int, notes: bool) -> Lines:  # noqa: ARG001 - one signature for all parts
    """Return the lines of why the recipe follows its law, and of what each law costs on the nearest public grid."""
    lines: Lines = []
    for label, text in scores(sheet.answer.plan) or ((_("law"), _(NAMED_LAW)),):
        if cells(label) < _LABEL:
            lines += _long(label, text, width)
        else:
            lines += _wrapped(f"{label}: {text}", width, "")
    return lines


NAMED_LAW = N_("as asked; the scoreboard is in docs/reference/scoreboard.md")


def to_keep(sheet: RecipeSheet, width: int, notes: bool) -> Lines:  # noqa: ARG001 - one signature for all parts
    """Return the lines of the checkpoints to keep, and the reason."""
    lines = _wrapped(_(CHECKPOINTS_WHY), width, "")
    lines.append(_checkpoint(headed(CHECKPOINTS_HEADER), width, _QUIET))
    return lines + [_checkpoint(checkpoint_cells(each), width, "") for each in sheet.checkpoints]


def _checkpoint(cells: Sequence[str], width: int, style: str) -> Content:
    step, tokens, flops, share, use = cells
    text = f"{right(step, 9)}{right(tokens, 8)}{right(flops, 9)}{right(share, 8)}  {use}"
    return Content.styled(text, style).truncate(width)


def _wrapped(text: str, width: int, style: str) -> Lines:
    indent = " " * (len(text) - len(text.lstrip()))
    return [Content.styled(line, style) for line in wrapped(_tied(text), width, indent)]


def _tied(text: str) -> str:
    """Return a text with no-break spaces between numbers and their suffixes."""
    return re.sub(r"(?<=\d) (?=[KMBT]\b)", "\N{NO-BREAK SPACE}", text)

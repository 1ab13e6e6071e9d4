"""The parts of a recipe, each as lines for a width: values, the laws' values, factors of two, checkpoints."""

import math
import re
import textwrap
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
from budgetscope.report.recipe_sheet import (
    CHECKPOINTS_HEADER,
    CHECKPOINTS_WHY,
    FOLLOWED_SIGN,
    OUTSIDE_SIGN,
    LawValueRow,
    Topic,
    checkpoint_cells,
    factors_of_two,
    recipe_rows,
    run_rows,
    shape_line,
)
from budgetscope.report.rows import PlanRow
from budgetscope.tui.short_titles import fitted

_QUIET = "$foreground 65%"
_VALUE = "bold $text-accent"
_LABEL = 15
_TITLE, _WIDEST_TITLE, _STRIP = 26, 44, 24
_NUMBER, _ALSO, _INTERVAL, _DATA = 9, 13, 19, 21
_MIN_WIDTH = 40
_MOST_KEPT = 1000

Lines = list[Content]


class Sheet(Widget):
    """A panel whose lines are made for its width; as tall as they need.

    Attributes:
        sheet: what to show; None before the first plan.
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
        """Take how the panel is made.

        Args:
            title: of the panel.
            make: its lines, of what `read` gave, for a width, with the notes or without.
            read: what it takes from a recipe, whatever the width.
            id: of the widget.
        """
        super().__init__(id=id, classes="panel")
        self.border_title = title
        self._make, self._read = make, read
        self._said: Any = None
        self._made: dict[int, Lines] = {}
        self._strips: dict[tuple[object, ...], Strip] = {}

    def watch_sheet(self, sheet: RecipeSheet | None) -> None:
        """Make the lines anew."""
        self._said = None if sheet is None else self._read(sheet)
        self._remake()

    def watch_notes(self) -> None:
        """Make the lines anew."""
        self._remake()

    def _remake(self) -> None:
        """Make the lines anew, and lay the page only if there are more or fewer: that costs most."""
        width = self.size.width
        before = len(self._made.get(width, ()))
        self._made = {}
        self.refresh(layout=len(self._lines(width)) != before)

    def _lines(self, width: int) -> Lines:
        """Return the lines for a width; a layout asks for several widths again and again."""
        if self.sheet is None:
            return []
        if width not in self._made:
            self._made[width] = self._make(self._said, max(width, _MIN_WIDTH), self.notes)
        return self._made[width]

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:  # noqa: ARG002 - Textual's own
        """Return how many lines there are at a width."""
        return max(len(self._lines(width)), 1)

    def render_line(self, y: int) -> Strip:
        """Return one line: those out of sight are not rendered."""
        width, lines = self.size.width, self._lines(self.size.width)
        if y >= len(lines) or not width:
            return Strip.blank(width, self.rich_style)
        line, style = lines[y], self.visual_style
        # From one recipe to the next, most lines stay as they are.
        key = (line.plain, *line.spans, width, style, self.app.theme)
        if key not in self._strips:
            if len(self._strips) >= _MOST_KEPT:
                self._strips.clear()
            self._strips[key] = Visual.to_strips(self, line, width, 1, style)[0]
        return self._strips[key]


def values(sheet: RecipeSheet, width: int, notes: bool) -> Lines:  # noqa: ARG001 - one signature for all parts
    """Return the hyperparameters, the shape and the run."""
    lines = [line for row in recipe_rows(sheet.answer.plan) for line in _value(row, width)]
    lines += _long("schedule", sheet.answer.plan.recipe.schedule, width)
    lines += _long("shape", shape_line(sheet.answer.plan), width)
    return lines + [line for row in run_rows(sheet.answer.plan) for line in _value(row, width)]


def _value(row: PlanRow, width: int) -> Lines:
    """Return a quantity with as much of its basis as there is room for: the unit comes first."""
    start = _LABEL + max(_NUMBER + 2, len(row.text) + 1)
    # A value that is longer than its column takes the room of the interval that it has not got.
    start = max(start + len(row.interval) + 1, _LABEL + _NUMBER + 2 + _INTERVAL)
    parts = row.basis.split("; ")
    basis = next((said for end in range(len(parts), 0, -1) if len(said := "; ".join(parts[:end])) <= width - start), "")
    said = f"{row.text} ".ljust(_NUMBER + 2)
    content = Content.assemble(
        (row.label.ljust(_LABEL), _QUIET),
        (said, _VALUE),
        row.interval.ljust(start - _LABEL - len(said)),
        (basis, _QUIET),
    )
    return [content.truncate(width, ellipsis=True)]


def _long(label: str, text: str, width: int) -> Lines:
    wrapped = textwrap.wrap(_tied(text), width - _LABEL)
    return [
        Content.assemble((label.ljust(_LABEL) if index == 0 else " " * _LABEL, _QUIET), line)
        for index, line in enumerate(wrapped)
    ]


def laws(said: Sequence[Topic], width: int, notes: bool) -> Lines:
    """Return what every law gives, by hyperparameter."""
    lines: Lines = []
    for topic in said:
        lines += [Content("")] if lines else []
        lines += _wrapped(topic.title, width, "bold")
        if topic.spread:
            lines += _wrapped(f"  {topic.spread}", width, _QUIET)
        span = _span(topic)
        for row in topic.rows:
            lines.append(_law_value(row, span, width))
            if (notes or row.is_outside) and row.law_value.note:
                lines += _wrapped(f"    {row.law_value.note}", width, _QUIET)
    return lines


def _span(topic: Topic) -> tuple[float, float]:
    """Return the least and the largest that the laws and their intervals say."""
    ends = [end for row in topic.rows for end in (row.law_value.value, row.law_value.low, row.law_value.high) if end]
    return min(ends), max(ends)


@lru_cache(maxsize=4096)
def _law_value(row: LawValueRow, span: tuple[float, float], width: int) -> Content:
    """Return one law's line: what has no room is left out from the right."""
    fixed = 2 + _NUMBER + _ALSO + _DATA
    with_strip = width >= fixed + _TITLE + _STRIP + 2
    with_interval = width >= fixed + _TITLE + _STRIP + 2 + _INTERVAL
    room = width - fixed - _INTERVAL * with_interval - (_STRIP + 2) * with_strip
    title_width = min(max(room, 12), _WIDEST_TITLE)
    title = fitted(row.title, title_width - 1)
    sign = FOLLOWED_SIGN if row.law_value.followed else OUTSIDE_SIGN if row.is_outside else " "
    style = "bold" if row.law_value.followed else ""
    return Content.assemble(
        (f"{sign} {title.ljust(title_width)}", style),
        (row.value.rjust(_NUMBER), _VALUE if row.law_value.followed else ""),
        row.also.rjust(_ALSO),
        (row.data.rjust(_DATA), _QUIET),
        (row.interval.rjust(_INTERVAL) if with_interval else "", _QUIET),
        (f"  {_strip(row, *span)}" if with_strip else "", style),
    ).truncate(width)


def _strip(row: LawValueRow, least: float, most: float) -> str:
    """Return where a law's value lies among all, on a logarithmic line; empty where they are one."""
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
    """Return what a factor of two either way costs."""
    lines: Lines = []
    for label, cost in factors_of_two(sheet):
        if len(label) < _LABEL:
            lines += _long(label, cost, width)
        else:
            lines += _wrapped(f"{label}: {cost}", width, "")
    return lines


def to_keep(sheet: RecipeSheet, width: int, notes: bool) -> Lines:  # noqa: ARG001 - one signature for all parts
    """Return the checkpoints to keep, and why."""
    lines = _wrapped(CHECKPOINTS_WHY, width, "")
    lines.append(_checkpoint(CHECKPOINTS_HEADER, width, _QUIET))
    return lines + [_checkpoint(checkpoint_cells(each), width, "") for each in sheet.checkpoints]


def _checkpoint(cells: Sequence[str], width: int, style: str) -> Content:
    step, tokens, flops, share, use = cells
    text = f"{step.rjust(9)}{tokens.rjust(8)}{flops.rjust(9)}{share.rjust(8)}  {use}"
    return Content.styled(text, style).truncate(width)


def _wrapped(text: str, width: int, style: str) -> Lines:
    indent = " " * (len(text) - len(text.lstrip()))
    return [Content.styled(line, style) for line in textwrap.wrap(_tied(text), width, subsequent_indent=indent)]


def _tied(text: str) -> str:
    """Return a text whose numbers stay on one line with their suffixes."""
    return re.sub(r"(?<=\d) (?=[KMBT]\b)", "\N{NO-BREAK SPACE}", text)

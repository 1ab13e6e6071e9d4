"""The panels of the Plan screen that show the recommendation and its cautions."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget

from budgetscope.api.form_words import in_form
from budgetscope.core.answers.cautions import Caution, Level
from budgetscope.core.answers.plan import Plan
from budgetscope.core.language import JAPANESE, N_, _, code, ngettext
from budgetscope.report.rows import PlanRow, end_rows
from budgetscope.report.words import cut as shortened
from budgetscope.report.words import padded
from budgetscope.report.words import width as cells
from budgetscope.report.wrapping import wrapped
from budgetscope.tui.signs import CAUTION_SIGN, LABEL_STYLE

_WITH_INTERVALS = ("learning_rate", "batch_tokens", "loss", "tokens_per_param", "flat_band_n_params", "cost_usd")
_PLAIN = ("beta2", "weight_decay_coupled", "warmup_tokens", "steps", "hours", "critical_batch_tokens")
_LONG = ("shape", "schedule")
_UNITS = {
    "flat_band_n_params": N_("parameters"), "batch_tokens": N_("tokens"), "warmup_tokens": N_("tokens"),
    "critical_batch_tokens": N_("tokens"),
}  # fmt: skip
"""Unit after a value, where there is room."""
_LEAST_PLAIN, _MOST_PLAIN = 17, 30
_BASIS_FROM = 120


class RecommendationPanel(Widget):
    """Shows as many quantities of a plan as fit; the details dialog shows all.

    Attributes:
        plan: the plan; None before the first.
        stale: whether the present request has no answer, so that the plan is the last good one.
    """

    DEFAULT_CSS: ClassVar[str] = """
    RecommendationPanel { height: 1fr; }
    RecommendationPanel.-stale { text-style: dim; }
    """

    plan: reactive[Plan | None] = reactive(None)
    stale: reactive[bool] = reactive(False, toggle_class="-stale")

    def watch_plan(self) -> None:
        """Set the title."""
        self._title()

    def watch_stale(self) -> None:
        """Set the title."""
        self._title()

    def on_resize(self) -> None:
        """Set the title, which counts the cautions where the window has no room for them."""
        self._title()

    def _title(self) -> None:
        title = _("Recipe")
        if self.plan is not None and self.stale:
            title = _("LAST GOOD PLAN, for {budget}").format(budget=self.plan.budget)
        told = ""
        if self.plan is not None and self.plan.cautions and self.screen.has_class("-narrow"):
            told = f"   {CAUTION_SIGN}{_counted(self.plan.cautions)}"
        self.border_title = Content.assemble(title, (told, "$text-warning"))

    def render(self) -> Content:
        """Return the quantities, laid out for the size of the widget."""
        if self.plan is None:
            return Content(_("No plan yet: press F3 and type a budget, such as 64 H100 for 14 days."))
        rows = end_rows(self.plan)
        width, height = self.size
        left = [_Line.of(rows[key], with_basis=width >= _BASIS_FROM) for key in _WITH_INTERVALS if key in rows]
        right = [_Line.of(rows[key]) for key in _PLAIN if key in rows and not rows[key].interval]
        long = [line for key in _LONG if key in rows for line in _long(rows[key], width)]
        if height < len(left) + len(long):
            long = [_cut(_long_text(rows["shape"]), width)] if "shape" in rows and height > len(left) else []
        columns = _columns(left, right, width, max(height - len(long), 0))
        return Content("\n").join([*columns, *long][:height])


def _counted(cautions: Sequence[Caution]) -> str:
    """Return how many cautions could change the decision, or how many there are if none could; and where to read."""
    decisive = sum(caution.level == Level.DECISION for caution in cautions)
    if decisive:
        told = ngettext(
            "{n} caution could change the decision: F6", "{n} cautions could change the decision: F6", decisive
        )
    else:
        told = ngettext("{n} caution: F6", "{n} cautions: F6", len(cautions))
    return told.format(n=decisive or len(cautions))


@dataclass(frozen=True, slots=True)
class _Line:
    """The parts of a quantity's line: label, value, interval, and its unit or basis."""

    label: str
    value: str
    interval: str
    remark: str

    @classmethod
    def of(cls, row: PlanRow, *, with_basis: bool = False) -> "_Line":
        """Return the line of a quantity, with its basis or only with its unit."""
        unit = re.split("[;,、。]", row.basis)[0] if row.key == "loss" else _unit(row.key)
        # The flat band has an interval and no value.
        value, interval = ("", row.text) if row.key == "flat_band_n_params" else (row.text, row.interval)
        return cls(row.label, value, interval, row.basis if with_basis else unit)

    def text(self, *, with_unit: bool) -> str:
        """Return the value, with its unit or without."""
        return f"{self.value} {self.remark}".rstrip() if with_unit else self.value

    def width(self, *, with_unit: bool) -> int:
        """Return the columns that the label and the value take."""
        return cells(self.label) + 1 + cells(self.text(with_unit=with_unit))


def _label() -> int:
    """Return the columns of the labels."""
    return 13 if code() == JAPANESE else 11


def _unit(key: str) -> str:
    return _(_UNITS[key]) if key in _UNITS else ""


def _columns(left: list[_Line], right: list[_Line], width: int, height: int) -> list[Content]:
    """Return two lists of lines side by side; lines that do not fit whole are left out."""
    value, interval = (max(cells(getattr(line, part)) for line in left) + 1 for part in ("value", "interval"))
    bare = _label() + value + interval
    remark = 1 + max(cells(line.remark) for line in left)
    for with_unit in (True, False):
        plain = max(line.width(with_unit=with_unit) for line in right)
        if width >= bare + remark * with_unit + 1 + plain:
            break
    if width >= _BASIS_FROM:
        with_unit, plain = True, _MOST_PLAIN
    room = width - bare  # One space parts the columns: the last of `bare`.
    end = min(room, max(plain, _LEAST_PLAIN))
    # A long line begins further to the left, where the line beside it ends early.
    taken = [bare if with_unit else _label() + value + cells(line.interval) + 1 for line in left[:height]]
    taken += [bare] * (height - len(left))
    beside = _placed(right, [max(end, width - each) for each in taken], with_unit=with_unit)
    if room < _LEAST_PLAIN and len(beside) <= max(height - len(left), 0):
        lines = [_start(line, value, interval, "") for line in left]
        lines += [_justified(line, min(width, _MOST_PLAIN), with_unit=True) for line in right]
        return [line.truncate(width, ellipsis=True) for line in lines[:height]]
    lines = []
    for row in range(min(max(len(left), *(row + 1 for row in beside), 0), height)):
        needed = beside[row].width(with_unit=with_unit) if row in beside else 0
        second = _justified(beside[row], max(end, needed), with_unit=with_unit) if row in beside else Content(" " * end)
        # In a wide window the second column follows the first; it is not right-aligned.
        start = min(width - second.cell_length - 1, bare + (remark + 3 if width < _BASIS_FROM else width) * with_unit)
        remarked = left[row].remark if with_unit and row < len(left) else ""
        first = _start(left[row], value, interval, remarked) if row < len(left) else Content("")
        lines.append(first.truncate(start, ellipsis=True, pad=True) + Content(" ") + second)
    return lines


def _placed(lines: list[_Line], rooms: list[int], *, with_unit: bool) -> dict[int, _Line]:
    """Return the line in each row, by the row's room: the first of those left that fits whole."""
    left, placed = list(lines), dict[int, _Line]()
    for row, room in enumerate(rooms):
        line = next((line for line in left if line.width(with_unit=with_unit) <= room), None)
        if line is not None:
            placed[row] = line
            left.remove(line)
    return placed


def _start(line: _Line, value: int, interval: int, remark: str) -> Content:
    return Content.assemble(
        (padded(line.label, _label()), LABEL_STYLE),
        (padded(line.value, value), "bold $text-accent"),
        padded(line.interval, interval) if remark else line.interval,
        (remark, LABEL_STYLE),
    )


def _justified(line: _Line, width: int, *, with_unit: bool) -> Content:
    """Return a line with the label on the left and the value on the right."""
    text = line.text(with_unit=with_unit)
    return Content.assemble((padded(line.label, width - cells(text)), LABEL_STYLE), (text, "bold"))


def _long_text(row: PlanRow) -> str:
    return f"{padded(row.label, _label())}{row.text}"


def _cut(text: str, width: int) -> Content:
    return Content(text if cells(text) <= width else shortened(text, max(width - 1, 0)) + "…")


def _long(row: PlanRow, width: int) -> list[Content]:
    lines = wrapped(_long_text(row), max(width, _label() + 10), " " * _label())
    return [Content(line) for line in lines]


class Cautions(Widget):
    """Shows as many cautions of a plan as fit.

    Attributes:
        plan: the plan; None before the first.
    """

    plan: reactive[Plan | None] = reactive(None)

    def render(self) -> Content:
        """Return the wrapped cautions, most important first, with the number of those left out."""
        if self.plan is None:
            return Content("")
        width, height = self.size
        cautions = self.plan.cautions
        decisive = [caution for caution in cautions if caution.level == Level.DECISION]
        texts = [in_form(caution.text) for caution in decisive or cautions]
        blocks = [wrapped(CAUTION_SIGN + text, max(width, 20), "  ") for text in texts]
        for count in range(len(blocks), 0, -1):
            left = len(cautions) - count
            more = _("(F6: {n} more)").format(n=left) if left else ""
            lines = _ended([line for block in blocks[:count] for line in block], more, width)
            if len(lines) <= height:
                break
        else:
            more = _("(F6: all {n})").format(n=len(cautions))
            lines = _cut_off(blocks[0][: max(height, 1)], more, width) if blocks else []
        return Content.styled("\n".join(lines), "$text-warning")


def _ended(lines: list[str], more: str, width: int) -> list[str]:
    """Append a remark to the last line, or below it where it has no room."""
    if not more:
        return lines
    last = f"{lines[-1]}  {more}"
    return [*lines[:-1], last] if cells(last) <= width else [*lines, f"  {more}"]


def _cut_off(lines: list[str], more: str, width: int) -> list[str]:
    """Append a remark to the last line, cutting the line where it has no room."""
    last, end = lines[-1], f"  {more}"
    if cells(last) + cells(end) > width:
        last = shortened(last, max(0, width - cells(end) - 1)) + "…"
    return [*lines[:-1], last + end]

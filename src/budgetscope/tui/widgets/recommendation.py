"""The plan in figures, and the cautions that go with it."""

import textwrap
from typing import ClassVar

from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget

from budgetscope.core.plan import Plan
from budgetscope.report.rows import PlanRow, plan_rows

CAUTION_SIGN = "! "

_WITH_INTERVALS = (
    "n_params", "tokens", "tokens_per_param", "loss", "flat_band_n_params", "learning_rate", "batch_tokens", "cost_usd",
)  # fmt: skip
_PLAIN = (
    "batch_sequences", "beta2", "warmup_tokens", "weight_decay_independent", "weight_decay_coupled", "steps", "hours",
    "device_hours", "critical_batch_tokens", "shape_n_params", "run_tokens",
)  # fmt: skip
_LONG = ("shape", "schedule")
_LABEL, _VALUE, _INTERVAL = 10, 8, 17
_PLAIN_WIDTHS = (19, 26)
_WIDEST_LEFT = 46
_BASIS_FROM = 120
_LABEL_STYLE = "$foreground 65%"


class Recommendation(Widget):
    """Shows a plan in as many rows as it has room for; the details screen shows all.

    Attributes:
        plan: what to show.
        stale: the request has since become something that cannot be planned with.
    """

    DEFAULT_CSS: ClassVar[str] = """
    Recommendation { height: 1fr; }
    Recommendation.-stale { text-style: dim; }
    """

    plan: reactive[Plan | None] = reactive(None)
    stale: reactive[bool] = reactive(False, toggle_class="-stale")

    def watch_plan(self) -> None:
        """Name the plan in the title."""
        self._title()

    def watch_stale(self) -> None:
        """Mark a plan that is no longer the answer."""
        self._title()

    def _title(self) -> None:
        title = "Recommendation"
        if self.plan is not None and self.stale:
            title = f"LAST GOOD PLAN, for {self.plan.budget}"
        self.border_title = Content(title)

    def render(self) -> Content:
        """Lay out the figures for the size at hand."""
        if self.plan is None:
            return Content("No plan yet: say a budget.")
        rows = {row.key: row for row in plan_rows(self.plan)}
        right = [(rows[key].label, rows[key].text) for key in _PLAIN if key in rows]
        width, height = self.size
        with_basis = width >= _BASIS_FROM
        left = [_with_interval(rows[key], with_basis=with_basis) for key in _WITH_INTERVALS if key in rows]
        long = [line for key in _LONG if key in rows for line in _long(rows[key], width)]
        if height < len(left) + len(long):
            long = [_cut(_long_text(rows["shape"]), width)] if "shape" in rows and height > len(left) else []
        columns = _columns(left, right, width, max(height - len(long), 0))
        return Content("\n").join([*columns, *long][:height])


def _columns(left: list[Content], right: list[tuple[str, str]], width: int, height: int) -> list[Content]:
    """Put two lists of lines side by side."""
    room = width - _LABEL - _VALUE - _INTERVAL - 1
    if room < _PLAIN_WIDTHS[0]:
        below = [_justified(*end, min(width, sum(_PLAIN_WIDTHS) - 1)) for end in right]
        return [line.truncate(width) for line in [*left, *below][:height]]
    end_width = min(room, _PLAIN_WIDTHS[1])
    # Where the basis of an interval has no room, its column stays as narrow as the interval.
    widest = width if width >= _BASIS_FROM else _WIDEST_LEFT
    start_width = min(width - end_width - 1, widest)
    lines = []
    for index in range(min(max(len(left), len(right)), height)):
        start = left[index] if index < len(left) else Content("")
        end = right[index] if index < len(right) else ("", "")
        lines.append(start.truncate(start_width, pad=True) + Content(" ") + _justified(*end, end_width))
    return lines


def _with_interval(row: PlanRow, *, with_basis: bool) -> Content:
    value = row.text if row.interval or row.key != "flat_band_n_params" else ""
    # A band is an interval without a value: it stands in the intervals' column.
    interval = row.interval if row.interval or value else row.text
    basis = row.basis if with_basis else ""
    return Content.assemble(
        (row.label.ljust(_LABEL), _LABEL_STYLE),
        (f"{value} ".ljust(_VALUE), "bold $text-accent"),
        interval.ljust(_INTERVAL + 2),
        (basis, _LABEL_STYLE),
    )


def _justified(label: str, text: str, width: int) -> Content:
    """Put a label to the left and its value to the right, over the label's end if need be."""
    label = label[: max(0, width - len(text) - 1)].ljust(width - len(text)) if text else ""
    return Content.assemble((label, _LABEL_STYLE), (text, "bold"))


def _long_text(row: PlanRow) -> str:
    return f"{row.label.ljust(_LABEL)}{row.text}"


def _cut(text: str, width: int) -> Content:
    return Content(text if len(text) <= width else text[: max(width - 1, 0)] + "…")


def _long(row: PlanRow, width: int) -> list[Content]:
    lines = textwrap.wrap(_long_text(row), max(width, _LABEL + 10), subsequent_indent=" " * _LABEL)
    return [Content(line) for line in lines]


class Cautions(Widget):
    """What to know before believing the plan: as many cautions as there is room for.

    Attributes:
        plan: whose cautions.
    """

    plan: reactive[Plan | None] = reactive(None)

    def render(self) -> Content:
        """Wrap the cautions, the gravest first, and say how many are left out."""
        if self.plan is None:
            return Content("")
        width, height = self.size
        texts = [caution.text for caution in self.plan.cautions]
        shown: list[str] = []
        for index, text in enumerate(texts):
            lines = textwrap.wrap(CAUTION_SIGN + text, max(width, 20), subsequent_indent="  ")
            if len(shown) + len(lines) > height:
                left = len(texts) - index
                more = f"  (d: {left} more)" if index else f"  (d: all {left})"
                shown = _ending(shown or lines[: max(height, 1)], more, width)
                break
            shown += lines
        return Content.styled("\n".join(shown), "$text-warning")


def _ending(lines: list[str], more: str, width: int) -> list[str]:
    """Put a remark at the end of the last line, over its end where there is no room behind it."""
    last = lines[-1]
    if len(last) + len(more) > width:
        last = last[: max(0, width - len(more) - 1)] + "…"
    return [*lines[:-1], last + more]

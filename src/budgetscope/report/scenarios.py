"""Scenarios side by side: every quantity of their plans, and its difference from a reference."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from budgetscope.core.answers.plan import Plan
from budgetscope.core.language import N_, _
from budgetscope.report.rows import UNKNOWN, PlanRow, end_rows, optimal_labels

SAME, ABOUT, OTHER = "", "≈", "≠"
OTHER_COUNT, OTHER_LAW = N_("≠ count"), N_("≠ law")
MORE, LESS = "▲", "▼"

_KEYS = (
    "budget", "law", "counting", "device", "n_devices", "mfu", "flops", "n_params", "tokens", "tokens_per_param",
    "loss", "learning_rate", "batch_tokens", "beta2", "warmup_tokens", "steps", "hours", "device_hours", "cost_usd",
)  # fmt: skip
_BY_COUNTING = {"flops", "n_params", "tokens_per_param"}
"""Quantities that cannot be compared across counting conventions."""


@dataclass(frozen=True, slots=True)
class Column:
    """A scenario with its plan.

    Attributes:
        name: of the scenario.
        plan: None when the scenario has no plan.
        problem: why it has none, one sentence; empty when it has one.
    """

    name: str
    plan: Plan | None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Cell:
    """One quantity of one scenario.

    Attributes:
        text: the value, formatted; empty where the scenario has no plan.
        difference: from the reference: an arrow and a ratio, `≠` for texts, or why they cannot be compared; empty when
            both are equal.
        number: whether the value is a number.
    """

    text: str
    difference: str = SAME
    number: bool = False


@dataclass(frozen=True, slots=True)
class BoardRow:
    """One quantity of all scenarios.

    Attributes:
        key: stable name, as in `PlanRow`.
        label: of the row.
        cells: one a scenario.
    """

    key: str
    label: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Board:
    """Scenarios side by side.

    Attributes:
        columns: the scenarios.
        reference: index of the scenario with which the others are compared.
        rows: the quantities.
    """

    columns: tuple[Column, ...]
    reference: int
    rows: tuple[BoardRow, ...]


def board(columns: Sequence[Column], reference: int) -> Board:
    """Return scenarios side by side, compared with one of them.

    Args:
        columns: the scenarios, at least one.
        reference: index of the scenario with which the others are compared; if it has no plan, nothing is compared.
    """
    base = columns[reference].plan
    plans = [None if column.plan is None else _rows(column.plan) for column in columns]
    labels = next(({key: row.label for key, row in each.items()} for each in plans if each is not None), {})
    labels |= optimal_labels([column.plan for column in columns if column.plan is not None])
    rows = tuple(
        BoardRow(
            key,
            labels.get(key, key),
            tuple(
                _cell(key, each, column.plan, plans[reference], base)
                for each, column in zip(plans, columns, strict=True)
            ),
        )
        for key in _KEYS
    )
    return Board(tuple(columns), reference, rows)


def _rows(plan: Plan) -> dict[str, PlanRow]:
    counting = PlanRow("budget", "counting", _("counting"), plan.convention, None, None, plan.convention, "", "")
    return {"counting": counting} | end_rows(plan)


def _cell(
    key: str, rows: dict[str, PlanRow] | None, plan: Plan | None, others: dict[str, PlanRow] | None, base: Plan | None
) -> Cell:
    """Return the cell of a quantity of `plan`, compared with `base`."""
    if rows is None or plan is None:
        return Cell("")
    row = rows[key]
    number = isinstance(row.value, float | int) or row.text == UNKNOWN
    if others is None or base is None or UNKNOWN in (row.text, others[key].text):
        return Cell(row.text, number=number)
    if key in _BY_COUNTING and plan.convention != base.convention:
        return Cell(row.text, _(OTHER_COUNT), number=True)
    if key == "loss" and plan.law_id != base.law_id:
        return Cell(row.text, _(OTHER_LAW), number=True)
    return Cell(row.text, difference(row, others[key]), number)


def difference(row: PlanRow, reference: PlanRow) -> str:
    """Return an arrow and the ratio of a quantity to the reference's; for a loss, the difference."""
    if row.value == reference.value:
        return SAME
    if not isinstance(row.value, float | int) or not isinstance(reference.value, float | int):
        return OTHER
    form: Callable[[float], str]
    if row.key == "loss":
        change, form = row.value - reference.value, lambda v: f"{v:+.3f}"
        nothing = form(0.0)
    else:
        # Every quantity of a plan is above zero.
        change, form = row.value / reference.value - 1, lambda v: f"×{v + 1:.3g}"
        nothing = form(0.0)
    text = form(change)
    if text.lstrip("+-") == nothing.lstrip("+"):
        return ABOUT
    return f"{MORE if change > 0 else LESS} {text}"

"""Rows of a comparison of the laws as text, which every face shows."""

from collections.abc import Iterable
from dataclasses import dataclass

from budgetscope.core.answers.comparison import Comparison
from budgetscope.core.answers.comparison import Row as LawRow
from budgetscope.core.answers.recipe_choice import PAIR
from budgetscope.core.budget.quantities import format_count, format_usd
from budgetscope.core.language import N_, _
from budgetscope.report.recipe_words import two_digits
from budgetscope.report.rows import UNKNOWN, format_ratio
from budgetscope.report.words import Form, sentences


@dataclass(frozen=True, slots=True)
class ComparisonRow:
    """One law's row of a comparison as text, with the numbers in `row`."""

    row: LawRow
    title: str
    n_params: str
    tokens: str
    tokens_per_param: str
    learning_rate: str
    batch: str
    loss_difference: str
    wasted: str
    chosen: bool


OUTLIER_SIGN = "!"
COMPARISON_HEADER = (N_("law"), "N", "D", "D/N", N_("lr"), N_("batch"), N_("d-loss"), N_("waste"))
ABLATIONS_TITLE = N_("Steps of Porian et al.'s argument and examples, not recommendations")


def comparison_note(comparison: Comparison) -> str:
    """Return the convention of N, the meaning of the costs, the law that gives them, and the meaning of a mark."""
    told = _(
        "N and D are the optimum of each law by the {convention} count; the shape to build is near it. d-loss and "
        "waste (deadweight compute: what a smaller budget would have saved for the same loss) by {law}."
    ).format(convention=comparison.convention, law=comparison.law_id)
    return sentences((told, outlier_note(comparison.rows)))


def outlier_note(rows: Iterable[LawRow]) -> str:
    """Return what the mark of an outlier means; empty where none is among the rows."""
    told = _("{sign} marks a law that leaves the range of the plan's recipe.").format(sign=OUTLIER_SIGN)
    return told if any(row.outliers for row in rows) else ""


def recipe_cells(row: LawRow) -> tuple[str, str]:
    """Return learning rate and batch of a row, marked where the law leaves the range of the plan's recipe."""
    cells = _or_unknown(row.learning_rate, two_digits), _or_unknown(row.batch_tokens, format_count)
    rate, batch = (
        f"{OUTLIER_SIGN} {cell}" if role in row.outliers and cell != UNKNOWN else cell
        for role, cell in zip(PAIR, cells, strict=True)
    )
    return rate, batch


def comparison_rows(comparison: Comparison) -> tuple[ComparisonRow, ...]:
    """Return the rows of a comparison as text."""
    return tuple(
        ComparisonRow(
            row=row,
            title=row.title,
            n_params=_or_unknown(row.n_params, format_count),
            tokens=_or_unknown(row.tokens, format_count),
            tokens_per_param=_or_unknown(row.tokens_per_param, format_ratio),
            learning_rate=rate,
            batch=batch,
            loss_difference=_or_unknown(row.loss_difference, lambda v: f"{v:+.4f}"),
            wasted=waste_text(row.wasted_share, row.wasted_usd),
            chosen=row.fit_id == comparison.law_id,
        )
        for row in comparison.rows
        for rate, batch in (recipe_cells(row),)
    )


def waste_text(share: float | None, usd: float | None) -> str:
    """Return a share of the budget that is wasted, with its dollars where it is large enough to name them."""
    if share is None:
        return UNKNOWN
    if usd is None or share < _LEAST_WASTED:
        return f"{share:.1%}"
    return f"{share:.1%} = {format_usd(usd)}"


_LEAST_WASTED = 5e-4
"""Share of the compute that does not round to nothing."""


def _or_unknown(value: float | None, form: Form) -> str:
    return UNKNOWN if value is None else form(value)

"""What accepting the fit of a calibration changes at the user's budget, in words."""

from collections.abc import Sequence

from budgetscope.core.answers.comparison import Row
from budgetscope.core.answers.plan import Plan
from budgetscope.core.budget.quantities import format_usd
from budgetscope.core.language import N_, _
from budgetscope.report.rows import plan_rows

_CHANGED = ("n_params", "tokens", "loss", "learning_rate", "batch_tokens")
"""Keys of the rows of a plan that are compared."""

CHANGE_HEADER = ("", N_("before"), N_("after"))


def change_rows(before: Plan, after: Plan) -> list[tuple[str, str, str]]:
    """Return what changes at the user's budget, under `CHANGE_HEADER`: N, D, loss, learning rate and batch."""
    old, new = ({row.key: row for row in plan_rows(plan)} for plan in (before, after))
    return [
        (
            _("your {quantity}").format(quantity=new[key].label),
            old[key].text,
            f"{new[key].text} {new[key].interval}".rstrip(),
        )
        for key in _CHANGED
        if key in old and key in new
    ]


def cost_sentences(before: str, after: str, costs: Sequence[Row | None]) -> list[str]:
    """Return what following either law costs if the other is right, one sentence each.

    Args:
        before: id of the law in use.
        after: id of the fit.
        costs: of following the fit by the law in use, and of keeping the law in use by the fit; None where unknown.
    """
    told = (
        (before, _("If {law} is right, following the new law costs {cost}.")),
        (after, _("If {law} is right, keeping the old law costs {cost}.")),
    )
    return [
        sentence.format(law=right, cost=_cost(row)) for (right, sentence), row in zip(told, costs, strict=True) if row
    ]


def _cost(row: Row) -> str:
    loss = f"{row.loss_difference:+.4f}"
    if row.wasted_share is None:
        return _("{loss} nats a token").format(loss=loss)
    share = f"{row.wasted_share:.1%}"
    if row.wasted_usd is None:
        return _("{loss} nats a token, {share} of the compute").format(loss=loss, share=share)
    return _("{loss} nats a token, {share} of the compute = {usd}").format(
        loss=loss, share=share, usd=format_usd(row.wasted_usd)
    )


def way_back(before: str, after: str) -> str:
    """Return the command that takes an acceptance back: to the law before, or to the fit of the same id before."""
    return f"budgetscope fits undo {after}" if before == after else f"budgetscope fits use {before}"

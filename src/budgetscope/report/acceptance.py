"""What accepting the fit of a calibration changes at the user's budget, in words."""

from collections.abc import Sequence

from budgetscope.core.answers.comparison import Row
from budgetscope.core.answers.plan import Plan
from budgetscope.core.budget.quantities import format_count, format_usd
from budgetscope.core.language import N_, _
from budgetscope.core.laws.fit import Fit
from budgetscope.report.rows import PlanRow, end_rows
from budgetscope.report.words import counted, valued

_CHANGED = ("n_params", "tokens", "loss", "cost_usd", "learning_rate", "batch_tokens")
"""Keys of the rows of a plan that are compared."""

CHANGE_HEADER = ("", N_("before"), N_("after"))


def change_rows(before: Plan, after: Plan) -> list[tuple[str, str, str]]:
    """Return what changes at the user's budget, under `CHANGE_HEADER`: N, D, loss, cost, learning rate and batch.

    The range of the cost is left out: it is that of prices, which no law changes.
    """
    old, new = (end_rows(plan) for plan in (before, after))
    was, will = _counts(before, after)
    return [
        (_("your {quantity}").format(quantity=new[key].label), _changed(old[key], was), _changed(new[key], will))
        for key in _CHANGED
        if key in old and key in new
    ]


def _changed(row: PlanRow, counting: str) -> str:
    """Return a value with its interval, and N with how it is counted."""
    text = row.text if row.key == "cost_usd" else f"{row.text} {row.interval}".rstrip()
    return valued(text, counting if row.key == "n_params" else "")


def exponent_note(fit: Fit) -> list[str]:
    """Return why a calibration can know N better than its few decades of runs would, in at most one sentence."""
    own, published, combined = (fit.provenance.get(f"exponent_{part}") for part in ("own", "published", "combined"))
    if own is None or published is None or combined is None:
        return []
    told = _(
        "The interval of N by {law} is that of an exponent combined with published laws, {combined}: its own runs "
        "alone say {own}, published laws {published}."
    )
    own, published = (f"{text.partition(']')[0]}]" for text in (own, published))
    return [told.format(law=fit.id, combined=combined, own=own, published=published)]


def change_notes(before: Plan, after: Plan, fit: Fit, *, one_tokenizer: bool) -> list[str]:
    """Return what to know before another law is followed, one sentence each.

    Args:
        before: by the law in use.
        after: by the other law.
        fit: the other law.
        one_tokenizer: whether both losses are a token of the same tokenizer.
    """
    notes = [caution.text for caution in after.cautions if caution.code == "ablation"]
    losses = before.loss is not None and after.loss is not None
    if losses and one_tokenizer and before.law_id != after.law_id:
        notes.append(_("Each loss is by its own law: the two do not tell which law is better."))
    return notes + exponent_note(fit)


def cost_sentences(before: str, after: str, costs: Sequence[Row | None]) -> list[str]:
    """Return what following either law costs if the other is right, one sentence each.

    Args:
        before: id of the law in use.
        after: id of the fit.
        costs: of following the fit by the law in use, and of keeping the law in use by the fit; None where unknown.
    """
    following = _("If {law} is right, following the new law costs {cost}.")
    keeping = _("If {law} is right, keeping the old law costs {cost}.")
    asked = zip((following, keeping), (before, after), costs, strict=True)
    return [text.format(law=law, cost=_cost(row)) for text, law, row in asked if row]


def _cost(row: Row) -> str:
    loss = f"{row.loss_difference:+.4f}"
    if row.wasted_share is None:
        return _("{loss} nats a token").format(loss=loss)
    share = f"{row.wasted_share:.1%}"
    if row.wasted_usd is None:
        return _("{loss} nats a token, {share} of the compute").format(loss=loss, share=share)
    dollars = format_usd(row.wasted_usd)
    return _("{loss} nats a token, {share} of the compute = {dollars}").format(loss=loss, share=share, dollars=dollars)


def law_question(fit: Fit, before: str, *, default: bool) -> str:
    """Return the question before a law is changed.

    Args:
        fit: the other law, or the recipe where it has no law for N and D.
        before: id of what it replaces; empty if unknown.
        default: whether the default is changed, or one plan only.
    """
    if fit.allocation is None:
        text = _("Make {fit} the default recipe, in place of {before}?")
    elif default:
        text = _("Make {fit} the default law, in place of {before}?")
    else:
        text = _("Follow {fit} in this plan, in place of {before}?")
    return text.format(fit=fit.id, before=before or _("none"))


def law_named(law: str) -> str:
    """Return what to know before the default changes under a plan that names its own law."""
    return _("This plan names its law, {law}, and keeps it; plans that name none change.").format(law=law)


def followed_sentence(law: str, before: Plan | None, after: Plan | None) -> str:
    """Return what a change of the law did to the plan; a plan is None where there is none."""
    if before is None or after is None:
        return _("{law} is followed.").format(law=law)
    was, will = (
        valued(format_count(plan.n_params.value), count)
        for plan, count in zip((before, after), _counts(before, after), strict=True)
    )
    return _("{law} is followed: N {before} → {after}.").format(law=law, before=was, after=will)


def way_back(before: str, after: str) -> str:
    """Return the command that takes an acceptance back: to the law before, or to the fit of the same id before."""
    return f"budgetscope fits undo {after}" if before == after else f"budgetscope fits use {before}"


def _counts(before: Plan, after: Plan) -> tuple[str, str]:
    """Return how either plan counts N; empty where both count alike."""
    if before.convention == after.convention:
        return "", ""
    return counted(before.convention), counted(after.convention)

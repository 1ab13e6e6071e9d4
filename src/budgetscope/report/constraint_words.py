"""What the constraints of a plan cost, in words."""

from budgetscope.core.answers.constraints import Price
from budgetscope.core.budget.quantities import format_flops, format_usd
from budgetscope.core.language import _
from budgetscope.report.words import Form, listed, valued


def added_loss(loss: float) -> str:
    """Return the loss that a constraint adds."""
    return f"{loss:+.3f}" if abs(loss) >= _LEAST_SHOWN else "0"


def added_cost(price: Price) -> str:
    """Return the compute and dollars that a constraint adds, in words."""
    if price.lifetime_flops is not None:
        if not price.training_flops:
            return _("changes nothing: no smaller model of the same loss is cheaper over its life")
        saved = _amount(format_flops(abs(price.lifetime_flops)), price.lifetime_usd, lambda usd: format_usd(abs(usd)))
        told = _("{flops} FLOPs more to train; saves {saved} over its life, served at this MFU")
        return told.format(flops=format_flops(price.training_flops), saved=saved)
    parts = []
    if price.wasted_flops:
        wasted = _amount(
            _signed(price.wasted_flops, format_flops), price.wasted_usd, lambda usd: _signed(usd, format_usd)
        )
        parts.append(_("{flops} of deadweight").format(flops=wasted))
    if price.training_flops < -_UNSPENT * price.budget_flops:
        left = _amount(_signed(price.training_flops, format_flops), None, format_usd)
        parts.append(_("{flops} of the budget").format(flops=left))
    return listed(parts) or _("costs nothing")


def _amount(flops: str, usd: float | None, form: Form) -> str:
    """Return FLOPs with their dollars, where these are known."""
    return valued(_("{flops} FLOPs").format(flops=flops), "" if usd is None else form(usd))


_LEAST_SHOWN = 5e-4
"""Loss that rounds to more than nothing."""
_UNSPENT = 0.05
"""Share of the budget that a run may leave unsaid: models differ in the FLOPs of attention."""


def _signed(value: float, form: Form) -> str:
    return f"{'-' if value < 0 else '+'}{form(abs(value))}"

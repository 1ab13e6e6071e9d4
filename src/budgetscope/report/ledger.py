"""Rows of a ledger: parameters and FLOPs of a shape, by counting convention."""

from budgetscope.core.counting.ledger import Count
from budgetscope.core.language import N_

LEDGER_HEADER = (N_("counting"), N_("parameters"), N_("FLOPs a token"), N_("last layer"))


def ledger_cells(count: Count) -> tuple[str, ...]:
    """Return the row of one convention, under `LEDGER_HEADER`."""
    return (str(count.convention), f"{count.n_params:,}", f"{count.flops_per_token:,.0f}", f"{count.head_share:.1%}")

"""The one facade: every face asks here and shows what comes back.

>>> from budgetscope.api import PlanRequest, plan
>>> round(plan(PlanRequest("1e21")).n_params.value / 1e9, 1)
3.2
"""

from budgetscope.api.advisor import Advisor
from budgetscope.api.export import EXPORT_FORMATS, write_export
from budgetscope.api.request import PlanRequest, command, request_of, said
from budgetscope.api.runs import FitChoices, Fitted, Reading, Scored
from budgetscope.core.answers.comparison import Comparison
from budgetscope.core.answers.explanation import Explanation
from budgetscope.core.answers.plan import Plan
from budgetscope.core.counting.ledger import Convention


def plan(request: PlanRequest) -> Plan:
    """Return the plan for a budget, by this user's fits and settings; see `Advisor.plan`."""
    return Advisor().plan(request)


def compare(request: PlanRequest) -> Comparison:
    """Return every law's answer to a budget; see `Advisor.compare`."""
    return Advisor().compare(request)


def explain(request: PlanRequest) -> Explanation:
    """Return why the laws disagree at a budget; see `Advisor.explain`."""
    return Advisor().explain(request)


__all__ = [
    "EXPORT_FORMATS",
    "Advisor",
    "Comparison",
    "Convention",
    "Explanation",
    "FitChoices",
    "Fitted",
    "Plan",
    "PlanRequest",
    "Reading",
    "Scored",
    "command",
    "compare",
    "explain",
    "plan",
    "request_of",
    "said",
    "write_export",
]

"""The facade of budgetscope: what the command line and the app use, and anybody else may.

>>> from budgetscope.api import PlanRequest, plan
>>> round(plan(PlanRequest("1e21")).n_params.value / 1e9, 1)
3.2

Each name of `__all__` is imported when it is first used, so that the options of a command cost no planner.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from budgetscope.api.ask import Advisor, AnsweredRequest
    from budgetscope.api.export import EXPORT_FORMATS, write_export
    from budgetscope.api.ledger import count
    from budgetscope.api.request import PlanRequest, command, request_of, said
    from budgetscope.api.runs import FitChoices, Fitted, RunsSource, Scored
    from budgetscope.core.answers.comparison import Comparison
    from budgetscope.core.answers.explanation import Explanation
    from budgetscope.core.answers.plan import Plan
    from budgetscope.core.counting.ledger import Convention


def plan(request: "PlanRequest") -> "Plan":
    """Return the plan for a budget, by this user's fits and settings; see `Advisor.answer`."""
    from budgetscope.api.ask import Advisor  # noqa: PLC0415

    return Advisor().answer(request).plan


def compare(request: "PlanRequest") -> "Comparison":
    """Return every law's answer to a budget; see `Advisor.compare`."""
    from budgetscope.api.ask import Advisor  # noqa: PLC0415

    advisor = Advisor()
    return advisor.compare(advisor.answer(request))


def explain(request: "PlanRequest") -> "Explanation":
    """Return why the laws disagree at a budget; see `Advisor.explain`."""
    from budgetscope.api.ask import Advisor  # noqa: PLC0415

    advisor = Advisor()
    return advisor.explain(advisor.answer(request))


__all__ = [
    "EXPORT_FORMATS",
    "Advisor",
    "AnsweredRequest",
    "Comparison",
    "Convention",
    "Explanation",
    "FitChoices",
    "Fitted",
    "Plan",
    "PlanRequest",
    "RunsSource",
    "Scored",
    "command",
    "compare",
    "count",
    "explain",
    "plan",
    "request_of",
    "said",
    "write_export",
]

if not TYPE_CHECKING:  # A type checker refuses the names that `__all__` lacks.
    _NAMES = {
        "budgetscope.api.ask": ("Advisor", "AnsweredRequest"),
        "budgetscope.api.export": ("EXPORT_FORMATS", "write_export"),
        "budgetscope.api.ledger": ("count",),
        "budgetscope.api.request": ("PlanRequest", "command", "request_of", "said"),
        "budgetscope.api.runs": ("FitChoices", "Fitted", "RunsSource", "Scored"),
        "budgetscope.core.answers.comparison": ("Comparison",),
        "budgetscope.core.answers.explanation": ("Explanation",),
        "budgetscope.core.answers.plan": ("Plan",),
        "budgetscope.core.counting.ledger": ("Convention",),
    }
    _HOMES = {name: home for home, names in _NAMES.items() for name in names}

    def __getattr__(name: str) -> object:
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib import import_module  # noqa: PLC0415

        found = getattr(import_module(_HOMES[name]), name)
        globals()[name] = found
        return found

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})

"""The facade of budgetscope, used by the command line, the app and notebooks.

>>> from budgetscope.api import PlanRequest, plan
>>> round(plan(PlanRequest("1e21")).n_params.value / 1e9, 1)
3.2

Each name of `__all__` is imported at its first use, so that `--help` does not import the planner.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from budgetscope.api.ask import Advisor, AnsweredRequest
    from budgetscope.api.export import (
        EXPORT_FORMATS,
        check_export,
        format_of,
        is_report,
        link_between,
        write_export,
    )
    from budgetscope.api.ledger import count
    from budgetscope.api.pictures import check_figures_folder, write_figures
    from budgetscope.api.recipes import check_recipe_folder, refuse_format, write_recipe
    from budgetscope.api.request import PlanRequest, command, from_record, to_record
    from budgetscope.api.runs import FitChoices, Fitted, RunsSource, Scored
    from budgetscope.api.scenario_report import scenarios_export
    from budgetscope.core.answers.comparison import Comparison
    from budgetscope.core.answers.explanation import Explanation
    from budgetscope.core.answers.plan import Plan
    from budgetscope.core.counting.ledger import Convention


def plan(request: "PlanRequest") -> "Plan":
    """Return the plan for a request, with the user's fits and settings; see `Advisor.answer`."""
    from budgetscope.api.ask import Advisor  # noqa: PLC0415

    return Advisor().answer(request).plan


def compare(request: "PlanRequest") -> "Comparison":
    """Return the comparison of all laws for a request; see `Advisor.compare`."""
    from budgetscope.api.ask import Advisor  # noqa: PLC0415

    advisor = Advisor()
    return advisor.compare(advisor.answer(request, alone=True))


def explain(request: "PlanRequest") -> "Explanation":
    """Return the explanation why Kaplan and Chinchilla disagree, for a request; see `Advisor.explain`."""
    from budgetscope.api.ask import Advisor  # noqa: PLC0415

    advisor = Advisor()
    return advisor.explain(advisor.answer(request, alone=True))


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
    "check_export",
    "check_figures_folder",
    "check_recipe_folder",
    "command",
    "compare",
    "count",
    "explain",
    "format_of",
    "from_record",
    "is_report",
    "link_between",
    "plan",
    "refuse_format",
    "scenarios_export",
    "to_record",
    "write_export",
    "write_figures",
    "write_recipe",
]

if not TYPE_CHECKING:  # Hidden from type checkers, which would otherwise accept any name.
    _NAMES = {
        "budgetscope.api.ask": ("Advisor", "AnsweredRequest"),
        "budgetscope.api.export": (
            "EXPORT_FORMATS",
            "check_export",
            "format_of",
            "is_report",
            "link_between",
            "write_export",
        ),
        "budgetscope.api.ledger": ("count",),
        "budgetscope.api.pictures": ("check_figures_folder", "write_figures"),
        "budgetscope.api.recipes": ("check_recipe_folder", "refuse_format", "write_recipe"),
        "budgetscope.api.request": ("PlanRequest", "command", "from_record", "to_record"),
        "budgetscope.api.runs": ("FitChoices", "Fitted", "RunsSource", "Scored"),
        "budgetscope.api.scenario_report": ("scenarios_export",),
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

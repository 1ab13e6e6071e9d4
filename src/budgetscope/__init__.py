"""budgetscope: from a compute budget to a pretraining plan, by the scaling laws.

>>> import budgetscope as bs
>>> bs.plan("1e21").n_params.value
3228003695.6642427

Each name of `__all__` is imported when it is first used: `import budgetscope` imports nothing else.
"""

from budgetscope._version import __version__

TYPE_CHECKING = False
if TYPE_CHECKING:
    from budgetscope.api.notebook.calls import (
        audit,
        compare,
        count,
        explain,
        export,
        fit,
        fits,
        load,
        machines,
        memory,
        plan,
        recipe,
        value,
        whatif,
    )
    from budgetscope.api.request import PlanRequest
    from budgetscope.core.errors import FailureError, UsageError

__all__ = [
    "FailureError", "PlanRequest", "UsageError", "__version__", "audit", "compare", "count", "explain", "export", "fit",
    "fits", "load", "machines", "memory", "plan", "recipe", "value", "whatif",
]  # fmt: skip

if not TYPE_CHECKING:  # A type checker refuses the names that `__all__` lacks.
    _HOMES = {
        "FailureError": "budgetscope.core.errors",
        "UsageError": "budgetscope.core.errors",
        "PlanRequest": "budgetscope.api.request",
    }

    def __getattr__(name: str) -> object:
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib import import_module  # noqa: PLC0415 - `import budgetscope` stays as fast as it can be

        found = getattr(import_module(_HOMES.get(name, "budgetscope.api.notebook.calls")), name)
        globals()[name] = found
        return found

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})

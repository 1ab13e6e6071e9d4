"""The functions of `import budgetscope`: each asks the api once and returns a result that shows itself."""

import inspect
from collections.abc import Callable
from functools import wraps
from os import PathLike, fspath
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, Unpack

from budgetscope.api import runs as _runs
from budgetscope.api.ask import Advisor, AnsweredRequest
from budgetscope.api.fields import WHOLE, Field, fields_of
from budgetscope.api.ledger import count as _count
from budgetscope.api.notebook.options import (
    CALIBRATION,
    FitOptions,
    RequestOptions,
    check_names,
    fit_of,
    request_of,
    value_of,
)
from budgetscope.api.notebook.results import (
    NotebookComparison,
    NotebookExplanation,
    NotebookFit,
    NotebookFits,
    NotebookLedger,
    NotebookPlan,
)
from budgetscope.api.request import PlanRequest
from budgetscope.core.counting.ledger import Ledger

if TYPE_CHECKING:
    from budgetscope.api.notebook.valuation import NotebookValuation

Budget = str | float | PlanRequest
F = TypeVar("F", bound=Callable[..., object])
P = ParamSpec("P")


def _with_options(names: tuple[str, ...]) -> Callable[[F], F]:
    """Name a function's options one by one in the signature that a notebook shows and completes."""

    def decorate(function: F) -> F:
        shown = inspect.signature(function)
        stated = [each for each in shown.parameters.values() if each.kind is not inspect.Parameter.VAR_KEYWORD]
        options = [inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None) for name in names]
        function.__signature__ = shown.replace(parameters=[*stated, *options])  # type: ignore[attr-defined]
        return function

    return decorate


def _options(verb: str) -> tuple[str, ...]:
    return tuple(field.name for field in fields_of(verb)[1:])


def _answer(advisor: Advisor, verb: str, budget: Budget, options: RequestOptions) -> AnsweredRequest:
    request, held = request_of(verb, budget, options)
    fits: dict[str, Any] = {name: fit.stored() if isinstance(fit, NotebookFit) else fit for name, fit in held.items()}
    return advisor.answer(request, **fits)


@_with_options(_options("plan"))
def plan(budget: Budget, **options: Unpack[RequestOptions]) -> NotebookPlan:
    """Return what to train with a budget, as `budgetscope plan` prints it.

    Args:
        budget: a text such as "64 H100 for 14 days" or "loss 2.6", a number of FLOPs, or a `PlanRequest`.
        **options: the options of the command; `law` and `hyperparameters` take an id, the path of a fit file, or a fit.

    Raises:
        UsageError: an option or the budget is not understood, or cannot be planned with.
        FailureError: a file is broken, or a fit in use gives no usable numbers.
    """
    return NotebookPlan.of(_answer(Advisor(), "plan", budget, options))


@_with_options(_options("compare"))
def compare(budget: Budget, **options: Unpack[RequestOptions]) -> NotebookComparison:
    """Return every law's answer to a budget under one counting; arguments and refusals as of `plan`."""
    advisor = Advisor()
    answered = _answer(advisor, "compare", budget, options)
    return NotebookComparison.of(advisor.compare(answered), answered)


@_with_options(_options("explain"))
def explain(budget: Budget, **options: Unpack[RequestOptions]) -> NotebookExplanation:
    """Return why Kaplan and Chinchilla disagree, step by step, at a budget; arguments and refusals as of `plan`."""
    advisor = Advisor()
    return NotebookExplanation.of(advisor.explain(_answer(advisor, "explain", budget, options)))


@_with_options(_options("value"))
def value(budget: Budget, *, calibration: float | str, **options: Unpack[RequestOptions]) -> "NotebookValuation":
    """Return how much better N would be known after more calibration, and what that is worth.

    Args:
        budget: as of `plan`.
        calibration: the share of the budget to spend on it: "2%" or 0.02.
        **options: the options of `budgetscope value`, as of `plan`.

    Raises:
        UsageError: as `plan`; or the law keeps no points with draws, or the share pays for too little.
        FailureError: as `plan`.
    """
    from budgetscope.api.notebook.valuation import NotebookValuation  # noqa: PLC0415 - NumPy

    advisor, share = Advisor(), value_of(CALIBRATION, calibration)
    answered = _answer(advisor, "value", budget, options)
    return NotebookValuation.of(advisor.value(answered, share), answered)


@_with_options(tuple(FitOptions.__annotations__))
def fit(runs: object, **options: Unpack[FitOptions]) -> NotebookFit:
    """Fit laws to a table of training runs, as `budgetscope fit` does; nothing is stored without a `name`.

    Args:
        runs: the path of a file or of a TensorBoard folder, a pandas or polars DataFrame, or a dict of columns.
        **options: the options of the command; `mapping` and `where` are dicts.

    Raises:
        UsageError: the runs cannot be read or cannot carry the law, with the reason and the remedy.
        FailureError: a file cannot be read or written.
    """
    fitted = _runs.fit(Advisor(), *fit_of(runs, options))
    return NotebookFit.of(fitted.fit, fitted)


def fits() -> NotebookFits:
    """Return every stored fit.

    Raises:
        FailureError: a folder of fits or the settings cannot be read.
    """
    advisor = Advisor()
    return NotebookFits(advisor.entries, advisor.active_law, advisor.default_recipe)


def load(name: str | PathLike[str]) -> NotebookFit:
    """Return a stored fit by its id, or from a file when the name ends in `.json`.

    Raises:
        UsageError: there is none of that id.
        FailureError: its file is broken.
    """
    return NotebookFit.of(Advisor().fit_library.get(fspath(name)))


def _shown(function: Callable[P, Ledger]) -> Callable[P, NotebookLedger]:
    """Let a function that counts take whole numbers as texts, and return a ledger that shows itself."""
    parameters = inspect.signature(function).parameters
    whole = {
        name: Field(name=name, help="", kind=WHOLE)
        for name, each in parameters.items()
        if each.annotation in (int, int | None)
    }

    @wraps(function)
    def call(*args: P.args, **options: P.kwargs) -> NotebookLedger:
        check_names("count", options, parameters)
        read: Any = {name: value_of(whole[name], given) if name in whole else given for name, given in options.items()}
        return NotebookLedger.of(function(*args, **read))

    return call


count = _shown(_count)

"""The functions of `import budgetscope`; their results have a notebook display."""

import inspect
from collections.abc import Callable
from functools import wraps
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, Unpack, cast

from budgetscope.api import runs as _runs
from budgetscope.api.ask import Advisor, AnsweredRequest
from budgetscope.api.fields import BY_NAME, SERVED, SIZE, fields_of
from budgetscope.api.language import in_language
from budgetscope.api.ledger import count as _count
from budgetscope.api.notebook.layouts import NotebookLayouts
from budgetscope.api.notebook.machines import NotebookMachines
from budgetscope.api.notebook.options import (
    CALIBRATION,
    NAME,
    OUTPUT,
    AuditKeywords,
    CountOptions,
    FitOptions,
    RequestOptions,
    count_of,
    fit_of,
    flag_of,
    request_of,
    text_of,
    value_of,
)
from budgetscope.api.notebook.recipe import NotebookRecipe
from budgetscope.api.notebook.remedies import refused_in_python
from budgetscope.api.notebook.results import (
    NotebookComparison,
    NotebookExplanation,
    NotebookFit,
    NotebookFits,
    NotebookLedger,
    NotebookPlan,
)
from budgetscope.api.notebook.whatif import NotebookWhatIf
from budgetscope.api.request import PlanRequest
from budgetscope.core.errors import UsageError
from budgetscope.core.laws.fit import Fit

if TYPE_CHECKING:
    from budgetscope.api.notebook.audit import NotebookAudit
    from budgetscope.api.notebook.valuation import NotebookValuation
    from budgetscope.api.take_away import Taken

Budget = str | float | PlanRequest
F = TypeVar("F", bound=Callable[..., object])


def _with_options(names: tuple[str, ...]) -> Callable[[F], F]:
    """List a function's options in its signature, which notebooks show and complete; it refuses as Python does."""

    def decorate(function: F) -> F:
        shown = inspect.signature(function)
        stated = [each for each in shown.parameters.values() if each.kind is not inspect.Parameter.VAR_KEYWORD]
        options = [inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None) for name in names]
        call = refused_in_python(function)
        call.__signature__ = shown.replace(parameters=[*stated, *options])  # type: ignore[attr-defined]
        return cast("F", call)

    return decorate


def _options(verb: str) -> tuple[str, ...]:
    return tuple(field.name for field in fields_of(verb)[1:])


def _answer(advisor: Advisor, verb: str, budget: Budget, options: RequestOptions) -> AnsweredRequest:
    request, held = request_of(verb, budget, options)
    fits: dict[str, Any] = {name: fit.stored() if isinstance(fit, NotebookFit) else fit for name, fit in held.items()}
    return advisor.answer(request, **fits, alone=BY_NAME["params"] not in fields_of(verb))


@_with_options(_options("plan"))
def plan(budget: Budget, **options: Unpack[RequestOptions]) -> NotebookPlan:
    """Return the plan for a budget, as `budgetscope plan` does.

    Args:
        budget: a text such as "64 H100 for 14 days" or "loss 2.6", a number of FLOPs, or a `PlanRequest`.
        **options: the options of the command; `law` and `hyperparameters` take an id, the path of a fit file, or a fit.

    Raises:
        UsageError: an option or the budget is invalid or cannot be planned with.
        FailureError: a file is broken, or a fit in use gives no usable numbers.
    """
    return NotebookPlan.of(_answer(Advisor(), "plan", budget, options))


@_with_options(_options("compare"))
def compare(budget: Budget, **options: Unpack[RequestOptions]) -> NotebookComparison:
    """Return the comparison of all laws at a budget; arguments and errors as in `plan`."""
    advisor = Advisor()
    answered = _answer(advisor, "compare", budget, options)
    return NotebookComparison.of(advisor.compare(answered), answered)


@_with_options(_options("explain"))
def explain(budget: Budget, **options: Unpack[RequestOptions]) -> NotebookExplanation:
    """Return why Kaplan and Chinchilla disagree, in five steps, at a budget; arguments and errors as in `plan`."""
    advisor = Advisor()
    return NotebookExplanation.of(advisor.explain(_answer(advisor, "explain", budget, options)))


@_with_options(_options("machines"))
def machines(budget: Budget, **options: Unpack[RequestOptions]) -> NotebookMachines:
    """Return a plan's training on every device that can hold it; arguments and errors as in `plan`."""
    advisor = Advisor()
    answered = _answer(advisor, "machines", budget, options)
    return NotebookMachines.of(advisor.machines(answered), answered)


@_with_options(_options("whatif"))
def whatif(
    budget: Budget,
    *,
    size: float | str | None = None,
    served: float | str | None = None,
    **options: Unpack[RequestOptions],
) -> NotebookWhatIf:
    """Return another model size at the same budget, beside the optimum, as `budgetscope whatif` does.

    Args:
        budget: as in `plan`.
        size: N by the plan's count, such as "7B"; the optimum by default.
        served: tokens that the model will serve, such as "1T".
        **options: as in `plan`.

    Raises:
        UsageError: as in `plan`; or the size or the tokens are no such number.
        FailureError: as in `plan`.
    """
    advisor = Advisor()
    n_params, tokens = (
        None if given is None else value_of(of, given) for of, given in ((SIZE, size), (SERVED, served))
    )
    answered = _answer(advisor, "whatif", budget, options)
    return NotebookWhatIf.of(advisor.what_if(answered, n_params, tokens or 0.0), answered)


@_with_options(_options("recipe"))
def recipe(budget: Budget, **options: Unpack[RequestOptions]) -> NotebookRecipe:
    """Return a plan's recipe with the values of every law and the checkpoints; arguments and errors as in `plan`."""
    advisor = Advisor()
    answered = _answer(advisor, "recipe", budget, options)
    return NotebookRecipe.of(advisor.recipe_sheet(answered), answered)


@_with_options(_options("memory"))
def memory(budget: Budget, **options: Unpack[RequestOptions]) -> NotebookLayouts:
    """Return the layouts of a plan's model on its devices, and the bytes of each, as `budgetscope memory` does.

    Args:
        budget: as in `plan`.
        **options: as in `plan`.

    Raises:
        UsageError: as in `plan`; or the plan has no shape.
        FailureError: as in `plan`.
    """
    advisor = Advisor()
    answered = _answer(advisor, "memory", budget, options)
    return NotebookLayouts.of(advisor.memory(answered), answered)


@_with_options(_options("value"))
def value(
    budget: Budget, *, calibration: float | str | None = None, **options: Unpack[RequestOptions]
) -> "NotebookValuation":
    """Return the value of a calibration: the interval of N after it, and the compute that it saves.

    Args:
        budget: as in `plan`.
        calibration: a share of the budget beside the usual ones: "2%" or 0.02.
        **options: the options of `budgetscope value`, as in `plan`.

    Raises:
        UsageError: as in `plan`; or the law has no points with draws, or the share or the budget is too small for one.
        FailureError: as in `plan`.
    """
    from budgetscope.api.notebook.valuation import NotebookValuation  # noqa: PLC0415 - NumPy

    advisor, share = Advisor(), None if calibration is None else value_of(CALIBRATION, calibration)
    answered = _answer(advisor, "value", budget, options)
    return NotebookValuation.of(advisor.value(answered, share), answered)


@_with_options(_options("export"))
def export(
    budget: Budget,
    output: str | PathLike[str],
    *,
    format: str | None = None,  # noqa: A002 - as `--format`
    recipe: str | None = None,
    lang: str | None = None,
    force: bool = False,
    **options: Unpack[RequestOptions],
) -> "Taken":
    """Write a plan's report, its numbers or a trainer's recipe, as `budgetscope export` does; return what was written.

    Args:
        budget: as in `plan`.
        output: the file; for a recipe, the folder. `~` is the home folder.
        format: "html" or "md" for the report, "csv" or "json" for its numbers; by default the file's ending.
        recipe: the name of a trainer, such as "torchtitan", for its files of the run.
        lang: "en" or "ja"; by default the language in use, which is English.
        force: whether to overwrite what is there.
        **options: as in `plan`; a fit must be stored, since an export names the command that makes it again.

    Raises:
        UsageError: as in `plan`; or there is no such format, recipe or language; or something is there and `force` is
            false; or a fit is not stored as it is given.
        FailureError: as in `plan`; or nothing can be written there.
    """
    from budgetscope.api.take_away import check_place, form_of, full_path, take_away  # noqa: PLC0415 - a report

    advisor, path, overwrite = Advisor(), full_path(value_of(OUTPUT, output)), flag_of("force", force)
    form = form_of(text_of("format", format), text_of("recipe", recipe), path)
    check_place(form, path, overwrite=overwrite)
    with in_language(text_of("lang", lang)):
        answered = _answer(advisor, "export", budget, options)
        _require_stored(advisor, options)
        return take_away(advisor, answered, form, path, overwrite=overwrite)


def _require_stored(advisor: Advisor, options: RequestOptions) -> None:
    """Refuse a fit that the command in an export would not find, or would find with other laws."""
    for given in (options.get("law"), options.get("hyperparameters")):
        fit = given.stored() if isinstance(given, NotebookFit) else given
        if isinstance(fit, Fit) and fit not in advisor.fits:
            raise UsageError(
                f"the fit {fit.id} is not stored as it is given, and the command in an export would not find it; store "
                "it first, such as with fit.save('mine/lab')."
            )


@_with_options(tuple(AuditKeywords.__annotations__))
def audit(*paths: str | PathLike[str], **options: Unpack[AuditKeywords]) -> "NotebookAudit":
    """Return what is doubtful in runs that somebody planned or ran, and whether they compare, as `budgetscope audit`.

    Args:
        *paths: configurations of runs: files, or folders with the files of one run.
        **options: the options of the command, for what the files do not say.

    Raises:
        UsageError: a configuration is not known or malformed, or an option is unknown or has an invalid value.
        FailureError: a file cannot be read.
    """
    from budgetscope.api.notebook.audit import NotebookAudit, audit_of  # noqa: PLC0415 - others do not need it

    return NotebookAudit.read(tuple(map(Path, paths)), audit_of(options))


@_with_options(tuple(FitOptions.__annotations__))
def fit(runs: object, **options: Unpack[FitOptions]) -> NotebookFit:
    """Fit laws to a runs table, as `budgetscope fit` does; the fit is stored only if it has a `name`.

    Args:
        runs: the path of a file or of a TensorBoard folder, a pandas or polars DataFrame, or a dict of columns.
        **options: the options of the command; `mapping` and `where` are dicts.

    Raises:
        UsageError: the runs cannot be read or do not determine the law.
        FailureError: a file cannot be read or written.
    """
    fitted = _runs.fit(Advisor(), *fit_of(runs, options))
    return NotebookFit.of(fitted.fit, fitted)


@refused_in_python
def fits() -> NotebookFits:
    """Return all stored fits.

    Raises:
        FailureError: a folder of fits or the settings cannot be read.
    """
    advisor = Advisor()
    return NotebookFits(advisor.entries, advisor.active_law, advisor.default_recipe)


@refused_in_python
def load(name: str | PathLike[str]) -> NotebookFit:
    """Return a stored fit by its id, or from a file when the name ends in `.json`.

    Raises:
        UsageError: there is no fit of that id.
        FailureError: its file is broken.
    """
    return NotebookFit.of(Advisor().fit_library.get(value_of(NAME, name)))


@wraps(_count)
@refused_in_python
def count(**options: Unpack[CountOptions]) -> NotebookLedger:  # noqa: D103 - the text of `api.ledger.count`
    return NotebookLedger.of(_count(**count_of(options)))

"""The cautions of a plan, each with its text."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from budgetscope.core.budget.quantities import format_count, format_flops, format_hours
from budgetscope.core.counting.shapes import ShapeFamily
from budgetscope.core.laws.fit import CONFIDENCE, Fit, Range
from budgetscope.core.laws.hyperparameters import outside, predictors
from budgetscope.core.laws.intervals import Estimate
from budgetscope.core.laws.operating_point import OperatingPoint


@dataclass(frozen=True, slots=True)
class Caution:
    """A caution: one fact to know before relying on a plan.

    Attributes:
        code: stable name for programs, such as `extrapolated-allocation`.
        text: one sentence.
        fit_id: the fit in question; None when the caution is about the run.
    """

    code: str
    text: str
    fit_id: str | None = None


_NAMES = {
    "n_params": ("N", format_count),
    "tokens": ("D", format_count),
    "flops": ("C", format_flops),
    "tokens_per_param": ("D/N", lambda value: f"{value:.3g}"),
    "batch_tokens": ("the batch in tokens", format_count),
}

# Warmup and weight decay are left out: they are rules of thumb without a fitted range.
_SHOWN_OF_FIT = ("allocation", "loss_curve", "excess")
_SHOWN_OF_RECIPE = ("learning_rate", "batch_size", "beta2", "critical_batch_size")

_LONGEST_HOURS = 365 * 24.0

_ROLE_NAMES = {
    "allocation": "the N, D law",
    "surface": "the loss surface",
    "loss_curve": "the loss curve",
    "excess": "the law of excess loss",
    "learning_rate": "the learning-rate law",
    "batch_size": "the batch law",
    "beta2": "the beta2 rule",
    "critical_batch_size": "the critical-batch law",
}


def collect(
    fit: Fit,
    hyperparameters: Sequence[Fit],
    point: OperatingPoint,
    *,
    family: ShapeFamily,
    loss: float | None,
    recipe_sources: Mapping[str, str],
    batch_tokens: float,
    critical_batch_tokens: float | None,
    shape_missing: bool,
    vocab_size: int,
) -> tuple[Caution, ...]:
    """Return the cautions of a plan, the most severe first.

    Args:
        fit: the fit for N, D and loss.
        hyperparameters: the fits that the recipe follows.
        point: the optimum in the counting convention of `fit`.
        family: the shape family of the plan.
        loss: at the optimum; None without a law of it.
        recipe_sources: by role, the id of the fit that the recipe follows.
        batch_tokens: the recipe's batch.
        critical_batch_tokens: None without a law of it.
        shape_missing: whether the shape family ended before the optimum.
        vocab_size: of the plan's tokenizer.
    """
    by_id = {source.id: source for source in hyperparameters}
    followed = [(fit, role) for role in _roles_in_use(fit)]
    followed += [(by_id[source_id], role) for role, source_id in recipe_sources.items() if role in _SHOWN_OF_RECIPE]
    found = [*_extrapolated(followed, point, family, loss, batch_tokens), *_of_fit(fit, loss)]
    for source in dict.fromkeys(source.id for source, _ in followed if source is not fit):
        found += _flags(by_id[source])
    found += _doubtful_constants(followed)
    if critical_batch_tokens is not None and batch_tokens > critical_batch_tokens:
        found.append(
            Caution(
                "batch-beyond-critical",
                f"the batch of {format_count(batch_tokens)} tokens is {batch_tokens / critical_batch_tokens:.2g} "
                f"times the critical batch by {recipe_sources['critical_batch_size']}: so far up, more tokens a step "
                "hardly save steps.",
            )
        )
    if shape_missing:
        found.append(Caution("no-shape", "no shape is given: the shape family does not reach this size."))
    if fit.vocab_size is not None and vocab_size != fit.vocab_size:
        found.append(
            Caution(
                "other-tokenizer",
                f"{fit.id} was fitted with a vocabulary of {fit.vocab_size} and the plan has {vocab_size}: its "
                "loss, in nats a token, does not carry over, and D counts other tokens.",
                fit.id,
            )
        )
    return tuple(dict.fromkeys(found))


def of_interval(fit: Fit, n_params: Estimate) -> list[Caution]:
    """Return a caution if N lies outside its interval, as after a fit's parameters were edited by hand."""
    low, high = n_params.low, n_params.high
    if low is None or high is None or low <= n_params.value <= high:
        return []
    return [
        Caution(
            "interval-off",
            f"N lies outside its own interval: the draws of {fit.id} do not belong to its parameters, so that every "
            "interval here is wrong.",
            fit.id,
        )
    ]


def of_time(n_devices: float | None, hours: float | None) -> list[Caution]:
    """Return a caution if a run takes more than a year, or has no number of devices."""
    if n_devices is None or hours is None:
        return [Caution("no-count", "no number of devices is said, so that no time is given: add one (--gpus).")]
    if hours <= _LONGEST_HOURS:
        return []
    return [Caution("long-run", f"on {n_devices:,.4g} devices this takes {format_hours(hours)}: take more (--gpus).")]


def _roles_in_use(fit: Fit) -> list[str]:
    """Return the roles of the laws that a plan follows; the loss surface replaces missing ones."""
    roles = (role if role in fit.laws else "surface" for role in _SHOWN_OF_FIT)
    return [role for role in dict.fromkeys(roles) if role in fit.laws]


def _flags(fit: Fit) -> list[Caution]:
    return [Caution("fit-flag", f"{fit.id}: {flag}", fit.id) for flag in fit.flags]


def _of_fit(fit: Fit, loss: float | None) -> list[Caution]:
    found = []
    if fit.ablation:
        found.append(
            Caution(
                "ablation",
                f"{fit.id} is an argument's step or an example, not a recommendation: do not plan with it.",
                fit.id,
            )
        )
    if loss is None:
        found.append(
            Caution("no-loss", f"{fit.id} has no law of the loss: no loss, flat band or deadweight is given.", fit.id)
        )
    elif fit.schedule == "constant":
        found.append(
            Caution(
                "schedule-not-covered",
                f"the loss of {fit.id} is of runs at constant learning rate: the advised decay at the end lowers "
                "it further (by 0.11 to 0.12 nats at 2.56e19 FLOPs in Porian et al. 2024), which no law covers.",
                fit.id,
            )
        )
    return [*found, *_flags(fit)]


def _extrapolated(
    followed: Sequence[tuple[Fit, str]],
    point: OperatingPoint,
    family: ShapeFamily,
    loss: float | None,
    batch_tokens: float,
) -> list[Caution]:
    """Return the cautions of extrapolation, one for laws of a fit with the same predictor and range."""
    groups: dict[tuple[str, str, Range], tuple[float, list[str]]] = {}
    for fit, role in followed:
        law = fit.laws[role]
        factors = outside(law, predictors(fit, point, family, loss), batch_tokens)
        if factors:
            name, factor = max(factors.items(), key=lambda item: item[1])
            groups.setdefault((fit.id, name, law.fitted[name]), (factor, []))[1].append(role)
    cautions = []
    for (fit_id, name, span), (factor, roles) in groups.items():
        symbol, form = _NAMES[name]
        verb, their = ("is", "its") if len(roles) == 1 else ("are", "their")
        times = f"{float(f'{factor:.2g}'):,g} times"
        cautions.append(
            Caution(
                f"extrapolated-{roles[0].replace('_', '-')}",
                f"{_listed(roles)} of {fit_id} {verb} extrapolated {times} beyond {their} data "
                f"({symbol} from {form(span.low)} to {form(span.high)}).",
                fit_id,
            )
        )
    return cautions


def _doubtful_constants(followed: Sequence[tuple[Fit, str]]) -> list[Caution]:
    groups: dict[tuple[str, str], list[str]] = {}
    for fit, role in followed:
        confidence = fit.laws[role].confidence
        if confidence in ("V2", "MEM"):
            groups.setdefault((fit.id, confidence), []).append(role)
    return [
        Caution(
            "doubtful-constants",
            f"the constants of {_listed(roles)} of {fit_id} were {CONFIDENCE[confidence]}.",
            fit_id,
        )
        for (fit_id, confidence), roles in groups.items()
    ]


def _listed(roles: Sequence[str]) -> str:
    *head, last = (_ROLE_NAMES[role] for role in roles)
    return f"{', '.join(head)} and {last}" if head else last

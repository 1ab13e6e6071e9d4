"""The cautions of a plan, each with its text."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum

from budgetscope.core.budget.quantities import format_count, format_ends, format_factor, format_flops, format_hours
from budgetscope.core.counting.shapes import ShapeFamily
from budgetscope.core.language import N_, _, ngettext
from budgetscope.core.laws.fit import CONFIDENCE, Fit, Range
from budgetscope.core.laws.hyperparameters import outside, predictors
from budgetscope.core.laws.intervals import Estimate, Kind
from budgetscope.core.laws.operating_point import OperatingPoint
from budgetscope.core.laws.repetition import WORTHWHILE_EPOCHS
from budgetscope.core.stored_words import stored_text
from budgetscope.core.wording import all_of


class Level(IntEnum):
    """How much a caution matters to who decides."""

    DECISION = 1
    """It could change the decision."""
    KNOW = 2
    """It is good to know."""
    SMALL_PRINT = 3
    """It is for who checks the sources."""


@dataclass(frozen=True, slots=True)
class Caution:
    """A caution: one fact to know before relying on a plan.

    Attributes:
        code: stable name for programs, such as `extrapolated-allocation`.
        text: one sentence.
        fit_id: the fit in question; None when the caution is about the run.
        level: how much it matters; `ranked` sets it.
    """

    code: str
    text: str
    fit_id: str | None = None
    level: Level = Level.KNOW


NO_LAYOUT = "no-layout"
"""Code of the caution that the model fits the devices in no layout."""

MOST_DECISIVE = 3
"""Cautions of the first level in a plan, at most: more than three are no headline."""

_DECISIVE = (
    NO_LAYOUT, "idle-devices", "interval-off", "ablation", "far-from-optimum", "repeated-data", "no-shape", "no-count",
    "long-run", "late-at-low-mfu", "other-tokenizer", "extrapolated-allocation", "extrapolated-surface", "mixed-recipe",
    "recipe-on-edge", "extrapolated-learning-rate", "batch-beyond-critical",
)  # fmt: skip
"""What can change N, D, the recipe or whether to train at all, the gravest first."""
_SMALL_PRINT = ("shape-off-band", "doubtful-constants", "extrapolated-beta2", "extrapolated-critical-batch-size")


def ranked(cautions: Iterable[Caution]) -> tuple[Caution, ...]:
    """Return the cautions of a plan without repeats, with their levels, the gravest first."""

    def level(caution: Caution) -> Level:
        if caution.code in _DECISIVE:
            return Level.DECISION
        return Level.SMALL_PRINT if caution.code in _SMALL_PRINT else Level.KNOW

    def rank(caution: Caution) -> tuple[int, int]:
        return level(caution), _DECISIVE.index(caution.code) if caution.code in _DECISIVE else 0

    found: list[Caution] = []
    for caution in sorted(dict.fromkeys(cautions), key=rank):
        crowded = len(found) >= MOST_DECISIVE and level(caution) == Level.DECISION
        found.append(replace(caution, level=Level.KNOW if crowded else level(caution)))
    return tuple(found)


_NAMES: Mapping[str, tuple[str, Callable[[float], str]]] = {
    "n_params": ("N", format_count),
    "tokens": ("D", format_count),
    "flops": ("C", format_flops),
    "tokens_per_param": ("D/N", lambda value: f"{value:.3g}"),
    "batch_tokens": (N_("the batch in tokens"), format_count),
}

# Warmup and weight decay are left out: they are rules of thumb without a fitted range.
_SHOWN_OF_FIT = ("allocation", "loss_curve", "excess")
_SHOWN_OF_RECIPE = ("learning_rate", "batch_size", "beta2", "critical_batch_size")

_APART = 1.5
"""Factor beyond which published recipes differ."""
_FAR = 3.0
"""Factor of N about the optimum within which the loss off it was measured (the window of the excess law)."""

_LONGEST_HOURS = 365 * 24.0

_ROLE_NAMES = {
    "allocation": N_("the N, D law"),
    "surface": N_("the loss surface"),
    "loss_curve": N_("the loss curve"),
    "excess": N_("the law of excess loss"),
    "learning_rate": N_("the learning-rate law"),
    "batch_size": N_("the batch law"),
    "beta2": N_("the beta2 rule"),
    "critical_batch_size": N_("the critical-batch law"),
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
    spreads: Mapping[str, float],
) -> list[Caution]:
    """Return the cautions of a plan.

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
        spreads: by role, the factor between the ends of its interval, or of the range over published laws.
    """
    by_id = {source.id: source for source in hyperparameters}
    followed = [(fit, role) for role in _roles_in_use(fit)]
    followed += [(by_id[source_id], role) for role, source_id in recipe_sources.items() if role in _SHOWN_OF_RECIPE]
    found = [*_extrapolated(followed, point, family, loss, batch_tokens, spreads), *_of_fit(fit, loss)]
    for source in dict.fromkeys(pair[0].id for pair in followed if pair[0] is not fit):
        found += _flags(by_id[source])
    found += _doubtful_constants(followed)
    if critical_batch_tokens is not None and batch_tokens > critical_batch_tokens:
        beyond = _(
            "the batch of {batch} tokens is {factor} times the critical batch by {law}: so far up, more tokens a step "
            "hardly save steps."
        )
        found.append(
            Caution(
                "batch-beyond-critical",
                beyond.format(
                    batch=format_count(batch_tokens),
                    factor=f"{batch_tokens / critical_batch_tokens:.2g}",
                    law=recipe_sources["critical_batch_size"],
                ),
            )
        )
    if shape_missing:
        found.append(Caution("no-shape", _("no shape is given: the shape family does not reach this size.")))
    if fit.vocab_size is not None and vocab_size != fit.vocab_size:
        other = _(
            "{law} was fitted with a vocabulary of {fitted} and the plan has {planned}: its loss, in nats a token, "
            "does not carry over, and D counts other tokens."
        )
        text = other.format(law=fit.id, fitted=fit.vocab_size, planned=vocab_size)
        found.append(Caution("other-tokenizer", text, fit.id))
    return found


def of_interval(fit: Fit, n_params: Estimate) -> list[Caution]:
    """Return a caution if N lies outside its interval, as after a fit's parameters were edited by hand."""
    low, high = n_params.low, n_params.high
    if low is None or high is None or low <= n_params.value <= high:
        return []
    text = _(
        "N lies outside its own interval: the draws of {law} do not belong to its parameters, so that every interval "
        "here is wrong."
    )
    return [Caution("interval-off", text.format(law=fit.id), fit.id)]


def of_shape(n_params: float, band: tuple[float, float]) -> list[Caution]:
    """Return a caution if no shape of the family lies in the flat band: the whole layers of small models are coarse.

    Args:
        n_params: of the shape to build.
        band: smallest and largest N that hardly cost any loss.
    """
    if band[0] <= n_params <= band[1]:
        return []
    low, high = format_ends(*band, format_count)
    text = _(
        "the shape to build, of {n} parameters, is outside the flat band of {low} to {high}: no shape of the family is "
        "nearer to the optimum."
    )
    return [Caution("shape-off-band", text.format(n=format_count(n_params), low=low, high=high))]


def of_recipe(sources: Mapping[str, str], learning_rate: Estimate, batch_tokens: Estimate) -> list[Caution]:
    """Return the cautions about where a recipe stands among the published ones.

    Args:
        sources: by role, the id of the fit that the recipe follows.
        learning_rate: with its range.
        batch_tokens: likewise.
    """
    found = []
    rate, batch = (sources[role] for role in ("learning_rate", "batch_size"))
    if rate != batch:
        text = _("the learning rate is of {rate} and the batch of {batch}: they were not tuned together.")
        found.append(Caution("mixed-recipe", text.format(rate=rate, batch=batch)))
    for edges, each in ((_RATE_EDGES, learning_rate), (_BATCH_EDGES, batch_tokens)):
        if each.kind is not Kind.PUBLISHED_LAWS or each.low is None or each.high is None:
            continue
        if each.high > _APART * each.low and each.value in (each.low, each.high):
            text = _(edges[each.value != each.low])
            found.append(Caution("recipe-on-edge", text.format(factor=f"{each.high / each.low:.2g}")))
    return found


_RATE_EDGES = (
    N_(
        "the learning rate is the lowest of the published laws', which differ by a factor of {factor}: confirm it with "
        "short runs."
    ),
    N_(
        "the learning rate is the highest of the published laws', which differ by a factor of {factor}: confirm it "
        "with short runs."
    ),
)
_BATCH_EDGES = (
    N_(
        "the batch is the lowest of the published laws', which differ by a factor of {factor}: confirm it with short "
        "runs."
    ),
    N_(
        "the batch is the highest of the published laws', which differ by a factor of {factor}: confirm it with short "
        "runs."
    ),
)


def of_choice(epochs: float | None, ratio: float) -> list[Caution]:
    """Return the cautions about a run under constraints.

    Args:
        epochs: how often the unique tokens are read; None when they are not bounded.
        ratio: its N over the compute-optimal N.
    """
    found = []
    if epochs is not None and epochs > WORTHWHILE_EPOCHS:
        text = _(
            "the unique tokens are read {epochs} times: beyond {worthwhile} times repeated tokens are worth less and "
            "less (Muennighoff et al. 2023)."
        )
        text = text.format(epochs=f"{epochs:.3g}", worthwhile=f"{WORTHWHILE_EPOCHS:g}")
        found.append(Caution("repeated-data", text))
    if not 1 / _FAR <= ratio <= _FAR:
        smaller = _(
            "the model is {factor} times smaller than the optimum: no law measured the loss that far off, and the "
            "price of the constraints is an extrapolation."
        )
        larger = _(
            "the model is {factor} times larger than the optimum: no law measured the loss that far off, and the price "
            "of the constraints is an extrapolation."
        )
        text = (smaller if ratio < 1 else larger).format(factor=format_factor(max(ratio, 1 / ratio)))
        found.append(Caution("far-from-optimum", text))
    return found


def of_time(n_devices: float | None, hours: float | None, *, is_own: bool = False) -> list[Caution]:
    """Return a caution if a run takes more than a year, or has no number of devices.

    Args:
        n_devices: of the machine; None where it is open.
        hours: wall time, likewise.
        is_own: whether it is the user's own machine, of which there is one.
    """
    if n_devices is None or hours is None:
        return [Caution("no-count", _("no number of devices is said, so that no time is given: add one (--gpus)."))]
    if hours <= _LONGEST_HOURS:
        return []
    if is_own:
        return [Caution("long-run", _("on your own machine this takes {time}.").format(time=format_hours(hours)))]
    text = _("on {n} devices this takes {time}: take more (--gpus).")
    return [Caution("long-run", text.format(n=f"{n_devices:,.4g}", time=format_hours(hours)))]


def of_range(
    limit_hours: float | None, hours: tuple[float, float] | None, mfu: tuple[float, float] | None
) -> list[Caution]:
    """Return a caution if a run of fixed N and D misses its limit at the low end of the MFU's range.

    Args:
        limit_hours: wall time of the deadline or the budget; None without one.
        hours: wall time of the run at the ends of the range; None without a range.
        mfu: the range, from 0 to 1.
    """
    if limit_hours is None or hours is None or mfu is None or hours[1] <= limit_hours * _LATE:
        return []
    text = _(
        "at an MFU of {mfu} the run takes {time}, and {limit} are allowed: measure the rate first (--measured), or "
        "take fewer tokens."
    )
    shown = text.format(mfu=f"{mfu[0]:.0%}", time=format_hours(hours[1]), limit=format_hours(limit_hours))
    return [Caution("late-at-low-mfu", shown)]


_LATE = 1.002
"""Share of a limit that counts as the limit: numbers are given in three digits."""


def _roles_in_use(fit: Fit) -> list[str]:
    """Return the roles of the laws that a plan follows; the loss surface replaces missing ones."""
    roles = (role if role in fit.laws else "surface" for role in _SHOWN_OF_FIT)
    return [role for role in dict.fromkeys(roles) if role in fit.laws]


def _flags(fit: Fit) -> list[Caution]:
    return [Caution("fit-flag", f"{fit.id}: {stored_text(flag)}", fit.id) for flag in fit.flags]


def _of_fit(fit: Fit, loss: float | None) -> list[Caution]:
    found = []
    if fit.ablation:
        text = _("{law} is an argument's step or an example, not a recommendation: do not plan with it.")
        found.append(Caution("ablation", text.format(law=fit.id), fit.id))
    if loss is None:
        text = _("{law} has no law of the loss: no loss, flat band or deadweight is given.")
        found.append(Caution("no-loss", text.format(law=fit.id), fit.id))
    return [*found, *_flags(fit)]


def _extrapolated(
    followed: Sequence[tuple[Fit, str]],
    point: OperatingPoint,
    family: ShapeFamily,
    loss: float | None,
    batch_tokens: float,
    spreads: Mapping[str, float],
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
        low, high = format_ends(span.low, span.high, form)
        text = _extrapolation(roles, is_spread_known=roles[0] in spreads).format(
            laws=_laws(roles),
            fit=fit_id,
            factor=format_factor(factor, 2),
            symbol=_(symbol),
            low=low,
            high=high,
            spread=f"{spreads.get(roles[0], 1.0):.2g}",
        )
        cautions.append(Caution(f"extrapolated-{roles[0].replace('_', '-')}", text, fit_id))
    return cautions


def _extrapolation(roles: Sequence[str], *, is_spread_known: bool) -> str:
    """Return the sentence that laws are extrapolated, and where it is known how far they can be off."""
    n = len(roles)
    if not is_spread_known:
        return ngettext(
            "{laws} of {fit} is extrapolated {factor} times beyond its data ({symbol} from {low} to {high}).",
            "{laws} of {fit} are extrapolated {factor} times beyond their data ({symbol} from {low} to {high}).",
            n,
        )
    if roles[0] == "learning_rate":
        return ngettext(
            "{laws} of {fit} is extrapolated {factor} times beyond its data ({symbol} from {low} to {high}); published "
            "laws differ by a factor of {spread} in the learning rate.",
            "{laws} of {fit} are extrapolated {factor} times beyond their data ({symbol} from {low} to {high}); "
            "published laws differ by a factor of {spread} in the learning rate.",
            n,
        )
    return ngettext(
        "{laws} of {fit} is extrapolated {factor} times beyond its data ({symbol} from {low} to {high}); N is known "
        "within a factor of {spread}.",
        "{laws} of {fit} are extrapolated {factor} times beyond their data ({symbol} from {low} to {high}); N is known "
        "within a factor of {spread}.",
        n,
    )


def _doubtful_constants(followed: Sequence[tuple[Fit, str]]) -> list[Caution]:
    groups: dict[tuple[str, str], list[str]] = {}
    for fit, role in followed:
        confidence = fit.laws[role].confidence
        if confidence in ("V2", "MEM"):
            groups.setdefault((fit.id, confidence), []).append(role)
    text = _("the constants of {laws} of {fit} were {confidence}.")
    return [
        Caution(
            "doubtful-constants",
            text.format(laws=_laws(roles), fit=fit_id, confidence=_(CONFIDENCE[confidence])),
            fit_id,
        )
        for (fit_id, confidence), roles in groups.items()
    ]


def _laws(roles: Sequence[str]) -> str:
    return all_of(_(_ROLE_NAMES[role]) for role in roles)

"""The recipe: the hyperparameters of a plan, each with the fit that it follows."""

import math
from dataclasses import dataclass, field, replace

from budgetscope.core.answers.confirmation import Confirmation, confirmation
from budgetscope.core.answers.question import Question
from budgetscope.core.answers.recipe_choice import PAIR, RecipeChoice, choose_recipe, covers
from budgetscope.core.budget.quantities import format_count
from budgetscope.core.errors import UsageError
from budgetscope.core.language import _
from budgetscope.core.laws.fit import Fit
from budgetscope.core.laws.forms import Beta2Law, WarmupParams, WeightDecayLaw
from budgetscope.core.laws.guard import guarded
from budgetscope.core.laws.hyperparameters import (
    coupled_weight_decay,
    first_with,
    predict,
    predict_interval,
    predictors,
    whole_sequences,
)
from budgetscope.core.laws.intervals import Estimate, Kind
from budgetscope.core.laws.operating_point import OperatingPoint

COOLDOWN_SHARE = 0.2
"""Share of the run over which the learning rate decays: at 20% a cooldown matches a cosine (Hägele et al. 2024,
arXiv 2405.18392, section 4)."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """The hyperparameters of a plan.

    Attributes:
        learning_rate: peak, for AdamW.
        batch_tokens: tokens a step; a whole number of sequences.
        batch_sequences: the same in sequences.
        beta2: of AdamW.
        warmup_tokens: tokens of linear warmup.
        weight_decay_independent: shrinkage of the weights a step at peak learning rate.
        weight_decay_coupled: the same as the `weight_decay` of PyTorch's AdamW.
        critical_batch_tokens: batch above which more tokens a step hardly save steps; None without a law of it.
        schedule: the learning rate over the run of the shape to build, one phrase.
        sources: by role, the id of the fit that is followed.
        confirmation: runs that confirm the learning rate; None where they would say nothing.
        choice: why learning rate and batch follow their fit; None where the request names it, or the law has its own.
    """

    learning_rate: Estimate
    batch_tokens: Estimate
    batch_sequences: int
    beta2: float
    warmup_tokens: float
    weight_decay_independent: float
    weight_decay_coupled: float
    critical_batch_tokens: float | None
    schedule: str
    sources: dict[str, str] = field(hash=False)
    choice: RecipeChoice | None = None
    confirmation: Confirmation | None = None

    def range_of(self, role: str) -> Estimate | None:
        """Return the estimate of a role that has a range; None for the others, such as beta2."""
        return {"learning_rate": self.learning_rate, "batch_size": self.batch_tokens}.get(role)

    def is_outlier(self, role: str, value: float) -> bool:
        """Return whether another law's value for a role lies outside the range of this recipe."""
        found = self.range_of(role)
        if found is None or found.low is None or found.high is None:
            return False
        return not found.low <= value <= found.high


def recommend(question: Question, optimum: OperatingPoint, loss: float | None) -> Recipe:
    """Return the recipe at an operating point, still without the schedule, which depends on the run.

    Args:
        question: for its fits and context.
        optimum: the operating point.
        loss: at the optimum, for laws that need it; None without a law of it.

    Raises:
        UsageError: no fit in use has a law for one of the hyperparameters.
        FailureError: a law gives no usable number; the error names its fit.
    """
    fits, choice = question.hyperparameters, None
    if question.recipes:
        chosen, choice = choose_recipe(question.recipes, optimum, question.family, loss, question.scoreboard)
        fits = (*fits, chosen)
    fits = (*fits, *question.fallbacks)
    rate_fit, batch_fit = _pair(question, fits, optimum, loss)
    learning_rate = _hyperparameter("learning_rate", question, rate_fit, optimum, loss)
    batch = _hyperparameter("batch_size", question, batch_fit, optimum, loss)
    sequences = whole_sequences(batch.value, question.seq_len, question.machine.n_devices)
    batch_tokens = float(sequences * question.seq_len)
    sources = {"learning_rate": rate_fit.id, "batch_size": batch_fit.id}
    laws = {}
    for role in ("beta2", "warmup", "weight_decay"):
        found = first_with(role, fits)
        if found is None:
            raise UsageError(f"no fit in use has a law for {role}; choose others with --hyperparameters.")
        sources[role] = found[0].id
        laws[role] = found
    beta2, warmup, decay = (laws[role][1].law for role in ("beta2", "warmup", "weight_decay"))
    if not (isinstance(beta2, Beta2Law) and isinstance(warmup, WarmupParams) and isinstance(decay, WeightDecayLaw)):
        raise UsageError("a fit in use has a law of the wrong form; choose others with --hyperparameters.")
    warmup_tokens = _warmup_tokens(laws["warmup"][0], warmup, question, optimum, loss)
    independent = _weight_decay(laws["weight_decay"][0], decay, question, optimum, batch_tokens)
    critical = first_with("critical_batch_size", fits)
    critical_tokens = None
    if critical is not None:
        prediction = predict(critical[0], "critical_batch_size", optimum, question.family, loss)
        critical_tokens = prediction.value if prediction else None
        sources["critical_batch_size"] = critical[0].id
    return Recipe(
        learning_rate=learning_rate,
        batch_tokens=_whole_batch(batch, batch_tokens),
        batch_sequences=sequences,
        beta2=beta2.at_batch(batch_tokens),
        warmup_tokens=warmup_tokens,
        weight_decay_independent=independent,
        weight_decay_coupled=_coupled_weight_decay(rate_fit, independent, learning_rate.value),
        critical_batch_tokens=critical_tokens,
        schedule="",
        sources=sources,
        choice=choice if choice is not None and choice.law == rate_fit.id == batch_fit.id else None,
        confirmation=confirmation(question, optimum, rate_fit) if rate_fit is batch_fit else None,
    )


def _pair(question: Question, fits: tuple[Fit, ...], optimum: OperatingPoint, loss: float | None) -> tuple[Fit, Fit]:
    """Return the fits of learning rate and batch: the first fit that predicts both, else the first of each.

    A fit that was asked for and has one of them is followed in that one.
    """
    known = {
        role: [
            fit
            for fit in fits
            if (found := predict(fit, role, optimum, question.family, loss)) is not None and found.value is not None
        ]
        for role in PAIR
    }
    for role in PAIR:
        if not known[role]:
            raise UsageError(
                f"no fit in use predicts the {role.replace('_', ' ')} here; choose others with --hyperparameters."
            )
    rates, batches = (known[role] for role in PAIR)
    both = next((fit for fit in rates if fit in batches), None)
    # A law that is asked for by name and has one of the two is followed in that one.
    one_only = any(len(fit.laws.keys() & {*PAIR}) == 1 for fit in question.hyperparameters)
    return (both, both) if both is not None and not one_only else (rates[0], batches[0])


@guarded
def _weight_decay(
    fit: Fit, law: WeightDecayLaw, question: Question, optimum: OperatingPoint, batch_tokens: float
) -> float:
    return law.weight_decay(predictors(fit, optimum, question.family, None), batch_tokens)


@guarded
def _warmup_tokens(
    fit: Fit, law: WarmupParams, question: Question, optimum: OperatingPoint, loss: float | None
) -> float:
    return law.warmup_tokens(predictors(fit, optimum, question.family, loss))


@guarded
def _coupled_weight_decay(rate_fit: Fit, independent: float, learning_rate: float) -> float:  # noqa: ARG001 - for the error
    return coupled_weight_decay(independent, learning_rate)


def _hyperparameter(
    role: str, question: Question, followed: Fit, optimum: OperatingPoint, loss: float | None
) -> Estimate:
    """Return a hyperparameter with its interval, or else its range over the published laws that cover the model."""
    family = question.family
    prediction = predict(followed, role, optimum, family, loss)
    value = None if prediction is None else prediction.value
    if value is None:
        raise UsageError(f"{followed.id} predicts no {role.replace('_', ' ')} here; choose another recipe.")
    interval = predict_interval(followed, role, optimum, family, loss)
    if interval is not None:
        return Estimate(value, *interval, _("95% of the law's bootstrap draws"))
    return range_over_laws(role, value, question, followed, optimum, loss)


def range_over_laws(
    role: str, value: float, question: Question, followed: Fit, optimum: OperatingPoint, loss: float | None
) -> Estimate:
    """Return a hyperparameter with its range over the published laws, over those that cover the model if there are two.

    Args:
        role: `learning_rate` or `batch_size`.
        value: of the law that is followed.
        question: for the published laws.
        followed: fit of the law.
        optimum: the operating point.
        loss: at the optimum, for laws that need it.
    """
    family = question.family
    values, covering = {followed.id: value}, {followed.id: value}
    for fit in question.spread_fits:
        found = predict(fit, role, optimum, family, loss)
        if found is not None and found.value is not None:
            values[fit.id] = found.value
            if covers(fit, role, optimum, family, loss):
                covering[fit.id] = found.value
    reached = covers(followed, role, optimum, family, loss) and len(covering) > 1
    shown = covering if reached else values
    basis = _("range over {n} published laws, most of which do not reach this model")
    if reached:
        basis = _("range over {n} published laws that cover this model")
    low, high = min(shown.values()), max(shown.values())
    return Estimate(value, low, high, basis.format(n=len(shown)), Kind.PUBLISHED_LAWS)


def _whole_batch(predicted: Estimate, batch_tokens: float) -> Estimate:
    """Return the rounded batch with the prediction's range, widened to include it."""
    low, high = (batch_tokens if end is None else end for end in (predicted.low, predicted.high))
    return replace(predicted, value=batch_tokens, low=min(low, batch_tokens), high=max(high, batch_tokens))


def scheduled(recipe: Recipe, tokens: float) -> Recipe:
    """Return a recipe with the schedule of a run of so many tokens."""
    warmup_steps = math.ceil(recipe.warmup_tokens / recipe.batch_tokens.value)
    text = _(
        "linear warmup over {warmup} tokens ({steps} steps), constant to {constant} tokens, then a linear decay to "
        "zero over the last {share}"
    )
    schedule = text.format(
        warmup=format_count(recipe.warmup_tokens),
        steps=f"{warmup_steps:,}",
        constant=format_count((1 - COOLDOWN_SHARE) * tokens),
        share=f"{COOLDOWN_SHARE:.0%}",
    )
    return replace(recipe, schedule=schedule)

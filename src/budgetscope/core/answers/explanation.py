"""The explanation why Kaplan and Chinchilla disagree: five steps between the experiments, at the user's budget.

The steps are from Porian et al. 2024, figure 1 and section 3. All numbers are from this project's own fits to their
published points.
"""

import bisect
import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass, field

from budgetscope.core.answers.answer import Answer
from budgetscope.core.answers.question import Question
from budgetscope.core.answers.tuning_return import TuningReturn, tuning_return
from budgetscope.core.budget.exchange import yen_assumptions
from budgetscope.core.counting.ledger import Convention
from budgetscope.core.counting.shapes import ShapeFamily
from budgetscope.core.errors import FailureError
from budgetscope.core.language import N_, _
from budgetscope.core.laws.fit import Fit
from budgetscope.core.laws.forms import PowerLawParams
from budgetscope.core.laws.guard import guarded
from budgetscope.core.laws.intervals import Estimate, allocation_exponent, params_interval
from budgetscope.core.laws.operating_point import operate, recount

DATASETS = (("refinedweb", "RefinedWeb"), ("openwebtext2", "OpenWebText2"))

STAGES = (
    (
        "kaplan",
        N_("Kaplan's experiment, repeated"),
        N_(
            "Neither parameters nor FLOPs include the last layer, every size warms up over 1.6 billion tokens, and "
            "all sizes share one setting of the optimizer."
        ),
    ),
    (
        "last-layer",
        N_("Count the last layer"),
        N_(
            "In small models the output head is most of the work; leaving it out makes them look cheaper than they "
            "are and bends the law upwards."
        ),
    ),
    (
        "warmup",
        N_("Shorten the warmup"),
        N_(
            "A small model's run can be shorter than Kaplan's warmup; with a warmup of N tokens it is no longer "
            "held back, and large models lose their unearned lead."
        ),
    ),
    (
        "cosine",
        N_("Decay the learning rate"),
        N_(
            "A decay over each run's own length lowers every loss, but moves the exponent only a little: the decay, "
            "which Hoffmann et al. blamed, is not the cause."
        ),
    ),
    (
        "tuned-akima",
        N_("Tune the optimizer to the scale"),
        N_(
            "Learning rate, batch and beta2 chosen for each size, with no decay at all: the law is Chinchilla's, and "
            "tokens per parameter hardly depend on the budget."
        ),
    ),
)
"""The steps: end of the id, title and sentence; whoever shows them translates them."""

UNTUNED = "-warmup"
"""End of the id of the last step at which all sizes share one setting of the optimizer, at a hardly decayed rate."""


@dataclass(frozen=True, slots=True)
class Saving:
    """The budget of the tuned runs for the loss of a step at one measured budget.

    Attributes:
        flops: the step's budget, counted with the last layer.
        share: the tuned runs' budget for the same loss, as a share of `flops`; None outside the range of their losses.
    """

    flops: float
    share: float | None


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the argument on one dataset.

    Attributes:
        title: the change from the step before.
        sentence: the effect of the change.
        exponent: a in N* = coefficient · C^a.
        tokens_per_param: D/N at the user's budget.
        measured_tokens_per_param: smallest and largest D/N over the measured budgets.
        n_params: N at the user's budget, by the plan's convention.
        own_n_params: N at the user's budget, with N and C by the step's own convention.
        savings: one for each measured budget.
        saving_here: `Saving.share` at the user's budget; None outside the measured range.
    """

    fit_id: str
    title: str
    sentence: str
    exponent: Estimate
    tokens_per_param: float
    measured_tokens_per_param: tuple[float, float]
    n_params: float
    own_n_params: Estimate
    savings: tuple[Saving, ...]
    saving_here: float | None

    def saving_at(self, flops: float) -> float | None:
        """Return `Saving.share` at a budget, interpolated in log-log; None outside the measured range."""
        return _saving_at(self.savings, flops)


@dataclass(frozen=True, slots=True)
class Explanation:
    """The steps at one budget.

    Attributes:
        budget: canonical text.
        understood: the budget in FLOPs, as a sentence.
        convention: of `n_params` and `flops`.
        flops: the budget.
        datasets: the steps by the dataset's name.
        note: an explanation of the savings.
        tuning: what it is worth to tune the recipe.
    """

    budget: str
    understood: str
    convention: Convention
    flops: float
    datasets: dict[str, tuple[Step, ...]] = field(hash=False)
    note: str
    tuning: TuningReturn


_NOTE = N_(
    "Savings compare measured losses only: the share of a step's compute with which the tuned runs reach its loss, "
    "none outside their range. The first step's loss is of training, the others' of validation; the cosine "
    "step decays its learning rate and the tuned runs do not, so that at large budgets they need more, not less. "
    "The last step is the paper's own fit; plans follow a joint fit to the same runs, so that its N differs a little. "
    "Intervals of steps hold the noise of the runs alone; that of a plan's N holds the error of the law, too."
)


def stage_id(dataset: str, stage: str) -> str:
    """Return the id of a step's fit."""
    return f"porian2024/{dataset}-{stage}"


def explain(answer: Answer, get: Callable[[str], Fit]) -> Explanation:
    """Return the steps at an answer's budget.

    Args:
        answer: for its budget and convention.
        get: returns a fit by its id.

    Raises:
        FailureError: a user's fit replaces that of a step, and is not a power law or gives no usable numbers.
    """
    question, flops = answer.question, answer.optimum.flops
    datasets = {}
    for dataset, name in DATASETS:
        tuned = get(stage_id(dataset, "tuned-akima"))
        datasets[name] = tuple(
            _step(get(stage_id(dataset, stage)), tuned, _(title), _(sentence), flops, question)
            for stage, title, sentence in STAGES
        )
    untuned = [step.saving_here for steps in datasets.values() for step in steps if step.fit_id.endswith(UNTUNED)]
    tuning = tuning_return(answer, untuned)
    note = _(_NOTE)
    for rate in () if tuning.cost_usd is None else yen_assumptions():
        note = _("{first} {second}").format(first=note, second=_("{phrase}.").format(phrase=rate))
    return Explanation(answer.plan.budget, answer.plan.understood, question.convention, flops, datasets, note, tuning)


@guarded
def _step(fit: Fit, tuned: Fit, title: str, sentence: str, flops: float, question: Question) -> Step:
    family = question.family
    point = operate(fit, flops, question.convention, family)
    savings = _savings(fit, tuned, family)
    ratios = [row[2] / row[1] for row in fit.points.rows] if fit.points else [point.tokens_per_param]
    counted = recount(point, Convention.STANDARD, family).flops
    return Step(
        fit_id=fit.id,
        title=title,
        sentence=sentence,
        exponent=_exponent(fit),
        tokens_per_param=point.tokens_per_param,
        measured_tokens_per_param=(min(ratios), max(ratios)),
        n_params=point.n_params,
        own_n_params=params_interval(fit, flops),
        savings=savings,
        saving_here=_saving_at(savings, counted),
    )


def _exponent(fit: Fit) -> Estimate:
    law = fit.laws.get("allocation")
    if law is None or not isinstance(law.law, PowerLawParams):
        raise FailureError(f"{fit.id} is no power law of N in C, which a step must be; remove your own fit of that id.")
    return allocation_exponent(fit) or Estimate(law.law.exponent)


def _savings(fit: Fit, tuned: Fit, family: ShapeFamily) -> tuple[Saving, ...]:
    """Return the saving at each measured optimum of a step."""
    if fit.points is None or tuned.points is None:
        return ()
    # By growing loss, for the interpolation of budgets.
    reached = sorted((row[3], row[0]) for row in tuned.points.rows)
    savings = []
    for n_params, tokens, loss in (row[1:4] for row in fit.points.rows):
        n_counted = family.convert(n_params, fit.counting, Convention.STANDARD)
        flops = 6 * n_counted * tokens
        needed = _flops_for_loss(reached, loss)
        savings.append(Saving(flops, None if needed is None else needed / flops))
    return tuple(savings)


def _flops_for_loss(reached: list[tuple[float, float]], loss: float) -> float | None:
    """Return the budget with a loss, log C linear in the loss between measured optima; None outside."""
    if not reached[0][0] <= loss <= reached[-1][0]:
        return None
    right = min(max(bisect.bisect_left(reached, (loss, 0.0)), 1), len(reached) - 1)
    (loss_0, flops_0), (loss_1, flops_1) = reached[right - 1], reached[right]
    weight = (loss - loss_0) / (loss_1 - loss_0)
    return math.exp(math.log(flops_0) + weight * math.log(flops_1 / flops_0))


def _saving_at(savings: tuple[Saving, ...], flops: float) -> float | None:
    """Return `Saving.share` at a budget, in log-log between two measured ones; None if either is missing."""
    for left, right in itertools.pairwise(savings):
        if left.flops <= flops <= right.flops and left.share is not None and right.share is not None:
            weight = math.log(flops / left.flops) / math.log(right.flops / left.flops)
            return math.exp(math.log(left.share) + weight * math.log(right.share / left.share))
    return None

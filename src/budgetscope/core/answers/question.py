"""Questions: requests with every name looked up. `locate` finds the compute-optimal operating point of one."""

from dataclasses import dataclass, field

from budgetscope.core.answers.cautions import Caution
from budgetscope.core.budget.constraints import NONE, Constraints
from budgetscope.core.budget.describe import describe
from budgetscope.core.budget.parse import (
    Budget,
    ComputeBudget,
    HardwareBudget,
    LossTarget,
    SizeTarget,
    TokensTarget,
)
from budgetscope.core.budget.quantities import format_flops
from budgetscope.core.counting.ledger import Convention
from budgetscope.core.counting.shapes import ShapeFamily, shape_family
from budgetscope.core.errors import FailureError, UsageError
from budgetscope.core.hardware.energy import NO_OPTIONS, EnergyOptions
from budgetscope.core.hardware.machine import Machine
from budgetscope.core.hardware.mfu import ModelRate
from budgetscope.core.laws.decay import decay_gain, loss_after_decay
from budgetscope.core.laws.fit import Fit
from budgetscope.core.laws.guard import guarded
from budgetscope.core.laws.intervals import Estimate
from budgetscope.core.laws.loss_model import LossModel
from budgetscope.core.laws.operating_point import (
    MAX_FLOPS,
    MIN_FLOPS,
    OperatingPoint,
    flops_where,
    operate,
    point_of_run,
    recount,
)
from budgetscope.core.laws.scoreboard import Scoreboard

DEFAULT_LAW = "porian2024/refinedweb-tuned"
"""Id of the law of a plan for which neither the request nor the user's settings name one."""


@dataclass(frozen=True, slots=True)
class Question:
    """A request with every name looked up: all that a plan depends on.

    Attributes:
        fit: the fit for N, D and the loss.
        hyperparameters: the fits that the request names for the recipe, or the law's own; may be empty.
        recipes: fits with laws for learning rate and batch, of which the recipe follows one (see `recipe_choice`) where
            `hyperparameters` have none.
        fallbacks: fits for what all these lack, by preference.
        scoreboard: what they cost on public grids; None when it is not asked.
        spread_fits: further fits, whose learning rates and batches give the spread over published laws.
        convention: of N and C in the question and in the plan.
        vocab_size: of the tokenizer.
        seq_len: training context in tokens.
        cautions: about the files of the fits and devices.
        constraints: what is fixed or bounded beside the budget.
        energy: what is stated of power, PUE and grid.
        rates: of training, measured by the law's own calibration and by probes.
    """

    budget: Budget
    fit: Fit
    hyperparameters: tuple[Fit, ...]
    recipes: tuple[Fit, ...]
    fallbacks: tuple[Fit, ...]
    scoreboard: Scoreboard | None = field(repr=False)
    spread_fits: tuple[Fit, ...]
    machine: Machine
    convention: Convention
    vocab_size: int
    seq_len: int
    cautions: tuple[Caution, ...] = ()
    constraints: Constraints = NONE
    energy: EnergyOptions = NO_OPTIONS
    rates: tuple[ModelRate, ...] = ()

    @property
    def recipe_fits(self) -> tuple[Fit, ...]:
        """All fits that the recipe may follow."""
        return (*self.hyperparameters, *self.recipes, *self.fallbacks)

    @property
    def family(self) -> ShapeFamily:
        """The shape family with this vocabulary and context."""
        return shape_family("dense", vocab_size=self.vocab_size, seq_len=self.seq_len)


def machine_flops(question: Question, point: OperatingPoint) -> float:
    """Return the FLOPs that the machine executes for a model and its tokens."""
    return point.tokens * question.family.executed_flops_per_token(point.position)


def after_decay_counts(fit: Fit) -> bool:
    """Return whether a fit's loss is at constant learning rate, in the unit of the published gains."""
    return fit.schedule == "constant" and fit.loss_unit == "nats/token"


def after_decay(question: Question, point: OperatingPoint, loss: Estimate) -> Estimate | None:
    """Return the loss of a run after the advised decay of the learning rate.

    None when the law's loss is after a decay already, or not in nats a token.
    """
    if not after_decay_counts(question.fit):
        return None
    return loss_after_decay(loss, question.family.n_params(point.position, Convention.STANDARD))


@guarded
def locate(question: Question) -> OperatingPoint:
    """Return the compute-optimal operating point for a question's budget or target.

    Raises:
        UsageError: no budget within bounds reaches the target of the question.
        FailureError: the fit has no law for N and D, or its laws give no usable numbers.
    """
    fit, convention, family = question.fit, question.convention, question.family
    match question.budget:
        case ComputeBudget(flops):
            found: float | None = flops if MIN_FLOPS <= flops <= MAX_FLOPS else None
        case HardwareBudget():
            wanted = question.machine.executed_flops or 0.0
            found = flops_where(fit, convention, family, lambda p: machine_flops(question, p), wanted)
        case LossTarget(loss):
            return require_trainable(fit.id, _locate_loss(question, loss, before_decay=question.budget.before_decay))
        case SizeTarget(n_params) if question.constraints.tokens is not None:
            # N and D are a run, and its compute is the budget.
            flops = point_of_run(n_params, question.constraints.tokens, convention, family).flops
            found = flops if MIN_FLOPS <= flops <= MAX_FLOPS else None
        case SizeTarget(n_params):
            found = flops_where(fit, convention, family, lambda p: p.n_params, n_params)
        case TokensTarget(tokens):
            found = flops_where(fit, convention, family, lambda p: p.tokens, tokens)
    if found is None:
        raise UsageError(
            f"{describe(question.budget)!r} lies outside {MIN_FLOPS:.0e} to {MAX_FLOPS:.0e} FLOPs, where no "
            "scaling law says anything; give a budget inside."
        )
    return require_trainable(fit.id, operate(fit, found, convention, family))


def require_trainable(fit_id: str, point: OperatingPoint) -> OperatingPoint:
    """Return an operating point if it has at least one parameter and one token.

    Raises:
        FailureError: the fit's law gives it less.
    """
    if point.n_params < 1 or point.tokens < 1:
        raise FailureError(
            f"{fit_id} splits {format_flops(point.flops)} FLOPs into {point.n_params:.3g} parameters and "
            f"{point.tokens:.3g} tokens, which is no model; choose another law."
        )
    return point


def _locate_loss(question: Question, loss: float, *, before_decay: bool) -> OperatingPoint:
    """Return the optimum that reaches a loss: after the decay where the law's runs had none, unless told otherwise."""
    fit, family, loss_model = question.fit, question.family, LossModel(question.fit)
    if loss_model.best_loss(MIN_FLOPS) is None:
        raise UsageError(f"{fit.id} has no law of the loss; choose another law with --law.")

    def gain(flops: float) -> float:
        own = operate(fit, flops, fit.counting, family)
        return decay_gain(family.n_params(own.position, Convention.STANDARD)).value

    decays = not before_decay and after_decay_counts(fit)
    found = loss_model.flops_for_loss(loss, gain if decays else None)
    if found is None:
        raise _out_of_reach(fit.id, loss, loss_model.floor - (gain(MAX_FLOPS) if decays else 0.0))
    return recount(operate(fit, found, fit.counting, family), question.convention, family)


def _out_of_reach(fit_id: str, loss: float, floor: float) -> UsageError:
    reason = (
        f"is below {floor:.3f}, the lowest loss that {fit_id} can reach"
        if loss <= floor
        else f"is out of reach of {MIN_FLOPS:.0e} to {MAX_FLOPS:.0e} FLOPs by {fit_id}"
    )
    return UsageError(f"a loss of {loss:g} {reason}; ask for another loss.")

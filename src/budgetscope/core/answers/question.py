"""A question: a request with every name looked up. `locate` finds where its law puts the budget."""

from dataclasses import dataclass

from budgetscope.core.answers.cautions import Caution
from budgetscope.core.budget.parse import (
    Budget,
    ComputeBudget,
    HardwareBudget,
    LossTarget,
    SizeTarget,
    TokensTarget,
    describe,
)
from budgetscope.core.budget.quantities import format_flops
from budgetscope.core.counting.ledger import Convention
from budgetscope.core.counting.shapes import ShapeFamily, shape_family
from budgetscope.core.errors import FailureError, UsageError
from budgetscope.core.hardware.machine import Machine
from budgetscope.core.laws.fit import Fit
from budgetscope.core.laws.guard import guarded
from budgetscope.core.laws.loss_model import LossModel
from budgetscope.core.laws.operating_point import MAX_FLOPS, MIN_FLOPS, OperatingPoint, flops_where, operate, recount


@dataclass(frozen=True, slots=True)
class Question:
    """Everything a plan depends on, resolved: no names left to look up.

    Attributes:
        budget: as parsed.
        fit: the law for N, D and the loss.
        hyperparameters: fits for learning rate, batch, beta2, warmup, weight decay and critical batch; for
            each of them the first fit that has a law for it is followed.
        spread_fits: further fits whose learning rate and batch show the spread of the field.
        machine: for hours and dollars.
        convention: who counts N and C in the question and in the plan.
        vocab_size: of the tokenizer to train with.
        seq_len: training context in tokens.
        cautions: what to know of the files that the fits and devices were read from.
    """

    budget: Budget
    fit: Fit
    hyperparameters: tuple[Fit, ...]
    spread_fits: tuple[Fit, ...]
    machine: Machine
    convention: Convention
    vocab_size: int
    seq_len: int
    cautions: tuple[Caution, ...] = ()

    @property
    def family(self) -> ShapeFamily:
        """The shapes to choose from."""
        return shape_family("dense", vocab_size=self.vocab_size, seq_len=self.seq_len)


def executed(question: Question, point: OperatingPoint) -> float:
    """Return the FLOPs that the machine executes for a model and its tokens."""
    return point.tokens * question.family.executed_flops_per_token(point.position)


@guarded
def locate(question: Question) -> OperatingPoint:
    """Return the operating point that the question's law gives its budget.

    Raises:
        UsageError: no budget within bounds does what the question asks.
        FailureError: the fit has no law for N and D, or its laws give no usable numbers.
    """
    fit, convention, family = question.fit, question.convention, question.family
    match question.budget:
        case ComputeBudget(flops):
            found: float | None = flops if MIN_FLOPS <= flops <= MAX_FLOPS else None
        case HardwareBudget():
            wanted = question.machine.executed_flops or 0.0
            found = flops_where(fit, convention, family, lambda p: executed(question, p), wanted)
        case LossTarget(loss):
            return trained(fit.id, _locate_loss(question, loss))
        case SizeTarget(n_params):
            found = flops_where(fit, convention, family, lambda p: p.n_params, n_params)
        case TokensTarget(tokens):
            found = flops_where(fit, convention, family, lambda p: p.tokens, tokens)
    if found is None:
        raise UsageError(
            f"{describe(question.budget)!r} lies outside {MIN_FLOPS:.0e} to {MAX_FLOPS:.0e} FLOPs, where no "
            "scaling law says anything; give a budget inside."
        )
    return trained(fit.id, operate(fit, found, convention, family))


def trained(fit_id: str, point: OperatingPoint) -> OperatingPoint:
    """Return an operating point if it is one of a model that can be trained at all.

    Raises:
        FailureError: the fit's law gives it less than one parameter or less than one token.
    """
    if point.n_params < 1 or point.tokens < 1:
        raise FailureError(
            f"{fit_id} splits {format_flops(point.flops)} FLOPs into {point.n_params:.3g} parameters and "
            f"{point.tokens:.3g} tokens, which is no model; choose another law."
        )
    return point


def _locate_loss(question: Question, loss: float) -> OperatingPoint:
    fit, loss_model = question.fit, LossModel(question.fit)
    if loss_model.best_loss(MIN_FLOPS) is None:
        raise UsageError(f"{fit.id} says nothing of the loss; choose another law with --law.")
    own_flops = loss_model.flops_for_loss(loss)
    if own_flops is None:
        reason = (
            f"is below {loss_model.floor:.3f}, the lowest loss that {fit.id} can reach"
            if loss <= loss_model.floor
            else f"is out of reach of {MIN_FLOPS:.0e} to {MAX_FLOPS:.0e} FLOPs by {fit.id}"
        )
        raise UsageError(f"a loss of {loss:g} {reason}; ask for another loss.")
    own = operate(fit, own_flops, fit.counting, question.family)
    return recount(own, question.convention, question.family)

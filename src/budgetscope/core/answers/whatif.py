"""What training another size with the same budget would give: one place on the IsoFLOP curve.

The budget is held at the plan's C, as the plan's convention counts it, and judged by the plan's law (`valley`).
Serving is counted as Sardana et al. 2024 (arXiv 2401.00448) do: 2 N FLOPs a served token. N is there the weights
that a token is multiplied with, blocks and output head, whatever convention the plan counts in; attention over the
context is left out.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from budgetscope.core.answers.plan import Plan
from budgetscope.core.answers.question import Question, executed, locate
from budgetscope.core.budget.quantities import parse_count
from budgetscope.core.counting.ledger import Convention
from budgetscope.core.errors import UsageError
from budgetscope.core.laws.guard import sound
from budgetscope.core.laws.loss_model import LossModel
from budgetscope.core.laws.operating_point import OperatingPoint, recount

SERVING_FLOPS_PER_PARAM = 2.0
"""FLOPs a parameter and served token: one multiplication and one addition (Sardana et al. 2024)."""
MAX_SERVED_TOKENS = 1e20
SERVED_STEPS = (0.0, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14)
"""Served tokens to choose from without typing."""

_NOTHING = 1e-9

SERVING_ASSUMPTION = (
    "2 N FLOPs a served token (Sardana et al. 2024), N = blocks and head, context left out; at the plan's price and "
    "MFU, which decoding seldom reaches: a lower bound."
)
SERVING_SHORT = "2 N FLOPs each, at the plan's price and MFU"


@dataclass(frozen=True, slots=True)
class Candidate:
    """One size at the budget, as if it were trained.

    Attributes:
        n_params: by the plan's convention.
        tokens: training tokens that the budget pays for.
        tokens_per_param: their ratio.
        ratio: N over the compute-optimal N.
        loss: by the plan's law, in its loss unit; None when the law has no valley.
        loss_difference: the same above the optimum's.
        wasted_share: deadweight compute as a share of the budget (see `Valley.wasted_share`).
        wasted_flops: the same in FLOPs of the plan's convention.
        wasted_usd: the same in US dollars of the plan's run; None without a price.
        extrapolated: the size lies beyond those on which the width of the valley was measured.
        training_flops: FLOPs that the machine executes to train it.
        training_usd: US dollars; None without a price.
        serving_flops: FLOPs of all served tokens.
        serving_usd: US dollars; None without a price.
    """

    n_params: float
    tokens: float
    tokens_per_param: float
    ratio: float
    loss: float | None
    loss_difference: float | None
    wasted_share: float | None
    wasted_flops: float | None
    wasted_usd: float | None
    extrapolated: bool
    training_flops: float
    training_usd: float | None
    serving_flops: float
    serving_usd: float | None

    @property
    def lifetime_flops(self) -> float:
        """FLOPs to train and to serve it."""
        return self.training_flops + self.serving_flops

    @property
    def lifetime_usd(self) -> float | None:
        """US dollars to train and to serve it; None without a price."""
        if self.training_usd is None or self.serving_usd is None:
            return None
        return self.training_usd + self.serving_usd


@dataclass(frozen=True, slots=True)
class IsoFlop:
    """All sizes at one budget.

    Attributes:
        question: what was asked.
        plan: its answer.
        optimum: where the law puts the budget.
    """

    question: Question
    plan: Plan
    optimum: OperatingPoint

    @property
    def silence(self) -> str | None:
        """Why there is no curve, one sentence; None when there is one."""
        fit = self.question.fit
        lacking = []
        if fit.loss_curve is None and fit.surface is None:
            lacking.append("the loss")
        if fit.excess is None:
            lacking.append("what another size than the optimum costs")
        if not lacking:
            return None
        return (
            f"{fit.id} says nothing of {' or of '.join(lacking)}: N, D and the serving cost can be moved, but there "
            "is no curve; follow a law with a valley, such as porian2024/refinedweb-tuned."
        )

    @property
    def reach(self) -> tuple[float, float] | None:
        """The N, by the plan's convention, between which the valley was measured; None when nowhere."""
        own = self._own(self.optimum)
        found = LossModel(self.question.fit).reach(own.flops)
        if found is None:
            return None
        family, counting = self.question.family, self.question.fit.counting
        low, high = (family.convert(n, counting, self.question.convention) for n in found)
        return low, high

    def at(self, n_params: float, served_tokens: float = 0.0) -> Candidate:
        """Return what a size would be at the budget.

        Args:
            n_params: by the plan's convention.
            served_tokens: tokens that the model will read and write in its life.

        Raises:
            FailureError: the law gives no usable numbers there.
        """
        return sound(self.question.fit.id, self._at, n_params, served_tokens)

    def _at(self, n_params: float, served_tokens: float) -> Candidate:
        question, machine = self.question, self.question.machine
        point = self._point(n_params)
        loss, wasted = self._loss(point), self._wasted(point)
        best = self._loss(self.optimum)
        run_cost = self.plan.run.cost_usd
        training = executed(question, point)
        multiplied = question.family.n_params(point.position, Convention.STANDARD)
        serving = SERVING_FLOPS_PER_PARAM * multiplied * served_tokens
        price = machine.price
        return Candidate(
            n_params=n_params,
            tokens=point.tokens,
            tokens_per_param=point.tokens_per_param,
            ratio=n_params / self.optimum.n_params,
            loss=loss,
            loss_difference=None if loss is None or best is None else loss - best,
            wasted_share=wasted,
            wasted_flops=None if wasted is None else wasted * self.optimum.flops,
            wasted_usd=None if wasted is None or run_cost is None else wasted * run_cost.value,
            extrapolated=not self.is_measured(n_params),
            training_flops=training,
            training_usd=None if price is None else price.value * machine.device_hours(training),
            serving_flops=serving,
            serving_usd=None if price is None else price.value * machine.device_hours(serving),
        )

    def is_measured(self, n_params: float) -> bool:
        """Return whether the valley was measured at a size."""
        reach = self.reach
        return reach is not None and reach[0] <= n_params <= reach[1]

    def losses(self, sizes: Sequence[float]) -> tuple[float, ...]:
        """Return the loss at every size, by the plan's convention; none when the law has no valley.

        Raises:
            FailureError: the law gives no usable numbers.
        """
        found = (sound(self.question.fit.id, self._loss, self._point(n_params)) for n_params in sizes)
        return tuple(loss for loss in found if loss is not None)

    def surface(self, sizes: Sequence[float], tokens: Sequence[float]) -> tuple[tuple[float | None, ...], ...]:
        """Return the loss over N and D: a row for each number of tokens, a value for each size.

        None where the valley was not measured at the budget that N and D make; but where it was measured nowhere
        along the plan's own budget, the law's word is given throughout.

        Raises:
            FailureError: the law gives no usable numbers.
        """
        return sound(self.question.fit.id, self._surface, sizes, tokens)

    def _surface(self, sizes: Sequence[float], tokens: Sequence[float]) -> tuple[tuple[float | None, ...], ...]:
        family, counting = self.question.family, self.question.fit.counting
        loss_model, everywhere = LossModel(self.question.fit), self.reach is None
        columns = []
        for n_params in sizes:
            position = family.position(n_params, self.question.convention)
            columns.append((family.n_params(position, counting), family.flops_per_token(position, counting)))
        rows = []
        for amount in tokens:
            row: list[float | None] = []
            for own_n_params, flops_per_token in columns:
                flops = amount * flops_per_token
                if not everywhere:
                    reach = loss_model.reach(flops)
                    if reach is None or not reach[0] <= own_n_params <= reach[1]:
                        row.append(None)
                        continue
                level, excess = loss_model.best_loss(flops), loss_model.excess_loss(flops, own_n_params)
                row.append(None if level is None or excess is None else level + excess)
            rows.append(tuple(row))
        return tuple(rows)

    def _point(self, n_params: float) -> OperatingPoint:
        family, convention = self.question.family, self.question.convention
        position = family.position(n_params, convention)
        tokens = self.optimum.flops / family.flops_per_token(position, convention)
        return OperatingPoint(self.optimum.flops, convention, position, n_params, tokens)

    def _own(self, point: OperatingPoint) -> OperatingPoint:
        return recount(point, self.question.fit.counting, self.question.family)

    def _loss(self, point: OperatingPoint) -> float | None:
        loss_model, own = LossModel(self.question.fit), self._own(point)
        level, excess = loss_model.best_loss(own.flops), loss_model.excess_loss(own.flops, own.n_params)
        return None if level is None or excess is None else level + excess

    def _wasted(self, point: OperatingPoint) -> float | None:
        own = self._own(point)
        share = LossModel(self.question.fit).wasted_share(own.flops, own.n_params)
        # What a root finder leaves of nothing is no deadweight.
        return 0.0 if share is not None and share < _NOTHING else share


def iso_flop(question: Question, plan: Plan) -> IsoFlop:
    """Return all sizes at the budget of a question.

    Args:
        question: what was asked.
        plan: the answer to it.

    Raises:
        UsageError: no budget within bounds does what the question asks.
        FailureError: the law gives no usable numbers.
    """
    return IsoFlop(question, plan, locate(question))


def parse_served(text: str) -> float:
    """Return the served tokens that a person wrote; nothing, `none` and 0 are none.

    Raises:
        UsageError: it is no number of tokens, or beyond `MAX_SERVED_TOKENS`.
    """
    stripped = text.strip().casefold()
    if stripped in ("", "none", "0"):
        return 0.0
    tokens = parse_count(stripped.removesuffix("tokens"))
    if not (math.isfinite(tokens) and tokens <= MAX_SERVED_TOKENS):
        raise UsageError(f"{text.strip()!r} is more tokens than can be served; give at most {MAX_SERVED_TOKENS:g}.")
    return tokens

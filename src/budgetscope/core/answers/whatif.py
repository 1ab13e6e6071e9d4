"""What-if: the loss and the cost of other model sizes at the same budget, along the IsoFLOP curve.

The budget is the plan's C, by the plan's convention, and the loss is by the plan's law. Serving takes 2 N FLOPs a
served token (Sardana et al. 2024, arXiv 2401.00448). That N is the weights of blocks and output head under every
convention of the plan; attention over the context is left out.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from budgetscope.core.answers.answer import Answer
from budgetscope.core.answers.constraints import SERVING_FLOPS_PER_PARAM
from budgetscope.core.answers.question import machine_flops
from budgetscope.core.counting.ledger import Convention
from budgetscope.core.language import N_, _
from budgetscope.core.laws.guard import guarded
from budgetscope.core.laws.loss_model import LossModel
from budgetscope.core.laws.operating_point import OperatingPoint, recount

SERVED_STEPS = (0.0, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14)
"""The steps of served tokens on the what-if screen."""

_ROUNDING = 1e-9

SERVING_ASSUMPTION = N_(
    "2 N FLOPs a served token (Sardana et al. 2024), N = blocks and head, context left out; at the plan's price and "
    "MFU, which decoding seldom reaches: a lower bound."
)
SERVING_SHORT = N_("2 N FLOPs each, at the plan's price and MFU")
"""Both of what serving costs; whoever shows one translates it."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A model size at the budget.

    Attributes:
        n_params: by the plan's convention.
        tokens: training tokens at the budget.
        tokens_per_param: D/N.
        ratio: N over the compute-optimal N.
        loss: by the plan's law, in its loss unit; None when that has no law of the loss off the optimum.
        loss_difference: loss above the optimum.
        wasted_share: deadweight compute as a share of the budget (see `LossModel.wasted_share`).
        wasted_flops: deadweight compute in FLOPs of the plan's convention.
        wasted_usd: the same share of the budget in US dollars; None without a price.
        extrapolated: whether the size lies outside those at which the loss above the optimum was measured.
        training_flops: FLOPs that the machine executes to train the model.
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
    def is_optimum(self) -> bool:
        """Whether the size is the compute-optimal one, up to rounding."""
        return abs(self.ratio - 1) < _ROUNDING

    @property
    def lifetime_flops(self) -> float:
        """FLOPs of training and serving."""
        return self.training_flops + self.serving_flops

    @property
    def lifetime_usd(self) -> float | None:
        """US dollars of training and serving; None without a price."""
        if self.training_usd is None or self.serving_usd is None:
            return None
        return self.training_usd + self.serving_usd


@dataclass(frozen=True, slots=True)
class Pick:
    """The size that another law recommends at the budget."""

    fit_id: str
    title: str
    candidate: Candidate


@dataclass(frozen=True, slots=True)
class IsoFlop:
    """All model sizes at the budget of an answer."""

    answer: Answer

    @property
    def no_curve_reason(self) -> str | None:
        """Why the law gives no IsoFLOP curve, one sentence; None when it gives one."""
        fit = self.answer.question.fit
        has_loss = fit.loss_curve is not None or fit.surface is not None
        if fit.excess is None and has_loss:
            told = _(
                "{law} has no law of the loss above the optimum: N, D and the serving cost can be moved, but there is "
                "no curve; follow a law that has both, such as porian2024/refinedweb-tuned."
            )
        elif fit.excess is None:
            told = _(
                "{law} has no law of the loss or of the loss above the optimum: N, D and the serving cost can be "
                "moved, but there is no curve; follow a law that has both, such as porian2024/refinedweb-tuned."
            )
        elif not has_loss:
            told = _(
                "{law} has no law of the loss: N, D and the serving cost can be moved, but there is no curve; follow a "
                "law that has both, such as porian2024/refinedweb-tuned."
            )
        else:
            return None
        return told.format(law=fit.id)

    @property
    def measured_range(self) -> tuple[float, float] | None:
        """Smallest and largest N with a measured loss, by the plan's convention; None without any."""
        question = self.answer.question
        found = LossModel(question.fit).measured_range(self._own(self.answer.optimum).flops)
        if found is None:
            return None
        low, high = (question.family.convert(n, question.fit.counting, question.convention) for n in found)
        return low, high

    @guarded
    def at(self, n_params: float, served_tokens: float = 0.0) -> Candidate:
        """Return the candidate of a size.

        Args:
            n_params: by the plan's convention.
            served_tokens: tokens that the model will read and write in its life.

        Raises:
            FailureError: the law gives no usable numbers there.
        """
        question, optimum = self.answer.question, self.answer.optimum
        machine = question.machine
        point = self._point(n_params)
        loss, wasted = self._loss(point), self._wasted(point)
        best = self._loss(optimum)
        budget_usd = self.answer.plan.budget_usd
        training = machine_flops(question, point)
        multiplied = question.family.n_params(point.position, Convention.STANDARD)
        serving = SERVING_FLOPS_PER_PARAM * multiplied * served_tokens
        price = machine.price
        return Candidate(
            n_params=n_params,
            tokens=point.tokens,
            tokens_per_param=point.tokens_per_param,
            ratio=n_params / optimum.n_params,
            loss=loss,
            loss_difference=None if loss is None or best is None else loss - best,
            wasted_share=wasted,
            wasted_flops=None if wasted is None else wasted * optimum.flops,
            wasted_usd=None if wasted is None or budget_usd is None else wasted * budget_usd,
            extrapolated=not self.is_measured(n_params),
            training_flops=training,
            training_usd=None if price is None else price.value * machine.device_hours(training),
            serving_flops=serving,
            serving_usd=None if price is None else price.value * machine.device_hours(serving),
        )

    def is_measured(self, n_params: float) -> bool:
        """Return whether the loss of a size lies within the measured range."""
        measured = self.measured_range
        return measured is not None and measured[0] <= n_params <= measured[1]

    @guarded
    def losses(self, sizes: Sequence[float]) -> tuple[float, ...]:
        """Return the loss at sizes by the plan's convention; empty when there is no law of the loss off the optimum.

        Raises:
            FailureError: the law gives no usable numbers.
        """
        found = (self._loss(self._point(n_params)) for n_params in sizes)
        return tuple(loss for loss in found if loss is not None)

    @guarded
    def surface(self, sizes: Sequence[float], tokens: Sequence[float]) -> tuple[tuple[float | None, ...], ...]:
        """Return the loss over N and D: a row for each number of tokens, a value for each size.

        A value is None outside the measured range at the budget of its N and D. If the plan's own budget has no
        measured range, all values are extrapolations of the law.

        Raises:
            FailureError: the law gives no usable numbers.
        """
        question = self.answer.question
        family, counting = question.family, question.fit.counting
        loss_model, everywhere = LossModel(question.fit), self.measured_range is None
        columns = []
        for n_params in sizes:
            position = family.position(n_params, question.convention)
            columns.append((family.n_params(position, counting), family.flops_per_token(position, counting)))
        rows = []
        for amount in tokens:
            row: list[float | None] = []
            for own_n_params, flops_per_token in columns:
                flops = amount * flops_per_token
                if not everywhere:
                    measured = loss_model.measured_range(flops)
                    if measured is None or not measured[0] <= own_n_params <= measured[1]:
                        row.append(None)
                        continue
                level, excess = loss_model.best_loss(flops), loss_model.excess_loss(flops, own_n_params)
                row.append(None if level is None or excess is None else level + excess)
            rows.append(tuple(row))
        return tuple(rows)

    def _point(self, n_params: float) -> OperatingPoint:
        family, convention = self.answer.question.family, self.answer.question.convention
        flops = self.answer.optimum.flops
        position = family.position(n_params, convention)
        return OperatingPoint(
            flops, convention, position, n_params, flops / family.flops_per_token(position, convention)
        )

    def _own(self, point: OperatingPoint) -> OperatingPoint:
        return recount(point, self.answer.question.fit.counting, self.answer.question.family)

    def _loss(self, point: OperatingPoint) -> float | None:
        loss_model, own = LossModel(self.answer.question.fit), self._own(point)
        level, excess = loss_model.best_loss(own.flops), loss_model.excess_loss(own.flops, own.n_params)
        return None if level is None or excess is None else level + excess

    def _wasted(self, point: OperatingPoint) -> float | None:
        own = self._own(point)
        share = LossModel(self.answer.question.fit).wasted_share(own.flops, own.n_params)
        # A tiny share is the rounding of the root finder.
        return 0.0 if share is not None and share < _ROUNDING else share


CURVE_RATIOS = (0.125, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
"""Sizes over the optimum of a table of the IsoFLOP curve."""


@dataclass(frozen=True, slots=True)
class WhatIf:
    """One size at the budget of an answer, beside the optimum and the sizes of other laws.

    Attributes:
        iso: gives loss and cost of any size.
        served_tokens: that the model will read and write in its life.
        here: the size that is asked for.
        best: the optimum.
        picks: what the other laws recommend, sorted by N.
        curve: sizes of the IsoFLOP curve, at `CURVE_RATIOS` of the optimum.
    """

    iso: IsoFlop
    served_tokens: float
    here: Candidate
    best: Candidate
    picks: tuple[Pick, ...]
    curve: tuple[Candidate, ...]


def what_if(
    answer: Answer, others: Sequence[tuple[str, str, float]], n_params: float | None, served_tokens: float
) -> WhatIf:
    """Return a size at an answer's budget.

    Args:
        answer: with the budget.
        others: id, title and recommended N of the other laws, by the plan's convention.
        n_params: the size, by the plan's convention; None is the optimum.
        served_tokens: as `WhatIf`.

    Raises:
        FailureError: the law gives no usable numbers there.
    """
    iso = IsoFlop(answer)
    best = answer.optimum.n_params
    return WhatIf(
        iso=iso,
        served_tokens=served_tokens,
        here=iso.at(best if n_params is None else n_params, served_tokens),
        best=iso.at(best, served_tokens),
        picks=tuple(Pick(name, title, iso.at(n, served_tokens)) for name, title, n in others),
        curve=tuple(iso.at(best * ratio, served_tokens) for ratio in CURVE_RATIOS),
    )

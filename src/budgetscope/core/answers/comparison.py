"""The comparison of all laws at one budget, under one convention, with the cost of following each."""

from collections.abc import Sequence
from dataclasses import dataclass

from budgetscope.core.answers.answer import Answer
from budgetscope.core.answers.cautions import Caution
from budgetscope.core.answers.law_values import outlying_roles
from budgetscope.core.answers.question import require_trainable
from budgetscope.core.counting.ledger import Convention
from budgetscope.core.errors import FailureError, UsageError
from budgetscope.core.laws.fit import Fit
from budgetscope.core.laws.guard import guarded
from budgetscope.core.laws.hyperparameters import predict
from budgetscope.core.laws.loss_model import LossModel
from budgetscope.core.laws.operating_point import OperatingPoint, operate, recount


@dataclass(frozen=True, slots=True)
class Row:
    """The values of one fit at the budget.

    Attributes:
        ablation: whether the fit is a step of an argument or an example, not a recommendation.
        counting: the fit's own convention.
        n_params: N by the comparison's convention; None for a fit without a law for N and D.
        tokens: training tokens; likewise.
        tokens_per_param: D/N; likewise.
        own_n_params: N by the fit's own convention; likewise.
        learning_rate: peak; None when the fit has no law for it.
        batch_tokens: tokens a step; likewise.
        outliers: roles, `learning_rate` or `batch_size`, in which the law's value at the plan's run lies outside the
            range of the plan's recipe.
        loss_difference: loss above the chosen law's optimum, by the chosen law; None when that has no law of it.
        wasted_share: deadweight compute, as a share of the budget; likewise.
        wasted_usd: the same in US dollars; None without a price.
    """

    fit_id: str
    title: str
    ablation: bool
    counting: Convention
    n_params: float | None
    tokens: float | None
    tokens_per_param: float | None
    own_n_params: float | None
    learning_rate: float | None
    batch_tokens: float | None
    outliers: tuple[str, ...]
    loss_difference: float | None
    wasted_share: float | None
    wasted_usd: float | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """The values of all fits at one budget.

    Attributes:
        budget: canonical text.
        understood: the budget in FLOPs, as a sentence.
        law_id: the chosen law, by which losses and costs are computed.
        convention: of N and C.
        flops: the budget by that convention.
        rows: recommendations first, then ablations; each by falling N.
        skipped: for each fit without a row, the reason in one sentence.
        cautions: about the chosen law.
        assumptions: one sentence for each default in use, such as the price.
    """

    budget: str
    understood: str
    law_id: str
    convention: Convention
    flops: float
    rows: tuple[Row, ...]
    skipped: tuple[str, ...] = ()
    cautions: tuple[Caution, ...] = ()
    assumptions: tuple[str, ...] = ()


def compare(answer: Answer, fits: Sequence[Fit]) -> Comparison:
    """Compare the fits with a law for N and D, learning rate or batch at an answer's budget.

    Args:
        answer: its law is the chosen law, by which losses and costs are computed.
        fits: to compare, with the answer's own; those without such a law are left out.

    Raises:
        FailureError: the answer's law gives no usable numbers; other fits without usable numbers are skipped.
    """
    question, plan = answer.question, answer.plan
    rows, skipped = [], []
    for fit in filter(_is_comparable, fits):
        if fit.too_small:
            skipped.append(f"{fit.id}: {fit.too_small}")
            continue
        try:
            rows.append(_row(fit, answer))
        except FailureError as error:
            if fit is question.fit:
                raise
            skipped.append(str(error))
    rows.sort(key=lambda row: (row.ablation, row.n_params is None, -(row.n_params or 0.0)))
    return Comparison(
        budget=plan.budget,
        understood=plan.understood,
        law_id=question.fit.id,
        convention=question.convention,
        flops=answer.optimum.flops,
        rows=tuple(rows),
        skipped=tuple(dict.fromkeys(skipped)),
        cautions=plan.cautions_of(question.fit.id),
        assumptions=plan.assumptions,
    )


def _is_comparable(fit: Fit) -> bool:
    return fit.allocation is not None or "learning_rate" in fit.laws or "batch_size" in fit.laws


@guarded
def _row(fit: Fit, answer: Answer) -> Row:
    plan, optimum = answer.plan, answer.optimum
    family, convention = answer.question.family, answer.question.convention
    has_split = fit.allocation is not None
    point = require_trainable(fit.id, operate(fit, optimum.flops, convention, family)) if has_split else optimum
    loss_difference, wasted = _cost(answer, point) if has_split else (None, None)
    usd = plan.budget_usd
    loss = plan.optimum.loss.value if plan.optimum.loss else None
    learning_rate, batch = (predict(fit, role, point, family, loss) for role in ("learning_rate", "batch_size"))
    return Row(
        fit_id=fit.id,
        title=fit.title,
        ablation=fit.ablation,
        counting=fit.counting,
        n_params=point.n_params if has_split else None,
        tokens=point.tokens if has_split else None,
        tokens_per_param=point.tokens_per_param if has_split else None,
        own_n_params=recount(point, fit.counting, family).n_params if has_split else None,
        learning_rate=learning_rate.value if learning_rate else None,
        batch_tokens=batch.value if batch else None,
        outliers=outlying_roles(fit, answer),
        loss_difference=loss_difference,
        wasted_share=wasted,
        wasted_usd=None if wasted is None or usd is None else wasted * usd,
    )


@guarded
def _cost(answer: Answer, point: OperatingPoint) -> tuple[float | None, float | None]:
    """Return `loss_difference` and `wasted_share` of a point, by the answer's law."""
    fit, family = answer.question.fit, answer.question.family
    loss_model = LossModel(fit)
    best, other = recount(answer.optimum, fit.counting, family), recount(point, fit.counting, family)
    own_loss, level = loss_model.best_loss(best.flops), loss_model.best_loss(other.flops)
    excess = loss_model.excess_loss(other.flops, other.n_params)
    if own_loss is None or level is None or excess is None:
        return None, None
    # In the law's own convention the other model may have a slightly different budget; the share is of that budget.
    wasted = loss_model.wasted_share(other.flops, other.n_params)
    return level + excess - own_loss, wasted


def chosen_row(comparison: Comparison) -> Row:
    """Return the row of the chosen law.

    Raises:
        UsageError: it is not among the fits compared.
    """
    for row in comparison.rows:
        if row.fit_id == comparison.law_id:
            return row
    raise UsageError(f"{comparison.law_id!r} is not among the laws compared.")

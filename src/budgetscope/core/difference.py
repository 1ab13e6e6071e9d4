"""What changes when one fit replaces another: its constants, and what it recommends."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

from budgetscope.core.errors import UsageError
from budgetscope.core.fit import Fit
from budgetscope.core.hyperparameters import predict
from budgetscope.core.ledger import Convention
from budgetscope.core.shapes import ShapeFamily
from budgetscope.core.solve import MAX_FLOPS, MIN_FLOPS, operate
from budgetscope.core.soundness import sound
from budgetscope.core.valley import Valley

BUDGETS = (1e18, 1e20, 1e22, 1e24)
"""FLOPs at which recommendations are compared, where the user names none."""


@dataclass(frozen=True, slots=True)
class ConstantChange:
    """One parameter of one law in both fits, or its form where they differ in that; None where there is no law."""

    role: str
    parameter: str
    before: float | str | None
    after: float | str | None


@dataclass(frozen=True, slots=True)
class Recommendation:
    """What one fit says at one budget; None where it has no law for it."""

    n_params: float | None
    tokens: float | None
    loss: float | None
    learning_rate: float | None
    batch_tokens: float | None


@dataclass(frozen=True, slots=True)
class BudgetChange:
    """Both recommendations at one budget, N and C by the difference's convention."""

    flops: float
    before: Recommendation
    after: Recommendation


@dataclass(frozen=True, slots=True)
class Difference:
    """Two fits side by side.

    Attributes:
        before: id of the first fit.
        after: id of the second.
        convention: who counts N and C of the recommendations.
        constants: every parameter that differs.
        budgets: recommendations at each budget.
    """

    before: str
    after: str
    convention: Convention
    constants: tuple[ConstantChange, ...]
    budgets: tuple[BudgetChange, ...]


def differ(
    before: Fit,
    after: Fit,
    family: ShapeFamily,
    budgets: Sequence[float] = BUDGETS,
    convention: Convention | None = None,
) -> Difference:
    """Return what changes from one fit to another.

    Args:
        before: the first fit.
        after: the second.
        family: the shapes through which conventions convert.
        budgets: FLOPs at which to compare, by `convention`.
        convention: who counts; by default the first fit's own if it counts 6 N, else `standard`.

    Raises:
        UsageError: a budget is out of bounds.
        FailureError: a fit gives no usable numbers at one of the budgets.
    """
    for flops in budgets:
        if not MIN_FLOPS <= flops <= MAX_FLOPS:
            raise UsageError(
                f"{flops:g} FLOPs lie outside {MIN_FLOPS:.0e} to {MAX_FLOPS:.0e} FLOPs, where no scaling law says "
                "anything; give a budget inside."
            )
    counting = convention or (before.counting if before.counting.counts_six_n else Convention.STANDARD)
    return Difference(
        before=before.id,
        after=after.id,
        convention=counting,
        constants=tuple(_constants(before, after)),
        budgets=tuple(
            BudgetChange(
                flops,
                sound(before.id, _recommendation, before, flops, counting, family),
                sound(after.id, _recommendation, after, flops, counting, family),
            )
            for flops in budgets
        ),
    )


def _constants(before: Fit, after: Fit) -> list[ConstantChange]:
    """Return what differs, law by law; laws of another form differ as a whole."""
    changes: list[ConstantChange] = []
    for role in dict.fromkeys([*before.laws, *after.laws]):
        old, new = (fit.laws[role].law if role in fit.laws else None for fit in (before, after))
        if old is None or new is None or old.form != new.form:
            changes.append(ConstantChange(role, "form", old.form if old else None, new.form if new else None))
            continue
        pairs = [(f.name, getattr(old, f.name), getattr(new, f.name)) for f in fields(old)]
        changes += [ConstantChange(role, name, a, b) for name, a, b in pairs if a != b]
    return changes


def _recommendation(fit: Fit, flops: float, convention: Convention, family: ShapeFamily) -> Recommendation:
    if fit.allocation is None:
        return Recommendation(None, None, None, None, None)
    point = operate(fit, flops, convention, family)
    own_flops = point.tokens * family.flops_per_token(point.position, fit.counting)
    loss = Valley(fit).best_loss(own_flops)
    learning_rate, batch = (predict(fit, role, point, family, loss) for role in ("learning_rate", "batch_size"))
    return Recommendation(
        n_params=point.n_params,
        tokens=point.tokens,
        loss=loss,
        learning_rate=learning_rate.value if learning_rate else None,
        batch_tokens=batch.value if batch else None,
    )

"""The difference between two fits: their constants and their recommendations."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

from budgetscope.core.counting.ledger import Convention
from budgetscope.core.counting.shapes import ShapeFamily
from budgetscope.core.errors import UsageError
from budgetscope.core.laws.fit import Fit
from budgetscope.core.laws.forms import PowerLawParams
from budgetscope.core.laws.guard import guarded
from budgetscope.core.laws.hyperparameters import predict
from budgetscope.core.laws.intervals import allocation_exponent
from budgetscope.core.laws.loss_model import LossModel
from budgetscope.core.laws.operating_point import MAX_FLOPS, MIN_FLOPS, operate

BUDGETS = (1e18, 1e20, 1e22, 1e24)
"""FLOPs at which recommendations are compared by default."""


Tokenizer = tuple[str | None, int | None]
"""Name and number of tokens of a tokenizer; None where not known."""
_TRAINED = (None, "bpe", "unknown")
"""Names that do not tell a tokenizer: byte pairs are trained on the corpus."""


@dataclass(frozen=True, slots=True)
class ConstantChange:
    """A parameter of a law, or its form, that differs between two fits; None for a fit without the law."""

    role: str
    parameter: str
    before: float | str | None
    after: float | str | None


@dataclass(frozen=True, slots=True)
class Recommendation:
    """The recommendation of one fit at one budget; None for a quantity without a law."""

    n_params: float | None
    tokens: float | None
    loss: float | None
    learning_rate: float | None
    batch_tokens: float | None


@dataclass(frozen=True, slots=True)
class BudgetChange:
    """The recommendations of both fits at one budget; N and C are by the difference's convention."""

    flops: float
    before: Recommendation
    after: Recommendation


@dataclass(frozen=True, slots=True)
class Difference:
    """The difference between two fits.

    Attributes:
        before: id of the first fit.
        after: id of the second.
        convention: of N and C in the recommendations.
        constants: the parameters that differ.
        budgets: the recommendations at each budget.
        sized_by: id of the fit that gives N and D to a fit without a law for them; None if both have one.
        flags: the flags of both fits, each with the fit's id.
        tokenizers: name and size of the tokenizers of both fits, where both foretell a loss and the tokens of its unit
            are not known to be the same; None where they are.
    """

    before: str
    after: str
    convention: Convention
    constants: tuple[ConstantChange, ...]
    budgets: tuple[BudgetChange, ...]
    sized_by: str | None = None
    flags: tuple[str, ...] = ()
    tokenizers: tuple[Tokenizer, Tokenizer] | None = None


def differ(
    before: Fit,
    after: Fit,
    family: ShapeFamily,
    budgets: Sequence[float] = BUDGETS,
    convention: Convention | None = None,
    sizes: Fit | None = None,
) -> Difference:
    """Return the difference from one fit to another.

    Args:
        before: the first fit.
        after: the second.
        family: the shapes through which conventions convert.
        budgets: FLOPs at which to compare, by `convention`.
        convention: of N and C; by default the first fit's own if it counts 6 N, else `standard`.
        sizes: gives N and D to a fit without a law for them; without it, such a fit has no recommendation.

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
    changes = tuple(
        BudgetChange(flops, *(_recommendation(fit, flops, counting, family, sizes) for fit in (before, after)))
        for flops in budgets
    )
    losses = any(change.before.loss is not None and change.after.loss is not None for change in changes)
    borrows = sizes is not None and any(fit.allocation is None for fit in (before, after))
    return Difference(
        before=before.id,
        after=after.id,
        convention=counting,
        constants=tuple(_constants(before, after)),
        budgets=changes,
        sized_by=sizes.id if sizes is not None and borrows else None,
        flags=tuple(dict.fromkeys(f"{fit.id}: {flag}" for fit in (before, after) for flag in fit.flags)),
        tokenizers=tokenizers_apart(before, after) if losses else None,
    )


def tokenizers_apart(before: Fit, after: Fit) -> tuple[Tokenizer, Tokenizer] | None:
    """Return both tokenizers unless they are the same: by a name that tells, or trained on the same text."""
    first, second = ((fit.tokenizer, fit.vocab_size) for fit in (before, after))
    texts = {fit.provenance.get("data_sha256", fit.id) for fit in (before, after)}
    same = first == second and (before.tokenizer not in _TRAINED or len(texts) == 1)
    return None if same else (first, second)


def _constants(before: Fit, after: Fit) -> list[ConstantChange]:
    """Return the changes of the parameters, or of the form where it differs, role by role."""
    changes = _exponents(before, after)
    for role in dict.fromkeys([*before.laws, *after.laws]):
        old, new = (fit.laws[role].law if role in fit.laws else None for fit in (before, after))
        if old is None or new is None or old.form != new.form:
            changes.append(ConstantChange(role, "form", old.form if old else None, new.form if new else None))
            continue
        pairs = [(f.name, getattr(old, f.name), getattr(new, f.name)) for f in fields(old)]
        changes += [ConstantChange(role, name, a, b) for name, a, b in pairs if a != b]
    return changes


def _exponents(before: Fit, after: Fit) -> list[ConstantChange]:
    """Return the change of a in N* = coefficient · C^a, unless a is a parameter of both laws."""
    exponents = [allocation_exponent(fit) for fit in (before, after)]
    listed = all(fit.allocation and isinstance(fit.allocation.law, PowerLawParams) for fit in (before, after))
    old, new = (None if found is None else found.value for found in exponents)
    return [] if listed or old == new else [ConstantChange("N*(C)", "exponent a", old, new)]


@guarded
def _recommendation(
    fit: Fit, flops: float, convention: Convention, family: ShapeFamily, sizes: Fit | None
) -> Recommendation:
    own = fit.allocation is not None
    judge = fit if own else sizes
    if judge is None:
        return Recommendation(None, None, None, None, None)
    point = operate(judge, flops, convention, family)
    loss = LossModel(judge).best_loss(point.tokens * family.flops_per_token(point.position, judge.counting))
    learning_rate, batch = (predict(fit, role, point, family, loss) for role in ("learning_rate", "batch_size"))
    return Recommendation(
        n_params=point.n_params if own else None,
        tokens=point.tokens if own else None,
        loss=loss if own else None,
        learning_rate=learning_rate.value if learning_rate else None,
        batch_tokens=batch.value if batch else None,
    )

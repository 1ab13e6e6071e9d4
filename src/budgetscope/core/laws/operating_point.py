"""Operating points: N and D of a law at a budget, under any counting convention.

A law holds in its own convention only. For another convention, the model that fulfils the law in its own convention is
found, and the parameters and FLOPs of that model are counted again.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

from budgetscope.core.counting.ledger import Convention
from budgetscope.core.counting.shapes import ShapeFamily
from budgetscope.core.errors import FailureError
from budgetscope.core.laws.fit import Fit
from budgetscope.core.laws.forms import AllocationLaw

MIN_FLOPS = 1e10
MAX_FLOPS = 1e32
"""Budgets outside this span are refused: no law has data near them."""

_LOWEST_POSITION, _HIGHEST_POSITION = -40.0, 5000.0


@dataclass(frozen=True, slots=True)
class OperatingPoint:
    """A model size and a number of training tokens at a budget.

    Attributes:
        flops: training FLOPs, C, by `convention`.
        convention: of `flops` and `n_params`.
        position: of the model in its shape family.
        n_params: parameters, N, by `convention`.
        tokens: training tokens, D.
    """

    flops: float
    convention: Convention
    position: float
    n_params: float
    tokens: float

    @property
    def tokens_per_param(self) -> float:
        """D / N."""
        return self.tokens / self.n_params


def allocation_law(fit: Fit) -> AllocationLaw:
    """Return the law of N*(C) of a fit.

    Raises:
        FailureError: the fit has none.
    """
    law = fit.allocation
    if law is None or not isinstance(law.law, AllocationLaw):
        raise FailureError(f"{fit.id} has no law for N and D; choose one that `budgetscope fits list` marks N, D.")
    return law.law


def increasing_root(function: Callable[[float], float], low: float, high: float, tolerance: float = 1e-12) -> float:
    """Return the root of an increasing function in [low, high]; the nearer end if there is none.

    The method is regula falsi with the Illinois rule. Our functions are nearly linear in logarithms, so that it takes
    few evaluations.
    """
    f_low, f_high = function(low), function(high)
    if f_low >= 0:
        return low
    if f_high <= 0:
        return high
    for _ in range(200):
        middle = high - f_high * (high - low) / (f_high - f_low)
        f_middle = function(middle)
        if abs(f_middle) < tolerance or high - low < 1e-13 * max(1.0, abs(high)):
            return middle
        if f_middle > 0:
            high, f_high = middle, f_middle
            f_low /= 2
        else:
            low, f_low = middle, f_middle
            f_high /= 2
    return middle


def operate(fit: Fit, flops: float, convention: Convention, family: ShapeFamily) -> OperatingPoint:
    """Return the compute-optimal operating point of a fit at a budget.

    Args:
        fit: with its laws in its own convention.
        flops: the budget by `convention`.
        convention: the counting convention of the budget and the result.
        family: the shapes through which conventions convert.

    Raises:
        FailureError: the fit has no allocation law.
    """
    law, own = allocation_law(fit), fit.counting
    if convention == own and own.counts_six_n:
        split = law.allocate(flops)
        position = family.position(split.n_params, own)
        return OperatingPoint(flops, convention, position, split.n_params, split.tokens)

    def excess(position: float) -> float:
        tokens = flops / family.flops_per_token(position, convention)
        own_flops = tokens * family.flops_per_token(position, own)
        return math.log(law.allocate(own_flops).tokens / tokens)

    position = increasing_root(excess, _LOWEST_POSITION, _HIGHEST_POSITION)
    tokens = flops / family.flops_per_token(position, convention)
    return OperatingPoint(flops, convention, position, family.n_params(position, convention), tokens)


def point_of_run(n_params: float, tokens: float, convention: Convention, family: ShapeFamily) -> OperatingPoint:
    """Return the operating point of a run of any N, by `convention`, and D."""
    position = family.position(n_params, convention)
    flops = tokens * family.flops_per_token(position, convention)
    return OperatingPoint(flops, convention, position, n_params, tokens)


def recount(point: OperatingPoint, convention: Convention, family: ShapeFamily) -> OperatingPoint:
    """Return the same model and tokens, counted by another convention."""
    if convention == point.convention:
        return point
    return OperatingPoint(
        flops=point.tokens * family.flops_per_token(point.position, convention),
        convention=convention,
        position=point.position,
        n_params=family.n_params(point.position, convention),
        tokens=point.tokens,
    )


def flops_where(
    fit: Fit,
    convention: Convention,
    family: ShapeFamily,
    measure: Callable[[OperatingPoint], float],
    target: float,
) -> float | None:
    """Return the budget at which an increasing function of the operating point reaches a target.

    Returns:
        FLOPs by `convention`; None if no budget within `MIN_FLOPS` to `MAX_FLOPS` reaches the target.
    """

    def measured(log_flops: float) -> float:
        return measure(operate(fit, math.exp(log_flops), convention, family))

    def excess(log_flops: float) -> float:
        return math.log(measured(log_flops) / target)

    low, high = math.log(MIN_FLOPS), math.log(MAX_FLOPS)
    least, most = measured(low), measured(high)
    if not 0 < least <= most < math.inf:
        raise ValueError("the law does not grow")
    # The ratio to a target far outside would vanish or overflow.
    if not least <= target <= most:
        return None
    return math.exp(increasing_root(excess, low, high))

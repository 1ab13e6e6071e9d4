"""A cache of curves for charts, since an interval takes a thousand evaluations a point."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from budgetscope.core.answers.curves import Curve, curve
from budgetscope.core.answers.quantity_curves import QuantityCurve, has_curve, quantity_curve
from budgetscope.core.answers.question import Question
from budgetscope.core.counting.ledger import Convention
from budgetscope.core.counting.shapes import ShapeFamily
from budgetscope.core.errors import FailureError
from budgetscope.core.laws.fit import Fit

_MAX_KEPT = 256


class Charts:
    """Computes curves and caches them by law, convention, tokenizer, context and grid."""

    def __init__(self) -> None:
        self._kept: dict[tuple[object, ...], tuple[object, Any]] = {}

    def curve(
        self, fit: Fit, convention: Convention, family: ShapeFamily, flops_grid: tuple[float, ...], *, band: bool
    ) -> Curve:
        """Return N*(C) of a fit; arguments as in `core.answers.curves.curve`.

        Raises:
            FailureError: the fit has no law for N and D, or gives no usable numbers.
        """

        def draw() -> Curve:
            return curve(fit, convention, family, flops_grid, band=band)

        drawn: Curve = self._cached(("curve", flops_grid, convention, band), (fit, family), draw)
        return drawn

    def quantity_curves(
        self, question: Question, quantity: str, fits: Sequence[Fit], flops_grid: tuple[float, ...]
    ) -> tuple[QuantityCurve, ...]:
        """Return the first fit's curve with its interval, then those of the others that have a law for the quantity.

        Returns:
            The curves; empty when the first fit has no law for the quantity.

        Raises:
            FailureError: the first fit gives no usable numbers; others are left out.
        """
        if not fits or not has_curve(fits[0], quantity):
            return ()
        drawn = [self._quantity_curve(fits[0], quantity, question, flops_grid, band=True)]
        for fit in fits[1:]:
            with suppress(FailureError):
                if has_curve(fit, quantity):
                    drawn.append(self._quantity_curve(fit, quantity, question, flops_grid, band=False))
        return tuple(drawn)

    def _quantity_curve(
        self, fit: Fit, quantity: str, question: Question, flops_grid: tuple[float, ...], *, band: bool
    ) -> QuantityCurve:
        def draw() -> QuantityCurve:
            return quantity_curve(fit, quantity, question, flops_grid, band=band)

        what = (quantity, flops_grid, question.convention, band)
        drawn: QuantityCurve = self._cached(what, (fit, question.fit, question.family), draw)
        return drawn

    def _cached(self, what: tuple[object, ...], parts: tuple[object, ...], draw: Callable[[], object]) -> Any:
        """Return the cached result of `draw` for `what` and the identities of `parts`."""
        key = (*what, *map(id, parts))
        kept = self._kept.get(key)
        if kept is None:
            if len(self._kept) >= _MAX_KEPT:
                self._kept.clear()
            # The parts are kept with the result: while they live, no other object has their ids.
            kept = self._kept[key] = (parts, draw())
        return kept[1]

"""What charts draw, kept between calls: along a curve, an interval costs a thousand evaluations a point."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from budgetscope.core.answers.curves import Curve, curve
from budgetscope.core.answers.quantity_curves import Trace, says, trace
from budgetscope.core.answers.question import Question
from budgetscope.core.errors import FailureError
from budgetscope.core.laws.fit import Fit

_MAX_KEPT = 256


class Charts:
    """Draws laws along a question's budgets; only another law, convention, tokenizer, context or grid costs time."""

    def __init__(self) -> None:
        self._kept: dict[tuple[object, ...], tuple[object, Any]] = {}

    def curve(self, fit: Fit, question: Question, flops_grid: tuple[float, ...]) -> Curve:
        """Return N*(C) of a fit; with its interval when it is the question's own.

        Raises:
            FailureError: the fit has no law for N and D, or gives no usable numbers.
        """
        chosen = fit is question.fit

        def draw() -> Curve:
            return curve(fit, question.convention, question.family, flops_grid, band=chosen)

        drawn: Curve = self._once(("curve", flops_grid, chosen), (fit,), question, draw)
        return drawn

    def traces(
        self, question: Question, quantity: str, fits: Sequence[Fit], flops_grid: tuple[float, ...]
    ) -> tuple[Trace, ...]:
        """Return the first fit's curve with its interval, then the others' that say the quantity; none if it is silent.

        Raises:
            FailureError: the first gives no usable numbers; others are left out.
        """
        if not fits or not says(fits[0], quantity):
            return ()
        drawn = [self._trace(fits[0], quantity, question, flops_grid, band=True)]
        for fit in fits[1:]:
            with suppress(FailureError):
                if says(fit, quantity):
                    drawn.append(self._trace(fit, quantity, question, flops_grid, band=False))
        return tuple(drawn)

    def _trace(
        self, fit: Fit, quantity: str, question: Question, flops_grid: tuple[float, ...], *, band: bool
    ) -> Trace:
        def draw() -> Trace:
            return trace(fit, quantity, question, flops_grid, band=band)

        drawn: Trace = self._once((quantity, flops_grid, band), (fit, question.fit), question, draw)
        return drawn

    def _once(
        self, what: tuple[object, ...], fits: tuple[Fit, ...], question: Question, draw: Callable[[], object]
    ) -> Any:
        key = (*what, *map(id, fits), question.convention, question.vocab_size, question.seq_len)
        if key not in self._kept:
            if len(self._kept) >= _MAX_KEPT:
                self._kept.clear()
            # The fits are kept beside what was drawn: as long as they live, nothing else has their ids.
            self._kept[key] = (fits, draw())
        return self._kept[key][1]

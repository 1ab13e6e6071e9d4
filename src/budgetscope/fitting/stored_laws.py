"""From the engine's results to the laws of a stored fit."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from budgetscope.core.laws.fit import POINT_COLUMNS, Draws, Law, Points, Range
from budgetscope.core.laws.forms import ExcessLaw, LossCurve, PowerLawParams

if TYPE_CHECKING:
    from collections.abc import Iterable

    from budgetscope.fitting.excess import ExcessLaw as FittedExcess
    from budgetscope.fitting.isoflop import IsoFlopFit
    from budgetscope.fitting.parametric import ParametricFit
    from budgetscope.fitting.run_table import FloatArray, RunTable

# Draws are stored with so many significant digits: their spread is known to far fewer.
_DRAW_DIGITS = 8


def isoflop_laws(fit: IsoFlopFit, note: str = "") -> dict[str, Law]:
    """Return the allocation law and, where the budgets determine one, the loss curve."""
    fitted = {
        name: range_of([getattr(optimum, name) for optimum in fit.optima]) for name in ("flops", "n_params", "tokens")
    }
    law = fit.n_params
    laws = {
        "allocation": Law(
            PowerLawParams(law.coefficient, law.exponent),
            "DER",
            fitted,
            Draws(("ln_coefficient", "exponent"), _rows(law.draws)),
            note,
        )
    }
    curve = fit.loss_curve
    if curve is not None:
        laws["loss_curve"] = Law(
            LossCurve(curve.coefficient, curve.exponent, curve.irreducible),
            "DER",
            {"flops": range_of(curve.flops_range)},
            Draws(("ln_coefficient", "exponent", "floor"), _rows(curve.draws)),
        )
    return laws


def isoflop_points(fit: IsoFlopFit) -> Points:
    """Return the optimum of every budget that was used."""
    return Points(
        POINT_COLUMNS,
        tuple(
            tuple(rounded(v) for v in (o.flops, o.n_params, o.tokens, o.loss, o.n_log_std, float(o.n_sizes)))
            for o in fit.optima
        ),
    )


def excess_law(fit: FittedExcess, flops: Range) -> Law:
    """Return what a model of another size costs as a law.

    Args:
        fit: of the runs near the optima.
        flops: the budgets that it was fitted on.
    """
    return Law(
        ExcessLaw(fit.coefficient, fit.exponent, fit.skew, fit.window),
        "DER",
        {"flops": flops},
        Draws(("ln_coefficient", "exponent", "skew"), _rows(fit.draws)),
        f"Fitted to {fit.n_points} runs within a factor {math.exp(fit.window):.2g} of the optimum, "
        f"rms misfit {fit.residual_std:.3f} nats; beyond that factor it says less than was measured.",
    )


def surface_law(fit: ParametricFit, table: RunTable, note: str = "") -> Law:
    """Return the loss surface as a law."""
    ratio = table.tokens / table.n_params
    return Law(
        fit.surface,
        "DER",
        {
            "flops": range_of(table.flops),
            "n_params": range_of(table.n_params),
            "tokens": range_of(table.tokens),
            "tokens_per_param": range_of(ratio),
        },
        Draws(("ln_A", "ln_B", "E", "alpha", "beta"), _rows(fit.draws)),
        note,
    )


def range_of(values: Iterable[float]) -> Range:
    """Return the least and the greatest value, as stored."""
    numbers = [rounded(float(value)) for value in values]
    return Range(min(numbers), max(numbers))


def _rows(draws: FloatArray) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(rounded(v) for v in row) for row in draws.tolist())


def rounded(value: float) -> float:
    """Return a number with the digits that are stored."""
    return float(f"{value:.{_DRAW_DIGITS}g}")

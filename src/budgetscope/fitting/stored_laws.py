"""Turns the results of the engines into the laws and points of a stored fit."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from budgetscope.core.laws.fit import POINT_COLUMNS, Draws, Law, Points, Range
from budgetscope.core.laws.forms import BatchStep, ExcessLaw, LossCurve, Monomial, PowerLawParams

if TYPE_CHECKING:
    from collections.abc import Iterable

    from budgetscope.fitting.excess import ExcessLaw as FittedExcess
    from budgetscope.fitting.hyperparameters import FittedMonomial, HyperparameterFit
    from budgetscope.fitting.isoflop import IsoFlopFit
    from budgetscope.fitting.parametric import ParametricFit
    from budgetscope.fitting.run_table import FloatArray, RunTable

_STORED_DIGITS = 8
"""Significant digits of a stored number: the spread of draws is known to far fewer."""


def isoflop_laws(fit: IsoFlopFit, note: str = "") -> dict[str, Law]:
    """Return the allocation law and, where the budgets determine one, the loss curve.

    Args:
        fit: of the budgets.
        note: what a user of the allocation law must know, one sentence.
    """
    fitted = {
        name: range_of([getattr(optimum, name) for optimum in fit.optima]) for name in ("flops", "n_params", "tokens")
    }
    law = fit.n_params
    laws = {
        "allocation": Law(
            PowerLawParams(law.coefficient, law.exponent),
            "DER",
            fitted,
            Draws(("ln_coefficient", "exponent"), stored_rows(law.draws)),
            note,
        )
    }
    curve = fit.loss_curve
    if curve is not None:
        laws["loss_curve"] = Law(
            LossCurve(curve.coefficient, curve.exponent, curve.irreducible),
            "DER",
            {"flops": range_of(curve.flops_range)},
            Draws(("ln_coefficient", "exponent", "floor"), stored_rows(curve.draws)),
            undetermined=("floor",) if curve.irreducible == 0 else (),
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
    """Return the law of the loss above the optimum.

    Args:
        fit: of the runs near the optima.
        flops: range of the budgets of these optima.
    """
    return Law(
        ExcessLaw(fit.coefficient, fit.exponent, fit.skew, fit.window),
        "DER",
        {"flops": flops},
        Draws(("ln_coefficient", "exponent", "skew"), stored_rows(fit.draws)),
        f"Fitted to {fit.n_points} runs within a factor {math.exp(fit.window):.2g} of the optimum, "
        f"rms misfit {fit.residual_std:.3f} nats; beyond that factor it says less than was measured.",
    )


def surface_law(fit: ParametricFit, table: RunTable, note: str = "") -> Law:
    """Return the loss surface as a law.

    Args:
        fit: of the surface.
        table: the runs that it was fitted to.
        note: what a user of the law must know, one sentence.
    """
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
        Draws(("ln_A", "ln_B", "E", "alpha", "beta"), stored_rows(fit.draws)),
        note,
    )


def hyperparameter_laws(fit: HyperparameterFit, note: str = "") -> dict[str, Law]:
    """Return the laws of learning_rate, batch_size (tokens) and, where the sweep has a threshold, beta2.

    Args:
        fit: of the sweep.
        note: what a user of its learning rate and batch laws must know, one sentence.
    """
    optima = fit.optima
    fitted = {
        "n_params": range_of(o.n_params for o in optima),
        "tokens": range_of(o.tokens for o in optima),
        "tokens_per_param": range_of(o.tokens / o.n_params for o in optima),
        "batch_tokens": range_of(o.batch_tokens for o in optima),
    }
    laws = {
        role: Law(_monomial(law), "DER", fitted, _monomial_draws(law, with_tokens=fit.variables == "ND"), note)
        for role, law in (("learning_rate", fit.learning_rate), ("batch_size", fit.batch_tokens))
    }
    step = fit.beta2_step
    if step is not None:
        low, high = step.between
        laws["beta2"] = Law(
            BatchStep(step.threshold_tokens, step.below, step.above),
            "DER",
            {"batch_tokens": range_of(row.batch_tokens for row in fit.beta2)},
            note=f"The sweep places the threshold between {low:.3g} and {high:.3g} tokens a batch.",
        )
    return laws


def _monomial(law: FittedMonomial) -> Monomial:
    return Monomial(law.coefficient, n_params_exponent=law.n_params_exponent, tokens_exponent=law.tokens_exponent)


def _monomial_draws(law: FittedMonomial, *, with_tokens: bool) -> Draws:
    columns = ("ln_coefficient", "n_params_exponent", "tokens_exponent")[: 3 if with_tokens else 2]
    return Draws(columns, stored_rows(law.draws[:, : len(columns)]))


def range_of(values: Iterable[float]) -> Range:
    """Return the range of some values, in the digits that are stored."""
    numbers = [rounded(float(value)) for value in values]
    return Range(min(numbers), max(numbers))


def stored_rows(draws: FloatArray) -> tuple[tuple[float, ...], ...]:
    """Return draws in the digits that are stored."""
    return tuple(tuple(rounded(v) for v in row) for row in draws.tolist())


def rounded(value: float) -> float:
    """Round to the digits that are stored."""
    return float(f"{value:.{_STORED_DIGITS}g}")

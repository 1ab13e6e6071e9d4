"""The laws of the joint fit, as a fit stores them, with its check on its own largest budgets."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np

from budgetscope.core.errors import UsageError
from budgetscope.core.laws.drifting_line import DriftingLine
from budgetscope.core.laws.fit import POINT_COLUMNS, Draws, Law, Points
from budgetscope.core.laws.forms import LossCurve, PowerLawParams
from budgetscope.fitting.excess import fit_excess
from budgetscope.fitting.isoflop import BudgetOptimum
from budgetscope.fitting.joint import WINDOW, JointFit, fit_joint
from budgetscope.fitting.loss_forecast import LossForecast, forecast_of
from budgetscope.fitting.out_of_sample import OutOfSample, Prediction, check_budgets, predictor_of_n
from budgetscope.fitting.refusals import loss_unit_flags, loud_flags, table_flags
from budgetscope.fitting.run_table import budgets
from budgetscope.fitting.stored_fit import FitPart, no_law
from budgetscope.fitting.stored_laws import excess_law, range_of, rounded, stored_rows

if TYPE_CHECKING:
    from collections.abc import Callable

    from budgetscope.fitting.run_table import RunTable

METHOD = (
    "Joint fit of ln L = m_C + k C^-kappa (u^2 + s u^3), u = ln N/N*(C), to all budgets at once, {} budgets used; "
    "residual {:.2g} of the loss."
)


@dataclass(frozen=True)
class JointPart:
    """The joint fit of a table.

    Attributes:
        part: its laws, flags and points.
        fit: N*(C).
        forecast: L*(C); None with a flag when the budgets do not determine it.
        check: on its own largest budgets.
    """

    part: FitPart
    fit: JointFit
    forecast: LossForecast | None
    check: OutOfSample

    @property
    def method(self) -> str:
        """How it was fitted, one sentence."""
        return METHOD.format(len(self.fit.flops), self.fit.residual_std)


def joint_part(
    table: RunTable, *, bytes_per_token: float | None = None, note: str = "", draws: int = 1000, seed: int = 0
) -> JointPart:
    """Return the laws of a joint fit, with those of the loss where the runs carry them.

    Args:
        table: the runs.
        bytes_per_token: of the tokenizer, for the prior of the floor; None when not known.
        note: what a user of the allocation law must know, one sentence.
        draws: of the laws of the loss.
        seed: of these draws.

    Raises:
        UsageError: as `fit_joint`.
    """
    fit = fit_joint(table)
    optima = _optima(fit, table)
    laws = {"allocation": _allocation(fit, optima, note)}
    flags = [flag.sentence for flag in (*loss_unit_flags(table), *table_flags(np.array(fit.flops)), *fit.flags)]
    flags += [flag.sentence for flag in loud_flags(fit.residual_std, "the common curve")]
    forecast = None
    try:
        forecast = forecast_of(fit, bytes_per_token=bytes_per_token, draws=draws, seed=seed)
    except UsageError as error:
        flags.append(no_law("loss_curve", str(error)))
    else:
        laws["loss_curve"] = _loss_curve(forecast)
        flags += [flag.sentence for flag in forecast.flags]
    try:
        laws["excess"] = excess_law(fit_excess(table, optima, draws=draws, seed=seed), range_of(fit.flops))
    except UsageError as error:
        flags.append(no_law("excess", str(error)))
    check = check_budgets(table, lambda t: predictor_of_n(fit_joint(t)), _predictor_of_loss(bytes_per_token), fit)
    if check.missed:
        flags.append(check.sentence())
    facts = {f"dropped_{drop.flops:.3g}": drop.reason for drop in fit.dropped} | {"out_of_sample": check.sentence()}
    facts |= {f"out_of_sample_{number}": line for number, line in enumerate(check.lines(), 1)}
    points = Points(
        POINT_COLUMNS,
        tuple(
            tuple(rounded(v) for v in (o.flops, o.n_params, o.tokens, o.loss, o.n_log_std, float(o.n_sizes)))
            for o in optima
        ),
    )
    return JointPart(FitPart(laws, tuple(flags), points, facts), fit, forecast, check)


def _allocation(fit: JointFit, optima: list[BudgetOptimum], note: str) -> Law:
    line = fit.uncertainty
    numbers = {f.name: rounded(getattr(line, f.name)) for f in fields(DriftingLine) if f.name != "dof"}
    return Law(
        PowerLawParams(float(np.exp(fit.log_coefficient)), fit.exponent),
        "DER",
        {name: range_of(getattr(optimum, name) for optimum in optima) for name in ("flops", "n_params", "tokens")},
        DriftingLine(dof=line.dof, **numbers),
        note,
    )


def _loss_curve(forecast: LossForecast) -> Law:
    return Law(
        LossCurve(forecast.coefficient, forecast.exponent, forecast.floor),
        "DER",
        {"flops": range_of(forecast.flops_range)},
        Draws(("ln_coefficient", "exponent", "floor"), stored_rows(forecast.draws), forecast=True),
        f"From the {forecast.n_budgets} largest budgets; prior: {forecast.prior}; the exponent may drift by "
        f"{forecast.exponent_drift:.2g} beyond them.",
        () if forecast.floor_determined else ("floor",),
    )


def _optima(fit: JointFit, table: RunTable) -> list[BudgetOptimum]:
    """Return the optimum of each budget used, given the common curve."""
    groups = {group.flops: group for group in budgets(table)}
    found = []
    for number, flops in enumerate(fit.flops):
        group = groups[flops]
        law = float(np.log(fit.at(flops)))
        log_n = float(np.clip(fit.own_log_n[number], law - WINDOW, law + WINDOW))
        log_tokens = float(np.interp(log_n, np.log(group.n_params), np.log(group.tokens)))
        optimum = BudgetOptimum(
            flops=flops,
            n_params=float(np.exp(log_n)),
            tokens=float(np.exp(log_tokens)),
            loss=float(np.exp(fit.log_loss[number])),
            n_log_std=min(fit.own_log_n_std[number], WINDOW),
            tokens_log_std=min(fit.own_log_n_std[number], WINDOW),
            loss_log_std=fit.log_loss_std[number],
            n_sizes=group.n_params.size,
            valid_draws=0,
        )
        found.append(optimum)
    return found


def _predictor_of_loss(bytes_per_token: float | None) -> Callable[[RunTable], Callable[[float], Prediction]]:
    def fitted(table: RunTable) -> Callable[[float], Prediction]:
        forecast = forecast_of(fit_joint(table), bytes_per_token=bytes_per_token)
        return lambda flops: Prediction(*np.log([forecast.at(flops), *forecast.interval_at(flops)]))

    return fitted

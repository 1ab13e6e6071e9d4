"""The joint fit of N*(C): planted recovery, coverage, edges."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from scipy.special import stdtrit
from tests.planted_surfaces import SYMMETRIC, planted_runs

from budgetscope.core.errors import UsageError
from budgetscope.core.laws.drifting_line import t_quantile
from budgetscope.fitting.isoflop import fit_isoflop
from budgetscope.fitting.jackknife import deletions
from budgetscope.fitting.joint import DRIFT, JointFit, fit_joint
from budgetscope.fitting.run_table import RunTable

if TYPE_CHECKING:
    from budgetscope.core.laws.forms import LossSurface

BUDGETS = 1e16 * 2.0 ** np.arange(8, dtype=np.float64)
BEYOND = float(BUDGETS[-1] * 8)


def planted(surface: LossSurface, log_std: float, seed: int, run_share: float = 0.0) -> RunTable:
    rng = np.random.default_rng(seed)
    return planted_runs(surface, budgets=BUDGETS, offset=0.1, log_std=log_std, run_share=run_share, rng=rng)


def ln_error(fit: JointFit, surface: LossSurface, flops: float) -> float:
    return float(np.log(fit.at(flops) / surface.allocate(flops).n_params))


def test_exact_runs_give_the_planted_law(surface: LossSurface) -> None:
    fit = fit_joint(planted_runs(surface, budgets=BUDGETS))
    assert fit.exponent == pytest.approx(surface.optimal_exponent, abs=0.005)
    assert ln_error(fit, surface, float(BUDGETS[4])) == pytest.approx(0, abs=0.03)
    best = [np.log(surface.best_loss(c)) for c in fit.flops]
    assert np.abs(np.array(fit.log_loss) - best).max() < 0.001


@pytest.mark.parametrize("run_share", [0.0, 1.0])
def test_the_covariance_alone_covers_the_truth_beyond_the_data(surface: LossSurface, run_share: float) -> None:
    fits = [fit_joint(planted(surface, 0.003, seed, run_share)) for seed in range(60)]
    held = [abs(ln_error(fit, surface, BEYOND)) <= fit.half_width(BEYOND, law=False) for fit in fits]
    # 60 at 95%: fewer than 51 by chance in one of two hundred.
    assert np.mean(held) >= 0.85


def test_it_wobbles_less_than_half_as_much_as_minima_found_alone() -> None:
    tables = [planted(SYMMETRIC, 0.003, seed) for seed in range(20)]
    joint = [ln_error(fit_joint(table), SYMMETRIC, BEYOND) for table in tables]
    true = SYMMETRIC.allocate(BEYOND).n_params
    alone = [float(np.log(fit_isoflop(table, draws=50).n_params.at(BEYOND) / true)) for table in tables]
    assert np.std(joint) < 0.5 * np.std(alone)


def test_wild_rows_hardly_move_it() -> None:
    table = planted(SYMMETRIC, 0.0005, 0)
    loss = table.loss.copy()
    loss[[10, 37, 60]] *= 1.3
    wild = RunTable(table.flops, table.n_params, table.tokens, loss)
    clean, spoilt = fit_joint(table), fit_joint(wild)
    assert spoilt.exponent == pytest.approx(clean.exponent, abs=0.02)
    assert abs(ln_error(spoilt, SYMMETRIC, BEYOND)) < spoilt.half_width(BEYOND)


def test_rows_in_any_order_and_finer_units_give_the_same() -> None:
    table = planted(SYMMETRIC, 0.002, 1)
    fit = fit_joint(table)
    again = fit_joint(table.rows(np.random.default_rng(0).permutation(len(table))))
    assert again.at(BEYOND) == pytest.approx(fit.at(BEYOND), rel=1e-9)
    scaled = fit_joint(RunTable(table.flops * 1e3, table.n_params * 50, table.tokens * 20, table.loss))
    assert scaled.exponent == pytest.approx(fit.exponent, abs=1e-6)
    assert scaled.at(BEYOND * 1e3) == pytest.approx(50 * fit.at(BEYOND), rel=1e-5)


def test_the_interval_widens_with_distance() -> None:
    fit = fit_joint(planted(SYMMETRIC, 0.002, 2))
    widths = [fit.half_width(BUDGETS[-1] * 10.0**k) for k in range(8)]
    assert widths == sorted(widths)
    assert fit.uncertainty.law_std(float(BUDGETS[-1]) * np.e) == pytest.approx(DRIFT * 2.5, abs=fit.bend * 3)


def test_optima_that_bend_widen_the_interval_and_are_flagged() -> None:
    straight = fit_joint(planted(SYMMETRIC, 0.0005, 5))
    flops, n_params, loss = [], [], []
    for c in BUDGETS:
        x = np.log(c / BUDGETS[0])
        best = np.log(SYMMETRIC.allocate(float(BUDGETS[0])).n_params) + 0.7 * x - 0.04 * x**2
        u = np.log(1.5) * np.arange(-4, 5) + 0.1
        flops.append(np.full(u.size, c))
        n_params.append(np.exp(best + u))
        loss.append(np.exp(1.3 - 0.05 * x + 0.05 * u**2))
    c, n = np.concatenate(flops), np.concatenate(n_params)
    bent = fit_joint(RunTable(c, n, c / 6 / n, np.concatenate(loss)))
    # Slope 0.7 - 0.08 x, five e-folds: half of 0.08 times half of them.
    assert bent.bend == pytest.approx(0.04 * np.log(128) / 2, rel=0.15)
    assert bent.uncertainty.law_std(BEYOND) > 1.5 * straight.uncertainty.law_std(BEYOND)
    assert "bent" in {flag.code for flag in bent.flags}
    assert "bent" not in {flag.code for flag in straight.flags}


def test_budgets_without_an_interior_minimum_are_dropped_by_name() -> None:
    table = planted(SYMMETRIC, 0.0005, 3)
    best = SYMMETRIC.allocate(float(BUDGETS[0])).n_params
    kept = (table.flops > BUDGETS[0] * 1.1) | (table.n_params > best * 1.5)
    fit = fit_joint(table.rows(kept))
    assert [drop.code for drop in fit.dropped] == ["low-edge"]
    assert len(fit.flops) == BUDGETS.size - 1


def test_three_budgets_of_three_sizes_are_enough() -> None:
    fit = fit_joint(planted_runs(SYMMETRIC, budgets=BUDGETS[:3], half=1, ratio=2.0))
    assert fit.dof == 1
    assert np.isfinite(fit.half_width(BEYOND))


def test_two_budgets_are_refused() -> None:
    with pytest.raises(UsageError, match="2 budgets"):
        fit_joint(planted_runs(SYMMETRIC, budgets=BUDGETS[:2]))


def test_losses_that_only_fall_are_refused() -> None:
    table = planted_runs(SYMMETRIC, budgets=BUDGETS)
    falling = RunTable(table.flops, table.n_params, table.tokens, 3 + table.n_params**-0.1)
    with pytest.raises(UsageError, match="one-sided"):
        fit_joint(falling)


def test_deletions_are_those_of_fitting_again() -> None:
    rng = np.random.default_rng(0)
    level, cluster = np.repeat(np.arange(4), 6), np.tile(np.arange(6), 4)
    x, y, weights = rng.standard_normal((24, 2)), rng.standard_normal(24), rng.uniform(0.5, 2, 24)

    def solve(rows: np.ndarray) -> np.ndarray:
        design = np.hstack([x, np.eye(4)[level]])[rows] * np.sqrt(weights[rows])[:, None]
        found: np.ndarray = np.linalg.lstsq(design, y[rows] * np.sqrt(weights[rows]), rcond=None)[0]
        return found

    def centred(values: np.ndarray) -> np.ndarray:
        means = np.array([np.average(values[level == k], axis=0, weights=weights[level == k]) for k in range(4)])
        result: np.ndarray = values - means[level]
        return result

    whole = solve(np.arange(24))
    residual = y - np.hstack([x, np.eye(4)[level]]) @ whole
    expected = [solve(np.flatnonzero(cluster != k))[:2] - whole[:2] for k in range(6)]
    np.testing.assert_allclose(deletions(centred(x), residual, weights, cluster, level), expected, atol=1e-6)


def test_the_interval_is_students_t_of_the_noise_and_a_normal_of_the_law_in_quadrature() -> None:
    fit = replace(fit_joint(planted(SYMMETRIC, 0.002, 4)), bend=0.03)
    covariance = np.array(fit.covariance)
    for flops in (1e15, 1e17, 1e24):
        shift = np.array([1.0, np.log(flops / fit.flops_centre)])
        noise = stdtrit(fit.dof, 0.975) * np.sqrt(shift @ covariance @ shift)
        low, high = fit.flops_range
        distance = max(0.0, np.log(flops / high), np.log(low / flops))
        law = np.hypot(0.05 * (1.5 + distance), 0.03 * (1.5 + min(distance, np.log(high / low))))
        assert fit.half_width(flops) == pytest.approx(np.hypot(noise, stdtrit(np.inf, 0.975) * law), rel=1e-9)
    low, high = fit.exponent_interval()
    assert high - low == pytest.approx(2 * stdtrit(fit.dof, 0.975) * np.sqrt(covariance[1, 1]))


@pytest.mark.parametrize(("dof", "quantile"), [(1, 12.7062), (2, 4.30265), (5, 2.57058), (10, 2.22814), (60, 2.00030)])
def test_students_quantiles_are_those_of_the_tables(dof: int, quantile: float) -> None:
    assert t_quantile(dof, 0.975) == pytest.approx(quantile, abs=1e-4)

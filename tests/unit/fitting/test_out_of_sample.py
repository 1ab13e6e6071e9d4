"""Fits asked for budgets and sizes that they have not seen, and the rows that vote on a surface."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from tests.planted_surfaces import SYMMETRIC, planted_runs

from budgetscope.core.errors import UsageError
from budgetscope.fitting.joint import fit_joint
from budgetscope.fitting.loss_forecast import forecast_of
from budgetscope.fitting.out_of_sample import Prediction, check_budgets, check_sizes, predictor_of_n
from budgetscope.fitting.parametric import ParametricFit, fit_parametric
from budgetscope.fitting.run_table import RunTable
from budgetscope.fitting.surface_rows import decisive_rows, fit_voted, voters

if TYPE_CHECKING:
    from collections.abc import Callable

BUDGETS = 1e18 * 2.0 ** np.arange(8, dtype=np.float64)


def runs(log_std: float = 0.001, seed: int = 0) -> RunTable:
    return planted_runs(SYMMETRIC, budgets=BUDGETS, log_std=log_std, rng=np.random.default_rng(seed))


def says_n(table: RunTable) -> Callable[[float], Prediction]:
    return predictor_of_n(fit_joint(table))


def says_loss(table: RunTable) -> Callable[[float], Prediction]:
    found = forecast_of(fit_joint(table))
    return lambda flops: Prediction(*np.log([found.at(flops), *found.interval_at(flops)]))


def surface(table: RunTable) -> ParametricFit:
    return fit_parametric(table, draws=50)


def test_planted_budgets_held_out_are_held() -> None:
    table = runs()
    found = check_budgets(table, says_n, says_loss, fit_joint(table))
    assert [check.held_out for check in found.checks] == [1, 2, 2]
    assert found.missed == 0
    assert "6 of 6 intervals held" in found.sentence()


def test_a_law_that_is_sure_and_wrong_is_caught() -> None:
    table = runs()
    found = check_budgets(
        table, lambda _: lambda flops: Prediction(*np.log([flops, flops, flops])), says_loss, fit_joint(table)
    )
    assert [check.n_held for check in found.checks] == [False] * 3
    assert found.missed == 3


def test_what_cannot_be_checked_says_why() -> None:
    table = planted_runs(SYMMETRIC, budgets=BUDGETS[:3])
    found = check_budgets(table, says_n, says_loss, fit_joint(table))
    assert found.checks == ()
    assert "Not checked out of sample" in found.sentence()
    assert "3" in found.sentence()


def test_planted_sizes_held_out_are_held() -> None:
    found = check_sizes(runs(), surface)
    assert [check.held_out for check in found.checks] == [1, 2, 2]
    assert found.missed <= 1


def with_short_runs(table: RunTable) -> RunTable:
    """Add runs of half a token to two tokens a parameter, whose warmup has not ended."""
    n = np.repeat([2e8, 5e8, 1e9, 2e9, 4e9], 3)
    d = n * np.tile([0.5, 1.0, 2.0], 5)
    loss = np.array([SYMMETRIC.loss(float(a), float(b)) for a, b in zip(n, d, strict=True)])
    loss *= (4 * n / d) ** 0.3
    columns = ((table.flops, 6 * n * d), (table.n_params, n), (table.tokens, d), (table.loss, loss))
    return RunTable(*(np.concatenate(pair) for pair in columns))


def test_short_runs_do_not_vote_and_both_exponents_are_said() -> None:
    table = with_short_runs(runs())
    found = fit_voted(table, draws=100)
    left = int((table.tokens < 4 * table.n_params).sum())
    assert int((~found.voters).sum()) == left >= 6
    assert found.exponent == pytest.approx(SYMMETRIC.optimal_exponent, abs=0.02)
    assert found.exponent_of_all is not None
    assert abs(found.exponent_of_all - SYMMETRIC.optimal_exponent) > 2 * abs(
        found.exponent - SYMMETRIC.optimal_exponent
    )
    assert f"{found.exponent:.3f} without them and {found.exponent_of_all:.3f} with them" in found.sentence


def test_too_few_voters_let_all_vote() -> None:
    table = runs()
    few = table.rows(table.tokens < 8 * table.n_params)
    sparse = few.rows(np.argsort(few.tokens / few.n_params)[:9])
    assert voters(sparse).all()


def test_rows_that_decide_an_exponent_are_named_with_what_they_move() -> None:
    clean = planted_runs(SYMMETRIC, budgets=BUDGETS, log_std=0.0005, half=3, rng=np.random.default_rng(0))
    n, d = np.array([2e9, 6e9]), np.array([9e7, 2e8])
    loss = 1.6 * np.array([SYMMETRIC.loss(float(a), float(b)) for a, b in zip(n, d, strict=True)])
    columns = ((clean.flops, 6 * n * d), (clean.n_params, n), (clean.tokens, d), (clean.loss, loss))
    table = RunTable(*(np.concatenate(pair) for pair in columns))
    fit = fit_parametric(table, draws=200)
    found = [each for each in decisive_rows(table, np.ones(len(table), dtype=bool), fit) if each.name == "N* exponent"]
    assert {each.row for each in found} == {len(clean), len(clean) + 1}
    worst = found[0]
    again = fit_parametric(table.rows(np.arange(len(table)) != worst.row), draws=1)
    assert again.surface.optimal_exponent - fit.surface.optimal_exponent == pytest.approx(worst.moves, abs=0.005)
    assert f"Row {worst.row + 1} (" in worst.sentence(table)


def test_clean_runs_name_few_rows() -> None:
    assert len(fit_voted(runs(0.0005), draws=200).decisive) <= 3


def test_a_surface_that_cannot_be_fitted_without_the_largest_says_so() -> None:
    def refuse(_: RunTable) -> ParametricFit:
        raise UsageError("too few.")

    assert check_sizes(runs(), refuse).refused == ("Without the largest 1: too few.", "Without the largest 2: too few.")

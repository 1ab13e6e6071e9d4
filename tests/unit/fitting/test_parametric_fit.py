from typing import Literal

import numpy as np
import pytest
from scipy.optimize import minimize
from tests.planted_surfaces import SYMMETRIC, planted_runs

from budgetscope.core.errors import UsageError
from budgetscope.core.laws.forms import LossSurface
from budgetscope.core.progress import reporting
from budgetscope.fitting import loss_surface as engine
from budgetscope.fitting import parametric, surface_draws
from budgetscope.fitting.parametric import fit_parametric
from budgetscope.fitting.run_table import RunTable

BUDGETS = 1e17 * 4.0 ** np.arange(6, dtype=np.float64)


def test_an_exact_surface_is_recovered(surface: LossSurface) -> None:
    fit = fit_parametric(planted_runs(surface, budgets=BUDGETS), draws=20)
    found = fit.surface
    assert (found.alpha, found.beta) == pytest.approx((surface.alpha, surface.beta), rel=1e-4)
    assert pytest.approx((surface.E, surface.A, surface.B), rel=2e-3) == (found.E, found.A, found.B)
    assert fit.log_residual_std < 1e-5
    assert fit.flags == ()


def test_the_optimum_of_a_surface_is_where_its_loss_is_lowest(surface: LossSurface) -> None:
    flops = 1e21
    sizes = np.geomspace(1e8, 1e11, 20001)
    losses = [surface.loss(n, flops / 6 / n) for n in sizes]
    assert surface.allocate(flops).n_params == pytest.approx(sizes[int(np.argmin(losses))], rel=1e-3)
    ratio = surface.allocate(10 * flops).n_params / surface.allocate(flops).n_params
    assert np.log10(ratio) == pytest.approx(surface.optimal_exponent, rel=1e-9)


def test_every_draw_is_at_the_minimum_that_scipy_finds(surface: LossSurface) -> None:
    table = planted_runs(surface, budgets=BUDGETS, log_std=0.01, rng=np.random.default_rng(0))
    points = engine.Points.of(table.n_params, table.tokens, table.loss)
    weights = np.random.default_rng(1).multinomial(len(table), np.full(len(table), 1 / len(table)), size=10)
    start = engine.starts(points)[:1]
    theta, losses, converged = engine.minimise_huber(np.repeat(start, 10, axis=0), points, weights.astype(float))
    assert converged.all()

    def objective(at: np.ndarray, counts: np.ndarray) -> float:
        residual = engine.log_loss(at[None], points)[0] - points.y
        size = np.abs(residual)
        huber = np.where(size <= 1e-3, residual**2 / 2, 1e-3 * (size - 5e-4))
        return float(1e3 * (counts * huber).sum())

    for row in range(10):
        assert objective(theta[row], weights[row]) / 1e3 == pytest.approx(losses[row], rel=1e-12)
        other = minimize(objective, start[0], args=(weights[row],), method="Nelder-Mead", options={"maxiter": 6000})
        assert losses[row] <= other.fun / 1e3 * (1 + 1e-9)


def test_the_start_does_not_decide(surface: LossSurface) -> None:
    table = planted_runs(surface, budgets=BUDGETS, log_std=0.01, rng=np.random.default_rng(4))
    points = engine.Points.of(table.n_params, table.tokens, table.loss)
    best = engine.starts(points)[:1]
    rng = np.random.default_rng(5)
    scattered = np.repeat(best, 20, axis=0)
    scattered[:, :3] += 0.3 * rng.standard_normal((20, 3))
    scattered[:, 3:] = rng.uniform(0.1, 0.8, (20, 2))
    ones = np.ones((20, len(table)))
    losses = engine.minimise_huber(scattered, points, ones)[1]
    reached = engine.minimise_huber(best, points, ones[:1])[1][0]
    assert losses.min() >= reached * (1 - 1e-9)
    assert np.median(losses) == pytest.approx(reached, rel=1e-6)


def test_resampling_runs_keeps_the_rows_of_a_size_together() -> None:
    table = planted_runs(
        SYMMETRIC,
        budgets=1e17 * 2.0 ** np.arange(10, dtype=np.float64),
        log_std=0.005,
        run_share=1.0,
        rng=np.random.default_rng(3),
    )
    runs = fit_parametric(table, resample="runs", draws=300).standard_errors()
    points = fit_parametric(table, resample="points", draws=300).standard_errors()
    assert runs["alpha"] > 1.2 * points["alpha"]


def test_intervals_contain_the_estimate_and_repeat_with_the_seed(surface: LossSurface) -> None:
    table = planted_runs(surface, budgets=BUDGETS, log_std=0.004, rng=np.random.default_rng(6))
    fit = fit_parametric(table, draws=200, seed=3)
    for name, (low, high) in fit.intervals().items():
        value = surface.optimal_exponent if name == "optimal_exponent" else getattr(fit.surface, name)
        assert low < value < high, name
    low, high = fit.loss_interval(1e9, 2e10)
    assert low < fit.surface.loss(1e9, 2e10) < high
    low, high = fit.optimal_n_params_interval(1e22)
    assert low < fit.surface.allocate(1e22).n_params < high
    assert np.array_equal(fit.draws, fit_parametric(table, draws=200, seed=3).draws)


def test_too_few_points_sizes_or_token_counts_are_refused(surface: LossSurface) -> None:
    table = planted_runs(surface, budgets=BUDGETS)
    with pytest.raises(UsageError, match="7 runs cannot determine"):
        fit_parametric(table.rows(np.arange(7)))
    n = np.repeat([1e8, 2e8], 6)
    d = np.tile(np.geomspace(1e9, 1e11, 6), 2)
    with pytest.raises(UsageError, match="only 2 different model sizes"):
        fit_parametric(RunTable(6 * n * d, n, d, 2 + 400 / n**0.34 + 400 / d**0.28))


def test_runs_at_one_ratio_of_tokens_to_parameters_are_refused() -> None:
    n = np.geomspace(1e7, 1e9, 12)
    with pytest.raises(UsageError, match="N and D move together"):
        fit_parametric(RunTable(120 * n**2, n, 20 * n, 2 + 400 / n**0.34 + 400 / (20 * n) ** 0.28))


def test_runs_at_one_budget_are_told_to_train_to_others() -> None:
    n = np.geomspace(1e7, 1e9, 12)
    d = 1e18 / 6 / n
    with pytest.raises(UsageError, match=r"move against each other .*add runs with other values of C"):
        fit_parametric(RunTable(6 * n * d, n, d, 2 + 400 / n**0.34 + 400 / d**0.28))


def test_few_or_close_budgets_are_flagged(surface: LossSurface) -> None:
    def flags(budgets: list[float]) -> dict[str, str]:
        return dict(fit_parametric(planted_runs(surface, budgets=np.array(budgets)), draws=20).flags)

    two = flags([1e18, 10**18.5])
    assert two["few-budgets"].startswith("The runs cover 2 budgets only")
    assert "a factor of 3.2 only" in two["narrow-range"]
    assert flags([1e18, 1e19, 1e20]).keys() == {"few-budgets"}
    assert flags([1e18, 1e19, 1e20, 1e21]) == {}


def test_losses_in_two_units_are_flagged(surface: LossSurface) -> None:
    table = planted_runs(surface, budgets=BUDGETS)
    mixed = table.loss / np.where(np.arange(len(table)) % 2, np.log(2), 1.0)
    fit = fit_parametric(RunTable(table.flops, table.n_params, table.tokens, mixed), draws=20)
    assert "check that all are in one unit" in dict(fit.flags)["loud-scatter"]


@pytest.mark.parametrize(("name", "other"), [("N", "tokens"), ("D", "n_params")])
def test_a_loss_that_ignores_one_of_the_two_is_refused(surface: LossSurface, name: str, other: str) -> None:
    table = planted_runs(surface, budgets=BUDGETS)
    loss = 2 + 500 / getattr(table, other) ** 0.35
    with pytest.raises(UsageError, match=f"{name} on the loss|falls with {name}|undetermined"):
        fit_parametric(RunTable(table.flops, table.n_params, table.tokens, loss))


def test_an_exponent_at_its_bound_is_refused() -> None:
    n, d = (g.ravel() for g in np.meshgrid(np.geomspace(1e8, 1e9, 6), np.geomspace(1e9, 1e10, 6)))
    loss = 2 + 0.5 * (n / 1e8) ** -6.0 + 0.5 * (d / 1e9) ** -0.4
    with pytest.raises(UsageError, match=r"exponent alpha ran into its bound \(2\.5\)"):
        fit_parametric(RunTable(6 * n * d, n, d, loss))


def test_an_irreducible_loss_above_a_measured_one_is_flagged() -> None:
    table = planted_runs(SYMMETRIC, budgets=BUDGETS)
    loss = table.loss.copy()
    loss[table.loss.argmin()] = 1.5
    fit = fit_parametric(RunTable(table.flops, table.n_params, table.tokens, loss), draws=20)
    assert {flag.code for flag in fit.flags} == {"floor-above-loss", "loud-scatter"}


def test_no_irreducible_loss_is_flagged() -> None:
    n, d = (g.ravel() for g in np.meshgrid(np.geomspace(1e7, 1e10, 8), np.geomspace(1e9, 1e12, 8)))
    fit = fit_parametric(RunTable(6 * n * d, n, d, 20 / n**0.15 + 30 / d**0.2), draws=20)
    assert "no-irreducible-loss" in [flag.code for flag in fit.flags]


@pytest.mark.parametrize(("resample", "half"), [("points", 10), ("runs", 10), ("runs", 200)])
def test_draws_of_many_rows_spread_as_those_of_few(
    monkeypatch: pytest.MonkeyPatch, resample: Literal["points", "runs"], half: int
) -> None:
    """Normal draws for many points or sizes, and refitted rows for many rows of few sizes, against full refits."""
    table = planted_runs(
        SYMMETRIC,
        budgets=BUDGETS if half > 10 else np.geomspace(1e18, 1e22, 60),
        ratio=1.5 if half <= 10 else 1.02,
        half=half,
        log_std=0.002,
        run_share=0.5 * (resample == "runs"),
        rng=np.random.default_rng(0),
    )
    refitted = fit_parametric(table, resample=resample, draws=200)
    monkeypatch.setattr(surface_draws, "MOST_REFITTED", 400)
    monkeypatch.setattr(parametric, "_MOST_SEARCHED", 200)
    quick = fit_parametric(table, resample=resample, draws=200)
    assert quick.surface.alpha == pytest.approx(refitted.surface.alpha, rel=1e-6)
    low, high = refitted.intervals()["optimal_exponent"]
    quick_low, quick_high = quick.intervals()["optimal_exponent"]
    assert (quick_high - quick_low) / (high - low) == pytest.approx(1, abs=0.35)
    assert quick_low < quick.surface.optimal_exponent < quick_high
    assert "covariance" in quick.drawn or "rows spread over" in quick.drawn


def test_rows_are_thinned_evenly_in_each_group() -> None:
    group, values = np.array([1, 0, 1, 1, 1, 1, 2]), np.array([5.0, 9.0, 1.0, 2.0, 3.0, 4.0, 7.0])
    assert surface_draws.spread(group, values, 9).tolist() == [0, 1, 2, 4, 6]
    assert surface_draws.spread(group, values, 3).size == 3


def test_long_work_tells_its_progress() -> None:
    table = planted_runs(SYMMETRIC, budgets=BUDGETS, log_std=0.004, rng=np.random.default_rng(6))
    told: list[tuple[str, int, int]] = []
    with reporting(lambda *progress: told.append(progress)):
        fit_parametric(table, draws=20)
    assert told == [("fitting draws", 0, 20)]
    fit_parametric(table, draws=20)
    assert len(told) == 1

import numpy as np
import pytest
from tests.planted_surfaces import SKEWED, SYMMETRIC, planted_runs

from budgetscope.core.errors import UsageError
from budgetscope.core.laws.forms import LossSurface
from budgetscope.fitting import bootstrap
from budgetscope.fitting.bootstrap import residual_variance
from budgetscope.fitting.isoflop import IsoFlopFit, fit_isoflop
from budgetscope.fitting.noise import ConstantNoise
from budgetscope.fitting.run_table import RunTable

BUDGETS = 1e17 * 4.0 ** np.arange(6, dtype=np.float64)
QUIET = ConstantNoise(1e-4)


def codes(fit: IsoFlopFit) -> list[str]:
    return [flag.code for flag in fit.flags]


@pytest.mark.parametrize(("offset", "drift"), [(0.0, 0.0), (0.5, 0.0), (0.3, 0.12)])
def test_planted_optima_are_recovered(surface: LossSurface, offset: float, drift: float) -> None:
    table = planted_runs(surface, budgets=BUDGETS, half=6, offset=offset, drift=drift)
    fit = fit_isoflop(table, noise=QUIET)
    assert fit.n_params.exponent == pytest.approx(surface.optimal_exponent, abs=0.01)
    for optimum in fit.optima:
        assert optimum.n_params == pytest.approx(surface.allocate(optimum.flops).n_params, rel=0.06)
        assert optimum.loss == pytest.approx(surface.loss(optimum.n_params, optimum.tokens), rel=2e-3)


def log_errors(fit: IsoFlopFit) -> np.ndarray:
    return np.array([np.log(o.n_params / SKEWED.allocate(o.flops).n_params) for o in fit.optima])


def test_the_parabola_is_biased_where_the_curve_is_skewed() -> None:
    table = planted_runs(SKEWED, budgets=BUDGETS, ratio=2.0, half=5)
    akima = fit_isoflop(table, noise=ConstantNoise(5e-4))
    parabola = fit_isoflop(table, noise=ConstantNoise(5e-4), method="parabola")
    assert np.abs(log_errors(akima)).max() < 0.03
    assert log_errors(parabola).mean() < -0.15
    truth = SKEWED.allocate(1e24).n_params
    low, high = akima.n_params.interval_at(1e24)
    assert low < truth < high
    assert parabola.n_params.interval_at(1e24)[1] < 0.9 * truth


def test_the_parabola_bends_the_exponent_where_the_grid_drifts() -> None:
    table = planted_runs(SKEWED, budgets=BUDGETS, half=5, offset=0.6, drift=0.2)
    truth = SKEWED.optimal_exponent
    akima = fit_isoflop(table, noise=ConstantNoise(5e-4)).n_params
    parabola = fit_isoflop(table, noise=ConstantNoise(5e-4), method="parabola").n_params
    assert akima.exponent_interval()[0] < truth < akima.exponent_interval()[1]
    assert parabola.exponent_interval()[0] > truth + 0.005


def test_laws_agree_with_each_other_and_the_draws_with_the_point(surface: LossSurface) -> None:
    fit = fit_isoflop(planted_runs(surface, budgets=BUDGETS), noise=ConstantNoise(0.002))
    assert fit.n_params.exponent + fit.tokens.exponent == pytest.approx(1.0, abs=1e-9)
    assert fit.tokens_per_param.exponent == pytest.approx(fit.tokens.exponent - fit.n_params.exponent, abs=1e-9)
    assert fit.n_params.at(1e20) * fit.tokens.at(1e20) == pytest.approx(1e20 / 6, rel=1e-9)
    assert fit.tokens_per_param.at(1e20) == pytest.approx(fit.tokens.at(1e20) / fit.n_params.at(1e20), rel=1e-9)
    low, high = fit.n_params.interval_at(1e20)
    assert low < fit.n_params.at(1e20) < high
    assert fit.n_params.draws.shape[1] == 2
    assert fit.loss_curve is not None
    best = surface.allocate(1e20).n_params
    assert fit.loss_curve.at(1e20) == pytest.approx(surface.loss(best, 1e20 / 6 / best), rel=0.01)


def test_the_same_seed_gives_the_same_fit_and_row_order_does_not_matter(surface: LossSurface) -> None:
    table = planted_runs(surface, budgets=BUDGETS)
    one = fit_isoflop(table, noise=ConstantNoise(0.003), seed=7)
    two = fit_isoflop(table.rows(np.arange(len(table))[::-1]), noise=ConstantNoise(0.003), seed=7)
    other = fit_isoflop(table, noise=ConstantNoise(0.003), seed=8)
    assert np.array_equal(one.n_params.draws, two.n_params.draws)
    assert not np.array_equal(one.n_params.draws, other.n_params.draws)


def test_edge_budgets_are_dropped_and_named(surface: LossSurface) -> None:
    table = planted_runs(surface, budgets=BUDGETS)
    keep = ~((table.flops == BUDGETS[0]) & (table.n_params < 1.2 * surface.allocate(BUDGETS[0]).n_params))
    keep &= ~((table.flops == BUDGETS[-1]) & (table.n_params > 0.8 * surface.allocate(BUDGETS[-1]).n_params))
    fit = fit_isoflop(table.rows(keep), noise=QUIET)
    assert [drop.code for drop in fit.dropped] == ["low-edge", "high-edge"]
    assert "train smaller models" in fit.dropped[0].reason
    assert codes(fit).count("budget-dropped") == 2
    assert len(fit.optima) == 4


def test_a_budget_with_two_sizes_is_dropped(surface: LossSurface) -> None:
    table = planted_runs(surface, budgets=BUDGETS)
    first = np.flatnonzero(table.flops == BUDGETS[0])
    fit = fit_isoflop(table.rows(np.setdiff1d(np.arange(len(table)), first[2:])), noise=QUIET)
    assert [drop.code for drop in fit.dropped] == ["few-sizes"]


def test_a_budget_drowned_in_noise_is_dropped(surface: LossSurface) -> None:
    class Deafening:
        def std(self, loss: np.ndarray) -> np.ndarray:
            return np.where(loss > 3.4, 1.0, 1e-4)

        def describe(self) -> str:
            return "loud at high loss"

    fit = fit_isoflop(planted_runs(surface, budgets=BUDGETS, half=1, ratio=1.2), noise=Deafening())
    assert {drop.code for drop in fit.dropped} == {"noisy"}


@pytest.mark.parametrize(("slope", "sentence"), [(-0.1, "one-sided.*largest size"), (0.1, "one-sided.*smallest size")])
def test_a_one_sided_optimum_is_refused(slope: float, sentence: str) -> None:
    n = np.tile(np.geomspace(1e7, 1e9, 6), 4)
    c = np.repeat(BUDGETS[:4], 6)
    table = RunTable(c, n, c / 6 / n, 3 * (n / 1e8) ** slope)
    with pytest.raises(UsageError, match=sentence):
        fit_isoflop(table, noise=QUIET)


def test_a_one_sided_optimum_is_refused_for_what_it_is_when_the_noise_is_unknown() -> None:
    n = np.tile(np.geomspace(1e7, 1e9, 4), 4)
    c = np.repeat(BUDGETS[:4], 4)
    with pytest.raises(UsageError, match="one-sided"):
        fit_isoflop(RunTable(c, n, c / 6 / n, 3 * (n / 1e8) ** -0.1))


def test_no_minimum_anywhere_is_refused() -> None:
    n = np.tile(np.geomspace(1e7, 1e9, 6), 4)
    c = np.repeat(BUDGETS[:4], 6)
    rising = np.where(c > BUDGETS[1], 1, -1)
    with pytest.raises(UsageError, match="no budget has an interior minimum"):
        fit_isoflop(RunTable(c, n, c / 6 / n, 3 * (n / 1e8) ** (0.1 * rising)), noise=QUIET)


def test_too_few_budgets_are_refused_with_the_reasons(surface: LossSurface) -> None:
    table = planted_runs(surface, budgets=BUDGETS[:2])
    with pytest.raises(UsageError, match="cover 2 budgets and a power law needs 3"):
        fit_isoflop(table, noise=QUIET)
    table = planted_runs(surface, budgets=BUDGETS[:3])
    first = np.flatnonzero(table.flops == BUDGETS[0])
    with pytest.raises(UsageError, match=r"only 2 of 3 budgets .*1 with fewer than 3 sizes"):
        fit_isoflop(table.rows(np.setdiff1d(np.arange(len(table)), first[2:])), noise=QUIET)


@pytest.mark.parametrize(("factor", "hint"), [(8.0, "perplexities"), (0.1, "bits per byte")])
def test_losses_in_another_unit_are_refused_with_a_hint(surface: LossSurface, factor: float, hint: str) -> None:
    table = planted_runs(surface, budgets=BUDGETS)
    with pytest.raises(UsageError, match=hint):
        fit_isoflop(RunTable(table.flops, table.n_params, table.tokens, factor * table.loss), noise=QUIET)


def test_losses_that_may_be_bits_per_byte_are_flagged(surface: LossSurface) -> None:
    table = planted_runs(surface, budgets=BUDGETS)
    fit = fit_isoflop(RunTable(table.flops, table.n_params, table.tokens, table.loss / 4), noise=QUIET)
    assert "loss-unit" in codes(fit)


def test_losses_that_may_be_bits_are_flagged(surface: LossSurface) -> None:
    table = planted_runs(surface, budgets=BUDGETS)
    high = RunTable(table.flops, table.n_params, table.tokens, 1.25 / np.log(2) * table.loss)
    (flag,) = (flag for flag in fit_isoflop(high, noise=QUIET).flags if flag.code == "loss-unit")
    assert "--loss-unit bits" in flag.sentence
    assert "perplexit" not in flag.sentence
    assert "loss-unit" not in codes(fit_isoflop(table, noise=QUIET))


def test_perplexities_that_could_be_nats_are_not_called_bits_alone() -> None:
    # Good models at large scale: perplexities of 8 to 12.
    table = planted_runs(SYMMETRIC, budgets=1e22 * 2.0 ** np.arange(4, dtype=np.float64), ratio=1.5, half=3)
    asked = RunTable(table.flops, table.n_params, table.tokens, np.exp(table.loss))
    sentence = dict(fit_isoflop(asked, noise=QUIET).flags)["loss-unit"]
    assert "check that these are not perplexities (--loss-unit perplexity) or bits" in sentence


def test_losses_in_two_units_are_flagged(surface: LossSurface) -> None:
    table = planted_runs(surface, budgets=BUDGETS, half=6, log_std=0.002, rng=np.random.default_rng(0))
    mixed = table.loss / np.where(np.arange(len(table)) % 2, np.log(2), 1.0)
    fit = fit_isoflop(RunTable(table.flops, table.n_params, table.tokens, mixed))
    assert "check that all are in one unit" in dict(fit.flags)["loud-scatter"]
    assert "loud-scatter" not in codes(fit_isoflop(table))


def test_repeats_that_scatter_far_are_flagged(surface: LossSurface) -> None:
    table = planted_runs(surface, budgets=BUDGETS)
    twice = np.tile(np.arange(len(table)), 2)
    seeds = np.repeat([0, 1], len(table))
    loss = table.loss[twice] / np.where(seeds == 1, 1.15, 1.0)
    repeated = RunTable(table.flops[twice], table.n_params[twice], table.tokens[twice], loss, seeds)
    assert "the mean of their repeats" in dict(fit_isoflop(repeated).flags)["loud-scatter"]


def test_noise_is_estimated_where_none_is_given(surface: LossSurface) -> None:
    rng = np.random.default_rng(0)
    table = planted_runs(surface, budgets=BUDGETS, log_std=0.003, rng=rng)
    fit = fit_isoflop(table)
    assert "noise-from-scatter" in codes(fit)
    again = table.loss * np.exp(0.004 * rng.standard_normal(len(table)))
    twice = RunTable(
        np.tile(table.flops, 2),
        np.tile(table.n_params, 2),
        np.tile(table.tokens, 2),
        np.concatenate([table.loss, again]),
        np.repeat([0, 1], len(table)),
    )
    seeded = fit_isoflop(twice)
    assert "repeated runs" in seeded.noise
    assert "noise-from-scatter" not in codes(seeded)


def test_unknown_noise_is_refused(surface: LossSurface) -> None:
    with pytest.raises(UsageError, match="noise of a run is not known"):
        fit_isoflop(planted_runs(surface, budgets=BUDGETS, half=1))


def test_few_and_narrow_budgets_are_flagged(surface: LossSurface) -> None:
    fit = fit_isoflop(planted_runs(surface, budgets=1e18 * 2.0 ** np.arange(3, dtype=np.float64)), noise=QUIET)
    assert {"few-budgets", "narrow-range", "no-loss-curve"} <= set(codes(fit))
    assert fit.loss_curve is None


def test_scatter_beyond_the_noise_is_flagged_and_can_widen_the_intervals(surface: LossSurface) -> None:
    rng = np.random.default_rng(2)
    budgets = 1e17 * 2.0 ** np.arange(10, dtype=np.float64)
    table = planted_runs(surface, budgets=budgets, log_std=0.004, rng=rng)
    understated = ConstantNoise(0.0005)
    noise = fit_isoflop(table, noise=understated)
    scatter = fit_isoflop(table, noise=understated, intervals="scatter")
    honest = fit_isoflop(table, noise=ConstantNoise(0.004))
    assert "scatter-exceeds-noise" in codes(noise)
    assert "scatter-exceeds-noise" not in codes(honest)
    width = {
        name: np.diff(fit.n_params.exponent_interval())[0]
        for name, fit in {"noise": noise, "scatter": scatter, "honest": honest}.items()
    }
    assert width["noise"] < 0.6 * width["scatter"]
    assert width["scatter"] == pytest.approx(width["honest"], rel=0.6)
    assert scatter.n_params.exponent == noise.n_params.exponent


def test_the_variance_of_residuals_is_that_of_the_hat_matrix() -> None:
    rng = np.random.default_rng(0)
    basis, variances = rng.normal(size=(9, 2)), rng.random(9)
    solve = np.asarray(np.linalg.pinv(basis), dtype=np.float64)
    expected = (np.eye(9) - basis @ solve) ** 2 @ variances
    assert residual_variance(basis, solve, variances) == pytest.approx(expected)


def test_draws_in_blocks_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    table = planted_runs(SYMMETRIC, budgets=BUDGETS, log_std=5e-4, rng=np.random.default_rng(0))
    whole = fit_isoflop(table, draws=100)
    monkeypatch.setattr(bootstrap, "_BLOCK", 100)
    assert np.array_equal(fit_isoflop(table, draws=100).n_params.draws, whole.n_params.draws)

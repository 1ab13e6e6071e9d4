import numpy as np
import pytest
from tests.planted import learned
from tests.planted_surfaces import planted_runs

from budgetscope.core.errors import UsageError
from budgetscope.core.laws.forms import LossSurface
from budgetscope.fitting.bootstrap import golden_section
from budgetscope.fitting.calibration_value import calibration_flops, expected_cost, value_of_calibration
from budgetscope.fitting.excess import fit_excess
from budgetscope.fitting.isoflop import BudgetOptimum, fit_isoflop
from budgetscope.fitting.loss_curve import fit_loss_curve
from budgetscope.fitting.noise import ConstantNoise
from budgetscope.fitting.run_table import RunTable

FLOPS = 1e17 * 4.0 ** np.arange(8, dtype=np.float64)


def test_golden_section_finds_each_rows_minimum() -> None:
    centres = np.array([0.1, 0.55, 0.9])
    found = golden_section(lambda x: (x - centres) ** 2, np.linspace(0, 1, 11), 3)
    assert found == pytest.approx(centres, abs=1e-6)


def test_an_exact_loss_curve_is_recovered() -> None:
    loss = 130 * FLOPS**-0.106 + 2.0
    noisy = loss * (1 + 0.001 * np.random.default_rng(0).standard_normal((300, 8)))
    curve = fit_loss_curve(FLOPS, loss, np.full(8, 0.001), noisy)
    assert (curve.coefficient, curve.exponent, curve.irreducible) == pytest.approx((130, 0.106, 2.0), rel=1e-4)
    assert curve.max_log_residual < 1e-6
    low, high = curve.interval_at(1e24)
    assert low < curve.at(1e24) < high
    assert curve.at(1e24) == pytest.approx(130 * 1e24**-0.106 + 2.0, rel=1e-5)


def test_a_loss_curve_without_saturation_has_no_floor() -> None:
    loss = 20 * FLOPS**-0.05
    assert fit_loss_curve(FLOPS, loss, np.full(8, 0.01), loss[None]).irreducible == pytest.approx(0, abs=1e-6)
    steeper = 20 * FLOPS**-0.05 - 0.05 * np.log(FLOPS / 1e17)
    assert fit_loss_curve(FLOPS, steeper, np.full(8, 0.01), steeper[None]).irreducible == 0


def test_a_loss_that_does_not_fall_has_no_curve() -> None:
    with pytest.raises(UsageError, match="ran into its bound"):
        fit_loss_curve(FLOPS, 3 - np.log(FLOPS / 1e17) ** 2 / 1e3, np.full(8, 0.01), np.ones((1, 8)))
    with pytest.raises(UsageError, match="at least four"):
        fit_loss_curve(FLOPS[:3], np.array([3.0, 2.9, 2.8]), np.full(3, 0.01), np.ones((1, 3)))


def optimum(flops: float, n: float, loss: float) -> BudgetOptimum:
    return BudgetOptimum(flops, n, flops / 6 / n, loss, 0.1, 0.1, 0.001, 9, 1000)


def test_an_exact_excess_law_is_recovered() -> None:
    best = [optimum(c, np.sqrt(c / 120), 3.0) for c in FLOPS]
    u = np.linspace(-1.5, 1.5, 9)
    n = np.concatenate([o.n_params * np.exp(u) for o in best])
    c = np.repeat(FLOPS, 9)
    loss = 3 + 400 * c**-0.2 * np.tile(u**2 + 0.15 * u**3, 8)
    law = fit_excess(RunTable(c, n, c / 6 / n, loss), best)
    assert (law.coefficient, law.exponent, law.skew) == pytest.approx((400, 0.2, 0.15), rel=1e-4)
    assert law.at(1.0, 1e20) == 0
    assert law.at(2.0, 1e20) > law.at(0.5, 1e20) > 0
    assert law.n_points == 8 * 5
    low, high = law.interval_at(2.0, 1e20)
    assert low == pytest.approx(high, rel=1e-3)


def test_a_surfaces_excess_is_matched_near_its_optimum(surface: LossSurface) -> None:
    table = planted_runs(surface, budgets=FLOPS, ratio=1.3, half=5)
    fit = fit_isoflop(table, noise=ConstantNoise(1e-4))
    law = fit_excess(table, fit.optima)
    for flops in (1e18, 1e20):
        n = surface.allocate(flops).n_params
        lowest = surface.loss(n, flops / 6 / n)
        for ratio in (0.5, 2.0):
            excess = surface.loss(n * ratio, flops / 6 / n / ratio) - lowest
            assert law.at(ratio, flops) == pytest.approx(excess, rel=0.15)


def test_too_few_or_flat_measurements_have_no_excess_law() -> None:
    best = [optimum(c, np.sqrt(c / 120), 3.0) for c in FLOPS[:2]]
    n = np.concatenate([o.n_params * np.array([0.9, 1.1]) for o in best])
    c = np.repeat(FLOPS[:2], 2)
    with pytest.raises(UsageError, match="only 4 runs at 2 budgets"):
        fit_excess(RunTable(c, n, c / 6 / n, np.full(4, 3.01)), best)
    n = np.concatenate([o.n_params * np.geomspace(0.4, 2.5, 5) for o in best])
    c = np.repeat(FLOPS[:2], 5)
    falling = 3 - 0.01 * np.log(n / np.sqrt(c / 120))
    with pytest.raises(UsageError, match="do not curve upwards"):
        fit_excess(RunTable(c, n, c / 6 / n, falling), best)


def test_more_calibration_narrows_the_interval(surface: LossSurface) -> None:
    fit = fit_isoflop(planted_runs(surface, budgets=FLOPS), noise=ConstantNoise(0.002))
    spend = [1e20, 1e21, 1e22]
    designs = value_of_calibration(learned(fit), 1e25, spend)
    widths = [design.log_width for design in designs]
    assert widths == sorted(widths, reverse=True)
    for design, flops in zip(designs, spend, strict=True):
        assert design.flops == pytest.approx(flops)
        assert calibration_flops(design.budgets, design.sizes, "shared") == pytest.approx(flops)
    separate = value_of_calibration(learned(fit, schedule="cosine"), 1e25, spend)
    assert all(apart.log_width > together.log_width for apart, together in zip(separate, designs, strict=True))


def test_the_design_that_was_run_is_worth_what_it_gave(surface: LossSurface) -> None:
    fit = fit_isoflop(planted_runs(surface, budgets=FLOPS), noise=ConstantNoise(0.002), intervals="scatter")
    spent = calibration_flops(FLOPS, 9, "separate")
    (design,) = value_of_calibration(learned(fit, schedule="cosine"), 1e24, [spent * (1 + 1e-9)])
    low, high = fit.n_params.interval_at(1e24)
    assert design.budgets == pytest.approx(FLOPS)
    assert design.log_width == pytest.approx(np.log(high / low), rel=0.15)


def test_calibrations_that_cannot_be_are_refused(surface: LossSurface) -> None:
    fit = fit_isoflop(planted_runs(surface, budgets=FLOPS), noise=ConstantNoise(0.002))
    with pytest.raises(UsageError, match="does not pay for 3 budgets of 9 sizes: spend at least"):
        value_of_calibration(learned(fit), 1e24, [1e17])
    with pytest.raises(UsageError, match="not positive"):
        value_of_calibration(learned(fit), 0.0, [1e20])


def test_the_expected_cost_of_a_quadratic_is_its_variance() -> None:
    assert expected_cost(lambda ratio: np.log(ratio) ** 2, 0.3) == pytest.approx(0.09)
    assert expected_cost(lambda _: 0.0, 0.3) == 0

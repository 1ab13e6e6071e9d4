import math
from dataclasses import replace

import pytest
from tests.bundled import ALLOCATING, fit

from budgetscope.api.fits import family_of
from budgetscope.core.answers.goodness_of_fit import UNKNOWN_RANGE, GoodnessOfFit, goodness_of_fit
from budgetscope.core.laws.forms import PowerLawParams
from budgetscope.core.laws.intervals import allocation_exponent, params_interval
from budgetscope.core.laws.operating_point import allocation_law


def judged(fit_id: str) -> GoodnessOfFit:
    found = fit(fit_id)
    return goodness_of_fit(found, family_of(found))


def test_residuals_are_the_logs_of_measured_over_predicted() -> None:
    tuned = fit("porian2024/refinedweb-tuned")
    found = judged(tuned.id)
    assert tuned.points is not None
    for row, residual in zip(tuned.points.rows, found.residuals, strict=True):
        flops, n_params, _, _, ln_sd, _ = row
        predicted = allocation_law(tuned).allocate(flops).n_params
        assert predicted * math.exp(residual.value) == pytest.approx(n_params)
        assert residual.high - residual.value == pytest.approx(1.959964 * ln_sd, rel=1e-6)
        assert residual.value - residual.low == pytest.approx(1.959964 * ln_sd, rel=1e-6)
    assert found.rms == pytest.approx(math.sqrt(sum(r.value**2 for r in found.residuals) / 12))


def test_points_on_their_law_have_no_residuals() -> None:
    tuned = fit("porian2024/refinedweb-tuned")
    assert tuned.points is not None
    law = allocation_law(tuned)
    rows = tuple((c, law.allocate(c).n_params, d, *rest) for c, _, d, *rest in tuned.points.rows)
    found = goodness_of_fit(replace(tuned, points=replace(tuned.points, rows=rows)), family_of(tuned))
    assert found.rms == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("fit_id", ALLOCATING)
def test_the_curve_covers_the_fitted_budgets_in_whole_decades(fit_id: str) -> None:
    found, law = judged(fit_id), fit(fit_id).allocation
    assert law is not None
    assert found.curve is not None
    around = law.fitted.get("flops", UNKNOWN_RANGE)
    assert found.fitted == law.fitted.get("flops")
    for end in (found.curve.flops[0], found.curve.flops[-1]):
        assert math.log10(end) == pytest.approx(round(math.log10(end)))
    assert found.curve.flops[0] <= around.low * (1 + 1e-9) < 10 * found.curve.flops[0] * (1 + 1e-9)
    assert found.curve.flops[-1] >= around.high * (1 - 1e-9)


def test_a_fit_without_a_law_for_n_and_d_has_no_goodness_of_fit() -> None:
    assert judged("steplaw2025/dense") == GoodnessOfFit(None, None, ())


def test_exponents_and_their_published_intervals() -> None:
    # Hoffmann et al. 2022, table 2: a = 0.49 (0.462, 0.534) from the 10th to the 90th percentile; Kaplan: 0.73.
    assert allocation_exponent(fit("kaplan2020/compute-efficient")).value == 0.73  # type: ignore[union-attr]
    found = allocation_exponent(fit("hoffmann2022/approach-2"))
    assert found is not None
    assert found.value == pytest.approx(0.49, abs=0.001)
    assert found.low is not None
    assert found.high is not None
    # 95% of a normal is 1.529 times as wide as its central 80%.
    assert found.high - found.low == pytest.approx(1.5293 * (0.534 - 0.462), rel=1e-3)


@pytest.mark.parametrize("fit_id", ["porian2024/refinedweb-tuned-akima", "besiroglu2024/refit"])
def test_the_interval_of_the_exponent_is_that_of_the_slope_of_the_draws(fit_id: str) -> None:
    found, law = allocation_exponent(fit(fit_id)), fit(fit_id).allocation
    assert found is not None
    assert found.low is not None
    assert found.high is not None
    assert law is not None
    assert found.low < found.value < found.high
    if isinstance(law.law, PowerLawParams):
        far = params_interval(fit(fit_id), 1e30)
        assert far.high is not None
        assert far.high / far.value < (1e30 / 1e16) ** (found.high - found.value) * 2


@pytest.mark.parametrize("fit_id", ["deepseek2024/current-data", "steplaw2025/dense"])
def test_what_is_no_power_law_in_c_has_no_exponent(fit_id: str) -> None:
    assert allocation_exponent(fit(fit_id)) is None

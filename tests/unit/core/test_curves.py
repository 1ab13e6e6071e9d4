import math
from dataclasses import replace

import pytest

from budgetscope.api import Advisor, PlanRequest
from budgetscope.core.answers.curves import curve, local_exponent
from budgetscope.core.counting.ledger import Convention
from budgetscope.core.counting.shapes import shape_family
from budgetscope.core.errors import FailureError
from budgetscope.core.laws.fit import Draws
from budgetscope.core.laws.forms import PowerLawParams
from budgetscope.core.laws.intervals import params_interval

GRID = (1e18, 1e20, 1e22, 1e24)


@pytest.fixture(scope="module")
def advisor() -> Advisor:
    return Advisor()


@pytest.mark.parametrize("law", ["porian2024/refinedweb-tuned", "kaplan2020/fixed-batch", "deepseek2024/current-data"])
@pytest.mark.parametrize("convention", ["standard", "total"])
def test_the_curve_goes_through_every_plan(advisor: Advisor, law: str, convention: str) -> None:
    request = PlanRequest("1e20", law=law, counting=convention)
    drawn = advisor.curves(advisor.answer(request), (), GRID)[0]
    for flops, n_params in zip(drawn.flops, drawn.n_params, strict=True):
        plan = advisor.answer(PlanRequest(f"{flops:g}", law=law, counting=convention)).plan
        assert n_params == pytest.approx(plan.n_params.value, rel=1e-9)


@pytest.mark.parametrize("convention", ["standard", "total"])
def test_the_band_is_the_interval_of_every_plan(advisor: Advisor, convention: str) -> None:
    drawn = advisor.curves(advisor.answer(PlanRequest("1e20", counting=convention)), (), GRID)[0]
    assert drawn.low is not None
    assert drawn.high is not None
    for flops, low, high in zip(drawn.flops, drawn.low, drawn.high, strict=True):
        plan = advisor.answer(PlanRequest(f"{flops:g}", counting=convention)).plan
        assert (low, high) == pytest.approx((plan.n_params.low, plan.n_params.high), rel=1e-6)


@pytest.mark.parametrize("convention", [Convention.STANDARD, Convention.TOTAL])
def test_the_band_is_of_the_draws_and_around_the_curve(advisor: Advisor, convention: Convention) -> None:
    fit = advisor.library.get("porian2024/refinedweb-tuned-akima")
    drawn = curve(fit, convention, shape_family(), GRID)
    assert drawn.low is not None
    assert drawn.high is not None
    for low, n_params, high in zip(drawn.low, drawn.n_params, drawn.high, strict=True):
        assert low < n_params < high
    widths = [math.log(high / low) for low, high in zip(drawn.low, drawn.high, strict=True)]
    # The law was fitted up to 2.56e19 FLOPs: further out the draws part.
    assert widths[1] < widths[2] < widths[3]
    if convention == fit.counting:
        law = fit.laws["allocation"]
        assert isinstance(law.uncertainty, Draws)
        assert isinstance(law.law, PowerLawParams)
        sizes = sorted(each.allocate(GRID[2]).n_params for each in law.uncertainty.laws(law.law))
        outside = [sum(size < drawn.low[2] for size in sizes), sum(size > drawn.high[2] for size in sizes)]
        assert outside == pytest.approx([0.025 * len(sizes)] * 2, abs=1)


def test_a_band_that_is_not_asked_for_is_not_there(advisor: Advisor) -> None:
    fit = advisor.library.get("porian2024/refinedweb-tuned")
    drawn = curve(fit, fit.counting, shape_family(), GRID, band=False)
    assert (drawn.low, drawn.high) == (None, None)


def test_only_the_chosen_law_has_a_band(advisor: Advisor) -> None:
    chosen, other = advisor.curves(advisor.answer(PlanRequest("1e20")), ("porian2024/openwebtext2-tuned",), GRID)
    assert chosen.low is not None
    assert chosen.high is not None
    assert (other.low, other.high) == (None, None)


def test_a_points_interval_is_the_normal_ones_95_percent(advisor: Advisor) -> None:
    fit = advisor.library.get("porian2024/refinedweb-tuned")
    assert fit.points is not None
    drawn = curve(fit, fit.counting, shape_family(), GRID, band=False)
    for point, row in zip(drawn.points, fit.points.rows, strict=True):
        assert math.log(point.high / point.n_params) == pytest.approx(1.959964 * row[4], rel=1e-6)
        assert math.log(point.n_params / point.low) == pytest.approx(1.959964 * row[4], rel=1e-6)


def test_a_law_that_breaks_on_the_grid_is_refused_by_its_name_and_left_out_beside_another(
    advisor: Advisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    tuned = advisor.library.get("porian2024/refinedweb-tuned")
    law = replace(tuned.laws["allocation"], law=PowerLawParams(1.0, 10.0, 1e-40))
    broken = replace(tuned, id="mine/broken", laws=dict(tuned.laws) | {"allocation": law})
    with pytest.raises(FailureError, match="mine/broken gives no usable numbers"):
        curve(broken, tuned.counting, shape_family(), GRID)
    mine = Advisor()
    monkeypatch.setitem(mine.__dict__, "fits", (broken, *mine.fits))
    drawn = mine.curves(mine.answer(PlanRequest("1e20")), ("mine/broken", "meta2024/llama3"), GRID)
    assert [each.fit_id for each in drawn] == [tuned.id, "meta2024/llama3"]


def test_points_keep_their_tokens_when_recounted(advisor: Advisor) -> None:
    fit = advisor.library.get("porian2024/refinedweb-tuned")
    assert fit.points is not None
    family = shape_family()
    own = curve(fit, fit.counting, family, GRID, band=False)
    assert [(point.flops, point.n_params) for point in own.points] == [
        pytest.approx((row[0], row[1]), rel=1e-9) for row in fit.points.rows
    ]
    total = curve(fit, Convention.TOTAL, family, GRID, band=False)
    for here, row in zip(total.points, fit.points.rows, strict=True):
        assert here.n_params > row[1]
        assert here.flops / (6 * here.n_params) == pytest.approx(row[2], rel=1e-6)
        assert here.low < here.n_params < here.high


def test_a_law_without_uncertainty_has_no_band(advisor: Advisor) -> None:
    fit = advisor.library.get("deepseek2024/current-data")
    drawn = curve(fit, Convention.STANDARD, shape_family(), GRID)
    assert params_interval(fit, 1e20).low is None
    assert drawn.low is None
    assert drawn.high is None


def test_curves_leaves_out_what_does_not_load_or_says_nothing(advisor: Advisor) -> None:
    drawn = advisor.curves(
        advisor.answer(PlanRequest("1e20")), ("meta2024/llama3", "no/such", "zhang2024/critical-batch"), GRID
    )
    assert [each.fit_id for each in drawn] == ["porian2024/refinedweb-tuned", "meta2024/llama3"]


def test_curves_are_kept_until_law_or_convention_change(advisor: Advisor) -> None:
    first = advisor.curves(advisor.answer(PlanRequest("1e20")), ("meta2024/llama3",), GRID)
    assert advisor.curves(advisor.answer(PlanRequest("1e23")), ("meta2024/llama3",), GRID)[0] is first[0]
    assert advisor.curves(advisor.answer(PlanRequest("1e23", counting="total")), (), GRID)[0] is not first[0]


@pytest.mark.parametrize(
    ("fit_id", "exponent"),
    [
        ("kaplan2020/fixed-batch", 0.88),  # Kaplan et al. 2020, equation 1.7 and table 6
        ("kaplan2020/compute-efficient", 0.73),
        ("hoffmann2022/approach-2", 0.49),  # Hoffmann et al. 2022, table 2
    ],
)
def test_local_exponents_are_the_published_ones(advisor: Advisor, fit_id: str, exponent: float) -> None:
    assert local_exponent(advisor.library.get(fit_id), 1e21) == pytest.approx(exponent, abs=0.005)
    assert math.isfinite(local_exponent(advisor.library.get("deepseek2024/current-data"), 1e21))


@pytest.mark.parametrize("own", ["standard", "kaplan"])
def test_a_plan_stands_on_the_curve_of_any_convention(advisor: Advisor, own: str) -> None:
    request = PlanRequest("1e21", counting=own)
    answer = advisor.answer(request)
    plan = answer.plan
    assert plan.n_params.low is not None
    at_home = advisor.place(answer, plan.convention)
    assert at_home.flops == plan.flops
    assert at_home.n_params == plan.n_params
    for convention in Convention:
        place = advisor.place(answer, convention)
        # The same model and tokens: the curve drawn by that convention goes through it.
        drawn = advisor.curves(
            advisor.answer(replace(request, counting=str(convention))), (), (place.flops, 2 * place.flops)
        )[0]
        assert drawn.n_params[0] == pytest.approx(place.n_params.value, rel=1e-6)
        low, high = place.n_params.low, place.n_params.high
        assert low is not None
        assert high is not None
        assert low < place.n_params.value < high

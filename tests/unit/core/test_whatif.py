import math
from dataclasses import replace
from pathlib import Path

import pytest
from tests.asking import ADVISOR, iso
from tests.bundled import fit

from budgetscope.api import PlanRequest
from budgetscope.core.budget.quantities import MAX_SERVED_TOKENS, parse_served_tokens
from budgetscope.core.counting.ledger import Convention
from budgetscope.core.errors import UsageError
from budgetscope.core.hardware.devices import default_price
from budgetscope.core.laws.loss_model import LossModel
from budgetscope.core.laws.operating_point import allocation_law
from budgetscope.store.fit_schema import dump

TUNED = "porian2024/refinedweb-tuned"


def test_a_model_of_twice_the_size_gets_half_the_tokens_and_costs_what_the_law_says() -> None:
    found = iso()
    best = found.answer.plan.n_params.value
    here = found.at(2 * best)
    assert here.ratio == pytest.approx(2)
    assert here.tokens == pytest.approx(found.answer.plan.tokens.value / 2)
    assert here.tokens_per_param == pytest.approx(found.answer.plan.tokens_per_param.value / 4)
    loss_model = LossModel(fit(TUNED))
    level, excess = loss_model.best_loss(1e19), loss_model.excess_loss(1e19, 2 * best)
    assert level is not None
    assert excess is not None
    assert here.loss == pytest.approx(level + excess)
    assert here.loss_difference == pytest.approx(excess)
    assert here.wasted_share == pytest.approx(loss_model.wasted_share(1e19, 2 * best))
    assert here.wasted_share is not None
    assert here.wasted_flops == pytest.approx(here.wasted_share * 1e19)
    cost = found.answer.plan.run.cost_usd
    assert cost is not None
    assert here.wasted_usd == pytest.approx(here.wasted_share * cost.value, rel=1e-3)  # a run has whole steps


def test_what_a_factor_of_two_costs_is_what_porian_measured() -> None:
    # Being off by two in N costs 0.05 to 0.10 nats at 1e18 to 3e19 FLOPs (their isoflop runs).
    for flops in ("1e18", "1e19"):
        found = iso(flops)
        for ratio in (0.5, 2.0):
            difference = found.at(ratio * found.answer.plan.n_params.value).loss_difference
            assert difference is not None
            assert 0.04 < difference < 0.11


def test_deadweight_is_what_a_comparison_says_of_the_same_size() -> None:
    answer = ADVISOR.answer(PlanRequest("64 H100 for 14 days"))
    found = ADVISOR.iso_flop(answer)
    for row in ADVISOR.compare(answer).rows:
        if row.n_params is not None:
            here = found.at(row.n_params)
            assert here.tokens == pytest.approx(row.tokens)
            assert here.loss_difference == pytest.approx(row.loss_difference, abs=1e-9)
            assert here.wasted_usd == pytest.approx(row.wasted_usd, abs=1e-3)


def test_serving_takes_two_flops_a_parameter_and_token_and_is_paid_like_training() -> None:
    found = iso("64xH100 14d at 40% MFU", price=2.0)
    here = found.at(1e10, 1e12)
    assert here.serving_flops == pytest.approx(2 * 1e10 * 1e12)
    hours = here.serving_flops / (989.4e12 * 0.4) / 3600
    assert here.serving_usd == pytest.approx(2.0 * hours, rel=1e-3)
    assert here.lifetime_flops == pytest.approx(here.training_flops + here.serving_flops)
    assert here.training_usd is not None
    assert here.lifetime_usd == pytest.approx(here.training_usd + 2.0 * hours, rel=1e-3)
    assert found.at(1e10).serving_usd == 0


def test_served_parameters_are_blocks_and_head_whoever_counts() -> None:
    standard = iso("1e21")
    blocks = iso("1e21", counting="kaplan")
    n_blocks = blocks.answer.question.family.convert(1e9, Convention.STANDARD, Convention.KAPLAN)
    assert blocks.at(n_blocks, 1e12).serving_flops == pytest.approx(standard.at(1e9, 1e12).serving_flops)


def test_without_a_price_there_are_flops_and_no_dollars() -> None:
    unpriced = next(device.name for device in ADVISOR.all_devices if default_price(device) is None)
    found = iso("1e19", device=unpriced)
    here = found.at(found.answer.plan.n_params.value * 2, 1e12)
    assert here.wasted_flops is not None
    assert here.wasted_flops > 0
    assert (here.wasted_usd, here.training_usd, here.serving_usd, here.lifetime_usd) == (None, None, None, None)
    assert here.lifetime_flops > here.training_flops > 0


def test_the_loss_was_measured_within_the_window_of_the_excess_law() -> None:
    found = iso()
    best = found.answer.plan.n_params.value
    assert found.measured_range == pytest.approx((best / 3, best * 3))
    assert not found.at(2.9 * best).extrapolated
    assert found.at(3.1 * best).extrapolated
    assert found.at(best / 3.1).extrapolated


def test_a_surface_was_measured_where_its_n_and_d_meet() -> None:
    refit = LossModel(fit("besiroglu2024/refit"))
    fitted = fit("besiroglu2024/refit").laws["surface"].fitted
    reach = refit.measured_range(1e21)
    assert reach is not None
    low, high = reach
    for n_params in reach:
        tokens = 1e21 / (6 * n_params)
        assert fitted["n_params"].low * 0.999 <= n_params <= fitted["n_params"].high * 1.001
        assert fitted["tokens"].low * 0.999 <= tokens <= fitted["tokens"].high * 1.001
        ratio = fitted["tokens_per_param"]
        assert ratio.low * 0.999 <= tokens / n_params <= ratio.high * 1.001
    assert low < allocation_law(fit("besiroglu2024/refit")).allocate(1e21).n_params < high
    assert refit.measured_range(1e25) is None
    assert LossModel(fit("deepseek2024/current-data")).measured_range(1e21) is None


def test_a_law_without_a_law_of_excess_says_what_it_lacks_and_still_splits_the_budget(tmp_path: Path) -> None:
    silent = iso("1e21", law="deepseek2024/current-data")
    assert silent.no_curve_reason is not None
    assert "no law of the loss or of the loss above the optimum" in silent.no_curve_reason
    here = silent.at(1e9)
    assert (here.loss, here.wasted_share, here.wasted_flops) == (None, None, None)
    assert here.tokens > 0
    assert silent.losses((1e9, 2e9)) == ()
    own = fit("budgetscope2026/english")
    file = tmp_path / "half.json"
    file.write_text(dump(replace(own, laws={k: v for k, v in own.laws.items() if k != "excess"})), encoding="utf-8")
    half = iso("1e15", law=str(file))
    assert half.no_curve_reason is not None
    assert "no law of the loss above the optimum" in half.no_curve_reason
    assert iso().no_curve_reason is None


def test_the_map_is_the_curve_along_the_budget_and_blank_where_nothing_was_measured() -> None:
    found = iso()
    best = found.answer.plan.n_params.value
    on_curve = found.at(2 * best)
    ((value,),) = found.surface((2 * best,), (on_curve.tokens,))
    assert value == pytest.approx(on_curve.loss)
    ((blank,),) = found.surface((4 * best,), (found.at(4 * best).tokens,))
    assert blank is None


def test_a_map_without_any_measurement_at_the_budget_is_not_blank() -> None:
    found = iso("1e25", law="besiroglu2024/refit")
    assert found.measured_range is None
    ((value,),) = found.surface((found.answer.plan.n_params.value,), (found.answer.plan.tokens.value,))
    assert value == pytest.approx(found.at(found.answer.plan.n_params.value).loss)


@pytest.mark.parametrize(
    ("text", "tokens"), [("", 0.0), (" none ", 0.0), ("0", 0.0), ("1T", 1e12), ("1 T", 1e12), ("2e12 tokens", 2e12)]
)
def test_served_tokens_are_read_as_people_write_them(text: str, tokens: float) -> None:
    assert parse_served_tokens(text) == tokens


@pytest.mark.parametrize("text", ["-3", "many", "1e30", "nan", "1 T T"])
def test_served_tokens_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(UsageError, match=r"\.$|examples"):
        parse_served_tokens(text)
    assert math.isfinite(MAX_SERVED_TOKENS)

"""What-if agrees with the plan: its optimum is the plan's, no size beats it, and its curve is its places."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.asking import ADVISOR, answer_where_known
from tests.bundled import ALLOCATING, WITH_EXCESS, WITH_LOSS
from tests.sizes import examples

from budgetscope.core.counting.ledger import Convention

conventions = st.sampled_from(list(Convention))
budgets = st.floats(16, 27).map(lambda exponent: f"{10.0**exponent!r} FLOPs")
ratios = st.floats(0.02, 50)


@examples(60)
@given(st.sampled_from(ALLOCATING), budgets, conventions)
def test_the_optimum_is_the_plans(law: str, budget: str, convention: Convention) -> None:
    answer = answer_where_known(budget, law=law, counting=str(convention))
    plan, iso = answer.plan, ADVISOR.iso_flop(answer)
    best = iso.at(iso.answer.optimum.n_params)
    assert best.n_params == plan.n_params.value
    assert best.tokens == pytest.approx(plan.tokens.value)
    assert best.ratio == 1
    assert best.wasted_share in (None, pytest.approx(0, abs=1e-9))
    if best.loss is not None:
        assert plan.loss is not None
        assert best.loss == pytest.approx(plan.loss.value)
        assert best.loss_difference == pytest.approx(0, abs=1e-9)


@examples(60)
@given(st.sampled_from(sorted(set(WITH_EXCESS) & set(WITH_LOSS))), budgets, ratios)
def test_no_size_beats_the_optimum_by_the_laws_own_counting(law: str, budget: str, ratio: float) -> None:
    iso = ADVISOR.iso_flop(answer_where_known(budget, law=law))
    here = iso.at(ratio * iso.answer.optimum.n_params, 1e12)
    assert here.loss_difference is not None
    assert here.loss_difference >= -1e-9
    assert here.wasted_share is not None
    assert 0 <= here.wasted_share <= 1
    assert iso.losses((here.n_params,)) == (here.loss,)
    assert here.serving_flops > 0

"""In whatever convention a budget is given, the law holds in its own counting at the shape that is found."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.bundled import ALLOCATING, fit

from budgetscope.core.counting.ledger import Convention
from budgetscope.core.counting.shapes import ShapeFamily, shape_family
from budgetscope.core.laws.operating_point import allocation_law, flops_where, increasing_root, operate, recount

laws = st.sampled_from(ALLOCATING)
conventions = st.sampled_from(list(Convention))
budgets = st.floats(10, 32).map(lambda exponent: 10.0**exponent)
# Budgets at which all laws stay inside the shape family, where counts are those of shapes.
sensible = st.floats(17, 26).map(lambda exponent: 10.0**exponent)
families = st.builds(
    shape_family,
    st.just("dense"),
    vocab_size=st.sampled_from([4096, 50432, 256_000]),
    seq_len=st.sampled_from([512, 2048, 32_768]),
    tied=st.booleans(),
)


@given(laws, budgets, conventions, families)
def test_the_law_holds_in_its_own_counting(
    name: str, flops: float, convention: Convention, family: ShapeFamily
) -> None:
    law = fit(name)
    point = operate(law, flops, convention, family)
    assert point.convention == convention
    assert point.tokens * family.flops_per_token(point.position, convention) == pytest.approx(flops, rel=1e-6)
    assert point.n_params == pytest.approx(family.n_params(point.position, convention), rel=1e-6)
    own = recount(point, law.counting, family)
    wanted = allocation_law(law).allocate(own.flops)
    assert own.tokens == pytest.approx(wanted.tokens, rel=1e-6)
    if law.counting.counts_six_n:
        assert own.n_params == pytest.approx(wanted.n_params, rel=1e-6)


@given(laws, sensible, conventions, families)
def test_native_and_converted_paths_agree(name: str, flops: float, convention: Convention, family: ShapeFamily) -> None:
    law = fit(name)
    native = operate(law, flops, law.counting, family)
    there = recount(native, convention, family)
    again = operate(law, there.flops, convention, family)
    assert again.tokens == pytest.approx(native.tokens, rel=1e-6)
    assert again.n_params == pytest.approx(there.n_params, rel=1e-6)
    assert again.position == pytest.approx(native.position, abs=1e-4)


@given(laws, sensible, conventions, conventions)
def test_recounting_there_and_back_changes_nothing(
    name: str, flops: float, first: Convention, second: Convention
) -> None:
    family = shape_family()
    point = operate(fit(name), flops, first, family)
    back = recount(recount(point, second, family), first, family)
    assert (back.n_params, back.tokens, back.position) == pytest.approx(
        (point.n_params, point.tokens, point.position), rel=1e-6
    )
    # The path through a six-N convention takes C as given; a recount takes it from the shape.
    assert back.flops == pytest.approx(point.flops, rel=1e-6)


@given(laws, sensible, conventions, st.floats(1.01, 100))
def test_a_larger_budget_gives_a_larger_model_and_more_tokens(
    name: str, flops: float, convention: Convention, factor: float
) -> None:
    small, large = (operate(fit(name), c, convention, shape_family()) for c in (flops, flops * factor))
    assert small.n_params < large.n_params
    assert small.tokens < large.tokens


@given(laws, sensible, conventions)
def test_budgets_for_a_size_or_tokens_invert_the_law(name: str, flops: float, convention: Convention) -> None:
    family, law = shape_family(), fit(name)
    point = operate(law, flops, convention, family)
    by_size = flops_where(law, convention, family, lambda p: p.n_params, point.n_params)
    by_tokens = flops_where(law, convention, family, lambda p: p.tokens, point.tokens)
    assert by_size == pytest.approx(flops, rel=1e-6)
    assert by_tokens == pytest.approx(flops, rel=1e-6)


@pytest.mark.parametrize("target", [1e-30, 1e80])
@pytest.mark.parametrize("name", ["porian2024/refinedweb-tuned", "kaplan2020/fixed-batch"])
def test_a_target_out_of_reach_has_no_budget(name: str, target: float) -> None:
    assert flops_where(fit(name), Convention.STANDARD, shape_family(), lambda p: p.n_params, target) is None


@given(
    st.floats(-50, 50),
    st.floats(0.01, 100),
    st.sampled_from(
        [
            lambda x: x,
            lambda x: x**3,
            math.sinh,
            math.atan,
            lambda x: x + 0.3 * math.sin(3 * x),
            lambda x: math.copysign(abs(x) ** 0.5, x),
        ]
    ),
)
def test_the_root_of_an_increasing_function(root: float, slope: float, shape: object) -> None:
    assert callable(shape)

    def function(x: float) -> float:
        value = slope * shape(max(min(x - root, 60.0), -60.0))
        assert isinstance(value, float)
        return value

    found = increasing_root(function, root - 20, root + 35)
    assert found == pytest.approx(root, abs=1e-2 if shape(1e-3) < 1e-6 else 1e-6)


@given(st.floats(-50, 50), st.floats(0.1, 10))
def test_a_root_outside_gives_the_end_nearest_to_it(low: float, width: float) -> None:
    high = low + width
    assert increasing_root(lambda x: x - low + 1, low, high) == low
    assert increasing_root(lambda x: x - high - 1, low, high) == high

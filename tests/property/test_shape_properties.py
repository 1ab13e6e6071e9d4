"""Counts grow with the model, conversions go there and back, and the nearest shape is the nearest."""

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.bundled import SIX_N

from budgetscope.core.counting.ledger import Convention, Shape, default_d_ff, ledger
from budgetscope.core.counting.shapes import PORIAN_SHAPES, ShapeFamily, shape_family
from budgetscope.core.errors import UsageError

conventions = st.sampled_from(list(Convention))
families = st.builds(
    shape_family,
    st.just("dense"),
    vocab_size=st.sampled_from([2, 256, 4096, 50432, 256_000]),
    seq_len=st.sampled_from([1, 512, 2048, 131_072]),
    tied=st.booleans(),
)
# From 1 M to 1 T parameters.
sizes = st.floats(6, 12).map(lambda exponent: 10.0**exponent)
divisors = st.sampled_from([1, 2, 4])


@st.composite
def shapes(draw: st.DrawFn) -> Shape:
    head_dim, groups, kv_heads = draw(st.integers(1, 64)), draw(divisors), draw(divisors)
    n_heads = groups * kv_heads
    return Shape(
        depth=draw(st.integers(1, 120)),
        width=head_dim * n_heads,
        d_ff=draw(st.integers(1, 4096)),
        n_heads=n_heads,
        n_kv_heads=kv_heads,
        vocab_size=draw(st.integers(1, 10**6)),
        seq_len=draw(st.integers(1, 10**5)),
        tied=draw(st.booleans()),
        gated=draw(st.booleans()),
    )


@given(shapes())
def test_the_conventions_of_one_shape_agree_with_each_other(shape: Shape) -> None:
    counts = {count.convention: count for count in ledger(shape).counts}
    assert list(counts) == list(Convention)
    blocks, head = counts[Convention.KAPLAN].n_params, shape.n_params_head
    assert counts[Convention.STANDARD].n_params == blocks + head
    assert counts[Convention.ATTENTION].n_params == blocks + head + shape.seq_len * shape.width * shape.depth
    assert counts[Convention.TOTAL].n_params == blocks + head * (1 if shape.tied else 2)
    assert counts[Convention.EXACT].n_params == counts[Convention.TOTAL].n_params
    assert counts[Convention.DEEPSEEK].n_params == blocks
    for count in counts.values():
        assert 0 <= count.head_share < 1
        if count.convention.counts_six_n:
            assert count.flops_per_token == 6 * count.n_params
    # Every operation is no less than the matrix products of blocks and head.
    assert counts[Convention.EXACT].flops_per_token > counts[Convention.STANDARD].flops_per_token


@given(shapes())
def test_fewer_key_value_heads_never_cost_more(shape: Shape) -> None:
    full = Shape(
        shape.depth, shape.width, shape.d_ff, shape.n_heads, shape.n_heads, shape.vocab_size, shape.seq_len,
        shape.tied, shape.gated,
    )  # fmt: skip
    assert shape.n_params_blocks <= full.n_params_blocks
    assert (shape.n_params_blocks == full.n_params_blocks) == (shape.n_kv_heads == shape.n_heads)


@given(families, conventions)
def test_the_counts_of_a_family_grow_with_every_member(family: ShapeFamily, convention: Convention) -> None:
    counts = [shape.count(convention) for shape in family.shapes]
    for smaller, larger in itertools.pairwise(counts):
        assert smaller.n_params < larger.n_params
        assert smaller.flops_per_token < larger.flops_per_token


@given(families, conventions, sizes, st.floats(1.0001, 10))
def test_counts_grow_between_members_too(
    family: ShapeFamily, convention: Convention, size: float, factor: float
) -> None:
    here, there = family.position(size, convention), family.position(size * factor, convention)
    assert here < there
    for other in Convention:
        assert family.n_params(here, other) < family.n_params(there, other)
        assert family.flops_per_token(here, other) < family.flops_per_token(there, other)
    assert family.executed_flops_per_token(here) < family.executed_flops_per_token(there)


@given(families, conventions, conventions, sizes)
def test_a_conversion_there_and_back_changes_nothing(
    family: ShapeFamily, source: Convention, target: Convention, size: float
) -> None:
    converted = family.convert(size, source, target)
    assert family.convert(converted, target, source) == pytest.approx(size, rel=1e-9)
    assert family.position(converted, target) == pytest.approx(family.position(size, source), abs=1e-6)


@given(families, conventions, conventions, st.data())
def test_a_conversion_is_exact_at_a_member(
    family: ShapeFamily, source: Convention, target: Convention, data: st.DataObject
) -> None:
    index = data.draw(st.integers(0, len(family.shapes) - 1))
    shape = family.shapes[index]
    converted = family.convert(float(shape.count(source).n_params), source, target)
    assert converted == pytest.approx(shape.count(target).n_params, rel=1e-12)
    assert family.position(shape.count(source).n_params, source) == pytest.approx(index, abs=1e-9)


@given(families, conventions, sizes)
def test_the_nearest_shape_is_nearest_in_ratio(family: ShapeFamily, convention: Convention, size: float) -> None:
    found = family.nearest(size, convention)
    position = family.position(size, convention)
    if found is None:
        assert not -0.5 <= position <= len(family.shapes) - 0.5
        return
    distance = abs(math.log(found.count(convention).n_params / size))
    for shape in family.shapes:
        assert distance <= abs(math.log(shape.count(convention).n_params / size)) + 1e-12


@given(sizes, st.sampled_from(SIX_N))
def test_from_ten_million_to_a_trillion_a_shape_has_about_the_size(size: float, convention: Convention) -> None:
    size = max(size, 1e7)
    shape = shape_family().to_build(size, convention)
    assert shape is not None
    factor = shape.count(convention).n_params / size
    assert max(factor, 1 / factor) < (1.08 if size < 1e8 else 1.026)


@given(st.sampled_from(PORIAN_SHAPES))
def test_the_papers_own_shapes_are_built_for_their_sizes(pair: tuple[int, int]) -> None:
    """The 16 models of Porian et al. 2024, open_lm/model_configs."""
    width, depth = pair
    size = next(s for s in shape_family("porian").shapes if s.width == width).count(Convention.STANDARD).n_params
    shape = shape_family().to_build(size, Convention.STANDARD)
    assert shape is not None
    assert (shape.width, shape.depth) == (width, depth)


@given(st.integers(1, 10**6))
def test_the_default_feed_forward_is_a_multiple_of_256_just_above_eight_thirds(width: int) -> None:
    d_ff = default_d_ff(width)
    assert d_ff % 256 == 0
    assert 8 * width // 3 <= d_ff < 8 * width // 3 + 256 + (8 * width // 3 == 0) * 256


@given(st.integers(-5, 10), st.integers(-5, 10), st.integers(-5, 10), st.integers(-5, 10))
def test_a_shape_is_built_or_refused_in_one_sentence(depth: int, width: int, n_heads: int, n_kv_heads: int) -> None:
    sizes_are_positive = min(depth, width, n_heads, n_kv_heads) >= 1
    if sizes_are_positive and width % n_heads == n_heads % n_kv_heads == 0:
        assert Shape(depth, width, 1, n_heads, n_kv_heads, 1, 1).n_params_blocks > 0
        return
    with pytest.raises(UsageError, match=r"^[^\n]+\.$"):
        Shape(depth, width, 1, n_heads, n_kv_heads, 1, 1)

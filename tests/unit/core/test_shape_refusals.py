"""Shapes and families that cannot be, and what is said of them."""

from typing import Any

import pytest

from budgetscope.core.counting.ledger import Convention, Shape, parse_convention
from budgetscope.core.counting.shapes import FAMILIES, shape_family
from budgetscope.core.errors import UsageError

GOOD: dict[str, Any] = {
    "depth": 2,
    "width": 64,
    "d_ff": 256,
    "n_heads": 4,
    "n_kv_heads": 4,
    "vocab_size": 100,
    "seq_len": 128,
}


@pytest.mark.parametrize("name", list(GOOD))
@pytest.mark.parametrize("value", [0, -1, 10**9 + 1, 10**30])
def test_a_size_out_of_bounds_is_named(name: str, value: int) -> None:
    with pytest.raises(UsageError, match=f"{name} = {value} is not a size"):
        Shape(**(GOOD | {name: value}))


def test_heads_must_divide() -> None:
    with pytest.raises(UsageError, match="5 heads do not divide the width 64"):
        Shape(**(GOOD | {"n_heads": 5}))
    with pytest.raises(UsageError, match="3 key-value heads do not divide the 4 heads"):
        Shape(**(GOOD | {"n_kv_heads": 3}))


@pytest.mark.parametrize(("text", "found"), [("standard", "standard"), (" Kaplan ", "kaplan"), ("EXACT", "exact")])
def test_a_convention_by_name(text: str, found: str) -> None:
    assert parse_convention(text) == Convention(found)


@pytest.mark.parametrize("text", ["", "chinchilla", "standard kaplan"])
def test_an_unknown_convention_is_refused_with_all_names(text: str) -> None:
    with pytest.raises(UsageError, match="standard, kaplan, attention, total, deepseek, exact"):
        parse_convention(text)


def test_an_unknown_family_is_refused_with_all_names() -> None:
    with pytest.raises(UsageError, match=", ".join(FAMILIES)):
        shape_family("wide")


def test_a_size_beyond_the_family_has_no_shape() -> None:
    for name, too_small, too_large in (("dense", 1e4, 1e15), ("porian", 1e6, 1e10)):
        family = shape_family(name)
        assert family.nearest(too_small, Convention.STANDARD) is None
        assert family.nearest(too_large, Convention.STANDARD) is None


def test_the_dense_family_passes_through_published_shapes() -> None:
    depths = {shape.width: shape.depth for shape in shape_family().shapes}
    # Porian's ladder and LLaMA 7B to 65B, GPT-3 and Llama 3 405B.
    for width, depth in ((96, 3), (640, 15), (4096, 32), (5120, 40), (8192, 80), (12288, 96), (16384, 126)):
        assert depths[width] == depth
    llama = next(shape for shape in shape_family(vocab_size=32_000).shapes if shape.width == 4096)
    assert (llama.d_ff, llama.n_heads) == (11008, 32)
    # Touvron et al. 2023: 6.7B.
    assert llama.count(Convention.TOTAL).n_params == pytest.approx(6.7e9, rel=0.01)


def test_every_shape_of_the_family_suits_hardware() -> None:
    for shape in shape_family().shapes:
        assert shape.width % 16 == 0
        assert shape.d_ff % 256 == 0
        assert shape.width // shape.n_heads in (16, 32, 64, 128)

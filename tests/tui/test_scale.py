import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from budgetscope.tui.scale import LogScale


def test_decades_around_takes_whole_decades() -> None:
    scale = LogScale.decades_around(3e16, 4e25)
    assert math.isclose(scale.low, 1e16)
    assert math.isclose(scale.high, 1e26)
    assert scale.exponents() == tuple(range(16, 27))


def test_decades_around_powers_of_ten_adds_nothing() -> None:
    assert LogScale.decades_around(1e16, 1e26).span_decades == pytest.approx(10)
    assert LogScale.decades_around(1e16, 1e16).span_decades == pytest.approx(1)


@pytest.mark.parametrize(("low", "high"), [(0, 1), (1, 1), (2, 1), (-1, 1), (1, math.inf), (math.nan, 1)])
def test_an_axis_without_length_or_logarithm_is_refused(low: float, high: float) -> None:
    with pytest.raises(ValueError, match="no logarithmic axis"):
        LogScale(low, high)


@pytest.mark.parametrize(
    ("room", "expected"),
    [(11, tuple(range(16, 27))), (10, (16, 18, 20, 22, 24, 26)), (5, (18, 21, 24)), (2, (18, 24)), (1, (24,))],
)
def test_labels_thin_out_to_the_room(room: int, expected: tuple[int, ...]) -> None:
    assert LogScale(1e16, 1e26).labelled(room) == expected


def test_minor_ticks_are_two_to_nine() -> None:
    assert LogScale(1.0, 10.0).minor() == (2, 3, 4, 5, 6, 7, 8, 9)
    assert LogScale(0.5, 2.5).minor() == pytest.approx((0.5, 0.6, 0.7, 0.8, 0.9, 2.0))


@given(st.floats(-20, 20), st.floats(0.1, 20), st.floats(0, 1))
def test_fraction_and_value_are_inverse(exponent: float, decades: float, fraction: float) -> None:
    scale = LogScale(10.0**exponent, 10.0 ** (exponent + decades))
    assert scale.fraction(scale.value(fraction)) == pytest.approx(fraction, abs=1e-9)
    assert scale.fraction(scale.low) == 0
    assert scale.fraction(scale.high) == pytest.approx(1)

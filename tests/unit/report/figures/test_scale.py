import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from budgetscope.report.figures.scale import LinearScale, LogScale


def test_decades_around_takes_whole_decades() -> None:
    scale = LogScale.decades_around(3e16, 4e25)
    assert math.isclose(scale.low, 1e16)
    assert math.isclose(scale.high, 1e26)
    assert scale.major() == pytest.approx([10.0**e for e in range(16, 27)])


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
    assert LogScale(1e16, 1e26).labelled(room) == pytest.approx([10.0**e for e in expected])


def test_minor_ticks_are_two_to_nine() -> None:
    assert LogScale(1.0, 10.0).minor() == (2, 3, 4, 5, 6, 7, 8, 9)
    assert LogScale(0.5, 2.5).minor() == pytest.approx((0.5, 0.6, 0.7, 0.8, 0.9, 2.0))


@given(st.floats(-20, 20), st.floats(0.1, 20), st.floats(0, 1))
def test_fraction_and_value_are_inverse(exponent: float, decades: float, fraction: float) -> None:
    scale = LogScale(10.0**exponent, 10.0 ** (exponent + decades))
    assert scale.fraction(scale.value(fraction)) == pytest.approx(fraction, abs=1e-9)
    assert scale.fraction(scale.low) == 0
    assert scale.fraction(scale.high) == pytest.approx(1)


def test_few_decades_are_labelled_at_2_and_5_too_where_there_is_room() -> None:
    assert LogScale(1.0, 100.0).labelled(7) == (1, 2, 5, 10, 20, 50, 100)
    assert LogScale(1.0, 100.0).labelled(6) == (1, 10, 100)


def test_less_than_a_decade_still_has_ticks() -> None:
    assert LogScale(3.0, 9.0).labelled(7) == (3, 4, 5, 6, 7, 8, 9)
    assert LogScale(2.0, 60.0).labelled(5) == (2, 5, 10, 20, 50)


@given(st.floats(-20, 20), st.floats(0.01, 20), st.integers(1, 30))
def test_there_is_always_a_label_and_never_too_many(exponent: float, decades: float, room: int) -> None:
    scale = LogScale(10.0**exponent, 10.0 ** (exponent + decades))
    labels = scale.labelled(room)
    assert 1 <= len(labels) <= room
    assert all(-1e-6 <= scale.fraction(label) <= 1 + 1e-6 for label in labels)


def test_what_has_no_logarithm_lies_far_below() -> None:
    assert LogScale(1, 10).fraction(0) == -math.inf
    assert LogScale(1, 10).fraction(-3) == -math.inf


def test_linear_axes_take_nice_steps_around_the_values() -> None:
    scale = LinearScale.around(2.013, 2.057)
    assert (scale.low, scale.high) == pytest.approx((2.01, 2.06))
    assert scale.major() == pytest.approx([2.01 + 0.005 * step for step in range(11)])
    assert scale.labelled(6) == (2.01, 2.02, 2.03, 2.04, 2.05, 2.06)
    assert scale.labelled(3) == (2.02, 2.04, 2.06)
    assert scale.labelled(2) == (2.05,)
    assert LinearScale.around(5, 5).low < 5 < LinearScale.around(5, 5).high


@pytest.mark.parametrize(("low", "high"), [(1, 1), (2, 1), (-math.inf, 1), (0, math.nan)])
def test_a_linear_axis_without_length_is_refused(low: float, high: float) -> None:
    with pytest.raises(ValueError, match="no axis"):
        LinearScale(low, high)


@given(st.floats(-1e9, 1e9), st.floats(1e-3, 1e9), st.integers(1, 30))
def test_linear_labels_fit_and_fraction_is_inverse(low: float, length: float, room: int) -> None:
    scale = LinearScale(low, low + length)
    labels = scale.labelled(room)
    assert len(labels) <= room
    assert all(-1e-3 <= scale.fraction(label) <= 1 + 1e-3 for label in labels)
    assert scale.fraction(scale.value(0.3)) == pytest.approx(0.3, abs=1e-3)

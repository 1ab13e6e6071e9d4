"""Numbers, durations, FLOPs and dollars as people write and read them."""

from collections.abc import Callable

import pytest

from budgetscope.core.budget.quantities import (
    format_count,
    format_ends,
    format_energy,
    format_factor,
    format_flops,
    format_hours,
    format_like,
    format_mass,
    format_usd,
    parse_count,
    parse_duration_hours,
    parse_flops,
    quote,
)
from budgetscope.core.errors import UsageError
from budgetscope.core.language import JAPANESE, use
from budgetscope.store.catalogues import read_language


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("7B", 7e9),
        ("7b", 7e9),
        ("7 bn", 7e9),
        ("140 billion", 140e9),
        ("1.5e9", 1.5e9),
        ("1_000_000", 1e6),
        ("1,000,000", 1e6),
        ("1,234.5", 1234.5),
        ("50k", 50e3),
        ("2T", 2e12),
        ("30m", 30e6),
        ("17.7B", 17.7e9),
        ("3x10^9", 3e9),
        ("10**9", 1e9),
        ("twenty million", 20e6),
        ("a hundred", 100.0),
        (".5", 0.5),
        (" 64 ", 64.0),
    ],
)
def test_count_is_read_to_the_last_bit(text: str, count: float) -> None:
    assert parse_count(text) == count


@pytest.mark.parametrize(
    ("text", "hours"),
    [
        ("14d", 336.0),
        ("14 days", 336.0),
        ("14-day", 336.0),
        ("two weeks", 336.0),
        ("2w", 336.0),
        ("1 month", 720.0),
        ("a year", 8760.0),
        ("36h", 36.0),
        ("90 min", 1.5),
        ("90min", 1.5),
        ("30 minutes", 0.5),
        ("1800 s", 0.5),
        ("1w 2d", 216.0),
        ("1 week, 2 days and 3 hours", 219.0),
        ("half a day", 12.0),
        ("half an hour", 0.5),
        ("an hour", 1.0),
    ],
)
def test_duration_is_read_in_hours(text: str, hours: float) -> None:
    assert parse_duration_hours(text) == hours


@pytest.mark.parametrize(
    ("text", "flops"),
    [
        ("1e21", 1e21),
        ("3e22 FLOPs", 3e22),
        ("3e22FLOP", 3e22),
        ("3 zettaflop", 3e21),
        ("3 zettaflops", 3e21),
        ("1.2 YFLOP", 1.2e24),
        # GPT-3's appendix D: one petaflop/s-day is 8.64e19 FLOPs.
        ("1 petaflop/s-day", 8.64e19),
        ("100 petaflop/s-days", 8.64e21),
        ("100 PF-days", 8.64e21),
        ("100 petaflop days", 8.64e21),
        ("100 petaflop per second days", 8.64e21),
        ("5 EFLOP/s-days", 4.32e23),
        ("1 PFLOP/s-hour", 3.6e18),
    ],
)
def test_flops_are_read(text: str, flops: float) -> None:
    assert parse_flops(text) == pytest.approx(flops, rel=1e-15)


@pytest.mark.parametrize(
    ("parse", "text", "part"),
    [
        (parse_count, "", "'' is empty"),
        (parse_count, "7B params", "'7B params' is not a number"),
        (parse_count, "seven apples", "'seven apples' is not a number"),
        (parse_count, "nan", "'nan' is not a number"),
        (parse_count, "-1", "'-1' must be above zero"),
        (parse_count, "0", "'0' must be above zero"),
        (parse_count, "1e400", "'1e400' is too large"),
        (parse_count, "1,00", "'1,00' is not a number"),
        (parse_duration_hours, "30m", "minutes, months or millions"),
        (parse_duration_hours, "30 M", "minutes, months or millions"),
        (parse_duration_hours, "14", "'14' is not a duration"),
        (parse_duration_hours, "1d 1d", "'1d 1d' is not a duration"),
        (parse_duration_hours, "1e308 weeks", "too large"),
        (parse_duration_hours, "-14d", "must be above zero"),
        (parse_flops, "3 exaflop/s", "a rate; add a time"),
        (parse_flops, "100 PF", "a rate; add a time"),
        (parse_flops, "3 kg", "'3 kg' is not a number of FLOPs"),
        (parse_flops, "1e-400", "must be above zero"),
    ],
)
def test_a_refusal_names_the_text(parse: Callable[[str], float], text: str, part: str) -> None:
    with pytest.raises(UsageError) as refused:
        parse(text)
    assert part in str(refused.value)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (17.7e9, "17.7 B"),
        (7e9, "7 B"),
        (288e9, "288 B"),
        (9.83e6, "9.83 M"),
        (50e3, "50 K"),
        (1.4e12, "1.4 T"),
        (999.9e6, "1 B"),
        (999.9, "1 K"),
        (64, "64"),
        (0.123, "0.123"),
        (0, "0"),
        (3.456e15, "3.46e15"),
        (999.9e12, "1e15"),
        (8.6e-4, "8.6e-4"),
        (-2.5e9, "-2.5 B"),
    ],
)
def test_count_is_written_to_three_digits(value: float, text: str) -> None:
    assert format_count(value) == text


def test_flops_dollars_and_hours_are_written() -> None:
    assert [format_flops(flops) for flops in (3.06e22, 1e21, 3.0649e22)] == ["3.06e22", "1e21", "3.06e22"]
    assert [format_usd(usd) for usd in (1.2e6, 50e3, 640, 2.5, 99.999, 0.0012, 3.32e-4)] == [
        "$1.2 M",
        "$50 K",
        "$640",
        "$2.50",
        "$100",
        "$0.0012",
        "$0.000332",
    ]
    assert [
        format_hours(hours) for hours in (0.000144, 59.99 / 3600, 1 / 60, 0.5, 0.9999, 36, 47.99, 48, 336, 17520)
    ] == [
        "0.518 s",
        "1 min",
        "1 min",
        "30 min",
        "1 h",
        "36 h",
        "48 h",
        "2 days",
        "14 days",
        "2 years",
    ]


def test_a_quotation_is_short_and_on_one_line() -> None:
    assert quote("a\nb\x1b[31m\u2028\ud800") == r"'a\nb\x1b[31m\u2028\ud800'"
    assert quote("x" * 40) == repr("x" * 40)
    assert quote("x" * 41) == repr("x" * 39 + "…")


@pytest.mark.parametrize(
    ("low", "high", "form", "ends"),
    [
        (47.8, 61.2, format_hours, ("1.99 days", "2.55 days")),
        (0.9, 1.5, format_hours, ("0.9 h", "1.5 h")),
        (700 * 24, 900 * 24, format_hours, ("1.92 years", "2.47 years")),
        (30 / 3600, 90 / 3600, format_hours, ("0.5 min", "1.5 min")),
        (0.4 / 3600, 0.6 / 3600, format_hours, ("0.4 s", "0.6 s")),
        (1 / 60, 5.0, format_hours, ("1 min", "5 h")),
        (0.95e9, 1.2e9, format_count, ("0.95 B", "1.2 B")),
        (40e6, 2e9, format_count, ("40 M", "2 B")),
        (925.0, 1200.0, format_usd, ("$0.925 K", "$1.2 K")),
        (57.0, 148.0, format_usd, ("$57.00", "$148")),
        (900.0, 1.2e3, format_energy, ("0.9 MWh", "1.2 MWh")),
        (900.0, 1.2e3, format_mass, ("0.9 t", "1.2 t")),
        (9e14, 2e15, format_count, ("900 T", "2e15")),
        (1e21, 2e22, format_flops, ("1e21", "2e22")),
    ],
)
def test_a_range_has_one_unit(low: float, high: float, form: Callable[[float], str], ends: tuple[str, str]) -> None:
    assert format_ends(low, high, form) == ends


def test_a_range_has_one_unit_in_japanese_too() -> None:
    use(read_language(JAPANESE))
    try:
        assert format_ends(47.8, 61.2, format_hours) == ("1.99日", "2.55日")
        assert format_ends(0.9e8, 1.2e8, format_count) == ("0.9億", "1.2億")
    finally:
        use(None)


def test_little_energy_and_mass_have_their_own_units() -> None:
    assert [format_energy(kwh) for kwh in (0.000904, 0.5, 0.9999, 541.0)] == ["0.904 Wh", "500 Wh", "1 kWh", "541 kWh"]
    assert [format_mass(kg) for kg in (0.00031, 0.0, 0.9999, 12.0)] == ["0.31 g", "0 g", "1 kg", "12 kg"]


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [(1.2345, 2, "1.2"), (1238.5, 3, "1,240"), (31_234, 2, "31,000"), (2.5e6, 2, "2.5e6")],
)
def test_a_factor_has_no_exponent_below_a_million(value: float, digits: int, text: str) -> None:
    assert format_factor(value, digits) == text


@pytest.mark.parametrize(
    ("value", "like", "form", "text"),
    [
        (923e6, 1.08e9, format_count, "0.923 B"),
        (40e6, 2e9, format_count, "40 M"),
        (47.8, 61.2, format_hours, "1.99 days"),
        (3e21, 2e22, format_flops, "3e21"),
    ],
)
def test_a_number_takes_the_unit_of_another(value: float, like: float, form: Callable[[float], str], text: str) -> None:
    assert format_like(value, like, form) == text

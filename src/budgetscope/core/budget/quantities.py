"""Numbers, durations, FLOPs and dollars as people write and read them."""

import math
from collections.abc import Callable

from budgetscope.core.budget import vocabulary as words
from budgetscope.core.budget.exchange import YEN_PER_USD
from budgetscope.core.budget.tokens import MAX_TEXT_CHARS, Reader, quote, shown
from budgetscope.core.errors import UsageError
from budgetscope.core.language import JAPANESE, code

__all__ = [
    "MAX_TEXT_CHARS",
    "as_share",
    "english_count",
    "english_hours",
    "english_usd",
    "format_count",
    "format_ends",
    "format_energy",
    "format_factor",
    "format_flops",
    "format_hours",
    "format_like",
    "format_mass",
    "format_usd",
    "number_in",
    "parse_count",
    "parse_duration_hours",
    "parse_flops",
    "parse_served_tokens",
    "quote",
    "shown",
]

MAX_SERVED_TOKENS = 1e20
_LEAST_PERCENT = 5
"""Smaller numbers above 1 are hardly meant as percents of a share."""


def as_share(value: float) -> str:
    """Return how to write a number above 1 that should be a share, as a remedy."""
    return f"write {value:g}% or {value / 100:g}" if value >= _LEAST_PERCENT else "write a share like 0.4 or 40%"


def _parse_whole(text: str, kind: str, examples: str) -> float:
    """Parse all of `text` as a "number", "duration" or "number of FLOPs"."""
    reader = Reader(text, examples)
    number = reader.read_number()
    value: float | None = None
    if number is not None and kind == "duration":
        reader.accept("-")
        value = reader.read_duration(number, 0)
    elif number is not None:
        value = reader.read_flops(number, 0) if kind == "number of FLOPs" else None
        value = number.value() if value is None else value
    if kind == "duration" and value is None and reader.tokens[-1].text == "m":
        raise UsageError(f"{quote(text)} could be {words.AMBIGUOUS_M}")
    if value is None or reader.peek().kind != "end" or (number is not None and number.choice):
        raise UsageError(f"{quote(text)} is not a {kind}; examples: {examples}")
    return reader.positive(value, 0)


def number_in(text: str) -> float | None:
    """Parse a number of either sign, finite or not; None if the text is not one or exceeds `MAX_TEXT_CHARS`."""
    if not text.strip() or len(text) > MAX_TEXT_CHARS:
        return None
    reader = Reader(text, "")
    try:
        number = reader.read_number()
    except UsageError:
        return None
    return None if number is None or number.choice or reader.peek().kind != "end" else number.value()


def parse_count(text: str) -> float:
    """Parse a positive number with an optional suffix: "7B", "140 billion", "1.5e9", "1,000,000", "50k".

    Raises:
        UsageError: the text is not such a number, or not above zero, or not finite.
    """
    return _parse_whole(text, "number", "7B, 140 billion, 1.5e9")


def parse_flops(text: str) -> float:
    """Parse FLOPs: "1e21", "3 zettaflops", "100 petaflop/s-days", "100 PF-days" (one is 8.64e19).

    Raises:
        UsageError: the text is not an amount of FLOPs above zero.
    """
    return _parse_whole(text, "number of FLOPs", "1e21, 3 zettaflops, 100 petaflop/s-days")


def parse_duration_hours(text: str) -> float:
    """Parse a duration into hours: "14d", "two weeks", "1 month" (30 days), "90 min", "1w 2d".

    Raises:
        UsageError: the text is not a duration above zero; "30m" is refused as ambiguous (minutes or months).
    """
    return _parse_whole(text, "duration", "14d, two weeks, 90 min")


_Units = tuple[tuple[float, float, str], ...]
"""Units from the largest: the least value that is written in it, its size and its name."""
_ROUNDS_UP = 0.9995
"""Of a unit: with 3 digits it is written as one of it, so that 999.9e6 is 1 B, not 1000 M."""


def _powers(*units: tuple[int, str]) -> _Units:
    return tuple((_ROUNDS_UP * 10.0**power, 10.0**power, name) for power, name in units)


_SUFFIXES = _powers((12, "T"), (9, "B"), (6, "M"), (3, "K"))
_MYRIADS = _powers((12, "兆"), (8, "億"), (4, "万"))
_ENERGIES = (*_powers((9, "TWh"), (6, "GWh"), (3, "MWh"), (0, "kWh")), (0.0, 1e-3, "Wh"))
_MASSES = (*_powers((9, "Mt"), (6, "kt"), (3, "t"), (0, "kg")), (0.0, 1e-3, "g"))
_TIMES: _Units = (
    (17520.0, 8760.0, "years"),
    (48.0, 24.0, "days"),
    (_ROUNDS_UP, 1.0, "h"),
    (_ROUNDS_UP / 60, 1 / 60, "min"),
    (0.0, 1 / 3600, "s"),
)
_CENT, _LEAST_USD = 0.01, 1e-6
"""Dollars between these are written with as many decimals as they need."""
_LEAST_IN_UNIT = 0.1
"""Smallest number of a unit that is as easy to read as in a smaller one."""


def _in_unit(value: float, units: _Units, like: float | None = None) -> tuple[float, str]:
    """Return a value in the unit in which it is read best, with its name.

    Args:
        value: to write.
        units: of which one is taken; without one it is the number itself.
        like: another value, of which the unit is taken unless less than a tenth of it would be left.
    """
    if like is not None:
        size, name = _unit(like, units)
        if abs(value) >= _LEAST_IN_UNIT * size:
            return value / size, name
    size, name = _unit(value, units)
    return value / size, name


def _unit(value: float, units: _Units) -> tuple[float, str]:
    return next(((size, name) for least, size, name in units if abs(value) >= least), (1.0, ""))


def _digits(value: float) -> float:
    """Return a value with 3 significant digits."""
    return float(f"{value:.3g}")


def _scientific(value: float) -> str:
    """Return `value` to 3 significant digits, such as 3.06e22."""
    if not math.isfinite(value) or value == 0:
        return f"{value:g}"
    mantissa, exponent = f"{value:.2e}".split("e")
    return f"{float(mantissa):g}e{int(exponent)}"


def parse_served_tokens(text: str) -> float:
    """Parse the number of tokens that a model will serve; an empty text, `none` and 0 give 0.

    Raises:
        UsageError: the text is not a number of tokens, or exceeds `MAX_SERVED_TOKENS`.
    """
    stripped = text.strip().casefold()
    if stripped in ("", "none", "0"):
        return 0.0
    tokens = parse_count(stripped.removesuffix("tokens"))
    if not (math.isfinite(tokens) and tokens <= MAX_SERVED_TOKENS):
        raise UsageError(f"{text.strip()!r} is more tokens than can be served; give at most {MAX_SERVED_TOKENS:g}.")
    return tokens


def format_count(value: float, like: float | None = None) -> str:
    """Return a number to 3 significant digits in the language in use: "17.7 B" or "177億"; see `english_count`."""
    return _japanese_count(value, like) if code() == JAPANESE else english_count(value, like)


def english_count(value: float, like: float | None = None) -> str:
    """Return a number to 3 significant digits: "17.7 B", "50 K", "64"; "3e15" from 1000 T on.

    For commands, files and errors, which are the same in every language.

    Args:
        value: the number.
        like: another number, in whose unit this one is written where it can be read in it; see `format_ends`.
    """
    if not 1e-3 <= abs(_digits(value)) < 1e15:
        return _scientific(value)
    number, suffix = _in_unit(value, _SUFFIXES, like)
    return f"{_digits(number):g} {suffix}".rstrip()


def _japanese_count(value: float, like: float | None = None) -> str:
    """Return a number to 3 significant digits in units of ten thousand: "1,720億", "5万"."""
    if not 1e-3 <= abs(_digits(value)) < 1e16:
        return _scientific(value)
    number, unit = _in_unit(value, _MYRIADS, like)
    return f"{_digits(number):,g}{unit}"


def format_factor(value: float, digits: int = 3) -> str:
    """Return a factor to so many significant digits: "1.2", "34,200"; "3.1e6" from a million on."""
    short = float(f"{value:.{digits}g}")
    return f"{short:,g}" if short < 1e6 else _scientific(short)


def format_flops(flops: float) -> str:
    """Return FLOPs to 3 significant digits: "3.06e22"."""
    return _scientific(flops)


def format_usd(usd: float, like: float | None = None) -> str:
    """Return dollars in the language in use: "$1.2 M"; in Japanese as yen of `YEN_PER_USD`: "1.89億円"."""
    if code() != JAPANESE:
        return english_usd(usd, like)
    return f"{_japanese_count(usd * YEN_PER_USD, None if like is None else like * YEN_PER_USD)}円"


def english_usd(usd: float, like: float | None = None) -> str:
    """Return dollars: "$1.2 M", "$50 K", "$640", "$2.50", "$0.00033"."""
    if _LEAST_USD <= usd < _CENT:
        return f"${_digits(usd):.9f}".rstrip("0")
    return f"${usd:.2f}" if _CENT <= usd < 99.995 else f"${english_count(usd, like)}"


def format_hours(hours: float, like: float | None = None) -> str:
    """Return a duration in the language in use: "14 days" or "14日"; see `english_hours`."""
    value, unit = _in_unit(hours, _TIMES, like)
    return f"{_japanese_count(value)}{_JAPANESE_TIMES[unit]}" if code() == JAPANESE else english_hours(hours, like)


_JAPANESE_TIMES = {"s": "秒", "min": "分", "h": "時間", "days": "日", "years": "年"}


def english_hours(hours: float, like: float | None = None) -> str:
    """Return a duration in seconds, minutes, hours (below two days), days (below two years) or years."""
    value, unit = _in_unit(hours, _TIMES, like)
    return f"{english_count(value)} {unit}"


def format_energy(kwh: float, like: float | None = None) -> str:
    """Format kWh with three significant digits: "27.1 MWh"; in Wh below one."""
    return _amount(kwh, _ENERGIES, like)


def format_mass(kg: float, like: float | None = None) -> str:
    """Format kilograms with three significant digits, in metric tons from 1000: "10.3 t"; in grams below one."""
    return _amount(kg, _MASSES, like)


def _amount(value: float, units: _Units, like: float | None) -> str:
    number, unit = _in_unit(value, units, like)
    return f"{_digits(number):,g} {unit}"


_WITH_UNITS = (format_count, format_usd, format_hours, format_energy, format_mass)


def format_like(value: float, like: float, form: Callable[[float], str]) -> str:
    """Return a number in the unit of another one: "0.95 B" beside "1.2 B".

    A number below a tenth of the unit keeps its own: "40 M" beside "2 B".

    Args:
        value: to write.
        like: the number that gives the unit.
        form: that of one number; one without units stays as it is.
    """
    united = next((each for each in _WITH_UNITS if each is form), None)
    return form(value) if united is None else united(value, like)


def format_ends(low: float, high: float, form: Callable[[float], str]) -> tuple[str, str]:
    """Return both ends of a range, in the unit of the upper one: "1.99 days" and "2.55 days", not "47.8 h".

    Args:
        low: of the range.
        high: of the range.
        form: that of one number.
    """
    return format_like(low, high, form), form(high)

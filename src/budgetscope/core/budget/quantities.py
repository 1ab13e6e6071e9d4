"""Numbers, durations, FLOPs and dollars as people write and read them."""

import math

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
    "format_energy",
    "format_flops",
    "format_hours",
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


def _scaled(value: float) -> tuple[str, str]:
    """Return `value` to 3 significant digits, and its suffix: "", K, M, B or T."""
    rounded = float(f"{value:.3g}")  # before the suffix is chosen: 999.9e6 is 1 B, not 1000 M
    if not 1e-3 <= abs(rounded) < 1e15:
        return _scientific(value), ""
    power = next((power for power in (12, 9, 6, 3) if abs(rounded) >= 10.0**power), 0)
    return f"{float(f'{rounded / 10.0**power:.3g}'):g}", {12: "T", 9: "B", 6: "M", 3: "K", 0: ""}[power]


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


def format_count(value: float) -> str:
    """Return a number to 3 significant digits in the language in use: "17.7 B" or "177億"; see `english_count`."""
    return _japanese_count(value) if code() == JAPANESE else english_count(value)


def english_count(value: float) -> str:
    """Return a number to 3 significant digits: "17.7 B", "50 K", "64"; "3e15" from 1000 T on.

    For commands, files and errors, which are the same in every language.
    """
    return " ".join(filter(None, _scaled(value)))


_MYRIADS = ((12, "兆"), (8, "億"), (4, "万"))


def _japanese_count(value: float) -> str:
    """Return a number to 3 significant digits in units of ten thousand: "1,720億", "5万"."""
    rounded = float(f"{value:.3g}")
    if not 1e-3 <= abs(rounded) < 1e16:
        return _scientific(value)
    power, unit = next(((power, unit) for power, unit in _MYRIADS if abs(rounded) >= 10.0**power), (0, ""))
    return f"{float(f'{rounded / 10.0**power:.3g}'):,g}{unit}"


def format_flops(flops: float) -> str:
    """Return FLOPs to 3 significant digits: "3.06e22"."""
    return _scientific(flops)


def format_usd(usd: float) -> str:
    """Return dollars in the language in use: "$1.2 M"; in Japanese as yen of `YEN_PER_USD`: "1.89億円"."""
    return f"{_japanese_count(usd * YEN_PER_USD)}円" if code() == JAPANESE else english_usd(usd)


def english_usd(usd: float) -> str:
    """Return dollars: "$1.2 M", "$50 K", "$640", "$2.50"."""
    return f"${usd:.2f}" if 0.01 <= usd < 99.995 else f"${english_count(usd)}"


def format_hours(hours: float) -> str:
    """Return a duration in the language in use: "14 days" or "14日"; see `english_hours`."""
    value, unit = _timed(hours)
    return f"{_japanese_count(value)}{_JAPANESE_TIMES[unit]}" if code() == JAPANESE else english_hours(hours)


_JAPANESE_TIMES = {"min": "分", "h": "時間", "days": "日", "years": "年"}


def english_hours(hours: float) -> str:
    """Return a duration in minutes, hours (below two days), days (below two years) or years."""
    value, unit = _timed(hours)
    return f"{english_count(value)} {unit}"


def _timed(hours: float) -> tuple[float, str]:
    """Return a duration in the unit in which it is read best."""
    if hours < 1:
        return hours * 60, "min"
    if hours < 48:
        return hours, "h"
    days = hours / 24
    return (days, "days") if days < 730 else (days / 365, "years")


def format_energy(kwh: float) -> str:
    """Format kWh with three significant digits: "27.1 MWh"."""
    return _in_units(kwh, ("kWh", "MWh", "GWh", "TWh"))


def format_mass(kg: float) -> str:
    """Format kilograms with three significant digits, in metric tons from 1000: "10.3 t"."""
    return _in_units(kg, ("kg", "t", "kt", "Mt"))


def _in_units(value: float, units: tuple[str, ...]) -> str:
    """Format a number in the largest unit in which it is not below one; each is a thousand of the one before."""
    place = 0
    while place + 1 < len(units) and float(f"{value:.3g}") >= 1000:
        value, place = value / 1000, place + 1
    return f"{float(f'{value:.3g}'):,g} {units[place]}"

"""Parsing and formatting of numbers, durations, FLOPs and dollars.

The suffixes K, M, B and T are thousand, million, billion and trillion, in either case; M is never metres or minutes, B
never bytes. A month is 30 days and a year 365 days.
"""

import math
import re
from collections.abc import Container
from typing import NamedTuple

from budgetscope.core.errors import UsageError

MAX_TEXT_CHARS = 300
MAX_QUOTED_CHARS = 40
MAX_SERVED_TOKENS = 1e20

MULTIPLIERS = {
    "hundred": 2,
    "k": 3,
    "thousand": 3,
    "m": 6,
    "million": 6,
    "b": 9,
    "bn": 9,
    "billion": 9,
    "t": 12,
    "trillion": 12,
}
"""Word after a number -> power of ten."""

_COUNTED = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen"
NUMBER_WORDS = {
    "a": "1",
    "an": "1",
    "half": "0.5",
    **{word: str(n) for n, word in enumerate([*_COUNTED.split(), "seventeen", "eighteen", "nineteen"], 1)},
    "twenty": "20",
}
"""Number word -> its digits."""

AMBIGUOUS_M = "minutes, months or millions; write min, months or million"

_SECONDS_PER_HOUR = 3600
_UNIT_HOURS = {
    (1, 3600): "s sec secs second seconds",
    (1, 60): "min mins minute minutes",
    (1, 1): "h hr hrs hour hours",
    (24, 1): "d day days",
    (7 * 24, 1): "w wk wks week weeks",
    (14 * 24, 1): "fortnight fortnights",
    (30 * 24, 1): "mo mos month months",
    (365 * 24, 1): "yr yrs year years",
}
DURATION_UNITS = {word: ratio for ratio, words in _UNIT_HOURS.items() for word in words.split()}
"""Unit of time -> hours as (numerator, denominator), so that 90 min is 1.5 h to the last bit."""
HOUR_WORDS = frozenset(_UNIT_HOURS[(1, 1)].split())

_SI = {"kilo": 3, "mega": 6, "giga": 9, "tera": 12, "peta": 15, "exa": 18, "zetta": 21, "yotta": 24}
_SI_POWERS = {"": 0, **_SI, **{name[0]: power for name, power in _SI.items()}}
_FLOPS_WORD = re.compile(rf"({'|'.join(_SI_POWERS)})(flops?|(?<=.)fs?)")

_TOKEN = re.compile(
    r"""(?P<space>\s+)
    |(?P<number>(?:(?<!\w)-)?                                 # a minus sign, not the hyphen of H100-14d
        (?:10(?:\^|\*\*)[0-9]+
        |(?:(?:[0-9]{1,3}(?:,[0-9]{3})+(?!,?[0-9])|[0-9]+(?:_[0-9]+)*)(?:\.[0-9]*)?|\.[0-9]+)
         (?:e[+-]?[0-9]+|\s?[x×*·]\s?10(?:\^|\*\*)[0-9]+)?))
    |(?P<times>[×·*]|(?<=[0-9])x|(?<=[0-9]\s)x(?=[a-z]+[0-9]))      # 64xH100, H100x64, 64 xH100
    |(?P<word>[^\W\d_](?:(?!(?<=[0-9])x[0-9]+[dwh]?\b)\w)*(?:\.\w+)*)
    |(?P<symbol>-\$|.)""",
    re.VERBOSE | re.DOTALL | re.IGNORECASE,
)
_TIMES_TEN_TO = re.compile(r"(?:\s?[x×*·]\s?|(?<![0-9.]))10(?:\^|\*\*)")
_DASHES = str.maketrans(dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2212", "-"))


def is_flops_word(word: str) -> bool:
    """Return whether a lower-case word is a unit of FLOPs, such as flop, zettaflops or pf."""
    return _FLOPS_WORD.fullmatch(word) is not None


def quote(text: str) -> str:
    """Return at most 40 characters of `text` in quotes, on one line, control characters escaped."""
    return repr(text if len(text) <= MAX_QUOTED_CHARS else text[: MAX_QUOTED_CHARS - 1] + "…")


def shown(value: object) -> str:
    """Return at most 40 characters of the `repr` of a value, for error messages; integers may have any size."""
    try:
        text = repr(value)
    except ValueError:  # more digits than Python writes
        return "a number of thousands of digits"
    return text if len(text) <= MAX_QUOTED_CHARS else text[: MAX_QUOTED_CHARS - 1] + "…"


class Token(NamedTuple):
    """One lower-case piece of a text; `kind` is number, times, word, symbol or end."""

    kind: str
    text: str
    start: int
    end: int


class Number(NamedTuple):
    """A number in decimal digits, so that units of powers of ten are exact (17.7B is 17.7e9)."""

    mantissa: str
    exponent: int
    plain: bool
    """Whether it is written in digits, without suffix and word."""

    def value(self, power: int = 0) -> float:
        """Return the number times 10**power; inf on overflow, 0 on underflow."""
        return float(f"{self.mantissa}e{self.exponent + power}")

    def times(self, other: "Number") -> "Number":
        """Return the product, with the precision of a float."""
        return Number(repr(self.value() * other.value()), 0, plain=False)


class Reader:
    """A cursor over the tokens of one text, with its error messages."""

    def __init__(self, text: str, examples: str) -> None:
        self.examples = examples
        self.text = text.translate(_DASHES) if len(text) <= MAX_TEXT_CHARS else text
        self.position = 0
        if len(text) > MAX_TEXT_CHARS:
            reason = f"has {len(text)} characters, more than the {MAX_TEXT_CHARS} that are read"
            raise UsageError(self._sentence(text, reason))
        self.tokens = [
            Token(found.lastgroup or "", found.group().lower(), *found.span())
            for found in _TOKEN.finditer(self.text)
            if found.lastgroup != "space"
        ]
        if not self.tokens:
            raise UsageError(self._sentence(text, "is empty"))

    def at(self, index: int) -> Token:
        """Return the token at `index`, or an end token past the last one."""
        size = len(self.text)
        return self.tokens[index] if index < len(self.tokens) else Token("end", "", size, size)

    def peek(self) -> Token:
        """Return the next token."""
        return self.at(self.position)

    def accept(self, words: Container[str]) -> bool:
        """Move past the next token if it is one of `words`; return whether it was."""
        token = self.peek()
        found = token.kind != "end" and token.text in words
        self.position += found
        return found

    def glued(self, index: int) -> bool:
        """Return whether no space stands between the token at `index` and the one before."""
        return self.at(index).start == self.tokens[index - 1].end

    def span(self, start: int) -> str:
        """Return the text from the token at `start` up to the cursor."""
        last = max(start, self.position - 1)
        return self.text[self.at(start).start : self.at(last).end]

    def refusal(self, start: int, reason: str) -> UsageError:
        """Return the error about the text from token `start` up to the cursor."""
        return UsageError(self._sentence(self.span(start), reason))

    def _sentence(self, part: str, reason: str) -> str:
        return f"{quote(part)} {reason}; examples: {self.examples}"

    def positive(self, value: float, start: int) -> float:
        """Return `value` if it is above zero and finite.

        Raises:
            UsageError: it is not.
        """
        if value <= 0:
            raise self.refusal(start, "must be above zero")
        if not math.isfinite(value):
            raise self.refusal(start, "is too large a number")
        return value

    def read_number(self) -> Number | None:
        """Read digits or a number word with its suffix; return None if neither comes next."""
        if self.peek().text in ("a", "an") and self.at(self.position + 1).kind == "number":  # a 7B model
            self.position += 1
        token = self.peek()
        if token.kind == "number":
            digits = _TIMES_TEN_TO.sub("e", token.text.replace(",", "").replace("_", ""))
            mantissa, _, exponent = digits.partition("e")
            mantissa += "1" if mantissa in ("", "-") else ""  # 10^21
            self.position += 1
        elif token.text in NUMBER_WORDS:
            mantissa, exponent = NUMBER_WORDS[token.text], ""
            self.position += 1
            if token.text == "half":
                self.accept(("a", "an"))
        else:
            return None
        suffix = self.peek().text
        has_suffix = self.accept(MULTIPLIERS)
        power = MULTIPLIERS[suffix] if has_suffix else 0
        return Number(mantissa, int(exponent or 0) + power, token.kind == "number" and not has_suffix)

    def read_flops(self, number: Number, start: int) -> float | None:
        """Read a unit of FLOPs after `number` and return the FLOPs; None if no such unit comes next.

        Raises:
            UsageError: the unit is a rate (FLOP per second) without a time.
        """
        unit = _FLOPS_WORD.fullmatch(self.peek().text)
        if unit is None:
            return None
        self.position += 1
        flops = number.value(_SI_POWERS[unit[1]])
        is_rate = unit[2] in ("f", "fs")
        if self.peek().text in ("/", "per") and self.at(self.position + 1).text in ("s", "sec", "second"):
            self.position += 2
            is_rate = True
        hyphens = int(self.peek().text == "-")
        time = DURATION_UNITS.get(self.at(self.position + hyphens).text)
        if time is not None:
            self.position += hyphens + 1
            return flops * (time[0] * _SECONDS_PER_HOUR / time[1])
        if is_rate:
            hours = self._time_of_rate()
            if hours is None:
                raise self.refusal(start, "is FLOP per second, a rate; add a time, as in 100 petaflop/s-days")
            return flops * hours * _SECONDS_PER_HOUR
        return flops

    def _time_of_rate(self) -> float | None:
        """Read the time of a rate, such as "for 3 days", in hours; return None if none comes next."""
        before = self.position
        self.accept(("for", "over", "x", "×", "*"))
        at = self.position
        number = self.read_number()
        hours = None if number is None else self.read_duration(number, at)
        if hours is None:
            self.position = before
        return hours

    def read_duration(self, number: Number, start: int) -> float | None:
        """Read a unit of time after `number`, and further parts as in "1w 2d"; return hours, None without a unit."""
        if self.peek().text not in DURATION_UNITS:
            return None
        hours = 0.0
        units = set()
        while True:
            numerator, denominator = DURATION_UNITS[self.peek().text]
            units.add((numerator, denominator))
            self.position += 1
            hours += self.positive(number.value() * numerator / denominator, start)
            next_part = self._next_part(units)
            if next_part is None:
                return self.positive(hours, start)
            number = next_part

    def _next_part(self, units: Container[tuple[int, int]]) -> Number | None:
        """Read the number of the next part of a duration, if its unit is not among `units`; else return None."""
        before = self.position
        self.accept((",", "and"))
        number = self.read_number()
        self.accept("-")
        unit = DURATION_UNITS.get(self.peek().text)
        if unit is not None and unit not in units:
            return number
        self.position = before
        return None


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
        raise UsageError(f"{quote(text)} could be {AMBIGUOUS_M}")
    if value is None or reader.peek().kind != "end":
        raise UsageError(f"{quote(text)} is not a {kind}; examples: {examples}")
    return reader.positive(value, 0)


def number_in(text: str) -> float | None:
    """Parse a number of either sign, finite or not; None if the text is not one or exceeds `MAX_TEXT_CHARS`."""
    if not text.strip() or len(text) > MAX_TEXT_CHARS:
        return None
    reader = Reader(text, "")
    number = reader.read_number()
    return None if number is None or reader.peek().kind != "end" else number.value()


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
    """Return a number to 3 significant digits: "17.7 B", "50 K", "64"; "3e15" from 1000 T on."""
    return " ".join(filter(None, _scaled(value)))


def format_flops(flops: float) -> str:
    """Return FLOPs to 3 significant digits: "3.06e22"."""
    return _scientific(flops)


def format_usd(usd: float) -> str:
    """Return dollars: "$1.2 M", "$50 K", "$640", "$2.50"."""
    return f"${usd:.2f}" if 0.01 <= usd < 99.995 else f"${format_count(usd)}"


def format_hours(hours: float) -> str:
    """Return a duration in minutes, hours (below two days), days (below two years) or years."""
    if hours < 1:
        return f"{format_count(hours * 60)} min"
    if hours < 48:
        return f"{format_count(hours)} h"
    days = hours / 24
    return f"{format_count(days)} days" if days < 730 else f"{format_count(days / 365)} years"

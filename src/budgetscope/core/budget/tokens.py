"""Lexical analysis of budgets: a text becomes numbers, words and symbols, each with its place in the text.

Full-width characters count as their ASCII ones. A number is read with its separators of thousands and decimals: what
two readings would fit is marked, and a reading that is not the English one is kept as a choice to say back.
"""

import math
import re
from collections.abc import Container
from decimal import Decimal
from string import ascii_lowercase, ascii_uppercase
from typing import NamedTuple

from budgetscope.core.budget import vocabulary as words
from budgetscope.core.errors import UsageError
from budgetscope.core.language import _

MAX_TEXT_CHARS = 300
MAX_QUOTED_CHARS = 40
MAX_WITH_A_HALF = 100

_FULL_WIDTH = {0xFF01 + i: 0x21 + i for i in range(94)}
_NORMAL = str.maketrans(
    _FULL_WIDTH
    | {
        **dict.fromkeys(map(ord, "\u2010\u2011\u2012\u2013\u2014\u2212"), "-"),
        **dict.fromkeys(map(ord, "\u301c\u2053"), "~"),
        0x3000: " ",
        0xFFE5: "¥",
        0x2019: "'",
    }
)
_LOWER = str.maketrans(ascii_uppercase, ascii_lowercase)
_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789")

_CJK_RANGES = (("\u3005", "\u3005"), ("\u3040", "\u30fa"), ("\u30fc", "\u30ff"), ("\u3400", "\u9fff"))
_CJK = f"(?:{'|'.join(f'[{first}-{last}]' for first, last in _CJK_RANGES)})"
_CJK_WORDS = "|".join(
    sorted(
        {
            word
            for table in (words.SCALES, words.DURATION_UNITS, words.KEYS, words.FILLERS, words.CURRENCY, words.GENERIC)
            for word in (*table, *words.TOKENS, *words.MODELS, *words.EPOCHS, *words.PERCENT, *words.RANGES)
            if any(first <= word[0] <= last for first, last in _CJK_RANGES)
        }
        | {"元", "電力"},
        key=len,
        reverse=True,
    )
)
_POWER = r"10(?:(?:\^|\*\*)[0-9]+|[⁰¹²³⁴⁵⁶⁷⁸⁹]+)"
_LETTER = rf"(?:(?!{_CJK})[^\W\d_])"
# Of lower-case text: to ignore the case would take the compiler twice as long, which every start would wait for.
_TOKEN = re.compile(
    rf"""(?P<space>\s+)
    |(?P<number>(?:(?<![\w)%])-(?=\.?[0-9]))?                   # a minus sign, not the hyphen of H100-14d
        (?:{_POWER}
        |(?:[0-9]{{1,3}}(?:\ [0-9]{{3}}){{2,}}(?![0-9]|[.,][0-9])         # 1 000 000
           |[0-9]+(?:[.,_'\u00a0\u2009\u202f][0-9]+)*(?:\.(?=e[+-]?[0-9]))?
           |\.[0-9]+)
         (?:e[+-]?[0-9]+|\s?[x×*·]\s?{_POWER})?))
    |(?P<times>[×·*]|(?<=[0-9])x|(?<=[0-9]\s)x(?=[a-z]+[0-9])    # 64xH100, H100x64, 64 xH100
        |(?:(?<=\s)|(?<=gb))x(?=[0-9]+(?![a-z0-9])))                      # A100-80GB x8
    |(?P<cjk>{_CJK_WORDS}|{_CJK}+)
    |(?P<word>(?<=[0-9])[dwh](?=[0-9]+(?:m|mins?|h|hrs?|d)\b)     # 1h30m
        |us\$|(?:usd|jpy|eur)(?=[0-9])
        |{_LETTER}(?:(?!(?:(?<=[0-9])|(?<=gb))x[0-9]+[dwh]?\b)(?!{_CJK})\w|(?<=[^\W\d])'(?=[a-z]))*(?:\.(?!{_CJK})\w+)*)
    |(?P<symbol>-[$€¥]|\.\.+|'s\b|.)""",
    re.VERBOSE | re.DOTALL,
)
_TIMES_TEN_TO = re.compile(r"(?:\s?[x×*·]\s?|(?<![0-9.,]))10(?:\^|\*\*|(?=[⁰¹²³⁴⁵⁶⁷⁸⁹]))")
_GROUPED = re.compile(r"[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]+)?|[0-9]+(?:_[0-9]+)*(?:\.[0-9]+)?|\.[0-9]+")
_OTHER_GROUPS = re.compile(r"[0-9]{1,3}(?:([.' \u00a0\u2009\u202f])[0-9]{3})(?:\1[0-9]{3})*(?:[.,][0-9]+)?")
_DECIMAL_COMMA = re.compile(r"[0-9]+,[0-9]+")
_EITHER = re.compile(r"[1-9][0-9]{0,2}\.[0-9]{3}")


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


_OWN_UNITS = (
    words.DURATION_UNITS.keys() | words.PERCENT | words.CURRENCY | words.TIMES | words.EPOCHS | {"gb", "g", "gib"}
)
"""After the second of two numbers with a comma or a blank between them: then they are two."""


class Token(NamedTuple):
    """One lower-case piece of a text; `kind` is number, times, word, symbol or end."""

    kind: str
    text: str
    start: int
    end: int


class Number(NamedTuple):
    """A number in decimal digits, so that units of powers of ten are exact (17.7B is 17.7e9).

    Attributes:
        plain: whether it is written in digits, without a scale such as B or million.
        either: whether the point may separate thousands: 5.000.
        choice: how digits that are not grouped in the English way were read; empty for others.
        scale: the last word of its scale, such as "b"; empty without one.
    """

    mantissa: str
    exponent: int = 0
    plain: bool = True
    either: bool = False
    choice: str = ""
    scale: str = ""

    def value(self, power: int = 0) -> float:
        """Return the number times 10**power; inf on overflow, 0 on underflow."""
        return float(f"{self.mantissa}e{self.exponent + power}")

    def times(self, other: "Number") -> "Number":
        """Return the product."""
        exponent = self.exponent + other.exponent
        product = format(Decimal(self.mantissa) * Decimal(other.mantissa), "f")
        return self._replace(mantissa=product, exponent=exponent, plain=False, choice=self.choice or other.choice)

    def plus(self, other: "Number") -> "Number":
        """Return the sum, with the scale of the other."""
        total = Decimal(self.mantissa).scaleb(self.exponent) + Decimal(other.mantissa).scaleb(other.exponent)
        return self._replace(mantissa=format(total, "f"), exponent=0, plain=False, scale=other.scale)


def tokenise(text: str) -> list[Token]:
    """Return the tokens of a normalised text, without blanks."""
    return [
        Token("word" if found.lastgroup == "cjk" else found.lastgroup or "", found.group().lower(), *found.span())
        for found in _TOKEN.finditer(text.translate(_LOWER))
        if found.lastgroup != "space"
    ]


def normal(text: str) -> str:
    """Return a text with ASCII digits, letters, dashes and blanks, character by character."""
    return text.translate(_NORMAL)


def read_digits(written: str) -> Number | None:
    """Return the number of a token; None if its separators make no number, as in 1,000,0000."""
    digits = _TIMES_TEN_TO.sub("e", written).translate(_SUPERSCRIPTS)
    body, exponent = [*digits.split("e", 1), ""][:2]
    sign = "-" * body.startswith("-")
    body = body.removeprefix("-")
    power = int(exponent or 0)
    if not body:  # 10^21
        return Number(f"{sign}1", power)
    body = body.removesuffix(".")
    if _GROUPED.fullmatch(body) and not re.fullmatch(r"0+,.*", body):
        return Number(sign + re.sub("[,_]", "", body), power, either=not exponent and bool(_EITHER.fullmatch(body)))
    if _DECIMAL_COMMA.fullmatch(body):
        english = body.replace(",", ".")
    elif _OTHER_GROUPS.fullmatch(body):
        marks = re.sub("[0-9]", "", body)
        last = marks[-1] if marks[-1] != marks[0] else ""
        whole, decimals = body.rsplit(last, 1) if last else (body, "")
        english = re.sub(r"\D", "", whole) + (f".{decimals}" if decimals else "")
    else:
        return None
    return Number(
        sign + english, power, choice=_("{text} is read as {number}").format(text=quote(body), number=english)
    )


class Reader:
    """A cursor over the tokens of one text, with its error messages."""

    def __init__(self, text: str, examples: str) -> None:
        self.examples = examples
        self.position = 0
        if len(text) > MAX_TEXT_CHARS:
            reason = f"has {len(text)} characters, more than the {MAX_TEXT_CHARS} that are read"
            raise UsageError(self._sentence(text, reason))
        self.text = normal(text)
        self.tokens = tokenise(self.text)
        if not self.tokens:
            raise UsageError(self._sentence(text, "is empty"))

    def at(self, index: int) -> Token:
        """Return the token at `index`, or an end token outside the text."""
        size = len(self.text)
        return self.tokens[index] if 0 <= index < len(self.tokens) else Token("end", "", size, size)

    def peek(self, ahead: int = 0) -> Token:
        """Return the next token, or one further on."""
        return self.at(self.position + ahead)

    def accept(self, choices: Container[str]) -> bool:
        """Move past the next token if it is one of `choices`; return whether it was."""
        token = self.peek()
        found = token.kind != "end" and token.text in choices
        self.position += found
        return found

    def glued(self, index: int) -> bool:
        """Return whether no space stands between the token at `index` and the one before."""
        return self.at(index).start == self.at(index - 1).end

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
        """Read digits or a number word with its scale; return None if neither comes next.

        Raises:
            UsageError: the digits make no number, make two, or begin a range.
        """
        start = self.position
        if self.peek().text in ("a", "an") and self._is_number(self.peek(1)):  # a 7B model
            self.position += 1
        token = self.peek()
        if token.kind == "number":
            digits = read_digits(token.text)
            self.position += 1
            if digits is None:
                raise self.refusal(start, "is not a number: thousands are groups of three digits, as in 1,000,000")
            number = digits
            self._refuse_a_blank(start)
        elif token.text in words.NUMBER_WORDS and not (token.text in ("a", "an") and self.peek(1).text == "-"):
            number = self._number_word(token.text)
        else:
            return None
        number = self._scaled(number)
        is_half = [self.peek(i).text for i in range(3)] == ["and", "a", "half"]
        if is_half and not number.scale and number.value() < MAX_WITH_A_HALF:  # two and a half weeks
            self.position += 3
            number = number.plus(Number("0.5"))
        self._refuse_a_range(number, start)
        return number

    @staticmethod
    def _is_number(token: Token) -> bool:
        return token.kind == "number" or (token.text in words.NUMBER_WORDS and token.text not in ("a", "an"))

    def _number_word(self, word: str) -> Number:
        self.position += 1
        digits = words.NUMBER_WORDS[word]
        if word == "half":
            self.accept(("a", "an"))
        elif word in words.TENS:
            hyphen = self.peek().text == "-"
            if self.peek(hyphen).text in words.ONES:  # sixty-four
                digits = str(int(digits) + int(words.NUMBER_WORDS[self.peek(hyphen).text]))
                self.position += hyphen + 1
        return Number(digits, plain=False)

    def _scaled(self, number: Number) -> Number:
        """Read the scale after a number, such as B, hundred thousand or 億."""
        scale = self.peek().text
        if not self.accept(words.SCALES):
            return number
        power = words.SCALES[scale]
        if scale in words.FIRST_SCALES and words.SCALES.get(self.peek().text, 0) > power:
            scale = self.peek().text
            power += words.SCALES[scale]
            self.position += 1
        number = number._replace(exponent=number.exponent + power, plain=False, either=False, scale=scale)
        following = self.peek()
        if scale not in words.MYRIADS or following.kind != "number" or not self.glued(self.position):
            return number
        more = read_digits(following.text)
        if more is None or not re.fullmatch("[0-9]+", more.mantissa):
            return number
        self.position += 1
        return number.plus(self._scaled(more))

    def _refuse_a_blank(self, start: int) -> None:
        """Refuse "1 500" and "1, 5", which may be one number or two."""
        token = self.at(self.position - 1)
        comma = int(self.peek().text == ",")
        following = self.peek(comma)
        if (
            re.fullmatch("-?[1-9][0-9]{0,2}", token.text)
            and not (comma and self.at(start - 1).text in words.TIMES)
            and re.fullmatch("[0-9]{1,3}" if comma else "[0-9]{3}", following.text)
            and self.peek(comma + 1 + (self.peek(comma + 1).text == "-")).text not in _OWN_UNITS
        ):
            self.position += comma + 1
            raise self.refusal(start, "is one number or two; write one without a gap, or a word between two")

    def _refuse_a_range(self, number: Number, start: int) -> None:
        """Refuse a range, or alternatives, whose first number was just read.

        Raises:
            UsageError: another number follows a dash, "to" or "or".
        """
        first = self.position
        self.accept(words.CURRENCY) or self.accept(words.PERCENT)
        joint = self.peek().text
        place = self.position + 1
        if joint not in words.RANGES:
            self.position = first
            return
        self.position += 1
        self.accept(words.CURRENCY)
        other = self.peek()
        if other.kind != "number" and (other.text not in words.NUMBER_WORDS or other.text in ("a", "an")):
            self.position = first
            return
        self.position += 1
        last = self.peek()
        scale = self.text[last.start : last.end] if self.accept(words.SCALES) else ""
        currency = self.at(start - 1).text if self.at(start - 1).text in words.CURRENCY else ""
        low = self.text[self.at(start).start : self.at(first - 1).end] + ("" if number.scale else scale)
        high = self.span(place).removeprefix(currency)
        raise self.refusal(
            start - bool(currency),
            f"is a range or a choice; ask for one at a time: {currency}{low}, then {currency}{high}",
        )

    def read_flops(self, number: Number, start: int) -> float | None:
        """Read a unit of FLOPs after `number` and return the FLOPs; None if no such unit comes next.

        Raises:
            UsageError: the unit is a rate (FLOP per second) without a time.
        """
        power, is_rate = 0, False
        unit = words.FLOPS_WORD.fullmatch(self.peek().text)
        if unit is not None:
            self.position += 1
            power, is_rate = words.SI_POWERS[unit[1]], unit[2] in ("f", "fs")
        elif not self._operations():
            return None
        flops = number.value(power)
        if self.peek().text in ("/", "per") and self.peek(1).text in words.SECOND_WORDS:
            self.position += 2
            is_rate = True
        hyphens = int(self.peek().text == "-")
        time = words.DURATION_UNITS.get(self.peek(hyphens).text)
        if time is not None:
            self.position += hyphens + 1
            return flops * (time[0] * words.SECONDS_PER_HOUR / time[1])
        if is_rate:
            hours = self.time_of_rate()
            if hours is None:
                raise self.refusal(start, "is FLOP per second, a rate; add a time, as in 100 petaflop/s-days")
            return flops * hours * words.SECONDS_PER_HOUR
        return flops

    def _operations(self) -> bool:
        """Read "floating-point operations"."""
        hyphen = self.peek(1).text == "-"
        named = [self.peek(i).text for i in (0, 1 + hyphen, 2 + hyphen)]
        found = named[:2] == ["floating", "point"] and named[2] in ("operations", "ops")
        self.position += (3 + hyphen) * found
        return found

    def time_of_rate(self) -> float | None:
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
        if self.peek().text not in words.DURATION_UNITS:
            return None
        hours = 0.0
        units: set[tuple[int, int]] = set()
        unit = words.DURATION_UNITS[self.peek().text]
        while True:
            numerator, denominator = unit
            units.add(unit)
            self.position += 1
            hours += self.positive(number.value() * numerator / denominator, start)
            following = self._next_part(units)
            if following is None:
                return self.positive(hours, start)
            number, unit = following

    def _next_part(self, units: set[tuple[int, int]]) -> tuple[Number, tuple[int, int]] | None:
        """Read the number of the next part of a duration, if its unit is not among `units`; else return None."""
        before = self.position
        while self.accept((",", "and")):
            pass
        written = self.peek()
        number = None
        if written.kind == "number":
            number = read_digits(written.text)
            self.position += number is not None
        elif written.text in words.NUMBER_WORDS:
            number = self._number_word(written.text)
        self.accept("-")
        word = self.peek().text
        # After hours, m is minutes: 1h30m.
        is_minutes = word == "m" and words.HOURS in units and self.position == before + 1 and self.glued(self.position)
        unit = words.MINUTES if is_minutes else words.DURATION_UNITS.get(word)
        if number is not None and not number.choice and unit is not None and unit not in units:
            return number, unit
        self.position = before
        return None

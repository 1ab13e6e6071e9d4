"""Names of devices in a budget: the longest known name, or a free text where no table of devices is at hand."""

import re
from typing import Protocol

from budgetscope.core.budget import vocabulary as words
from budgetscope.core.budget.tokens import Reader, Token
from budgetscope.core.errors import UsageError

MAX_DEVICE_CHARS = 60
MAX_NAME_TOKENS = 9

_MIN_LETTERS = 3
_LEN_RTX_MODEL = 4
_LONG_TIMES = tuple(word for word in words.DURATION_UNITS if len(word) > _MIN_LETTERS and word.isascii())
_BEFORE_TIMES = frozenset(("for", "over", "in"))
_LIKENESS = 0.75
"""Of a mistyped unit of time, such as "dys", to the unit."""
_MEMORY_UNITS = frozenset(("gb", "g", "gib"))

_ENDS_NAMES = frozenset(
    {
        *words.FILLERS,
        *words.TIMES,
        *words.CURRENCY,
        *words.PER,
        *words.KEYS,
        *words.NODES,
        *words.GENERIC,
        *words.MODELS,
        *words.EPOCHS,
        *words.LOSSES,
        *words.PERCENT,
        *words.PRECISION_WORDS,
        *words.NUMBER_WORDS,
        *words.SCALES,
        *words.DURATION_UNITS,
        *words.KNOWN_BUT_REFUSED,
        *("nan", "inf", "infinity", "unique", "floating"),
    }
    - set("bdkmstw")
    - words.VENDORS
)
"""Words that end a device's name. Most single letters do not: RTX 4090 D is a device."""
_AFTER_NUMBERS = frozenset(
    (*words.KEYS, *words.LOSSES, *words.PERCENT, *words.EPOCHS, *words.MODELS, *words.GENERIC, *words.SCALES)
) | {*words.DURATION_UNITS, "/", "unique"}
_PLURAL = re.compile(r"(\b[^\W\d_]+[0-9]+[A-Z]?|\bTPU|^[0-9]+)s\b")


class DeviceNames(Protocol):
    """The names of the known devices."""

    def __contains__(self, name: object) -> bool:
        """Return whether a device has that name."""

    def refusal(self, name: str) -> UsageError:
        """Return the error about a name that no device has."""


def is_word(token: Token) -> bool:
    """Return whether a token is a word or a number."""
    return token.kind in ("word", "number")


class NameReader:
    """Reads the device's name at the cursor of a reader.

    Args:
        reader: of the text.
        devices: the known names; None accepts every name.
    """

    def __init__(self, reader: Reader, devices: DeviceNames | None) -> None:
        self.reader = reader
        self.devices = devices

    def read(self, *, expected: bool) -> str | None:
        """Read a device's name; return None if none comes next.

        Args:
            expected: whether a device must follow, as after "64 x": an unknown word is then an unknown device.

        Raises:
            UsageError: the name is too long, or no device has it.
        """
        reader = self.reader
        known = self._longest_known(expected=expected)
        if known is not None:
            return known
        first = reader.position
        token = reader.peek()
        if token.kind != "word" or self._ends_name(first):
            return None
        has_digit = any(character.isdigit() for character in token.text)
        if self.devices is not None and not (expected or has_digit):
            return None
        end = first + 1
        while self.devices is None and (extended := self._extended(end)) > end:
            end = extended
        written = reader.text[token.start : reader.at(end - 1).end]
        name = _PLURAL.sub(_singular, " ".join(written.split()))
        if not (any(map(str.isdigit, name)) or len(name) >= _MIN_LETTERS):
            return None
        reader.position = end
        if len(name) > MAX_DEVICE_CHARS:
            raise reader.refusal(first, f"is longer than the {MAX_DEVICE_CHARS} characters of a device's name")
        if self.devices is not None:
            if token.text in ("rtx", "gtx") and reader.peek().kind == "number":
                reader.position += 1
                name = reader.span(first)
            from difflib import get_close_matches  # noqa: PLC0415 - only a refusal needs it

            unit = get_close_matches(name.casefold(), _LONG_TIMES, n=1, cutoff=_LIKENESS)
            if unit and first > 1 and reader.at(first - 2).text in _BEFORE_TIMES:
                raise reader.refusal(first, f"is not understood: perhaps you mean {unit[0]}")
            raise UsageError(f"{str(self.devices.refusal(name)).removesuffix('.')}; examples: {reader.examples}")
        return name

    def _longest_known(self, *, expected: bool) -> str | None:
        """Read the longest text from here on that is a known device, such as "80GB A100" or "RTX 6000 Ada"."""
        reader = self.reader
        if self.devices is None:
            return None
        first = reader.peek()
        is_memory = reader.peek(1).text in _MEMORY_UNITS
        is_name = first.kind == "word" and first.text not in ("a", "an")
        if not is_name and not (first.kind == "number" and (expected or is_memory)):
            return None
        pieces: list[str] = []
        ends: list[int] = []
        index = reader.position
        while len(pieces) < MAX_NAME_TOKENS:
            token = reader.at(index)
            if token.kind == "number" and (token.text.startswith("-") or self._follows_number(index, pieces)):
                break
            if is_word(token) and token.text not in words.TIMES:
                pieces.append(reader.text[token.start : token.end])
                ends.append(index + 1)
            elif token.text not in ("(", ")") and not (token.text == "-" and reader.glued(index)):
                break
            index += 1
        for count in range(len(pieces), 0, -1):
            name = " ".join(pieces[:count])
            if name in self.devices and not self._splits_a_quantity(ends[count - 1]):
                reader.position = ends[count - 1]
                reader.accept(())
                written = reader.text[first.start : reader.at(ends[count - 1] - 1).end]
                plain = re.sub(r"(?<!\w)-|-(?!\w)", " ", re.sub("[()]", " ", written))
                plural = " ".join(plain.split())
                singular = _PLURAL.sub(_singular, plural)
                return singular if singular in self.devices else plural
        return None

    def _follows_number(self, index: int, pieces: list[str]) -> bool:
        """Return whether the number at `index` would make one name with a number: 30 90, RTX 4-090."""
        hyphen = self.reader.at(index - 1).text == "-"
        joined = hyphen and self.reader.at(index - 2).kind == "number"
        return joined or (len(pieces) == 1 and pieces[0].isdecimal())

    def _splits_a_quantity(self, end: int) -> bool:
        """Return whether a name that ends before `end` would hold the number of "8 days" or the like."""
        reader = self.reader
        inner = range(reader.position + 1, end)
        return any(
            reader.at(i).kind == "number"
            and reader.at(i - 1).text not in ("rtx", "gtx", "pro", "-")
            and self._is_quantity(i)
            for i in inner
        )

    def _ends_name(self, index: int) -> bool:
        """Return whether the word at `index` is not part of a name: a word of the vocabulary, or a key before "="."""
        reader = self.reader
        word, following = reader.at(index).text, reader.at(index + 1)
        if words.FLOPS_WORD.fullmatch(word) or following.text in ("=", ":"):
            return True
        if word in ("my", "our") and following.text == "-" and reader.glued(index + 1) and reader.glued(index + 2):
            return False
        return word in _ENDS_NAMES

    def _extended(self, index: int) -> int:
        """Return the index after the next part of a name at `index`; `index` itself if the name ends."""
        reader = self.reader
        hyphen = reader.at(index).text == "-" and reader.glued(index) and reader.glued(index + 1)
        place = index + hyphen
        token = reader.at(place)
        if token.kind == "word":
            ends = (self._ends_name(place) and not (hyphen and token.text in words.FILLERS - words.DANGLING)) or (
                hyphen and token.text in words.DURATION_UNITS
            )
            return index if ends else place + 1
        if token.kind == "number" and token.text.isdecimal():
            return self._extended_by_number(index, place)
        return index

    def _extended_by_number(self, index: int, place: int) -> int:
        """Return the same for a number at `place`, which is `index`, or `index + 1` after a hyphen."""
        reader = self.reader
        token = reader.at(place)
        previous = reader.at(index - 1).text
        following = reader.at(place + 1)
        glued = following.kind == "word" and reader.glued(place + 1)
        if following.text == "gb":  # A100 80GB
            return place + 2
        if previous in ("rtx", "gtx") and len(token.text) == _LEN_RTX_MODEL:  # 8 RTX 4090 hours: not 4090 hours
            return place + 1 + (glued and following.text in ("d", "ti"))
        if self._is_quantity(place):
            return index
        if place > index:  # A100-80G, v5p-128
            return place + 1 + glued
        # Gaudi 3 is a name; in H100 64, 64 is not part of the name.
        return place + 1 if previous.isalpha() and not glued else index

    def is_currency(self, index: int) -> bool:
        """Return whether the token at `index` is the currency of the number before it (not in "64 $50k")."""
        text = self.reader.at(index).text
        return text in words.CURRENCY and (text not in ("$", "us$", "¥", "€") or self.reader.glued(index))

    def _is_quantity(self, index: int) -> bool:
        """Return whether the number at `index` has a unit or is followed by devices."""
        reader = self.reader
        place = index + 1 + (reader.at(index + 1).text == "-")
        word = reader.at(place).text
        return (
            word in _AFTER_NUMBERS
            or words.FLOPS_WORD.fullmatch(word) is not None
            or self.is_currency(place)
            or (word in words.TIMES and reader.at(place + 1).kind != "number")
        )


def _singular(plural: re.Match[str]) -> str:
    """Return the singular, such as H100 for H100s; L40S is not a plural."""
    return plural[0] if plural[1].lower() == "l40" else plural[1]

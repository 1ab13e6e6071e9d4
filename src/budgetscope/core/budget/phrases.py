"""The phrases of a budget: FLOPs, devices, durations, dollars, an MFU, a size or a loss.

`read_phrases` reads the phrases of a text in any order. `core.budget.parse` checks that together they are one budget. A
device's name is free text: it starts with a letter and ends before the next word of the vocabulary below.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from budgetscope.core.budget.quantities import (
    AMBIGUOUS_M,
    DURATION_UNITS,
    HOUR_WORDS,
    MULTIPLIERS,
    NUMBER_WORDS,
    Number,
    Reader,
    is_flops_word,
    quote,
)
from budgetscope.core.errors import UsageError

EXAMPLES = "1e21, 64xH100 14d, $50k on H100"
"""The examples in error messages."""

SMALLEST_BARE_FLOPS = 1e12
"""A number without a unit is read as FLOPs from here on, and is refused below."""

MAX_DEVICE_CHARS = 60
MAX_ECHOED_CHARS = 20
"""Longest number that an error message repeats in its remedy."""

MIN_LETTERS = 3
LEN_RTX_MODEL = 4

LABELS = {
    "flops": "FLOPs",
    "loss": "a loss",
    "n_params": "a model size",
    "tokens": "a number of tokens",
    "device": "a device",
    "n_devices": "a number of devices",
    "hours": "a duration",
    "device_hours": "device-hours",
    "usd": "dollars",
    "mfu": "an MFU",
    "price_usd_per_device_hour": "a price",
}
"""The quantities that a phrase can state, with their names in error messages."""

_UNITS = {
    **dict.fromkeys(("%", "percent"), ("mfu", -2)),
    **dict.fromkeys(("mfu", "utilization", "utilisation"), ("mfu", 0)),
    **dict.fromkeys(("param", "params", "parameter", "parameters"), ("n_params", 0)),
    **dict.fromkeys(("token", "tokens"), ("tokens", 0)),
    **dict.fromkeys(("loss", "nats"), ("loss", 0)),
}
"""Word after a number -> the quantity, and the unit's power of ten."""

_MFU_WORDS = ("mfu", "utilization", "utilisation")
_KEYS = {word: name for word, (name, _) in _UNITS.items() if word not in ("%", "percent", "nats")}
_KEYS |= {"flop": "flops", "flops": "flops"}
_LETTER_KEYS = {"n": "n_params", "d": "tokens", "c": "flops"}
"""Letters that are keys only before an equals sign: "14 d" is days."""

_DANGLING = frozenset(("for", "at", "on", "of", "with", "using", "and", "in", "over"))
_TIMES = frozenset(("x", "×", "*", "·"))
_GENERIC_WORDS = ("gpu", "device", "accelerator", "chip", "card")
_GENERIC = frozenset((*_GENERIC_WORDS, *(f"{word}s" for word in _GENERIC_WORDS)))
_NOISE = _DANGLING | _GENERIC | {",", ";", ".", "-", "model", "the"}
_NODES = frozenset(("node", "nodes", "host", "hosts", "server", "servers", "box", "boxes"))
_PER = frozenset(("/", "per", "a", "an"))
_CURRENCY = frozenset(("$", "usd", "dollar", "dollars"))
_ALMOST_NUMBERS = frozenset(("nan", "inf", "infinity"))
_NOT_DEVICES = _ALMOST_NUMBERS | {"eur", "euro", "euros", "gbp", "kwh", "mwh"}
_NOT_IN_NAMES = frozenset(
    {*_NOISE, *_TIMES, *_CURRENCY, *_PER, *_KEYS, *_UNITS, *_NODES, *NUMBER_WORDS, *MULTIPLIERS, *DURATION_UNITS}
    - set("bdkmstw")
)
"""Words that end a device's name. Most single letters do not: RTX 4090 D is a device."""
_AFTER_NUMBERS = frozenset((*_UNITS, *_GENERIC, *MULTIPLIERS, *DURATION_UNITS, "/"))

_PLURAL = re.compile(r"\b([^\W\d_]+[0-9]+[A-Z]?|TPU)s\b")
_NO_PRICE = "is not a price per device and hour, such as $2.50/h"


@dataclass
class Stated:
    """The quantities that one text states.

    Attributes:
        quoted: the text in quotes, on one line and shortened, for error messages.
        values: numbers by the keys of `LABELS`, in FLOPs, hours, dollars and fractions.
        device: the device's name as typed, in the singular; None without one.
        spans: the part of the text behind each value and the device.
    """

    quoted: str
    values: dict[str, float] = field(default_factory=dict)
    device: str | None = None
    spans: dict[str, str] = field(default_factory=dict)


def read_phrases(text: str, find_device: Callable[[str], object] | None = None) -> Stated:
    """Read the phrases of a text.

    Args:
        text: a budget as typed.
        find_device: raises UsageError for an unknown device; without it every name is accepted.

    Raises:
        UsageError: a part is not understood, is stated twice, or is not above zero and finite.
    """
    return _Phrases(text, find_device).read()


class _Phrases:
    """Parser of one text; each method reads one kind of phrase and returns whether there was one."""

    def __init__(self, text: str, find_device: Callable[[str], object] | None) -> None:
        self.find_device = find_device
        self.reader = Reader(text, EXAMPLES)
        self.stated = Stated(quote(" ".join(text.split())))

    def read(self) -> Stated:
        reader = self.reader
        while reader.peek().kind != "end":
            start = reader.position
            if self._keyed() or self._money() or self._quantity() or self._named_device():
                continue
            counts_time = start > 0 and reader.at(start + 1).kind == "number"  # 64 H100 x 14 days
            if not (reader.accept(_NOISE) or (counts_time and reader.accept(_TIMES))):
                reader.position += 1
                raise reader.refusal(start, "is not understood")
        if reader.tokens[-1].text in _DANGLING:
            raise reader.refusal(0, f"stops short after {reader.tokens[-1].text!r}")
        return self.stated

    def _state(self, name: str, value: float, start: int) -> None:
        stated, span = self.stated, self.reader.span(start)
        if name in stated.spans:
            raise UsageError(
                f"{stated.quoted} gives {LABELS[name]} twice, {quote(stated.spans[name])} and {quote(span)}; "
                "keep one of the two"
            )
        if name == "mfu" and value > 1:
            raise self.reader.refusal(start, "is an MFU above 100%; write 40% MFU or MFU 0.4")
        stated.values[name] = self.reader.positive(value, start)
        stated.spans[name] = span

    def _state_device(self, device: str) -> None:
        stated = self.stated
        if stated.device is not None and stated.device.casefold() != device.casefold():
            names = f"{quote(stated.device)} and {quote(device)}"
            raise UsageError(f"{stated.quoted} names two devices, {names}; keep one of the two")
        if stated.device is None:
            stated.device = stated.spans["device"] = device

    def _keyed(self) -> bool:
        """Read a name and its value: N=7B, loss 2.6, MFU of 40%."""
        reader, start = self.reader, self.reader.position
        word = reader.peek().text
        name = _KEYS.get(word)
        if name is None and reader.at(start + 1).text in ("=", ":"):
            name = _LETTER_KEYS.get(word)
        if name is None:
            return False
        reader.position += 1
        while reader.accept(("=", ":", "of")):
            pass
        number = reader.read_number()
        if number is None:
            almost = reader.accept(_ALMOST_NUMBERS)
            raise reader.refusal(start, "is not a finite number" if almost else "stops short of a number")
        flops = reader.read_flops(number, start) if name == "flops" else None
        unit, power = _UNITS.get(reader.peek().text, ("", 0))
        reader.position += unit == name
        self._state(name, number.value(power if unit == name else 0) if flops is None else flops, start)
        return True

    def _money(self) -> bool:
        """Read dollars with the currency in front: $50k, USD 50k, $2.50/h."""
        reader, start = self.reader, self.reader.position
        negative = reader.accept(("-$",))
        if not negative and not reader.accept(_CURRENCY):
            return False
        number = reader.read_number()
        if number is None:
            raise reader.refusal(start, "stops short of a number of dollars")
        if negative:
            raise reader.refusal(start, "must be above zero")
        reader.position += self._is_currency(reader.position)
        self._dollars(number, start)
        return True

    def _dollars(self, number: Number, start: int) -> None:
        """State dollars, or a price if "/h", "per GPU-hour" or "an hour" follows."""
        reader, after_amount = self.reader, self.reader.position
        joint = reader.peek().text
        if not reader.accept(_PER):
            self._state("usd", number.value(), start)
            return
        device = None if reader.accept(_GENERIC) else self._device_name()
        while reader.accept(_PER) or reader.accept(("-",)):
            pass
        if reader.accept(HOUR_WORDS):
            if reader.accept(("/", "per")) and not reader.accept(_GENERIC):
                raise reader.refusal(start, _NO_PRICE)
            self._state("price_usd_per_device_hour", number.value(), start)
            if device is not None:
                self._state_device(device)
        elif joint in ("a", "an"):  # "$50k a week" is dollars and a duration
            reader.position = after_amount
            self._state("usd", number.value(), start)
        else:
            reader.position += 1
            raise reader.refusal(start, _NO_PRICE)

    def _quantity(self) -> bool:
        """Read a number with its unit or device, or without either."""
        reader, start = self.reader, self.reader.position
        number = reader.read_number()
        if number is None:
            return False
        after_number = reader.position
        reader.accept(("-",))
        name, power = _UNITS.get(reader.peek().text, ("", 0))
        if name:
            reader.position += 1
            if name == "mfu":
                reader.accept(_MFU_WORDS)
            self._state(name, number.value(power), start)
        elif self._is_currency(reader.position):
            reader.position += 1
            self._dollars(number, start)
        elif (flops := reader.read_flops(number, start)) is not None:
            self._state("flops", flops, start)
        elif (hours := reader.read_duration(number, start)) is not None:
            self._state("hours", hours, start)
        elif not self._devices(number, start):
            reader.position = after_number
            self._bare(number, start)
        return True

    def _devices(self, number: Number, start: int) -> bool:
        """Read the devices after a number, as a count (64 x H100) or as device-hours (5000 H100-hours)."""
        reader = self.reader
        number, times = self._nodes(number, start)
        while reader.accept(_TIMES) or reader.accept(("-", "of")):
            times = True
        device = None if reader.peek().text in _GENERIC else self._device_name()
        if device is None and reader.peek().text not in _GENERIC:
            if times:
                stops_short = reader.peek().kind == "end"
                reader.position += 1
                raise reader.refusal(start, "stops short of a device" if stops_short else "is not understood")
            return False
        reader.accept(_GENERIC)
        hyphens = int(reader.peek().text == "-")
        unit = reader.at(reader.position + hyphens).text
        if unit in DURATION_UNITS and (hyphens or unit not in "dsw"):
            numerator, denominator = DURATION_UNITS[unit]
            reader.position += hyphens + 1
            self._state("device_hours", number.value() * numerator / denominator, start)
        else:
            self._state("n_devices", number.value(), start)
        if device is not None:
            self._state_device(device)
        return True

    def _nodes(self, number: Number, start: int) -> tuple[Number, bool]:
        """Read "nodes of 8" or "nodes x 8"; return the number of devices, and whether there were nodes."""
        reader = self.reader
        if not reader.accept(_NODES):
            return number, False
        while reader.accept(_TIMES) or reader.accept(("-", "of", "with")):
            pass
        each = None if reader.at(reader.position + 1).text in DURATION_UNITS else reader.read_number()
        if each is None:
            raise reader.refusal(start, "does not say how many devices a node has; write 2 nodes of 8 H100")
        return number.times(each), True

    def _named_device(self) -> bool:
        """Read a device without a number in front: on H100, H100 x 64."""
        reader, start = self.reader, self.reader.position
        device = self._device_name()
        if device is None:
            return False
        self._state_device(device)
        if reader.accept(_TIMES):
            number = reader.read_number()
            if number is None:
                raise reader.refusal(start, "stops short of a number of devices")
            self._state("n_devices", number.value(), start)
        return True

    def _bare(self, number: Number, start: int) -> None:
        """Read a number without a unit as FLOPs; refuse it below `SMALLEST_BARE_FLOPS`."""
        reader = self.reader
        value = reader.positive(number.value(), start)
        written = reader.span(start)
        last = reader.tokens[reader.position - 1].text
        following = reader.peek()
        if following.kind != "end" and following.text not in _NOT_IN_NAMES and following.kind != "number":
            reader.position += 1
            raise reader.refusal(start, "is not understood")
        if last == "m":
            raise reader.refusal(start, f"could be {AMBIGUOUS_M}")
        if not number.plain or value < SMALLEST_BARE_FLOPS:
            digits = re.search(r"\d.*", written)
            shown = digits[0] if digits and len(digits[0]) <= MAX_ECHOED_CHARS else "7"
            remedy = f"N={shown}, {shown} tokens, or FLOPs like 1e21"
            if self.stated.spans:
                mfu = f"{shown}% MFU" if value > 1 else f"MFU {shown}"
                remedy = f"{shown} days, {shown} GPUs or {mfu}"
            raise reader.refusal(start, f"has no unit; write {remedy}")
        self._state("flops", value, start)

    def _device_name(self) -> str | None:
        """Read a device's name; return None if none comes next.

        A name has a digit or at least three letters: "kg" is an unknown unit, not a device.
        """
        reader, first = self.reader, self.reader.position
        if reader.peek().kind != "word" or self._ends_name(first):
            return None
        end = first + 1
        while (extended := self._extended(end)) > end:
            end = extended
        written = reader.text[reader.at(first).start : reader.at(end - 1).end]
        name = _PLURAL.sub(_singular, " ".join(written.split()))
        has_digit = any(character.isdigit() for character in name)
        if not (has_digit or len(name) >= MIN_LETTERS) or name.lower() in _NOT_DEVICES:
            return None
        reader.position = end
        if len(name) > MAX_DEVICE_CHARS:
            raise reader.refusal(first, f"is longer than the {MAX_DEVICE_CHARS} characters of a device's name")
        if self.find_device is not None:
            try:
                self.find_device(name)
            except UsageError as error:
                raise UsageError(f"{str(error).removesuffix('.')}; examples: {EXAMPLES}") from None
        return name

    def _ends_name(self, index: int) -> bool:
        """Return whether the word at `index` is not part of a name: a word of the vocabulary, or a key before "="."""
        word = self.reader.at(index).text
        return word in _NOT_IN_NAMES or is_flops_word(word) or self.reader.at(index + 1).text in ("=", ":")

    def _extended(self, index: int) -> int:
        """Return the index after the next part of a name at `index`; `index` itself if the name ends."""
        reader = self.reader
        hyphen = reader.at(index).text == "-" and reader.glued(index) and reader.glued(index + 1)
        place = index + hyphen
        token = reader.at(place)
        if token.kind == "word":
            ends = self._ends_name(place) or (hyphen and token.text in DURATION_UNITS)
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
        if previous in ("rtx", "gtx") and len(token.text) == LEN_RTX_MODEL:  # 8 RTX 4090 hours: not 4090 hours
            return place + 1 + (glued and following.text in ("d", "ti"))
        if self._is_quantity(place):
            return index
        if place > index:  # A100-80G, v5p-128
            return place + 1 + glued
        # Gaudi 3 is a name; in H100 64, 64 is not part of the name.
        return place + 1 if previous.isalpha() and not glued else index

    def _is_currency(self, index: int) -> bool:
        """Return whether the token at `index` is the currency of the number before it (not in "64 $50k")."""
        text = self.reader.at(index).text
        return text in _CURRENCY and (text != "$" or self.reader.glued(index))

    def _is_quantity(self, index: int) -> bool:
        """Return whether the number at `index` has a unit or is followed by devices."""
        reader = self.reader
        place = index + 1 + (reader.at(index + 1).text == "-")
        word = reader.at(place).text
        return (
            word in _AFTER_NUMBERS
            or is_flops_word(word)
            or self._is_currency(place)
            or (word in _TIMES and reader.at(place + 1).kind != "number")
        )


def _singular(plural: re.Match[str]) -> str:
    """Return the singular, such as H100 for H100s; L40S is not a plural."""
    return plural[0] if plural[1].lower() == "l40" else plural[1]

"""Sentences about budgets with their meaning: an oracle for the parser, and slips of the keyboard for its refusals.

`sentence` spells a known meaning; `fault` says what the parser made wrong of it. `slip` damages a text;
`fault_of_slip` says whether the parser took part of a damaged text for nothing. Both are None for a right answer.
"""

import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Any

from budgetscope.core.budget.describe import describe
from budgetscope.core.budget.parse import Budget, HardwareBudget, parse_budget
from budgetscope.core.budget.phrases import read_phrases
from budgetscope.core.budget.tokens import normal
from budgetscope.core.errors import UsageError
from budgetscope.core.hardware.devices import DeviceNames, find_device
from budgetscope.store.devices import bundled_devices

DEVICES = bundled_devices().devices
NAMES = DeviceNames(DEVICES)

Meaning = dict[str, float | str]
Spelling = tuple[str, bool]
"""A text, and whether the parser must say how it was read."""


@dataclass(frozen=True)
class Sentence:
    """A text with what it means.

    Attributes:
        meaning: quantities by the names of the fields of a budget; the device by its id.
        says_choice: whether the text has a spelling that must be said back.
    """

    text: str
    meaning: Meaning
    says_choice: bool


def _plain(value: float) -> str:
    return repr(float(value)).removesuffix(".0")


_FULL_WIDTH = str.maketrans("0123456789.,", "０１２３４５６７８９．，")
_WORDS = {1: "one", 2: "two", 3: "three", 4: "four", 8: "eight", 12: "a dozen", 16: "sixteen", 64: "sixty-four"}


def _count(rng: random.Random, n: int) -> str:
    ways = [str(n), str(n), f"{n:,}", str(n).translate(_FULL_WIDTH)]
    if n in _WORDS:
        ways.append(_WORDS[n])
    if n % 1000 == 0:
        ways.append(f"{n // 1000}k")
    return rng.choice(ways)


def _amount(rng: random.Random, value: float) -> Spelling:
    """Spell a large number with one of its suffixes, groups or decimals."""
    ways: list[Spelling] = [(f"{value:.0f}", False), (f"{value:,.0f}", False)]
    for power, suffixes in ((3, "k K thousand"), (6, "M million"), (9, "B billion"), (12, "T trillion")):
        digits = _plain(value / 10.0**power)
        if 1 <= float(digits) < 1000 and len(digits) <= 6 and float(f"{digits}e{power}") == value:
            gap = rng.choice(["", " "])
            suffix = rng.choice(suffixes.split())
            ways += 3 * [(f"{digits}{gap}{suffix}", False)]
            if re.fullmatch(r"\d+\.\d{1,2}", digits):
                ways.append((f"{digits.replace('.', ',')}{gap}{suffix}", True))
    if value >= 1e6:
        ways.append((f"{value:,.0f}".replace(",", rng.choice(".' ")), True))
    return rng.choice([way for way in ways if len(way[0]) < 25])


def _name(rng: random.Random) -> tuple[str, str]:
    device = rng.choice(DEVICES)
    labels = [label for label in (device.name, *device.aliases) if not re.fullmatch("v[456].*|trillium", label)]
    name = rng.choice([device.id, *labels])
    return rng.choice([name, name.upper(), name]), device.id


def _machines(rng: random.Random) -> tuple[str, Meaning, bool]:
    n = rng.choice([1, 2, 3, 4, 8, 12, 16, 64, 100, 256, 1000, 1024, 4000])
    name, device_id = _name(rng)
    count = _count(rng, n)
    if rng.random() < 0.15:
        return f"{count} {rng.choice(['GPUs', 'gpus', 'accelerators'])}", {"n_devices": n}, False
    meaning: Meaning = {"n_devices": n, "device": device_id}
    numeral = name[0].isdigit()
    ways = [f"{count} {name}", f"{n}x {name}", f"{count} x {name}", f"{n} × {name}"]
    if name.isalnum():
        ways += [f"{n}x{name}", f"{n}×{name}"]
    if not numeral:
        ways += [
            f"{name} x {n}",
            f"{name} x{n}",
            f"{count} {name} GPUs",
            f"{n}台の{name}",
            f"{count} NVIDIA GPUs ({name})",
        ]
    if n % 8 == 0 and not numeral:
        ways += [f"{n // 8} nodes of 8 {name}", f"{n // 8} nodes with 8x {name} each"]
    text = rng.choice(ways)
    return text, meaning, False


def _hours(rng: random.Random) -> tuple[str, Meaning, bool]:
    n = rng.choice([1, 2, 3, 5, 14, 30, 90])
    units = [
        (1.0, ["h", " hours", " hrs", "時間"]),
        (24.0, ["d", " days", "-days", "日間"]),
        (168.0, ["w", " weeks", " wks", "週間"]),
        (720.0, [" months", "mo", "ヶ月"]),
        (1 / 60, [" min", " minutes", "分"]),
    ]
    hours, names = rng.choice(units)
    if rng.random() < 0.2:
        unit = rng.choice(["hour", "day", "week", "month"])
        return (
            f"{'an' if unit == 'hour' else 'a'} {unit}",
            {"hours": {"hour": 1, "day": 24, "week": 168, "month": 720}[unit]},
            False,
        )
    if rng.random() < 0.1:
        return f"{n},5{rng.choice(names)}", {"hours": (n + 0.5) * hours}, True
    if rng.random() < 0.1:
        return f"{n}w {n}d", {"hours": n * 192.0}, False
    return f"{n}{rng.choice(names)}", {"hours": n * hours}, False


def _money(rng: random.Random) -> tuple[str, Meaning, bool]:
    value = rng.choice([500.0, 1500.0, 20e3, 50e3, 64e3, 1.5e6, 2e6, 1.25e6, 12e6, 1e9])
    text, says = _amount(rng, value)
    ways = [f"${text}", f"US${text}", f"USD {text}", f"{text} USD", f"{text} dollars", f"{text}ドル"]
    if rng.random() < 0.1:
        return f"10% of {ways[0]}", {"usd": value / 10}, True
    if rng.random() < 0.2:
        yen = rng.choice([1e6, 5e6, 120e6])
        man = f"{yen / 1e4:.0f}万円" if yen < 1e8 else "1億2000万円"
        spelled = rng.choice([man, f"¥{yen:,.0f}", f"{yen / 1e6:.0f}M yen", f"JPY {yen:.0f}"])
        return f"{spelled} at 150 yen/$", {"usd": round(yen / 150, 2)}, True
    return rng.choice(ways), {"usd": value}, says


def _mfu(rng: random.Random) -> tuple[str, Meaning, bool]:
    percent = rng.choice([20, 35, 40, 55])
    ways = [
        f"{percent}% MFU",
        f"MFU {percent}%",
        f"at {percent}%",
        f"MFU 0.{percent}",
        f"{percent} percent utilization",
    ]
    return rng.choice([*ways, f"MFU={percent}%", f"{percent}% of peak"]), {"mfu": percent / 100}, False


def _price(rng: random.Random) -> tuple[str, Meaning, bool]:
    price = rng.choice([2.0, 2.5, 3.19])
    ways = ["${}/h", "${} per GPU-hour", "${} an hour", "${}/GPU/h", "{} USD/h", "at ${}/hr"]
    return rng.choice(ways).format(f"{price:.2f}"), {"price_usd_per_device_hour": price}, False


def _device_hours(rng: random.Random) -> tuple[str, Meaning, bool]:
    value = rng.choice([100.0, 5000.0, 50e3, 1.3e6])
    text, says = _amount(rng, value)
    name, device_id = _name(rng)
    if rng.random() < 0.5 or name[0].isdigit():
        return rng.choice([f"{text} GPU-hours", f"{text} GPU hours", f"{text} GPU時間"]), {"device_hours": value}, says
    return (
        rng.choice([f"{text} {name}-hours", f"{text} {name} hours"]),
        {"device_hours": value, "device": device_id},
        says,
    )


def _flops(rng: random.Random) -> tuple[str, Meaning, bool]:
    value = rng.choice([1e21, 3e22, 2e24])
    digit, power = f"{value:.0e}".split("e+")
    sextillions = f"{value / 1e21:.0f} sextillion FLOPs"
    ways = [
        f"{digit}e{power}",
        f"{digit}e{power} FLOPs",
        f"{digit}x10^{power} FLOPs",
        f"C={digit}e{power}",
        sextillions,
    ]
    return rng.choice(ways), {"flops": value}, False


def _size(rng: random.Random) -> tuple[str, Meaning, bool]:
    value = rng.choice([1.1e9, 7e9, 65e9, 125e6])
    text, says = _amount(rng, value)
    return (
        rng.choice([f"N={text}", f"{text} parameters", f"{text} params", f"{text}パラメータ"]),
        {"n_params": value},
        says,
    )


def _tokens(rng: random.Random) -> tuple[str, Meaning, bool]:
    value = rng.choice([22e9, 300e9, 1.4e12, 15e12])
    text, says = _amount(rng, value)
    ways = [f"D={text}", f"{text} tokens", f"{text}トークン"]
    if rng.random() < 0.1 and value == 1.4e12:
        return "1.4兆トークン", {"tokens": value}, False
    return rng.choice(ways), {"tokens": value}, says


def _run(rng: random.Random) -> tuple[str, Meaning, bool]:
    ways: list[tuple[str, Meaning, bool]] = [
        ("seq 4096", {"seq_len": 4096}, False),
        ("sequence length 2,048", {"seq_len": 2048}, False),
        ("8k context", {"seq_len": 8192}, True),
        ("in bf16", {"precision": "bf16"}, False),
        ("fp8", {"precision": "fp8"}, False),
        ("4 epochs", {"epochs": 4}, False),
        ("100B unique tokens", {"unique_tokens": 100e9}, False),
    ]
    return rng.choice(ways)


Phrase = Callable[[random.Random], tuple[str, Meaning, bool]]
_SHAPES: Sequence[tuple[Phrase, ...]] = (
    (_machines, _hours),
    (_machines, _hours, _mfu),
    (_machines, _hours, _mfu, _price),
    (_money,),
    (_money, _price),
    (_money, _hours),
    (_money, _machines),
    (_device_hours,),
    (_device_hours, _mfu),
    (_flops,),
    (_flops, _machines),
    (_flops, _mfu, _run),
    (_size,),
    (_size, _machines),
    (_tokens,),
    (_size, _tokens),
    (_size, _tokens, _machines),
    (_size, _machines, _hours),
    (_tokens, _size, _machines, _hours),
    (_machines, _hours, _run),
)
_JOINTS = (", ", " for ", " on ", " with ", " and ", ", ", "; ", " using ", ", for about ", " (total), ")
_BEFORE = (
    "",
    "",
    "",
    "I have ",
    "we've got ",
    "train on ",
    "a budget of ",
    "what can we do with ",
    "budget: ",
    "予算は",
)
_AFTER = ("", "", "", " please", ", thanks!", ".", "?", " available", "です")


def sentence(rng: random.Random) -> Sentence:
    """Return a sentence of random quantities, spellings, order and fillers."""
    phrases = [phrase(rng) for phrase in rng.choice(_SHAPES)]
    rng.shuffle(phrases)
    meaning: Meaning = {}
    text = rng.choice(_BEFORE)
    for index, (spelled, means, _) in enumerate(phrases):
        text += (rng.choice(_JOINTS) if index else "") + spelled
        meaning |= means
    return Sentence(text + rng.choice(_AFTER), meaning, any(says for *_, says in phrases))


def meaning_of(budget: Budget) -> Meaning:
    """Return the quantities of a budget by name; the device by its id."""
    parts: list[Any] = [budget, budget.fixed]
    if not isinstance(budget, HardwareBudget):
        parts.append(budget.machine)
    found: Meaning = {}
    for part in parts:
        for each in fields(part):
            value = getattr(part, each.name)
            if isinstance(value, str | float | int):
                found[each.name] = value
    if "device" in found:
        found["device"] = find_device(str(found["device"]), DEVICES).id
    return found


def _differs(one: float | str | None, other: float | str | None) -> bool:
    if isinstance(one, int | float) and isinstance(other, int | float):
        return abs(one - other) > 1e-12 * abs(one)
    return one != other


def fault(said: Sentence) -> str | None:
    """Return what the parser made wrong of a sentence; None for its meaning, or for a refusal in one line."""
    try:
        budget = parse_budget(said.text, NAMES)
    except UsageError as refused:
        return None if str(refused).isprintable() else "the refusal has control characters"
    found = meaning_of(budget)
    wrong = [name for name in said.meaning | found if _differs(said.meaning.get(name), found.get(name))]
    if wrong:
        return f"{said.text!r} means {said.meaning}, and was read as {found}"
    if said.says_choice and not budget.choices:
        return f"{said.text!r} was read without saying how"
    return _unlike_its_description(budget)


def is_refused(text: str) -> bool:
    """Return whether the parser refuses a text."""
    try:
        parse_budget(text, NAMES)
    except UsageError:
        return True
    return False


def _unlike_its_description(budget: Budget) -> str | None:
    text = describe(budget)
    try:
        again = parse_budget(text, NAMES)
    except UsageError as refused:
        return f"the description {text!r} is refused: {refused}"
    return None if again == budget else f"the description {text!r} is read as {again}, not {budget}"


_NOISE = (
    ",",
    "-",
    " - ",
    ".",
    " ",
    "%",
    " x ",
    " to ",
    " or ",
    "~",
    "/",
    " 10%",
    " 500",
    "k",
    "M",
    " please",
    " not ",
    "+",
)
_PIECE = re.compile(r"\s+|[0-9.,]+|[^\W\d]+|.", re.DOTALL)


def slip(rng: random.Random, text: str) -> str:
    """Return a text with a few pieces dropped, repeated, swapped, or noise put between two of them."""
    pieces = _PIECE.findall(text)
    for _ in range(rng.choice([1, 1, 2])):
        at = rng.randrange(len(pieces)) if pieces else 0
        kind = rng.randrange(5)
        if kind == 0 and pieces:
            pieces.pop(at)
        elif kind == 1:
            pieces.insert(at, rng.choice(_NOISE))
        elif kind == 2 and pieces:
            other = rng.randrange(len(pieces))
            pieces[at], pieces[other] = pieces[other], pieces[at]
        elif kind == 3 and pieces:
            pieces.insert(at, pieces[at])
        elif pieces and len(pieces[at]) > 1:
            cut = rng.randrange(1, len(pieces[at]))
            pieces[at] = pieces[at][:cut] + rng.choice(_NOISE) + pieces[at][cut:]
    return "".join(pieces)


_RANGE = re.compile(
    r"(?<![\w.,'\u2019])[$¥]?\d(?:[\d.,]*\d)?\s?(?:k|m|b|t|million|billion)?\s*(?:-|~|\bto\b|\bor\b)\s*[$¥]?\d(?!\d*\s?gb)",
    re.IGNORECASE,
)
_LONE_COMMA = re.compile(r"(?<![\w,.])\d{1,3},\d{1,2}(?![\d,])|(?<![\w,.])0,\d")


def fault_of_slip(text: str) -> str | None:
    """Return which part of a text the parser took for nothing; None for a right reading or a refusal in one line."""
    try:
        stated = read_phrases(text, NAMES)
        budget = parse_budget(text, NAMES)
    except UsageError as refused:
        return None if str(refused).isprintable() else "the refusal has control characters"
    # Every digit belongs to a quantity or to a device, which may be named in the phrase of a quantity, and twice.
    quantities = [span for name, span in stated.spans.items() if name != "device"]
    device = _squeezed(stated.device or "")
    text = normal(text)
    named = _squeezed(text).count(device) - sum(_squeezed(span).count(device) for span in quantities) if device else 0
    unread = _digits(text) - sum(map(_digits, quantities)) - named * _digits(device)
    if unread > 0 and "ドル" not in text and "/$" not in text and "yen/" not in text:
        return f"{text!r} has {unread} digits that belong to nothing: {stated.spans}"
    # The number of a device, such as the 5090 of "rtx 5090- 500 hours", begins no range.
    if _RANGE.search(text if stated.device is None else text.replace(stated.device, "it")):
        return f"{text!r} has a range and was read as {describe(budget)!r}"
    if _LONE_COMMA.search(text) and not budget.choices:
        return f"{text!r} was read without a word on its comma as {describe(budget)!r}"
    if "%" in text and not re.search(r"mfu|utili[sz]ation|(?<![a-z])at\b|@|\bof\b|with", text, re.IGNORECASE):
        return f"{text!r} has a percentage of nothing and was read as {describe(budget)!r}"
    return _unlike_its_description(budget)


def _digits(text: str) -> int:
    return sum(character.isdigit() for character in text)


def _squeezed(text: str) -> str:
    return re.sub(r"[\s()-]", "", text.casefold())

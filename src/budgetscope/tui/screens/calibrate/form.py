"""The form of a new calibration: its fields, how their texts are read, and the command that says the same."""

import math
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from budgetscope.calibrate.plan.design import PRESETS
from budgetscope.core.errors import UsageError

# `calibrate.request`, whose defaults the hints name, would load NumPy: a test holds the two together.


@dataclass(frozen=True, slots=True)
class Field:
    """One field.

    Attributes:
        name: of the attribute of a calibration's `Request`.
        label: what people call it.
        option: of the command line.
        read: from what a person typed to the attribute's value.
        hint: what holds while it is empty.
        suggestions: what may be typed.
    """

    name: str
    label: str
    option: str
    read: Callable[[str], Any]
    hint: str
    suggestions: tuple[str, ...] = ()


def _index(text: str) -> int:
    if not text.isdecimal():
        raise UsageError(f"{text!r} is not the index of a GPU; write it like 0.")
    return int(text)


def _minutes(text: str) -> float:
    try:
        minutes = float(text)
    except ValueError:
        minutes = 0.0
    if not 0 < minutes < math.inf:
        raise UsageError(f"{text!r} is no number of minutes; write it like 20.")
    return minutes


FIELDS = (
    Field("data", "data", "--data", str, "built-in, or a path", ("fineweb-edu-sample",)),
    Field("preset", "preset", "--preset", str, "standard", tuple(PRESETS)),
    Field("minutes", "minutes", "--minutes", _minutes, "the preset's"),
    Field("device", "device", "--device", str, "the best there is", ("cuda", "cpu", "mps")),
    Field("gpu", "GPU", "--gpu", _index, "the first"),
    Field("fit_id", "fit name", "--name", str, "mine/calibrated"),
)


def read(texts: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, str]]:
    """Return what the form says, by attribute, and what is wrong with it, by field; an empty field is unsaid."""
    wishes, problems = {}, {}
    for field in FIELDS:
        text = texts.get(field.name, "").strip()
        if not text:
            continue
        try:
            wishes[field.name] = field.read(text)
        except UsageError as error:
            problems[field.name] = str(error)
    return wishes, problems


def minutes_of(preset: str) -> str:
    """Return the minutes that a preset takes where none are said; empty for what is no preset."""
    chosen = PRESETS.get(preset.strip() or FIELDS[1].hint)
    return "" if chosen is None else f"{chosen.minutes:g}"


def command(texts: Mapping[str, str]) -> str:
    """Return the shell command that asks the same."""
    words = ["budgetscope", "calibrate"]
    for field in FIELDS:
        text = texts.get(field.name, "").strip()
        words += [field.option, text] if text else []
    return shlex.join(words)

"""The form of a new calibration: its fields and the equivalent command."""

import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from budgetscope.api.calibration import DEFAULT_FIT, PRESETS, Request, parse_gpus, split_data
from budgetscope.api.fields import DECAY, MINUTES
from budgetscope.api.form_words import in_form
from budgetscope.core.errors import UsageError
from budgetscope.core.language import N_


@dataclass(frozen=True, slots=True)
class FormField:
    """One field.

    Attributes:
        name: of an attribute of `api.calibration.Request`.
        label: on the screen; whoever shows it and the hint translates them.
        option: of the command.
        read: parser of the text.
        hint: shown while the field is empty: what then holds.
        suggestions: values that may be typed.
    """

    name: str
    label: str
    option: str
    read: Callable[[str], Any]
    hint: str
    suggestions: tuple[str, ...] = ()


FIELDS = (
    FormField("data", N_("data"), "--data", split_data, N_("built-in, or a path"), ("fineweb-edu-sample",)),
    FormField("preset", N_("preset"), "--preset", str, Request().preset, tuple(PRESETS)),
    FormField(MINUTES.name, MINUTES.label, MINUTES.option, MINUTES.parse, N_("the preset's")),
    FormField("device", N_("device"), "--device", str, N_("the best there is"), ("cuda", "cpu", "mps")),
    FormField("gpus", N_("GPUs"), "--gpu", parse_gpus, N_("the first"), ("all",)),
    FormField("tokenizer", N_("tokenizer"), "--tokenizer", str, N_("bpe, on a CPU bytes"), ("bpe", "bytes")),
    FormField(DECAY.name, DECAY.label, DECAY.option, DECAY.parse, N_("none")),
    FormField("fit_id", N_("fit name"), "--name", str, DEFAULT_FIT),
)


def read(texts: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the values by attribute, and the problems by field; empty fields are left out."""
    wishes, problems = {}, {}
    for field in FIELDS:
        text = texts.get(field.name, "").strip()
        if not text:
            continue
        try:
            wishes[field.name] = field.read(text)
        except UsageError as error:
            problems[field.name] = in_form(str(error), FIELDS, own=field.option)
    return wishes, problems


def minutes_of(preset: str) -> str:
    """Return the minutes that a preset takes by default; empty for an unknown preset."""
    chosen = PRESETS.get(preset.strip() or FIELDS[1].hint)
    return "" if chosen is None else f"{chosen.minutes:g}"


def command(texts: Mapping[str, str]) -> str:
    """Return the shell command of the form."""
    words = ["budgetscope", "calibrate"]
    for field in FIELDS:
        text = texts.get(field.name, "").strip()
        values = split_data(text) if field.name == "data" else (text,)
        words += [word for value in values if value for word in (field.option, value)]
    return shlex.join(words)

"""A pseudo-language that marks what the catalogue would translate, so that a text without a mark is found."""

import re
from collections.abc import Iterator

from tests.asking import ADVISOR

from budgetscope.core.language import Language
from budgetscope.core.laws.fit import ROLES
from budgetscope.report.markdown import escaped
from budgetscope.store.scoreboard import bundled_scoreboard

_PLACEHOLDER = re.compile(r"(\{\w+[^{}]*\})")
_MARKED = re.compile(r"⟦[^⟦⟧]*⟧")
_COMMAND = re.compile(r"(`[^`]*`|```sh.*?```|budgetscope [^\n]*|--[a-z-]+|https?://\S+|\$[A-Z]+)", re.DOTALL)
_ID = re.compile(r"\b[a-z0-9.-]+/[a-z0-9.-]+\b")
_NUMBER = re.compile(
    r"[\d.,]+ ?(?:[kMGT]?Wh|[KMBT]|kg|k?t|GB|h|min|days?|years?|%)?(?![a-zA-Z])|[\d.]e\d+|\bC/\d+|\bx\d"
)
_WORD = re.compile(r"[^\W\d_]{2,}")

ALLOWED = {
    # Quantities, units, and names that no language translates.
    "FLOP", "FLOPs", "TFLOP", "MFU", "PUE", "GPU", "GB", "CO", "CSV", "JSON", "Adam", "AdamW", "beta", "PyTorch",
    "nats", "token", "bits", "byte", "bf", "fp", "DDP", "FSDP", "ZeRO", "Megatron", "IsoFLOP", "warmup", "stable",
    "decay", "RefinedWeb", "OpenWebText", "ECB", "AWS", "GCP", "Azure", "Lambda", "RunPod", "SkyPilot",
    "llm", "foundry", "LM", "Llama", "torchtitan", "Step", "Law",
    # Conventions of counting are ids.
    "porian", "kaplan", "standard", "non", "embedding", "attention", "total", "deepseek", "exact", *ROLES,
}  # fmt: skip
"""Words that may stand outside of the marks, whatever the page."""


def _marked(text: str) -> str:
    parts = _PLACEHOLDER.split(text)
    return "".join(part if at % 2 or not part.strip() else f"⟦{part}⟧" for at, part in enumerate(parts))


PSEUDO = Language("qq", _marked, lambda singular, plural, n: _marked(singular if n == 1 else plural))
"""Puts marks about every text of the catalogue, and none about what stands in its placeholders."""


_CYRILLIC = str.maketrans(
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", "абвгдежзийклмнопрстуфхцчшщАБВГДЕЖЗИЙКЛМНОПРСТУФХЦЧШЩ"
)


def _in_other_letters(text: str) -> str:
    parts = _PLACEHOLDER.split(text)
    return "".join(part if at % 2 else part.translate(_CYRILLIC) for at, part in enumerate(parts))


OTHER_LETTERS = Language(
    "qx", _in_other_letters, lambda singular, plural, n: _in_other_letters(singular if n == 1 else plural)
)
"""Writes every text of the catalogue in letters that no English text has, so that it is known where it is cut too."""


def stored() -> Iterator[str]:
    """Return the names and texts of stored fits and devices, which are data."""
    for fit in ADVISOR.fits:
        yield from (fit.title, fit.citation, *(law.note for law in fit.laws.values()))
    for device in ADVISOR.all_devices:
        yield from (device.name, device.id, device.spec_source or "", device.price_source or "")
    for grid in bundled_scoreboard().grids:
        yield from (grid.title, grid.citation)


def untranslated(text: str, *data: str) -> list[str]:
    """Return the words of a text that has no mark, are no number, command or id, and are not allowed.

    Args:
        text: in the pseudo-language.
        data: texts in it that nobody translates.
    """
    for known in sorted({*stored(), *data} - {""}, key=len, reverse=True):
        for each in (escaped(known), known):
            text = text.replace(each, " ")
    for pattern in (_MARKED, _COMMAND, _ID, _NUMBER):
        text = pattern.sub(" ", text)
    return sorted(set(_WORD.findall(text)) - ALLOWED)

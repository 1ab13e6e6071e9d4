"""Titles of laws for narrow columns: what many titles have in common goes, what tells them apart stays."""

import re
from collections.abc import Callable

from budgetscope.report.words import cut
from budgetscope.report.words import width as cells


def fitted(title: str, width: int) -> str:
    """Return a title in at most `width` cells, shortened by whole words where it can be.

    Args:
        title: parts with commas between them, from the general to the particular.
        width: in cells.
    """
    text = title
    for shorten in _STEPS:
        if cells(text) <= width:
            return text
        text = shorten(text)
    return text if cells(text) <= width else _without_middle(text, width)


def _without_years(text: str) -> str:
    return re.sub(r"(?<=\w) (?:19|20)\d\d\b", "", text)


def _without_remark(text: str) -> str:
    """Return a title whose first part is one word where it had a colon."""
    return re.sub(r"^(\w+)[^,:]*:[^,]*,", r"\1,", text)


def _without_first(text: str) -> str:
    """Return the last parts of a title of three parts or more: the first is common to many."""
    return text.split(", ", maxsplit=1)[1] if text.count(", ") > 1 else text


def _with_initials(text: str) -> str:
    """Return a title with names such as OpenWebText2 as OWT2."""
    names = r"\b[A-Z][a-z]+(?:[A-Z][a-z]*)+\d*\b"
    return re.sub(names, lambda name: re.sub("[a-z]", "", name.group()), text)


def _without_plain_words(text: str) -> str:
    return re.sub(r"(?<= )(?:the|an?|as) | parameters$", "", text)


def _with_abbreviations(text: str) -> str:
    """Return a title with long parts of one word in the middle as three letters."""
    return re.sub(r"(?<=, )([a-z]{3})[a-z]{3,}(?=, )", r"\1.", text)


_STEPS: tuple[Callable[[str], str], ...] = (
    _without_years, _without_remark, _without_first, _with_initials, _without_plain_words, _with_abbreviations,
)  # fmt: skip
"""From what is least missed to what is most."""


def _without_middle(text: str, width: int) -> str:
    """Return the first words and the last one, else the first words, else what fits of the first."""
    words = re.split(r" (?![A-Z]\b)", text)  # A unit stays with its number.
    for end in (f"… {words[-1]}", "…"):
        for count in range(len(words) - 1, 0, -1):
            short = " ".join(words[:count]).rstrip(",") + end
            if cells(short) <= width:
                return short
    return f"{cut(text, width - 1)}…" if width > 1 else cut(text, width)

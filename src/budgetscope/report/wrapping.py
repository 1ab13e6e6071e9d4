"""Lines of a text for a terminal: Japanese is written without spaces, at which others break."""

import re
import textwrap
from collections.abc import Iterator
from itertools import pairwise

from budgetscope.core.language import JAPANESE, code
from budgetscope.report.words import width

_PIECE = re.compile(r"[!-~]+|\s+|.", re.DOTALL)
_NEVER_FIRST = frozenset("、。，．・：；！？）」』】〕〉》ー～々％ァィゥェォッャュョぁぃぅぇぉっゃゅょ")
_NEVER_LAST = frozenset("（「『【〔〈《")
_AFTER_A_NUMBER = frozenset("万億兆円日年分時基回倍層")


def wrapped(text: str, columns: int, indent: str = "") -> list[str]:
    """Return the lines of a text as its language breaks them.

    Args:
        text: one paragraph.
        columns: of the terminal.
        indent: before every line but the first.
    """
    if code() != JAPANESE:
        return textwrap.wrap(text, columns, subsequent_indent=indent)
    first = breaks(text, columns)[:1]
    if not first:
        return [text] if text else []
    places = [0, *breaks(text[first[0] :], columns - width(indent)), len(text) - first[0]]
    rest = text[first[0] :]
    return [text[: first[0]].rstrip(), *(indent + rest[start:end].rstrip() for start, end in pairwise(places))]


def breaks(text: str, columns: int) -> list[int]:
    """Return the places at which lines of a text begin, but for the first.

    Args:
        text: one line.
        columns: of the terminal; a word that is longer is cut.
    """
    places, at, used = [], 0, 0
    for unit in _units(text):
        taken = width(unit.rstrip())
        if used and used + taken > columns:
            places.append(at)
            used = 0
        if taken <= columns:
            used += width(unit)
        else:
            for offset, character in enumerate(unit):
                if used + width(character) > columns:
                    places.append(at + offset)
                    used = 0
                used += width(character)
        at += len(unit)
    return places


def _units(text: str) -> Iterator[str]:
    """Yield what stays on one line: a word or a character with the marks and spaces that hang on it."""
    unit = ""
    for piece in _PIECE.findall(text):
        hangs = piece.isspace() or piece in _NEVER_FIRST or (unit[-1:].isdigit() and piece in _AFTER_A_NUMBER)
        if unit and not hangs and unit[-1] not in _NEVER_LAST:
            yield unit
            unit = ""
        unit += piece
    if unit:
        yield unit

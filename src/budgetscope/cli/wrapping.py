"""Lines of Japanese for a terminal: it is written without spaces, at which Rich alone would break."""

import re
from collections.abc import Iterator
from typing import Any

from rich.cells import cell_len
from rich.console import Console
from rich.containers import Lines
from rich.text import Text

_PIECE = re.compile(r"[!-~]+|\s+|.", re.DOTALL)
_NEVER_FIRST = frozenset("、。，．・：；！？）」』】〕〉》ー～々％ァィゥェォッャュョぁぃぅぇぉっゃゅょ")
_NEVER_LAST = frozenset("（「『【〔〈《")
_AFTER_A_NUMBER = frozenset("万億兆円日年分時基回倍層")


class JapaneseText(Text):
    """A text whose lines break between any two characters of Japanese, but not within a word or number of ASCII."""

    def wrap(self, console: Console, width: int, *, no_wrap: bool | None = None, **options: Any) -> Lines:
        """Return the lines of the text; see `rich.text.Text.wrap`."""
        if no_wrap or self.no_wrap or options.get("overflow") == "ignore":
            return super().wrap(console, width, no_wrap=no_wrap, **options)
        lines = Lines()
        for line in self.split(allow_blank=True):
            found = line.divide(breaks(line.plain, width))
            for each in found:
                each.rstrip()
            lines.extend(found)
        return lines


def japanese(text: Text) -> JapaneseText:
    """Return a text that breaks as Japanese does."""
    return JapaneseText(text.plain, style=text.style, spans=list(text.spans))


def breaks(text: str, width: int) -> list[int]:
    """Return the places at which lines of a text begin, but for the first.

    Args:
        text: one line.
        width: of the terminal, in columns; a word that is longer is cut.
    """
    places, at, used = [], 0, 0
    for unit in _units(text):
        columns = cell_len(unit.rstrip())
        if used and used + columns > width:
            places.append(at)
            used = 0
        if columns <= width:
            used += cell_len(unit)
        else:
            for offset, character in enumerate(unit):
                if used + cell_len(character) > width:
                    places.append(at + offset)
                    used = 0
                used += cell_len(character)
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

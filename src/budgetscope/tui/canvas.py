"""A drawing of braille dots and text: two dots across and four down in every character cell.

It knows nothing of the terminal: what it gives back is rows of runs, each a text with a role, and whoever
shows them gives every role a colour.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

DOTS_ACROSS, DOTS_DOWN = 2, 4
_BRAILLE = 0x2800
# Bit of each dot in a braille character: [row][column].
_BITS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))

Dot = tuple[float, float]
"""Dots from the left and from the top."""


class Run(NamedTuple):
    """Neighbouring characters of one role."""

    text: str
    role: str


class Canvas:
    """Cells of `width` by `height` characters; whatever lies outside is clipped."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self._dots = [[0] * width for _ in range(height)]
        self._roles = [[""] * width for _ in range(height)]
        self._texts: list[list[str]] = [[""] * width for _ in range(height)]

    @property
    def dots_across(self) -> int:
        """Width in dots."""
        return self.width * DOTS_ACROSS

    @property
    def dots_down(self) -> int:
        """Height in dots."""
        return self.height * DOTS_DOWN

    def dot(self, x: int, y: int, role: str) -> None:
        """Set one dot; its cell takes the role."""
        if 0 <= x < self.dots_across and 0 <= y < self.dots_down:
            column, row = x // DOTS_ACROSS, y // DOTS_DOWN
            self._dots[row][column] |= _BITS[y % DOTS_DOWN][x % DOTS_ACROSS]
            self._roles[row][column] = role

    def line(self, points: Sequence[Dot], role: str, dash: tuple[int, int] = (1, 0)) -> None:
        """Draw straight pieces through points, `dash` dots on and off in turn."""
        on, period = dash[0], sum(dash)
        drawn = 0
        for (x0, y0), (x1, y1) in pairwise(points):
            steps = max(1, round(max(abs(x1 - x0), abs(y1 - y0))))
            for step in range(steps):
                if drawn % period < on:
                    share = step / steps
                    self.dot(round(x0 + share * (x1 - x0)), round(y0 + share * (y1 - y0)), role)
                drawn += 1

    def shade(self, lower: Sequence[Dot], upper: Sequence[Dot], role: str) -> None:
        """Fill between two lines over the same, growing x with every other dot."""
        for ((x0, low0), (x1, low1)), ((_, high0), (_, high1)) in zip(pairwise(lower), pairwise(upper), strict=True):
            for x in range(max(0, round(x0)), min(self.dots_across, round(x1))):
                share = (x - x0) / (x1 - x0)
                top, bottom = high0 + share * (high1 - high0), low0 + share * (low1 - low0)
                for y in range(max(0, round(top)), min(self.dots_down, round(bottom) + 1)):
                    if (x + y) % 2 == 0:
                        self.dot(x, y, role)

    def text(self, column: int, row: int, text: str, role: str) -> None:
        """Write over whatever is there, one character a cell."""
        if 0 <= row < self.height:
            for offset, character in enumerate(text):
                if 0 <= column + offset < self.width:
                    self._texts[row][column + offset] = character
                    self._roles[row][column + offset] = role

    def rows(self) -> list[tuple[Run, ...]]:
        """Return every row from the top, as runs that add up to the width."""
        return [self._row(row) for row in range(self.height)]

    def _row(self, row: int) -> tuple[Run, ...]:
        runs: list[Run] = []
        texts, dots, roles = self._texts[row], self._dots[row], self._roles[row]
        start = 0
        characters = [text or (chr(_BRAILLE + bits) if bits else " ") for text, bits in zip(texts, dots, strict=True)]
        for column in range(1, self.width + 1):
            if column == self.width or roles[column] != roles[start]:
                runs.append(Run("".join(characters[start:column]), roles[start]))
                start = column
        return tuple(runs)

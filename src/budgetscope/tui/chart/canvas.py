"""A drawing of braille dots and text: two dots across and four down in every character cell.

It knows no colours: its rows are runs of text, each with a role, and the widget gives every role a style.
"""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from budgetscope.tui.chart.cells import SECOND_HALF, in_cells, whole

DOTS_ACROSS, DOTS_DOWN = 2, 4
_BRAILLE = 0x2800
# Bit of each dot in a braille character: [row][column].
_BITS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))

Dot = tuple[float, float]
"""Position in dots from the left and from the top."""


class TextRun(NamedTuple):
    """Neighbouring characters of one role."""

    text: str
    role: str


class Canvas:
    """Cells of `width` by `height` characters; what is drawn outside is clipped."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self._dots = [[0] * width for _ in range(height)]
        self._roles = [[""] * width for _ in range(height)]
        self._texts: list[list[str]] = [[""] * width for _ in range(height)]
        self._ground: list[Sequence[str]] = [" " * width] * height

    def copy(self) -> "Canvas":
        """Return another canvas with the same content."""
        new = Canvas(self.width, self.height)
        new._dots = [list(row) for row in self._dots]
        new._roles = [list(row) for row in self._roles]
        new._texts = [list(row) for row in self._texts]
        new._ground = list(self._ground)
        return new

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
        """Draw straight pieces through points, `dash` dots on and off; a point that is not finite makes a gap."""
        on, period = dash[0], sum(dash)
        drawn = 0
        for start, end in pairwise(points):
            clipped = self._clipped(start, end)
            if clipped is None:
                continue
            (x0, y0), (x1, y1) = clipped
            steps = max(1, round(max(abs(x1 - x0), abs(y1 - y0))))
            for step in range(steps + 1):
                if (drawn + step) % period < on:
                    share = step / steps
                    self.dot(round(x0 + share * (x1 - x0)), round(y0 + share * (y1 - y0)), role)
            drawn += steps

    def _clipped(self, start: Dot, end: Dot) -> tuple[Dot, Dot] | None:
        """Return the part of a straight piece that is inside the canvas; None if there is none."""
        if not all(map(math.isfinite, (*start, *end))):
            return None
        first, last = 0.0, 1.0
        for origin, target, most in zip(start, end, (self.dots_across - 1, self.dots_down - 1), strict=True):
            # Half a dot beyond the edge still rounds into it.
            low, high, change = -0.5, most + 0.5, target - origin
            if change == 0:
                if not low <= origin <= high:
                    return None
                continue
            enter, leave = sorted(((low - origin) / change, (high - origin) / change))
            first, last = max(first, enter), min(last, leave)
        if first > last:
            return None
        (x0, y0), (x1, y1) = start, end
        return (
            (x0 + first * (x1 - x0), y0 + first * (y1 - y0)),
            (x0 + last * (x1 - x0), y0 + last * (y1 - y0)),
        )

    def ground(self, row: int, characters: Sequence[str], roles: Sequence[str]) -> None:
        """Set a row of characters below everything that is drawn later."""
        self._ground[row] = characters
        self._roles[row] = list(roles)

    def shade(self, lower: Sequence[Dot], upper: Sequence[Dot], role: str, every: int = 2) -> None:
        """Fill between two lines over the same growing x, with one dot in `every`."""
        for ((x0, low0), (x1, low1)), ((_, high0), (_, high1)) in zip(pairwise(lower), pairwise(upper), strict=True):
            if not all(map(math.isfinite, (x0, x1, low0, low1, high0, high1))):
                continue
            for x in range(max(0, round(x0)), min(self.dots_across, round(x1))):
                share = (x - x0) / (x1 - x0)
                top, bottom = high0 + share * (high1 - high0), low0 + share * (low1 - low0)
                first, last = max(0, round(top)), min(self.dots_down, round(bottom) + 1)
                for y in range(first + (-first - x) % every, last, every):
                    self.dot(x, y, role)

    def text(self, column: int, row: int, text: str, role: str) -> None:
        """Write drawable text over whatever is there; of a wide character whose other half is covered stays a space."""
        if 0 <= row < self.height:
            for offset, cell in enumerate(in_cells(text)):
                if 0 <= column + offset < self.width:
                    self._texts[row][column + offset] = cell
                    self._roles[row][column + offset] = role

    def is_written(self, column: int, row: int, length: int) -> bool:
        """Return whether some cells of a row hold text, or reach outside the canvas."""
        if not (0 <= row < self.height and column >= 0 and column + length <= self.width):
            return True
        return any(self._texts[row][column : column + length])

    def ink(self, column: int, row: int, width: int, height: int) -> int:
        """Return how many cells of a rectangle are not empty."""
        return sum(
            bool(text or dots)
            for y in range(row, row + height)
            for text, dots in zip(
                self._texts[y][column : column + width], self._dots[y][column : column + width], strict=True
            )
        )

    def rows(self) -> list[tuple[TextRun, ...]]:
        """Return every row from the top, as runs that add up to the width."""
        return [self._row(row) for row in range(self.height)]

    def _row(self, row: int) -> tuple[TextRun, ...]:
        runs: list[TextRun] = []
        texts, dots, roles = whole(self._texts[row]), self._dots[row], self._roles[row]
        start = 0
        characters = [
            text or (chr(_BRAILLE + bits) if bits else ground)
            for text, bits, ground in zip(texts, dots, self._ground[row], strict=True)
        ]
        for column in range(1, self.width + 1):
            if column == self.width or roles[column] != roles[start]:
                text = "".join(characters[start:column]).replace(SECOND_HALF, "")
                runs.append(TextRun(text, roles[start]))
                start = column
        return tuple(runs)

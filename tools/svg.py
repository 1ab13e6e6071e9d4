"""Write SVG charts without a plotting library."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from html import escape

MAX_BYTES = 60_000
INK, GREY = "#222222", "#6b6b6b"
_GRID, _PAPER = "#d9d9d9", "#fbfbf9"


@dataclass(frozen=True)
class Axis:
    """Maps values to pixels: `low` to `high` are at `start` to `end`; logarithmic if `log`."""

    low: float
    high: float
    start: float
    end: float
    log: bool = True

    def at(self, value: float) -> float:
        """Return the pixel of a value."""
        if self.log:
            share = math.log(value / self.low) / math.log(self.high / self.low)
        else:
            share = (value - self.low) / (self.high - self.low)
        return self.start + share * (self.end - self.start)

    def decades(self) -> list[tuple[float, bool]]:
        """Return the ticks of a log axis and whether each begins a decade."""
        exponents = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
        ticks = [(m * 10.0**e, m == 1) for e in exponents for m in range(1, 10)]
        return [(value, major) for value, major in ticks if self.low <= value <= self.high]


@dataclass
class Chart:
    """An SVG image built part by part; its own background makes it legible on light and dark pages."""

    width: int
    height: int
    title: str
    parts: list[str] = field(default_factory=list)

    def line(self, points: Iterable[tuple[float, float]], colour: str, width: float = 1.5, dash: str = "") -> None:
        """Draw a line through pixels."""
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        dashes = f' stroke-dasharray="{dash}"' if dash else ""
        self.parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="{width}"{dashes}/>')

    def area(self, points: Iterable[tuple[float, float]], colour: str) -> None:
        """Fill a polygon."""
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        self.parts.append(f'<polygon points="{path}" fill="{colour}" fill-opacity="0.18"/>')

    def dot(self, x: float, y: float, colour: str, radius: float = 2.2, *, hollow: bool = False) -> None:
        """Draw a dot or a ring."""
        look = f'fill="{_PAPER}" stroke="{colour}" stroke-width="2"' if hollow else f'fill="{colour}"'
        self.parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius}" {look}/>')

    def box(self, x: float, y: float, width: float, height: float, colour: str) -> None:
        """Fill a rectangle."""
        self.parts.append(f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" fill="{colour}"/>')

    def text(self, x: float, y: float, text: str, *, colour: str = INK, anchor: str = "start", size: int = 12) -> None:
        """Write a text."""
        place = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}" fill="{colour}"'
        self.parts.append(f"<text {place}>{escape(text)}</text>")

    def frame(self, x: Axis, y: Axis, x_name: str, y_name: str, y_ticks: Sequence[float] = ()) -> None:
        """Draw both axes: decades and their minor ticks on a log axis, `y_ticks` on a linear one."""
        for value, major in x.decades():
            self.line([(x.at(value), y.start), (x.at(value), y.end)], _GRID, 1.2 if major else 0.5)
            if major or str(value)[0] in "25":
                self.text(x.at(value), y.start + 17, f"{value:.0e}".replace("e+", "e"), anchor="middle", size=11)
        ticks = [(value, True) for value in y_ticks] if y_ticks else y.decades()
        for value, major in ticks:
            self.line([(x.start, y.at(value)), (x.end, y.at(value))], _GRID, 1.2 if major else 0.5)
            if major or str(value)[0] in "25":
                label = f"{value:g}" if y_ticks else f"{value:.0e}".replace("e+", "e")
                self.text(x.start - 7, y.at(value) + 4, label, anchor="end", size=11)
        self.text((x.start + x.end) / 2, y.start + 37, x_name, anchor="middle")
        self.text(x.start - 45, y.end - 12, y_name)

    def svg(self) -> str:
        """Return the image.

        Raises:
            ValueError: it is larger than a page should load.
        """
        head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {self.width} {self.height}" '
            f'font-family="Helvetica, Arial, sans-serif" role="img">\n<title>{escape(self.title)}</title>\n'
            f'<rect width="{self.width}" height="{self.height}" rx="6" fill="{_PAPER}"/>\n'
        )
        text = head + "\n".join(self.parts) + "\n</svg>\n"
        if len(text) > MAX_BYTES:
            raise ValueError(f"{self.title}: {len(text)} bytes")
        return text

"""Logarithmic axes: where a value stands, and which decades to label."""

import math
from dataclasses import dataclass

_MINOR = (2, 3, 4, 5, 6, 7, 8, 9)


@dataclass(frozen=True, slots=True)
class LogScale:
    """A logarithmic axis from `low` to `high`, both above zero, `low` below `high`."""

    low: float
    high: float

    def __post_init__(self) -> None:
        if not 0 < self.low < self.high < math.inf:
            raise ValueError(f"no logarithmic axis runs from {self.low} to {self.high}")

    @classmethod
    def decades_around(cls, low: float, high: float) -> "LogScale":
        """Return the shortest axis of whole decades that holds `low` and `high`."""
        first, last = math.floor(math.log10(low) + 1e-9), math.ceil(math.log10(high) - 1e-9)
        return cls(10.0**first, 10.0 ** max(last, first + 1))

    @property
    def span_decades(self) -> float:
        """Length in decades."""
        return math.log10(self.high / self.low)

    def fraction(self, value: float) -> float:
        """Return where a value stands: 0 at the low end, 1 at the high end, beyond them outside."""
        return math.log(value / self.low) / math.log(self.high / self.low)

    def value(self, fraction: float) -> float:
        """Return the value at a fraction of the axis; the inverse of `fraction`."""
        return self.low * math.exp(fraction * math.log(self.high / self.low))

    def exponents(self) -> tuple[int, ...]:
        """Return the exponents of all decades on the axis, ends included."""
        first, last = math.ceil(math.log10(self.low) - 1e-9), math.floor(math.log10(self.high) + 1e-9)
        return tuple(range(first, last + 1))

    def labelled(self, room: int) -> tuple[int, ...]:
        """Return the exponents to label: every, every 2nd, 3rd, 6th or 12th, as soon as at most `room` remain.

        Multiples of the step are taken, so that labels stay where they are when the axis grows.
        """
        for step in (1, 2, 3, 6, 12):
            chosen = tuple(exponent for exponent in self.exponents() if exponent % step == 0)
            if len(chosen) <= max(room, 1):
                return chosen
        return chosen[:1]

    def minor(self) -> tuple[float, ...]:
        """Return 2 to 9 times every decade, where on the axis."""
        exponents = self.exponents()
        first = exponents[0] - 1 if exponents else math.floor(math.log10(self.low))
        values = (m * 10.0**e for e in range(first, first + len(exponents) + 1) for m in _MINOR)
        return tuple(value for value in values if self.low <= value <= self.high)

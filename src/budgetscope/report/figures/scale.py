"""Scales of the axes, logarithmic or linear: the position of a value, and the ticks."""

import math
from dataclasses import dataclass
from typing import Protocol

_MINOR = (2, 3, 4, 5, 6, 7, 8, 9)
_FEW_DECADES = 3
_DECADE_STEPS = (1, 2, 3, 6, 12)
_NICE = (1.0, 2.0, 5.0, 10.0)
_ROUNDING = 1e-9


class Scale(Protocol):
    """What an axis needs to know of its scale."""

    @property
    def low(self) -> float:
        """The value at the left or lower end."""

    @property
    def high(self) -> float:
        """The value at the other end."""

    def fraction(self, value: float) -> float:
        """Return the position of a value: 0 at the low end, 1 at the high end."""

    def value(self, fraction: float) -> float:
        """Return the value at a position; the inverse of `fraction`."""

    def major(self) -> tuple[float, ...]:
        """Return the values of the long ticks."""

    def minor(self) -> tuple[float, ...]:
        """Return the values of the short ticks between them."""

    def labelled(self, room: int) -> tuple[float, ...]:
        """Return the values to label: at most `room` of the long ticks, at least one if there is one."""


@dataclass(frozen=True, slots=True)
class LogScale:
    """A logarithmic scale from `low` to `high`, 0 < low < high."""

    low: float
    high: float

    def __post_init__(self) -> None:
        if not 0 < self.low < self.high < math.inf:
            raise ValueError(f"no logarithmic axis runs from {self.low} to {self.high}")

    @classmethod
    def decades_around(cls, low: float, high: float) -> "LogScale":
        """Return the shortest scale of whole decades from at most `low` to at least `high`."""
        first, last = math.floor(math.log10(low) + _ROUNDING), math.ceil(math.log10(high) - _ROUNDING)
        return cls(10.0**first, 10.0 ** max(last, first + 1))

    @property
    def span_decades(self) -> float:
        """Length in decades."""
        return math.log10(self.high / self.low)

    def fraction(self, value: float) -> float:
        """Return the position of a value; minus infinity for one without a logarithm."""
        if value <= 0:
            return -math.inf
        return math.log(value / self.low) / math.log(self.high / self.low)

    def value(self, fraction: float) -> float:
        """Return the value at a position; the inverse of `fraction`."""
        return self.low * math.exp(fraction * math.log(self.high / self.low))

    def major(self) -> tuple[float, ...]:
        """Return the powers of ten from end to end; where there are fewer than two, other values too."""
        decades = tuple(10.0**exponent for exponent in self._exponents())
        if len(decades) > 1:
            return decades
        within = sorted({*decades, *self._multiples((2, 5))})
        return tuple(within) if len(within) > 1 else LinearScale(self.low, self.high).major()

    def labelled(self, room: int) -> tuple[float, ...]:
        """Return the decades to label: all, every 2nd, 3rd, 6th or 12th, so that there are at most `room`.

        Exponents are multiples of the step, so that labels stay in place when the scale grows.
        """
        room = max(room, 1)
        exponents = self._exponents()
        if len(exponents) < 2:
            return _thinned(self.major(), room)
        if len(exponents) <= _FEW_DECADES and len(finer := self._multiples((1, 2, 5))) <= room:
            return tuple(finer)
        for step in _DECADE_STEPS:
            chosen = tuple(10.0**exponent for exponent in exponents if exponent % step == 0)
            if len(chosen) <= room:
                return chosen or (10.0 ** exponents[0],)
        return chosen[:1]

    def minor(self) -> tuple[float, ...]:
        """Return 2 to 9 times every power of ten, as far as they are on the scale."""
        return tuple(self._multiples(_MINOR))

    def _exponents(self) -> tuple[int, ...]:
        first, last = math.ceil(math.log10(self.low) - _ROUNDING), math.floor(math.log10(self.high) + _ROUNDING)
        return tuple(range(first, last + 1))

    def _multiples(self, factors: tuple[int, ...]) -> list[float]:
        first, last = math.floor(math.log10(self.low)), math.floor(math.log10(self.high))
        values = (factor * 10.0**exponent for exponent in range(first, last + 1) for factor in factors)
        return [value for value in values if self.low <= value <= self.high]


@dataclass(frozen=True, slots=True)
class LinearScale:
    """A linear scale from `low` to `high`, low < high."""

    low: float
    high: float

    def __post_init__(self) -> None:
        if not -math.inf < self.low < self.high < math.inf:
            raise ValueError(f"no axis runs from {self.low} to {self.high}")

    @classmethod
    def around(cls, low: float, high: float) -> "LinearScale":
        """Return a scale of whole nice steps from at most `low` to at least `high`."""
        if low == high:
            low, high = low - (abs(low) or 1) / 10, high + (abs(high) or 1) / 10
        step = _nice_step((high - low) / 5)
        return cls(math.floor(low / step + _ROUNDING) * step, math.ceil(high / step - _ROUNDING) * step)

    def fraction(self, value: float) -> float:
        """Return the position of a value."""
        return (value - self.low) / (self.high - self.low)

    def value(self, fraction: float) -> float:
        """Return the value at a position; the inverse of `fraction`."""
        return self.low + fraction * (self.high - self.low)

    def major(self) -> tuple[float, ...]:
        """Return about ten multiples of a nice step."""
        return self._multiples(_nice_step((self.high - self.low) / 10))

    def minor(self) -> tuple[float, ...]:
        """Return the fifths between the long ticks."""
        step = _nice_step((self.high - self.low) / 10)
        return self._multiples(step / 5)

    def labelled(self, room: int) -> tuple[float, ...]:
        """Return the multiples of the smallest nice step that has at most `room` of them."""
        room = max(room, 1)
        step = _nice_step((self.high - self.low) / 10)
        while len(chosen := self._multiples(step)) > room:
            step = _nice_step(step * 1.01)
        return chosen or self.major()[:1]

    def _multiples(self, step: float) -> tuple[float, ...]:
        first, last = math.ceil(self.low / step - _ROUNDING), math.floor(self.high / step + _ROUNDING)
        digits = max(0, 3 - math.floor(math.log10(step)))
        # Rounded, so that 3 steps of 0.1 are labelled 0.3.
        return tuple(round(index * step, digits) for index in range(first, last + 1))


def _nice_step(least: float) -> float:
    """Return the smallest of 1, 2 and 5 times a power of ten that is at least `least`."""
    power = 10.0 ** math.floor(math.log10(least))
    return next(power * nice for nice in _NICE if power * nice >= least * (1 - _ROUNDING))


def _thinned(values: tuple[float, ...], room: int) -> tuple[float, ...]:
    return values[:: -(-len(values) // room)]

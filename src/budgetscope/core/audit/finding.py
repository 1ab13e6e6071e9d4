"""Findings: what an audit has to say about a run, each with its evidence, its remedy and its price."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from budgetscope.core.budget.quantities import format_factor


class Severity(StrEnum):
    """How much a finding matters, the gravest first."""

    BAD = "bad"
    """Change it before the run, or do not trust its result."""
    WARN = "warn"
    """Look at it: it is a mistake unless it is meant."""
    NOTE = "note"
    """It is good to know."""

    @property
    def rank(self) -> int:
        """Place in the order, 0 for the gravest."""
        return list(Severity).index(self)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that an audit found.

    Attributes:
        code: stable name for programs, such as `warmup-long`.
        severity: how much it matters.
        title: what is the matter, one sentence.
        evidence: the numbers that it rests on.
        remedy: what to do, one sentence or more.
        price: what it costs to leave it; a sentence also where it is not known.
    """

    code: str
    severity: Severity
    title: str
    evidence: str
    remedy: str
    price: str


def ranked(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return findings without repeats, the gravest first; those of one severity keep their order."""
    return tuple(sorted(dict.fromkeys(findings), key=lambda each: each.severity.rank))


def rate_text(value: float) -> str:
    """Return a learning rate, a weight decay or a beta as text, three significant digits."""
    return f"{value:.3g}"


def share_text(value: float) -> str:
    """Return a share as a percentage of two significant digits, three from 10% on: "4.9%", "16.9%"."""
    percent = 100 * value
    return f"{percent:.3g}%" if percent >= 10 else f"{percent:.2g}%"


def times_text(factor: float) -> str:
    """Return a factor of at least one in two significant digits, such as "7.8"."""
    return format_factor(factor, 2)

"""The register of what has a published number: tests enter the laws that they hold."""

from collections.abc import Callable
from typing import TypeVar

COVERED: set[tuple[str, str]] = set()

Test = TypeVar("Test", bound=Callable[..., None])


def covers(*laws: tuple[str, str]) -> Callable[[Test], Test]:
    """Enter (fit id, role) pairs into the register."""
    COVERED.update(laws)
    return lambda test: test

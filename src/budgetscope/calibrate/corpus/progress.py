"""The progress of the preparation of a corpus."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Progress:
    """The progress of a preparation.

    Attributes:
        stage: name of the present stage; whoever shows it translates it.
        done: bytes done in this stage.
        total: bytes of this stage; 0 if unknown.
    """

    stage: str
    done: int
    total: int


Report = Callable[[Progress], None]

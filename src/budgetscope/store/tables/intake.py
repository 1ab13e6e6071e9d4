"""The results of reading a table: its runs, with the rows that were merged or dropped, and its preview."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from budgetscope.core.counting.ledger import Convention
from budgetscope.core.laws.training_run import TrainingRun

_MAX_VALUES = 3


class RunRow(NamedTuple):
    """A run with the row that it was read from: its number, from 1 without the header, and its cells."""

    number: int
    cells: Mapping[str, object]
    run: TrainingRun


@dataclass(frozen=True)
class Dropped:
    """Rows that were left out for one reason; rows are numbered from 1, the header excluded."""

    rows: tuple[int, ...]
    reason: str


@dataclass(frozen=True)
class Intake:
    """The runs of a table, and how each of its rows was used.

    `read` is the sum of `used`, the rows that were dropped, and all but the first row of each merged group.

    Attributes:
        runs: in the order of the file.
        counting: the convention of `n_params` and `flops`.
        read: rows in the file, without the header; in a chart exported from W&B, points of curves.
        used: runs.
        merged: row numbers of each group of rows that repeat one another.
        dropped: rows left out, by reason.
        mapping: field to the column that it was read from.
        assumptions: what was assumed, converted or derived, one sentence each.
        cautions: what is odd about the runs, one sentence each.
        curves: learning curves of several points; `runs` has the last point of each, or all points.
        decaying: runs whose logged learning rate decays.
        unread_batch: what to say to have the batch read, where its column does not; else empty.
    """

    runs: tuple[TrainingRun, ...]
    counting: Convention
    read: int
    used: int
    merged: tuple[tuple[int, ...], ...]
    dropped: tuple[Dropped, ...]
    mapping: Mapping[str, str]
    assumptions: tuple[str, ...]
    cautions: tuple[str, ...] = ()
    curves: int = 0
    decaying: int = 0
    unread_batch: str = ""


@dataclass(frozen=True, slots=True)
class Preview:
    """A table before its runs are read.

    Attributes:
        columns: as the file names them.
        rows: their number.
        found: field of a run to its column, where the names or the mapping say it.
        unclear: field to why its column has to be chosen.
    """

    columns: tuple[str, ...]
    rows: int
    found: Mapping[str, str]
    unclear: Mapping[str, str]


class IntakeNotes:
    """Collects, while a table is read, what is merged, dropped, assumed and odd."""

    def __init__(self) -> None:
        self.cautions: list[str] = []
        self.merged: list[tuple[int, ...]] = []
        self.assumptions: list[str] = []
        self._dropped: dict[str, list[int]] = {}
        self._values: dict[str, dict[str, None]] = {}

    def drop(self, rows: Iterable[int], reason: str, value: str = "") -> None:
        """Note rows that are left out for one reason, with the value at fault, which may be another in each row."""
        self._dropped.setdefault(reason, []).extend(rows)
        self._values.setdefault(reason, {}).update({value: None} if value else {})

    def assume(self, sentence: str) -> None:
        """Note what is assumed, converted or derived."""
        self.assumptions.append(sentence)

    @property
    def dropped(self) -> tuple[Dropped, ...]:
        """The rows left out so far, by reason, in the order in which the reasons came up."""
        return tuple(Dropped(tuple(rows), self._told(reason)) for reason, rows in self._dropped.items() if rows)

    def _told(self, reason: str) -> str:
        values = list(self._values[reason])
        more = ", ..." if len(values) > _MAX_VALUES else ""
        return f"{reason}: {', '.join(values[:_MAX_VALUES])}{more}" if values else reason

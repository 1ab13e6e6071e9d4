"""What reading a table of runs gives: the runs, and an account of every row."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from budgetscope.core.counting.ledger import Convention
from budgetscope.core.laws.training_run import Run


class Row(NamedTuple):
    """A run and where it was read: its row number, from 1 without the header, and the row's cells."""

    number: int
    cells: Mapping[str, object]
    run: Run


@dataclass(frozen=True)
class Dropped:
    """Rows that were left out for one reason; rows are numbered from 1, the header excluded."""

    rows: tuple[int, ...]
    reason: str


@dataclass(frozen=True)
class Intake:
    """The runs of a table and what became of each of its rows.

    `read` rows are `used` runs, the rows that were dropped, and all but the first of each merged group.

    Attributes:
        runs: in the order of the file.
        counting: the convention of `n_params` and `flops`.
        read: rows in the file, without the header; in a chart exported from W&B, points of curves.
        used: runs.
        merged: row numbers of each group of rows that say the same.
        dropped: rows left out, by reason.
        mapping: field to the column that it was read from.
        assumptions: what was assumed, converted or derived, a sentence each.
        curves: learning curves of several points; `runs` has the last point of each, or all points.
        decaying: runs whose logged learning rate decays.
    """

    runs: tuple[Run, ...]
    counting: Convention
    read: int
    used: int
    merged: tuple[tuple[int, ...], ...]
    dropped: tuple[Dropped, ...]
    mapping: Mapping[str, str]
    assumptions: tuple[str, ...]
    curves: int = 0
    decaying: int = 0


class Journal:
    """Collects, while a table is read, what became of its rows."""

    def __init__(self) -> None:
        self.merged: list[tuple[int, ...]] = []
        self.assumptions: list[str] = []
        self._dropped: dict[str, list[int]] = {}

    def drop(self, rows: Iterable[int], reason: str) -> None:
        """Note that rows are left out."""
        self._dropped.setdefault(reason, []).extend(rows)

    def assume(self, sentence: str) -> None:
        """Note what was assumed, converted or derived."""
        self.assumptions.append(sentence)

    @property
    def dropped(self) -> tuple[Dropped, ...]:
        """Everything left out so far, by reason, in the order in which the reasons appeared."""
        return tuple(Dropped(tuple(rows), reason) for reason, rows in self._dropped.items() if rows)

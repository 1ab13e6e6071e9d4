"""What a table of runs looks like before it is read: its columns, and where each field would come from."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from budgetscope.core.counting.ledger import Convention
from budgetscope.core.errors import UsageError
from budgetscope.store.tables.columns import FIELDS, source_of
from budgetscope.store.tables.formats import read_table


@dataclass(frozen=True, slots=True)
class Preview:
    """A table, unread.

    Attributes:
        columns: as the file names them.
        rows: how many it has.
        found: field of a run to its column, where the names or the mapping say it.
        unclear: field to why its column has to be chosen.
    """

    columns: tuple[str, ...]
    rows: int
    found: Mapping[str, str]
    unclear: Mapping[str, str]


def preview(path: Path, mapping: Mapping[str, str], counting: Convention | None) -> Preview:
    """Return the columns of a table and what they would be taken for.

    Args:
        path: as for `read_runs`.
        mapping: field to column, where the column's name does not say.
        counting: the convention, which chooses among columns that name what they count; None while it is unsaid.

    Raises:
        UsageError: the file is not a table.
        FailureError: the file cannot be read, or needs an extra that is not installed.
    """
    table = read_table(path)
    found, unclear = {}, {}
    for field in FIELDS:
        try:
            source = source_of(field, table.columns, mapping, counting)
        except UsageError as error:
            unclear[field] = str(error)
        else:
            if source is not None:
                found[field] = source.label
    return Preview(table.columns, len(table.rows), found, unclear)

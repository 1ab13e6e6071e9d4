"""Previews a table of runs: its columns, and the column that each field would be read from."""

from collections.abc import Mapping
from pathlib import Path

from budgetscope.core.counting.ledger import Convention
from budgetscope.core.errors import UsageError
from budgetscope.store.tables.columns import FIELDS, resolve_field
from budgetscope.store.tables.formats import RawTable
from budgetscope.store.tables.intake import Preview
from budgetscope.store.tables.sources import read_source


def preview(path: Path | RawTable, mapping: Mapping[str, str], counting: Convention | None) -> Preview:
    """Return the columns of a table and the field that each would be read as.

    Args:
        path: as for `read_runs`.
        mapping: field to column, where the column's name does not say.
        counting: the convention, which chooses among columns that name what they count; None when not known.

    Raises:
        UsageError: the file is not a table.
        FailureError: the file cannot be read, or needs an extra that is not installed.
    """
    table = read_source(path)
    found, unclear = {}, {}
    for field in FIELDS:
        try:
            source = resolve_field(field, table.columns, mapping, counting, table.rows)
        except UsageError as error:
            unclear[field] = str(error)
        else:
            if source is not None:
                found[field] = source.label
    return Preview(table.columns, len(table.rows), found, unclear)

"""The limits of a table of runs: whatever a file unpacks to, reading it takes a stated amount of memory."""

from pathlib import Path

from budgetscope.core.errors import FailureError

MAX_BYTES = 256 * 2**20
"""Bytes of a file, and bytes that a packed one unpacks to."""
MAX_ROWS = 1_500_000
MAX_LINES = 4 * MAX_ROWS
"""Lines of a text, blank ones too."""
MAX_COLUMNS = 30_000
MAX_CELLS = 12_000_000
"""Cells that hold something; a table of a million rows has room for twelve columns."""
MAX_RECORD = 16 * 2**20
"""Characters of one row as text."""
MAX_NAME = 1_000
"""Characters of a column's name, with the names of the objects that it is nested in."""


class Meter:
    """Counts what is read of a table, and refuses it above a limit.

    Attributes:
        name: what refusals call the table.
    """

    def __init__(self, name: Path | str) -> None:
        """Start at nothing."""
        self.name = str(name)
        self._rows = self._cells = 0

    def add_row(self, cells: int) -> None:
        """Count one row.

        Raises:
            FailureError: a limit is passed.
        """
        self._rows += 1
        self._cells += cells
        if self._rows > MAX_ROWS or self._cells > MAX_CELLS:
            self.check_shape(self._rows, self._cells)

    def check_shape(self, rows: int, cells: int) -> None:
        """Refuse a table with so many rows and cells.

        Raises:
            FailureError: one is above its limit.
        """
        if rows > MAX_ROWS:
            raise FailureError(
                f"{self.name!r} has more than {MAX_ROWS:,} rows; keep the rows that matter, such as every tenth point "
                "of a learning curve."
            )
        if cells > MAX_CELLS:
            raise FailureError(f"{self.name!r} has more than {MAX_CELLS:,} cells; keep the columns that matter.")

    def check_columns(self, count: int) -> None:
        """Refuse a table with so many columns.

        Raises:
            FailureError: they are above the limit.
        """
        if count > MAX_COLUMNS:
            raise FailureError(f"{self.name!r} has more than {MAX_COLUMNS:,} columns; keep the columns that matter.")

    def check_bytes(self, size: int) -> None:
        """Refuse a file of so many bytes, packed or unpacked.

        Raises:
            FailureError: they are above the limit.
        """
        if size > MAX_BYTES:
            raise FailureError(
                f"{self.name!r} is over {MAX_BYTES // 2**20} MiB; keep the columns and rows that matter."
            )

    def check_record(self, characters: int) -> None:
        """Refuse a row of so many characters.

        Raises:
            FailureError: they are above the limit.
        """
        if characters > MAX_RECORD:
            raise FailureError(
                f"a row of {self.name!r} is over {MAX_RECORD // 2**20} MiB; give a table with one short row a run."
            )

    def check_lines(self, count: int) -> None:
        """Refuse a text of so many lines.

        Raises:
            FailureError: they are above the limit.
        """
        if count > MAX_LINES:
            raise FailureError(f"{self.name!r} has more than {MAX_LINES:,} lines; leave blank lines out.")

    def check_name(self, name: str) -> None:
        """Refuse a column's name of so many characters.

        Raises:
            FailureError: they are above the limit.
        """
        if len(name) > MAX_NAME:
            raise FailureError(f"{self.name!r} has a column name of over {MAX_NAME:,} characters; give it a short one.")

"""Reads the raw rows of a file of runs, or of a folder with a table a run."""

import re
from collections.abc import Sequence
from pathlib import Path

from budgetscope.core.counting.ledger import Convention
from budgetscope.core.errors import FailureError, UsageError
from budgetscope.store.files import reason
from budgetscope.store.tables.formats import EmptyTableError, RawRow, RawTable, read_table
from budgetscope.store.tables.limits import Meter
from budgetscope.store.tables.names import is_named
from budgetscope.store.tables.tensorboard import is_events


def read_source(path: Path | RawTable) -> RawTable:
    """Return the rows of a file or a folder; a table as it is.

    Raises: as `read_table`.
    """
    try:
        files = _run_files(path) if isinstance(path, Path) and path.is_dir() else []
        return _read_folder(path, files) if isinstance(path, Path) and files else read_table(path)
    except OSError as error:
        raise FailureError(f"cannot read {str(path)!r}: {reason(error)}.") from None


def _run_files(folder: Path) -> list[Path]:
    """Return the tables in a folder: its CSV files, else its JSON lines; none where it has TensorBoard files."""
    files = sorted(
        file for file in folder.rglob("*") if not any(part.startswith(".") for part in file.relative_to(folder).parts)
    )
    if any(is_events(file) for file in files if not file.is_dir()):
        return []
    for endings in ((".csv", ".tsv"), (".jsonl", ".ndjson")):
        found = [file for file in files if file.name.lower().removesuffix(".gz").endswith(endings)]
        if found:
            return found
    return []


def _read_folder(folder: Path, files: Sequence[Path]) -> RawTable:
    """Return the rows of all files, numbered on; files of one size are runs, named by what their paths differ in."""
    meter = Meter(folder)
    meter.check_bytes(sum(file.stat().st_size for file in files))
    names = _names_of(folder, files)
    columns: dict[str, None] = {}
    rows: list[RawRow] = []
    damaged: list[str] = []
    has_commas = False
    for file, name in zip(files, names, strict=True):
        try:
            table = read_table(file)
        except EmptyTableError:
            # A run that ended before it wrote a row.
            damaged.append(name)
            continue
        has_commas |= table.has_decimal_commas
        is_run = not any(is_named("run", column) for column in table.columns) and _is_one_size(table)
        columns |= dict.fromkeys(["run"] * is_run + list(table.columns))
        meter.check_columns(len(columns))
        for _, cells in table.rows:
            meter.add_row(len(cells) + is_run)
            rows.append(RawRow(len(rows) + 1, {"run": name, **cells} if is_run else cells))
    if not rows:
        raise UsageError(f"no file in {str(folder)!r} has a row; give a folder with a CSV file a run.")
    return RawTable(tuple(columns), tuple(rows), has_commas, tuple(damaged))


def _names_of(folder: Path, files: Sequence[Path]) -> list[str]:
    """Return a name for each file: its path without the ending, or its own folder where all files have one name."""
    paths = [file.relative_to(folder) for file in files]
    if len({path.name for path in paths}) == 1 and all(len(path.parts) > 1 for path in paths):
        return [path.parent.as_posix() for path in paths]
    ending = re.compile(r"\.\w+(\.gz)?$", re.IGNORECASE)
    return [(path.parent / ending.sub("", path.name)).as_posix() for path in paths]


def _is_one_size(table: RawTable) -> bool:
    """Return whether a table holds a single N, so that its rows can be points of one run."""
    conventions = (Convention.STANDARD, Convention.KAPLAN, Convention.TOTAL)
    sizes = [column for column in table.columns if any(is_named("n_params", column, each) for each in conventions)]
    return all(len({str(row.cells.get(column)) for row in table.rows}) == 1 for column in sizes)

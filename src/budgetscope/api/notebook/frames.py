"""Data frames: a table of runs from pandas, polars or a dict of columns, and a frame of a result's rows."""

from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from importlib import import_module
from os import PathLike, fspath
from typing import TYPE_CHECKING, Any

from budgetscope.api.runs import typed_path
from budgetscope.core.errors import FailureError, UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from budgetscope.store.tables.formats import RawTable


def frame(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Any:
    """Return a pandas DataFrame, or a polars one where pandas is not installed.

    Raises:
        FailureError: neither is installed.
    """
    cells = [[str(cell) if isinstance(cell, Enum) else cell for cell in row] for row in rows]
    for library in ("pandas", "polars"):
        try:
            make: Any = import_module(library).DataFrame
        except ImportError:
            continue
        return make({name: [row[index] for row in cells] for index, name in enumerate(columns)})
    raise FailureError("a data frame needs pandas or polars, and neither is installed: pip install pandas.")


def table_of_runs(runs: object) -> "Path | RawTable":
    """Return what the reader of runs takes: the path of a file or folder, or the columns of a frame or dict.

    Raises:
        UsageError: it is none of these, or its columns are not of one length.
    """
    if isinstance(runs, str | PathLike):
        return typed_path(str(fspath(runs)))
    from budgetscope.store.tables.formats import table_of  # noqa: PLC0415 - most questions are of no runs

    library = _library(runs)
    if library == "pandas":
        return table_of("a pandas DataFrame", _pandas_columns(runs))
    if library == "polars":
        frame: Any = runs
        return table_of("a polars DataFrame", [(each.name, each.to_list()) for each in frame.iter_columns()])
    if isinstance(runs, Mapping):
        return table_of("a dict of columns", [(str(name), _cells(str(name), cells)) for name, cells in runs.items()])
    raise UsageError(
        f"{type(runs).__name__!r} is no table of runs; give the path of a file, a pandas or polars DataFrame, or a "
        "dict of columns."
    )


def _library(value: object) -> str:
    """Return the library of a DataFrame without importing it; empty for everything else."""
    kind = type(value)
    return kind.__module__.partition(".")[0] if kind.__name__ == "DataFrame" else ""


def _pandas_columns(runs: Any) -> list[tuple[str, Sequence[object]]]:
    """Return the columns of a DataFrame, a named index among them; pandas writes a missing cell as NaN."""
    if any(name is not None for name in runs.index.names):
        runs = runs.reset_index()
    columns: list[tuple[str, Sequence[object]]] = []
    for name, series in runs.items():
        pairs = zip(series.tolist(), series.isna().tolist(), strict=True)
        columns.append((str(name), [None if missing else cell for cell, missing in pairs]))
    return columns


def _cells(name: str, cells: object) -> Sequence[object]:
    """Return the cells of one column: a list, an array or a series."""
    listed = cells.tolist() if hasattr(cells, "tolist") else cells
    if isinstance(listed, str | bytes | Mapping) or not isinstance(listed, Iterable):
        raise UsageError(f"the column {name!r} is no list of cells; give one cell a run.")
    return [plain_number(cell) for cell in listed]


def plain_number(value: Any) -> Any:
    """Return a number of NumPy, or of another array library, as one of Python; everything else as it is."""
    is_scalar = hasattr(value, "item") and not getattr(value, "ndim", 0)
    return value.item() if is_scalar else value

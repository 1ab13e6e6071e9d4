"""Data frames: runs tables from pandas, polars or a dict of columns, and results as data frames."""

from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from importlib import import_module
from os import PathLike, fspath
from typing import TYPE_CHECKING, Any

from budgetscope.api.runs import typed_path
from budgetscope.core.errors import FailureError, UsageError
from budgetscope.core.extras import pip_command

if TYPE_CHECKING:
    from pathlib import Path

    from budgetscope.store.tables.formats import RawTable


def frame(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Any:
    """Return a pandas DataFrame, or a polars one if pandas is not installed.

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
    raise FailureError(f"a data frame needs pandas or polars, and neither is installed: {pip_command('pandas')}")


def table_of_runs(runs: object) -> "Path | RawTable":
    """Return a runs table for `RunsSource`: the path of a file or folder, or the columns of a data frame or dict.

    Raises:
        UsageError: `runs` is none of these, or its columns differ in length.
    """
    if isinstance(runs, str | PathLike):
        return typed_path(str(fspath(runs)))
    from budgetscope.store.tables.formats import table_of  # noqa: PLC0415 - only for runs tables

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
    """Return the library of a DataFrame, without importing it; empty for other types."""
    kind = type(value)
    return kind.__module__.partition(".")[0] if kind.__name__ == "DataFrame" else ""


def _pandas_columns(runs: Any) -> list[tuple[str, Sequence[object]]]:
    """Return the columns of a DataFrame, with named indexes; missing cells, NaN in pandas, become None."""
    if any(name is not None for name in runs.index.names):
        runs = runs.reset_index()
    columns: list[tuple[str, Sequence[object]]] = []
    for name, series in runs.items():
        pairs = zip(series.tolist(), series.isna().tolist(), strict=True)
        columns.append((str(name), [None if missing else cell for cell, missing in pairs]))
    return columns


def _cells(name: str, cells: object) -> Sequence[object]:
    """Return the cells of a column from a list, an array or a series."""
    listed = cells.tolist() if hasattr(cells, "tolist") else cells
    if isinstance(listed, str | bytes | Mapping) or not isinstance(listed, Iterable):
        raise UsageError(f"the column {name!r} is no list of cells; give one cell a run.")
    return [plain_number(cell) for cell in listed]


def plain_number(value: Any) -> Any:
    """Convert a scalar of NumPy or another array library to Python; return other values unchanged."""
    is_scalar = hasattr(value, "item") and not getattr(value, "ndim", 0)
    return value.item() if is_scalar else value

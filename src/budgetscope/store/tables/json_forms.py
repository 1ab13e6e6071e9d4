"""The forms in which JSON holds a table: a list of objects, and what pandas writes."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from pathlib import Path

from budgetscope.core.budget.quantities import quote
from budgetscope.core.errors import UsageError
from budgetscope.store.tables.names import is_named

_LOOKED_AT = 200
"""Names from which it is told whether they are columns or rows."""


def records_of(path: Path, content: object) -> Sequence[object] | None:
    """Return the rows of a list of objects, or of an object in one of the forms of pandas; None of anything else.

    pandas writes columns of cells by row (`to_dict()`, `to_json()`), lists (`orient="list"`), rows by name ("index"),
    "split", "tight" and "table". A list of objects may also stand alone under a name.

    Raises:
        UsageError: two columns have one name.
    """
    if isinstance(content, list):
        return content
    if not isinstance(content, dict) or not content:
        return None
    values = list(content.values())
    if all(isinstance(value, dict) and value for value in values):
        return _by_name(content)
    columns, data = content.get("columns"), content.get("data")
    if isinstance(columns, list) and isinstance(data, list):
        names = [str(column) for column in columns]
        repeated = next((name for name, count in Counter(names).items() if count > 1), None)
        if repeated is not None:
            raise UsageError(f"{str(path)!r} has two columns named {quote(repeated)}; rename one of them.")
        fits = all(isinstance(row, list) and len(row) == len(names) for row in data)
        return [dict(zip(names, row, strict=True)) for row in data] if fits else None
    lists = [value for value in values if isinstance(value, list)]
    tables = [value for value in lists if value and all(isinstance(cell, dict) for cell in value)]
    if len(lists) == len(values) and not tables and len({len(value) for value in lists}) == 1:
        return [dict(zip(content, cells, strict=True)) for cells in zip(*lists, strict=True)]
    return tables[0] if len(tables) == 1 else None


def _by_name(content: Mapping[str, Mapping[str, object]]) -> list[object]:
    """Return the rows of columns that hold cells by row, or of rows by name, which becomes the run's."""
    inner = dict.fromkeys(name for cells in content.values() for name in cells)
    if all(name.isdigit() for name in inner) or _fields_in(content) > _fields_in(inner):
        by_name = {name: {column: cells.get(name) for column, cells in content.items()} for name in inner}
    else:
        by_name = {name: dict(cells) for name, cells in content.items()}
    columns = dict.fromkeys(column for cells in by_name.values() for column in cells)
    if any(is_named("run", column) for column in columns) or all(name.isdigit() for name in by_name):
        return list(by_name.values())
    return [{"run": name, **cells} for name, cells in by_name.items()]


def _fields_in(names: Iterable[str]) -> int:
    some = islice(names, _LOOKED_AT)
    return sum(any(is_named(field, name) for field in ("flops", "n_params", "tokens", "loss")) for name in some)

"""The user's saved scenarios: requests with a name, in one file."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import count
from pathlib import Path
from typing import Any

from budgetscope.core.budget.quantities import quote
from budgetscope.core.errors import FailureError, UsageError
from budgetscope.store import locations
from budgetscope.store.files import locked, read_text, status, write_atomically

MAX_NAME_CHARS = 60
_SCHEMA = 1
_LIMIT_BYTES = 2**24


@dataclass(frozen=True, slots=True)
class Scenario:
    """A request with a name.

    Attributes:
        name: unique.
        request: by field, as `api.to_record` returns it and `api.from_record` takes it.
    """

    name: str
    request: Mapping[str, str | float]


def read_scenarios(path: Path | None = None) -> tuple[Scenario, ...]:
    """Return the scenarios in the order of the file; none when it does not exist.

    Raises:
        FailureError: the file is broken or cannot be read.
    """
    path = path or locations.scenarios_file()
    if status(path) is None:
        return ()
    try:
        record = json.loads(read_text(path, _LIMIT_BYTES))
        if record["schema"] != _SCHEMA:
            raise FailureError(
                f"{str(path)!r} was written by a newer budgetscope; use that one, or move the file away."
            )
        scenarios = tuple(_scenario(entry) for entry in record["scenarios"])
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError, UsageError):
        raise FailureError(f"the scenarios file {str(path)!r} is broken; mend it or move it away.") from None
    if len({scenario.name for scenario in scenarios}) < len(scenarios):
        raise FailureError(f"the scenarios file {str(path)!r} holds a name twice; mend it or move it away.")
    return scenarios


def _scenario(entry: Any) -> Scenario:
    request = entry["request"]
    if not all(isinstance(key, str) and isinstance(value, str | int | float) for key, value in request.items()):
        raise ValueError
    return Scenario(_checked(entry["name"]), request)


def save_scenario(scenario: Scenario, path: Path | None = None) -> None:
    """Store a scenario; one of the same name is replaced.

    Raises:
        UsageError: the name is empty, too long or not printable.
        FailureError: the file is broken, and left as it is, or cannot be written.
    """
    new = replace(scenario, name=_checked(scenario.name))
    path = path or locations.scenarios_file()
    with locked(path.parent):
        kept = read_scenarios(path)
        if any(old.name == new.name for old in kept):
            _write(path, [new if old.name == new.name else old for old in kept])
        else:
            _write(path, [*kept, new])


def rename_scenario(name: str, new_name: str, path: Path | None = None) -> None:
    """Give a scenario another name; it keeps its place.

    Raises:
        UsageError: there is no such scenario, or the new name is taken or no name.
        FailureError: as `save_scenario`.
    """
    new_name = _checked(new_name)
    path = path or locations.scenarios_file()
    with locked(path.parent):
        kept = read_scenarios(path)
        found = _found(kept, name)
        if new_name != name and any(old.name == new_name for old in kept):
            raise UsageError(f"a scenario is called {quote(new_name)} already; choose another name.")
        _write(path, [replace(old, name=new_name) if old is found else old for old in kept])


def duplicate_scenario(name: str, path: Path | None = None) -> Scenario:
    """Store a copy of a scenario after it, named as a copy, and return it.

    Raises:
        UsageError: there is no such scenario.
        FailureError: as `save_scenario`.
    """
    path = path or locations.scenarios_file()
    with locked(path.parent):
        kept = read_scenarios(path)
        found = _found(kept, name)
        taken = {old.name for old in kept}
        endings = (f" copy {number}" if number > 1 else " copy" for number in count(1))
        names = (name[: MAX_NAME_CHARS - len(ending)] + ending for ending in endings)
        copy = replace(found, name=next(free for free in names if free not in taken))
        place = kept.index(found) + 1
        _write(path, [*kept[:place], copy, *kept[place:]])
    return copy


def delete_scenario(name: str, path: Path | None = None) -> None:
    """Remove a scenario.

    Raises:
        UsageError: there is no such scenario.
        FailureError: as `save_scenario`.
    """
    path = path or locations.scenarios_file()
    with locked(path.parent):
        kept = read_scenarios(path)
        found = _found(kept, name)
        _write(path, [old for old in kept if old is not found])


def _found(scenarios: Sequence[Scenario], name: str) -> Scenario:
    for scenario in scenarios:
        if scenario.name == name:
            return scenario
    raise UsageError(f"no scenario is called {quote(name)}; it was renamed or deleted elsewhere.")


def _checked(name: str) -> str:
    """Return a name without surrounding blanks; refuse one that is empty, too long or not printable."""
    stripped = name.strip()
    if not stripped:
        raise UsageError("a scenario needs a name; type one.")
    if len(stripped) > MAX_NAME_CHARS or not stripped.isprintable():
        raise UsageError(f"{quote(name)} is no name: give at most {MAX_NAME_CHARS} printable characters.")
    return stripped


def _write(path: Path, scenarios: Sequence[Scenario]) -> None:
    record = {"schema": _SCHEMA, "scenarios": [asdict(scenario) for scenario in scenarios]}
    write_atomically(path, json.dumps(record, indent=1) + "\n")

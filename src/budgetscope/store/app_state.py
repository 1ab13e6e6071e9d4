"""The state of the app, stored at its end and restored at its next start."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from budgetscope.core.errors import FailureError
from budgetscope.store import locations
from budgetscope.store.files import read_text, status, write_atomically

Record = Mapping[str, str | float | bool]


@dataclass(frozen=True, slots=True)
class AppState:
    """The request, screens and views that the app showed last.

    Attributes:
        request: by field, as `api.to_record` returns it; empty for none.
        scenario: name of the saved scenario that was open; empty for none.
        screen: name of the screen; empty for the first.
        theme: name of the theme; empty for the default.
        views: the state of each screen, by its name.
        toured: whether the first-run tour was shown.
    """

    request: Record = field(default_factory=dict)
    scenario: str = ""
    screen: str = ""
    theme: str = ""
    views: Mapping[str, Record] = field(default_factory=dict)
    toured: bool = False


def read_state(path: Path | None = None) -> AppState:
    """Return the stored state; an empty one when there is none.

    Raises:
        FailureError: the file is broken or cannot be read.
    """
    path = path or locations.state_file()
    if status(path) is None:
        return AppState()
    try:
        record = json.loads(read_text(path, 2**20))
        state = AppState(
            request=_flat(record["request"]),
            scenario=str(record["scenario"]),
            screen=str(record["screen"]),
            theme=str(record["theme"]),
            views={str(name): _flat(view) for name, view in record["views"].items()},
            # A file without the entry is from before there was a tour: its user knows the app.
            toured=record.get("toured", True) is True,
        )
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise FailureError(f"{str(path)!r} is broken: what the app showed last is not restored.") from None
    return state


def _flat(record: Any) -> Record:
    if not all(isinstance(value, str | int | float | bool) for value in record.values()):
        raise TypeError
    return dict(record)


def write_state(state: AppState, path: Path | None = None) -> None:
    """Store a state.

    Raises:
        FailureError: the folder cannot be written.
    """
    write_atomically(path or locations.state_file(), json.dumps(asdict(state), indent=1) + "\n")

"""The user's settings: the default law, the default recipe and the language."""

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from budgetscope.core.errors import FailureError
from budgetscope.store import locations
from budgetscope.store.files import locked, read_text, status, write_atomically


@dataclass(frozen=True, slots=True)
class Settings:
    """The defaults that the user chose.

    Attributes:
        law: id of the fit for N, D and loss; None is the default.
        hyperparameters: id of the fit for the recipe; None is the default.
        language: one of `core.language.LANGUAGES`; None is that of the environment.
    """

    law: str | None = None
    hyperparameters: str | None = None
    language: str | None = None


def read_settings(path: Path | None = None) -> Settings:
    """Return the settings; the defaults when the file does not exist.

    Raises:
        FailureError: the file is broken or cannot be read.
    """
    path = path or locations.settings_file()
    if status(path) is None:
        return Settings()
    try:
        record = json.loads(read_text(path, 2**20))
        values = {field.name: record.get(field.name) for field in fields(Settings)}
    except (ValueError, AttributeError, RecursionError):
        raise FailureError(f"the settings file {str(path)!r} is broken; mend or delete it.") from None
    if not all(value is None or isinstance(value, str) for value in values.values()):
        raise FailureError(f"the settings file {str(path)!r} holds a value that is no text; mend or delete it.")
    return Settings(**values)


def write_settings(settings: Settings, path: Path | None = None) -> Path:
    """Store the settings and return their file.

    Raises:
        FailureError: the folder cannot be written.
    """
    path = path or locations.settings_file()
    with locked(path.parent):
        write_atomically(path, json.dumps(asdict(settings), indent=1) + "\n")
    return path

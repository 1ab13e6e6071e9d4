"""The paths of all files and folders of budgetscope and its user."""

import os
from importlib import resources
from pathlib import Path

from platformdirs import user_cache_path, user_config_path, user_data_path, user_state_path

from budgetscope.core.budget.tokens import shown
from budgetscope.core.errors import FailureError, UsageError

_APP = "budgetscope"


def bundled_fits() -> Path:
    """Return the folder of the fits that ship with budgetscope.

    A wheel carries them as package data; an editable install has them at the repository's top.
    """
    packaged = Path(str(resources.files("budgetscope"))) / "_fits"
    if packaged.is_dir():
        return packaged
    repository = Path(__file__).resolve().parents[3] / "fits"
    if repository.is_dir():
        return repository
    raise FailureError("the bundled fits are missing from this installation; install budgetscope again.")


def bundled_devices_file() -> Path:
    """Return the TOML file of the devices that ship with budgetscope, which is package data."""
    return Path(__file__).resolve().parents[1] / "data" / "devices.toml"


def bundled_scoreboard_file() -> Path:
    """Return the JSON file of the scoreboard that ships with budgetscope, which is package data."""
    return Path(__file__).resolve().parents[1] / "data" / "scoreboard.json"


def locale_folder() -> Path:
    """Return the folder of the catalogues of translations that ship with budgetscope, which is package data."""
    return Path(__file__).resolve().parents[1] / "locale"


def reference_folder(named: str | None = None) -> Path | None:
    """Return the folder of published points: the named one, else that of BUDGETSCOPE_REFERENCE, if any."""
    named = named or os.environ.get("BUDGETSCOPE_REFERENCE")
    return expanded(named) if named else None


def override_fits() -> Path | None:
    """Return the folder named by BUDGETSCOPE_FITS, if any."""
    named = os.environ.get("BUDGETSCOPE_FITS")
    return expanded(named) if named else None


def expanded(path: str) -> Path:
    """Return a path with its `~` replaced; unchanged when there is no such user.

    Raises:
        UsageError: it holds a null byte, or half of a surrogate pair: no file has such a name, and Python's own calls
            differ in what they do then.
    """
    try:
        if b"\0" in os.fsencode(path):
            raise _nameless(path)
    except UnicodeEncodeError:
        raise _nameless(path) from None
    try:
        return Path(path).expanduser()
    except RuntimeError:
        return Path(path)


def _nameless(path: str) -> UsageError:
    return UsageError(f"{shown(path)} holds a character that no file name can hold; correct it.")


def user_fits() -> Path:
    """Return the user's own fits folder; it need not exist."""
    return user_data_path(_APP) / "fits"


def user_runs() -> Path:
    """Return the folder of the user's calibration runs; it need not exist."""
    return user_data_path(_APP) / "runs"


def corpora_cache() -> Path:
    """Return the folder of prepared corpora; it need not exist, and can be deleted."""
    return user_cache_path(_APP) / "corpora"


def probes_file() -> Path:
    """Return the file of measured training rates; it need not exist."""
    return user_data_path(_APP) / "probes.json"


def prices_file() -> Path:
    """Return the file of the fetched prices; it need not exist."""
    return user_data_path(_APP) / "prices.json"


def settings_file() -> Path:
    """Return the file that holds the user's settings; it need not exist."""
    return user_config_path(_APP) / "settings.json"


def devices_file() -> Path:
    """Return the TOML file of the user's own devices; it need not exist."""
    return user_config_path(_APP) / "devices.toml"


def scenarios_file() -> Path:
    """Return the file of the user's saved scenarios; it need not exist."""
    return user_data_path(_APP) / "scenarios.json"


def state_file() -> Path:
    """Return the file of the app's state; it need not exist."""
    return user_state_path(_APP) / "app.json"

"""The only place that knows where files are."""

import os
from importlib import resources
from pathlib import Path

from platformdirs import user_cache_path, user_config_path, user_data_path, user_state_path

from budgetscope.core.errors import FailureError

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


def override_fits() -> Path | None:
    """Return the folder named by BUDGETSCOPE_FITS, if any."""
    named = os.environ.get("BUDGETSCOPE_FITS")
    return expanded(named) if named else None


def expanded(path: str) -> Path:
    """Return a path with its `~` replaced; as it stands when no user has that home."""
    try:
        return Path(path).expanduser()
    except RuntimeError:
        return Path(path)


def user_fits() -> Path:
    """Return the user's own fits folder; it need not exist."""
    return user_data_path(_APP) / "fits"


def user_runs() -> Path:
    """Return the folder of the user's calibration runs; it need not exist."""
    return user_data_path(_APP) / "runs"


def corpora_cache() -> Path:
    """Return the folder of prepared corpora; it need not exist, and deleting it costs time alone."""
    return user_cache_path(_APP) / "corpora"


def probes_file() -> Path:
    """Return the file of measured training rates; it need not exist."""
    return user_data_path(_APP) / "probes.json"


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
    """Return the file of what the app showed last; it need not exist."""
    return user_state_path(_APP) / "app.json"

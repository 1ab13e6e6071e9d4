"""The user's own devices, from a TOML file with one table a device."""

import tomllib
from pathlib import Path

from budgetscope.core.devices import Device, device_from_mapping
from budgetscope.core.errors import FailureError, UsageError
from budgetscope.store import locations
from budgetscope.store.files import read_text, status


def user_devices(path: Path | None = None) -> tuple[Device, ...]:
    """Return the devices of the user's file; none when it does not exist.

    Raises:
        FailureError: the file cannot be read, is not TOML, or has an entry that is refused.
    """
    path = path or locations.devices_file()
    if status(path) is None:
        return ()
    try:
        tables = tomllib.loads(read_text(path, 2**20))
        return tuple(device_from_mapping(name, table) for name, table in tables.items())
    except tomllib.TOMLDecodeError as error:
        raise FailureError(f"the device file {str(path)!r} is not TOML: {error}.") from None
    except RecursionError:
        raise FailureError(f"the device file {str(path)!r} is nested too deeply; write one table a device.") from None
    except UsageError as error:
        raise FailureError(f"the device file {str(path)!r} is refused: {error}") from None

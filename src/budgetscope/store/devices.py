"""The user's own devices, from a TOML file with one table a device."""

import tomllib
from dataclasses import dataclass
from pathlib import Path

from budgetscope.core.errors import UsageError
from budgetscope.core.hardware.devices import Device, device_from_mapping
from budgetscope.store import locations
from budgetscope.store.files import read_text, status


@dataclass(frozen=True, slots=True)
class UserDevices:
    """What the user's file has.

    Attributes:
        devices: those that can be used.
        problems: why others, or all, are left out, one sentence each.
    """

    devices: tuple[Device, ...] = ()
    problems: tuple[str, ...] = ()


def user_devices(path: Path | None = None) -> UserDevices:
    """Return the devices of the user's file; none when it does not exist.

    Raises:
        FailureError: the file cannot be read.
    """
    path = path or locations.devices_file()
    if status(path) is None:
        return UserDevices()
    text = read_text(path, 2**20)
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        return UserDevices(problems=(f"the device file {str(path)!r} is not TOML: {error}.",))
    except RecursionError:
        return UserDevices(problems=(f"the device file {str(path)!r} is nested too deeply; write one table a device.",))
    devices, problems = [], []
    for name, table in tables.items():
        try:
            devices.append(device_from_mapping(name, table))
        except UsageError as error:
            problems.append(f"an entry of the device file {str(path)!r} is left out: {error}")
    return UserDevices(tuple(devices), tuple(problems))

"""The accelerators: the bundled table and the user's own, each a TOML file with one table a device."""

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from budgetscope.core.errors import FailureError, UsageError
from budgetscope.core.hardware.devices import Device, device_from_mapping
from budgetscope.store import locations
from budgetscope.store.files import read_text, status


@dataclass(frozen=True, slots=True)
class BundledDevices:
    """The devices that ship with budgetscope.

    Attributes:
        devices: in the order of the table.
        date: month in which the table was compiled, such as "2026-11".
    """

    devices: tuple[Device, ...]
    date: str


@dataclass(frozen=True, slots=True)
class UserDevices:
    """The devices of the user's own file.

    Attributes:
        devices: those that can be used.
        problems: why others, or all, are left out, one sentence each.
    """

    devices: tuple[Device, ...] = ()
    problems: tuple[str, ...] = ()


@cache
def bundled_devices() -> BundledDevices:
    """Return the bundled devices; the table is read once a process.

    Raises:
        FailureError: the installation lacks the table.
    """
    tables = tomllib.loads(read_text(locations.bundled_devices_file(), 2**20))
    date = str(tables.pop("table_date"))
    devices = tuple(device_from_mapping(name, table, user_defined=False) for name, table in tables.items())
    return BundledDevices(devices, date)


def user_devices(path: Path | None = None) -> UserDevices:
    """Return the devices of the user's file; none when it does not exist, with a problem when it cannot be read.

    Like the bundled table, the file may state the month of its prices as `table_date`; it is not used.
    """
    path = path or locations.devices_file()
    try:
        if status(path) is None:
            return UserDevices()
        tables = tomllib.loads(read_text(path, 2**20))
    except FailureError as error:
        return UserDevices(problems=(f"the device file is left out: {error}",))
    except RecursionError:
        return UserDevices(problems=(f"the device file {str(path)!r} is nested too deeply; write one table a device.",))
    # A TOMLDecodeError, or an integer of more digits than Python reads.
    except ValueError as error:
        return UserDevices(problems=(f"the device file {str(path)!r} is not TOML: {error}.",))
    tables.pop("table_date", None)
    devices, problems = [], []
    for name, table in tables.items():
        try:
            devices.append(device_from_mapping(name, table))
        except UsageError as error:
            problems.append(f"an entry of the device file {str(path)!r} is left out: {error}")
    return UserDevices(tuple(devices), tuple(problems))

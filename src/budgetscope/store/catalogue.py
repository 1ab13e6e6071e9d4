"""Prices from SkyPilot's catalogue: read from its CSV files, and kept in the user's data folder.

The catalogue (github.com/skypilot-org/skypilot-catalog, schema v8) has one file a cloud, and one row an instance and
zone. Its README lists the columns; their order and presence vary. `Price` is of the whole instance. Rows have no date.
"""

import csv
import hashlib
import io
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

from budgetscope.core.budget.quantities import shown
from budgetscope.core.errors import FailureError
from budgetscope.core.hardware.bounds import PRICE_BOUNDS
from budgetscope.core.hardware.prices import Catalogue, CloudPrice
from budgetscope.store import locations
from budgetscope.store.files import locked, read_text, status, write_atomically

TITLE = "SkyPilot's catalogue"
URL = "https://raw.githubusercontent.com/skypilot-org/skypilot-catalog/master/catalogs/v8"
"""`HOSTED_CATALOG_DIR_URL` and `CATALOG_SCHEMA_VERSION` of SkyPilot's sky/skylet/constants.py."""
MIRROR = "https://skypilot-catalog.s3.us-east-1.amazonaws.com/catalogs/v8"
"""`HOSTED_CATALOG_DIR_URL_S3_MIRROR` there: GitHub limits the rate of its readers."""
CLOUDS = ("aws", "azure", "lambda", "nebius", "runpod")
"""The clouds that are read. Google's rows leave out the host of a GPU, and some clouds' prices are lowest bids."""

_DEVICES = {
    "A100": "a100-40gb",
    "A100-80GB": "a100-80gb",
    "A100-80GB-SXM": "a100-80gb",
    "A6000": "rtx-a6000",
    "B200": "b200",
    "B300": "b300",
    "GB200": "gb200",
    "H100-NVL": "h100-nvl",
    "H100-SXM": "h100-sxm",
    "H200": "h200",
    "H200-SXM": "h200",
    "L4": "l4",
    "L40S": "l40s",
    "MI300X": "mi300x",
    "RTX3090": "rtx-3090",
    "RTX4090": "rtx-4090",
    "RTX5090": "rtx-5090",
    "RTX6000-Ada": "rtx-6000-ada",
    "RTXA6000": "rtx-a6000",
    "RTXPRO6000": "rtx-pro-6000",
    "T4": "t4",
    "V100": "v100",
}
_REQUIRED = ("InstanceType", "AcceleratorName", "AcceleratorCount", "Region", "Price")
_SPOT = "SpotPrice"
_MOST_DEVICES = 1024
_PLACE = re.compile(r"[\w .:/+-]{1,80}", re.ASCII)
_SCHEMA = 1
_LIMIT_BYTES = 2**22


def _device(cloud: str, name: str, instance: str) -> str | None:
    """Return the id of a row's device; None for others. The catalogue's name "H100" covers SXM, NVL and PCIe."""
    if name != "H100":
        return _DEVICES.get(name)
    lower = instance.lower()
    if cloud == "runpod" or "pcie" in lower:  # RunPod's other two have names of their own
        return "h100-pcie"
    return "h100-nvl" if "nvl" in lower or lower.startswith("standard_nc") else "h100-sxm"


def prices_in(cloud: str, content: bytes) -> tuple[CloudPrice, ...]:
    """Return the cheapest price of each known device in one file of the catalogue.

    Rows of other devices, of parts of a device, and of devices without their host are left out. A price of zero is
    none.

    Raises:
        FailureError: it is not such a file, or a row that is read holds an impossible number.
    """
    found: dict[str, CloudPrice] = {}
    for price in _rows(cloud, content):
        best = found.setdefault(price.device, price)
        if price.on_demand is not None and (best.on_demand is None or price.on_demand < best.on_demand):
            best = CloudPrice(
                best.device, cloud, price.on_demand, price.on_demand_place, best.spot, best.spot_place
            )  # fmt: skip
        if price.spot is not None and (best.spot is None or price.spot < best.spot):
            best = CloudPrice(best.device, cloud, best.on_demand, best.on_demand_place, price.spot, price.spot_place)
        found[price.device] = best
    if not found:
        raise FailureError(f"the prices of {cloud} name no device that is known here")
    return tuple(found.values())


def _rows(cloud: str, content: bytes) -> Iterator[CloudPrice]:
    try:
        reader = csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), strict=True)
        header = next(reader, [])
        missing = [name for name in _REQUIRED if header.count(name) != 1]
        if missing:
            raise FailureError(f"the prices of {cloud} have other columns than expected: {missing[0]} is missing")
        for number, cells in enumerate(reader, 2):
            if cells and len(cells) != len(header):
                raise FailureError(f"row {number} of the prices of {cloud} has {len(cells)} of {len(header)} columns")
            price = _row(cloud, f"row {number} of the prices of {cloud}", dict(zip(header, cells, strict=False)))
            if price is not None:
                yield price
    except UnicodeDecodeError:
        raise FailureError(f"the prices of {cloud} are not UTF-8 text") from None
    except csv.Error as error:
        raise FailureError(f"the prices of {cloud} are not CSV ({error})") from None


def _row(cloud: str, where: str, row: Mapping[str, str]) -> CloudPrice | None:
    instance = row.get("InstanceType", "")
    device = _device(cloud, row.get("AcceleratorName", ""), instance) if instance else None
    if device is None:
        return None
    count = _number(where, "AcceleratorCount", row["AcceleratorCount"], (0.0, _MOST_DEVICES))
    if not count or not count.is_integer():
        return None
    place = f"{instance}, {row['Region']}"
    if not _PLACE.fullmatch(instance) or not _PLACE.fullmatch(row["Region"]):
        raise FailureError(f"{where} names {shown(place)} as its instance and region")
    low, high = (bound * count for bound in PRICE_BOUNDS)
    prices = [_number(where, name, row.get(name, ""), (low, high)) for name in ("Price", _SPOT)]
    on_demand, spot = (None if price is None else price / count for price in prices)
    if on_demand is None and spot is None:
        return None
    return CloudPrice(
        device, cloud, on_demand, "" if on_demand is None else place, spot, "" if spot is None else place
    )  # fmt: skip


def _number(where: str, name: str, text: str, bounds: tuple[float, float]) -> float | None:
    """Return a number within bounds; None for an empty cell and for zero."""
    if not text.strip():
        return None
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if value == 0:
        return None
    if not bounds[0] <= value <= bounds[1]:
        raise FailureError(f"{where} gives {shown(text)} as {name}")
    return value


def catalogue(url: str, day: date, contents: Mapping[str, bytes]) -> Catalogue:
    """Return the prices of fetched files.

    Args:
        url: that they came from.
        day: of the fetch.
        contents: by cloud.

    Raises:
        FailureError: as `prices_in`.
    """
    return Catalogue(
        title=TITLE,
        url=url,
        fetched=day.isoformat(),
        sha256=tuple((cloud, hashlib.sha256(content).hexdigest()) for cloud, content in contents.items()),
        prices=tuple(price for cloud, content in contents.items() for price in prices_in(cloud, content)),
    )


def write_catalogue(found: Catalogue, path: Path | None = None) -> Path:
    """Store fetched prices in place of the old ones, and return their file.

    Raises:
        FailureError: the folder cannot be written; the old prices are kept.
    """
    path = path or locations.prices_file()
    record = {"schema": _SCHEMA, **asdict(found)}
    with locked(path.parent):
        write_atomically(path, json.dumps({**record, "checksum": _checksum(record)}, indent=1) + "\n")
    return path


def read_catalogue(path: Path | None = None) -> Catalogue | None:
    """Return the stored prices; None when none were fetched.

    Raises:
        FailureError: the file is damaged or cannot be read.
    """
    path = path or locations.prices_file()
    if status(path) is None:
        return None
    text = read_text(path, _LIMIT_BYTES)
    try:
        record = json.loads(text)
        checksum = record.pop("checksum")
        is_whole = record.pop("schema") == _SCHEMA and checksum == _checksum({"schema": _SCHEMA, **record})
        if is_whole:
            record["sha256"] = tuple(map(tuple, record["sha256"]))
            record["prices"] = tuple(CloudPrice(**price) for price in record["prices"])
            return Catalogue(**record)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        pass
    raise FailureError(
        f"the fetched prices in {str(path)!r} are damaged and left out; fetch them again with "
        "`budgetscope prices update`."
    )


def _checksum(record: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(record, sort_keys=True).encode()).hexdigest()

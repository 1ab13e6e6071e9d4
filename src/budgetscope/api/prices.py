"""The prices of devices: fetched from SkyPilot's catalogue when the user asks, and shown with what a plan takes."""

import re
import shlex
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from budgetscope.api.ask import Advisor
from budgetscope.core.budget.quantities import quote
from budgetscope.core.errors import FailureError, UsageError
from budgetscope.core.hardware.devices import find_device
from budgetscope.core.hardware.prices import Catalogue
from budgetscope.report.prices import DevicePrices
from budgetscope.store import locations
from budgetscope.store.catalogue import CLOUDS, MIRROR, TITLE, URL, catalogue, prices_in, write_catalogue
from budgetscope.store.devices import bundled_devices

__all__ = ["CLOUDS", "MIRROR", "TITLE", "URL", "device_prices", "prices_path", "update_prices"]

_LIMIT_BYTES = 64_000_000
"""Of one cloud's file; the largest, Amazon's, had 3.7 MB in 2026."""
_LIMIT_SECONDS = 120.0
_KEPT = "the prices stay as they were"


def prices_path() -> Path:
    """Return the file of the fetched prices; it need not exist."""
    return locations.prices_file()


def update_prices(
    url: str | None = None, clouds: Sequence[str] = (), report: Callable[[str], None] = lambda _: None
) -> Catalogue:
    """Fetch the prices of some clouds and keep them in place of the old ones; any failure changes nothing.

    Args:
        url: of the catalogue's folder; None for SkyPilot's.
        clouds: to read; all that are known by default.
        report: called with the name of each cloud before it is read.

    Raises:
        UsageError: the address or a cloud is not one.
        FailureError: a file cannot be fetched or is not understood, or the folder cannot be written.
    """
    url = (URL if url is None else url).rstrip("/")
    wanted = tuple(dict.fromkeys(clouds or CLOUDS))
    for cloud in wanted:
        if cloud not in CLOUDS:
            raise UsageError(f"--cloud {quote(cloud)} is not read; choose of {', '.join(CLOUDS)}.")
    _check_address(url)
    from budgetscope.store.http import fetch_bytes  # noqa: PLC0415 - a client that nothing else here needs

    other = (
        f"or read the mirror ({_command(MIRROR, clouds)}); {_KEPT}" if url == URL else f"or leave --from out; {_KEPT}"
    )
    contents = {}
    for cloud in wanted:
        report(cloud)
        content = fetch_bytes(
            f"{url}/{cloud}/vms.csv",
            f"{cloud}/vms.csv",
            other,
            limit_bytes=_LIMIT_BYTES,
            limit_seconds=_LIMIT_SECONDS,
        )
        try:
            prices_in(cloud, content)
        except FailureError as error:
            rest = [each for each in wanted if each != cloud]
            without = f", leave it out ({_command(url, rest)})" if rest else ""
            raise FailureError(
                f"{error}: the format may be a new one; upgrade budgetscope{without}, or try again later; {_KEPT}."
            ) from None
        contents[cloud] = content
    found = catalogue(url, datetime.now(UTC).date(), contents)
    write_catalogue(found)
    return found


def _check_address(url: str) -> None:
    """Refuse what is no address of a folder on a server.

    Raises:
        UsageError: it is none.
    """
    import httpx  # noqa: PLC0415 - a client that nothing else here needs

    try:
        address = httpx.URL(url)
    except (httpx.InvalidURL, UnicodeError):
        address = httpx.URL("")
    host = re.fullmatch(r"[\w.:-]+", address.raw_host.decode("ascii", "replace"))
    is_served = address.scheme in ("http", "https") and host and 0 < (address.port or 80) < 2**16
    if not is_served or address.query or not url.isprintable():
        raise UsageError(f"--from {quote(url)} is no address of a catalogue; write it like {URL}.")


def _command(url: str, clouds: Sequence[str]) -> str:
    words = ["budgetscope", "prices", "update", *(["--from", url] if url != URL else [])]
    return shlex.join([*words, *(word for cloud in clouds for word in ("--cloud", cloud))])


def device_prices(advisor: Advisor, name: str) -> DevicePrices:
    """Return the prices of a device from every source, and which of them a plan takes.

    Raises:
        UsageError: there is no such device.
    """
    device = find_device(name, advisor.all_devices)
    bundled = next((each for each in bundled_devices().devices if each.id == device.id), None)
    return DevicePrices(device, None if device.user_defined else bundled, advisor.catalogue)

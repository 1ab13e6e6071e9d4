"""Format the prices of devices: every source with its date, and what a plan takes."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from budgetscope.core.hardware.devices import Device, default_price
from budgetscope.core.hardware.prices import CHOICE, Catalogue, CloudPrice, price_text
from budgetscope.report.rows import UNKNOWN

PRICE_HEADER = ("prices of", "on demand", "spot", "date", "where")
LEGEND = "US dollars a device-hour; spot machines can be taken away, and no plan takes their price."


@dataclass(frozen=True, slots=True)
class DevicePrices:
    """The prices of one device.

    Attributes:
        device: with the prices that a plan takes without a stated rate.
        bundled: the device of the bundled table with its own prices; None for one of the user's own file.
        catalogue: the fetched prices; None without them.
    """

    device: Device
    bundled: Device | None
    catalogue: Catalogue | None

    @property
    def clouds(self) -> tuple[CloudPrice, ...]:
        """The fetched prices, one a cloud."""
        return () if self.catalogue is None else self.catalogue.of(self.device.id)

    @property
    def sentences(self) -> tuple[str, ...]:
        """What a plan takes, how it is chosen, and the age of the fetched prices."""
        taken = f"A plan on {self.device.name} takes {price_text(self.device)}."
        if default_price(self.device) is None:
            taken = f"No price of {self.device.name} is known; a plan takes the one that you state (--price)."
        return (taken, f"The order: {CHOICE}.", _fetched(self.catalogue))


def _fetched(catalogue: Catalogue | None) -> str:
    if catalogue is None:
        return "No prices were fetched; `budgetscope prices update` reads SkyPilot's catalogue."
    return f"Fetched on {catalogue.fetched} from {catalogue.url}; not live, `budgetscope prices update` fetches again."


def price_cells(prices: DevicePrices) -> list[tuple[str, ...]]:
    """Return a row for each source, under `PRICE_HEADER`."""
    listed = prices.device if prices.bundled is None else prices.bundled
    low, high = listed.price_usd_per_hour_low, listed.price_usd_per_hour_high
    rows: list[tuple[str, ...]] = []
    if low is not None and high is not None:
        span = _dollars(low) if low == high else f"{_dollars(low)} to {_dollars(high)}"
        rows.append((listed.price_table, span, UNKNOWN, listed.price_date or UNKNOWN, listed.price_source or UNKNOWN))
    for price in prices.clouds:
        places = dict.fromkeys(place for place in (price.on_demand_place, price.spot_place) if place)
        date = UNKNOWN if prices.catalogue is None else prices.catalogue.fetched
        rows.append((price.cloud, _dollars(price.on_demand), _dollars(price.spot), date, "; spot ".join(places)))
    return rows


def _dollars(price: float | None) -> str:
    return UNKNOWN if price is None else f"{price:.2f}"


FETCHED_HEADER = ("device", "on demand", "spot", "clouds", "a plan takes")


def fetched_cells(catalogue: Catalogue, devices: Sequence[Device]) -> list[tuple[str, ...]]:
    """Return a row for each device with fetched prices, under `FETCHED_HEADER`.

    Args:
        catalogue: the fetched prices.
        devices: with the prices that plans take.
    """
    rows: list[tuple[str, ...]] = []
    for device in devices:
        found = catalogue.of(device.id)
        if found and not device.user_defined:
            clouds = ", ".join(price.cloud for price in found)
            spans = (_span([price.on_demand for price in found]), _span([price.spot for price in found]))
            table = f" ({device.price_table})" if device.price_table != catalogue.title else ""
            rows.append((device.name, *spans, clouds, f"{_dollars(default_price(device))}{table}"))
    return rows


def _span(prices: Sequence[float | None]) -> str:
    known = [price for price in prices if price is not None]
    if not known:
        return UNKNOWN
    low, high = min(known), max(known)
    return _dollars(low) if _dollars(low) == _dollars(high) else f"{_dollars(low)} to {_dollars(high)}"


def fetched_text(catalogue: Catalogue) -> str:
    """Return in one sentence what was fetched."""
    return _fetched(catalogue)


def prices_json(prices: DevicePrices) -> str:
    """Return the prices of a device as JSON: what a plan takes, the bundled table's entry, the fetched ones."""
    catalogue = prices.catalogue
    record = {
        "device": prices.device.id,
        "price_usd_per_hour": default_price(prices.device),
        "chosen": price_text(prices.device),
        "table": None if prices.bundled is None else _listed(prices.bundled),
        "own": _listed(prices.device) if prices.device.user_defined else None,
        "fetched": None
        if catalogue is None
        else {"url": catalogue.url, "date": catalogue.fetched, "clouds": [asdict(each) for each in prices.clouds]},
    }
    return json.dumps(record, indent=2) + "\n"


def _listed(device: Device) -> dict[str, object]:
    return {
        "low": device.price_usd_per_hour_low,
        "high": device.price_usd_per_hour_high,
        "date": device.price_date,
        "source": device.price_source,
    }


def catalogue_json(catalogue: Catalogue) -> str:
    """Return fetched prices as JSON."""
    return json.dumps(asdict(catalogue), indent=2) + "\n"

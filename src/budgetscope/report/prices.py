"""Format the prices of devices: every source with its date, and what a plan takes."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from budgetscope.core.hardware.devices import Device, default_price
from budgetscope.core.hardware.prices import CHOICE, Catalogue, CloudPrice, price_text
from budgetscope.core.language import N_, _
from budgetscope.report.rows import UNKNOWN
from budgetscope.report.words import between, listed, noted, valued

PRICE_HEADER = (N_("prices of"), N_("on demand"), N_("spot"), N_("date"), N_("where"))
LEGEND = N_("US dollars a device-hour; spot machines can be taken away, and no plan takes their price.")


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
        if default_price(self.device) is None:
            none = _("No price of {device} is known; a plan takes the one that you state (--price).")
            taken = none.format(device=self.device.name)
        else:
            takes = _("A plan on {device} takes {price}.")
            taken = takes.format(device=self.device.name, price=price_text(self.device))
        return (taken, _("The order: {order}.").format(order=_(CHOICE)), _fetched(self.catalogue))


def _fetched(catalogue: Catalogue | None) -> str:
    if catalogue is None:
        return _("No prices were fetched; `budgetscope prices update` reads SkyPilot's catalogue.")
    return _("Fetched on {date} from {url}; not live, `budgetscope prices update` fetches again.").format(
        date=catalogue.fetched, url=catalogue.url
    )


def price_cells(prices: DevicePrices) -> list[tuple[str, ...]]:
    """Return a row for each source, under `PRICE_HEADER`."""
    stored = prices.device if prices.bundled is None else prices.bundled
    low, high = stored.price_usd_per_hour_low, stored.price_usd_per_hour_high
    rows: list[tuple[str, ...]] = []
    if low is not None and high is not None:
        span = _dollars(low) if low == high else between((low, high), _dollars)
        date, source = stored.price_date or UNKNOWN, stored.price_source or UNKNOWN
        rows.append((_(stored.price_table), span, UNKNOWN, date, source))
    for price in prices.clouds:
        places = dict.fromkeys(place for place in (price.on_demand_place, price.spot_place) if place)
        date = UNKNOWN if prices.catalogue is None else prices.catalogue.fetched
        rows.append((price.cloud, _dollars(price.on_demand), _dollars(price.spot), date, _place(*places)))
    return rows


def _place(on_demand: str = "", spot: str = "") -> str:
    return noted((on_demand, _("spot {place}").format(place=spot) if spot else ""))


def _dollars(price: float | None) -> str:
    return UNKNOWN if price is None else f"{price:.2f}"


FETCHED_HEADER = (N_("device"), N_("on demand"), N_("spot"), N_("clouds"), N_("a plan takes"))


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
            clouds = listed(price.cloud for price in found)
            spans = (_span([price.on_demand for price in found]), _span([price.spot for price in found]))
            table = "" if device.price_table == catalogue.title else _(device.price_table)
            rows.append((device.name, *spans, clouds, valued(_dollars(default_price(device)), table)))
    return rows


def _span(prices: Sequence[float | None]) -> str:
    known = [price for price in prices if price is not None]
    if not known:
        return UNKNOWN
    low, high = min(known), max(known)
    return _dollars(low) if _dollars(low) == _dollars(high) else between((low, high), _dollars)


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

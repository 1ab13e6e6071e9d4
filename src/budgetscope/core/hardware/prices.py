"""The price of a device: how it is chosen, its words, and prices that were fetched from a public catalogue."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import median

from budgetscope.core.hardware.devices import Device, default_price
from budgetscope.core.language import N_, _
from budgetscope.core.laws.intervals import Estimate, Kind

CHOICE = N_(
    "a rate that you state (--price, or at $2.50/h in the budget) wins; then your own device file; then fetched "
    "prices, unless the bundled table's are of a later month; then the bundled table"
)
"""How the price of a plan is chosen; whoever shows it translates it."""


@dataclass(frozen=True, slots=True)
class CloudPrice:
    """The cheapest rent of one device in one cloud, over its regions and instances.

    Attributes:
        device: id of the device.
        cloud: such as "aws".
        on_demand: US dollars a device-hour, the instance's price divided by its devices; None when not offered.
        on_demand_place: the instance and the region of that price.
        spot: likewise, of machines that can be taken away.
        spot_place: likewise.
    """

    device: str
    cloud: str
    on_demand: float | None = None
    on_demand_place: str = ""
    spot: float | None = None
    spot_place: str = ""


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The prices of one fetch.

    Attributes:
        title: of the catalogue, in words.
        url: its address.
        fetched: day of the fetch, ISO 8601; the catalogue's own rows have no date.
        sha256: by cloud, of the file that was read.
        prices: one for each device and cloud.
    """

    title: str
    url: str
    fetched: str
    sha256: tuple[tuple[str, str], ...]
    prices: tuple[CloudPrice, ...]

    def of(self, device_id: str) -> tuple[CloudPrice, ...]:
        """Return the prices of a device, one a cloud."""
        return tuple(price for price in self.prices if price.device == device_id)


def priced(devices: Sequence[Device], catalogue: Catalogue | None) -> tuple[Device, ...]:
    """Return devices with the catalogue's on-demand prices where these count.

    They count for a device of the bundled table, unless its own price is of a later month. The price to plan with is
    the median of the clouds. Spot prices never count: a machine that can be taken away is another product.
    """
    if catalogue is None:
        return tuple(devices)
    return tuple(_priced(device, catalogue) for device in devices)


def _priced(device: Device, catalogue: Catalogue) -> Device:
    found = {price.cloud: price.on_demand for price in catalogue.of(device.id) if price.on_demand is not None}
    if device.user_defined or not found or (device.price_date or "") > catalogue.fetched[:7]:
        return device
    return replace(
        device,
        price_usd_per_hour=round(median(found.values()), 4),
        price_usd_per_hour_low=min(found.values()),
        price_usd_per_hour_high=max(found.values()),
        price_date=catalogue.fetched,
        price_source=_("the cheapest of each cloud ({clouds}), fetched from {url}").format(
            clouds=", ".join(found), url=catalogue.url
        ),
        price_table=catalogue.title,
    )


def device_price(device: Device) -> Estimate | None:
    """Return the price of a device without a stated rate, US dollars a device-hour, with its range; None if unknown."""
    middle = default_price(device)
    if middle is None:
        return None
    low, high = device.price_usd_per_hour_low, device.price_usd_per_hour_high
    if low == high:
        one = _("price by {table}") if device.user_defined else _("on-demand price by {table}")
        return Estimate(middle, basis=one.format(table=_table(device)))
    basis = _("prices by {table}") if device.user_defined else _("on-demand prices by {table}")
    return Estimate(middle, low, high, basis.format(table=_table(device)))


def stated_price(usd: float) -> Estimate:
    """Return the price that a request states, US dollars a device-hour."""
    return Estimate(usd, basis=_("as stated"), kind=Kind.STATED)


def price_text(device: Device) -> str:
    """Return the price of a device with how it was chosen, its date and its source, in words."""
    price, low, high = default_price(device), device.price_usd_per_hour_low, device.price_usd_per_hour_high
    if price is None or low is None or high is None:
        return _("unknown")
    if low == high:
        told = _("${price} a device-hour, by {table}, not live")
        if not device.user_defined:
            told = _("${price} a device-hour on demand, by {table}, not live")
    elif device.user_defined:
        told = _("${price} a device-hour, the middle of ${low}-{high}, by {table}, not live")
    elif device.price_usd_per_hour is None:
        told = _("${price} a device-hour on demand, the middle of ${low}-{high}, by {table}, not live")
    else:
        told = _("${price} a device-hour on demand, the median of ${low}-{high}, by {table}, not live")
    said = told.format(price=f"{price:.4g}", low=f"{low:.4g}", high=f"{high:.4g}", table=_table(device))
    return f"{said}: {device.price_source}" if device.price_source else said


def _table(device: Device) -> str:
    """Return the table of a device's prices and its date."""
    table = _(device.price_table)
    return _("{table} of {date}").format(table=table, date=device.price_date) if device.price_date else table

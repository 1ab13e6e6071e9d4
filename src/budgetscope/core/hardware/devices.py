"""Accelerators: their data, the check of a table entry, and the search by name.

`store.devices` reads the bundled table, `data/devices.toml`, and the user's own table. `device_from_mapping` checks
the entries of both.
"""

import math
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cached_property, lru_cache

from budgetscope.core.budget.quantities import quote, shown
from budgetscope.core.budget.vocabulary import OWN_MACHINES
from budgetscope.core.errors import UsageError
from budgetscope.core.hardware.bounds import WATTS_BOUNDS
from budgetscope.core.language import N_, _

PRECISIONS = ("fp32", "tf32", "bf16", "fp16", "fp8", "fp4")
TRAINING_PRECISIONS = ("bf16", "fp16")

_REQUIRED_KEYS = ("peak_flops_per_s", "memory_bytes", "memory_bandwidth_bytes_per_s")
_PRICE_KEYS = ("price_usd_per_hour_low", "price_usd_per_hour_high")
_TEXT_KEYS = ("name", "vendor", "price_date", "price_source", "spec_source", "note")
_NODE_KEYS = ("devices_per_node", "link_bytes_per_s", "tdp_watts")
_ALLOWED_KEYS = (*_REQUIRED_KEYS, *_NODE_KEYS, *_PRICE_KEYS, *_TEXT_KEYS, "aliases")

DEVICES_PER_NODE = 8
"""HGX and DGX boards, AMD's platforms, and common PCIe servers."""
PCIE_BYTES_PER_S = 32e9
"""PCIe 4.0 x16, one way."""


@dataclass(frozen=True)
class Device:
    """One accelerator, in the unit in which its vendor sells it; `note` tells where that is ambiguous.

    Attributes:
        id: canonical name, such as "h100-sxm".
        name: name for people, such as "H100 SXM".
        peak_flops_per_s: dense peak in FLOP/s by precision, a subset of `PRECISIONS`; the rate of the matrix units with
            fp32 accumulation if there are any, but for "fp32" the vector rate.
        memory_bytes: as published; a vendor's GB is 1e9 bytes.
        memory_bandwidth_bytes_per_s: peak, as published.
        price_usd_per_hour_low: lowest on-demand price found, US dollars a device-hour; None without one.
        price_usd_per_hour_high: highest on-demand price accepted, likewise.
        price_usd_per_hour: the price to plan with; None where it is the middle of the two, see `default_price`.
        price_date: month, such as "2026-09", in which the older of the two prices was read; of fetched prices the day.
        price_source: the providers, and where their prices were read.
        price_table: where the prices stand, in words; whoever shows it translates it.
        by_rate: whether only its sustained rate is known, which is then its peak: its memory, its links, its power and
            its price are not, and are 0 or None (see `own_machine`).
        spec_source: the document with the peaks.
        aliases: further names for `find_device`.
        note: a remark on its peaks or prices.
        devices_per_node: joined by the fast link.
        link_bytes_per_s: one way, from one device to the others of its node.
        tdp_watts: published thermal design power or board power; None where none is known.
        user_defined: whether it comes from the user's own table.
    """

    id: str
    name: str
    vendor: str
    peak_flops_per_s: Mapping[str, float] = field(hash=False)
    memory_bytes: int
    memory_bandwidth_bytes_per_s: float
    price_usd_per_hour_low: float | None
    price_usd_per_hour_high: float | None
    price_date: str | None
    price_source: str | None
    spec_source: str
    aliases: tuple[str, ...] = ()
    note: str = ""
    user_defined: bool = False
    devices_per_node: int = DEVICES_PER_NODE
    link_bytes_per_s: float = PCIE_BYTES_PER_S
    tdp_watts: float | None = None
    price_usd_per_hour: float | None = None
    price_table: str = N_("the bundled table")
    by_rate: bool = False

    @property
    def sustained(self) -> str:
        """The rate of a machine of which only that is known, such as "2 TFLOP/s"."""
        return _rate_text(max(self.peak_flops_per_s.values()))


def _rate_text(flops_per_s: float) -> str:
    return f"{flops_per_s / 1e12:.6g} TFLOP/s"


UNKNOWN_PRECISION = "unknown"


def own_machine(flops_per_s: float, precision: str | None) -> Device:
    """Return a machine of the user's own, of which only its sustained rate is known.

    Args:
        flops_per_s: executed in training, attention counted.
        precision: of the training; None where it is not stated.
    """
    return Device(
        id="own-machine",
        name=_("your own machine"),
        vendor="unknown",
        peak_flops_per_s={precision or UNKNOWN_PRECISION: flops_per_s},
        memory_bytes=0,
        memory_bandwidth_bytes_per_s=0.0,
        price_usd_per_hour_low=None,
        price_usd_per_hour_high=None,
        price_date=None,
        price_source=None,
        spec_source=_("{rate} sustained, as stated").format(rate=_rate_text(flops_per_s)),
        devices_per_node=1,
        link_bytes_per_s=0.0,
        by_rate=True,
    )


_SEPARATORS = re.compile(r"[\s_()-]+")
_FORM = re.compile(r"\d+g(?:i?b)?|sxm\d?|pcie|nvl\d*|oam|hbm\d?e?")
_VENDORS = ("nvidia", "amd", "google")


def _key(text: str) -> str:
    """Return a name without case, blanks, hyphens, underscores, brackets and a leading vendor."""
    bare = _SEPARATORS.sub("", text.lower())
    return re.sub(r"^(nvidia|amd|google)(?=.)", "", bare)


def _parts(name: str) -> tuple[str, frozenset[str]]:
    """Return a name without memory and form, and these: "80GB A100 SXM" gives "a100" and {"80gb", "sxm"}."""
    joined = re.sub(r"(?<=\d)\s+(?=gi?b\b)", "", name.lower())
    pieces = [piece for piece in _SEPARATORS.split(joined) if piece and piece not in _VENDORS]
    forms = {re.sub(r"(?<=\d)gi?b?$", "gb", piece) for piece in pieces if _FORM.fullmatch(piece)}
    return "".join(piece for piece in pieces if not _FORM.fullmatch(piece)), frozenset(forms)


@dataclass(frozen=True)
class DeviceNames:
    """The names of some devices; the parser of budgets asks for them at every keystroke.

    Attributes:
        devices: those to search; of two with the same name the first is found.
        remarks: sentences that follow the error about an unknown name.
    """

    devices: tuple[Device, ...]
    remarks: tuple[str, ...] = ()

    @cached_property
    def _by_key(self) -> Mapping[str, Device]:
        found: dict[str, Device] = {}
        for device in self.devices:
            for label in (*device.aliases, device.name, device.id):
                found.setdefault(_key(label), device)
        return found

    @cached_property
    def _by_family(self) -> Mapping[str, Mapping[str, frozenset[str]]]:
        """By the name without memory and form: the id of each device with its memories and forms."""
        found: dict[str, dict[str, frozenset[str]]] = {}
        for device in self.devices:
            for label in (*device.aliases, device.name, device.id):
                family, forms = _parts(label)
                of_family = found.setdefault(family, {})
                of_family[device.id] = of_family.get(device.id, frozenset()) | forms
        return found

    def find(self, name: str) -> Device | None:
        """Return the device of a name; None when no device has it.

        Args:
            name: id, name or alias; case, blanks, hyphens, a plural "s" and the order of memory and form are ignored.
        """
        key = _key(name)
        found = self._by_key.get(key) or self._by_key.get(key.removesuffix("s"))
        if found is not None:
            return found
        family, forms = _parts(name)
        if not forms:
            return None
        of_family = self._by_family.get(family) or self._by_family.get(family.removesuffix("s"), {})
        fitting = [device_id for device_id, known in of_family.items() if forms <= known]
        return self._by_key[_key(fitting[0])] if len(fitting) == 1 else None

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self.find(name) is not None

    def refusal(self, name: str) -> UsageError:
        """Return the error about a name that no device has, with the devices of similar names."""
        near = dict.fromkeys(self._by_key[match].id for match in get_close_matches(_key(name), self._by_key, n=5))
        hint = f"perhaps you mean {' or '.join(near)}" if near else "no device has a similar name"
        if any(map(OWN_MACHINES.fullmatch, _SEPARATORS.split(name.lower()))):
            hint = "for a machine of your own write its sustained rate and a time, such as '2 TFLOP/s for 3 days'"
        sentence = f"unknown device {quote(name)}: {hint}; `budgetscope devices` lists all of them."
        return UsageError(" ".join((sentence, *self.remarks)))


@lru_cache(maxsize=8)
def _names(devices: tuple[Device, ...]) -> DeviceNames:
    return DeviceNames(devices)


def find_device(text: str, devices: Sequence[Device]) -> Device:
    """Return the device of a name, as `DeviceNames.find` does.

    Raises:
        UsageError: no device has that name.
    """
    names = _names(tuple(devices))
    found = names.find(text)
    if found is None:
        raise names.refusal(text)
    return found


def default_price(device: Device) -> float | None:
    """Return the price to plan with, US dollars a device-hour; None without prices.

    It is the median of fetched prices, else the geometric mean of the range, rounded to cents: the two prices may
    differ by a factor, and one expensive provider should not set it.
    """
    if device.price_usd_per_hour is not None:
        return device.price_usd_per_hour
    low, high = device.price_usd_per_hour_low, device.price_usd_per_hour_high
    if low is None or high is None:
        return None
    return round(math.sqrt(low * high), 2)


def training_precision(device: Device) -> str:
    """Return the default training precision: bf16 if the device has a peak for it, else fp16.

    Raises:
        UsageError: the device has neither.
    """
    for precision in TRAINING_PRECISIONS:
        if precision in device.peak_flops_per_s:
            return precision
    raise UsageError(f"device {device.id!r} has neither a bf16 nor an fp16 peak; name the precision to plan with.")


def device_from_mapping(device_id: str, mapping: object, *, user_defined: bool = True) -> Device:
    """Return the device of one TOML table; its keys are the fields of `Device`.

    Required are `peak_flops_per_s` (a table by precision, with bf16 or fp16), `memory_bytes` and
    `memory_bandwidth_bytes_per_s`. The two prices are given together or not at all; node and link have defaults.

    Args:
        device_id: name of the table, which becomes the id.
        mapping: content of the table as read from TOML; any type.
        user_defined: whether it is from the user's own table.

    Raises:
        UsageError: a key is missing or unknown, or a value has the wrong type or is not positive.
    """
    where = f"device {device_id!r}"
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,63}", device_id):
        raise UsageError(
            f"device {shown(device_id)} is not a valid id; "
            "use up to 64 letters, digits, blanks, dots, hyphens, underscores."
        )
    if not isinstance(mapping, Mapping):
        raise UsageError(f"{where} is {shown(mapping)}; write it as a table with {', '.join(_REQUIRED_KEYS)}.")
    for key in mapping:
        if key not in _ALLOWED_KEYS:
            raise UsageError(f"{where}: unknown key {shown(key)}; the keys are {', '.join(_ALLOWED_KEYS)}.")
    for key in _REQUIRED_KEYS:
        if key not in mapping:
            raise UsageError(f"{where}: {key} is missing; add it.")
    low, high = _price_range(where, mapping)
    texts = {key: _text(where, key, mapping[key]) for key in _TEXT_KEYS if key in mapping}
    price_date = texts.get("price_date")
    if price_date is not None and not re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", price_date):
        raise UsageError(f'{where}: price_date is {price_date!r}; give year and month such as "2026-11".')
    return Device(
        id=device_id,
        name=texts.get("name", device_id),
        vendor=texts.get("vendor", "unknown"),
        peak_flops_per_s=_peaks(where, mapping["peak_flops_per_s"]),
        memory_bytes=round(_number(where, "memory_bytes", mapping["memory_bytes"], 1e6, "bytes, such as 80e9")),
        memory_bandwidth_bytes_per_s=_number(
            where,
            "memory_bandwidth_bytes_per_s",
            mapping["memory_bandwidth_bytes_per_s"],
            1e6,
            "bytes a second, such as 3.35e12",
        ),
        price_usd_per_hour_low=low,
        price_usd_per_hour_high=high,
        price_date=price_date,
        price_source=texts.get("price_source"),
        spec_source=texts.get("spec_source", "user entry"),
        aliases=_aliases(where, mapping.get("aliases", [])),
        note=texts.get("note", ""),
        user_defined=user_defined,
        price_table=N_("your own device file") if user_defined else N_("the bundled table"),
        devices_per_node=_per_node(where, mapping.get("devices_per_node", DEVICES_PER_NODE)),
        link_bytes_per_s=_number(
            where,
            "link_bytes_per_s",
            mapping.get("link_bytes_per_s", PCIE_BYTES_PER_S),
            1e6,
            "bytes a second one way, such as 450e9",
        ),
        tdp_watts=_watts(where, mapping["tdp_watts"]) if "tdp_watts" in mapping else None,
    )


def _per_node(where: str, value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= 1024:
        return value
    raise UsageError(f"{where}: devices_per_node is {shown(value)}; give a whole number from 1 to 1024.")


def _watts(where: str, value: object) -> float:
    low, high = WATTS_BOUNDS
    if isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high:
        return float(value)
    raise UsageError(f"{where}: tdp_watts is {shown(value)}; give watts from {low} to {high}, such as 700.")


def _number(where: str, key: str, value: object, minimum: float, unit: str) -> float:
    """Return a finite number of at least `minimum`; the minimum catches numbers given in tera or giga units."""
    if isinstance(value, int | float) and not isinstance(value, bool) and minimum <= value <= sys.float_info.max:
        return float(value)
    raise UsageError(f"{where}: {key} is {shown(value)}; give a number of {minimum:g} or more in {unit}.")


def _text(where: str, key: str, value: object) -> str:
    if isinstance(value, str) and value.strip() and value.isprintable():
        return value
    raise UsageError(f"{where}: {key} is {shown(value)}; give it as printable text in quotes or leave it out.")


def _peaks(where: str, value: object) -> dict[str, float]:
    if not isinstance(value, Mapping):
        raise UsageError(
            f"{where}: peak_flops_per_s is {shown(value)}; give a table by precision such as {{bf16 = 989e12}}."
        )
    for precision in value:
        if precision not in PRECISIONS:
            raise UsageError(
                f"{where}: unknown precision {shown(precision)} in peak_flops_per_s; use {', '.join(PRECISIONS)}."
            )
    if not any(precision in value for precision in TRAINING_PRECISIONS):
        raise UsageError(f"{where}: peak_flops_per_s has neither bf16 nor fp16; add the one that you train in.")
    unit = "dense FLOP/s, such as 989e12"
    return {
        precision: _number(where, f"peak_flops_per_s.{precision}", peak, 1e9, unit) for precision, peak in value.items()
    }


def _price_range(where: str, mapping: Mapping[str, object]) -> tuple[float | None, float | None]:
    given = [key for key in _PRICE_KEYS if key in mapping]
    if not given:
        return None, None
    if len(given) == 1:
        raise UsageError(
            f"{where}: {given[0]} stands alone; give both {' and '.join(_PRICE_KEYS)} (they may be equal)."
        )
    low, high = (_number(where, key, mapping[key], 0.001, "US dollars, such as 2.50") for key in _PRICE_KEYS)
    if low > high:
        raise UsageError(
            f"{where}: price_usd_per_hour_low {low:g} is above price_usd_per_hour_high {high:g}; swap them."
        )
    return low, high


def _aliases(where: str, value: object) -> tuple[str, ...]:
    if isinstance(value, list) and all(isinstance(a, str) and _key(a) and a.isprintable() for a in value):
        return tuple(value)
    raise UsageError(f'{where}: aliases is {shown(value)}; give a list of names such as ["our-h100"].')

"""Format accelerators as rows and JSON, with the rates measured on this machine."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from budgetscope.core.hardware.devices import Device, training_precision
from budgetscope.core.language import N_, _
from budgetscope.report.rows import UNKNOWN
from budgetscope.report.words import between

DEVICE_HEADER = (
    N_("device"), "id", N_("dense peak"), N_("memory"), N_("bandwidth"), N_("$/h"), N_("price of"),
)  # fmt: skip


def device_cells(device: Device) -> tuple[str, ...]:
    """Return a device's row, under `DEVICE_HEADER`."""
    precision = training_precision(device)
    return (
        _("{device} (yours)").format(device=device.name) if device.user_defined else device.name,
        device.id,
        f"{device.peak_flops_per_s[precision] / 1e12:g} TFLOP/s {precision}",
        f"{device.memory_bytes / 1e9:.0f} GB",
        f"{device.memory_bandwidth_bytes_per_s / 1e12:.2f} TB/s",
        _prices(device.price_usd_per_hour_low, device.price_usd_per_hour_high),
        device.price_date or UNKNOWN,
    )


def _prices(low: float | None, high: float | None) -> str:
    if low is None or high is None:
        return UNKNOWN
    return f"{low:.2f}" if low == high else between((low, high), "{:.2f}".format)


@dataclass(frozen=True, slots=True)
class Measured:
    """The rates of one accelerator of this machine, measured by `calibrate --probe`.

    Attributes:
        name: as the driver reports it.
        device: the listed device of that name; None when there is none.
        day: of the measurement, ISO 8601.
        matrix_flops_per_s: of large matrix products.
        training_flops_per_s: model FLOP/s of stacks of small models, attention counted, by width.
    """

    name: str
    device: Device | None
    day: str
    matrix_flops_per_s: float
    training_flops_per_s: Mapping[int, float]

    @property
    def sentence(self) -> str:
        """The best rate, as a share of the matrix rate and of the peak. Plans of models of this size take it."""
        width, rate = max(self.training_flops_per_s.items(), key=lambda pair: pair[1])
        known = {
            "day": self.day,
            "name": self.name,
            "width": width,
            "rate": f"{rate / 1e12:.3g}",
            "share": f"{rate / self.matrix_flops_per_s:.0%}",
            "matrix": f"{self.matrix_flops_per_s / 1e12:.3g}",
        }
        if self.device is None:
            return _(
                "Measured here on {day}: {name} trains stacks of width {width} at {rate} TFLOP/s, {share} of its "
                "matrix rate of {matrix}; plans of models about as small take the rate."
            ).format(**known)
        share = rate / self.device.peak_flops_per_s[training_precision(self.device)]
        return _(
            "Measured here on {day}: {name} trains stacks of width {width} at {rate} TFLOP/s, {share} of its matrix "
            "rate of {matrix} and {peak} of the peak of {device}; plans of models about as small take the rate."
        ).format(peak=f"{share:.0%}", device=self.device.id, **known)


def devices_json(devices: Sequence[Device], measured: Sequence[Measured] = ()) -> str:
    """Return the devices as JSON, with the source of every figure and the rates measured here."""
    found = {
        each.device.id: {
            "day": each.day,
            "matrix_flops_per_s": each.matrix_flops_per_s,
            "training_flops_per_s": dict(each.training_flops_per_s),
        }
        for each in measured
        if each.device is not None
    }
    records = [asdict(device) | {"measured": found.get(device.id)} for device in devices]
    return json.dumps(records, indent=2) + "\n"

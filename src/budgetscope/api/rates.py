"""Rates of training that a calibration or a probe measured, for plans of models of about their size."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from budgetscope.api.devices import measured_devices
from budgetscope.core.counting.ledger import Convention
from budgetscope.core.counting.shapes import PORIAN_SEQ_LEN, PORIAN_VOCAB_SIZE, shape_family
from budgetscope.core.errors import FailureError
from budgetscope.core.hardware.devices import Device, DeviceNames
from budgetscope.core.hardware.mfu import ModelRate
from budgetscope.core.language import _
from budgetscope.core.laws.fit import Fit


@dataclass(frozen=True, slots=True)
class Probes:
    """What `calibrate --probe` measured on this machine.

    Attributes:
        rates: one a device and width of models.
        problem: why the file of measurements cannot be read; empty if it can.
    """

    rates: tuple[ModelRate, ...] = ()
    problem: str = ""


def probes(known: Sequence[Device]) -> Probes:
    """Return the rates of the known devices of this machine."""
    try:
        found = measured_devices(known)
    except FailureError as error:
        return Probes(problem=str(error))
    if not found:
        return Probes()
    from budgetscope.calibrate.plan.ladder import ladder  # noqa: PLC0415 - most machines have no measurements

    sizes = {shape.width: float(shape.count(Convention.STANDARD).n_params) for shape in ladder(_VOCAB, _SEQ_LEN)}
    return Probes(
        tuple(
            ModelRate(
                each.device.id,
                (sizes[width], sizes[width]),
                rate,
                _("measured by calibrate --probe on {day}, many models of width {width} at once").format(
                    day=each.day, width=width
                ),
            )
            for each in found
            if each.device is not None
            for width, rate in each.training_flops_per_s.items()
            if width in sizes
        )
    )


_VOCAB, _SEQ_LEN = 4096, 512
"""Of a probe's models on an accelerator (`calibrate.train.probe`)."""


def rate_of_fit(fit: Fit, names: DeviceNames) -> tuple[ModelRate, ...]:
    """Return the rate that the calibration behind a fit measured; nothing where the fit tells none."""
    rate, on = _positive(fit.provenance.get("flops_per_s", "")), fit.provenance.get("device", "")
    device = names.find(re.sub(r"\s*\([^)]*\)$", "", on))
    if rate is None or device is None or fit.points is None or not fit.points.rows:
        return ()
    column = fit.points.columns.index("n_params")
    vocab_size, seq_len = fit.vocab_size or PORIAN_VOCAB_SIZE, fit.seq_len or PORIAN_SEQ_LEN
    family = shape_family("dense", vocab_size=vocab_size, seq_len=seq_len)
    sizes = [family.convert(row[column], fit.counting, Convention.STANDARD) for row in fit.points.rows]
    source = _("measured by the calibration {fit}").format(fit=fit.id)
    return (ModelRate(device.id, (min(sizes), max(sizes)), rate, source),)


def _positive(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if 0 < value < math.inf else None

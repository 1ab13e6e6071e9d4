"""Format the same training on several devices: rows, Markdown, CSV and JSON."""

import csv
import io
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict

from budgetscope.core.answers.layout import describe
from budgetscope.core.answers.machines import Alternative, Machines
from budgetscope.core.budget.quantities import format_count, format_energy, format_hours, format_mass, format_usd
from budgetscope.core.hardware.mfu import percent
from budgetscope.core.language import _
from budgetscope.core.laws.intervals import Kind
from budgetscope.report.markdown import escaped, fenced, table
from budgetscope.report.rows import UNKNOWN, shape_text

Command = Callable[[str], str]
"""Returns the shell command that plans an alternative, by the id of its device."""

_HEADER = ("", "device", "time", "cost", "$/h", "price of", "energy")
_LAYOUT_HEADER = ("fits on", "smallest layout")
CHEAPEST, FASTEST, OWN = "cheapest", "fastest", "this plan"


def header(found: Machines) -> tuple[str, ...]:
    """Return the header of the rows; CO2e is among them where a grid's intensity was stated."""
    return (*_HEADER, *(("CO2e",) if _has_co2e(found) else ()), *_LAYOUT_HEADER)


def _has_co2e(found: Machines) -> bool:
    return any(each.energy is not None and each.energy.co2e_kg is not None for each in found.alternatives)


def title(found: Machines) -> str:
    """Return in one sentence what is trained."""
    devices = "1 device" if found.n_devices == 1 else f"{found.n_devices:g} devices of one kind"
    training = f"{format_count(found.n_params)} parameters on {format_count(found.tokens)} tokens"
    return f"{training}, on {devices}: {shape_text(found.shape)}, {found.batch_sequences:,} sequences a step"


def problem_text(found: Machines) -> str:
    """Return why no device holds the model, as a sentence; empty where one does."""
    return f"{found.problem[:1].upper()}{found.problem[1:]}"


def mark(found: Machines, each: Alternative) -> str:
    """Return whether an alternative is the fastest, the cheapest or the plan's own."""
    device = each.machine.device.id
    marks = ((FASTEST, found.fastest), (CHEAPEST, found.cheapest), (OWN, found.device))
    return ", ".join(name for name, marked in marks if device == marked)


def cells(found: Machines) -> list[tuple[str, ...]]:
    """Return a row for each alternative, under `header`."""
    rows = []
    for each in found.alternatives:
        device, price, energy = each.machine.device, each.machine.price, each.energy
        co2e = None if energy is None else energy.co2e_kg
        rows.append(
            (
                mark(found, each),
                device.name,
                format_hours(each.hours),
                UNKNOWN if each.cost_usd is None else format_usd(each.cost_usd.value),
                UNKNOWN if price is None else f"{price.value:.2f}",
                UNKNOWN if price is None else _price_of(each),
                UNKNOWN if energy is None else format_energy(energy.kwh.value),
                *((UNKNOWN if co2e is None else format_mass(co2e.value),) if _has_co2e(found) else ()),
                f"{each.fewest_devices:,}",
                describe(each.smallest.layout),
            )
        )
    return rows


def _is_listed(each: Alternative) -> bool:
    return each.machine.price is not None and each.machine.price.kind is not Kind.STATED


def _price_of(each: Alternative) -> str:
    """Return the date of a price, or that it was stated."""
    return each.machine.device.price_date or UNKNOWN if _is_listed(each) else _("as stated")


def notes(found: Machines) -> tuple[str, ...]:
    """Return what the rows assume, and the devices that are left out."""
    misfits = ", ".join(found.too_small)
    left_out = [f"left out: {sentence}" for sentence in found.left_out]
    left_out += [f"left out, since {found.n_devices:g} do not hold the model: {misfits}"] if misfits else []
    return (*(_assumed(found) if found.alternatives else ()), *left_out)


def _assumed(found: Machines) -> tuple[str, ...]:
    shares = sorted({each.machine.mfu for each in found.alternatives})
    mfu = " to ".join(map(percent, dict.fromkeys((shares[0], shares[-1]))))
    ends = [end for each in found.alternatives for end in each.spread.mfu or ()]
    known = ""
    if ends:
        known = f" (as a plan on each takes it; ranges from {min(ends):.0%} to {max(ends):.0%}, csv and json have each)"
    time = (
        f"time: device-hours at an MFU of {mfu} of the dense peak{known}, over {found.n_devices:g} devices; what a "
        "device's links and software lose is not in it (--mfu states another for all)"
    )
    tables = dict.fromkeys(each.machine.device.price_table for each in found.alternatives if _is_listed(each))
    cost = f"cost: on-demand prices by {' and '.join(tables)}, not live" if tables else "cost: no price is known"
    return (
        time,
        f"{cost}; `budgetscope prices show DEVICE` tells the source",
        "energy: with the node's share and the PUE, as in a plan; `budgetscope plan` tells its range",
        "fits on: the fewest of 1, 2, 4 and so on that hold the model, with its fastest layout there",
    )


def machines_markdown(found: Machines, command: str, command_of: Command) -> str:
    """Return the alternatives as a Markdown page.

    Args:
        found: the alternatives.
        command: the shell command that gives the page.
        command_of: that of each alternative.
    """
    lines = [f"# Machines for {escaped(found.budget)}", "", f"{escaped(title(found))}.", ""]
    rows = cells(found)
    lines += [*table(header(found), rows), ""] if rows else [f"**{escaped(problem_text(found))}**", ""]
    lines += [f"- {escaped(note)}" for note in notes(found)]
    lines += ["", "## Reproduce", "", *fenced(command), ""]
    for name, device in best(found):
        lines += [f"The {name} as a plan:", "", *fenced(command_of(device)), ""]
    return "\n".join(lines)


def best(found: Machines) -> tuple[tuple[str, str], ...]:
    """Return the fastest and the cheapest, each with the id of its device."""
    return tuple((name, device) for name, device in ((FASTEST, found.fastest), (CHEAPEST, found.cheapest)) if device)


_CHOICE = (("device", 16), ("time", 11), ("cost", 10), ("energy", 10), ("fits on", 8), ("", 0))
"""Columns of a choice with their widths."""


def choices(found: Machines) -> tuple[str, dict[str, str]]:
    """Return a header, and by the id of each device one line with its time, cost, energy and fewest devices."""
    columns = [header(found).index(name) for name, _ in _CHOICE]
    lines = {
        each.machine.device.id: _line([row[column] for column in columns])
        for each, row in zip(found.alternatives, cells(found), strict=True)
    }
    return _line([name for name, _ in _CHOICE]), lines


def _line(texts: Sequence[str]) -> str:
    return "".join(text.ljust(width) for text, (_, width) in zip(texts, _CHOICE, strict=True)).rstrip()


CSV_HEADER = (
    "device", "mark", "n_devices", "mfu", "mfu_low", "mfu_high", "hours", "hours_low", "hours_high", "device_hours",
    "price_usd_per_device_hour", "price_basis", "cost_usd", "cost_usd_low", "cost_usd_high", "energy_kwh",
    "energy_kwh_low", "energy_kwh_high", "co2e_kg", "fewest_devices", "smallest_layout", "peak_bytes", "command",
)  # fmt: skip


def _record(found: Machines, each: Alternative, command_of: Command) -> tuple[object, ...]:
    price, cost, energy = each.machine.price, each.cost_usd, each.energy
    device = each.machine.device.id
    return (
        device,
        mark(found, each),
        found.n_devices,
        each.machine.mfu,
        *(each.spread.mfu or (None, None)),
        each.hours,
        *(each.spread.hours or (None, None)),
        each.device_hours,
        *((None, None) if price is None else (price.value, price.basis)),
        *((None, None, None) if cost is None else (cost.value, cost.low, cost.high)),
        *((None, None, None) if energy is None else (energy.kwh.value, energy.kwh.low, energy.kwh.high)),
        None if energy is None or energy.co2e_kg is None else energy.co2e_kg.value,
        each.fewest_devices,
        describe(each.smallest.layout),
        each.smallest.memory.peak,
        command_of(device),
    )


def records(found: Machines, command_of: Command) -> list[tuple[object, ...]]:
    """Return a row for each alternative, under `CSV_HEADER`, unrounded."""
    return [_record(found, each, command_of) for each in found.alternatives]


def machines_csv(found: Machines, command_of: Command) -> str:
    """Return the alternatives as CSV: one device a row, unrounded."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(CSV_HEADER)
    writer.writerows(records(found, command_of))
    return file.getvalue()


def machines_json(found: Machines, command: str, command_of: Command) -> str:
    """Return the alternatives as JSON, numbers unrounded, with their commands."""
    rows = [dict(zip(CSV_HEADER, record, strict=True)) for record in records(found, command_of)]
    kept = ("budget", "n_params", "tokens", "batch_sequences", "n_devices", "device", "cheapest", "fastest", "problem")
    record = {
        "command": command,
        **{name: getattr(found, name) for name in kept},
        "shape": asdict(found.shape),
        "alternatives": rows,
        "notes": notes(found),
    }
    return json.dumps(record, indent=2, ensure_ascii=False, allow_nan=False) + "\n"

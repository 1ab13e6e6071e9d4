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
from budgetscope.core.language import N_, _
from budgetscope.core.laws.intervals import Kind
from budgetscope.report.markdown import ended, escaped, fenced, heading, reproduced, table
from budgetscope.report.rows import UNKNOWN, shape_text
from budgetscope.report.words import between, both, headed, listed, padded

Command = Callable[[str], str]
"""Returns the shell command that plans an alternative, by the id of its device."""

_HEADER = ("", N_("device"), N_("time"), N_("cost"), N_("$/h"), N_("price of"), N_("energy"))
_LAYOUT_HEADER = (N_("fits on"), N_("smallest layout"))
CHEAPEST, FASTEST, OWN = N_("cheapest"), N_("fastest"), N_("this plan")

AS_PLAN = {FASTEST: N_("the fastest as a plan: {command}"), CHEAPEST: N_("the cheapest as a plan: {command}")}
"""How the command of one of the best is said; whoever shows it translates it."""

_TITLES_AS_PLAN = {FASTEST: N_("The fastest as a plan:"), CHEAPEST: N_("The cheapest as a plan:")}


def header(found: Machines) -> tuple[str, ...]:
    """Return the header of the rows; CO2e is among them where a grid's intensity was stated."""
    return headed(_header(found))


def _header(found: Machines) -> tuple[str, ...]:
    return (*_HEADER, *(("CO2e",) if _has_co2e(found) else ()), *_LAYOUT_HEADER)


def _has_co2e(found: Machines) -> bool:
    return any(each.energy is not None and each.energy.co2e_kg is not None for each in found.alternatives)


def title(found: Machines) -> str:
    """Return in one sentence what is trained."""
    told = _("{n_params} parameters on {tokens} tokens, on {n} devices of one kind: {shape}, {batch} sequences a step")
    if found.n_devices == 1:
        told = _("{n_params} parameters on {tokens} tokens, on 1 device: {shape}, {batch} sequences a step")
    return told.format(
        n_params=format_count(found.n_params),
        tokens=format_count(found.tokens),
        n=f"{found.n_devices:g}",
        shape=shape_text(found.shape),
        batch=f"{found.batch_sequences:,}",
    )


def problem_text(found: Machines) -> str:
    """Return why no device holds the model, as a sentence; empty where one does."""
    return f"{found.problem[:1].upper()}{found.problem[1:]}"


def _marks(found: Machines, each: Alternative) -> tuple[str, ...]:
    """Return whether an alternative is the fastest, the cheapest or the plan's own, in English."""
    device = each.machine.device.id
    marks = ((FASTEST, found.fastest), (CHEAPEST, found.cheapest), (OWN, found.device))
    return tuple(name for name, marked in marks if device == marked)


def mark(found: Machines, each: Alternative) -> str:
    """Return whether an alternative is the fastest, the cheapest or the plan's own."""
    return listed(map(_, _marks(found, each)))


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
    left_out = [_("left out: {what}").format(what=sentence) for sentence in found.left_out]
    if found.too_small:
        misfits = _("left out, since {n} do not hold the model: {devices}")
        left_out.append(misfits.format(n=f"{found.n_devices:g}", devices=listed(found.too_small)))
    return (*(_assumed(found) if found.alternatives else ()), *left_out)


def _assumed(found: Machines) -> tuple[str, ...]:
    shares = sorted({each.machine.mfu for each in found.alternatives})
    mfu = percent(shares[0]) if len(shares) == 1 else between((shares[0], shares[-1]), percent)
    ends = [end for each in found.alternatives for end in each.spread.mfu or ()]
    ranges: tuple[str, ...] = ()
    if ends:
        told = _("MFU: as a plan on each takes it; its ranges reach from {low} to {high}, csv and json have each")
        ranges = (told.format(low=f"{min(ends):.0%}", high=f"{max(ends):.0%}"),)
    time = _(
        "time: device-hours at an MFU of {mfu} of the dense peak, over {n} devices; what a device's links and software "
        "lose is not in it (--mfu states another for all)"
    )
    tables = dict.fromkeys(each.machine.device.price_table for each in found.alternatives if _is_listed(each))
    cost = _("cost: no price is known; `budgetscope prices show DEVICE` tells the source")
    if tables:
        cost = _("cost: on-demand prices by {tables}, not live; `budgetscope prices show DEVICE` tells the source")
    return (
        time.format(mfu=mfu, n=f"{found.n_devices:g}"),
        *ranges,
        cost.format(tables=both(map(_, tables))),
        _("energy: with the node's share and the PUE, as in a plan; `budgetscope plan` tells its range"),
        _("fits on: the fewest of 1, 2, 4 and so on that hold the model, with its fastest layout there"),
    )


def machines_markdown(found: Machines, command: str, command_of: Command) -> str:
    """Return the alternatives as a Markdown page.

    Args:
        found: the alternatives.
        command: the shell command that gives the page.
        command_of: that of each alternative.
    """
    title_ = _("Machines for {budget}").format(budget=escaped(found.budget))
    lines = [heading(1, title_), "", ended(escaped(title(found))), ""]
    rows = cells(found)
    lines += [*table(header(found), rows), ""] if rows else [f"**{escaped(problem_text(found))}**", ""]
    lines += [f"- {escaped(note)}" for note in notes(found)]
    lines += ["", *reproduced(command)]
    for name, device in best(found):
        lines += [_(_TITLES_AS_PLAN[name]), "", *fenced(command_of(device)), ""]
    return "\n".join(lines)


def best(found: Machines) -> tuple[tuple[str, str], ...]:
    """Return the fastest and the cheapest, each with the id of its device."""
    return tuple((name, device) for name, device in ((FASTEST, found.fastest), (CHEAPEST, found.cheapest)) if device)


_CHOICE = (("device", 16), ("time", 11), ("cost", 10), ("energy", 10), ("fits on", 8), ("", 0))
"""Columns of a choice with their widths."""


def choices(found: Machines) -> tuple[str, dict[str, str]]:
    """Return a header, and by the id of each device one line with its time, cost, energy and fewest devices."""
    columns = [_header(found).index(name) for name, _width in _CHOICE]
    lines = {
        each.machine.device.id: _line([row[column] for column in columns])
        for each, row in zip(found.alternatives, cells(found), strict=True)
    }
    return _line(headed([name for name, _width in _CHOICE])), lines


def _line(texts: Sequence[str]) -> str:
    return "".join(padded(text, width) for text, (_name, width) in zip(texts, _CHOICE, strict=True)).rstrip()


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
        ", ".join(_marks(found, each)),
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

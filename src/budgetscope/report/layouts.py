"""Format the layouts of a plan: bytes a device by part, as a table, as rows of a plan, as Markdown."""

from budgetscope.core.answers.layout import Layouts, Placed, describe
from budgetscope.core.answers.plan import Plan
from budgetscope.core.hardware.memory import Layout
from budgetscope.core.language import N_, _, ngettext
from budgetscope.report.markdown import ended, escaped, heading, reproduced, table
from budgetscope.report.rows import PlanRow, shape_text
from budgetscope.report.words import headed, listed, noted, sentences, valued

LAYOUT_HEADER = (
    "", N_("layout"), N_("micro"), N_("accum."), N_("peak GB"), N_("free"), N_("time"), N_("loses"),
)  # fmt: skip
BYTES_HEADER = (
    "", N_("weights"), N_("gradients"), "Adam", N_("activations"), N_("logits"), N_("copies"),
)  # fmt: skip
LEGEND = N_(
    "micro: sequences of a micro-batch on a data-parallel device; accum.: micro-batches a step; time: against the "
    "FLOPs alone at the plan's MFU."
)
BYTES_TITLE = N_("GB on the fullest device (copies: gathered blocks, casts and buckets)")


def summary(layouts: Layouts) -> str:
    """Return in one sentence what runs, or why nothing does."""
    if layouts.problem:
        return f"{layouts.problem[:1].upper()}{layouts.problem[1:]}"
    best = layouts.ranked[0]
    fastest = _("{layout} is expected to be fastest: {peak} of {memory} GB on a device ({free} free), {batch}.").format(
        layout=describe(best.layout),
        peak=f"{best.memory.peak / 1e9:.1f}",
        memory=f"{layouts.memory_bytes / 1e9:.0f}",
        free=f"{best.free:.0%}",
        batch=_batch(best, layouts),
    )
    return sentences((fastest, _smallest(layouts)))


def _smallest(layouts: Layouts) -> str:
    """Return the fewest devices that hold the model; nothing where that is all of them."""
    least = layouts.smallest
    if least is None or _held(least) >= layouts.n_devices:
        return ""
    held, half = _held(least), _half(least)
    told = _("1 device holds the model: {layout}, {peak} GB.")
    if held > 1:
        told = _("{n} devices hold the model, {half} do not: {layout}, {peak} GB.")
        told = told if half > 1 else _("{n} devices hold the model, 1 does not: {layout}, {peak} GB.")
    return told.format(n=f"{held:,}", half=f"{half:,}", **_sized(least))


def _held(placed: Placed) -> int:
    return placed.layout.n_devices + placed.idle


def _half(placed: Placed) -> int:
    """Return half of the devices that hold the model, a power of two."""
    return 1 << (_held(placed) - 1).bit_length() - 1 if _held(placed) > 1 else 0


def _devices(placed: Placed) -> str:
    return ngettext("{n} device", "{n} devices", _held(placed)).format(n=f"{_held(placed):,}")


def _hold(least: Placed) -> str:
    """Return that the devices of the smallest layout hold the model, and half of them do not."""
    half = _half(least)
    told = _("holds the model: {layout}, {peak} GB")
    if half:
        told = _("hold the model, {half} do not: {layout}, {peak} GB each")
        told = told if half > 1 else _("hold the model, 1 does not: {layout}, {peak} GB each")
    return told.format(half=f"{half:,}", **_sized(least))


def _sized(placed: Placed) -> dict[str, str]:
    return {"layout": describe(placed.layout), "peak": f"{placed.memory.peak / 1e9:,.1f}"}


def machine_text(layouts: Layouts) -> str:
    """Return the model and the devices in words."""
    return _("{shape}, {context} tokens of context, on {n} x {device}, {memory} GB each").format(
        shape=shape_text(layouts.shape),
        context=f"{layouts.shape.seq_len:,}",
        n=f"{layouts.n_devices:,}",
        device=layouts.device,
        memory=f"{layouts.memory_bytes / 1e9:.0f}",
    )


def _batch(placed: Placed, layouts: Layouts) -> str:
    return batch_text(placed.layout, layouts.batch_sequences)


def batch_text(layout: Layout, batch_sequences: int) -> str:
    """Return how a layout divides a batch of sequences."""
    return ngettext(
        "{micro} x {accumulation} accumulated x {data} data-parallel = {batch} sequence",
        "{micro} x {accumulation} accumulated x {data} data-parallel = {batch} sequences",
        batch_sequences,
    ).format(
        micro=f"{layout.micro_sequences:,}",
        accumulation=f"{layout.accumulation:,}",
        data=f"{layout.data:,}",
        batch=f"{batch_sequences:,}",
    )


def shown(layouts: Layouts) -> tuple[Placed, ...]:
    """Return the layouts to list: those that fit, else the leanest."""
    return layouts.ranked or (layouts.leanest,)


FRAME_HEADER = (
    "layout", "fits", "regime", "data", "tensor", "pipeline", "context", "recompute", "micro_sequences", "accumulation",
    "weights", "gradients", "optimizer", "activations", "logits", "copies", "peak", "free", "idle", "slowdown",
    "reason",
)  # fmt: skip
"""Columns of `frame_rows`: bytes, but for counts, shares and words."""


def frame_rows(layouts: Layouts) -> list[tuple[object, ...]]:
    """Return a row for each listed layout, unrounded, under `FRAME_HEADER`."""
    rows = []
    for placed in shown(layouts):
        layout = placed.layout
        degrees = (layout.data, layout.tensor, layout.pipeline, layout.context, str(layout.recompute))
        batch = (layout.micro_sequences, layout.accumulation)
        speed = (placed.free, placed.idle, placed.slowdown, placed.reason)
        named = (describe(layout), not layouts.problem, str(layout.regime))
        rows.append((*named, *degrees, *batch, *bytes_of(placed), placed.memory.peak, *speed))
    return rows


def layout_cells(layouts: Layouts) -> list[tuple[str, ...]]:
    """Return a row for each layout, under `LAYOUT_HEADER`."""
    return [
        (
            str(number),
            describe(placed.layout),
            f"{placed.layout.micro_sequences:,}",
            f"{placed.layout.accumulation:,}",
            f"{placed.memory.peak / 1e9:,.1f}",
            f"{placed.free:.0%}" if placed.free > 0 else _("none"),
            f"x{placed.slowdown:.2f}",
            placed.reason,
        )
        for number, placed in enumerate(shown(layouts), 1)
    ]


def bytes_cells(layouts: Layouts) -> list[tuple[str, ...]]:
    """Return a row for each layout, under `BYTES_HEADER`."""
    rows = []
    for number, placed in enumerate(shown(layouts), 1):
        rows.append((str(number), *(f"{part / 1e9:,.1f}" for part in bytes_of(placed))))
    return rows


def memory_rows(layouts: Layouts) -> tuple[PlanRow, ...]:
    """Return what a plan says of its memory: bytes on a device in the fastest layout, and the smallest layout."""
    if layouts.problem:
        return (_row("memory_bytes", _("memory"), _("does not fit"), layouts.problem, "run"),)
    best, least = layouts.ranked[0], layouts.smallest
    of = _("{peak} of {memory} GB").format(
        peak=f"{best.memory.peak / 1e9:,.1f}", memory=f"{layouts.memory_bytes / 1e9:.0f}"
    )
    where = _("on a device, {layout}, the fastest that fits")
    if not layouts.counted:
        where = _("on a device, {layout} on one node of {n}, the fastest that fits")
    told = where.format(layout=describe(best.layout), n=layouts.n_devices)
    # Idle devices contradict the plan's time, which all of them share.
    basis = noted((told, _batch(best, layouts), best.reason if best.idle else ""))
    rows = [_row("memory_bytes", _("memory"), of, basis, "run", best.memory.peak)]
    if least is not None:
        rows.append(_row("smallest_devices", _("smallest"), _devices(least), _hold(least), "run", _held(least)))
    return tuple(rows)


def layout_rows(layouts: Layouts) -> tuple[PlanRow, ...]:
    """Return the layouts as rows of a plan, one a layout, of the section `layout`."""
    rows = [] if not layouts.problem else [_row("fit", _("fit"), _("does not fit"), layouts.problem)]
    for number, placed in enumerate(shown(layouts), 1):
        free = _("{share} free").format(share=f"{placed.free:.0%}") if placed.free > 0 else ""
        peak = listed((f"{placed.memory.peak / 1e9:,.1f} GB", free))
        loses = _("loses {what}").format(what=placed.reason)
        basis = noted((valued(peak, _parts(placed)), _batch(placed, layouts), loses))
        label = _("layout {n}").format(n=number)
        rows.append(_row(f"layout_{number}", label, describe(placed.layout), basis))
    return (*rows, _row("margin", _("margin"), "", layouts.notes[0]))


LAYOUT_SECTION = ("layout", N_("Layout on the devices"))


def _parts(placed: Placed) -> str:
    """Return the bytes by part, the largest first."""
    names = zip(BYTES_HEADER[1:], bytes_of(placed), strict=True)
    held = sorted(((part, name) for name, part in names if part >= _LEAST_PART), reverse=True)
    return listed(f"{_(name)} {part / 1e9:,.1f}" for part, name in held)


_LEAST_PART = 5e7
"""Bytes that are 0.1 GB when rounded."""


def bytes_of(placed: Placed) -> tuple[float, ...]:
    """Return the bytes of a layout by part, in the order of `BYTES_HEADER`."""
    memory = placed.memory
    return memory.weights, memory.gradients, memory.optimizer, memory.activations, memory.logits, memory.copies


def _row(key: str, label: str, text: str, basis: str, section: str = "layout", value: float | None = None) -> PlanRow:
    return PlanRow(section, key, label, value, None, None, text, "", basis)


def layouts_section(layouts: Layouts) -> list[str]:
    """Return the lines of the layouts as a Markdown section, without its heading."""
    return [
        f"**{escaped(summary(layouts))}**",
        "",
        ended(escaped(machine_text(layouts))),
        "",
        *table(headed(LAYOUT_HEADER), layout_cells(layouts)),
        "",
        escaped(_(LEGEND)),
        "",
        _("{title}:").format(title=escaped(_(BYTES_TITLE))),
        "",
        *table(headed(BYTES_HEADER), bytes_cells(layouts)),
        "",
        *(f"- {escaped(note)}" for note in layouts.notes),
    ]


def layouts_markdown(layouts: Layouts, plan: Plan, command: str) -> str:
    """Return the layouts as a Markdown page.

    Args:
        layouts: of the plan.
        plan: for its budget and assumptions.
        command: the shell command that gives the page.
    """
    title = _("Memory and layout for {budget}").format(budget=escaped(plan.budget))
    lines = [heading(1, title), "", *layouts_section(layouts)]
    lines += [f"- {escaped(text)}" for text in plan.assumptions]
    return "\n".join([*lines, "", *reproduced(command)])

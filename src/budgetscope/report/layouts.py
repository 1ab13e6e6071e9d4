"""Format the layouts of a plan: bytes a device by part, as a table, as rows of a plan, as Markdown."""

from budgetscope.core.answers.layout import Layouts, Placed, describe
from budgetscope.core.answers.plan import Plan
from budgetscope.report.markdown import escaped, fenced, table
from budgetscope.report.rows import PlanRow, shape_text

LAYOUT_HEADER = ("", "layout", "micro", "accum.", "peak GB", "free", "time", "loses")
BYTES_HEADER = ("", "weights", "gradients", "Adam", "activations", "logits", "copies")
LEGEND = (
    "micro: sequences of a micro-batch on a data-parallel device; accum.: micro-batches a step; time: against the "
    "FLOPs alone at the plan's MFU."
)
BYTES_TITLE = "GB on the fullest device (copies: gathered blocks, casts and buckets)"


def summary(layouts: Layouts) -> str:
    """Return in one sentence what runs, or why nothing does."""
    if layouts.problem:
        return f"{layouts.problem[:1].upper()}{layouts.problem[1:]}"
    best = layouts.ranked[0]
    return (
        f"{describe(best.layout)} is expected to be fastest: {best.memory.peak / 1e9:.1f} of "
        f"{layouts.memory_bytes / 1e9:.0f} GB on a device ({best.free:.0%} free), {_batch(best, layouts)}."
        f" {_smallest(layouts)}"
    ).rstrip()


def _smallest(layouts: Layouts) -> str:
    """Return the fewest devices that hold the model; nothing where that is all of them."""
    least = layouts.smallest
    if least is None or _held(least) >= layouts.n_devices:
        return ""
    return f"{_devices(least)} {_hold(least)}: {_with_peak(least)}."


def _held(placed: Placed) -> int:
    return placed.layout.n_devices + placed.idle


def _devices(placed: Placed) -> str:
    return f"{_held(placed):,} device{'s' * (_held(placed) > 1)}"


def _hold(least: Placed) -> str:
    """Return that the devices of the smallest layout hold the model, and half of them, a power of two, do not."""
    held = _held(least)
    if held == 1:
        return "holds the model"
    return f"hold the model, {1 << (held - 1).bit_length() - 1:,} do{'es' * (held == 2)} not"


def _with_peak(placed: Placed) -> str:
    return f"{describe(placed.layout)}, {placed.memory.peak / 1e9:,.1f} GB"


def machine_text(layouts: Layouts) -> str:
    """Return the model and the devices in words."""
    devices = f"{layouts.n_devices:,} x {layouts.device}, {layouts.memory_bytes / 1e9:.0f} GB each"
    return f"{shape_text(layouts.shape)}, {layouts.shape.seq_len:,} tokens of context, on {devices}"


def _batch(placed: Placed, layouts: Layouts) -> str:
    layout = placed.layout
    return (
        f"{layout.micro_sequences:,} x {layout.accumulation:,} accumulated x {layout.data:,} data-parallel = "
        f"{layouts.batch_sequences:,} sequences"
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
            f"{placed.free:.0%}" if placed.free > 0 else "none",
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
        return (_row("memory", "does not fit", layouts.problem, "run"),)
    best, least = layouts.ranked[0], layouts.smallest
    of = f"{best.memory.peak / 1e9:,.1f} of {layouts.memory_bytes / 1e9:.0f} GB"
    where = "" if layouts.counted else f" on one node of {layouts.n_devices}"
    basis = f"on a device, {describe(best.layout)}{where}, the fastest that fits; {_batch(best, layouts)}"
    rows = [_row("memory", of, basis, "run")]
    if least is not None:
        rows.append(_row("smallest", _devices(least), f"{_hold(least)}: {_with_peak(least)} each", "run"))
    return tuple(rows)


def layout_rows(layouts: Layouts) -> tuple[PlanRow, ...]:
    """Return the layouts as rows of a plan, one a layout, of the section `layout`."""
    rows = [] if not layouts.problem else [_row("fit", "does not fit", layouts.problem)]
    for number, placed in enumerate(shown(layouts), 1):
        free = f", {placed.free:.0%} free" if placed.free > 0 else ""
        peak = f"{placed.memory.peak / 1e9:,.1f} GB{free}"
        basis = f"{peak} ({_parts(placed)}); {_batch(placed, layouts)}; loses {placed.reason}"
        rows.append(_row(f"layout {number}", describe(placed.layout), basis))
    return (*rows, _row("margin", "", layouts.notes[0]))


LAYOUT_SECTION = ("layout", "Layout on the devices")


def _parts(placed: Placed) -> str:
    """Return the bytes by part, the largest first."""
    names = zip(BYTES_HEADER[1:], bytes_of(placed), strict=True)
    held = sorted(((part, name) for name, part in names if part >= _LEAST_PART), reverse=True)
    return ", ".join(f"{name} {part / 1e9:,.1f}" for part, name in held)


_LEAST_PART = 5e7
"""Bytes that are 0.1 GB when rounded."""


def bytes_of(placed: Placed) -> tuple[float, ...]:
    """Return the bytes of a layout by part, in the order of `BYTES_HEADER`."""
    memory = placed.memory
    return memory.weights, memory.gradients, memory.optimizer, memory.activations, memory.logits, memory.copies


def _row(label: str, text: str, basis: str, section: str = "layout") -> PlanRow:
    return PlanRow(section, label.replace(" ", "_"), label, text, None, None, text, "", basis)


def layouts_section(layouts: Layouts) -> list[str]:
    """Return the lines of the layouts as a Markdown section, without its heading."""
    return [
        f"**{escaped(summary(layouts))}**",
        "",
        f"{escaped(machine_text(layouts))}.",
        "",
        *table(LAYOUT_HEADER, layout_cells(layouts)),
        "",
        escaped(LEGEND),
        "",
        f"{escaped(BYTES_TITLE)}:",
        "",
        *table(BYTES_HEADER, bytes_cells(layouts)),
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
    lines = [f"# Memory and layout for {escaped(plan.budget)}", "", *layouts_section(layouts)]
    lines += [f"- {escaped(text)}" for text in plan.assumptions]
    return "\n".join([*lines, "", "## Reproduce", "", *fenced(command), ""])

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
    )


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
        memory = placed.memory
        parts = (memory.weights, memory.gradients, memory.optimizer, memory.activations, memory.logits, memory.copies)
        rows.append((str(number), *(f"{part / 1e9:,.1f}" for part in parts)))
    return rows


def layout_rows(layouts: Layouts) -> tuple[PlanRow, ...]:
    """Return the layouts as rows of a plan, one a layout, of the section `layout`."""
    rows = [] if not layouts.problem else [_row("fit", "does not fit", layouts.problem)]
    for number, placed in enumerate(shown(layouts), 1):
        free = f", {placed.free:.0%} free" if placed.free > 0 else ""
        peak = f"{placed.memory.peak / 1e9:,.1f} GB{free}"
        basis = f"{peak}; {_batch(placed, layouts)}; loses {placed.reason}"
        rows.append(_row(f"layout {number}", describe(placed.layout), basis))
    return (*rows, _row("margin", "", layouts.notes[0]))


LAYOUT_SECTION = ("layout", "Layout on the devices")


def _row(label: str, text: str, basis: str) -> PlanRow:
    return PlanRow("layout", label.replace(" ", "_"), label, text, None, None, text, "", basis)


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

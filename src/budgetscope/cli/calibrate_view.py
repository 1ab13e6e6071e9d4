"""How a calibration looks: its price, its progress on a terminal and in plain lines, its end."""

from typing import TYPE_CHECKING

from budgetscope.calibrate import text as words
from budgetscope.core.budget.quantities import format_count, format_flops

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from budgetscope.calibrate.plan.request import Ready
    from budgetscope.calibrate.plan.spec import Spec
    from budgetscope.calibrate.run.folder import RunFolder
    from budgetscope.calibrate.run.state import CellState, RunState

_BARS = "▁▂▃▄▅▆▇█"
_WIDTH = 32


def show_price(ready: "Ready", console: "Console") -> None:
    """Print what a run trains and costs."""
    from rich.text import Text

    from budgetscope.cli.output import show_cautions, table

    console.print(Text(words.heading(ready)))
    console.print()
    rows = [words.price_cells(stage, ready.spec.corpus) for stage in ready.price.stages]
    console.print(table(words.PRICE_HEADER, rows))
    console.print()
    console.print(Text(words.budgets(ready)))
    console.print(Text(words.in_all(ready)))
    show_cautions(console, ready.price.cautions)


def show_cells(ready: "Ready", console: "Console") -> None:
    """Print every cell of a design; stage 2 with the hyperparameters that the rule gives."""
    from rich.text import Text

    from budgetscope.cli.output import table

    rows = [
        (
            cell.id,
            str(stage),
            format_count(cell.n_params),
            f"{cell.shape.width}x{cell.shape.depth}",
            f"{cell.learning_rate:.3g}",
            str(cell.batch_sequences),
            f"{cell.beta2:g}",
            str(cell.seed),
            format_count(cell.tokens),
            format_flops(cell.flops_at(cell.tokens)),
            str(len(cell.readings)),
        )
        for stage, cells in ((1, ready.spec.design.stage1), (2, ready.spec.design.stage2))
        for cell in cells
    ]
    header = ("cell", "stage", "N", "width x depth", "lr", "batch", "beta2", "seed", "D", "6ND", "readings")
    console.print()
    console.print(table(header, rows))
    console.print(Text("the ids of stage 2 change with the hyperparameters that stage 1 finds"), style="dim")


def sparkline(values: list[float], width: int = _WIDTH) -> str:
    """Return values as bars, high for large ones; the latest when there are more than `width`."""
    shown = values[-width:]
    if not shown:
        return ""
    low, high = min(shown), max(shown)
    span = (high - low) or 1.0
    return "".join(_BARS[min(len(_BARS) - 1, int((v - low) / span * len(_BARS)))] for v in shown)


def progress_panel(state: "RunState", spec: "Spec") -> "RenderableType":
    """Return the live view of a run."""
    from rich.console import Group
    from rich.progress_bar import ProgressBar
    from rich.text import Text

    done = sum(s.finished for s in state.cells.values())
    lines: list[RenderableType] = [
        Text(f"{spec.run}: {words.STAGES[state.stage]}"),
        ProgressBar(total=max(1, len(state.cells)), completed=done, width=_WIDTH * 2),
        Text(words.counts(state)),
        Text(words.speed(state, spec)),
    ]
    best = state.best
    if best is not None:
        lines.append(Text(f"best so far: {words.cell_result(best)}"))
    leader = _leader(state)
    if leader is not None:
        losses = [loss for _, loss in leader.curve]
        lines.append(Text(f"training loss {losses[-1]:.3f} {sparkline(losses)}  {words.cell_result(leader)}"))
    lines += [Text(f"! {problem}", style="yellow") for problem in state.problems[-3:]]
    return Group(*lines)


def progress_line(state: "RunState", spec: "Spec") -> str:
    """Return the state of a run on one line."""
    best = state.best
    parts = [words.STAGES[state.stage], words.counts(state), words.speed(state, spec)]
    if best is not None:
        parts.append(f"best {best.final_loss:.4f}")
    return "; ".join(part for part in parts if part)


def _leader(state: "RunState") -> "CellState | None":
    """Return the cell with the lowest training loss among those that train."""
    running = [s for key in state.running if (s := state.cells.get(key)) and s.curve and not s.finished]
    return min(running, key=lambda s: s.curve[-1][1], default=None)


def show_status(folder: "RunFolder", state: "RunState", spec: "Spec", console: "Console") -> None:
    """Print where a run is."""
    from rich.text import Text

    owner = folder.owner()
    alive = owner is not None and owner.alive
    console.print(Text(f"{folder.name}: {words.status_word(state, alive=alive)}"))
    if state.reason:
        console.print(Text(state.reason))
    if owner is not None and alive:
        console.print(Text(f"process {owner.pid} on {owner.host}, last sign of life {owner.age:.0f} s ago"))
    console.print(progress_panel(state, spec))
    if words.history(state):
        console.print(Text(words.history(state)))
    if not alive and state.status != "done":
        console.print(Text(f"go on with: budgetscope calibrate --resume {folder.handle}"))

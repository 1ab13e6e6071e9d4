"""How a calibration looks: its price, its progress on a terminal and in plain lines, its end."""

import time
from collections import Counter
from typing import TYPE_CHECKING

from budgetscope.core.quantities import format_count, format_flops

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from budgetscope.calibrate.fold import CellState, RunState
    from budgetscope.calibrate.folder import RunFolder
    from budgetscope.calibrate.request import Ready
    from budgetscope.calibrate.spec import Spec

_BARS = "▁▂▃▄▅▆▇█"
_WIDTH = 32
_STAGES = {0: "starting", 1: "stage 1: learning rate, batch and beta2", 2: "stage 2: sizes and budgets"}


def show_price(ready: "Ready", console: "Console") -> None:
    """Print what a run trains and costs."""
    from rich.text import Text

    from budgetscope.cli.output import table

    spec, price = ready.spec, ready.price
    corpus = spec.corpus
    console.print(
        Text(
            f"{spec.design.preset} calibration on {corpus.title}: {format_count(corpus.train_tokens)} training tokens "
            f"({corpus.tokenizer}, vocabulary {corpus.vocab_size}), context {spec.design.seq_len}, on "
            f"{ready.facts.name}"
        )
    )
    console.print()
    rows = [
        (
            str(stage.stage),
            str(stage.cells),
            f"{format_count(stage.sizes[0])} to {format_count(stage.sizes[-1])} ({len(stage.sizes)})",
            format_flops(stage.flops),
            format_count(stage.tokens),
            f"{stage.longest_tokens / corpus.train_tokens:.2g}",
            duration(stage.seconds),
            f"{stage.memory_bytes / 1e9:.2g} GB",
        )
        for stage in price.stages
    ]
    header = ("stage", "cells", "N (sizes)", "6ND FLOPs", "tokens", "epochs of the longest", "time", "memory")
    console.print(table(header, rows))
    console.print()
    budgets = ", ".join(
        f"{format_flops(c)} ({sizes} sizes)"
        for c, sizes in zip(spec.design.budgets, price.sizes_per_budget, strict=True)
    )
    console.print(Text(f"budgets: {budgets}; {len(spec.design.seeds)} seeds a size"))
    source = "measured" if price.rate.measured else "assumed"
    console.print(
        Text(
            f"in all {format_flops(price.flops)} FLOPs and about {duration(price.seconds)} at {source} rates; the "
            f"exponent of N*(C) to about ±{price.exponent_half_width:.2g} (95%, seed noise alone)"
        )
    )
    for caution in price.cautions:
        console.print(Text(f"! {caution}"), style="yellow")


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
            str(len(cell.readings)),
        )
        for stage, cells in ((1, ready.spec.design.stage1), (2, ready.spec.design.stage2))
        for cell in cells
    ]
    header = ("cell", "stage", "N", "width x depth", "lr", "batch", "beta2", "seed", "D", "readings")
    console.print()
    console.print(table(header, rows))
    console.print(Text("the ids of stage 2 change with the hyperparameters that stage 1 finds"), style="dim")


def duration(seconds: float) -> str:
    """Return a time as people say it."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    if seconds < 100 * 60:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"


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
        Text(f"{spec.run}: {_STAGES[state.stage]}"),
        ProgressBar(total=max(1, len(state.cells)), completed=done, width=_WIDTH * 2),
        Text(_counts(state)),
        Text(_speed(state, spec)),
    ]
    best = state.best
    if best is not None:
        lines.append(Text(f"best so far: {_cell(best)}"))
    leader = _leader(state)
    if leader is not None:
        losses = [loss for _, loss in leader.curve]
        lines.append(Text(f"training loss {losses[-1]:.3f} {sparkline(losses)}  {_cell(leader)}"))
    lines += [Text(f"! {problem}", style="yellow") for problem in state.problems[-3:]]
    return Group(*lines)


def progress_line(state: "RunState", spec: "Spec") -> str:
    """Return the state of a run on one line."""
    best = state.best
    parts = [_STAGES[state.stage], _counts(state), _speed(state, spec)]
    if best is not None:
        parts.append(f"best {best.final_loss:.4f}")
    return "; ".join(part for part in parts if part)


def _counts(state: "RunState") -> str:
    if not state.cells:
        return "no cell planned yet"
    counts = Counter("waiting" if s.status == "planned" else s.status for s in state.of_stage(state.stage))
    order = ("done", "running", "waiting", "diverged", "failed")
    return ", ".join(f"{counts[name]} {name}" for name in order if counts[name]) + f" of {counts.total()} cells"


def _speed(state: "RunState", spec: "Spec") -> str:
    from budgetscope.calibrate.price import seconds_left

    parts = []
    if state.tokens_per_s is not None and state.flops_per_s is not None:
        parts.append(f"{format_count(state.tokens_per_s)} tokens/s, {state.flops_per_s / 1e12:.3g} TFLOP/s")
        if state.peak_flops_per_s:
            parts.append(f"MFU {state.flops_per_s / state.peak_flops_per_s:.0%}")
    left = seconds_left(state, spec.design)
    if left is not None and state.status == "running":
        parts.append(f"about {duration(left)} left")
    return ", ".join(parts)


def _leader(state: "RunState") -> "CellState | None":
    """Return the cell with the lowest training loss among those that train."""
    running = [s for key in state.running if (s := state.cells.get(key)) and s.curve and not s.finished]
    return min(running, key=lambda s: s.curve[-1][1], default=None)


def _cell(state: "CellState") -> str:
    cell = state.cell
    loss = "" if state.final_loss is None else f"{state.final_loss:.4f} nats, "
    return (
        f"{loss}N={format_count(cell.n_params)}, lr {cell.learning_rate:.2g}, batch {cell.batch_sequences} x "
        f"{cell.shape.seq_len}, beta2 {cell.beta2:g}"
    )


def show_status(folder: "RunFolder", state: "RunState", spec: "Spec", console: "Console") -> None:
    """Print where a run is."""
    from rich.text import Text

    owner = folder.owner()
    alive = owner is not None and owner.alive
    console.print(Text(f"{folder.name}: {status_word(state, alive=alive)}"))
    if state.reason:
        console.print(Text(state.reason))
    if owner is not None and alive:
        console.print(Text(f"process {owner.pid} on {owner.host}, last sign of life {owner.age:.0f} s ago"))
    console.print(progress_panel(state, spec))
    if state.trained_seconds and state.started:
        console.print(
            Text(
                f"trained for {duration(state.trained_seconds)} in {state.generation} "
                f"{'worker' if state.generation == 1 else 'workers'}, started "
                f"{time.strftime('%Y-%m-%d %H:%M', time.localtime(state.started))} on {state.device}"
            )
        )
    if not alive and state.status != "done":
        console.print(Text(f"go on with: budgetscope calibrate --resume {folder.name}"))


def status_word(state: "RunState", *, alive: bool) -> str:
    """Return the status of a run; a run whose worker died says so."""
    return "interrupted" if state.status == "running" and not alive else state.status

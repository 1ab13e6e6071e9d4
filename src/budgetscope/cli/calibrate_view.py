"""Views of a calibration in the terminal: its price, its cells, its progress and its status."""

from typing import TYPE_CHECKING

from budgetscope.api.calibration import texts
from budgetscope.core.budget.quantities import format_count, format_flops
from budgetscope.core.language import _

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console, RenderableType

    from budgetscope.api.calibration import (
        CellState,
        Judgement,
        Ready,
        RunFolder,
        RunState,
        RunStatus,
        Spec,
        WorkerView,
    )
    from budgetscope.core.laws.fit import Fit

_BARS = "▁▂▃▄▅▆▇█"
_WIDTH = 32
_MOST_WORKERS = 16
"""Shown in the live view, so that the rest of it stays on the screen."""


def show_price(ready: "Ready", foretold: str, console: "Console") -> None:
    """Print the design of a run, its price, and how well N would be known after it."""
    from rich.text import Text

    from budgetscope.cli.output import show_cautions, table
    from budgetscope.report.words import headed

    console.print(Text(texts.heading(ready)))
    console.print()
    rows = [texts.price_cells(stage, ready.spec.corpus) for stage in ready.price.stages]
    console.print(table(headed(texts.PRICE_HEADER), rows))
    console.print()
    console.print(Text(texts.budgets(ready)))
    console.print(Text(texts.in_all(ready)))
    console.print(Text(foretold))
    show_cautions(console, ready.price.cautions)


def show_cells(ready: "Ready", console: "Console") -> None:
    """Print every cell of a design; stage 2 has the hyperparameters of Porian's rule."""
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
    header = (
        _("cell"), _("stage"), "N", _("width x depth"), _("lr"), _("batch"), "beta2", _("seed"), "D", "6ND",
        _("readings"),
    )  # fmt: skip
    console.print()
    console.print(table(header, rows))
    console.print(Text(_("the ids of stage 2 change with the hyperparameters that stage 1 finds")), style="dim")


def sparkline(values: list[float], width: int = _WIDTH) -> str:
    """Return values as bars, the latest `width` of them."""
    shown = values[-width:]
    if not shown:
        return ""
    low, high = min(shown), max(shown)
    span = (high - low) or 1.0
    return "".join(_BARS[min(len(_BARS) - 1, int((v - low) / span * len(_BARS)))] for v in shown)


def progress_panel(state: "RunState", spec: "Spec", workers: "Sequence[WorkerView]" = ()) -> "RenderableType":
    """Return the live view of a run, for `rich.live`; of several workers, each is shown."""
    from rich.console import Group
    from rich.progress_bar import ProgressBar
    from rich.text import Text

    from budgetscope.cli.output import table
    from budgetscope.report.fit_page import labelled
    from budgetscope.report.words import headed

    done = sum(s.finished for s in state.cells.values())
    lines: list[RenderableType] = [
        Text(labelled(spec.run, texts.stage_text(state.stage))),
        ProgressBar(total=max(1, len(state.cells)), completed=done, width=_WIDTH * 2),
        Text(texts.counts(state)),
        Text(texts.speed(state, spec)),
    ]
    if len(workers) > 1:
        rows = [texts.worker_cells(view, state) for view in workers]
        lines += [Text(texts.worker_counts(workers)), table(headed(texts.WORKER_HEADER), rows[:_MOST_WORKERS])]
        lines += [Text(_("… {n} more").format(n=len(rows) - _MOST_WORKERS))] if len(rows) > _MOST_WORKERS else []
    if state.best is not None:
        lines.append(Text(texts.best(state)))
    leader = _leader(state)
    if leader is not None:
        losses = [loss for _, loss in leader.curve]
        told = _("training loss {loss}").format(loss=f"{losses[-1]:.3f}")
        lines.append(Text(f"{told} {sparkline(losses)}  {texts.cell_result(leader)}"))
    lines += [Text(f"! {problem}", style="yellow") for problem in (state.damage, *state.problems[-3:]) if problem]
    return Group(*lines)


def progress_line(state: "RunState", spec: "Spec") -> str:
    """Return the progress of a run on one line."""
    from budgetscope.report.words import noted

    best = state.best
    parts = [texts.stage_text(state.stage), texts.counts(state), texts.speed(state, spec)]
    if best is not None:
        parts.append(_("best {loss}").format(loss=f"{best.final_loss:.4f}"))
    return noted(parts)


def _leader(state: "RunState") -> "CellState | None":
    """Return the cell with the lowest training loss of the stack that trains; None between stacks."""
    running = [s for key in state.running if (s := state.cells.get(key)) and s.curve and not s.finished]
    return min(running, key=lambda s: s.curve[-1][1], default=None)


def show_exponents(fit: "Fit | None", console: "Console") -> None:
    """Print a calibration's own, published and combined exponent; nothing without a fit."""
    from rich.text import Text

    from budgetscope.report.fit_page import labelled
    from budgetscope.report.fits import exponent_rows

    for label, text in exponent_rows(fit) if fit is not None else ():
        console.print(Text(labelled(label, text)))


def show_change(judged: "Judgement", console: "Console") -> None:
    """Print what a fit changes at the user's budget and what following it costs; the refusal if it gives no plan."""
    from rich.text import Text

    from budgetscope.cli.output import table
    from budgetscope.report.acceptance import CHANGE_HEADER, change_rows, cost_sentences, exponent_note
    from budgetscope.report.fit_difference import loss_note
    from budgetscope.report.words import headed

    console.print()
    if judged.answers is None:
        told = judged.refusal or _("No budget is known to show the change at: give one with --at.")
        console.print(Text(told))
        return
    before, after = (answer.plan for answer in judged.answers)
    told = _("at {budget}: {before} -> {after}")
    console.print(Text(told.format(budget=before.budget, before=judged.before.id, after=judged.fit.id)))
    console.print(table(headed(CHANGE_HEADER), change_rows(before, after)))
    costs = cost_sentences(judged.before.id, judged.fit.id, judged.costs)
    for sentence in filter(None, (loss_note(judged.difference), *exponent_note(judged.fit), *costs)):
        console.print(Text(sentence))


def show_status(folder: "RunFolder", status: "RunStatus", spec: "Spec", console: "Console") -> None:
    """Print the status of a run."""
    from rich.text import Text

    from budgetscope.api.calibration import stored_fit
    from budgetscope.cli.output import table
    from budgetscope.report.fit_page import labelled
    from budgetscope.report.words import headed

    state = status.state
    console.print(Text(labelled(folder.name, texts.status_text(status.status))))
    if state.reason:
        console.print(Text(state.reason))
    if status.queue:
        console.print(Text(_("in Slurm's queue: {jobs}").format(jobs=status.queue)))
    if len(status.workers) > 1:
        console.print(Text(texts.worker_counts(status.workers)))
    if status.workers and (status.live or len(status.workers) > 1):
        console.print(table(headed(texts.WORKER_HEADER), [texts.worker_cells(view, state) for view in status.workers]))
    console.print(progress_panel(state, spec))
    if texts.history(state):
        console.print(Text(texts.history(state)))
    fit = stored_fit(folder)
    show_exponents(fit, console)
    if fit is not None and fit.too_small:
        console.print(Text(fit.too_small))
    if not status.live and not status.queue and state.status != "done":
        command = f"budgetscope calibrate --resume {folder.handle}"
        console.print(Text(_("go on with: {command}").format(command=command)))

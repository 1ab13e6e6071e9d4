"""Format the intake of a runs table, and the scores of a law on it, as table cells and JSON."""

import json
from collections.abc import Sequence
from dataclasses import asdict

from budgetscope.core.budget.quantities import format_count
from budgetscope.fitting.score import CellScore, ScoreSummary
from budgetscope.report.rows import UNKNOWN
from budgetscope.store.tables.formats import plain
from budgetscope.store.tables.intake import Intake

INTAKE_HEADER = ("rows", "what", "why")
_SHOWN_ROWS = 6


def intake_cells(intake: Intake) -> list[tuple[str, ...]]:
    """Return the numbers of rows read, merged, dropped and used, under `INTAKE_HEADER`."""
    columns = ", ".join(f"{field} from {plain(column)}" for field, column in intake.mapping.items())
    lines: list[tuple[str, ...]] = [(str(intake.read), "read", f"{intake.counting} counting; {columns}")]
    merged = sum(len(group) - 1 for group in intake.merged)
    if merged:
        lines.append((str(merged), "merged", "they repeat another row"))
    for dropped in intake.dropped:
        # A row of a chart exported from W&B holds points of several runs.
        numbers = list(dict.fromkeys(dropped.rows))
        shown = ", ".join(map(str, numbers[:_SHOWN_ROWS]))
        more = f" and {len(numbers) - _SHOWN_ROWS} more" if len(numbers) > _SHOWN_ROWS else ""
        lines.append((str(len(dropped.rows)), "dropped", f"{dropped.reason} (row {shown}{more})"))
    lines.append((str(intake.used), "used", ""))
    return lines


SCORE_HEADER = ("N", "D", "lr", "batch", "best lr", "best batch", "excess", "permille", "remark")


def score_cells(score: CellScore) -> tuple[str, ...]:
    """Return the row of one cell's score, under `SCORE_HEADER`."""
    best, excess, permille = score.best, score.excess, score.excess_permille
    remark = score.reason
    if excess is not None and score.noise is not None and excess < score.noise:
        remark = f"within one run's noise of {score.noise:.4f}"
    return (
        format_count(score.n_params),
        format_count(score.tokens),
        f"{score.learning_rate:.2g}",
        format_count(score.batch_tokens),
        UNKNOWN if best is None else f"{best.learning_rate:.2g}",
        UNKNOWN if best is None else format_count(best.batch_tokens),
        UNKNOWN if excess is None else f"{excess:+.4f}",
        UNKNOWN if permille is None else f"{permille:.2f}",
        remark,
    )


def summary_text(summary: ScoreSummary | None) -> str:
    """Return a law's scores in one sentence."""
    if summary is None:
        return "no cell's grid holds its recommendation, so that it has no score"
    text = (
        f"mean excess {summary.mean_excess:.4f} nats ({summary.mean_permille:.2f} permille), at most "
        f"{summary.max_excess:.4f} ({summary.max_permille:.2f}), over {_cells(summary.scored)}"
    )
    return text + (f"; {_cells(summary.unscored)} could not be scored" if summary.unscored else "")


def _cells(count: int) -> str:
    return f"{count} cell{'s' * (count != 1)}"


def score_json(fit_id: str, cells: Sequence[CellScore], summary: ScoreSummary | None) -> str:
    """Return scores as JSON."""
    record = {
        "law": fit_id,
        "cells": [asdict(c) | {"excess": c.excess, "excess_permille": c.excess_permille} for c in cells],
        "summary": None if summary is None else asdict(summary),
    }
    return json.dumps(record, indent=2) + "\n"

"""Format the intake of a runs table, and the scores of a law on it, as table cells and JSON."""

import json
from collections.abc import Sequence
from dataclasses import asdict

from budgetscope.core.budget.quantities import format_count
from budgetscope.core.language import N_, _, ngettext
from budgetscope.fitting.score import CellScore, ScoreSummary
from budgetscope.report.rows import UNKNOWN
from budgetscope.report.words import listed, noted
from budgetscope.store.tables.formats import plain
from budgetscope.store.tables.intake import Intake

INTAKE_HEADER = (N_("rows"), N_("what"), N_("why"))
_SHOWN_ROWS = 6


def intake_cells(intake: Intake) -> list[tuple[str, ...]]:
    """Return the numbers of rows read, merged, dropped and used, under `INTAKE_HEADER`."""
    taken = _("{field} from {column}")
    columns = listed(taken.format(field=field, column=plain(column)) for field, column in intake.mapping.items())
    counting = _("{convention} counting").format(convention=intake.counting)
    lines: list[tuple[str, ...]] = [(str(intake.read), _("read"), noted((counting, columns)))]
    merged = sum(len(group) - 1 for group in intake.merged)
    if merged:
        lines.append((str(merged), _("merged"), _("they repeat another row")))
    for dropped in intake.dropped:
        # A row of a chart exported from W&B holds points of several runs.
        numbers = list(dict.fromkeys(dropped.rows))
        shown = ", ".join(map(str, numbers[:_SHOWN_ROWS]))
        told = _("{reason} (row {rows} and {n} more)") if len(numbers) > _SHOWN_ROWS else _("{reason} (row {rows})")
        why = told.format(reason=dropped.reason, rows=shown, n=len(numbers) - _SHOWN_ROWS)
        lines.append((str(len(dropped.rows)), _("dropped"), why))
    lines.append((str(intake.used), _("used"), ""))
    return lines


SCORE_HEADER = (
    "N", "D", N_("lr"), N_("batch"), N_("best lr"), N_("best batch"), N_("excess"), N_("permille"), N_("remark"),
)  # fmt: skip


def score_cells(score: CellScore) -> tuple[str, ...]:
    """Return the row of one cell's score, under `SCORE_HEADER`."""
    best, excess, permille = score.best, score.excess, score.excess_permille
    remark = score.reason
    if excess is not None and score.noise is not None and excess < score.noise:
        remark = _("within one run's noise of {noise}").format(noise=f"{score.noise:.4f}")
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
        return _("no cell's grid holds its recommendation, so that it has no score")
    told = ngettext(
        "mean excess {mean} nats ({mean_permille} permille), at most {most} ({most_permille}), over {n} cell",
        "mean excess {mean} nats ({mean_permille} permille), at most {most} ({most_permille}), over {n} cells",
        summary.scored,
    ).format(
        mean=f"{summary.mean_excess:.4f}",
        mean_permille=f"{summary.mean_permille:.2f}",
        most=f"{summary.max_excess:.4f}",
        most_permille=f"{summary.max_permille:.2f}",
        n=summary.scored,
    )
    left = ngettext("{n} cell could not be scored", "{n} cells could not be scored", summary.unscored)
    return noted((told, left.format(n=summary.unscored) if summary.unscored else ""))


def score_json(fit_id: str, cells: Sequence[CellScore], summary: ScoreSummary | None) -> str:
    """Return scores as JSON."""
    record = {
        "law": fit_id,
        "cells": [asdict(c) | {"excess": c.excess, "excess_permille": c.excess_permille} for c in cells],
        "summary": None if summary is None else asdict(summary),
    }
    return json.dumps(record, indent=2) + "\n"

"""Format plans, comparisons, scenarios and ledgers as CSV, JSON and Markdown."""

import json
from dataclasses import asdict, is_dataclass
from typing import TYPE_CHECKING, Any

from budgetscope.core.answers.comparison import Comparison
from budgetscope.core.answers.layout import Layouts
from budgetscope.core.answers.plan import Plan
from budgetscope.core.counting.ledger import Ledger
from budgetscope.core.language import _
from budgetscope.report.csv import csv_text
from budgetscope.report.decision import decision
from budgetscope.report.law_rows import COMPARISON_HEADER, comparison_rows, outlier_note
from budgetscope.report.layouts import memory_rows, shown
from budgetscope.report.markdown import ended, escaped, heading, reproduced, table
from budgetscope.report.recipe_words import confirmation_command
from budgetscope.report.rows import LEVEL_TITLES, SECTIONS, PlanRow, plan_header, plan_rows
from budgetscope.report.scenarios import LESS, MORE, Board
from budgetscope.report.words import headed, quoted, sentences

if TYPE_CHECKING:
    from collections.abc import Sequence


def to_json(value: Any) -> str:
    """Return a result, a frozen dataclass, as JSON: its fields by name, numbers unrounded; a plan's decision first."""
    if not is_dataclass(value) or isinstance(value, type):
        raise TypeError(f"{type(value).__name__} is no result")
    return json.dumps(_record(value), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _record(value: Any) -> dict[str, Any]:
    record = asdict(value)
    return {"decision": decision(value), **record} if isinstance(value, Plan) else record


def ledger_json(ledger: Ledger) -> str:
    """Return a ledger as JSON."""
    record = {
        "shape": asdict(ledger.shape),
        "executed_flops_per_token": ledger.shape.executed_flops_per_token,
        "counts": [asdict(count) for count in ledger.counts],
    }
    return json.dumps(record, indent=2) + "\n"


def export_json(plan: Plan, comparison: Comparison, command: str, layouts: Layouts | None = None) -> str:
    """Return a plan, a comparison and layouts, with the command that reproduces them, as JSON."""
    record = {"command": command, "plan": _record(plan), "comparison": asdict(comparison)}
    if layouts is not None:
        record["layouts"] = asdict(layouts)
    return json.dumps(record, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def all_rows(plan: Plan, layouts: Layouts | None) -> tuple[PlanRow, ...]:
    """Return the rows of a plan with those of its memory; None for the layouts of a model without a shape."""
    return (*plan_rows(plan), *(() if layouts is None else memory_rows(layouts)))


PLAN_CSV_HEADER = ("section", "quantity", "value", "low", "high", "basis")


def plan_csv(plan: Plan, layouts: Layouts | None = None) -> str:
    """Return a plan as CSV: one quantity a row, unrounded, then assumptions and cautions."""
    rows: list[Sequence[object]] = [
        (row.section, row.key, row.value, row.low, row.high, row.basis) for row in all_rows(plan, layouts)
    ]
    rows += [("assumption", "", text, None, None, "") for text in plan.assumptions]
    rows += [("caution", caution.code, caution.text, None, None, "") for caution in plan.cautions]
    return csv_text(PLAN_CSV_HEADER, rows)


COMPARISON_CSV_HEADER = (
    "fit_id", "title", "ablation", "counting", "n_params", "tokens", "tokens_per_param", "own_n_params",
    "learning_rate", "batch_tokens", "loss_difference", "wasted_share", "wasted_usd",
)  # fmt: skip


def comparison_csv(comparison: Comparison) -> str:
    """Return a comparison as CSV: one law a row, unrounded."""
    return csv_text(
        COMPARISON_CSV_HEADER,
        ([getattr(row, name) for name in COMPARISON_CSV_HEADER] for row in comparison.rows),
    )


def export_csv(plan: Plan, comparison: Comparison, command: str, layouts: Layouts | None = None) -> str:
    """Return a plan, a comparison, layouts and their command as one CSV in long form: table, row, column, value."""
    rows: list[Sequence[object]] = [("command", "", "command", command)]
    rows += [
        ("plan", row.key, name, getattr(row, name))
        for row in all_rows(plan, layouts)
        for name in ("value", "low", "high", "basis")
    ]
    rows += [("assumption", str(i), "text", text) for i, text in enumerate(plan.assumptions)]
    rows += [("caution", caution.code, "text", caution.text) for caution in plan.cautions]
    rows += [
        ("comparison", row.fit_id, name, getattr(row, name))
        for row in comparison.rows
        for name in COMPARISON_CSV_HEADER[1:]
    ]
    for number, placed in enumerate(() if layouts is None else shown(layouts), 1):
        parts = {**asdict(placed.layout), **asdict(placed.memory), "free": placed.free, "slowdown": placed.slowdown}
        rows += [("layout", str(number), name, value) for name, value in parts.items()]
    rows += [("skipped", str(i), "text", sentence) for i, sentence in enumerate(comparison.skipped)]
    return csv_text(("table", "row", "column", "value"), rows)


def plan_markdown(plan: Plan, command: str, layouts: Layouts | None = None) -> str:
    """Return a plan as a Markdown section.

    Args:
        plan: the plan.
        command: the shell command that gives the same plan.
        layouts: of its model, for its memory; None where it has no shape.
    """
    rows = all_rows(plan, layouts)
    lines = [heading(1, _("Plan for {budget}").format(budget=escaped(plan.budget))), ""]
    lines += [*(f"- **{escaped(sentence)}**" for sentence in decision(plan)), "", ended(escaped(plan.understood)), ""]
    for section, title in SECTIONS:
        chosen = [(r.label, r.text, r.interval, r.basis) for r in rows if r.section == section]
        if not chosen:
            continue
        lines += [heading(2, _(title)), "", *table(plan_header(), chosen), ""]
    lines += [heading(2, _("Assumptions")), "", *(f"- {text}" for text in _assumptions(plan)), ""]
    if plan.cautions:
        lines += [heading(2, _("Before you believe this")), ""]
        for level, title in LEVEL_TITLES.items():
            texts = [f"- {escaped(caution.text)}" for caution in plan.cautions if caution.level == level]
            lines += [_("{title}:").format(title=_(title)), "", *texts, ""] if texts else []
    confirm = confirmation_command(plan)
    if confirm:
        lines += [_("The recipe of the runs that confirm the learning rate: `{command}`").format(command=confirm), ""]
    return "\n".join([*lines, *reproduced(command)])


def _assumptions(plan: Plan) -> list[str]:
    """Return the assumptions of a plan with its law, counting, sequences and vocabulary, as Markdown."""
    law = _("law: {law} (`{id}`), counting: {convention}")
    told = _("sequences of {length} tokens, a vocabulary of {vocabulary}")
    return [
        law.format(law=escaped(plan.law_title), id=plan.law_id, convention=plan.convention),
        *map(escaped, plan.assumptions),
        told.format(length=plan.seq_len, vocabulary=plan.vocab_size),
    ]


def comparison_markdown(comparison: Comparison) -> str:
    """Return a comparison as a Markdown section."""
    rows = comparison_rows(comparison)
    cells = [
        (f"**{escaped(r.title)}**" if r.chosen else escaped(r.title),
         r.n_params, r.tokens, r.tokens_per_param, r.learning_rate, r.batch, r.loss_difference, escaped(r.wasted))
        for r in rows
    ]  # fmt: skip
    note = _(
        "N and D are the optimum of each law by the {convention} count, for {budget}; the shape to build is near it. "
        "d-loss and waste (deadweight compute) by `{law}`."
    ).format(convention=comparison.convention, budget=escaped(comparison.understood), law=comparison.law_id)
    note = sentences((note, outlier_note(comparison.rows)))
    notes = [f"- {escaped(caution.text)}" for caution in comparison.cautions]
    notes += ["- " + _("assumed {what}").format(what=escaped(text)) for text in comparison.assumptions]
    notes += ["- " + _("skipped: {what}").format(what=escaped(sentence)) for sentence in comparison.skipped]
    header = headed(COMPARISON_HEADER)
    lines = [heading(2, _("What the laws say")), "", note, "", *table(header, cells, escape=False), ""]
    return "\n".join([*lines, *notes, ""] if notes else lines)


def board_markdown(board: Board) -> str:
    """Return scenarios side by side as a Markdown section."""
    base = quoted(board.columns[board.reference].name)
    note = _(
        "{more} and {less} compare with {base}: N, C and D/N only where the counting is the same, the loss only where "
        "the law is."
    ).format(more=MORE, less=LESS, base=escaped(base))
    cells = [
        (row.label, *(" ".join(filter(None, (cell.text, cell.difference))) for cell in row.cells)) for row in board.rows
    ]
    header = ("", *(escaped(column.name) for column in board.columns))
    refused = [f"- {escaped(column.name)}: {escaped(column.problem)}" for column in board.columns if column.problem]
    lines = [heading(2, _("Scenarios")), "", note, "", *table(header, cells), ""]
    return "\n".join([*lines, *refused, ""] if refused else lines)

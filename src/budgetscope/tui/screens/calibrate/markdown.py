"""A calibration as Markdown."""

from typing import TYPE_CHECKING

from budgetscope.calibrate import text as words
from budgetscope.report.markdown import escaped, table
from budgetscope.tui.screens.calibrate.fit_comparison import Verdict
from budgetscope.tui.screens.calibrate.runs import View

if TYPE_CHECKING:
    from budgetscope.calibrate.plan.request import Ready


def of_design(ready: "Ready") -> str:
    """Return a design and its price."""
    rows = [words.price_cells(stage, ready.spec.corpus) for stage in ready.price.stages]
    cautions = [f"- {escaped(text)}" for text in ready.price.cautions]
    said = [f"- {escaped(text)}" for text in (words.heading(ready), words.budgets(ready), words.in_all(ready))]
    return "\n".join(["# A calibration, priced", "", *table(words.PRICE_HEADER, rows), "", *said, *cautions, ""])


def of_run(run: View, verdict: Verdict | None) -> str:
    """Return where a run is, and what its fit would change."""
    state = run.state
    best = "" if state.best is None else f"best so far: {words.cell_result(state.best)}"
    facts = (
        f"status: {run.status}", words.counts(state), run.speed, words.history(state), best, run.problem,
        *state.problems,
    )  # fmt: skip
    lines = [f"# Calibration {escaped(run.folder.name)}", "", *(f"- {escaped(text)}" for text in facts if text), ""]
    if verdict is not None:
        lines += [*table(("", verdict.before, verdict.fit.id), [*verdict.own, *verdict.decades]), ""]
        lines += [f"- {escaped(flag)}" for flag in verdict.cautions]
    return "\n".join(lines).rstrip() + "\n"

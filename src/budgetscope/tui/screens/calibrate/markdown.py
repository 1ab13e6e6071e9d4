"""Calibrations as Markdown, to copy."""

from budgetscope.api.calibration import Ready, texts
from budgetscope.report.markdown import escaped, table
from budgetscope.tui.screens.calibrate.fit_comparison import Verdict
from budgetscope.tui.screens.calibrate.runs import View


def of_design(ready: Ready, foretold: str) -> str:
    """Return a design, its price, and how well N would be known after its run."""
    rows = [texts.price_cells(stage, ready.spec.corpus) for stage in ready.price.stages]
    cautions = [f"- {escaped(text)}" for text in ready.price.cautions]
    told = (texts.heading(ready), texts.budgets(ready), texts.in_all(ready), foretold)
    said = [f"- {escaped(text)}" for text in told if text]
    return "\n".join(["# A calibration, priced", "", *table(texts.PRICE_HEADER, rows), "", *said, *cautions, ""])


def of_run(run: View, verdict: Verdict | None) -> str:
    """Return the status of a run, and what its fit would change."""
    state = run.state
    best = texts.best(state)
    facts = (
        f"status: {run.status}", texts.counts(state), run.speed, texts.history(state), best, run.problem,
        state.damage, *state.problems,
    )  # fmt: skip
    lines = [f"# Calibration {escaped(run.folder.name)}", "", *(f"- {escaped(text)}" for text in facts if text), ""]
    if verdict is not None:
        lines += [*table(("", verdict.before, verdict.fit.id), [*verdict.own, *verdict.decades]), ""]
        told = (*verdict.costs, *(f"{what}: {text}" for what, text in verdict.exponents), *verdict.cautions)
        lines += [f"- {escaped(sentence)}" for sentence in told]
    return "\n".join(lines).rstrip() + "\n"

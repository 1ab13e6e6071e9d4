"""Whatever numbers a fit file holds: it is refused in our words when it is read or asked, or it gives numbers."""

import contextlib
import copy
import json
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from tests.bundled import bundled
from tests.sizes import examples

from budgetscope.api import Advisor, PlanRequest
from budgetscope.core.answers.answer import answer
from budgetscope.core.answers.comparison import compare
from budgetscope.core.answers.curves import curve
from budgetscope.core.answers.explanation import explain
from budgetscope.core.answers.fit_difference import differ
from budgetscope.core.answers.question import Question
from budgetscope.core.counting.ledger import Convention
from budgetscope.core.errors import BudgetscopeError
from budgetscope.core.laws.fit import Fit
from budgetscope.report.explanation import explanation_markdown
from budgetscope.report.fit_page import fit_lines
from budgetscope.report.fits import law_cells
from budgetscope.report.tables import comparison_markdown, export_csv, export_json, plan_markdown
from budgetscope.store.fit_library import Layer, Library
from budgetscope.store.fit_schema import decode, encode
from budgetscope.store.locations import bundled_fits
from budgetscope.store.settings import Settings

TUNED = "porian2024/refinedweb-tuned"


@cache
def advisor() -> Advisor:
    return Advisor(Library((Layer("bundled", bundled_fits()),)), Settings(), ())


def record_of(fit_id: str) -> dict[str, Any]:
    """Return a fit's record with a few draws only: what is searched for is in their values, not in their number."""
    record = encode(bundled()[fit_id])
    for law in record["laws"].values():
        if law["uncertainty"] and "rows" in law["uncertainty"]:
            del law["uncertainty"]["rows"][3:]
    return record


def numbers(value: Any) -> Iterator[tuple[Any, Any]]:
    """Yield container and key of every number below a value."""
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, entry in entries:
        if isinstance(entry, int | float) and not isinstance(entry, bool):
            yield value, key
        yield from numbers(entry)


RECORDS = [record_of(name) for name in bundled()]
EXTREMES = [0.0, -1.0, 1.0, 10.0, -10.0, 60.0, 1e-60, 1e60, 1e-300, 0.999, -0.5, 3.0, 1e300, 10**400, 5e-324]
extremes = st.sampled_from(EXTREMES) | st.floats(-1e3, 1e3)


@st.composite
def hostile(draw: st.DrawFn) -> dict[str, Any]:
    record: dict[str, Any] = copy.deepcopy(draw(st.sampled_from(RECORDS)))
    places = [*numbers(record["laws"]), *numbers(record["points"])]
    for _ in range(draw(st.integers(1, 3))):
        container, key = draw(st.sampled_from(places))
        container[key] = draw(extremes)
    return record


def show(question: Question, fit: Fit) -> None:
    found = answer(question)
    comparison = compare(found, [fit, bundled()[TUNED]])
    assert json.loads(export_json(found.plan, comparison, "x"))
    assert export_csv(found.plan, comparison, "x")
    assert plan_markdown(found.plan, "x") + comparison_markdown(comparison)


@examples(300)
@given(
    hostile(),
    st.sampled_from(["1e10 FLOPs", "1e21", "1e32 FLOPs", "64xH100 14d", "N=7B", "D=140B", "loss 2.6"]),
    st.sampled_from(list(Convention)),
)
def test_a_fit_is_refused_in_our_words_or_gives_numbers(
    record: dict[str, Any], budget: str, convention: Convention
) -> None:
    ours = contextlib.suppress(BudgetscopeError)
    try:
        fit = decode(record)
    except BudgetscopeError:
        return
    assert fit_lines(fit)
    assert [law_cells(role, law) for role, law in fit.laws.items()]
    with ours:
        question = advisor().question(PlanRequest(budget, counting=str(convention)))
        family = question.family
        with ours:
            show(replace(question, fit=fit, hyperparameters=(fit, *question.hyperparameters)), fit)
        with ours:
            show(replace(question, spread_fits=(fit,)), fit)
        with ours:
            assert curve(fit, convention, family, (1e17, 1e21, 1e25)).n_params
        with ours:
            assert differ(bundled()[TUNED], fit, family)
        with ours:
            shadowing = bundled() | {fit.id: fit}
            said = explain(answer(question), shadowing.__getitem__)
            assert explanation_markdown(said)

"""Fit files whose every number is of ordinary size and whose law overflows, vanishes or turns negative all the same."""

import json
from pathlib import Path
from typing import Any

import pytest
from tests.bundled import fit

from budgetscope.api import Advisor, PlanRequest
from budgetscope.core.errors import BudgetscopeError, FailureError
from budgetscope.core.laws.intervals import allocation_exponent
from budgetscope.report.tables import to_json
from budgetscope.store.fit_schema import decode, encode
from budgetscope.store.locations import user_fits

TUNED = "porian2024/refinedweb-tuned"


def hostile(name: str) -> dict[str, Any]:
    role, parameters, rows = HOSTILE[name]
    record = encode(fit(TUNED))
    record["id"] = "mine/hostile"
    law = record["laws"][role]
    law["parameters"] |= parameters
    if rows is not None:
        law["uncertainty"]["rows"] = rows
    return record


HOSTILE: dict[str, tuple[str, dict[str, float], list[list[float]] | None]] = {
    "N overflows": ("allocation", {"coefficient": 1e60, "exponent": 10}, None),
    "N vanishes": ("allocation", {"exponent": -10}, None),
    "a power overflows": ("allocation", {"flops_unit": 1e-60, "exponent": 10}, None),
    "a tiny unit": ("allocation", {"flops_unit": 1e-300, "exponent": 10}, None),
    "a draw overflows": ("allocation", {}, [[1e59, 0.5], [1.0, 0.5]]),
    "a draw's exponent overflows": ("allocation", {}, [[1.0, 1e50], [1.0, 0.5]]),
    "the loss reaches its floor": ("loss_curve", {"exponent": 10}, None),
    "the loss is negative": ("loss_curve", {"floor": -500}, None),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_planning_with_it_is_answered_or_refused_in_our_words(tmp_path: Path, name: str) -> None:
    path = tmp_path / "hostile.json"
    path.write_text(json.dumps(hostile(name)))
    advisor, refused = Advisor(), []
    for ask in (
        lambda: advisor.answer(PlanRequest("1e21", law=str(path))).plan,
        lambda: advisor.answer(PlanRequest("loss 2.5", law=str(path))).plan,
        lambda: advisor.compare(advisor.answer(PlanRequest("1e21", law=str(path)))),
        lambda: advisor.fit_library.difference(TUNED, str(path)),
        lambda: advisor.curves(advisor.answer(PlanRequest("1e21", law=str(path))), (), (1e16, 1e26)),
    ):
        try:
            assert ask()
        except BudgetscopeError as error:
            refused.append(str(error))
    for sentence in refused:
        assert sentence.isprintable()
        assert "mine/hostile" in sentence


ABSURD = ["N overflows", "N vanishes", "a power overflows", "a tiny unit"]


@pytest.mark.parametrize("name", ABSURD)
def test_a_law_that_leaves_all_sense_within_the_budgets_is_refused_when_read(name: str) -> None:
    with pytest.raises(FailureError, match="mine/hostile gives no usable numbers"):
        decode(hostile(name))


@pytest.mark.parametrize("name", ABSURD)
def test_it_does_not_stop_a_comparison_of_the_others(name: str) -> None:
    path = user_fits() / "mine" / "hostile.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(hostile(name)))
    advisor = Advisor()
    comparison = advisor.compare(advisor.answer(PlanRequest("1e21")))
    (problem,) = [entry.problem for entry in advisor.entries if entry.problem]
    assert str(path) in problem
    assert TUNED in {row.fit_id for row in comparison.rows}
    assert json.loads(to_json(comparison))


@pytest.mark.parametrize("level", [1e-60, 0.0, 0.49, 0.99995, 0.9999999999999999, 1.0, -0.8, 80.0])
def test_an_interval_of_a_level_that_nobody_publishes_is_refused(level: float) -> None:
    record = encode(fit("hoffmann2022/approach-1"))
    record["laws"]["allocation"]["uncertainty"]["level"] = level
    with pytest.raises(FailureError, match=r"a level from 0\.5 to 0\.9999"):
        decode(record)


def test_a_level_near_one_is_not_told_as_all() -> None:
    record = encode(fit("hoffmann2022/approach-1"))
    record["laws"]["allocation"]["uncertainty"]["level"] = 0.999
    exponent = allocation_exponent(decode(record))
    assert exponent is not None
    assert exponent.basis == "95%, from the published 99.9% interval"

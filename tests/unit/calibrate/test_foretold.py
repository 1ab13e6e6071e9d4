"""How well N at the user's budget would be known after a run, before it starts."""

import math
from collections.abc import Sequence
from pathlib import Path

import pytest
from tests.asking import ADVISOR
from tools.own_fit import run_folders

from budgetscope.api import PlanRequest
from budgetscope.api.foretold import TYPICAL, foretell
from budgetscope.calibrate.fit import isoflop_table
from budgetscope.calibrate.plan.cells import Cell
from budgetscope.calibrate.plan.design import Design, design
from budgetscope.calibrate.plan.device import Rate
from budgetscope.fitting.joint import fit_joint
from budgetscope.fitting.weighing import weighed
from budgetscope.report.calibration_value import foretold_text

FAR = PlanRequest("1e22")


def planned(preset: str, minutes: float) -> Design:
    def cost(cells: Sequence[Cell]) -> float:
        return Rate.assumed("cuda").seconds(cells)

    return design(preset, 60 * minutes, cost, 4096, 512)


def test_the_runs_of_2026_11_29_gave_the_intervals_that_are_foretold(reference: Path) -> None:
    for letter, (spec, state) in run_folders(reference, "abcd").items():
        table = isoflop_table(state)
        assert table is not None
        line = weighed(fit_joint(table)).line
        for budget, flops in (("1e20", 1e20), ("1e22", 1e22), ("3.1e22", 3.1e22)):
            factor = foretell(ADVISOR, spec.design, PlanRequest(budget)).factor
            assert factor is not None
            assert math.log(factor) / line.half_width(flops) == pytest.approx(1, abs=0.2), letter


def test_more_minutes_and_seeds_foretell_a_narrower_interval() -> None:
    quick, standard, deep = (
        foretell(ADVISOR, planned(name, minutes), FAR).factor
        for name, minutes in (("quick", 5), ("standard", 20), ("deep", 120))
    )
    assert quick is not None
    assert standard is not None
    assert deep is not None
    assert deep < standard < quick < 2.5


def test_it_stands_beside_todays_interval() -> None:
    found = foretell(ADVISOR, planned("standard", 20), FAR)
    today = ADVISOR.answer(FAR).plan.n_params
    assert (found.law, found.today) == ("porian2024/refinedweb-tuned", today)
    said = foretold_text(found)
    assert said.startswith("N* at 1e22 FLOPs: today 10.8 B [")
    assert f"within a factor of {found.factor:.2g} either way on yours" in said
    assert f"as those of {TYPICAL}" in said
    without = foretold_text(foretell(ADVISOR, planned("standard", 20), PlanRequest("1e22", law="meta2024/llama3")))
    assert "today 8.48 B by meta2024/llama3, without an interval; after this run" in without


def test_a_design_that_is_too_small_to_plan_by_promises_nothing() -> None:
    found = foretell(ADVISOR, planned("smoke", 5), FAR)
    assert found.factor is None
    assert foretold_text(found).endswith("; this design is too small to plan by, and leaves it so")

"""The bundled scoreboard against what is published of the grids, and against the grids themselves."""

from pathlib import Path

import pytest
from tests.bundled import bundled

from budgetscope.api.scoreboard import score_all
from budgetscope.core.laws.scoreboard import LawScore, ScoredGrid
from budgetscope.store.scoreboard import bundled_scoreboard, dump, parse

RULE, STEP = "porian2024/rounded-rule", "steplaw2025/dense"


def steplaw() -> ScoredGrid:
    (grid,) = (grid for grid in bundled_scoreboard().grids if grid.id == "steplaw")
    return grid


def of(law: str) -> LawScore:
    (found,) = (score for score in steplaw().laws if score.law == law)
    return found


def test_every_bundled_recipe_is_on_the_scoreboard() -> None:
    recipes = {name for name, fit in bundled().items() if "batch_size" in fit.laws and not fit.ablation}
    # MiniCPM's batch follows from a loss.
    assert {law.law for law in steplaw().laws} == recipes - {"minicpm2024/average"}


def test_step_laws_grid() -> None:
    grid = steplaw()
    assert (grid.runs, len(grid.laws[0].cells)) == (1911, 17)
    # Their law on their grid: 0.94 permille at their test point (table 1 of arXiv 2503.04715, by a transcription).
    own = of(STEP).cost()
    assert own is not None
    assert own.excess_permille == pytest.approx(1.0, abs=0.1)
    assert of(STEP).fitted_here
    assert not of(RULE).fitted_here
    # The rounded rule at 19 tokens a parameter, at the nearest setting of the grid: 0.025 nats at 215M, 0.047 at 429M,
    # 0.040 at 537M, 0.036 at 1.07B, about 1.4 times the compute there. A step of the grid is worth a tenth of that.
    for size, excess in ((215, 0.025), (429, 0.047), (537, 0.040), (1074, 0.036)):
        (cell,) = (c for c in of(RULE).cells if round(c.n_params / 1e6) == size and c.tokens < 30 * c.n_params)
        assert cell.excess == pytest.approx(excess, rel=0.12)
        assert not cell.inside_range
    assert cell.compute_factor == pytest.approx(1.4, rel=0.05)


def test_the_bundled_scoreboard_is_that_of_the_grids(reference: Path) -> None:
    made = parse(dump(score_all([bundled()[name] for name in sorted(bundled())], str(reference))))
    stored = bundled_scoreboard()
    for mine, theirs in zip(made.grids, stored.grids, strict=True):
        assert [law.law for law in mine.laws] == [law.law for law in theirs.laws]
        assert mine.ranking().keys() == theirs.ranking().keys()
        for one, other in zip(mine.laws, theirs.laws, strict=True):
            assert [c.place for c in one.cells] == [c.place for c in other.cells]
            for a, b in zip(one.cells, other.cells, strict=True):
                assert a.excess == pytest.approx(b.excess, rel=1e-3, abs=1e-6)
                assert a.compute_factor == pytest.approx(b.compute_factor, rel=1e-3)
    for made_optima, stored_optima in zip(made.optima, stored.optima, strict=True):
        for mine_there, theirs_there in zip(made_optima.distances, stored_optima.distances, strict=True):
            assert (mine_there.law, mine_there.optima) == (theirs_there.law, theirs_there.optima)
            assert mine_there.batch_ratio == pytest.approx(theirs_there.batch_ratio, rel=1e-3)
            assert mine_there.learning_rate_ratio == pytest.approx(theirs_there.learning_rate_ratio, rel=1e-3)

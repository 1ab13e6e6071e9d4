"""Recipes on a planted grid: what they cost in loss and in compute, and whether that counts."""

from dataclasses import replace

import numpy as np
import pytest
from tests.bundled import fit
from tests.planted_sweep import planted_sweep

from budgetscope.core.counting.ledger import Convention
from budgetscope.core.laws.fit import Fit
from budgetscope.core.laws.forms import LossSurface, Monomial
from budgetscope.core.laws.scoreboard import Scoreboard
from budgetscope.fitting.scoreboard import RecipeGrid, compute_factor, distances, score_laws
from budgetscope.fitting.sweep import sweep_cells
from budgetscope.store.scoreboard import dump, parse

RULE = fit("porian2024/rounded-rule")
SURFACE = LossSurface(E=1.7, A=400.0, B=2000.0, alpha=0.34, beta=0.37)


def law(fit_id: str, lr_factor: float = 1.0, batch_factor: float = 1.0) -> Fit:
    """The rounded rule under another name, with its learning rate and batch multiplied."""
    laws = dict(RULE.laws)
    for role, factor in (("learning_rate", lr_factor), ("batch_size", batch_factor)):
        form = laws[role].law
        assert isinstance(form, Monomial)
        laws[role] = replace(laws[role], law=replace(form, coefficient=factor * form.coefficient))
    return replace(RULE, id=fit_id, laws=laws)


def rate(n: float, _d: float) -> float:
    return float(0.0047 * (n / 108e6) ** (-1 / 3))


def batch(n: float, _d: float) -> float:
    return float(160 * 2048 * (n / 108e6) ** (2 / 3))


def planted(*sizes: float) -> RecipeGrid:
    table = planted_sweep(
        cells=[(n, ratio * n) for n in sizes for ratio in (20.0, 80.0)],
        lr_law=rate,
        batch_law=batch,
        learning_rates=[1.5e-3 * 2 ** (k / 2) for k in range(9)],
        batches=[2048.0 * 32 * 2 ** (k / 2) for k in range(9)],
        beta2s=(0.95,),
        tilt=0.0,
    )
    own = frozenset({"lab/own"})
    return RecipeGrid("grid", "A grid", "nobody", "constant", Convention.STANDARD, 2048, own, sweep_cells(table))


def test_what_recipes_cost_and_what_of_it_counts() -> None:
    alone = replace(RULE, id="lab/batch", laws={"batch_size": RULE.laws["batch_size"]})
    without = replace(RULE, id="lab/rate", laws={"learning_rate": RULE.laws["learning_rate"]})
    fits = [law("lab/double", 2.0), RULE, law("lab/own"), alone, without, law("lab/far", batch_factor=100.0)]
    grid = score_laws(planted(54e6, 108e6), fits)
    scores = {score.law: score for score in grid.laws}
    # A law without a batch has no score.
    assert list(scores) == ["lab/double", RULE.id, "lab/own", "lab/batch", "lab/far"]
    assert {name for name, score in scores.items() if score.counted} == {"lab/double", RULE.id, "lab/far"}
    assert [cell.excess for cell in scores[RULE.id].cells] == pytest.approx([0.0] * 4, abs=3e-3)
    # 9.6 permille a factor of two of the learning rate; the batch alone costs nothing.
    double = scores["lab/double"].cost()
    assert double is not None
    assert double.excess_permille == pytest.approx(9.6, abs=1.0)
    assert [cell.batch_excess for cell in scores["lab/double"].cells] == pytest.approx([0.0] * 4, abs=3e-3)
    assert all(cell.learning_rate is None and (cell.excess or 0) < 3e-3 for cell in scores["lab/batch"].cells)
    assert {cell.place for cell in scores["lab/far"].cells} == {"outside"}
    assert scores["lab/far"].cost() is None
    assert list(grid.ranking()) == [RULE.id, "lab/double"]
    assert list(grid.ranking(n_params=54e6, max_tokens_per_param=30)) == [RULE.id, "lab/double"]
    # The rule was fitted at 20 tokens a parameter.
    assert [cell.inside_range for cell in scores[RULE.id].cells] == [True, False] * 2
    assert scores[RULE.id].cells[1].beyond == pytest.approx(4, rel=1e-6)
    # What is read back is what was written.
    board = Scoreboard((grid,), (distances(planted(54e6, 108e6), fits),))
    assert parse(dump(parse(dump(board)))) == parse(dump(board))
    assert parse(dump(board)).grids[0].laws[0].cells[0].excess == pytest.approx(grid.laws[0].cells[0].excess, rel=1e-4)


def test_distances_are_those_of_the_law_from_the_optima() -> None:
    found = distances(planted(108e6, 432e6), [law("lab/double", 2.0, 0.5)])
    for _, each in found.by_law():
        assert [d.n_params for d in each] == [108e6, 432e6]
        for one in each:
            # The optimum is one of the settings: within half a step of the square root of two.
            assert one.learning_rate_ratio == pytest.approx(2.0, rel=0.2)
            assert one.batch_ratio == pytest.approx(0.5, rel=0.2)
            assert one.batch_error == pytest.approx(np.log(2), rel=0.26)


@pytest.mark.parametrize("factor", [1.0, 1.4, 10.0])
def test_the_factor_of_compute_makes_up_the_loss(factor: float) -> None:
    n, d = 1e9, 2e10
    excess = SURFACE.loss(n, d) - SURFACE.loss(n * factor**0.5, d * factor**0.5)
    assert compute_factor(SURFACE, n, d, excess) == pytest.approx(factor, rel=1e-9)
    assert compute_factor(SURFACE, n, d, SURFACE.loss(n, d) - SURFACE.E) is None

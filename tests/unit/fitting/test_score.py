import math

import numpy as np
import pytest
from tests.planted_sweep import LR_CURVATURE, best_batch, best_lr, lr_excess, planted_sweep

from budgetscope.core.errors import UsageError
from budgetscope.fitting.hyperparameters import fit_hyperparameters
from budgetscope.fitting.noise import ConstantNoise
from budgetscope.fitting.score import score, summarize
from budgetscope.fitting.sweep import SweepTable, diverged_sentence, sweep_cells


def truth(n_params: float, tokens: float) -> tuple[float, float]:
    return best_lr(n_params, tokens), best_batch(n_params, tokens)


def fine_sweep(lean: float = 0.0) -> SweepTable:
    """A sweep in steps of the square root of two, as Step Law's."""
    return planted_sweep(
        lean=lean,
        learning_rates=tuple(5e-4 * 2.0 ** (np.arange(13) / 2)),
        batches=tuple(2048 * 2.0 ** (np.arange(11) / 2)),
    )


def porian_rounded_rule(n_params: float, tokens: float) -> tuple[float, float]:
    """Porian et al. 2024, the rule behind the tuned runs: their plotting.py."""
    del tokens
    return 0.0047 * (n_params / 108e6) ** (-1 / 3), 2048 * 160 * (n_params / 108e6) ** (2 / 3)


def test_the_planted_optimum_costs_nothing() -> None:
    scores = score(sweep_cells(fine_sweep(lean=0.5)), truth)
    assert len(scores) == 4
    for one in scores:
        assert one.excess_permille is not None
        assert 0 <= one.excess_permille < 0.3
        assert one.best is not None
        # The best is a setting that was tried: within a step.
        assert one.best.learning_rate == pytest.approx(one.learning_rate, rel=0.42)
        assert one.best.batch_tokens == pytest.approx(one.batch_tokens, rel=0.42)
        assert one.reason == ""
        assert one.noise is None


@pytest.mark.parametrize("factor", [0.5, 2.0, 3.0])
@pytest.mark.parametrize("lean", [0.0, 0.5])
def test_a_wrong_learning_rate_costs_what_was_planted(factor: float, lean: float) -> None:
    cells = sweep_cells(fine_sweep(lean=lean))
    scores = score(cells, lambda n, d: (factor * truth(n, d)[0], truth(n, d)[1]))
    planted = math.expm1(lr_excess(math.log(factor), lean))
    for one in scores:
        assert one.excess_permille == pytest.approx(1000 * planted, abs=0.9)
        assert one.best is not None
        assert one.excess == pytest.approx(one.best.loss * (one.excess_permille or 0) / 1000)


def test_the_summary_is_over_the_cells_with_a_score() -> None:
    cells = sweep_cells(fine_sweep())

    def off_for_large(n: float, d: float) -> tuple[float, float]:
        factor = {1e6: 1.0, 2e6: 2.0, 4e6: 2.0, 8e6: 100.0}[n]
        return factor * truth(n, d)[0], truth(n, d)[1]

    scores = score(cells, off_for_large)
    summary = summarize(scores)
    assert summary is not None
    assert (summary.scored, summary.unscored) == (3, 1)
    twice = 1000 * math.expm1(LR_CURVATURE * math.log(2) ** 2)
    assert summary.max_permille == pytest.approx(twice, rel=0.08)
    assert summary.mean_permille == pytest.approx(2 / 3 * twice, rel=0.08)
    assert summary.max_excess == max(s.excess for s in scores if s.excess is not None)
    assert summary.mean_excess < summary.max_excess
    assert scores[3].excess is None
    assert scores[3].excess_permille is None
    assert "learning rate 0.297 lies outside the grid, 0.0005 to 0.032" in scores[3].reason
    assert scores[3].best is not None


def test_outside_the_grid_there_is_a_reason_and_no_number() -> None:
    cells = sweep_cells(planted_sweep(diverge_above=4.0))
    assert "batch 1 lies outside" in score(cells, lambda n, d: (best_lr(n, d), 1.0))[0].reason
    corner = score(cells[:1], lambda _n, _d: (0.03, 2048.0))
    assert corner[0].loss is None
    assert corner[0].place == "hole"
    assert corner[0].diverged > 0
    assert "where runs diverged or were not made" in corner[0].reason
    assert summarize(corner) is None
    with pytest.raises(UsageError, match="cannot be trained with"):
        score(cells, lambda _n, _d: (float("nan"), 2048.0))


def test_runs_that_diverged_make_no_optimum() -> None:
    """Their losses are finite: Akima's spline dips in front of them, by tens of permille."""
    smooth = planted_sweep(cells=((1e6, 2e7),), beta2s=(0.95,))
    x = np.log(smooth.learning_rate / best_lr(1e6, 2e7)) - 0.4 * np.log(smooth.batch_tokens / best_batch(1e6, 2e7))
    loss = np.where(x > np.log(3.0), 12.0, smooth.loss)
    torn = SweepTable(
        smooth.n_params, smooth.tokens, smooth.learning_rate, smooth.batch_tokens, loss, smooth.beta2, smooth.seeds
    )
    cells = sweep_cells(torn)
    (one,), (whole,) = score(cells, truth), score(sweep_cells(smooth), truth)
    assert one.excess_permille == pytest.approx(whole.excess_permille, abs=0.3)
    assert one.best == whole.best
    assert one.diverged == int((loss == 12.0).sum()) > 3
    assert diverged_sentence(cells).startswith(f"{one.diverged} of {len(torn)} settings diverged and were left out")
    # A run that diverged between two that did not: the loss there is not told.
    lost = int(np.flatnonzero((smooth.learning_rate == 2e-3) & (smooth.batch_tokens == 2048))[0])
    hole = np.where(np.arange(len(smooth)) == lost, np.nan, smooth.loss)
    between = score(
        sweep_cells(
            SweepTable(smooth.n_params, smooth.tokens, smooth.learning_rate, smooth.batch_tokens, hole, smooth.beta2)
        ),
        lambda _n, _d: (1.9e-3, 2048.0),
    )
    assert between[0].place == "hole"


def test_settings_that_learn_too_slowly_did_not_diverge() -> None:
    table = planted_sweep(cells=((1e6, 2e7),), learning_rates=(2.5e-4, 1e-3, 4e-3, 1.6e-2))
    assert table.loss.max() > 1.25 * table.loss.min()
    (cell,) = sweep_cells(table)
    assert cell.diverged == ()


def test_the_rim_of_the_grid_is_inside() -> None:
    table = planted_sweep()
    cells = sweep_cells(table)
    (first, *_) = score(cells, lambda _n, _d: (float(table.learning_rate.max()), float(table.batch_tokens.min())))
    at = (table.learning_rate == table.learning_rate.max()) & (table.batch_tokens == table.batch_tokens.min())
    assert first.loss == pytest.approx(table.loss[at & (table.n_params == 1e6)].min(), rel=1e-9)


def test_a_cell_without_a_grid_gets_a_reason() -> None:
    table = planted_sweep(cells=((1e6, 2e7),))
    (one,) = score(sweep_cells(table.rows(np.flatnonzero(table.batch_tokens == 2048))), truth)
    assert one.best is None
    assert one.excess is None
    assert "fewer than two batches" in one.reason


def test_porians_rule_is_scored_and_wins_where_it_is_the_truth() -> None:
    def lr(n: float, d: float) -> float:
        return porian_rounded_rule(n, d)[0]

    def batch(n: float, d: float) -> float:
        return porian_rounded_rule(n, d)[1]

    cells = tuple((n, 20 * n) for n in (28.672e6, 57.38496e6, 108.46208e6))
    table = planted_sweep(
        cells=cells,
        lr_law=lr,
        batch_law=batch,
        learning_rates=[7.5e-4 * 2 ** (k / 2) for k in range(11)],
        batches=[2048.0 * 8 * 2 ** (k / 2) for k in range(13)],
    )
    measured = sweep_cells(table)
    own = summarize(score(measured, porian_rounded_rule))
    other = summarize(score(measured, lambda n, d: (2 * lr(n, d), batch(n, d))))
    assert own is not None
    assert other is not None
    assert own.max_permille < 0.3
    assert other.mean_permille > 5


def test_a_law_is_scored_on_sizes_it_has_not_seen() -> None:
    fit = fit_hyperparameters(planted_sweep(cells=((1e6, 2e7), (2e6, 4e7))), noise=ConstantNoise(1e-4))
    unseen = sweep_cells(
        planted_sweep(cells=((8e6, 1.6e8),), seeds=2, log_std=0.001, rng=np.random.default_rng(0)),
    )
    (one,) = score(unseen, lambda n, d: (fit.learning_rate.at(n, d), fit.batch_tokens.at(n, d)))
    assert one.excess_permille is not None
    assert one.excess_permille < 2
    assert one.best is not None
    assert one.noise == pytest.approx(0.001 * one.best.loss, rel=0.3)

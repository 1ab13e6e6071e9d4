"""From runs to a stored fit."""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from tests.planted_surfaces import planted_runs

from budgetscope.core.counting.ledger import Convention
from budgetscope.core.errors import UsageError
from budgetscope.core.laws.drifting_line import DriftingLine
from budgetscope.core.laws.fit import Draws, Fit
from budgetscope.core.laws.forms import LossSurface
from budgetscope.core.laws.training_run import TrainingRun
from budgetscope.fitting.fit_runs import FitSpec, fit_runs, suitable_kind
from budgetscope.store.fit_schema import decode, encode

SPEC = FitSpec(id="mine/lab", title="lab", counting=Convention.STANDARD, source="a test", draws=200)
BUDGETS = np.array([1e17 * 4**k for k in range(6)])


def runs_on(surface: LossSurface, log_std: float = 0.001) -> list[TrainingRun]:
    table = planted_runs(surface, budgets=BUDGETS, log_std=log_std, rng=np.random.default_rng(0))
    rows = zip(table.flops, table.n_params, table.tokens, table.loss, strict=True)
    return [TrainingRun(float(c), float(n), float(d), float(loss)) for c, n, d, loss in rows]


def sweep(sizes: Sequence[float] = (1e7, 3e7, 1e8)) -> list[TrainingRun]:
    """A planted grid: lr* = 0.005 (N/1e8)^-1/3, batch* = 3e5 (N/1e8)^2/3, quadratic in both logs."""
    runs = []
    for n in sizes:
        best_lr, best_batch = 0.005 * (n / 1e8) ** (-1 / 3), 3e5 * (n / 1e8) ** (2 / 3)
        for i in range(-3, 4):
            for j in range(-3, 4):
                lr, batch = best_lr * 2 ** (i + 0.3), best_batch * 2 ** (j - 0.2)
                loss = 3 + 0.02 * math.log(lr / best_lr) ** 2 + 0.01 * math.log(batch / best_batch) ** 2
                for seed in (0, 1):
                    wobble = 0.002 * math.sin(37 * i + 11 * j + 5 * seed + n)
                    runs.append(TrainingRun(120 * n * n, n, 20 * n, loss + wobble, lr, batch, 0.95, seed))
    return runs


def stores(fit: Fit) -> None:
    assert decode(encode(fit), fit.id) == fit


def test_iso_flop_runs_become_a_fit_that_plans(surface: LossSurface) -> None:
    fit = fit_runs(runs_on(surface), SPEC)
    law = fit.laws["allocation"].law
    assert law.form == "power-law-params"
    assert law.allocate(1e20).n_params == pytest.approx(surface.allocate(1e20).n_params, rel=0.15)  # type: ignore[union-attr]
    assert {"allocation", "loss_curve", "excess"} <= fit.laws.keys()
    assert fit.points is not None
    assert len(fit.points.rows) == len(BUDGETS)
    assert fit.provenance["runs"] == str(len(runs_on(surface)))
    stores(fit)


def test_the_joint_fit_states_the_error_of_the_law_and_its_check_on_the_largest_budgets(surface: LossSurface) -> None:
    fit = fit_runs(runs_on(surface), SPEC)
    line, draws = fit.laws["allocation"].uncertainty, fit.laws["loss_curve"].uncertainty
    assert isinstance(line, DriftingLine)
    assert line.law_std(1e22) > line.law_std(1e20) > 0
    assert isinstance(draws, Draws)
    assert draws.forecast
    assert fit.method.startswith("Joint fit")
    assert "intervals held" in fit.provenance["out_of_sample"]
    assert fit.provenance["out_of_sample_1"].startswith("Largest 1 held out, C=1.02e+20: N* ")


def test_the_papers_bootstrap_is_one_option_away(surface: LossSurface) -> None:
    asked = fit_runs(runs_on(surface), replace(SPEC, kind="akima"))
    assert asked.method.startswith("IsoFLOP fit: Akima")
    assert isinstance(asked.laws["allocation"].uncertainty, Draws)
    # A published noise is an option of that way alone.
    assert fit_runs(runs_on(surface), replace(SPEC, noise="refinedweb")).method.startswith("IsoFLOP fit: Akima")
    with pytest.raises(UsageError, match="--kind akima"):
        fit_runs(runs_on(surface), replace(SPEC, kind="isoflop", noise="refinedweb"))


def test_a_parabola_can_be_asked_for(surface: LossSurface) -> None:
    fit = fit_runs(runs_on(surface), replace(SPEC, kind="parabola"))
    assert "parabola" in fit.method


def test_runs_off_any_budget_become_a_surface(surface: LossSurface) -> None:
    rng = np.random.default_rng(1)
    runs = []
    for _ in range(60):
        n, d = 10 ** rng.uniform(7, 9), 10 ** rng.uniform(8.5, 11)
        runs.append(TrainingRun(6 * n * d, n, d, surface.loss(n, d)))
    assert suitable_kind(runs) == "parametric"
    fit = fit_runs(runs, SPEC)
    assert fit.surface is not None
    assert fit.surface.alpha == pytest.approx(surface.alpha, rel=0.02)
    stores(fit)


def test_the_kind_says_why_and_a_near_duplicate_does_not_change_it(surface: LossSurface) -> None:
    runs = runs_on(surface)
    again = replace(runs[20], flops=runs[20].flops * 1.002, tokens=runs[20].tokens * 1.002, loss=runs[20].loss * 1.0006)
    fit = fit_runs([*runs, again], SPEC)
    count = len(runs) + 1
    assert fit.provenance["kind"] == f"isoflop, since 6 budgets of 3 sizes or more hold {count} of {count} runs"
    assert any("differ by under 2% in D and are one point, their mean." in flag for flag in fit.flags)
    asked = fit_runs(runs, replace(SPEC, kind="parametric"))
    assert asked.provenance["kind"] == "parametric, as asked"


def test_budgets_that_are_left_out_for_one_reason_are_told_once(surface: LossSurface) -> None:
    runs = runs_on(surface)
    budgets = sorted({run.flops for run in runs})
    few = [run for run in runs if run.flops not in budgets[:2]]
    few += [run for budget in budgets[:2] for run in runs if run.flops == budget][:1]
    few += [run for run in runs if run.flops == budgets[1]][:2]
    told = [flag for flag in fit_runs(few, replace(SPEC, kind="isoflop")).flags if "budget" in flag and "sizes" in flag]
    assert told == ["2 budgets are left out, with fewer than 3 sizes (C=1e+17, 4e+17): train more sizes there."]


def test_a_sweep_along_one_line_gives_laws_in_n_and_says_so() -> None:
    runs = [replace(run, tokens=run.tokens * (run.n_params / 1e7) ** -0.5) for run in sweep()]
    fit = fit_runs(runs, SPEC)
    assert fit.laws["learning_rate"].law.n_params_exponent == pytest.approx(-1 / 3, abs=0.05)  # type: ignore[union-attr]
    assert any(flag.startswith("The laws are in N alone, and the cells have from") for flag in fit.flags)
    assert not any("in N alone" in flag for flag in fit_runs(sweep(), SPEC).flags)


def test_a_surface_leaves_out_short_runs_and_is_checked_on_its_largest_sizes(surface: LossSurface) -> None:
    rng = np.random.default_rng(1)
    runs = []
    for number in range(70):
        n = 10 ** rng.uniform(7, 9)
        d = n * 10 ** rng.uniform(-1, 0.5) if number < 10 else n * 10 ** rng.uniform(0.7, 2.3)
        runs.append(TrainingRun(6 * n * d, n, d, surface.loss(n, d) * (1.3 if d < 4 * n else 1.0)))
    fit = fit_runs(runs, replace(SPEC, kind="parametric"))
    short = sum(run.tokens < 4 * run.n_params for run in runs)
    assert any(flag.startswith(f"{short} of 70 rows have fewer than 4 tokens a parameter") for flag in fit.flags)
    assert "intervals held" in fit.provenance["out_of_sample"]
    assert fit.surface is not None
    assert fit.surface.optimal_exponent == pytest.approx(surface.optimal_exponent, abs=0.02)


def test_a_grid_becomes_a_recipe() -> None:
    runs = sweep()
    assert suitable_kind(runs) == "hyperparameters"
    fit = fit_runs(runs, SPEC)
    rate, batch = fit.laws["learning_rate"].law, fit.laws["batch_size"].law
    assert rate.n_params_exponent == pytest.approx(-1 / 3, abs=0.05)  # type: ignore[union-attr]
    assert batch.n_params_exponent == pytest.approx(2 / 3, abs=0.08)  # type: ignore[union-attr]
    stores(fit)


def test_the_papers_two_interpolations_can_be_asked_for() -> None:
    smoothed, interpolated = (
        fit_runs(sweep(), replace(SPEC, kind=kind)) for kind in ("hyperparameters", "hyperparameters-akima")
    )
    assert smoothed.method.startswith("Smoothed surface")
    assert interpolated.method.startswith("Akima interpolation over log learning rate, then over log batch")
    rate = interpolated.laws["learning_rate"].law
    assert rate.n_params_exponent == pytest.approx(-1 / 3, abs=0.05)  # type: ignore[union-attr]


def test_runs_that_a_sweep_cannot_use_are_counted() -> None:
    runs = sweep()
    fit = fit_runs([replace(runs[0], learning_rate=None), replace(runs[1], beta2=None), *runs[2:]], SPEC)
    assert any(flag.startswith("1 of 294 runs do not say both") for flag in fit.flags)
    assert any(flag.startswith("Only 293 of 294 runs say their beta2") for flag in fit.flags)
    assert not any("left out" in flag for flag in fit_runs(runs, SPEC).flags)


def test_choices_that_would_change_nothing_are_refused(surface: LossSurface) -> None:
    with pytest.raises(UsageError, match="--noise refinedweb would change nothing"):
        fit_runs(runs_on(surface), replace(SPEC, kind="parametric", noise="refinedweb"))
    with pytest.raises(UsageError, match="'Constant' is not a schedule"):
        fit_runs(runs_on(surface), replace(SPEC, schedule="Constant"))


def test_points_of_learning_curves_are_resampled_by_run_and_never_taken_from_a_decay(surface: LossSurface) -> None:
    points = replace(SPEC, kind="parametric", curves=9)
    fit = fit_runs(runs_on(surface), points)
    assert fit.laws["surface"].note.endswith("draws over runs.")
    assert fit.flags[0].startswith("The runs are points of 9 learning curves and their schedule is not said")
    known = fit_runs(runs_on(surface), replace(points, schedule="constant"))
    assert known.flags == fit.flags[1:]
    for schedule in ("cosine", "wsd"):
        with pytest.raises(UsageError, match=f"in the middle of a {schedule} schedule .* leave --curves all out"):
            fit_runs(runs_on(surface), replace(points, schedule=schedule))


def test_the_same_runs_give_the_same_fit_in_any_order(surface: LossSurface) -> None:
    runs = runs_on(surface)
    assert fit_runs(runs, SPEC) == fit_runs(runs[::-1], SPEC)


def test_an_unknown_noise_is_refused(surface: LossSurface) -> None:
    with pytest.raises(UsageError, match="'pink' is not a noise model"):
        fit_runs(runs_on(surface), replace(SPEC, noise="pink"))


def test_a_grid_without_settings_is_refused(surface: LossSurface) -> None:
    with pytest.raises(UsageError, match="no run says both its learning rate and its batch"):
        fit_runs(runs_on(surface), replace(SPEC, kind="hyperparameters"))

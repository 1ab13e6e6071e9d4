"""The fit of a run: what it holds, and what it leaves out."""

import math
from dataclasses import replace
from types import ModuleType

import pytest

from budgetscope.calibrate.fit import build_fit, isoflop_table
from budgetscope.calibrate.orchestrate import Stop, carry_on
from budgetscope.calibrate.plan.cells import n_params
from budgetscope.calibrate.plan.design import design
from budgetscope.calibrate.plan.device import Rate
from budgetscope.calibrate.plan.ladder import ladder
from budgetscope.calibrate.plan.spec import Spec
from budgetscope.calibrate.reach import MIN_BUDGETS, too_small, unlike_size
from budgetscope.calibrate.run.folder import RunFolder
from budgetscope.calibrate.run.stages import as_far_as_sure, fit_grid, stage2_cells, stage_two_hyperparameters
from budgetscope.calibrate.run.state import RunState
from budgetscope.core.answers.question import after_decay_counts
from budgetscope.core.budget.quantities import format_count
from budgetscope.core.laws.drifting_line import DriftingLine
from budgetscope.core.laws.fit import Draws, Fit, Law
from budgetscope.core.laws.forms import LossCurve, PowerLawParams
from budgetscope.core.laws.intervals import params_interval
from budgetscope.fitting import joint_part
from budgetscope.fitting.calibration_value import typical_calibration, value
from budgetscope.fitting.joint import fit_joint
from budgetscope.fitting.loss_forecast import LossForecast
from budgetscope.fitting.weighing import PRIOR_MEAN
from budgetscope.report.fits import exponent_text
from budgetscope.store.fit_schema import decode, encode


@pytest.fixture
def state(whole_state: RunState) -> RunState:
    """A finished run."""
    return whole_state


@pytest.fixture(scope="module")
def shifted(spec: Spec, fake: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> RunState:
    """A finished run whose best learning rates lie far below its grid."""
    folder = RunFolder.create(spec, tmp_path_factory.mktemp("shifted"))
    return carry_on(folder, spec, fake.FakeTrainer(lr_shift=0.01), Stop(folder.stop_file))


def test_table_holds_every_reading_of_stage_2_by_seed(state: RunState, spec: Spec) -> None:
    table = isoflop_table(state)
    assert table is not None
    assert len(table) == sum(len(cell.readings) for cell in (s.cell for s in state.of_stage(2)))
    assert table.seeds is not None
    assert set(table.seeds.tolist()) == set(spec.design.seeds)
    assert table.flops == pytest.approx(6 * table.n_params * table.tokens)


def test_fit_of_decayed_readings_is_after_the_decay(spec: Spec, fake: ModuleType) -> None:
    decaying = replace(spec, run=f"{spec.run}-decay", design=replace(spec.design, decay=0.1))
    folder = RunFolder.create(decaying)
    assert folder.spec() == decaying
    state = carry_on(folder, decaying, fake.FakeTrainer(), Stop(folder.stop_file))
    assert {s.cell.decay for s in state.of_stage(2)} == {0.1}
    assert {s.cell.decay for s in state.of_stage(1)} == {0.0}
    after, before = build_fit(state, decaying), build_fit(state, spec)
    assert not after_decay_counts(after)
    assert after_decay_counts(before)
    assert "a linear decay to zero over its last 10% of tokens" in after.method
    # One run still serves every budget that it passes.
    assert typical_calibration(after).runs == "shared"


def test_readings_of_diverged_cells_do_not_count(state: RunState) -> None:
    victim = state.of_stage(2)[0]
    cells = {**state.cells, victim.cell.id: replace(victim, status="diverged")}
    whole, without = isoflop_table(state), isoflop_table(replace(state, cells=cells))
    assert whole is not None
    assert without is not None
    assert len(whole) - len(without) == len(victim.readings)


def test_curve_that_some_draws_do_not_determine_is_left_out(
    state: RunState, spec: Spec, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = joint_part._loss_curve

    def broken(forecast: LossForecast) -> Law:
        law = whole(forecast)
        assert isinstance(law.uncertainty, Draws)
        rows = law.uncertainty.rows
        return replace(law, uncertainty=replace(law.uncertainty, rows=((-math.inf, *rows[0][1:]), *rows[1:])))

    monkeypatch.setattr(joint_part, "_loss_curve", broken)
    fit = build_fit(state, spec)
    assert fit.loss_curve is None
    assert fit.allocation is not None
    assert any(flag.startswith("No law of loss curve: 1 of ") for flag in fit.flags)


def test_curve_without_saturation_can_be_stored(state: RunState, spec: Spec) -> None:
    fit = build_fit(state, spec)
    rows = tuple((2.0 + 0.01 * k, 0.05, 0.0) for k in range(3))
    law = Law(LossCurve(8.0, 0.05, 0.0), "DER", {}, Draws(("ln_coefficient", "exponent", "floor"), rows))
    flat: Fit = replace(fit, laws=dict(fit.laws) | {"loss_curve": law})
    assert decode(encode(flat)) == flat


def test_stage_2_follows_the_measured_optimum(state: RunState, spec: Spec, fake: ModuleType) -> None:
    chosen = stage_two_hyperparameters(state, spec.design)
    for cell in stage2_cells(spec.design, chosen):
        best = fake.rule_learning_rate(cell.n_params)
        assert cell.learning_rate == pytest.approx(best, rel=1.0)
        assert cell.beta2 == 0.99


def test_bounds_at_the_edge_of_a_grid_are_trained_with_but_not_stored(shifted: RunState, spec: Spec) -> None:
    lowest = min(s.cell.learning_rate for s in shifted.of_stage(1))
    assert max(s.cell.learning_rate for s in shifted.of_stage(2)) < 4 * lowest
    fit = build_fit(shifted, spec)
    assert "learning_rate" not in fit.laws
    assert any("edge of" in flag and flag.startswith("No law of learning rate") for flag in fit.flags)


def test_flags_say_what_diverged_and_that_the_data_was_built_in(state: RunState, spec: Spec) -> None:
    victim = max(state.of_stage(1), key=lambda s: s.cell.learning_rate)
    lost = replace(state, cells={**state.cells, victim.cell.id: replace(victim, status="diverged", readings=())})
    flags = build_fit(lost, replace(spec, corpus=replace(spec.corpus, built_in=True))).flags
    assert f"1 of {len(state.of_stage(1))} cells of stage 1 diverged." in flags
    assert flags[0].startswith("The data is the text that came with Python, for trying the machinery")
    assert not any("Python" in flag for flag in build_fit(state, spec).flags)


def test_without_a_law_to_store_the_exponent_is_stage_2s_alone(shifted: RunState, spec: Spec) -> None:
    flags = build_fit(shifted, spec).flags
    said = [flag for flag in flags if "exponent only that it lies in" in flag]
    assert said
    assert all(": stage 2 takes " in flag for flag in said)


def test_what_stage_2_was_planned_with_is_said_once(state: RunState, spec: Spec) -> None:
    said = "The learning rate's exponent is not known: stage 2 takes the rule's."
    flags = build_fit(replace(state, problems=(said,)), spec).flags
    assert said in flags
    assert not any(flag.startswith("The sizes of stage 1 say of") for flag in flags)
    before = build_fit(replace(state, problems=()), spec).flags
    assert any(flag.startswith("The sizes of stage 1 say of") for flag in before)


def test_the_combined_exponent_has_one_interval(state: RunState, spec: Spec) -> None:
    fit = build_fit(state, spec)
    assert fit.allocation is not None
    assert isinstance(fit.allocation.uncertainty, DriftingLine)
    assert fit.allocation.uncertainty.dof < 10
    assert exponent_text(fit) == fit.provenance["exponent_combined"]


def test_run_is_too_small_by_its_budgets_and_by_its_best_size(state: RunState, spec: Spec) -> None:
    table = isoflop_table(state)
    assert table is not None
    small = fit_joint(table)
    said = too_small(small, spec, state)
    unlike = unlike_size(257, 64)
    assert f"models up to {unlike / 1e3:.3g} K are one layer or mostly output head" in said
    many = replace(small, flops=(*small.flops, 1e10))
    assert "are needed" not in too_small(many, spec, state)
    large = replace(many, log_n_centre=small.log_n_centre + math.log(2 * unlike / small.at(small.flops_range[1])))
    assert too_small(large, spec, state) == ""


def test_minutes_that_are_told_are_enough(state: RunState, spec: Spec) -> None:
    rate = Rate.assumed("cpu").seconds
    assumed = rate([s.cell for s in state.cells.values() if s.status == "done"])
    minutes = []
    for slowness in (1, 10):
        timed = replace(state, trained_seconds=slowness * assumed, startup_seconds=0.0)
        minutes.append(float(build_fit(timed, spec).too_small.rpartition(" ")[2].rstrip("`).")))
    assert minutes[0] < minutes[1]
    found = design("quick", 60 * minutes[0], rate, 257, 64)
    assert len(found.budgets) >= MIN_BUDGETS


def test_plans_follow_the_exponent_weighed_with_the_published_ones(state: RunState, spec: Spec) -> None:
    table = isoflop_table(state)
    assert table is not None
    own, fit = fit_joint(table), build_fit(state, spec)
    assert fit.allocation is not None
    law = fit.allocation.law
    assert isinstance(law, PowerLawParams)
    low, high = sorted((own.exponent, PRIOR_MEAN))
    assert low < law.exponent < high
    top = own.flops_range[1]
    assert law.allocate(top).n_params == pytest.approx(own.at(top), rel=1e-9)
    for name in ("own", "published", "combined"):
        assert fit.provenance[f"exponent_{name}"] in fit.allocation.note


def test_exponents_of_stage_1_hold_only_as_far_as_their_intervals_reach(state: RunState, spec: Spec) -> None:
    grid, _ = fit_grid(state)
    assert grid is not None
    kept, notes = as_far_as_sure(grid, replace(spec.design, shapes=spec.design.shapes[:1]))
    assert (kept, notes) == (grid, ())
    held, notes = as_far_as_sure(grid, replace(spec.design, shapes=ladder(257, 64)))
    assert [law.n_params_exponent for law in (held.learning_rate, held.batch_tokens)] == pytest.approx([-1 / 3, 2 / 3])
    assert len(notes) == 2
    largest = format_count(n_params(ladder(257, 64)[-1]))
    assert all(f"either way at {largest} parameters: the law takes" in note for note in notes)


def test_value_of_a_weighed_calibration_begins_with_the_interval_of_its_plans(state: RunState, spec: Spec) -> None:
    fit = build_fit(state, spec)
    plan, today = params_interval(fit, 1e12), value(fit, 1e12, 1.0).now
    assert plan.low is not None
    assert plan.high is not None
    # One is of Student's t, the other of a normal.
    assert 0.6 < math.log(today.n_params_high / today.n_params_low) / math.log(plan.high / plan.low) < 1.0

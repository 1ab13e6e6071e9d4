"""The course of a run, in this process, with a trainer that knows the answer."""

from collections.abc import Callable
from dataclasses import replace
from types import ModuleType

import pytest

from budgetscope.calibrate.fit import build_fit, isoflop_table
from budgetscope.calibrate.orchestrate import Stop, carry_on
from budgetscope.calibrate.plan.spec import Spec
from budgetscope.calibrate.run import events
from budgetscope.calibrate.run.events import Event
from budgetscope.calibrate.run.folder import RunFolder
from budgetscope.calibrate.run.state import CellState, RunState
from budgetscope.core.errors import FailureError, UsageError
from budgetscope.core.laws.forms import Monomial, PowerLawParams
from budgetscope.store.fit_library import load
from budgetscope.store.fit_schema import decode, encode

NewRun = Callable[[], RunFolder]


def losses(state: RunState) -> dict[str, tuple[object, ...]]:
    """What every cell ended with."""
    return {key: (s.status, s.readings) for key, s in state.cells.items()}


def test_run_goes_from_nothing_to_a_fit_near_the_planted_law(new_run: NewRun, spec: Spec, fake: ModuleType) -> None:
    folder = new_run()
    state = carry_on(folder, spec, fake.FakeTrainer(), Stop(folder.stop_file))
    assert (state.status, state.reason) == ("done", "")
    assert folder.state() == state
    assert not folder.checkpoints.exists() or not list(folder.checkpoints.iterdir())
    fit = load(folder.fit_file)
    assert fit.id == spec.fit_id
    law = fit.laws["allocation"].law
    assert isinstance(law, PowerLawParams)
    # The planted law has N* = C^0.5 and 20 tokens a parameter.
    assert law.exponent == pytest.approx(0.5, abs=0.12)
    assert law.allocate(4e9).n_params == pytest.approx((4e9 / 120) ** 0.5, rel=0.15)
    assert {"learning_rate", "batch_size", "warmup", "weight_decay"} <= set(fit.laws)
    facts = fit.provenance
    assert facts["spec_sha256"] == spec.sha256
    assert facts["data_sha256"] == spec.corpus.sha256
    assert "repeated runs" in facts["seed_noise"]
    assert facts["seeds"] == "0, 1"
    assert "bits a byte" in facts["loss_at_largest_budget"]


def test_stopped_run_resumes_to_the_same_losses_and_trains_nothing_twice(
    new_run: NewRun, spec: Spec, fake: ModuleType
) -> None:
    whole = new_run()
    expected = carry_on(whole, spec, fake.FakeTrainer(), Stop(whole.stop_file))
    other = replace(spec, run="20260102-030405-smoke-cafe")
    folder = RunFolder.create(other)
    asked = 0

    class Impatient(Stop):
        """Asks to stop at every hundredth question of a worker."""

        def __call__(self) -> bool:
            nonlocal asked
            asked += 1
            if asked % 100 == 0:
                self.ask("enough")
            return super().__call__()

    for _ in range(100):
        finished = {key for key, s in folder.state().cells.items() if s.finished}
        trainer = fake.FakeTrainer()
        state = carry_on(folder, other, trainer, Impatient(folder.stop_file))
        assert not finished & set(trainer.trained)
        if state.status == "done":
            break
        assert (state.status, state.reason) == ("stopped", "enough")
    assert state.generation > 2
    assert losses(state) == losses(expected)
    assert load(folder.fit_file).laws == load(whole.fit_file).laws


def test_finished_cells_are_not_trained_again(new_run: NewRun, spec: Spec, fake: ModuleType) -> None:
    folder = new_run()
    first = fake.FakeTrainer()
    carry_on(folder, spec, first, Stop(folder.stop_file))
    again = fake.FakeTrainer()
    carry_on(folder, spec, again, Stop(folder.stop_file))
    assert first.trained
    assert again.trained == []


def test_grid_grows_towards_its_optimum_and_stops(new_run: NewRun, spec: Spec, fake: ModuleType) -> None:
    folder = new_run()
    state = carry_on(folder, spec, fake.FakeTrainer(lr_shift=0.2), Stop(folder.stop_file))
    planned = {cell.id for cell in spec.design.stage1}
    grown = [s.cell for s in state.of_stage(1) if s.cell.id not in planned]
    assert grown
    assert max(c.learning_rate for c in grown) <= min(c.learning_rate for c in spec.design.stage1)
    assert any("trying lower learning rates" in note for note in state.notes)


def test_diverging_learning_rates_are_left_out_and_said(new_run: NewRun, spec: Spec, fake: ModuleType) -> None:
    folder = new_run()
    state = carry_on(folder, spec, fake.FakeTrainer(lr_shift=30.0), Stop(folder.stop_file))
    assert any(s.status == "diverged" for s in state.of_stage(1))
    assert state.status in ("done", "failed")
    # The grid never grows beyond what diverged.
    assert max(s.cell.learning_rate for s in state.of_stage(1)) <= 4 * fake.DIVERGES_ABOVE


def test_all_cells_diverging_gives_a_refusal_and_no_fit(
    new_run: NewRun, spec: Spec, fake: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fake, "DIVERGES_ABOVE", 0.0)
    folder = new_run()
    state = carry_on(folder, spec, fake.FakeTrainer(), Stop(folder.stop_file))
    assert state.status == "failed"
    assert "gives no fit" in state.reason
    assert not folder.fit_file.exists()


def test_noise_as_large_as_the_valley_is_refused_or_flagged(new_run: NewRun, spec: Spec, fake: ModuleType) -> None:
    folder = new_run()
    state = carry_on(folder, spec, fake.FakeTrainer(noise=1.0), Stop(folder.stop_file))
    assert state.status == "failed" or load(folder.fit_file).flags


@pytest.mark.parametrize("stop_after", [0, 1])
def test_partial_run_is_fitted_with_what_is_missing_said(
    new_run: NewRun, spec: Spec, fake: ModuleType, stop_after: int
) -> None:
    folder = new_run()
    state = carry_on(folder, spec, fake.FakeTrainer(), Stop(folder.stop_file))
    kept = [s for s in state.cells.values() if s.stage == 1]
    second = [s for s in state.cells.values() if s.stage == 2]
    waiting = [replace(s, status="planned", readings=()) for s in second[-2:]]
    parts: list[CellState] = [*kept, *second[:-2], *waiting] if stop_after else kept
    partial = replace(state, cells={s.cell.id: s for s in parts})
    fit = build_fit(partial, spec)
    if stop_after:
        assert f"Partial: {len(second) - 2} of {len(second)} cells of stage 2 finished." in fit.flags
        assert fit.allocation is not None
    else:
        assert "Partial: stage 2 has not begun." in fit.flags
        assert fit.allocation is None
        assert isinstance(fit.laws["learning_rate"].law, Monomial)
    assert decode(encode(fit)) == fit


def test_run_that_trained_nothing_gives_no_fit(spec: Spec) -> None:
    with pytest.raises(UsageError, match="has trained nothing yet"):
        build_fit(RunState(), spec)


def test_partial_run_without_a_fit_says_what_is_missing(new_run: NewRun, spec: Spec, fake: ModuleType) -> None:
    folder = new_run()
    state = carry_on(folder, spec, fake.FakeTrainer(), Stop(folder.stop_file))
    first = state.of_stage(1)
    cells = [*first[:4], *(replace(s, status="planned", readings=()) for s in first[4:])]
    with pytest.raises(UsageError, match=rf"Partial: 4 of {len(first)} cells of stage 1 finished\..* Go on with"):
        build_fit(replace(state, cells={s.cell.id: s for s in cells}), spec)


def test_no_reading_gives_no_table() -> None:
    assert isoflop_table(RunState()) is None


def test_another_spec_than_the_run_began_with_is_refused(new_run: NewRun, spec: Spec, fake: ModuleType) -> None:
    folder = new_run()
    carry_on(folder, spec, fake.FakeTrainer(), Stop(folder.stop_file))
    with pytest.raises(FailureError, match="is not the one it began with"):
        carry_on(folder, replace(spec, created="later"), fake.FakeTrainer(), Stop(folder.stop_file))


def test_crash_of_the_trainer_is_in_the_log_and_loses_no_finished_cell(
    new_run: NewRun, spec: Spec, fake: ModuleType
) -> None:
    folder = new_run()

    class Crashing(fake.FakeTrainer):  # type: ignore[misc, name-defined]
        """Breaks in its second stack."""

        def train(self, cells: object, checkpoint: object, emit: Callable[[Event], None], stop: object) -> None:
            if self.trained:
                raise RuntimeError("the driver is gone")
            super().train(cells, checkpoint, emit, stop)

    with pytest.raises(RuntimeError):
        carry_on(folder, spec, Crashing(), Stop(folder.stop_file))
    state = folder.state()
    assert state.status == "failed"
    assert "the driver is gone" in state.reason
    done = sum(s.finished for s in state.cells.values())
    assert 0 < done < len(spec.design.stage1)
    assert carry_on(folder, spec, fake.FakeTrainer(), Stop(folder.stop_file)).status == "done"


def test_trainer_that_forgets_its_cells_does_not_run_for_ever(new_run: NewRun, spec: Spec, fake: ModuleType) -> None:
    folder = new_run()

    class Idle(fake.FakeTrainer):  # type: ignore[misc, name-defined]
        """Does nothing."""

        def train(self, *_: object) -> None:
            """Return at once."""

    with pytest.raises(FailureError, match="without a result"):
        carry_on(folder, spec, Idle(), Stop(folder.stop_file))


def test_failed_cells_are_left_out_and_said(new_run: NewRun, spec: Spec, fake: ModuleType) -> None:
    folder = new_run()

    class Small(fake.FakeTrainer):  # type: ignore[misc, name-defined]
        """Has no memory for the largest size."""

        def train(self, cells: list[object], checkpoint: object, emit: Callable[[Event], None], stop: object) -> None:
            largest = max(shape.width for shape in spec.design.shapes)
            if cells[0].shape.width == largest:  # type: ignore[attr-defined]
                for cell in cells:
                    emit(events.CellFailed(cell.id, "one model does not fit into memory"))  # type: ignore[attr-defined]
                return
            super().train(cells, checkpoint, emit, stop)

    state = carry_on(folder, spec, Small(), Stop(folder.stop_file))
    assert state.status == "done"
    assert any("failed and were left out: one model" in flag for flag in load(folder.fit_file).flags)


def test_damaged_lines_cost_what_they_held_and_are_said(new_run: NewRun, spec: Spec, fake: ModuleType) -> None:
    folder = new_run()
    whole = carry_on(folder, spec, fake.FakeTrainer(), Stop(folder.stop_file))
    lines = folder.events.read_bytes().splitlines(keepends=True)
    begun = next(i for i, line in enumerate(lines) if b'"stage":2' in line)
    damaged = [line[:40] + b"\n" if b'"stage_planned"' in line else line for line in lines[:begun]]
    folder.events.write_bytes(b"".join(damaged))
    trainer = fake.FakeTrainer()
    state = carry_on(folder, spec, trainer, Stop(folder.stop_file))
    assert state.status == "done"
    assert losses(state) == losses(whole)
    assert state.unreadable == len([line for line in lines[:begun] if b'"stage_planned"' in line])
    assert any("that cannot be read: " in flag for flag in build_fit(folder.state(), spec).flags)


def test_a_run_whose_second_stage_diverged_gives_no_law_of_sizes(new_run: NewRun, spec: Spec, fake: ModuleType) -> None:
    folder = new_run()
    state = carry_on(folder, spec, fake.FakeTrainer(), Stop(folder.stop_file))
    cells = {key: replace(s, status="diverged") if s.stage == 2 else s for key, s in state.cells.items()}
    fit = build_fit(replace(state, cells=cells), spec)
    assert "allocation" not in fit.laws
    assert any(flag.startswith("No law of N and D: every run of stage 2 diverged") for flag in fit.flags)


def test_the_trainer_is_told_what_follows(new_run: NewRun, spec: Spec, fake: ModuleType) -> None:
    folder = new_run()
    trainer = fake.FakeTrainer()
    state = carry_on(folder, spec, trainer, Stop(folder.stop_file))
    sizes = len({cell.shape for cell in spec.design.stage1})
    first = trainer.prepared[0]
    # Before any size has finished, only the rest of stage 1 is known.
    assert len(first) == sizes - 1
    assert {key for stack in first for key in stack} < {cell.id for cell in spec.design.stage1}
    # The last size of stage 1 trains while stage 2, as two sizes foretell it, is prepared.
    shapes = [s.cell.shape for s in state.of_stage(2)]
    assert len(trainer.prepared[sizes - 1]) == len(set(shapes))
    # The last stack has none after it.
    assert trainer.prepared[-1] == []
    assert trainer.prepared[-2] == [tuple(s.cell.id for s in state.of_stage(2) if s.cell.shape == shapes[-1])]


def test_a_stack_that_is_ready_trains_before_one_that_is_not(
    new_run: NewRun, spec: Spec, fake: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = new_run()
    largest = max(cell.n_params for cell in spec.design.stage1)
    monkeypatch.setattr(fake.FakeTrainer, "ready", lambda _, cells: cells[0].n_params == largest)
    trainer = fake.FakeTrainer()
    state = carry_on(folder, spec, trainer, Stop(folder.stop_file))
    assert state.status == "done"
    assert state.cells[trainer.trained[0]].cell.n_params == largest
    assert not folder.checkpoints.exists() or not list(folder.checkpoints.iterdir())

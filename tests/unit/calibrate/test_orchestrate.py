"""The course of a run, in this process, with a trainer that knows the answer."""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from types import ModuleType
from typing import Any

import pytest
from tests.planted_workers import begun, write_log

from budgetscope.calibrate.fit import build_fit, isoflop_table
from budgetscope.calibrate.orchestrate import Stop, carry_on, journal_of
from budgetscope.calibrate.plan.cells import Cell
from budgetscope.calibrate.plan.slices import cut
from budgetscope.calibrate.plan.spec import Spec
from budgetscope.calibrate.run import events, progress
from budgetscope.calibrate.run.claims import Claims
from budgetscope.calibrate.run.events import Event
from budgetscope.calibrate.run.folder import RunFolder
from budgetscope.calibrate.run.launches import new_launch
from budgetscope.calibrate.run.logs import Reader
from budgetscope.calibrate.run.state import CellState, RunState
from budgetscope.core.errors import FailureError, UsageError
from budgetscope.core.laws.forms import Monomial, PowerLawParams
from budgetscope.store.files import create
from budgetscope.store.fit_library import load
from budgetscope.store.fit_schema import decode, encode

NewRun = Callable[[], RunFolder]


def losses(state: RunState) -> dict[str, tuple[object, ...]]:
    """What every cell ended with."""
    return {key: (s.status, s.readings) for key, s in state.cells.items()}


def test_run_goes_from_nothing_to_a_fit_near_the_planted_law(whole: tuple[RunFolder, RunState], spec: Spec) -> None:
    folder, state = whole
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
    whole: tuple[RunFolder, RunState], new_run: NewRun, spec: Spec, fake: ModuleType
) -> None:
    undisturbed, expected = whole
    folder = new_run()
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
        state = carry_on(folder, spec, trainer, Impatient(folder.stop_file))
        assert not finished & set(trainer.trained)
        if state.status == "done":
            break
        assert (state.status, state.reason) == ("stopped", "enough")
    assert state.starts > 2
    assert losses(state) == losses(expected)
    assert load(folder.fit_file).laws == load(undisturbed.fit_file).laws


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
def test_partial_run_is_fitted_with_what_is_missing_said(whole_state: RunState, spec: Spec, stop_after: int) -> None:
    state = whole_state
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


def test_partial_run_without_a_fit_says_what_is_missing(whole_state: RunState, spec: Spec) -> None:
    state = whole_state
    first = state.of_stage(1)
    cells = [*first[:4], *(replace(s, status="planned", readings=()) for s in first[4:])]
    with pytest.raises(UsageError, match=rf"Partial: 4 of {len(first)} cells of stage 1 finished\..* Go on with"):
        build_fit(replace(state, cells={s.cell.id: s for s in cells}), spec)


def test_no_reading_gives_no_table() -> None:
    assert isoflop_table(RunState()) is None


def test_another_spec_than_the_run_began_with_is_refused(done_run: RunFolder, spec: Spec, fake: ModuleType) -> None:
    with pytest.raises(FailureError, match="is not the one it began with"):
        carry_on(done_run, replace(spec, created="later"), fake.FakeTrainer(), Stop(done_run.stop_file))


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


def test_damaged_lines_cost_what_they_held_and_are_said(
    done_run: RunFolder, whole_state: RunState, spec: Spec, fake: ModuleType
) -> None:
    folder = done_run
    lost = 0
    for path in sorted(folder.plans.iterdir()):
        lines = path.read_bytes().splitlines()
        if b'"stage":2' in lines[-1]:
            path.unlink()
            continue
        path.write_bytes(b"".join(line[:40] + b"\n" for line in lines))
        lost += len(lines)
    trainer = fake.FakeTrainer()
    state = carry_on(folder, spec, trainer, Stop(folder.stop_file))
    assert state.status == "done"
    assert losses(state) == losses(whole_state)
    # The plans are made again; what was trained is in the log of the worker.
    assert trainer.trained == []
    assert state.unreadable == lost > 0
    assert any("that cannot be read: " in flag for flag in build_fit(folder.state(), spec).flags)


def test_log_of_a_worker_ends_with_how_it_ended(new_run: NewRun, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("budgetscope.calibrate.orchestrate.HEARTBEAT_SECONDS", 0.001)
    folder = new_run()
    launch = new_launch(folder, "local", 1)
    for _ in range(2):
        with journal_of(folder, launch) as journal:
            time.sleep(0.05)
            journal.emit(events.RunDone("stopped", "enough"))
            time.sleep(0.05)
    logs = sorted(folder.workers.iterdir())
    assert [path.stem for path in logs] == ["0001-0-1", "0001-0-2"]
    for number, path in enumerate(logs, 1):
        first, *middle, last = Reader(path).read()
        assert isinstance(first.event, events.WorkerStarted)
        assert {type(record.event) for record in middle} == {events.Heartbeat}
        assert last.event == events.RunDone("stopped", "enough")
        assert {record.generation for record in (first, *middle, last)} == {number}
    assert (folder.state().starts, folder.state().status) == (2, "stopped")


def test_of_two_workers_that_plan_at_once_the_faster_ones_plan_counts(
    new_run: NewRun, spec: Spec, fake: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = new_run()

    def while_another_plans(cells: Sequence[Cell], *rest: Any) -> list[tuple[Cell, ...]]:
        if not folder.plans.exists():
            theirs = events.StagePlanned(1, tuple(cells), complete=True, slice="theirs")
            create(folder.plans / "0000.jsonl", events.encode(events.Record(0, 0.0, 0, theirs)).decode())
        return cut(cells, *rest)

    monkeypatch.setattr("budgetscope.calibrate.orchestrate.cut", while_another_plans)
    state = carry_on(folder, spec, fake.FakeTrainer(), Stop(folder.stop_file))
    assert state.status == "done"
    assert {state.cells[cell.id].slice for cell in spec.design.stage1} == {"theirs"}
    found = [record.event for path in folder.plans.iterdir() for record in Reader(path).read()]
    planned = [cell.id for event in found if isinstance(event, events.StagePlanned) for cell in event.cells]
    assert sorted(planned) == sorted(state.cells)


def test_what_the_worker_before_finished_at_the_last_moment_is_not_trained_again(
    new_run: NewRun, spec: Spec, fake: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, take = new_run(), Claims.take
    cell, finished = spec.design.stage1[0], list[str]()

    def too_late(claims: Claims, name: str, number: int) -> bool:
        if not finished and folder.state().cells[cell.id].slice == name:
            finished.append(name)
            readings = [progress.LossReading(cell.id, tokens, 9.0, 0.0, 1) for tokens in cell.readings]
            started = progress.Started((cell.id,), 0, "eager", 1, 0.0)
            stream: list[Event] = [started, *readings, progress.Finished(cell.id), events.RunDone("stopped")]
            write_log(folder, "0009-0-1", begun(folder), *stream)
        return take(claims, name, number)

    monkeypatch.setattr(Claims, "take", too_late)
    trainer = fake.FakeTrainer()
    state = carry_on(folder, spec, trainer, Stop(folder.stop_file))
    assert finished
    assert cell.id not in trainer.trained
    assert sorted(trainer.trained) == sorted(state.cells.keys() - {cell.id})
    assert state.cells[cell.id].final_loss == 9.0


def test_a_run_whose_second_stage_diverged_gives_no_law_of_sizes(whole_state: RunState, spec: Spec) -> None:
    state = whole_state
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

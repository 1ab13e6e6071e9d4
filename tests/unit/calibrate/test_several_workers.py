"""Several workers on one run, as processes: whatever happens to them, the run ends as that of one worker."""

import itertools
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from types import ModuleType

import pytest
from tests.planted_run import planted_spec

from budgetscope.calibrate.launch import Options, Watch, kill, start
from budgetscope.calibrate.orchestrate import Stop, carry_on
from budgetscope.calibrate.plan.spec import Spec
from budgetscope.calibrate.run.claims import SILENT_SECONDS, Claims
from budgetscope.calibrate.run.events import Record, SliceTaken, StagePlanned, Waiting
from budgetscope.calibrate.run.folder import RunFolder
from budgetscope.calibrate.run.launches import live_workers
from budgetscope.calibrate.run.logs import Reader
from budgetscope.calibrate.run.progress import Finished, Started, Step
from budgetscope.calibrate.run.state import RunState
from budgetscope.store.fit_library import load

pytestmark = pytest.mark.usefixtures("fake_workers")

# Less than the silence after which a worker of another machine would be replaced.
PATIENCE_SECONDS = 80.0
assert PATIENCE_SECONDS < SILENT_SECONDS

Results = dict[str, tuple[object, ...]]
Begin = Callable[..., Watch]


def results(state: RunState) -> Results:
    """What must not depend on who trained a cell: its stage, slice, status, tokens and readings."""
    return {key: (s.stage, s.slice, s.status, s.tokens, s.readings) for key, s in state.cells.items()}


@pytest.fixture(scope="module")
def undisturbed(fake: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Callable[[int], tuple[Results, object]]:
    """Return the results and the laws of one worker on a run that is cut for so many."""
    known: dict[int, tuple[Results, object]] = {}

    def of(workers: int) -> tuple[Results, object]:
        if workers not in known:
            spec = replace(planted_spec(), workers=workers)
            folder = RunFolder.create(spec, tmp_path_factory.mktemp("runs"))
            state = carry_on(folder, spec, fake.FakeTrainer(), Stop(folder.stop_file))
            known[workers] = results(state), load(folder.fit_file).laws
        return known[workers]

    return of


@pytest.fixture
def begin(spec: Spec, monkeypatch: pytest.MonkeyPatch) -> Iterator[Begin]:
    """Start a run that is cut for so many workers; leave none of them behind."""
    watches: list[Watch] = []

    def run(workers: int, step_seconds: float = 0.03) -> Watch:
        monkeypatch.setenv("FAKE_STEP_SECONDS", str(step_seconds))
        watches.append(start(RunFolder.create(replace(spec, workers=workers)), Options()))
        return watches[-1]

    yield run
    for watch in watches:
        kill(watch)
        for process in watch.processes:
            process.wait(PATIENCE_SECONDS)


def wait(watch: Watch, until: Callable[[], bool]) -> None:
    """Follow a run until something holds."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not until():
        assert time.monotonic() < deadline, [path.read_text() for path in watch.folder.output.iterdir()]
        watch.tick()
        time.sleep(0.02)


def finished(watch: Watch) -> set[str]:
    return {key for key, state in watch.state.cells.items() if state.finished}


def ended(watch: Watch) -> RunState:
    """Follow a run until the workers that were started have left."""
    for process in watch.processes:
        process.wait(PATIENCE_SECONDS)
    while watch.tick():
        pass
    return watch.state


def log_of(watch: Watch, key: str) -> list[Record]:
    return Reader(watch.folder.workers / f"{key}.jsonl").read()


def slice_of(watch: Watch, key: str) -> SliceTaken | None:
    """Return the slice that a worker trains, with cells that are left; None if there is none."""
    last = [record.event for record in log_of(watch, key) if isinstance(record.event, SliceTaken | Waiting)][-1:]
    if not last or not isinstance(last[0], SliceTaken):
        return None
    cells = [state for state in watch.state.cells.values() if state.slice == last[0].slice]
    return last[0] if cells and not any(state.finished for state in cells) else None


def check_planned_once(watch: Watch) -> None:
    """Every plan was published by one worker."""
    found = [r.event for path in watch.folder.plans.iterdir() for r in Reader(path).read()]
    planned = [cell.id for event in found if isinstance(event, StagePlanned) for cell in event.cells]
    assert sorted(planned) == sorted(watch.state.cells)


@pytest.mark.parametrize("workers", [2, 3])
def test_several_workers_train_what_one_would(
    begin: Begin, undisturbed: Callable[[int], tuple[Results, object]], workers: int
) -> None:
    watch = begin(workers)
    state = ended(watch)
    assert (state.status, state.starts, watch.failure()) == ("done", workers, "")
    assert [process.returncode for process in watch.processes] == [0] * workers
    assert [(worker.slot, worker.status) for worker in state.workers] == [(str(n), "done") for n in range(workers)]
    check_planned_once(watch)
    # Nobody was taken for dead: each slice was claimed once, each cell started and finished once, by all together.
    assert {claim.number for claim in Claims(watch.folder, "").latest().values()} == {1}
    records = {f"0001-{n}-1": log_of(watch, f"0001-{n}-1") for n in range(workers)}
    everything = [record.event for log in records.values() for record in log]
    trained = [key for event in everything if isinstance(event, Started) for key in event.cell_ids]
    assert sorted(trained) == sorted(state.cells)
    assert sorted(e.cell_id for e in everything if isinstance(e, Finished)) == sorted(state.cells)
    assert all(any(isinstance(record.event, Finished) for record in log) for log in records.values())
    assert (results(state), load(watch.folder.fit_file).laws) == undisturbed(workers)
    assert not watch.folder.checkpoints.exists()
    assert live_workers(watch.folder) == []


def test_slice_of_a_killed_worker_is_taken_at_once(
    begin: Begin, undisturbed: Callable[[int], tuple[Results, object]]
) -> None:
    watch = begin(2)
    wait(watch, lambda: len(finished(watch)) > 0 and slice_of(watch, "0001-0-1") is not None)
    victim = watch.processes[0]
    victim.send_signal(signal.SIGKILL)
    victim.wait(PATIENCE_SECONDS)
    left = slice_of(watch, "0001-0-1")
    before = finished(watch)
    state = ended(watch)
    assert state.status == "done"
    assert results(state) == undisturbed(2)[0]
    assert load(watch.folder.fit_file).laws == undisturbed(2)[1]
    if left is not None:
        # The other took it long before the silence would have told: its process is gone.
        assert Claims(watch.folder, "").latest()[left.slice].key == "0001-1-1"
    after = [r.event for r in log_of(watch, "0001-1-1")]
    mine = {key for event in after if isinstance(event, Started) for key in event.cell_ids}
    done_by_victim = {r.event.cell_id for r in log_of(watch, "0001-0-1") if isinstance(r.event, Finished)}
    assert before <= finished(watch)
    assert not done_by_victim & mine
    assert [(worker.slot, worker.status) for worker in state.workers] == [("0", "running"), ("1", "done")]
    assert not watch.folder.checkpoints.exists()


def test_suspended_worker_is_replaced_and_leaves_its_slice_when_it_comes_back(
    begin: Begin, undisturbed: Callable[[int], tuple[Results, object]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_SILENT_SECONDS", "4")
    watch = begin(2, 0.05)
    wait(watch, lambda: slice_of(watch, "0001-0-1") is not None)
    watch.processes[0].send_signal(signal.SIGSTOP)
    time.sleep(0.1)
    before = log_of(watch, "0001-0-1")
    lost = [record.event for record in before if isinstance(record.event, SliceTaken)][-1]
    wait(watch, lambda: Claims(watch.folder, "").latest()[lost.slice].key == "0001-1-1")
    time.sleep(0.5)
    watch.processes[0].send_signal(signal.SIGCONT)
    state = ended(watch)
    assert [process.returncode for process in watch.processes] == [0, 0]
    assert (state.status, state.starts) == ("done", 2)
    after = [record.event for record in log_of(watch, "0001-0-1")[len(before) :]]
    rest = list(itertools.takewhile(lambda event: not isinstance(event, SliceTaken | Waiting), after))
    # It looks after each step: the one that it was in when it was suspended still comes.
    assert sum(isinstance(event, Step) for event in rest) <= 1
    assert results(state) == undisturbed(2)[0]
    assert load(watch.folder.fit_file).laws == undisturbed(2)[1]
    assert not watch.folder.checkpoints.exists()


def test_run_whose_workers_were_all_killed_goes_on_with_fewer(
    begin: Begin, undisturbed: Callable[[int], tuple[Results, object]], monkeypatch: pytest.MonkeyPatch
) -> None:
    watch = begin(3)
    wait(watch, lambda: len(finished(watch)) >= 8)
    kill(watch)
    ended(watch)
    assert "ended without a word" in watch.failure()
    before = watch.folder.state()
    kept = {key for key, state in before.cells.items() if state.finished}
    assert 8 <= len(kept) < len(undisturbed(3)[0])
    monkeypatch.setenv("FAKE_STEP_SECONDS", "0")
    again = start(watch.folder, Options(workers=1))
    state = ended(again)
    assert (state.status, state.starts, len(state.workers)) == ("done", 4, 1)
    trained = {key for r in log_of(again, "0002-0-1") if isinstance(r.event, Started) for key in r.event.cell_ids}
    assert trained == state.cells.keys() - kept
    assert all(state.cells[key].readings == before.cells[key].readings for key in kept)
    assert (results(state), load(watch.folder.fit_file).laws) == undisturbed(3)
    check_planned_once(again)

"""Workers as processes: started, watched, stopped, killed and resumed."""

import itertools
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from tests.planted_workers import aged, begun, write_log

from budgetscope.calibrate.engines import base
from budgetscope.calibrate.launch import Options, Watch, ask_to_stop, kill, start, stop
from budgetscope.calibrate.plan.slices import slice_name, stacks
from budgetscope.calibrate.run.claims import Claim, Claims
from budgetscope.calibrate.run.events import SliceTaken, Waiting
from budgetscope.calibrate.run.folder import RunFolder
from budgetscope.calibrate.run.launches import STALE_SECONDS, live_workers
from budgetscope.calibrate.run.logs import Reader
from budgetscope.calibrate.run.processes import is_suspended
from budgetscope.calibrate.run.progress import Step
from budgetscope.calibrate.run.state import RunState
from budgetscope.calibrate.train.device import choose_gpu
from budgetscope.core.errors import FailureError, UsageError

pytestmark = pytest.mark.usefixtures("fake_workers")

NewRun = Callable[[], RunFolder]
PATIENCE_SECONDS = 60.0


def wait(watch: Watch, until: Callable[[RunState], bool]) -> None:
    """Follow a run until something holds."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not until(watch.state):
        assert time.monotonic() < deadline, [path.read_text() for path in watch.folder.output.iterdir()]
        if not watch.tick():
            time.sleep(0.02)


def ended(watch: Watch) -> RunState:
    """Follow a run until the workers that were started have left."""
    for process in watch.processes:
        process.wait(PATIENCE_SECONDS)
    while watch.tick():
        pass
    return watch.state


def reached(count: int) -> Callable[[RunState], bool]:
    """So many cells are finished."""
    return lambda state: sum(s.finished for s in state.cells.values()) >= count


def losses(state: RunState) -> dict[str, tuple[object, ...]]:
    return {key: (s.status, s.readings) for key, s in state.cells.items()}


def only(watch: Watch) -> subprocess.Popen[bytes]:
    """Return the process of the only worker that was started."""
    (process,) = watch.processes
    return process


def test_worker_takes_the_slice_of_a_dead_one_and_does_the_run(new_run: NewRun) -> None:
    folder = new_run()
    first = slice_name(stacks(folder.spec().design.stage1)[0])
    write_log(folder, "0001-0-1", begun(folder), SliceTaken(first, 1))
    assert Claims(folder, "0001-0-1").take(first, 1)
    watch = start(folder, Options())
    assert ended(watch).status == "done"
    assert only(watch).returncode == 0
    assert watch.failure() == ""
    assert Claims(folder, "").latest()[first] == Claim(first, 2, "0001-0-2")
    assert live_workers(folder) == []
    assert folder.fit_file.exists()


def test_killed_worker_loses_no_finished_cell_and_the_run_ends_the_same(
    new_run: NewRun, whole_state: RunState, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = new_run()
    monkeypatch.setenv("FAKE_STEP_SECONDS", "0.02")
    for count in (3, 14, 32):
        watch = start(folder, Options())
        wait(watch, reached(count))
        kill(watch)
        only(watch).wait(PATIENCE_SECONDS)
        assert "ended without a word" in watch.failure()
        finished = losses(folder.state())
        # A line that was being written when the worker died.
        with max(folder.workers.iterdir()).open("ab") as log:
            log.write(b'{"v":2,"seq":')
        assert losses(folder.state()) == finished
    monkeypatch.setenv("FAKE_STEP_SECONDS", "0")
    state = ended(start(folder, Options()))
    assert (state.status, state.starts) == ("done", 4)
    assert losses(state) == losses(whole_state)


def test_start_is_refused_while_a_worker_lives_but_one_started_by_hand_joins(
    new_run: NewRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = new_run()
    monkeypatch.setenv("FAKE_STEP_SECONDS", "0.05")
    watch = start(folder, Options())
    wait(watch, reached(1))
    with pytest.raises(FailureError, match="is being trained by process"):
        start(folder, Options())
    assert [path.name for path in folder.launches.iterdir()] == ["0001.json"]
    with subprocess.Popen([*base.WORKER, str(folder.path)]) as second:
        wait(watch, lambda state: bool(state.training) and state.workers[0].pid == second.pid)
        assert {worker.pid for worker in live_workers(folder)} == {only(watch).pid, second.pid}
        held = [claim for claim in Claims(folder, "").latest().values() if claim.key == "0002-0-1"]
        assert held
        assert stop(folder) == "stopped"
        assert second.wait(PATIENCE_SECONDS) == 0
    assert ended(watch).status == "stopped"


def test_stop_of_a_copied_run_leaves_the_originals_worker_alone(
    new_run: NewRun, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder = new_run()
    monkeypatch.setenv("FAKE_STEP_SECONDS", "0.05")
    watch = start(folder, Options())
    wait(watch, reached(1))
    copy = RunFolder(tmp_path / "copy")
    shutil.copytree(folder.path, copy.path)
    assert live_workers(copy) == []
    with pytest.raises(UsageError, match="there is nothing to stop"):
        stop(copy, grace=0.1)
    assert not watch.over
    assert stop(folder) == "stopped"
    assert ended(watch).status == "stopped"


def test_suspended_worker_keeps_its_run(new_run: NewRun, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = new_run()
    monkeypatch.setenv("FAKE_STEP_SECONDS", "0.05")
    watch = start(folder, Options())
    wait(watch, reached(1))
    only(watch).send_signal(signal.SIGSTOP)
    aged(folder.workers / "0001-0-1.jsonl", STALE_SECONDS + 1)
    with pytest.raises(FailureError, match="is being trained by process"):
        start(folder, Options())
    only(watch).send_signal(signal.SIGCONT)
    assert stop(folder) == "stopped"
    assert ended(watch).starts == 1


def test_stop_continues_a_suspended_worker_so_that_it_saves(new_run: NewRun, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = new_run()
    monkeypatch.setenv("FAKE_STEP_SECONDS", "0.05")
    watch = start(folder, Options())
    wait(watch, reached(1))
    only(watch).send_signal(signal.SIGSTOP)
    while not is_suspended(only(watch).pid):
        time.sleep(0.01)
    said: list[str] = []
    assert stop(folder, say=said.append) == "stopped"
    assert said[0].startswith(f"process {only(watch).pid} on ")
    assert said[0].endswith("is suspended, and continues to save its state")
    assert (ended(watch).status, watch.state.reason) == ("stopped", "asked to stop")


def test_worker_whose_slice_another_took_leaves_it(new_run: NewRun, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = new_run()
    monkeypatch.setenv("FAKE_STEP_SECONDS", "0.05")
    watch = start(folder, Options())
    wait(watch, reached(1))
    log = folder.workers / "0001-0-1.jsonl"
    only(watch).send_signal(signal.SIGSTOP)
    time.sleep(0.1)
    before = Reader(log).read()
    taken = [record.event for record in before if isinstance(record.event, SliceTaken)][-1]
    write_log(folder, "0002-0-1", begun(folder, 1, place="elsewhere"))
    assert Claims(folder, "0002-0-1").take(taken.slice, taken.claim + 1)
    time.sleep(0.3)
    only(watch).send_signal(signal.SIGCONT)

    def left(_: RunState) -> bool:
        return any(isinstance(record.event, SliceTaken | Waiting) for record in Reader(log).read()[len(before) :])

    wait(watch, left)
    ask_to_stop(folder)
    assert ended(watch).starts == 2
    after = [record.event for record in Reader(log).read()[len(before) :]]
    rest = list(itertools.takewhile(lambda event: not isinstance(event, SliceTaken | Waiting), after))
    # It looks after each step: the one that it was in when it was suspended still comes.
    assert sum(isinstance(event, Step) for event in rest) <= 1
    # The other may come back.
    assert Claims(folder, "").latest()[taken.slice].key == "0002-0-1"


def test_worker_that_is_asked_to_stop_while_it_starts_stops(new_run: NewRun) -> None:
    folder = new_run()
    folder.stop_file.touch()
    done = subprocess.run([*base.WORKER, str(folder.path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert (folder.state().status, folder.state().reason) == ("stopped", "asked to stop")
    assert ended(start(folder, Options())).status == "done"


def test_worker_that_is_only_starting_is_stopped(new_run: NewRun) -> None:
    folder, said = new_run(), list[str]()
    watch = start(folder, Options())
    assert live_workers(folder) == []
    assert stop(folder, say=said.append) == "stopped"
    assert said == ["a worker of the run is starting, and stops as soon as it has begun"]
    assert (ended(watch).status, watch.state.reason) == ("stopped", "asked to stop")


def test_worker_that_never_began_is_not_waited_for_long(new_run: NewRun, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = new_run()
    monkeypatch.setattr("budgetscope.calibrate.engines.base.WORKER", (sys.executable, "-c", "raise SystemExit(3)"))
    start(folder, Options()).processes[0].wait()
    with pytest.raises(UsageError, match="there is nothing to stop"):
        stop(folder, grace=0.3)
    aged(folder.launches / "0001.json", 60)
    said: list[str] = []
    with pytest.raises(UsageError, match="there is nothing to stop"):
        stop(folder, say=said.append)
    assert said == []


def test_stop_saves_and_resume_goes_on(new_run: NewRun, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = new_run()
    monkeypatch.setenv("FAKE_STEP_SECONDS", "0.02")
    watch = start(folder, Options())
    wait(watch, reached(2))
    assert stop(folder) == "stopped"
    assert (ended(watch).status, watch.state.reason) == ("stopped", "asked to stop")
    with pytest.raises(UsageError, match="there is nothing to stop"):
        stop(folder)
    monkeypatch.setenv("FAKE_STEP_SECONDS", "0")
    assert ended(start(folder, Options())).status == "done"


def test_worker_that_hangs_is_terminated_or_killed(new_run: NewRun, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = new_run()
    monkeypatch.setenv("FAKE_STEP_SECONDS", "30")
    watch = start(folder, Options())
    wait(watch, lambda state: bool(state.running))
    said: list[str] = []
    how = stop(folder, grace=0.5, say=said.append)
    assert how in ("terminated", "killed")
    pid = only(watch).pid
    assert f"waiting for process {pid} on " in said[0]
    assert said[0].endswith(" after 0.5 s it gets SIGTERM, and 0.5 s later it is killed")
    assert said[1].endswith("has not ended, and gets SIGTERM; in 0.5 s it is killed")
    assert len(said) == (3 if how == "killed" else 2)
    assert how == "terminated" or said[2].endswith("is killed; its last checkpoint is kept")
    only(watch).wait(PATIENCE_SECONDS)


def test_stop_of_a_worker_elsewhere_says_how_long_it_waits(new_run: NewRun) -> None:
    folder = new_run()
    write_log(folder, "0001-0-1", begun(folder, 1, place="elsewhere"))
    said: list[str] = []
    with pytest.raises(FailureError, match="on elsewhere was asked to stop and has not left yet"):
        stop(folder, grace=0.1, say=said.append)
    assert said == ["waiting for process 1 on elsewhere to save and end; after 0.1 s this command gives up"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals_stop_cleanly(new_run: NewRun, monkeypatch: pytest.MonkeyPatch, number: signal.Signals) -> None:
    folder = new_run()
    monkeypatch.setenv("FAKE_STEP_SECONDS", "0.02")
    watch = start(folder, Options())
    wait(watch, reached(1))
    os.kill(only(watch).pid, number)
    assert (ended(watch).status, watch.state.reason) == ("stopped", f"received {number.name}")


def test_worker_leaves_when_its_folder_is_deleted(new_run: NewRun, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = new_run()
    monkeypatch.setenv("FAKE_STEP_SECONDS", "0.02")
    watch = start(folder, Options())
    wait(watch, reached(1))
    # The worker may save a state meanwhile.
    shutil.rmtree(folder.path, ignore_errors=True)
    only(watch).wait(PATIENCE_SECONDS)


def test_time_limit_stops_cleanly(new_run: NewRun, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = new_run()
    monkeypatch.setenv("FAKE_STEP_SECONDS", "0.05")
    watch = start(folder, Options(minutes=0.01))
    assert (ended(watch).status, watch.state.reason) == ("stopped", "the time limit is up")


def test_edited_spec_ends_the_worker_with_one_sentence(new_run: NewRun) -> None:
    folder = new_run()
    path = folder.path / "spec.json"
    path.write_text(path.read_text().replace("planted text", "other text"))
    watch = start(folder, Options())
    ended(watch)
    assert "was edited after the run began" in watch.failure()
    assert live_workers(folder) == []


def test_crash_is_told_from_the_log(new_run: NewRun, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = new_run()
    monkeypatch.setattr("budgetscope.calibrate.engines.base.WORKER", (sys.executable, "-c", "raise SystemExit(3)"))
    watch = start(folder, Options())
    ended(watch)
    assert "ended without a word" in watch.failure()


def test_detaching_waits_for_its_own_worker_not_for_a_dead_one(
    new_run: NewRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = new_run()
    write_log(folder, "0001-0-1", begun(folder))
    (folder.path / "spec.json").write_text("{}")
    with pytest.raises(FailureError, match=r"the spec of run .* is refused"):
        start(folder, Options()).leave()
    monkeypatch.setattr("budgetscope.calibrate.engines.base.WORKER", (sys.executable, "-c", "raise SystemExit(3)"))
    with pytest.raises(FailureError, match="ended without a word"):
        start(folder, Options()).leave()


def test_worker_that_could_not_write_a_word_is_told_from_a_full_disk(
    new_run: NewRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = new_run()
    monkeypatch.setattr("budgetscope.calibrate.engines.base.WORKER", (sys.executable, "-c", "raise SystemExit(1)"))
    watch = start(folder, Options())
    ended(watch)
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=0))
    assert "is full; free some space and go on with" in watch.failure()


@pytest.mark.parametrize(("shown", "gpu", "expected"), [(None, 2, "2"), ("4,5", 1, "5"), ("GPU-a, GPU-b", 0, "GPU-a")])
def test_worker_sees_its_gpu_only(shown: str | None, gpu: int, expected: str) -> None:
    environment = {} if shown is None else {"CUDA_VISIBLE_DEVICES": shown}
    choose_gpu(environment, gpu)
    assert environment == {"CUDA_DEVICE_ORDER": "PCI_BUS_ID", "CUDA_VISIBLE_DEVICES": expected}
    with pytest.raises(UsageError, match="there is no GPU 7: CUDA_VISIBLE_DEVICES shows 1"):
        choose_gpu({"CUDA_VISIBLE_DEVICES": "4"}, 7)
    untouched: dict[str, str] = {}
    choose_gpu(untouched, None)
    assert untouched == {"CUDA_DEVICE_ORDER": "PCI_BUS_ID"}

"""Workers as processes: started, watched, stopped, killed and resumed."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from budgetscope.calibrate import launch
from budgetscope.calibrate.launch import Options, Watch, kill, start, stop
from budgetscope.calibrate.orchestrate import Stop, carry_on
from budgetscope.calibrate.plan.spec import Spec
from budgetscope.calibrate.run.folder import RunFolder
from budgetscope.calibrate.run.launches import STALE_SECONDS
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
        assert time.monotonic() < deadline, watch.folder.worker_log.read_text()
        if not watch.tick():
            time.sleep(0.02)


def ended(watch: Watch) -> RunState:
    """Follow a run until its worker has left."""
    assert watch.process is not None
    watch.process.wait(PATIENCE_SECONDS)
    while watch.tick():
        pass
    return watch.state


def reached(count: int) -> Callable[[RunState], bool]:
    """So many cells are finished."""
    return lambda state: sum(s.finished for s in state.cells.values()) >= count


def losses(state: RunState) -> dict[str, tuple[object, ...]]:
    return {key: (s.status, s.readings) for key, s in state.cells.items()}


def test_worker_takes_the_lock_of_a_dead_one_does_the_run_and_lets_go_of_it(new_run: NewRun) -> None:
    folder = new_run()
    lock = folder.path / "lock"
    lock.write_text('{"pid": 1, "host": "gone"}')
    old = time.time() - STALE_SECONDS - 1
    os.utime(lock, (old, old))
    watch = start(folder, Options())
    assert ended(watch).status == "done"
    assert watch.process is not None
    assert watch.process.returncode == 0
    assert watch.failure() == ""
    assert folder.owner() is None
    assert folder.fit_file.exists()


def test_killed_worker_loses_no_finished_cell_and_the_run_ends_the_same(
    new_run: NewRun, spec: Spec, fake: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = new_run()
    expected = carry_on(whole, spec, fake.FakeTrainer(), Stop(whole.stop_file))
    folder = RunFolder.create(replace(spec, run="20260102-030405-smoke-cafe"))
    monkeypatch.setenv("FAKE_STEP_SECONDS", "0.02")
    for count in (3, 14, 32):
        watch = start(folder, Options())
        wait(watch, reached(count))
        assert watch.process is not None
        kill(watch.process.pid)
        watch.process.wait(PATIENCE_SECONDS)
        assert "ended without a word" in watch.failure()
        finished = losses(folder.state())
        # A line that was being written when the worker died.
        with folder.events.open("ab") as log:
            log.write(b'{"v":1,"seq":')
        assert losses(folder.state()) == finished
    monkeypatch.setenv("FAKE_STEP_SECONDS", "0")
    state = ended(start(folder, Options()))
    assert (state.status, state.generation) == ("done", 4)
    assert losses(state) == losses(expected)


def test_second_worker_is_refused(new_run: NewRun, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = new_run()
    monkeypatch.setenv("FAKE_STEP_SECONDS", "0.05")
    watch = start(folder, Options())
    wait(watch, reached(1))
    with pytest.raises(FailureError, match="is being trained by process"):
        start(folder, Options())
    second = subprocess.run([*launch.WORKER, str(folder.path)], capture_output=True, text=True, check=False)
    assert second.returncode == 1
    assert "is being trained by process" in second.stderr
    assert stop(folder) == "stopped"
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
    assert watch.process is not None
    watch.process.send_signal(signal.SIGSTOP)
    old = time.time() - STALE_SECONDS - 1
    os.utime(folder.path / "lock", (old, old))
    with pytest.raises(FailureError, match="is being trained by process"):
        start(folder, Options())
    watch.process.send_signal(signal.SIGCONT)
    assert stop(folder) == "stopped"
    assert ended(watch).generation == 1


def test_worker_whose_run_another_took_writes_no_more(new_run: NewRun, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = new_run()
    monkeypatch.setenv("FAKE_STEP_SECONDS", "0.05")
    watch = start(folder, Options())
    wait(watch, reached(1))
    assert watch.process is not None
    watch.process.send_signal(signal.SIGSTOP)
    time.sleep(0.1)
    lock, other = folder.path / "lock", '{"pid": 1, "host": "elsewhere"}'
    lock.write_text(other)
    log = folder.events.read_bytes()
    watch.process.send_signal(signal.SIGCONT)
    assert watch.process.wait(PATIENCE_SECONDS) == 1
    assert lock.read_text() == other
    after = folder.events.read_bytes()
    assert after.startswith(log)
    # It looks before each record: the one that it had looked for when it was suspended still comes.
    assert after.count(b"\n") <= log.count(b"\n") + 1
    assert "was taken over by another worker" in folder.worker_log.read_text()


def test_worker_that_is_asked_to_stop_while_it_starts_stops(new_run: NewRun) -> None:
    folder = new_run()
    folder.stop_file.touch()
    done = subprocess.run([*launch.WORKER, str(folder.path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert (folder.state().status, folder.state().reason) == ("stopped", "asked to stop")
    assert ended(start(folder, Options())).status == "done"


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
    assert stop(folder, grace=0.5) in ("terminated", "killed")
    assert watch.process is not None
    watch.process.wait(PATIENCE_SECONDS)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals_stop_cleanly(new_run: NewRun, monkeypatch: pytest.MonkeyPatch, number: signal.Signals) -> None:
    folder = new_run()
    monkeypatch.setenv("FAKE_STEP_SECONDS", "0.02")
    watch = start(folder, Options())
    wait(watch, reached(1))
    assert watch.process is not None
    os.kill(watch.process.pid, number)
    assert (ended(watch).status, watch.state.reason) == ("stopped", f"received {number.name}")


def test_worker_leaves_when_its_folder_is_deleted(new_run: NewRun, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = new_run()
    monkeypatch.setenv("FAKE_STEP_SECONDS", "0.02")
    watch = start(folder, Options())
    wait(watch, reached(1))
    shutil.rmtree(folder.path)
    assert watch.process is not None
    watch.process.wait(PATIENCE_SECONDS)


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
    assert folder.owner() is None


def test_crash_is_told_from_the_log(new_run: NewRun, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = new_run()
    monkeypatch.setattr("budgetscope.calibrate.engines.base.WORKER", (sys.executable, "-c", "raise SystemExit(3)"))
    watch = start(folder, Options())
    ended(watch)
    assert "ended without a word" in watch.failure()


def test_detaching_waits_for_its_own_worker_not_for_the_lock_of_a_dead_one(
    new_run: NewRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = new_run()
    (folder.path / "lock").write_text('{"pid": 1, "host": "gone"}')
    old = time.time() - STALE_SECONDS - 1
    os.utime(folder.path / "lock", (old, old))
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

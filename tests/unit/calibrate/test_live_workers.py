"""Which workers of a run count as alive: by their process on this machine, by their silence elsewhere."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from tests.planted_workers import GONE_PID, aged, begun, write_log
from typer.testing import CliRunner

from budgetscope.api.calibration import live_status, status
from budgetscope.calibrate.engines.base import Options
from budgetscope.calibrate.launch import Queue, start
from budgetscope.calibrate.run.events import Heartbeat, RunDone
from budgetscope.calibrate.run.folder import RunFolder
from budgetscope.calibrate.run.launches import (
    STALE_SECONDS,
    find_workers,
    last_launch,
    live_workers,
    new_launch,
    note_job,
    worker_views,
)
from budgetscope.calibrate.run.processes import here, is_gone, process_exists, process_started
from budgetscope.cli.calibrate import app
from budgetscope.core.errors import FailureError

NewRun = Callable[[], RunFolder]


@pytest.fixture
def other() -> Iterator[subprocess.Popen[bytes]]:
    """A process that does nothing for a minute."""
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as process:
        yield process
        process.kill()


def keys(folder: RunFolder) -> list[str]:
    return sorted(worker.key for worker in live_workers(folder))


def test_start_is_refused_beside_a_living_worker_and_forgives_a_dead_one(
    new_run: NewRun, other: subprocess.Popen[bytes]
) -> None:
    folder = new_run()
    write_log(folder, "0001-0-1", begun(folder, other.pid))
    with pytest.raises(FailureError, match=rf"being trained by process {other.pid} on .*attach {folder.name}"):
        start(folder, Options())
    assert keys(folder) == ["0001-0-1"]
    other.kill()
    # Not yet waited for, it is a zombie: dead all the same.
    deadline = time.monotonic() + 10
    while process_exists(other.pid) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert keys(folder) == []
    assert [worker.key for worker in find_workers(folder)] == ["0001-0-1"]


def test_silent_worker_of_this_machine_is_alive_as_long_as_its_process(
    new_run: NewRun, other: subprocess.Popen[bytes]
) -> None:
    folder = new_run()
    other.send_signal(signal.SIGSTOP)
    aged(write_log(folder, "0001-0-1", begun(folder, other.pid)), STALE_SECONDS + 1)
    assert keys(folder) == ["0001-0-1"]
    # The number of the worker of slot 1 belongs to another process by now.
    write_log(folder, "0001-1-1", begun(folder, other.pid, process="1"))
    assert process_started(other.pid) not in ("", "1")
    assert keys(folder) == ["0001-0-1"]


def test_worker_of_another_machine_is_alive_while_it_writes(new_run: NewRun) -> None:
    folder = new_run()
    log = write_log(folder, "0001-0-1", begun(folder, 1, place="\x1b[2Jelsewhere"), Heartbeat())
    with pytest.raises(FailureError, match=r"on \\x1b\[2Jelsewhere"):
        start(folder, Options())
    aged(log, STALE_SECONDS / 2)
    assert keys(folder) == ["0001-0-1"]
    (view,) = worker_views(folder, folder.state())
    assert view.silent_seconds == pytest.approx(STALE_SECONDS / 2, abs=STALE_SECONDS / 4)
    aged(log, STALE_SECONDS)
    assert keys(folder) == []


def test_worker_of_another_machine_is_not_alive_until_a_time_to_come(new_run: NewRun) -> None:
    folder = new_run()
    log = write_log(folder, "0001-0-1", begun(folder, 1, place="elsewhere"))
    aged(log, -STALE_SECONDS / 2)
    assert keys(folder) == ["0001-0-1"]
    aged(log, -10 * STALE_SECONDS)
    assert keys(folder) == []


def test_worker_that_said_how_it_ended_is_not_alive(new_run: NewRun) -> None:
    folder = new_run()
    for key, how in (("0001-0-1", "stopped"), ("0001-1-1", "failed"), ("0001-2-1", "done")):
        write_log(folder, key, begun(folder, os.getpid()), RunDone(how))
    write_log(folder, "0001-3-1", begun(folder, os.getpid()))
    assert keys(folder) == ["0001-3-1"]
    assert [(view.state.slot, view.alive) for view in worker_views(folder, folder.state())] == [
        ("0", False),
        ("1", False),
        ("2", False),
        ("3", True),
    ]


def test_of_a_slot_that_was_started_again_the_last_start_counts(new_run: NewRun) -> None:
    folder = new_run()
    # By their names, the tenth start sorts before the second.
    for number in range(1, 10):
        write_log(folder, f"0001-0-{number}", begun(folder, os.getpid()))
    write_log(folder, "0001-0-10", begun(folder, os.getpid()))
    assert keys(folder) == ["0001-0-10"]
    write_log(folder, "0001-0-11", begun(folder, GONE_PID))
    assert keys(folder) == []


def test_workers_that_came_with_a_copy_of_the_folder_do_not_count(new_run: NewRun, tmp_path: Path) -> None:
    original = new_run()
    write_log(original, "0001-0-1", begun(original, os.getpid()))
    copy, moved = RunFolder(tmp_path / "copy"), RunFolder(tmp_path / "moved")
    shutil.copytree(original.path, copy.path)
    assert keys(original) == ["0001-0-1"]
    assert keys(copy) == []
    write_log(copy, "0002-0-1", begun(copy, os.getpid()))
    assert keys(copy) == ["0002-0-1"]
    original.path.rename(moved.path)
    assert keys(moved) == ["0001-0-1"]


@pytest.mark.parametrize("text", ["", "{}\n", "[1]\n", "7\n", "nonsense\n", '{"pid":1,"host":"","folder":1}\n'])
def test_log_without_a_beginning_counts_as_no_worker(new_run: NewRun, text: str) -> None:
    folder = new_run()
    folder.workers.mkdir()
    for name in ("0001-0-1.jsonl", "notes.jsonl", "0001-0-1.jsonl.bak"):
        (folder.workers / name).write_text(text)
    assert find_workers(folder) == []
    assert folder.state().workers == ()


def test_process_counts_as_gone_only_where_it_can_be_seen(
    other: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    started = process_started(other.pid)
    assert not is_gone(here(), other.pid, started)
    assert not is_gone(here(), other.pid, "")
    assert is_gone(here(), other.pid, "1")
    assert is_gone(here(), GONE_PID, "")
    assert not is_gone("elsewhere", GONE_PID, "")
    other.send_signal(signal.SIGSTOP)
    assert not is_gone(here(), other.pid, started)
    # A system may hide the processes of other users.
    monkeypatch.setattr(Path, "read_text", hidden)
    assert not is_gone(here(), other.pid, started)
    for pid in (GONE_PID, -1, 0, 2**70):
        assert is_gone(here(), pid, "")


def test_silence_decides_where_processes_cannot_be_seen(new_run: NewRun, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = new_run()
    log = write_log(folder, "0001-0-1", begun(folder))
    assert keys(folder) == []
    for name in ("launches", "processes"):
        monkeypatch.setattr(f"budgetscope.calibrate.run.{name}.can_see", lambda _: False)
    assert keys(folder) == ["0001-0-1"]
    aged(log, STALE_SECONDS + 1)
    assert keys(folder) == []


def hidden(*_: object, **__: object) -> str:
    raise FileNotFoundError


def test_run_whose_tasks_wait_in_a_queue_is_waiting_until_slurm_forgets_them(
    new_run: NewRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, said = new_run(), tmp_path / "said"
    squeue = tmp_path / "squeue"
    squeue.write_text(f"#!/bin/sh\necho asked >> {tmp_path}/asked\ncat {said}\n")
    squeue.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    note_job(folder, new_launch(folder, "slurm", 2), "77")
    for answer, word in (
        ("PENDING|Priority\nPENDING|Priority\n", "waiting"),
        ("RUNNING|None\nPENDING|Priority\n", "starting"),
        ("", "new"),
        ("FAILED|None\n", "new"),
    ):
        said.write_text(answer)
        assert status(folder).status == word
        assert live_status(folder, "new", Queue(folder)) == word
    said.write_text("PENDING|Priority\n")
    assert live_status(folder, "done", Queue(folder)) == "done"
    assert live_status(folder, "stopped", Queue(folder)) == "waiting"
    assert live_status(folder, "stopped") == "stopped"
    assert "waiting" in CliRunner().invoke(app, ["list"]).stdout
    # Its first worker has begun.
    write_log(folder, "0001-0-1", begun(folder, os.getpid()))
    assert live_status(folder, "running", Queue(folder)) == "running"


def test_slurm_is_asked_seldom_and_for_an_empty_queue_ever_more_so(
    new_run: NewRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, asked, clock = new_run(), list[float](), [1000.0]
    answers = {"said": "1 pending"}

    def pending(_: object) -> str:
        asked.append(clock[0])
        return answers["said"]

    monkeypatch.setattr("budgetscope.calibrate.engines.slurm.pending", pending)
    monkeypatch.setattr("budgetscope.calibrate.launch.time", SimpleNamespace(monotonic=lambda: clock[0]))
    note_job(folder, new_launch(folder, "slurm", 2), "77")
    queue = Queue(folder)

    def look(seconds: int) -> list[float]:
        asked.clear()
        begin = clock[0]
        for k in range(seconds):
            clock[0] = begin + k
            queue.pending()
        return [round(time - begin) for time in asked]

    assert look(30) == [0, 10, 20]
    answers["said"] = ""
    assert look(300) == [1, 21, 61, 141]
    # Another launch is asked for at once.
    note_job(folder, new_launch(folder, "slurm", 2), "78")
    assert look(2) == [0]


def test_launches_are_numbered_and_broken_ones_count_as_none(new_run: NewRun) -> None:
    folder = new_run()
    assert last_launch(folder) is None
    first, second = new_launch(folder, "local", 2, (0, 3)), new_launch(folder, "slurm", 8, submit="--partition=a")
    assert (first.number, second.number) == (1, 2)
    note_job(folder, second, "77")
    found = last_launch(folder)
    assert found is not None
    assert (found.number, found.engine, found.workers, found.job, found.submit) == (
        2,
        "slurm",
        8,
        "77",
        "--partition=a",
    )
    for text in ("", "[]", "{}", json.dumps({"number": "x"})):
        (folder.launches / "0002.json").write_text(text)
        assert last_launch(folder) is None
    assert new_launch(folder, "local", 1).number == 3

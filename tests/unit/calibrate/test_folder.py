"""The run folder: what survives crashes, and what is refused."""

import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from budgetscope.calibrate.run.lock import STALE_SECONDS, Lock, process_exists, process_started, read_owner

from budgetscope.calibrate.plan.spec import Spec, dump_spec, parse_spec
from budgetscope.calibrate.run import events
from budgetscope.calibrate.run import folder as folder_module
from budgetscope.calibrate.run.folder import RunFolder, list_runs
from budgetscope.calibrate.run.logs import Reader, Writer
from budgetscope.core.errors import FailureError, UsageError
from budgetscope.store.locations import user_runs

NewRun = Callable[[], RunFolder]


def test_spec_comes_back_as_it_went(new_run: NewRun, spec: Spec) -> None:
    assert new_run().spec() == spec


def test_edited_spec_is_refused(new_run: NewRun) -> None:
    folder = new_run()
    path = folder.path / "spec.json"
    path.write_text(path.read_text().replace('"preset": "smoke"', '"preset": "deep"'))
    with pytest.raises(FailureError, match="was edited after the run began; restore"):
        folder.spec()


def test_spec_with_texts_that_a_terminal_obeys_is_refused(spec: Spec) -> None:
    with pytest.raises(ValueError, match="not printable"):
        parse_spec(dump_spec(replace(spec, corpus=replace(spec.corpus, title="\x1b[2J"))))
    parse_spec(dump_spec(replace(spec, corpus=replace(spec.corpus, path="/\x1b[2J"))))


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"sha256": "0"}', "nonsense"])
def test_broken_spec_is_refused(new_run: NewRun, text: str) -> None:
    folder = new_run()
    (folder.path / "spec.json").write_text(text)
    with pytest.raises(FailureError, match=r"the spec of run .* is refused"):
        folder.spec()


def test_second_run_of_one_name_is_refused(new_run: NewRun) -> None:
    new_run()
    with pytest.raises(FailureError, match="there is a run"):
        new_run()


def test_run_is_found_by_name_beginning_folder_and_last(new_run: NewRun) -> None:
    folder = new_run()
    for name in (folder.name, folder.name[:8], "last", str(folder.path)):
        assert RunFolder.find(name).path == folder.path
    assert [f.name for f in list_runs()] == [folder.name]
    with pytest.raises(UsageError, match="there is no run 'other'"):
        RunFolder.find("other")


def test_reader_takes_complete_lines_only(tmp_path: Path) -> None:
    log = tmp_path / "events.jsonl"
    assert Reader(log).read() == []
    writer = Writer(log, 0, 1)
    writer.append(events.Heartbeat(7))
    whole = log.read_bytes()
    reader = Reader(log)
    for cut in range(len(whole)):
        log.write_bytes(whole[:cut])
        assert reader.read() == []
    log.write_bytes(whole)
    assert [record.event for record in reader.read()] == [events.Heartbeat(7)]
    assert reader.read() == []


def test_reader_goes_past_lines_that_are_none_of_ours(tmp_path: Path) -> None:
    log = tmp_path / "events.jsonl"
    writer = Writer(log, 0, 1)
    writer.append(events.Heartbeat(7))
    unknown = {"v": 3, "seq": 1, "t": 0, "generation": 1, "kind": "from the future", "x": 1}
    body = json.dumps(unknown, separators=(",", ":")).encode()
    with log.open("ab") as file:
        file.write(b'nonsense\n{"v":1}\n[]\n' + body[:-1] + b',"crc":"%08x"}\n' % zlib.crc32(body))
    writer.append(events.Heartbeat(8))
    reader = Reader(log)
    found = [record.event for record in reader.read()]
    assert found == [events.Heartbeat(7), None, events.Heartbeat(8)]
    assert reader.unreadable == 3


def test_full_disk_is_one_sentence_and_leaves_no_half_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = tmp_path / "events.jsonl"
    writer = Writer(log, 0, 1)
    writer.append(events.Heartbeat(7))
    before, write = log.read_bytes(), os.write
    monkeypatch.setattr(os, "write", lambda fd, data: write(fd, data[:5]))
    with pytest.raises(FailureError, match=r"the disk of .* is full; free some space and resume"):
        writer.append(events.Heartbeat(8))
    assert log.read_bytes() == before

    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(FailureError, match="no space left on device; mend that and resume"):
        writer.append(events.Heartbeat(8))
    monkeypatch.undo()
    writer.append(events.Heartbeat(9))
    assert [record.seq for record in Reader(log).read()] == [0, 1]


def test_too_long_a_record_is_not_written(tmp_path: Path) -> None:
    writer = Writer(tmp_path / "events.jsonl", 0, 1)
    with pytest.raises(ValueError, match="too long"):
        writer.append(events.Note("x" * 100_000))
    assert (tmp_path / "events.jsonl").read_bytes() == b""


def test_stage_of_the_largest_records_fits(new_run: NewRun, spec: Spec) -> None:
    folder = new_run()
    cells = (spec.design.stage1 * events.CELLS_A_RECORD)[: events.CELLS_A_RECORD]
    Writer(folder.events, 0, 1).append(events.StagePlanned(1, cells, True, "x" * 2000))


def test_spec_of_before_the_built_in_text_was_marked_keeps_its_hash(spec: Spec) -> None:
    assert "built_in" not in dump_spec(spec)
    assert parse_spec(dump_spec(spec)) == spec
    marked = replace(spec, corpus=replace(spec.corpus, built_in=True))
    assert parse_spec(dump_spec(marked)) == marked
    assert marked.sha256 != spec.sha256


def test_run_that_cannot_be_written_leaves_no_folder(spec: Spec, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, _: str) -> None:
        path.parent.mkdir(parents=True)
        raise FailureError("no space is left.")

    monkeypatch.setattr(folder_module, "write_atomically", full)
    with pytest.raises(FailureError, match="no space"):
        RunFolder.create(spec)
    assert not list(user_runs().iterdir())


def test_lock_refuses_a_second_worker_and_forgives_a_dead_one(tmp_path: Path) -> None:
    path = tmp_path / "run" / "lock"
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as other:
        path.parent.mkdir()
        owner = {"pid": other.pid, "host": os.uname().nodename}
        path.write_text(json.dumps(owner))
        with pytest.raises(FailureError, match=rf"being trained by process {other.pid} .*attach run"):
            Lock(path).take()
        old = time.time() - STALE_SECONDS - 1
        os.utime(path, (old, old))
        Lock(path).take()
        path.write_text(json.dumps(owner))
        other.kill()
        # Not yet waited for, it is a zombie: dead all the same.
        deadline = time.monotonic() + 10
        while process_exists(other.pid) and time.monotonic() < deadline:
            time.sleep(0.01)
        Lock(path).take()
    owned = read_owner(path)
    assert owned is not None
    assert owned.pid == os.getpid()
    Lock(path).release()
    assert read_owner(path) is None


def test_silent_worker_is_alive_as_long_as_its_process(tmp_path: Path) -> None:
    path, old = tmp_path / "lock", time.time() - STALE_SECONDS - 1
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as other:
        owner = {"pid": other.pid, "host": os.uname().nodename, "started": process_started(other.pid)}
        path.write_text(json.dumps(owner))
        other.send_signal(signal.SIGSTOP)
        os.utime(path, (old, old))
        with pytest.raises(FailureError, match="is being trained by process"):
            Lock(path).take()
        # Its number belongs to another process by now.
        path.write_text(json.dumps(owner | {"started": "1"}))
        Lock(path).take()
        other.kill()


def test_lock_that_another_took_is_neither_beaten_nor_released(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    lock = Lock(path)
    lock.check()
    lock.take()
    lock.check()
    other = json.dumps({"pid": 1, "host": "elsewhere"})
    path.write_text(other)
    old = time.time() - STALE_SECONDS
    os.utime(path, (old, old))
    with pytest.raises(FailureError, match="was taken over by another worker"):
        lock.check()
    lock.beat()
    assert path.stat().st_mtime == pytest.approx(old)
    lock.release()
    assert path.read_text() == other


def test_lock_of_another_machine_counts_while_it_beats(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    path.write_text(json.dumps({"pid": 1, "host": "\x1b[2Jelsewhere"}))
    with pytest.raises(FailureError, match=r"on \\x1b\[2Jelsewhere"):
        Lock(path).take()
    old = time.time() - STALE_SECONDS - 1
    os.utime(path, (old, old))
    Lock(path).take()


def test_lock_of_another_machine_does_not_count_until_a_time_to_come(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    path.write_text(json.dumps({"pid": 1, "host": "elsewhere"}))
    soon, far = time.time() + STALE_SECONDS / 2, time.time() + 10 * STALE_SECONDS
    os.utime(path, (soon, soon))
    with pytest.raises(FailureError, match="on elsewhere"):
        Lock(path).take()
    os.utime(path, (far, far))
    Lock(path).take()


def test_lock_that_came_with_a_copy_of_the_folder_counts_as_none(tmp_path: Path) -> None:
    original, copy, moved = (tmp_path / name / "lock" for name in ("run", "copy", "moved"))
    original.parent.mkdir()
    Lock(original).take()
    shutil.copytree(original.parent, copy.parent)
    assert read_owner(original) is not None
    assert read_owner(copy) is None
    Lock(copy).take()
    assert read_owner(copy) is not None
    original.parent.rename(moved.parent)
    assert read_owner(moved) is not None


@pytest.mark.parametrize("text", ["", "{}", "[1]", "7", "nonsense", '{"pid": 1, "host": "", "folder": 1}'])
def test_broken_lock_counts_as_none(tmp_path: Path, text: str) -> None:
    path = tmp_path / "lock"
    path.write_text(text)
    Lock(path).take()

"""The run folder: what survives crashes, and what is refused."""

import errno
import json
import os
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from tests.planted_workers import begun, write_log

from budgetscope.calibrate.plan.device import Rate
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
    log = tmp_path / "0001-0-1.jsonl"
    assert Reader(log).read() == []
    writer = Writer(log)
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
    log = tmp_path / "0001-0-1.jsonl"
    writer = Writer(log)
    writer.append(events.Heartbeat(7))
    unknown = {"v": 3, "seq": 1, "t": 0, "generation": 1, "kind": "from the future", "x": 1}
    body = json.dumps(unknown, separators=(",", ":")).encode()
    last = events.encode(events.Record(2, 0.0, 1, events.Heartbeat(8)))
    with log.open("ab") as file:
        file.write(b'nonsense\n{"v":1}\n[]\n' + body[:-1] + b',"crc":"%08x"}\n' % zlib.crc32(body) + last)
    reader = Reader(log)
    found = [record.event for record in reader.read()]
    assert found == [events.Heartbeat(7), None, events.Heartbeat(8)]
    assert reader.unreadable == 3


def test_full_disk_is_one_sentence_and_leaves_no_half_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = tmp_path / "0001-0-1.jsonl"
    writer = Writer(log)
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


def test_log_has_one_writer(tmp_path: Path) -> None:
    log = tmp_path / "0001-0-1.jsonl"
    Writer(log).append(events.Heartbeat(7))
    whole = log.read_bytes()
    with pytest.raises(FileExistsError):
        Writer(log)
    assert log.read_bytes() == whole


def test_too_long_a_record_is_not_written(tmp_path: Path) -> None:
    writer = Writer(tmp_path / "0001-0-1.jsonl")
    with pytest.raises(ValueError, match="too long"):
        writer.append(events.Note("x" * 100_000))
    assert (tmp_path / "0001-0-1.jsonl").read_bytes() == b""


def test_stage_of_the_largest_records_fits(new_run: NewRun, spec: Spec) -> None:
    folder = new_run()
    cells = (spec.design.stage1 * events.CELLS_A_RECORD)[: events.CELLS_A_RECORD]
    Writer(folder.plans / "0000.jsonl").append(events.StagePlanned(1, cells, True, "x" * 2000))


def test_spec_of_before_the_built_in_text_was_marked_keeps_its_hash(spec: Spec) -> None:
    assert "built_in" not in dump_spec(spec)
    assert parse_spec(dump_spec(spec)) == spec
    marked = replace(spec, corpus=replace(spec.corpus, built_in=True))
    assert parse_spec(dump_spec(marked)) == marked
    assert marked.sha256 != spec.sha256


def test_spec_for_several_workers_comes_back_and_one_for_one_keeps_its_hash(spec: Spec) -> None:
    assert not {"workers", "gpus", "rate"} & json.loads(dump_spec(spec)).keys()
    several = replace(spec, workers=3, gpus=(0, 2, 5), rate=Rate.assumed("cuda"))
    assert parse_spec(dump_spec(several)) == several
    assert several.sha256 != spec.sha256


def test_run_that_cannot_be_written_leaves_no_folder(spec: Spec, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, _: str) -> None:
        path.parent.mkdir(parents=True)
        raise FailureError("no space is left.")

    monkeypatch.setattr(folder_module, "write_atomically", full)
    with pytest.raises(FailureError, match="no space"):
        RunFolder.create(spec)
    assert not list(user_runs().iterdir())


def test_status_is_that_of_the_latest_workers_by_the_ends_of_their_logs(new_run: NewRun) -> None:
    folder = new_run()
    assert folder.logged_status() == "new"
    write_log(folder, "0001-0-1", begun(folder), events.RunDone("stopped", "enough"))
    assert folder.logged_status() == "stopped"
    write_log(folder, "0002-0-1", begun(folder))
    write_log(folder, "0002-1-1", begun(folder), events.RunDone("failed", "no GPU"))
    assert folder.logged_status() == "running"
    # The tenth start is after the second, although its name sorts before it.
    write_log(folder, "0002-0-2", begun(folder))
    write_log(folder, "0002-0-10", begun(folder), events.RunDone("stopped", "enough"))
    assert folder.logged_status() in ("failed", "stopped")
    write_log(folder, "0002-1-2", begun(folder), events.RunDone("done"))
    assert folder.logged_status() == folder.state().status == "done"

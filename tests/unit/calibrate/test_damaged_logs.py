"""Logs with damaged lines: such a line counts as unreadable, and everything else is read."""

import itertools
import json
import os
import random
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest
from typer.testing import CliRunner

from budgetscope.calibrate import texts
from budgetscope.calibrate.launch import Watch
from budgetscope.calibrate.orchestrate import Stop, carry_on
from budgetscope.calibrate.plan.spec import Spec
from budgetscope.calibrate.run import events
from budgetscope.calibrate.run.fold import LogState, fold
from budgetscope.calibrate.run.folder import RunFolder
from budgetscope.calibrate.run.logs import Reader, Writer
from budgetscope.calibrate.run.state import RunState, combine
from budgetscope.cli.calibrate import app
from budgetscope.core.errors import FailureError

NewRun = Callable[[], RunFolder]
NASTY: tuple[object, ...] = (
    10**30,
    -(10**30),
    10**400,
    2**63,
    -1,
    0,
    True,
    None,
    1e308,
    "x",
    "9" * 5000,
    [],
    {},
    [[]],
    {"x": 10**400},
)


def worker_log(folder: RunFolder) -> Path:
    """Return the log of the only worker of a run."""
    (path,) = folder.workers.iterdir()
    return path


def _replaced(value: object, nasty: object) -> Iterator[object]:
    """Yield the value with each of its parts in turn replaced."""
    yield nasty
    match value:
        case dict():
            for key, part in value.items():
                yield from ({**value, key: other} for other in _replaced(part, nasty))
        case list():
            for index, part in enumerate(value[:2]):
                yield from ([*value[:index], other, *value[index + 1 :]] for other in _replaced(part, nasty))


def test_a_log_whose_values_are_damaged_is_read_all_the_same(whole: tuple[RunFolder, RunState]) -> None:
    folder, _ = whole
    lines = worker_log(folder).read_bytes().splitlines()
    plans = (folder.plans / "0000.jsonl").read_bytes().splitlines()
    kinds = {json.loads(line)["kind"]: line for line in reversed([*plans, *lines])}
    plan = fold(map(events.decode, plans), LogState("plan 0000"))
    before = fold(map(events.decode, lines[: len(lines) // 2]), LogState("0001-0-1", 1))
    for line, nasty in itertools.product(kinds.values(), NASTY):
        for damaged in _replaced(json.loads(line), nasty):
            try:
                record = events.decode(json.dumps(damaged).encode(), checked=False)
            except ValueError:
                continue
            state = combine([plan, fold([record], before)])
            texts.event_text(record.event, state)
            time.localtime(record.t)


def test_only_the_damaged_record_is_lost_and_it_is_said(done_run: RunFolder) -> None:
    path = worker_log(done_run)
    log = path.read_bytes()
    records, rng = Reader(path).read(), random.Random(1)
    for _ in range(60):
        place = rng.randrange(len(log) - 1)
        garbled = log[:place] + bytes([log[place] ^ rng.randrange(1, 256)]) + log[place + 1 :]
        path.write_bytes(garbled)
        reader = Reader(path)
        found = reader.read()
        assert found == [record for record in records if record in found]
        assert (len(records) - len(found), reader.unreadable) in {(1, 1), (1, 2)}, place
    shown = CliRunner().invoke(app, ["status", done_run.name]).stdout
    assert "! Lines of the run's log that cannot be read: " in shown


def test_a_lost_reading_is_measured_again(
    done_run: RunFolder, whole_state: RunState, spec: Spec, fake: ModuleType
) -> None:
    folder = done_run
    path = worker_log(folder)
    lines = path.read_bytes().splitlines(keepends=True)
    last = max(number for number, line in enumerate(lines) if b'"kind":"reading"' in line)
    lines[last] = lines[last].replace(b'"loss":', b'"loss":1')
    # The worker was stopped before its fit.
    stopped = events.encode(events.Record(len(lines) - 2, time.time(), 1, events.RunDone("stopped")))
    path.write_bytes(b"".join([*lines[:-2], stopped]))
    (lost,) = [state for state in folder.state().cells.values() if not state.finished]
    assert lost.final_loss is None
    again = carry_on(folder, spec, fake.FakeTrainer(), Stop(folder.stop_file))
    assert again.cells[lost.cell.id].readings == whole_state.cells[lost.cell.id].readings


def test_a_log_without_checksums_is_refused(done_run: RunFolder, spec: Spec) -> None:
    folder = done_run
    text = re.sub(r',"crc":"\w{8}"', "", worker_log(folder).read_text()).replace('{"v":2', '{"v":1')
    old = RunFolder.create(replace(spec, run="20260102-030405-smoke-cafe"))
    for path in (worker_log(folder), old.path / "events.jsonl"):
        path.write_text(text)
    for each in (folder, old):
        with pytest.raises(FailureError, match="written by an earlier budgetscope, without checksums"):
            each.state()


EVIL = "\x1b]0;owned\x07[red]x[/red]\r\n\x9b31m"


def test_texts_of_a_log_are_shown_harmless(new_run: NewRun, spec: Spec) -> None:
    folder = new_run()
    Writer(folder.plans / "0000.jsonl").append(events.StagePlanned(1, spec.design.stage1, True, EVIL, EVIL))
    for slot in (0, 1):
        writer = Writer(folder.workers / f"0001-{slot}-1.jsonl")
        writer.append(events.WorkerStarted(os.getpid(), EVIL, EVIL, EVIL, EVIL, EVIL))
        writer.append(events.RunStarted(spec.sha256, EVIL, {EVIL: EVIL}, 1e12, {}))
        writer.append(events.SliceTaken(EVIL, 1))
        writer.append(events.Note(EVIL, problem=True))
        writer.append(events.RunDone("failed", EVIL))
    for command in ("status", "list", "attach"):
        result = CliRunner().invoke(app, [command, *[folder.name] * (command != "list")])
        shown = result.output + str(result.exception)
        assert all(line.isprintable() for line in shown.split("\n")), command
        assert command == "list" or "[red]x[/red]" in shown
    state = folder.state()
    said = [texts.event_text(record.event, state) for record in Watch(folder).tick()]
    assert len(said) == 11
    assert all(line.isprintable() for line in said)


def test_one_bad_line_does_not_hide_the_other_runs(done_run: RunFolder, spec: Spec) -> None:
    folder = done_run
    path = folder.plans / "0000.jsonl"
    text = path.read_text()
    width = re.search(r'"width":\d+', text)
    assert width is not None
    path.write_text(text.replace(width[0], f'"width":{10**30}', 1))
    state = folder.state()
    assert state.unreadable == 1
    other = RunFolder.create(replace(spec, run="20260102-030405-smoke-cafe"))
    (other.path / "spec.json").write_text((other.path / "spec.json").read_text().replace(":", ";", 1))
    shown = CliRunner().invoke(app, ["list"]).stdout
    assert folder.name in shown
    assert other.name in shown

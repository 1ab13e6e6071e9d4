"""Logs with damaged lines: such a line counts as unreadable, and everything else is read."""

import itertools
import json
import random
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from types import ModuleType

import pytest
from typer.testing import CliRunner

from budgetscope.calibrate import texts
from budgetscope.calibrate.orchestrate import Stop, carry_on
from budgetscope.calibrate.plan.spec import Spec
from budgetscope.calibrate.run import events
from budgetscope.calibrate.run.folder import RunFolder
from budgetscope.calibrate.run.logs import Reader, Writer
from budgetscope.calibrate.run.state import fold
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


def test_a_log_whose_values_are_damaged_is_read_all_the_same(new_run: NewRun, spec: Spec, fake: ModuleType) -> None:
    folder = new_run()
    carry_on(folder, spec, fake.FakeTrainer(), Stop(folder.stop_file))
    lines = folder.events.read_bytes().splitlines()
    kinds = {json.loads(line)["kind"]: line for line in reversed(lines)}
    before = fold(map(events.decode, lines[: len(lines) // 2]))
    for line, nasty in itertools.product(kinds.values(), NASTY):
        for damaged in _replaced(json.loads(line), nasty):
            try:
                record = events.decode(json.dumps(damaged).encode(), checked=False)
            except ValueError:
                continue
            state = fold([record], before)
            texts.event_text(record.event, state)
            time.localtime(record.t)


def test_only_the_damaged_record_is_lost_and_it_is_said(new_run: NewRun, spec: Spec, fake: ModuleType) -> None:
    folder = new_run()
    carry_on(folder, spec, fake.FakeTrainer(), Stop(folder.stop_file))
    log = folder.events.read_bytes()
    records, rng = Reader(folder.events).read(), random.Random(1)
    for _ in range(60):
        place = rng.randrange(len(log) - 1)
        garbled = log[:place] + bytes([log[place] ^ rng.randrange(1, 256)]) + log[place + 1 :]
        folder.events.write_bytes(garbled)
        reader = Reader(folder.events)
        found = reader.read()
        assert found == [record for record in records if record in found]
        assert (len(records) - len(found), reader.unreadable) in {(1, 1), (1, 2)}, place
    shown = CliRunner().invoke(app, ["status", folder.name]).stdout
    assert "! Lines of the run's log that cannot be read: " in shown


def test_a_lost_reading_is_measured_again(new_run: NewRun, spec: Spec, fake: ModuleType) -> None:
    folder = new_run()
    whole = carry_on(folder, spec, fake.FakeTrainer(), Stop(folder.stop_file))
    lines = folder.events.read_bytes().splitlines(keepends=True)
    last = max(number for number, line in enumerate(lines) if b'"kind":"reading"' in line)
    lines[last] = lines[last].replace(b'"loss":', b'"loss":1')
    # The worker ended before its fit.
    folder.events.write_bytes(b"".join(lines[:-2]))
    (lost,) = [state for state in folder.state().cells.values() if not state.finished]
    assert lost.final_loss is None
    again = carry_on(folder, spec, fake.FakeTrainer(), Stop(folder.stop_file))
    assert again.cells[lost.cell.id].readings == whole.cells[lost.cell.id].readings


def test_a_log_without_checksums_is_refused(new_run: NewRun, spec: Spec, fake: ModuleType) -> None:
    folder = new_run()
    carry_on(folder, spec, fake.FakeTrainer(), Stop(folder.stop_file))
    text = folder.events.read_text()
    folder.events.write_text(re.sub(r',"crc":"\w{8}"', "", text).replace('{"v":2', '{"v":1'))
    with pytest.raises(FailureError, match="written by an earlier budgetscope, without checksums"):
        folder.state()


EVIL = "\x1b]0;owned\x07[red]x[/red]\r\n\x9b31m"


def test_texts_of_a_log_are_shown_harmless(new_run: NewRun, spec: Spec) -> None:
    folder = new_run()
    writer = Writer(folder.events, 0, 1)
    writer.append(events.RunStarted(spec.sha256, EVIL, {EVIL: EVIL}, 1e12, {}))
    writer.append(events.StagePlanned(1, spec.design.stage1, True, EVIL))
    writer.append(events.Note(EVIL, problem=True))
    writer.append(events.RunDone("failed", EVIL))
    for command in ("status", "list", "attach"):
        result = CliRunner().invoke(app, [command, *[folder.name] * (command != "list")])
        shown = result.output + str(result.exception)
        assert all(line.isprintable() for line in shown.split("\n")), command
        assert command == "list" or "[red]x[/red]" in shown
    state = folder.state()
    said = [texts.event_text(record.event, state) for record in Reader(folder.events).read()]
    assert all(line.isprintable() for line in said)


def test_one_bad_line_does_not_hide_the_other_runs(new_run: NewRun, spec: Spec, fake: ModuleType) -> None:
    folder = new_run()
    carry_on(folder, spec, fake.FakeTrainer(), Stop(folder.stop_file))
    text = folder.events.read_text()
    width = re.search(r'"width":\d+', text)
    assert width is not None
    folder.events.write_text(text.replace(width[0], f'"width":{10**30}', 1))
    state = folder.state()
    assert state.unreadable == 1
    other = RunFolder.create(replace(spec, run="20260102-030405-smoke-cafe"))
    (other.path / "spec.json").write_text((other.path / "spec.json").read_text().replace(":", ";", 1))
    shown = CliRunner().invoke(app, ["list"]).stdout
    assert folder.name in shown
    assert other.name in shown

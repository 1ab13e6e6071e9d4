"""Logs with damaged lines: such a line counts as unreadable, and everything else is read."""

import contextlib
import itertools
import json
import random
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from types import ModuleType

from typer.testing import CliRunner

from budgetscope.calibrate import texts
from budgetscope.calibrate.orchestrate import Stop, carry_on
from budgetscope.calibrate.plan.spec import Spec
from budgetscope.calibrate.run import events
from budgetscope.calibrate.run.folder import RunFolder
from budgetscope.calibrate.run.state import fold
from budgetscope.cli.calibrate import app

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
                record = events.decode(json.dumps(damaged).encode())
            except ValueError:
                continue
            state = fold([record], before)
            texts.event_text(record.event, state)
            time.localtime(record.t)
    rng = random.Random(1)
    for _ in range(2000):
        garbled = bytearray(rng.choice(lines))
        garbled[rng.randrange(len(garbled))] = rng.randrange(256)
        with contextlib.suppress(ValueError):
            fold([events.decode(bytes(garbled))], before)


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

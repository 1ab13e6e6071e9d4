"""Writers that are killed at any moment: each file is the old one or the new one, whole, and no lock stays."""

import itertools
import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

from tests.bundled import fit
from tests.chaos.counts import Counts
from tests.chaos.disks import folders
from tests.chaos.forks import forked, killed

from budgetscope.calibrate.run.events import Note
from budgetscope.calibrate.run.logs import RunReader, Writer
from budgetscope.core.errors import BudgetscopeError
from budgetscope.store import files, locations
from budgetscope.store.app_state import AppState, read_state, write_state
from budgetscope.store.fit_library import Library
from budgetscope.store.scenarios import Scenario, read_scenarios, save_scenario
from budgetscope.store.settings import Settings, read_settings, write_settings

_FIT = replace(fit("hoffmann2022/approach-1"), id="mine/lab")
_RECORDS = 3
"""Of each log."""


def campaign(seed: int, deadline: float) -> Counts:
    """Let a child write one version after another, kill it, and read what is there, with a second writer."""
    counts = Counts()
    for rng in counts.attempts(seed, deadline):
        with tempfile.TemporaryDirectory() as home, mock.patch.dict(os.environ, folders(home)):
            what = rng.choice(list(_WRITE))
            _WRITE[what](0)
            child = forked(partial(_write_on, _WRITE[what]))
            time.sleep(rng.uniform(0.0, 0.03))
            killed(child)
            with counts.watched((what, "killed")):
                try:
                    found = _READ[what]()
                except BudgetscopeError as broken:
                    counts.fault("lost", f"{what}: {broken}")
                    continue
                if not _is_whole(found):
                    counts.fault("lost", f"{what}: {str(found)[:300]}")
                # The next writer waits for no lock, and clears what the killed one left.
                with mock.patch.object(files, "_STALE_SECONDS", -60.0):
                    _WRITE[what](10**6)
                if (last := _READ[what]())[-1] != 10**6:
                    counts.fault("lost", f"{what}: the next writer's version is not there, but {str(last)[:300]}")
                if left := [str(path) for path in Path(home).rglob(".*.????????")]:
                    counts.fault("lost", f"{what}: {left} stay")
    return counts


def _write_on(write: Callable[[int], object]) -> None:
    for number in itertools.count(1):
        write(number)


def _is_whole(versions: list[int]) -> bool:
    """Whether versions follow one another from the first, or are one version."""
    return len(versions) == 1 or versions == list(range(len(versions)))


def _append(number: int) -> None:
    """Write the log of one more start of a worker."""
    locations.user_runs().mkdir(parents=True, exist_ok=True)
    writer = Writer(locations.user_runs() / "workers" / f"0001-0-{number + 1}.jsonl", number + 1)
    for _ in range(_RECORDS):
        writer.append(Note(f"{number} {'x' * 2000}"))
    writer.close()


def _logged() -> list[int]:
    reader = RunReader(locations.user_runs())
    records = reader.read()
    if reader.state.unreadable:
        return []
    return sorted({int(record.event.text.split()[0]) for record in records if isinstance(record.event, Note)})


_WRITE: dict[str, Callable[[int], Any]] = {
    "fit": lambda number: Library.standard().save(replace(_FIT, title=str(number))),
    "state": lambda number: write_state(AppState({"budget": str(number)}, views={"plan": {"text": "x" * 10_000}})),
    "settings": lambda number: write_settings(Settings(str(number))),
    "scenarios": lambda number: save_scenario(Scenario(str(number), {"budget": "1e21"})),
    "log": _append,
}
_READ: dict[str, Callable[[], list[int]]] = {
    "fit": lambda: [int(Library.standard().get(_FIT.id).title)],
    "state": lambda: [int(str(read_state().request["budget"]))],
    "settings": lambda: [int(str(read_settings().law))],
    "scenarios": lambda: [int(scenario.name) for scenario in read_scenarios()],
    "log": _logged,
}

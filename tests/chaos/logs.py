"""Event logs that are damaged at any byte: only what was damaged is lost, it is told, and resuming heals it."""

import os
import tempfile
import time
from functools import partial
from pathlib import Path
from unittest import mock

from tests.chaos.counts import Counts
from tests.chaos.damage import Damaged, damage
from tests.planted_run import planted_spec
from tests.unit.calibrate.fake_worker import FakeTrainer

from budgetscope.calibrate import texts
from budgetscope.calibrate.orchestrate import Stop, carry_on
from budgetscope.calibrate.run.events import Record
from budgetscope.calibrate.run.folder import RunFolder
from budgetscope.calibrate.run.logs import Reader
from budgetscope.calibrate.run.state import RunState, fold

_RESUMED = 100
"""One damaged log of so many is whole, and resumed to its end."""
_LINES = 60
"""Of any other."""
_LONG_SECONDS = 10.0
"""That a run of the fake trainer with its fit may take."""


def campaign(seed: int, deadline: float) -> Counts:
    """Damage a run's log in one to three places, read it, and now and then resume it, with a clock that jumps."""
    counts = Counts()
    with tempfile.TemporaryDirectory() as scratch:
        folder = RunFolder.create(planted_spec(), Path(scratch))
        whole = carry_on(folder, folder.spec(), FakeTrainer(), Stop(folder.stop_file))
        records = Reader(folder.events).read()
        lines = folder.events.read_bytes().splitlines(keepends=True)
        for rng in counts.attempts(seed, deadline):
            is_resumed = counts.tried % _RESUMED == 1
            # A part of the log shows as much as all of it, in less time.
            first = 0 if is_resumed else rng.randrange(len(lines) - _LINES)
            some = slice(first, None if is_resumed else first + _LINES)
            places: list[Damaged] = []
            data = b"".join(lines[some])
            for _ in range(rng.choice((1, 1, 1, 2, 3))):
                places.append(damage(data, rng))
                data = places[-1].data
            folder.events.write_bytes(data)
            with counts.watched(_named(places)):
                _read(folder, lines[some], records[some], places, counts)
            if is_resumed:
                with (
                    counts.watched(("resumed", _named(places)), _LONG_SECONDS),
                    mock.patch.object(time, "time", side_effect=partial(rng.uniform, 0.7e9, 2.7e9)),
                    mock.patch.object(os, "fsync"),
                ):
                    again = carry_on(folder, folder.spec(), FakeTrainer(), Stop(folder.stop_file))
                    _compare(again, whole, counts)
    return counts


def _named(places: list[Damaged]) -> list[tuple[str, int, int]]:
    return [(place.kind, place.start, place.end) for place in places]


def _read(folder: RunFolder, lines: list[bytes], records: list[Record], places: list[Damaged], counts: Counts) -> None:
    reader, found = Reader(folder.events), list[Record]()
    while some := reader.read():
        found += some
    state = fold(found)
    for record in found:
        texts.event_text(record.event, state)
    numbers = [record.seq - records[0].seq for record in found]
    if numbers != sorted(set(numbers)) or any(records[n : n + 1] != [r] for n, r in zip(numbers, found, strict=True)):
        counts.fault("wrong", f"records that nobody wrote, or in another order, after {_named(places)}")
    if len(places) > 1:
        return
    (place,) = places
    lost = set(range(len(records))) - set(numbers)
    at, hit = 0, set()
    for number, line in enumerate(lines):
        # A line is damaged if any of its bytes is, or what was inserted stands before one of them.
        if place.start < at + len(line) and (at < place.end or place.kind == "cut"):
            hit.add(number)
        at += len(line)
    if lost - hit:
        counts.fault("lost", f"lines {sorted(lost - hit)[:9]} were not damaged by {_named(places)}")
    # A log that is cut looks like that of a worker that was killed.
    torn = b"\n" not in place.data[place.start :]
    if lost and not reader.unreadable and not torn:
        counts.fault("wrong", f"{len(lost)} lines are lost without a word after {_named(places)}")


def _compare(again: RunState, whole: RunState, counts: Counts) -> None:
    """Hold a resumed run to the one that was never damaged; a cell may lack only if damage is told."""
    if again.status != "done":
        counts.fault("lost", f"the resumed run is {again.status}: {again.reason}")
    for key, cell in again.cells.items():
        known = whole.cells.get(key)
        if known is not None and (cell.status, cell.readings) != (known.status, known.readings):
            counts.fault("wrong", f"cell {key} has {cell.status} {cell.readings}, not {known.status} {known.readings}")
    if not again.unreadable and whole.cells.keys() - again.cells.keys():
        counts.fault("lost", "cells are gone without a word")

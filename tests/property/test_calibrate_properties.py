"""The run's log and its fold: nothing depends on how the stream arrives or how often it broke off."""

import contextlib
import json
import math
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from budgetscope.calibrate.plan.cells import Cell
from budgetscope.calibrate.plan.ladder import build_cell, ladder
from budgetscope.calibrate.run import events, progress
from budgetscope.calibrate.run.events import Event, Record, decode, encode
from budgetscope.calibrate.run.logs import Reader, Writer
from budgetscope.calibrate.run.state import CURVE_POINTS, RunState, fold
from budgetscope.core.printable import printable

SHAPES = ladder(257, 64)
ids = st.text("0123456789abcdef", min_size=12, max_size=12)
# Others are escaped when they are read.
texts = st.text(max_size=40).map(printable)
numbers = st.floats(allow_nan=False, allow_infinity=False)
counts = st.integers(0, 2**60)
cells = st.builds(
    build_cell,
    st.sampled_from(SHAPES),
    st.floats(1e-5, 1.0),
    st.integers(1, 512),
    st.sampled_from((0.9, 0.95, 0.99)),
    st.integers(0, 9),
    st.lists(st.floats(1e3, 1e8), min_size=1, max_size=5).map(sorted).map(tuple),
)
some_events: st.SearchStrategy[Event] = st.one_of(
    st.builds(
        events.RunStarted,
        texts,
        texts,
        st.dictionaries(texts, texts, max_size=3),
        st.none() | numbers,
        st.dictionaries(texts, texts, max_size=3),
    ),
    st.builds(events.StagePlanned, st.integers(1, 2), st.lists(cells, max_size=4).map(tuple), st.booleans(), texts),
    st.builds(events.CellFailed, ids, texts),
    st.builds(events.Heartbeat, counts),
    st.builds(events.Note, texts, st.booleans()),
    st.builds(events.FitWritten, texts, texts),
    st.builds(events.RunDone, texts, texts),
    st.builds(progress.Started, st.lists(ids).map(tuple), counts, texts, counts, numbers),
    st.builds(
        progress.Step,
        st.lists(ids).map(tuple),
        counts,
        st.lists(st.none() | numbers).map(tuple),
        numbers,
        numbers,
    ),
    st.builds(progress.LossReading, ids, counts, numbers, numbers, counts),
    st.builds(progress.Diverged, ids, counts, texts),
    st.builds(progress.CheckpointLost, texts),
    st.builds(progress.Finished, ids),
    st.builds(progress.Checkpointed, st.lists(ids).map(tuple), counts, texts),
    st.builds(progress.Split, st.lists(counts).map(tuple)),
)
# A clock shows no later time than the year 9999.
some_records = st.builds(Record, counts, st.floats(0, 2.5e11), st.integers(1, 99), some_events)


@given(some_records)
def test_records_survive_the_codec(record: Record) -> None:
    line = encode(record)
    assert line.count(b"\n") == 1
    assert decode(line) == record


@given(st.binary(max_size=300))
def test_any_bytes_are_a_record_or_a_value_error(line: bytes) -> None:
    for checked in (True, False):
        with contextlib.suppress(ValueError):
            decode(line, checked=checked)


@given(st.recursive(st.none() | st.booleans() | numbers | texts, lambda inner: st.dictionaries(texts, inner)))
def test_any_fields_are_a_record_or_a_value_error(value: object) -> None:
    for kind in events.KINDS:
        line = json.dumps({"seq": 0, "t": 0, "generation": 1, "kind": kind, "cells": value, "tokens": value})
        with contextlib.suppress(ValueError):
            decode(line.encode(), checked=False)


@given(st.lists(some_events, max_size=12), st.data())
def test_any_events_fold_and_chunks_do_not_matter(stream: list[Event], data: st.DataObject) -> None:
    records = [Record(seq, float(seq), 1, event) for seq, event in enumerate(stream)]
    cut = data.draw(st.integers(0, len(records)))
    assert fold(records[cut:], fold(records[:cut])) == fold(records)


def stack(members: tuple[Cell, ...], begin: int, share: int) -> Iterator[Event]:
    """What a trainer of these cells emits from `begin` on; every fourth step it saves its state."""
    names, done = tuple(cell.id for cell in members), set[str]()
    yield progress.Started(names, begin, "eager", 1, 0.5)
    total = max(cell.tokens for cell in members)
    for tokens in range(begin + share, total + share, share):
        for cell in members:
            for reading in cell.readings:
                if tokens - share < reading <= tokens and cell.id not in done:
                    yield progress.LossReading(cell.id, reading, 3 + 1 / reading, 0.01, 4)
        losses = tuple(None if cell.id in done else 4 + 1 / tokens for cell in members)
        yield progress.Step(names, tokens, losses, 10.0, 100.0)
        for cell in members:
            if cell.tokens <= tokens and cell.id not in done:
                done.add(cell.id)
                yield progress.Finished(cell.id)
        if (tokens // share) % 4 == 0:
            yield progress.Checkpointed(names, tokens, "")


def broken_off(members: tuple[Cell, ...], share: int, breaks: list[int]) -> Iterator[Record]:
    """The log of a run that was killed after so many events of each worker, and of the worker that ended it."""
    seq, generation, saved, finished = 0, 1, 0, set[str]()
    for most in [*breaks, 10**9]:
        yield Record(seq, float(seq), generation, events.RunStarted("0", "fake", {}, None, {}))
        if generation == 1:
            yield Record(seq, float(seq), generation, events.StagePlanned(1, members, True))
        left = tuple(cell for cell in members if cell.id not in finished)
        stream = stack(left, saved, share) if left else iter(())
        for number, event in enumerate(stream):
            if number >= most:
                break
            seq += 1
            if isinstance(event, progress.Finished):
                finished.add(event.cell_id)
            if isinstance(event, progress.Checkpointed):
                saved = event.tokens
            yield Record(seq, float(seq), generation, event)
        generation += 1
    yield Record(seq, float(seq), generation, events.RunDone("done"))


def result(state: RunState) -> object:
    """What must not depend on how often the run broke off."""
    return state.status, {key: replace(s, curve=()) for key, s in state.cells.items()}


@given(
    st.lists(cells, min_size=1, max_size=3, unique_by=lambda cell: cell.id),
    st.integers(3, 40),
    st.lists(st.integers(0, 60), max_size=4),
)
def test_resumed_run_reaches_the_state_of_one_in_a_piece(found: list[Cell], steps: int, breaks: list[int]) -> None:
    members = tuple(replace(cell, shape=SHAPES[0]) for cell in found)
    share = math.ceil(max(cell.tokens for cell in members) / steps)
    whole = fold(broken_off(members, share, []))
    resumed = fold(broken_off(members, share, breaks))
    assert result(resumed) == result(whole)
    assert all(s.status == "done" for s in resumed.cells.values())
    for s in resumed.cells.values():
        assert len(s.curve) <= CURVE_POINTS + 1
        assert [tokens for tokens, _ in s.curve] == sorted({tokens for tokens, _ in s.curve})


@given(st.lists(some_events, min_size=1, max_size=6), st.floats(0, 1))
def test_log_torn_anywhere_keeps_every_whole_record(stream: list[Event], share: float) -> None:
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "events.jsonl"
        writer = Writer(log, 0, 1)
        ends = []
        for event in stream:
            writer.append(event)
            ends.append(log.stat().st_size)
        writer.close()
        cut = int(share * ends[-1])
        with log.open("rb+") as file:
            file.truncate(cut)
        whole = sum(end <= cut for end in ends)
        again = Writer(log, whole, 2)
        again.append(events.Heartbeat(1))
        again.close()
        reader = Reader(log)
        found = reader.read()
        assert [record.event for record in found] == [*stream[:whole], events.Heartbeat(1)]
        assert reader.unreadable == 0
        assert [record.seq for record in found] == list(range(whole + 1))

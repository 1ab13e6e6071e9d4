"""The logs of a run and their fold: nothing depends on how they arrive, how often they broke off, or on their order."""

import contextlib
import itertools
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
from budgetscope.calibrate.run.fold import CURVE_POINTS, LogState, fold
from budgetscope.calibrate.run.logs import Reader, RunReader, Writer
from budgetscope.calibrate.run.state import RunState, combine
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
    st.builds(events.WorkerStarted, counts, texts, texts, texts, texts, texts),
    st.builds(
        events.StagePlanned, st.integers(1, 2), st.lists(cells, max_size=4).map(tuple), st.booleans(), texts, texts
    ),
    st.builds(events.SliceTaken, texts, counts),
    st.just(events.Waiting()),
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
some_records = st.builds(Record, counts, st.floats(0, 2.5e11), st.integers(1, 99), some_events, texts)


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


def broken_off(members: tuple[Cell, ...], share: int, breaks: list[int]) -> list[list[Record]]:
    """The records of each worker of a run: of those killed after so many events, and of the one that ended it."""
    logs, saved, finished, now = [], 0, set[str](), itertools.count()
    for start, most in enumerate([*breaks, 10**9], 1):
        left = tuple(cell for cell in members if cell.id not in finished)
        found: list[Event] = [events.RunStarted("0", "fake", {}, None, {})]
        for event in itertools.islice(stack(left, saved, share) if left else (), most):
            found.append(event)
            if isinstance(event, progress.Finished):
                finished.add(event.cell_id)
            if isinstance(event, progress.Checkpointed):
                saved = event.tokens
        if start > len(breaks):
            found.append(events.RunDone("done"))
        logs.append([Record(seq, float(next(now)), start, event) for seq, event in enumerate(found)])
    return logs


def whole_plan(members: tuple[Cell, ...]) -> LogState:
    return fold([Record(0, 0.0, 0, events.StagePlanned(1, members, complete=True))], LogState("plan 0000"))


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
    (undisturbed,) = broken_off(members, share, [])
    plan, logs = whole_plan(members), broken_off(members, share, breaks)
    whole = combine([plan, fold(undisturbed, LogState("0001-0-1", 1))])
    states = [fold(log, LogState(f"0001-0-{n}", 1, "0", n)) for n, log in enumerate(logs, 1)]
    resumed = combine([plan, *states])
    # In a log of old, all workers follow the plan in one file.
    old = combine([fold(itertools.chain(*logs), replace(plan, key="events"))])
    assert result(old) == result(whole)
    assert old.starts == resumed.starts == len(logs)
    assert result(resumed) == result(whole)
    assert all(s.status == "done" for s in resumed.cells.values())
    for s in resumed.cells.values():
        assert len(s.curve) <= CURVE_POINTS + 1
        assert [tokens for tokens, _ in s.curve] == sorted({tokens for tokens, _ in s.curve})


@given(st.lists(some_events, min_size=1, max_size=6), st.floats(0, 1))
def test_log_torn_anywhere_keeps_every_whole_record(stream: list[Event], share: float) -> None:
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "0001-0-1.jsonl"
        writer = Writer(log)
        ends = []
        for event in stream:
            writer.append(event)
            ends.append(log.stat().st_size)
        writer.close()
        cut = int(share * ends[-1])
        with log.open("rb+") as file:
            file.truncate(cut)
        whole = sum(end <= cut for end in ends)
        reader = Reader(log)
        found = reader.read()
        assert [record.event for record in found] == stream[:whole]
        assert reader.unreadable == 0
        assert [record.seq for record in found] == list(range(whole))


RATES = st.floats(1.0, 1e6)
TIMES = st.floats(0, 1e6)


@st.composite
def some_runs(draw: st.DrawFn) -> dict[str, list[Record]]:
    """Records of a run by the path of their log: plans, and workers that trained the same cells in their own ways."""
    members = tuple(draw(st.lists(cells, min_size=1, max_size=3, unique_by=lambda cell: cell.id)))
    names = st.sampled_from(members).map(lambda cell: cell.id)
    some = st.lists(names, min_size=1, max_size=3, unique=True).map(tuple)
    tokens = st.sampled_from(sorted({reading for cell in members for reading in cell.readings}))
    numbers = st.floats(0.1, 9.0)
    worker_events: st.SearchStrategy[Event] = st.one_of(
        st.builds(events.RunStarted, ids, texts, st.just({}), st.none() | RATES, st.just({})),
        st.builds(progress.Started, some, tokens, st.just("eager"), st.just(1), RATES),
        some.flatmap(
            lambda keys: st.builds(
                progress.Step, st.just(keys), tokens, st.tuples(*(st.none() | numbers for _ in keys)), RATES, RATES
            )
        ),
        st.builds(progress.LossReading, names, tokens, numbers, numbers, st.just(4)),
        st.builds(progress.Finished, names),
        st.builds(progress.Diverged, names, tokens, texts),
        st.builds(events.CellFailed, names, texts),
        st.builds(events.Note, texts, st.booleans()),
        st.builds(events.FitWritten, texts, texts),
        st.builds(events.SliceTaken, ids, st.just(1)),
        st.just(events.Waiting()),
        st.just(events.Heartbeat()),
    )
    planned = st.builds(
        events.StagePlanned, st.integers(1, 2), st.lists(st.sampled_from(members)).map(tuple), st.booleans(), texts, ids
    )
    run: dict[str, list[Record]] = {}

    def log(name: str, found: list[Event], generation: int) -> None:
        run[name] = [Record(seq, round(draw(TIMES), 3), generation, event) for seq, event in enumerate(found)]

    for number in range(draw(st.integers(0, 3))):
        # A plan is written as a whole, and its last record says so; one without it counts as cut.
        *parts, last = draw(st.lists(planned, min_size=1, max_size=3))
        log(f"plans/{number:04d}.jsonl", [*parts, replace(last, complete=True)], 0)
    slots = st.tuples(st.integers(1, 2), st.sampled_from(("0", "1", "10")), st.sampled_from((1, 2, 10)))
    for launch, slot, start in draw(st.lists(slots, max_size=4, unique=True)):
        begun = events.WorkerStarted(start, "host", "place", "1", "1:1:/run")
        # A worker writes nothing after it has said how it ended.
        end = draw(
            st.lists(st.builds(events.RunDone, st.sampled_from(("done", "stopped", "failed")), texts), max_size=1)
        )
        log(
            f"workers/{launch:04d}-{slot}-{start}.jsonl",
            [begun, *draw(st.lists(worker_events, max_size=8)), *end],
            start,
        )
    if draw(st.booleans()):
        log("events.jsonl", draw(st.lists(worker_events | planned, max_size=8)), 1)
    return run


def empty(name: str) -> LogState:
    """The state of a log before its first record."""
    stem = Path(name).stem
    if not name.startswith("workers/"):
        return LogState(f"plan {stem}" if name.startswith("plans/") else stem)
    launch, slot, start = stem.split("-")
    return LogState(stem, int(launch), slot, int(start))


def same(one: RunState, other: RunState) -> bool:
    """Whether two states are equal, in the order of their cells too."""
    return one == other and list(one.cells) == list(other.cells)


@given(some_runs(), st.data())
def test_run_state_depends_neither_on_the_order_of_logs_nor_on_how_they_arrive(
    run: dict[str, list[Record]], data: st.DataObject
) -> None:
    states = [fold(records, empty(name)) for name, records in run.items()]
    expected = combine(states)
    assert same(combine(data.draw(st.permutations(states))), expected)
    left = {name: b"".join(map(encode, records)) for name, records in run.items()}
    arrived: list[Record] = []
    with tempfile.TemporaryDirectory() as folder:
        reader = RunReader(Path(folder))
        # Bytes of logs arrive in any order and any portions, in the middle of a line too.
        while any(left.values()):
            name = data.draw(st.sampled_from(sorted(key for key, rest in left.items() if rest)))
            count = data.draw(st.integers(1, len(left[name])))
            path = Path(folder, name)
            path.parent.mkdir(exist_ok=True)
            with path.open("ab") as file:
                file.write(left[name][:count])
            left[name] = left[name][count:]
            if data.draw(st.booleans()):
                arrived += reader.read()
        while found := reader.read():
            arrived += found
        assert same(reader.state, expected)
        assert same(RunReader(Path(folder)).whole(), expected)
    # Each record comes once, with the label of its worker.
    labels = {
        name: "-".join(str(part) for part in (s.launch, s.slot, s.start)) for name, s in zip(run, states, strict=True)
    }
    everything = [
        replace(record, worker=labels[name] if name.startswith("workers/") else "")
        for name, records in run.items()
        for record in records
    ]
    assert sorted(map(repr, arrived)) == sorted(map(repr, everything))

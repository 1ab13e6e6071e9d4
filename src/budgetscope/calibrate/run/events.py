"""The logs of a run: events, their records, and records as JSON lines.

Logs are append-only and the only source of a run's state. The trainer's events are in `progress`; a worker adds those
below. A line ends with the CRC-32 of the rest, so that a damaged value is never read as another one.
"""

import json
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from budgetscope.calibrate.json_records import from_record, to_record
from budgetscope.calibrate.plan.cells import Cell
from budgetscope.calibrate.run.progress import (
    Checkpointed,
    CheckpointLost,
    Diverged,
    Finished,
    LossReading,
    Split,
    Started,
    Step,
    TrainEvent,
)
from budgetscope.core.errors import BudgetscopeError
from budgetscope.core.printable import printable

VERSION = 2
MAX_RECORD_BYTES = 64 * 1024
"""Longest line of a log; a longer line is not a record."""
_MAX_TIME = 253_402_300_800.0
"""The year 10,000 in seconds since 1970; no calendar of Python goes further."""
CELLS_A_RECORD = 64
"""Most cells in one `stage_planned` record, which keeps it below `MAX_RECORD_BYTES`."""


@dataclass(frozen=True, slots=True)
class WorkerStarted:
    """A worker began, before it has a device; the first event of its log.

    Attributes:
        pid: of its process.
        host: name of its machine.
        place: its machine and space of process ids, as `processes.here` gives it.
        process: start of its process, as `processes.process_started` gives it; empty if unknown.
        folder: identity of the run's folder, which tells it from a copy.
        gpu: the GPUs that it may use, as CUDA_VISIBLE_DEVICES names them; empty if it says nothing.
    """

    pid: int
    host: str
    place: str
    process: str
    folder: str
    gpu: str = ""


@dataclass(frozen=True, slots=True)
class RunStarted:
    """A worker has its device and is about to train.

    Attributes:
        spec_sha256: hash of the spec.
        device: name of the accelerator or processor.
        versions: of Python, torch and budgetscope.
        peak_flops_per_s: measured matrix rate; None if not measured.
        settings: resolved training settings, as text.
    """

    spec_sha256: str
    device: str
    versions: Mapping[str, str]
    peak_flops_per_s: float | None
    settings: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class StagePlanned:
    """Cells of a stage; several records may plan one stage.

    Attributes:
        stage: 1 or 2.
        cells: to train, in addition to those of earlier records.
        complete: whether this is the last record of the plan.
        note: why a grid was extended; else empty.
        slice: name of the slice that the cells are in; empty for one slice a shape.
    """

    stage: int
    cells: tuple[Cell, ...]
    complete: bool
    note: str = ""
    slice: str = ""


@dataclass(frozen=True, slots=True)
class SliceTaken:
    """The worker took a slice to train: it holds the `claim`-th claim to it."""

    slice: str
    claim: int


@dataclass(frozen=True, slots=True)
class Waiting:
    """The worker has nothing to train: others hold every slice that is left."""


@dataclass(frozen=True, slots=True)
class CellFailed:
    """A cell could not be trained; `reason` is one sentence."""

    cell: str
    reason: str


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """The worker is alive; written every ten seconds."""

    pid: int = 0


@dataclass(frozen=True, slots=True)
class Note:
    """A sentence for the user; `problem` marks what weakens the result."""

    text: str
    problem: bool = False


@dataclass(frozen=True, slots=True)
class FitWritten:
    """The fit has been written to the run folder."""

    fit_id: str
    path: str


@dataclass(frozen=True, slots=True)
class RunDone:
    """The worker ended: `done`, `stopped` (the run can be resumed) or `failed`."""

    status: str
    reason: str = ""


_SUM = b',"crc":"%08x"}'
_SUM_BYTES = len(_SUM % 0)
# No event holds this: a quotation mark in a text is escaped.
_BEGIN = re.compile(rb'(?=\{"v":\d+,"seq":)')

Event = (
    WorkerStarted
    | RunStarted
    | StagePlanned
    | SliceTaken
    | Waiting
    | CellFailed
    | Heartbeat
    | Note
    | FitWritten
    | RunDone
    | TrainEvent
)
KINDS: dict[str, type[Event]] = {
    "worker_started": WorkerStarted,
    "run_started": RunStarted,
    "stage_planned": StagePlanned,
    "slice_taken": SliceTaken,
    "waiting": Waiting,
    "stack_started": Started,
    "step": Step,
    "reading": LossReading,
    "diverged": Diverged,
    "cell_done": Finished,
    "cell_failed": CellFailed,
    "checkpoint": Checkpointed,
    "split": Split,
    "checkpoint_lost": CheckpointLost,
    "heartbeat": Heartbeat,
    "note": Note,
    "fit_written": FitWritten,
    "run_done": RunDone,
}
_KIND_OF = {event: kind for kind, event in KINDS.items()}


@dataclass(frozen=True, slots=True)
class Record:
    """One line of a log.

    Attributes:
        seq: number of the line, from 0.
        t: seconds since 1970, by the clock of the worker's host.
        generation: 1 for the first start of a worker, 2 for the next, and so on; 0 in a plan.
        event: None for a kind that this version does not know.
        worker: the worker's label, from the name of the log; empty in a plan.
    """

    seq: int
    t: float
    generation: int
    event: Event | None
    worker: str = ""


def encode(record: Record) -> bytes:
    """Return a record as one line of JSON.

    Raises:
        ValueError: the line is longer than `MAX_RECORD_BYTES`, or the record has no event.
    """
    if record.event is None:
        raise ValueError("a record without an event cannot be written")
    kind = _KIND_OF[type(record.event)]
    head = {
        "v": VERSION,
        "seq": record.seq,
        "t": record.t,
        "generation": record.generation,
        **({"worker": record.worker} if record.worker else {}),
        "kind": kind,
    }
    body = json.dumps(head | to_record(record.event), separators=(",", ":"), allow_nan=False).encode()
    line = body[:-1] + _SUM % zlib.crc32(body) + b"\n"
    if len(line) > MAX_RECORD_BYTES:
        raise ValueError(f"a {kind} record of {len(line)} bytes is too long")
    return line


def split_lines(chunk: bytes) -> list[bytes]:
    """Return the lines of a log; two records between which the line break is damaged are two lines."""
    return [part for line in chunk.split(b"\n") for part in _BEGIN.split(line) if part]


def decode(line: bytes, *, checked: bool = True) -> Record:
    """Return the record in a line, with every text in printable characters.

    Args:
        line: of a log, with or without its line break.
        checked: whether to require a right checksum; lines of version 1 have none.

    Raises:
        ValueError: the line is not a record, or not what was written.
    """
    if len(line) > MAX_RECORD_BYTES:
        raise ValueError("the line is too long")
    line = line.removesuffix(b"\n")
    if checked and line[-_SUM_BYTES:] != _SUM % zlib.crc32(line[:-_SUM_BYTES] + b"}"):
        raise ValueError("the line's checksum is missing or wrong")
    try:
        found: Any = _printable(json.loads(line))
        head = (int(found["seq"]), float(found["t"]), int(found["generation"]))
        worker = str(found.get("worker", ""))
        kind = KINDS.get(found["kind"])
        event = None if kind is None else from_record(kind, found)
    except (ValueError, LookupError, TypeError, ArithmeticError, RecursionError, BudgetscopeError) as error:
        raise ValueError(f"the line is no record ({str(error)[:100]})") from None
    if not 0 <= head[1] < _MAX_TIME:
        raise ValueError(f"the line is no record (its time is {head[1]:g})")
    return Record(*head, event, worker)


def is_version_1(line: bytes) -> bool:
    """Return whether a line is a record of version 1, which has no checksum."""
    try:
        decode(line, checked=False)
        return bool(json.loads(line)["v"] == 1)
    except (ValueError, LookupError, TypeError):
        return False


def _printable(value: Any) -> Any:
    """Return decoded JSON with every text in printable characters: a terminal may obey what a log holds."""
    match value:
        case str():
            return printable(value)
        case dict():
            return {printable(key): _printable(item) for key, item in value.items()}
        case list():
            return [_printable(item) for item in value]
        case _:
            return value

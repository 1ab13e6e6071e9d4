"""What a run writes down: one JSON line a record, append-only, the only truth about the run."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from budgetscope.calibrate.cells import Cell
from budgetscope.calibrate.record import build, plain

VERSION = 1
MAX_RECORD_BYTES = 64 * 1024
"""Of a line. A reader that meets a longer one has met something else."""
CELLS_A_RECORD = 64
"""Cells that one `stage_planned` record carries, so that it stays below `MAX_RECORD_BYTES`."""


@dataclass(frozen=True, slots=True)
class RunStarted:
    """A worker took the run.

    Attributes:
        spec_sha256: of the spec.
        device: name of the accelerator or processor.
        versions: of Python, torch, budgetscope.
        peak_flops_per_s: measured matrix rate, None when not measured.
        settings: the resolved configuration, as text.
    """

    kind: ClassVar[str] = "run_started"
    spec_sha256: str
    device: str
    versions: Mapping[str, str]
    peak_flops_per_s: float | None
    settings: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class StagePlanned:
    """Cells that a stage trains; a stage may be planned in several records.

    Attributes:
        stage: 1 or 2.
        cells: to be trained, beside those of earlier records.
        complete: nothing more is planned before these have been trained.
        note: why, when a grid was extended.
    """

    kind: ClassVar[str] = "stage_planned"
    stage: int
    cells: tuple[Cell, ...]
    complete: bool
    note: str = ""


@dataclass(frozen=True, slots=True)
class StackStarted:
    """Cells of one shape that train together; `tokens` of each are behind them."""

    kind: ClassVar[str] = "stack_started"
    cells: tuple[str, ...]
    tokens: int = 0


@dataclass(frozen=True, slots=True)
class Step:
    """Where a stack is, at most twice a second.

    Attributes:
        cells: ids of the members that still train.
        tokens: that each has seen.
        losses: training loss of each, nats a token, in the order of `cells`.
    """

    kind: ClassVar[str] = "step"
    cells: tuple[str, ...]
    tokens: int
    losses: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Reading:
    """The validation loss of a cell.

    Attributes:
        cell: id.
        tokens: at which it was wanted.
        loss: nats a token, mean over evaluations near that point.
        std: of the single evaluations, None when there was one.
        evaluations: how many.
    """

    kind: ClassVar[str] = "reading"
    cell: str
    tokens: int
    loss: float
    std: float | None = None
    evaluations: int = 1


@dataclass(frozen=True, slots=True)
class Diverged:
    """A cell's loss ran away; it was masked out of its stack."""

    kind: ClassVar[str] = "diverged"
    cell: str
    tokens: int


@dataclass(frozen=True, slots=True)
class CellDone:
    """A cell has all its readings."""

    kind: ClassVar[str] = "cell_done"
    cell: str


@dataclass(frozen=True, slots=True)
class CellFailed:
    """A cell could not be trained; the reason is one sentence."""

    kind: ClassVar[str] = "cell_failed"
    cell: str
    reason: str


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A stack's state is on disk."""

    kind: ClassVar[str] = "checkpoint"
    cells: tuple[str, ...]
    tokens: int


@dataclass(frozen=True, slots=True)
class Split:
    """A stack ran out of memory and goes on as smaller ones."""

    kind: ClassVar[str] = "split"
    members: int
    into: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """The worker lives, every ten seconds."""

    kind: ClassVar[str] = "heartbeat"
    pid: int


@dataclass(frozen=True, slots=True)
class Note:
    """Something that people should know: `problem` when it takes from the result."""

    kind: ClassVar[str] = "note"
    text: str
    problem: bool = False


@dataclass(frozen=True, slots=True)
class FitWritten:
    """The run's fit is in its folder."""

    kind: ClassVar[str] = "fit_written"
    fit_id: str
    path: str


@dataclass(frozen=True, slots=True)
class RunDone:
    """The worker left: `done`, `stopped` (it can be resumed) or `failed`."""

    kind: ClassVar[str] = "run_done"
    status: str
    reason: str = ""


Event = (
    RunStarted
    | StagePlanned
    | StackStarted
    | Step
    | Reading
    | Diverged
    | CellDone
    | CellFailed
    | Checkpoint
    | Split
    | Heartbeat
    | Note
    | FitWritten
    | RunDone
)
KINDS: dict[str, type[Event]] = {
    event.kind: event
    for event in (
        RunStarted,
        StagePlanned,
        StackStarted,
        Step,
        Reading,
        Diverged,
        CellDone,
        CellFailed,
        Checkpoint,
        Split,
        Heartbeat,
        Note,
        FitWritten,
        RunDone,
    )
}


@dataclass(frozen=True, slots=True)
class Record:
    """One line of the log.

    Attributes:
        seq: its number, from 0.
        t: seconds since 1970.
        generation: 1 for the first worker of the run, one more for each that resumed it.
        event: what happened; None for a kind that this version does not know.
    """

    seq: int
    t: float
    generation: int
    event: Event | None


def encode(record: Record) -> bytes:
    """Return a record as one line.

    Raises:
        ValueError: it is longer than `MAX_RECORD_BYTES`.
    """
    if record.event is None:
        raise ValueError("a record without an event cannot be written")
    head = {
        "v": VERSION,
        "seq": record.seq,
        "t": round(record.t, 3),
        "generation": record.generation,
        "kind": record.event.kind,
    }
    line = json.dumps(head | plain(record.event), separators=(",", ":"), allow_nan=False).encode() + b"\n"
    if len(line) > MAX_RECORD_BYTES:
        raise ValueError(f"a {record.event.kind} record of {len(line)} bytes is too long")
    return line


def decode(line: bytes) -> Record:
    """Return the record of a line.

    Raises:
        ValueError: it is none of ours.
    """
    if len(line) > MAX_RECORD_BYTES:
        raise ValueError("the line is too long")
    try:
        found: Any = json.loads(line)
        head = (int(found["seq"]), float(found["t"]), int(found["generation"]))
        kind = KINDS.get(found["kind"])
    except (KeyError, TypeError, RecursionError, OverflowError) as error:
        raise ValueError(f"the line is no record ({error})") from None
    return Record(*head, None if kind is None else build(kind, found))

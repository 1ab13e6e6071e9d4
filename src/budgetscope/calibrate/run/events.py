"""What a run writes down: one JSON line a record, append-only, the only truth about the run.

The trainer's own events are those of `progress`; the worker adds what happens around them.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from budgetscope.calibrate.plan.cells import Cell
from budgetscope.calibrate.record import build, plain
from budgetscope.calibrate.run.progress import (
    Checkpointed,
    CheckpointLost,
    Diverged,
    Finished,
    Reading,
    Split,
    Started,
    Step,
    TrainEvent,
)

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

    stage: int
    cells: tuple[Cell, ...]
    complete: bool
    note: str = ""


@dataclass(frozen=True, slots=True)
class CellFailed:
    """A cell could not be trained; the reason is one sentence."""

    cell: str
    reason: str


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """The worker lives, every ten seconds."""

    pid: int


@dataclass(frozen=True, slots=True)
class Note:
    """Something that people should know: `problem` when it takes from the result."""

    text: str
    problem: bool = False


@dataclass(frozen=True, slots=True)
class FitWritten:
    """The run's fit is in its folder."""

    fit_id: str
    path: str


@dataclass(frozen=True, slots=True)
class RunDone:
    """The worker left: `done`, `stopped` (it can be resumed) or `failed`."""

    status: str
    reason: str = ""


Event = RunStarted | StagePlanned | CellFailed | Heartbeat | Note | FitWritten | RunDone | TrainEvent
KINDS: dict[str, type[Event]] = {
    "run_started": RunStarted,
    "stage_planned": StagePlanned,
    "stack_started": Started,
    "step": Step,
    "reading": Reading,
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
    kind = _KIND_OF[type(record.event)]
    head = {
        "v": VERSION,
        "seq": record.seq,
        "t": record.t,
        "generation": record.generation,
        "kind": kind,
    }
    line = json.dumps(head | plain(record.event), separators=(",", ":"), allow_nan=False).encode() + b"\n"
    if len(line) > MAX_RECORD_BYTES:
        raise ValueError(f"a {kind} record of {len(line)} bytes is too long")
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

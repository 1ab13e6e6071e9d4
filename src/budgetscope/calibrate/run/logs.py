"""The logs of a run: one file a plan, and one file a start of a worker, each with a single writer.

| file                            | content                                                     |
| ------------------------------- | ----------------------------------------------------------- |
| `plans/0000.jsonl`, ...         | cells of a stage and their slices; written once, as a whole |
| `workers/LAUNCH-SLOT-START.jsonl` | what one start of a worker did; it only grows               |
| `events.jsonl`                  | plan and log of a run with a single worker, of old          |

No file has two writers: a network disk may mix what two hosts append.
"""

import contextlib
import os
import re
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from budgetscope.calibrate.run.events import (
    MAX_RECORD_BYTES,
    Event,
    Record,
    decode,
    encode,
    is_version_1,
    split_lines,
)
from budgetscope.calibrate.run.fold import LogState, fold
from budgetscope.calibrate.run.state import RunState, combine
from budgetscope.core.errors import FailureError
from budgetscope.store.files import listed, open_file, reason, unreadable, unwritable

READ_BYTES = 4 * 2**20
"""Most bytes that a reader takes of a log at once."""
# The last record of a log is shorter than this.
TAIL_BYTES = 4096
_NAME = re.compile(r"([0-9]{1,9})-([0-9A-Za-z]{1,40})-([0-9]{1,9})")


def named(path: Path) -> LogState | None:
    """Return the empty state of a log, with what its name says; None if it is not named like a worker's log."""
    found = _NAME.fullmatch(path.stem) if path.suffix == ".jsonl" else None
    if found is None:
        return None
    return LogState(path.stem, int(found[1]), found[2], int(found[3]))


class Reader:
    """Reads a log that may still grow: each call returns the records that were completed since the last call."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.offset = 0
        self.unreadable = 0

    def read(self) -> list[Record]:
        """Return new records, at most `READ_BYTES` of them; an incomplete last line waits.

        Damaged lines are left out, and counted in `unreadable`.

        Raises:
            FailureError: the log cannot be read, or has no checksums.
        """
        records: list[Record] = []
        # If a chunk holds no record at all, read the next one.
        while not records and (chunk := self._chunk()):
            for line in split_lines(chunk):
                try:
                    records.append(decode(line))
                except ValueError:
                    if is_version_1(line):
                        raise self._unchecked() from None
                    self.unreadable += 1
        return records

    def _unchecked(self) -> FailureError:
        return FailureError(
            f"the log {str(self._path)!r} was written by an earlier budgetscope, without checksums, so that damage to "
            "it would go unnoticed; start a new run."
        )

    def _chunk(self) -> bytes:
        """Return the complete lines after the offset, and move the offset behind them."""
        try:
            with open_file(self._path) as file:
                file.seek(self.offset)
                data = file.read(READ_BYTES)
        except FileNotFoundError:
            return b""
        except OSError as error:
            raise unreadable(self._path, error) from None
        end = data.rfind(b"\n") + 1
        if end == 0 and len(data) > MAX_RECORD_BYTES:
            # No record is so long: skip it rather than wait for its end for ever.
            self.unreadable += 1
            end = len(data)
        self.offset += end
        return data[:end]


class RunReader:
    """Reads all logs of a run, which may still grow and become more.

    Attributes:
        logs: the state of each log, as far as it has been read.
        state: of the run.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._readers: dict[str, Reader] = {}
        self.logs: dict[str, LogState] = {}
        self.state = RunState()

    def read(self) -> list[Record]:
        """Return new records by time, at most `READ_BYTES` of each log, and bring `state` up to date.

        Raises:
            FailureError: a log cannot be read, or has no checksums.
        """
        found: list[Record] = []
        changed = False
        for path, empty in log_files(self._folder):
            name = f"{path.parent.name}/{path.name}"
            known = self.logs.get(name)
            if known is not None and known.launch and known.ended:
                continue
            reader = self._readers.setdefault(name, Reader(path))
            before = reader.unreadable
            records = reader.read()
            if not records and reader.unreadable == before and known is not None:
                continue
            changed = True
            log = fold(records, known or empty)
            # A plan is written as a whole: one without its end was cut, and no line may tell of it.
            is_cut = path.parent.name == "plans" and not log.complete
            self.logs[name] = replace(log, unreadable=reader.unreadable or int(is_cut))
            label = f"{empty.launch}-{empty.slot}-{empty.start}" if empty.launch else ""
            found += [replace(record, worker=label) for record in records] if label else records
        if changed:
            self.state = combine(self.logs.values())
        return sorted(found, key=lambda record: record.t)

    def whole(self) -> RunState:
        """Read to the end of all logs, and return the state.

        Raises:
            FailureError: a log cannot be read, or has no checksums.
        """
        while self.read():
            pass
        return self.state


def log_files(folder: Path) -> Iterator[tuple[Path, LogState]]:
    """Yield the logs of a run and their empty states: workers first, so that their plans are there when read.

    Raises:
        FailureError: the folder cannot be listed.
    """
    for path in listed(folder / "workers"):
        empty = named(path)
        if empty is not None:
            yield path, empty
    for path in listed(folder / "plans"):
        if path.suffix == ".jsonl":
            yield path, LogState(f"plan {path.stem}")
    yield folder / "events.jsonl", LogState("events")


class Writer:
    """Writes a new log, with one system call per record, so that a reader never sees half of one before a whole."""

    def __init__(self, path: Path, generation: int = 1) -> None:
        """Create a log.

        Raises:
            FileExistsError: there is one of this name.
            FailureError: the log cannot be written.
        """
        self._path, self._seq, self._generation = path, 0, generation
        try:
            path.parent.mkdir(exist_ok=True)
            self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
        except FileExistsError:
            raise
        except OSError as error:
            raise unwritable(path, error) from None

    def append(self, event: Event, *, durable: bool = False) -> Record:
        """Write one record.

        Args:
            event: of the record.
            durable: whether to wait until it is on disk.

        Raises:
            FailureError: the disk is full or gone; the log then ends with the record before.
        """
        # Rounded as in the file, so that a reader computes the same state.
        record = Record(self._seq, round(time.time(), 3), self._generation, event)
        line = encode(record)
        try:
            before = os.fstat(self._fd).st_size
            written = os.write(self._fd, line)
            if written < len(line):
                os.ftruncate(self._fd, before)
                os.lseek(self._fd, before, os.SEEK_SET)
                raise FailureError(
                    f"the disk of {str(self._path)!r} is full; free some space and resume the run: what it had "
                    "finished is kept."
                )
            if durable:
                os.fsync(self._fd)
        except OSError as error:
            raise FailureError(
                f"cannot write {str(self._path)!r}: {reason(error)}; mend that and resume the run: what it had "
                "finished is kept."
            ) from None
        self._seq += 1
        return record

    def close(self) -> None:
        """Close the log."""
        with contextlib.suppress(OSError):
            os.close(self._fd)


def last_event(path: Path) -> Event | None:
    """Return the last event of a log, of which only the end is read; None if it has none, or cannot be read."""
    reader = Reader(path)
    with contextlib.suppress(OSError, FailureError):
        reader.offset = max(0, path.stat().st_size - TAIL_BYTES)
        records = reader.read()
        return records[-1].event if records else None
    return None


def first_event(path: Path) -> Event | None:
    """Return the first event of a log; None if it has none, or cannot be read."""
    with contextlib.suppress(OSError, ValueError), open_file(path) as file:
        return decode(file.readline(TAIL_BYTES)).event
    return None

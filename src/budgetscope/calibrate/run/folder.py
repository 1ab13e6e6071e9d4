"""The folder of a run, which holds everything that the run is: copying the folder moves the run.

| file           | content                                                      |
| -------------- | ------------------------------------------------------------ |
| `spec.json`    | the spec; it never changes                                   |
| `events.jsonl` | the log; it only grows                                       |
| `ckpt/`        | checkpoints of the stack that trains                         |
| `lock`         | the worker that has the run                                  |
| `stop`         | its presence asks the worker to stop                         |
| `worker.log`   | output of the worker                                         |
| `fit.json`     | the result                                                   |
| `stored`       | hash of the `fit.json` that was put among the user's fits    |
"""

import contextlib
import hashlib
import os
import shlex
import time
from dataclasses import replace
from pathlib import Path

from budgetscope.calibrate.plan.spec import Spec, dump_spec, parse_spec
from budgetscope.calibrate.run.events import (
    MAX_RECORD_BYTES,
    Event,
    Record,
    RunDone,
    decode,
    encode,
    is_version_1,
    split_lines,
)
from budgetscope.calibrate.run.lock import Lock, Owner, read_owner
from budgetscope.calibrate.run.state import RunState, fold
from budgetscope.core.errors import BudgetscopeError, FailureError, UsageError
from budgetscope.core.printable import printable
from budgetscope.store.files import open_file, read_text, reason, status, unreadable, unwritable, write_atomically
from budgetscope.store.locations import expanded, user_runs

READ_BYTES = 4 * 2**20
"""Most bytes that a reader takes at once."""
_MAX_SPEC_BYTES = 64 * 2**20
# The last record of a log is shorter than this.
_TAIL_BYTES = 4096


class RunFolder:
    """The folder of one run."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.events = path / "events.jsonl"
        self.stop_file = path / "stop"
        self.worker_log = path / "worker.log"
        self.checkpoints = path / "ckpt"
        self.fit_file = path / "fit.json"
        self._stored = path / "stored"
        self.lock = Lock(path / "lock")

    @property
    def name(self) -> str:
        """Name of the run, in printable characters."""
        return printable(self.path.name)

    @property
    def handle(self) -> str:
        """What to give `find`, quoted for a shell: the name of one of the user's runs, else the path."""
        return self.name if self.path.parent == user_runs() else printable(shlex.quote(str(self.path.absolute())))

    @property
    def stored(self) -> bool:
        """Whether the present `fit.json` has been put among the user's fits."""
        try:
            return read_text(self._stored, _TAIL_BYTES) == self._fit_sha256()
        except (OSError, FailureError):
            return False

    def mark_stored(self) -> None:
        """Record that the present `fit.json` is among the user's fits; an unwritable folder is ignored."""
        with contextlib.suppress(OSError, FailureError):
            write_atomically(self._stored, self._fit_sha256())

    def _fit_sha256(self) -> str:
        with open_file(self.fit_file) as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    @classmethod
    def create(cls, spec: Spec, runs: Path | None = None) -> "RunFolder":
        """Create the folder of a new run.

        Raises:
            FailureError: the folder exists, or cannot be written.
        """
        folder = cls((runs or user_runs()) / spec.run)
        if status(folder.path) is not None:
            raise FailureError(f"there is a run {spec.run!r} already; resume it or delete {str(folder.path)!r}.")
        try:
            write_atomically(folder.path / "spec.json", dump_spec(spec))
        except FailureError:
            # A folder without a spec is no run.
            with contextlib.suppress(OSError):
                folder.path.rmdir()
            raise
        return folder

    @classmethod
    def find(cls, name: str, runs: Path | None = None) -> "RunFolder":
        """Return the run of a name, of the start of a name, of a folder, or the `last` one.

        Raises:
            UsageError: there is no such run, or there are several.
        """
        if os.sep in name and (expanded(name) / "spec.json").is_file():
            return cls(expanded(name).absolute())
        known, name = list_runs(runs), printable(name)
        if name == "last" and known:
            return known[0]
        found = [folder for folder in known if folder.name == name] or [
            folder for folder in known if name and folder.name.startswith(name)
        ]
        if len(found) == 1:
            return found[0]
        if found:
            raise UsageError(f"{name!r} could be {' or '.join(f.name for f in found[:3])}; write more of it.")
        raise UsageError(f"there is no run {name!r}; `budgetscope calibrate list` shows all.")

    def spec(self) -> Spec:
        """Return the spec.

        Raises:
            FailureError: the spec is missing, broken or edited.
        """
        path = self.path / "spec.json"
        text = read_text(path, _MAX_SPEC_BYTES)
        try:
            spec = parse_spec(text)
        except (ValueError, LookupError, TypeError, ArithmeticError, RecursionError, BudgetscopeError) as error:
            raise FailureError(
                f"the spec of run {self.name!r} is refused: {str(error)[:100]}; restore {str(path)!r} or start a "
                "new run."
            ) from None
        return spec

    def owner(self) -> Owner | None:
        """Return the worker in the lock file, dead or alive; None if there is none."""
        return read_owner(self.path / "lock")

    def state(self) -> RunState:
        """Return the state of the run by its log; a torn last line is left out.

        Raises:
            FailureError: the log cannot be read.
        """
        reader, state = Reader(self.events), RunState()
        while records := reader.read():
            state = fold(records, state)
        return replace(state, unreadable=reader.unreadable)

    def log_bytes(self) -> int:
        """Return the size of the log; 0 if there is none."""
        try:
            return self.events.stat().st_size
        except OSError:
            return 0

    def logged_status(self) -> str:
        """Return the status by the last record of the log, of which only the end is read."""
        size = self.log_bytes()
        reader = Reader(self.events)
        reader.offset = max(0, size - _TAIL_BYTES)
        try:
            records = reader.read()
        except FailureError:
            return "new"
        last = records[-1].event if records else None
        return last.status if isinstance(last, RunDone) else "running" if size else "new"


def list_runs(runs: Path | None = None) -> list[RunFolder]:
    """Return all runs, the latest first; names begin with their date."""
    root = runs or user_runs()
    return [RunFolder(spec.parent) for spec in sorted(root.glob("*/spec.json"), reverse=True)]


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


class Writer:
    """Appends to a log, with one system call per record, so that a reader never sees two mixed."""

    def __init__(self, path: Path, seq: int, generation: int) -> None:
        """Open a log and cut off a line that a killed worker left unfinished.

        Raises:
            FailureError: the log cannot be written.
        """
        self._path, self._seq, self._generation = path, seq, generation
        try:
            truncate_torn_tail(path)
            self._fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_NONBLOCK", 0), 0o666)
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


def truncate_torn_tail(path: Path) -> None:
    """Cut a log after its last complete line."""
    with contextlib.suppress(FileNotFoundError), path.open("rb+") as file:
        end = file.seek(0, os.SEEK_END)
        at = end
        while at > 0:
            start = max(0, at - MAX_RECORD_BYTES)
            file.seek(start)
            found = file.read(at - start).rfind(b"\n")
            if found >= 0:
                at = start + found + 1
                break
            at = start
        if at < end:
            file.truncate(at)
            os.fsync(file.fileno())

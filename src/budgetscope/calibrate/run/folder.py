"""A run's folder: everything that a run is, so that copying it moves the run.

`spec.json` never changes; `events.jsonl` only grows; `ckpt/` holds the stack that trains; `lock` says which
worker lives; a file named `stop` asks it to leave; `worker.log` has its output; `fit.json` is the result, and
`stored` the hash of the one that was put among the user's fits.
"""

import contextlib
import hashlib
import os
import shlex
import time
from dataclasses import replace
from pathlib import Path

from budgetscope.calibrate.plan.spec import Spec, dump_spec, parse_spec
from budgetscope.calibrate.run.events import MAX_RECORD_BYTES, Event, Record, decode, encode
from budgetscope.calibrate.run.lock import Lock, Owner, read_owner
from budgetscope.calibrate.run.state import RunState, fold
from budgetscope.core.errors import FailureError, UsageError
from budgetscope.store.files import read_text, write_atomically
from budgetscope.store.locations import expanded, user_runs

READ_BYTES = 4 * 2**20
"""That a reader takes in at most at once."""
_MAX_SPEC_BYTES = 64 * 2**20


class RunFolder:
    """One run on disk."""

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
        """Of the run."""
        return self.path.name

    @property
    def handle(self) -> str:
        """What `find` knows it by, as a shell takes it: its name among the user's runs, elsewhere its path."""
        return self.name if self.path.parent == user_runs() else shlex.quote(str(self.path.absolute()))

    @property
    def stored(self) -> bool:
        """Whether its fit, as it is now, was put among the user's fits before."""
        try:
            return self._stored.read_text(encoding="utf-8") == self._fit_sha256()
        except (OSError, ValueError):
            return False

    def mark_stored(self) -> None:
        """Note that its fit is among the user's; without a place to write that, it may be put there again."""
        with contextlib.suppress(OSError):
            self._stored.write_text(self._fit_sha256(), encoding="utf-8")

    def _fit_sha256(self) -> str:
        return hashlib.sha256(self.fit_file.read_bytes()).hexdigest()

    @classmethod
    def create(cls, spec: Spec, runs: Path | None = None) -> "RunFolder":
        """Make the folder of a new run.

        Raises:
            FailureError: it exists, or cannot be written.
        """
        folder = cls((runs or user_runs()) / spec.run)
        if folder.path.exists():
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
        """Return a run by its name, by the start of its name, by `last`, or by its folder.

        Raises:
            UsageError: there is none, or several start so.
        """
        if os.sep in name and (expanded(name) / "spec.json").is_file():
            return cls(expanded(name).absolute())
        known = list_runs(runs)
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
        """Return what the run was asked to do.

        Raises:
            FailureError: the spec is missing, broken or edited.
        """
        path = self.path / "spec.json"
        try:
            spec = parse_spec(read_text(path, _MAX_SPEC_BYTES))
        except (ValueError, RecursionError) as error:
            raise FailureError(
                f"the spec of run {self.name!r} is refused: {str(error)[:100]}; restore {str(path)!r} or start a "
                "new run."
            ) from None
        return spec

    def owner(self) -> Owner | None:
        """Return the worker that holds the run, dead or alive."""
        return read_owner(self.path / "lock")

    def state(self) -> RunState:
        """Return the run as its log has it; a torn last line is not counted.

        Raises:
            FailureError: the log cannot be read.
        """
        reader, state = Reader(self.events), RunState()
        while records := reader.read():
            state = fold(records, state)
        return replace(state, unreadable=reader.unreadable)


def list_runs(runs: Path | None = None) -> list[RunFolder]:
    """Return every run, the latest first; names begin with their date."""
    root = runs or user_runs()
    return [RunFolder(spec.parent) for spec in sorted(root.glob("*/spec.json"), reverse=True)]


class Reader:
    """Follows a log that may still grow: each call returns the records that were completed since the last."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.offset = 0
        self.unreadable = 0

    def read(self) -> list[Record]:
        """Return new records, of at most `READ_BYTES`; an incomplete last line waits.

        Raises:
            FailureError: the log cannot be read.
        """
        records: list[Record] = []
        # A chunk may hold only lines that are no records: then the next one is read.
        while not records and (chunk := self._chunk()):
            for line in chunk.splitlines():
                try:
                    records.append(decode(line))
                except ValueError:
                    self.unreadable += 1
        return records

    def _chunk(self) -> bytes:
        """Return the complete lines after the offset, and move it behind them."""
        try:
            with self._path.open("rb") as file:
                file.seek(self.offset)
                data = file.read(READ_BYTES)
        except FileNotFoundError:
            return b""
        except OSError as error:
            raise FailureError(f"cannot read {str(self._path)!r}: {_reason(error)}.") from None
        end = data.rfind(b"\n") + 1
        if end == 0 and len(data) > MAX_RECORD_BYTES:
            # No line of ours is so long: pass it by rather than wait for its end for ever.
            self.unreadable += 1
            end = len(data)
        self.offset += end
        return data[:end]


class Writer:
    """Appends to a log: one system call a record, so that a reader never sees two halves of different ones."""

    def __init__(self, path: Path, seq: int, generation: int) -> None:
        """Open a log, cutting off what a killed worker left unfinished.

        Raises:
            FailureError: it cannot be written.
        """
        self._path, self._seq, self._generation = path, seq, generation
        try:
            truncate_torn_tail(path)
            self._fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
        except OSError as error:
            raise FailureError(f"cannot write {str(path)!r}: {_reason(error)}.") from None

    def append(self, event: Event, *, durable: bool = False) -> Record:
        """Write one record.

        Args:
            event: what happened.
            durable: wait until it is on disk.

        Raises:
            FailureError: the disk is full or gone; the log ends with the record before.
        """
        # Rounded as it is written, so that a reader reaches the same state.
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
                f"cannot write {str(self._path)!r}: {_reason(error)}; mend that and resume the run: what it had "
                "finished is kept."
            ) from None
        self._seq += 1
        return record

    def close(self) -> None:
        """Close the log."""
        with contextlib.suppress(OSError):
            os.close(self._fd)


def truncate_torn_tail(path: Path) -> None:
    """Cut a log behind its last complete line."""
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


def _reason(error: OSError) -> str:
    return (error.strerror or "the system refused").lower()

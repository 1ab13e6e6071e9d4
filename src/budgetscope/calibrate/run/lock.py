"""Ownership of a run: one worker at a time, known by process, host and heartbeat."""

import contextlib
import json
import os
import platform
import secrets
import time
from dataclasses import dataclass
from pathlib import Path

from budgetscope.core.errors import FailureError
from budgetscope.core.printable import printable
from budgetscope.store.files import locked, open_file, unwritable, write_atomically

STALE_SECONDS = 90.0
"""A worker on another host that has shown no heartbeat for this long counts as dead; it beats every ten seconds."""
_MAX_BYTES = 2**16


@dataclass(frozen=True, slots=True)
class Owner:
    """The worker that holds a run.

    Attributes:
        pid: of its process.
        host: name of its machine.
        age: seconds since its last heartbeat.
        started: start of its process, as `process_started` gives it; empty if unknown.
    """

    pid: int
    host: str
    age: float
    started: str = ""

    @property
    def here(self) -> bool:
        """Whether its process is, or was, on this machine."""
        return self.host == platform.node()

    @property
    def alive(self) -> bool:
        """Whether its process exists or, where that cannot be seen, its heartbeat is recent."""
        if self.here and not process_exists(self.pid):
            return False
        if self.here and self.started:
            # A suspended worker has no heartbeat but may continue. Its pid may have passed to another process.
            return process_started(self.pid) == self.started
        return self.age <= STALE_SECONDS


def process_exists(pid: int) -> bool:
    """Return whether a process of this id runs on this machine; a zombie does not."""
    stat = Path(f"/proc/{pid}/stat")
    with contextlib.suppress(OSError):
        return stat.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[0] != "Z"
    if Path("/proc/self/stat").exists() or os.name == "nt":
        # Windows has no harmless probe; there the age of the heartbeat decides.
        return os.name == "nt"
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def process_started(pid: int) -> str:
    """Return the start of a process in clock ticks since boot; empty where the system does not say."""
    with contextlib.suppress(OSError, IndexError):
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        # Field 22 of proc(5), counted after the name, which may hold any character.
        return stat.rpartition(")")[2].split()[19]
    return ""


def read_owner(path: Path) -> Owner | None:
    """Return the owner in a lock file; None if there is no readable file, or it came with a copy of another folder."""
    try:
        record = json.loads(_text(path))
        if "folder" in record and not _is_same(record["folder"], _identity(path.parent)):
            return None
        # A clock ahead of ours, or one that was set back, must not keep a dead worker alive.
        age = abs(time.time() - path.stat().st_mtime)
        return Owner(int(record["pid"]), printable(str(record["host"])), age, str(record.get("started", "")))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _text(path: Path) -> str:
    with open_file(path) as file:
        return file.read(_MAX_BYTES).decode()


def _identity(folder: Path) -> dict[str, str | int]:
    """Return what tells a folder from a copy of it."""
    status = folder.stat()
    return {"path": str(folder.resolve()), "device": status.st_dev, "inode": status.st_ino}


def _is_same(one: dict[str, object], other: dict[str, str | int]) -> bool:
    # A folder that is renamed keeps its inode; some network disks change inodes, and each host numbers devices itself.
    return one["path"] == other["path"] or (one["device"], one["inode"]) == (other["device"], other["inode"])


class Lock:
    """The lock of one run, taken by this process."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._written = ""

    def take(self) -> None:
        """Take the lock.

        Raises:
            FailureError: a live worker holds it, or the folder cannot be written.
        """
        with locked(self._path.parent):
            owner = read_owner(self._path)
            if owner is not None and owner.alive:
                raise FailureError(
                    f"the run {self._path.parent.name!r} is being trained by process {owner.pid} on {owner.host}; "
                    f"watch it with `budgetscope calibrate attach {printable(self._path.parent.name)}`."
                )
            try:
                text = json.dumps(
                    {
                        "pid": os.getpid(),
                        "host": platform.node(),
                        "started": process_started(os.getpid()),
                        # Containers with the same host name reuse process ids.
                        "token": secrets.token_hex(4),
                        "folder": _identity(self._path.parent),
                    }
                )
                write_atomically(self._path, text)
                self._written = text
            except OSError as error:
                raise unwritable(self._path, error) from None

    @property
    def lost(self) -> bool:
        """Whether this process took the lock and no longer has it."""
        try:
            return bool(self._written) and _text(self._path) != self._written
        except FileNotFoundError:
            return True
        except (OSError, ValueError):
            # An unreadable disk is no loss of the lock.
            return False

    def check(self) -> None:
        """Refuse to continue without the lock.

        Raises:
            FailureError: the lock is lost.
        """
        if self.lost:
            raise FailureError(
                f"the run {self._path.parent.name!r} was taken over by another worker while this one was silent, or "
                "its folder is gone; this one leaves."
            )

    def beat(self) -> None:
        """Write a heartbeat."""
        if not self.lost:
            with contextlib.suppress(OSError):
                os.utime(self._path)

    def release(self) -> None:
        """Release the lock, unless another worker has it."""
        if not self.lost:
            with contextlib.suppress(OSError):
                self._path.unlink()
        self._written = ""

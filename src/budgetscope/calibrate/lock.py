"""One worker a run: a lock that a killed worker does not leave behind for long."""

import contextlib
import json
import os
import platform
import time
from dataclasses import dataclass
from pathlib import Path

from budgetscope.core.errors import FailureError
from budgetscope.store.files import locked

STALE_SECONDS = 90.0
"""A worker beats every ten seconds; one that has been silent for so long is taken for dead."""


@dataclass(frozen=True, slots=True)
class Owner:
    """Who holds a run.

    Attributes:
        pid: of the worker.
        host: on which it runs.
        age: seconds since its last sign of life.
    """

    pid: int
    host: str
    age: float

    @property
    def here(self) -> bool:
        """Whether it runs, or ran, on this machine."""
        return self.host == platform.node()

    @property
    def alive(self) -> bool:
        """Whether it is to be taken for alive: its process exists, where that can be seen, and it still beats."""
        if self.age > STALE_SECONDS:
            return False
        return not self.here or process_exists(self.pid)


def process_exists(pid: int) -> bool:
    """Return whether a process of that id runs on this machine; one that only waits to be reaped does not."""
    stat = Path(f"/proc/{pid}/stat")
    with contextlib.suppress(OSError):
        return stat.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[0] != "Z"
    if Path("/proc/self/stat").exists() or os.name == "nt":
        # Windows has no harmless probe: there the age of the heartbeat decides.
        return os.name == "nt"
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def read_owner(path: Path) -> Owner | None:
    """Return who holds a lock file; None when nobody does."""
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        return Owner(int(record["pid"]), str(record["host"]), max(0.0, time.time() - path.stat().st_mtime))
    except (OSError, ValueError, KeyError, TypeError):
        return None


class Lock:
    """The lock of one run, held by this process."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def take(self) -> None:
        """Take the lock.

        Raises:
            FailureError: a living worker holds it, or the folder cannot be written.
        """
        with locked(self._path.parent):
            owner = read_owner(self._path)
            if owner is not None and owner.alive:
                raise FailureError(
                    f"the run {self._path.parent.name!r} is being trained by process {owner.pid} on {owner.host}; "
                    f"watch it with `budgetscope calibrate attach {self._path.parent.name}`."
                )
            try:
                text = json.dumps({"pid": os.getpid(), "host": platform.node()})
                self._path.write_text(text, encoding="utf-8")
            except OSError as error:
                raise FailureError(
                    f"cannot write {str(self._path)!r}: {(error.strerror or 'refused').lower()}."
                ) from None

    def beat(self) -> None:
        """Show a sign of life."""
        with contextlib.suppress(OSError):
            os.utime(self._path)

    def release(self) -> None:
        """Let the lock go."""
        with contextlib.suppress(OSError):
            self._path.unlink()

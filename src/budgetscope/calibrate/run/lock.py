"""One worker a run: a lock that a killed worker does not leave behind for long."""

import contextlib
import json
import os
import platform
import secrets
import time
from dataclasses import dataclass
from pathlib import Path

from budgetscope.core.errors import FailureError
from budgetscope.store.files import locked

STALE_SECONDS = 90.0
"""A worker beats every ten seconds; one elsewhere that has been silent for so long is taken for dead."""


@dataclass(frozen=True, slots=True)
class Owner:
    """Who holds a run.

    Attributes:
        pid: of the worker.
        host: on which it runs.
        age: seconds since its last sign of life.
        started: when its process began, as `process_started` has it; empty where that is not known.
    """

    pid: int
    host: str
    age: float
    started: str = ""

    @property
    def here(self) -> bool:
        """Whether it runs, or ran, on this machine."""
        return self.host == platform.node()

    @property
    def alive(self) -> bool:
        """Whether it is to be taken for alive: its process exists or, where that cannot be seen, it still beats."""
        if self.here and not process_exists(self.pid):
            return False
        if self.here and self.started:
            # A suspended worker is silent and yet goes on some day; its number may have passed to another process.
            return process_started(self.pid) == self.started
        return self.age <= STALE_SECONDS


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


def process_started(pid: int) -> str:
    """Return when a process began, in ticks since the machine did; empty where the system does not say."""
    with contextlib.suppress(OSError, IndexError):
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        # Field 22 of proc(5), counted behind the name, which may hold anything.
        return stat.rpartition(")")[2].split()[19]
    return ""


def read_owner(path: Path) -> Owner | None:
    """Return who holds a lock file; None when nobody does."""
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        age = max(0.0, time.time() - path.stat().st_mtime)
        return Owner(int(record["pid"]), str(record["host"]), age, str(record.get("started", "")))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


class Lock:
    """The lock of one run, held by this process."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._written = ""

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
                text = json.dumps(
                    {
                        "pid": os.getpid(),
                        "host": platform.node(),
                        "started": process_started(os.getpid()),
                        # Containers of one name count their processes alike.
                        "token": secrets.token_hex(4),
                    }
                )
                self._path.write_text(text, encoding="utf-8")
                self._written = text
            except OSError as error:
                raise FailureError(
                    f"cannot write {str(self._path)!r}: {(error.strerror or 'refused').lower()}."
                ) from None

    @property
    def lost(self) -> bool:
        """Whether it was taken and another worker, or nobody, has it now."""
        try:
            return bool(self._written) and self._path.read_text(encoding="utf-8") != self._written
        except FileNotFoundError:
            return True
        except (OSError, ValueError):
            # A disk that does not answer takes no lock away.
            return False

    def check(self) -> None:
        """Refuse to go on without the lock.

        Raises:
            FailureError: it is lost.
        """
        if self.lost:
            raise FailureError(
                f"the run {self._path.parent.name!r} was taken over by another worker while this one was silent, or "
                "its folder is gone; this one leaves."
            )

    def beat(self) -> None:
        """Show a sign of life."""
        if not self.lost:
            with contextlib.suppress(OSError):
                os.utime(self._path)

    def release(self) -> None:
        """Let the lock go, unless it is another's."""
        if not self.lost:
            with contextlib.suppress(OSError):
                self._path.unlink()
        self._written = ""

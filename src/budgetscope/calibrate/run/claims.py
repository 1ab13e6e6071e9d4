"""Claims to slices: which worker trains which, without a leader and without locks.

A claim is a file `claims/SLICE.NUMBER` that names the log of its worker. It is created once, and the highest number
counts. A claim decides who trains, not what is true: a wrong one costs work that is done twice, and no result.
"""

import json
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from budgetscope.calibrate.run.fold import LogState
from budgetscope.calibrate.run.folder import RunFolder
from budgetscope.calibrate.run.processes import is_gone
from budgetscope.core.errors import FailureError
from budgetscope.store.files import create, exists, listed, read_text

SILENT_SECONDS = 90.0
"""A worker whose log has not grown for this long may be replaced; it writes every ten seconds."""
_MAX_BYTES = 4096


@dataclass(frozen=True, slots=True)
class Claim:
    """A claim to a slice.

    Attributes:
        slice: name of the slice.
        number: 1 for the first claim to it.
        key: name of the claimant's log; empty if it cannot be read.
    """

    slice: str
    number: int
    key: str


class Claims:
    """The claims of one run, as one worker sees them."""

    def __init__(self, folder: RunFolder, key: str) -> None:
        """Claim for the worker whose log has this name."""
        self._folder, self._key = folder, key
        self._known: dict[str, Claim] = {}
        # When each log, or unreadable claim, was last seen to grow, by the monotonic clock of this process.
        self._seen: dict[str, tuple[int, float]] = {}

    def latest(self) -> dict[str, Claim]:
        """Return the latest claim to each slice.

        Raises:
            FailureError: the folder cannot be read.
        """
        found: dict[str, Claim] = {}
        for path in listed(self._folder.claims):
            name, _, number = path.name.rpartition(".")
            if not name or name.startswith(".") or not number.isdigit():
                continue
            if name not in found or int(number) > found[name].number:
                found[name] = self._read(path, name, int(number))
        return found

    def _read(self, path: Path, name: str, number: int) -> Claim:
        known = self._known.get(path.name)
        if known is None or not known.key:
            try:
                key = str(json.loads(read_text(path, _MAX_BYTES))["log"])
            except (FailureError, ValueError, KeyError, TypeError):
                # Just created, or damaged: it counts as held until it has been so for long.
                key = ""
            known = self._known[path.name] = Claim(name, number, key)
        return known

    def free(self, claim: Claim | None, logs: Mapping[str, LogState]) -> bool:
        """Return whether a slice with this latest claim may be taken.

        Args:
            claim: None if nobody has claimed the slice.
            logs: of all workers, by name.
        """
        if claim is None or claim.key == self._key:
            return True
        log = logs.get(claim.key)
        size = self._size(claim)
        if log is not None and (log.ended or _replaced(log, logs) or _is_dead(log)):
            return True
        before, since = self._seen.get(claim.key or claim.slice, (-1, 0.0))
        now = time.monotonic()
        if size != before:
            self._seen[claim.key or claim.slice] = (size, now)
            return False
        return now - since > SILENT_SECONDS

    def _size(self, claim: Claim) -> int:
        try:
            return (self._folder.workers / f"{claim.key}.jsonl").stat().st_size if claim.key else 0
        except OSError:
            return 0

    def take(self, name: str, number: int) -> bool:
        """Claim a slice; return whether this worker has it now.

        Raises:
            FailureError: the folder cannot be written.
        """
        return create(self._folder.claims / f"{name}.{number}", json.dumps({"log": self._key}))

    def lost(self, claim: Claim) -> bool:
        """Return whether another worker has taken the slice over."""
        return exists(self._folder.claims / f"{claim.slice}.{claim.number + 1}")

    def checkpoint(self, claim: Claim) -> Path:
        """Return the folder for the states of a claim, with the states of the claims before, if there are any."""
        path = self._folder.checkpoints / f"{claim.slice}.{claim.number}"
        for number in reversed(range(1, claim.number)):
            before = path.with_suffix(f".{number}")
            if exists(before) and not exists(path):
                try:
                    # A worker that comes back finds its states gone, and that it has lost its claim.
                    before.replace(path)
                except OSError:
                    continue
                break
        return path

    def clear(self, claim: Claim) -> None:
        """Delete the states of a claim, and of those before it."""
        for number in range(1, claim.number + 1):
            shutil.rmtree(self._folder.checkpoints / f"{claim.slice}.{number}", ignore_errors=True)

    def clear_all(self) -> None:
        """Delete all states: every cell is finished. A worker that lost its claim may have written some since."""
        shutil.rmtree(self._folder.checkpoints, ignore_errors=True)


def _replaced(log: LogState, logs: Mapping[str, LogState]) -> bool:
    """Whether the engine has started the slot again since."""
    return any(
        (other.launch, other.slot) == (log.launch, log.slot) and other.start > log.start for other in logs.values()
    )


def _is_dead(log: LogState) -> bool:
    begun = log.begun
    return begun is not None and is_gone(begun.place, begun.pid, begun.process)

"""Checkpoints of stacks on disk: tensors first, then the marker that makes them valid."""

import contextlib
import hashlib
import json
import math
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import torch

from budgetscope.calibrate.json_records import from_record, to_record
from budgetscope.core.errors import FailureError
from budgetscope.store.files import open_file, reason

_MARKER = "meta.json"
_FORMAT = 2
# Saving takes at most this share of the time, whatever the interval.
_SHARE = 0.05


class DamagedCheckpointError(FailureError):
    """A checkpoint is not what was written, or is of another version; it cannot be resumed."""


@dataclass(frozen=True, slots=True)
class Saved:
    """A saved state of one stack, without its tensors.

    Attributes:
        cell_ids: members, in the order of the tensors' rows.
        micro_sequences: sequences per member and micro-step.
        micro_steps: number done.
        evaluations: losses by cell and optimizer step.
        file: name of the file of tensors.
        sha256: of that file.
    """

    cell_ids: tuple[str, ...]
    micro_sequences: int
    micro_steps: int
    evaluations: dict[str, dict[str, float]]
    file: str
    sha256: str


class Checkpoint:
    """The folder that keeps the states of the cells of one shape.

    The tensors go to a new file; then an atomic rename makes the marker name it. After a kill at any moment the folder
    holds the last state or the one before. A stack of some of the saved members resumes too, since members do not
    depend on each other. Stacks that were split for want of memory train one after another; the state of those that
    wait is kept until they save their own.

    Attributes:
        folder: created when needed.
        waiting: ids of cells that train later.
    """

    def __init__(self, folder: Path, every_seconds: float = 60.0) -> None:
        """Keep states in `folder`, and save about every `every_seconds`."""
        self.folder = folder
        self.waiting: frozenset[str] = frozenset()
        self._every = every_seconds
        self._next = time.monotonic() + every_seconds

    def due(self) -> bool:
        """Whether it is time to save again."""
        return time.monotonic() >= self._next

    def save(
        self, state: dict[str, Any], cell_ids: Sequence[str], micro: tuple[int, int], evaluations: dict[str, Any]
    ) -> None:
        """Write the state of a stack.

        Args:
            state: member tensors, each (M, ...), on the CPU.
            cell_ids: the members.
            micro: sequences per member and micro-step, and micro-steps done.
            evaluations: losses by cell and optimizer step.

        Raises:
            FailureError: the folder cannot be written; the state before stays valid.
        """
        begun = time.monotonic()
        path = self.folder / f"state-{cell_ids[0]}-{len(cell_ids)}-{micro[1]}.pt"
        # JSON has no infinities. Only members that diverged have them, and their evaluations are not needed.
        finite = {
            cell: {step: loss for step, loss in kept.items() if math.isfinite(loss)}
            for cell, kept in evaluations.items()
        }
        try:
            # None above: a run whose folder was deleted must not come back.
            self.folder.parent.mkdir(exist_ok=True)
            self.folder.mkdir(exist_ok=True)
            _write(path, lambda file: torch.save(state, file))
            saved = Saved(tuple(cell_ids), *micro, finite, path.name, _sha256(path))
            self._mark([saved, *(other for other in self._readable() if self.waiting & set(other.cell_ids))])
        # torch reports a full disk as a RuntimeError.
        except (OSError, RuntimeError) as error:
            why = reason(error) if isinstance(error, OSError) else "no space is left"
            remedy = "free some space" if "no space" in why else "mend that"
            raise FailureError(
                f"the checkpoint in {str(self.folder)!r} cannot be written ({why}); {remedy} and resume the run."
            ) from error
        now = time.monotonic()
        self._next = now + max(self._every, (now - begun) / _SHARE)

    def saved(self) -> tuple[Saved, ...]:
        """Return the states in the folder, the latest first.

        Raises:
            DamagedCheckpointError: the marker is damaged or of another version.
        """
        path = self.folder / _MARKER
        try:
            meta = json.loads(_read(path))
            if meta["format"] != _FORMAT:
                raise DamagedCheckpointError(f"{str(path)!r} is of another version of budgetscope.")
            if meta["sha256"] != _text_sha256(meta["stacks"]):
                raise DamagedCheckpointError(f"{str(path)!r} is not what was written.")
            return tuple(from_record(Saved, stack) for stack in meta["stacks"])
        except FileNotFoundError:
            return ()
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            raise DamagedCheckpointError(f"{str(path)!r} cannot be read ({error!r:.100}).") from error

    def load(self, saved: Saved) -> dict[str, Any]:
        """Return the member tensors of a state, on the CPU.

        Raises:
            DamagedCheckpointError: the file is missing or not what was written.
        """
        path = self.folder / saved.file
        state: dict[str, Any]
        try:
            # torch does not notice altered numbers in a file.
            whole = _sha256(path) == saved.sha256
            state = torch.load(path, map_location="cpu", weights_only=True, mmap=True) if whole else {}
        except Exception as error:  # torch.load raises whatever zipfile and pickle do
            raise DamagedCheckpointError(f"{str(path)!r} cannot be read ({error!r:.100}).") from error
        if not whole:
            raise DamagedCheckpointError(f"{str(path)!r} is not what was written.")
        return state

    def drop(self, damaged: Saved | None = None) -> None:
        """Delete a state, or all of them; an unwritable folder is ignored."""
        kept = [] if damaged is None else [saved for saved in self._readable() if saved != damaged]
        with contextlib.suppress(OSError):
            self._mark(kept)

    def _readable(self) -> tuple[Saved, ...]:
        try:
            return self.saved()
        except DamagedCheckpointError:
            return ()

    def _mark(self, stacks: Sequence[Saved]) -> None:
        """Make these states valid, and delete the files of all others."""
        records = [to_record(saved) for saved in stacks]
        meta = {"format": _FORMAT, "sha256": _text_sha256(records), "stacks": records}
        _write(self.folder / _MARKER, lambda file: file.write(json.dumps(meta).encode()))
        counted = {saved.file for saved in stacks}
        # Killed writers leave files that end in .tmp.
        for old in self.folder.glob("state-*"):
            if old.name not in counted:
                old.unlink()


def _text_sha256(records: object) -> str:
    return hashlib.sha256(json.dumps(records).encode()).hexdigest()


def _read(path: Path) -> str:
    with open_file(path) as file:
        return file.read().decode()


def _sha256(path: Path) -> str:
    with open_file(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _write(path: Path, write: Callable[[BinaryIO], object]) -> None:
    """Write a file atomically."""
    unfinished = path.with_name(f"{path.name}.tmp")
    try:
        with unfinished.open("wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        # On a full disk, half a file would take the space that the log needs to report it.
        unfinished.unlink(missing_ok=True)
        raise
    unfinished.replace(path)

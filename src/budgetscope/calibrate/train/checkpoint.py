"""Stacks' states on disk: plain tensors, then the marker that makes them count."""

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

from budgetscope.calibrate.record import build, plain
from budgetscope.core.errors import FailureError

_MARKER = "meta.json"
_FORMAT = 2
# Saving takes at most this share of the time, however short the wanted interval is.
_SHARE = 0.05


class DamagedCheckpointError(FailureError):
    """What a folder holds is not what was written, or is of another version: there is nothing to go on with."""


@dataclass(frozen=True, slots=True)
class Saved:
    """One stack's state, beside its members' tensors.

    Attributes:
        cell_ids: its members, in the order of the tensors' rows.
        micro_sequences: sequences a member and micro-step.
        micro_steps: how many were done.
        evaluations: by cell and optimizer step.
        file: name of the tensors' file.
        sha256: of that file.
    """

    cell_ids: tuple[str, ...]
    micro_sequences: int
    micro_steps: int
    evaluations: dict[str, dict[str, float]]
    file: str
    sha256: str


class Checkpoint:
    """The folder in which the state of one shape's cells is kept.

    The tensors go to a new file, and only then does the marker name it, by an atomic rename: killed at any
    moment, the folder holds the last state or the one before. A stack made of some of the saved members
    resumes too, since members do not depend on each other. Cells that had to part, for want of memory, train one
    stack after the other: what was saved of those that wait stays until they have saved it themselves.

    Attributes:
        folder: made when needed.
        waiting: ids of cells that train later.
    """

    def __init__(self, folder: Path, every_seconds: float = 60.0) -> None:
        """Keep states in `folder`, and save about every so many seconds."""
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
        """Write a stack's state.

        Args:
            state: member tensors, each of them (M, ...), on the CPU.
            cell_ids: the members.
            micro: sequences a member and micro-step, and micro-steps done.
            evaluations: by cell and optimizer step.

        Raises:
            FailureError: the folder cannot be written; what it held before still counts.
        """
        begun = time.monotonic()
        path = self.folder / f"state-{cell_ids[0]}-{len(cell_ids)}-{micro[1]}.pt"
        # JSON has no infinities: a member that diverged keeps no evaluations that count.
        finite = {
            cell: {step: loss for step, loss in kept.items() if math.isfinite(loss)}
            for cell, kept in evaluations.items()
        }
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            _write(path, lambda file: torch.save(state, file))
            saved = Saved(tuple(cell_ids), *micro, finite, path.name, _sha256(path))
            self._mark([saved, *(other for other in self._readable() if self.waiting & set(other.cell_ids))])
        # torch reports a full disk as a RuntimeError.
        except (OSError, RuntimeError) as error:
            reason = (error.strerror or "").lower() if isinstance(error, OSError) else ""
            raise FailureError(
                f"The checkpoint in {str(self.folder)!r} cannot be written ({reason or 'no space is left'}); free some "
                "space and resume."
            ) from error
        now = time.monotonic()
        self._next = now + max(self._every, (now - begun) / _SHARE)

    def saved(self) -> tuple[Saved, ...]:
        """Return what the folder holds, the latest first.

        Raises:
            DamagedCheckpointError: the marker is damaged, or of another version.
        """
        path = self.folder / _MARKER
        try:
            meta = json.loads(path.read_text(encoding="utf-8"))
            if meta["format"] != _FORMAT:
                raise DamagedCheckpointError(f"{str(path)!r} is of another version of budgetscope.")
            if meta["sha256"] != _text_sha256(meta["stacks"]):
                raise DamagedCheckpointError(f"{str(path)!r} is not what was written.")
            return tuple(build(Saved, stack) for stack in meta["stacks"])
        except FileNotFoundError:
            return ()
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            raise DamagedCheckpointError(f"{str(path)!r} cannot be read ({error!r:.100}).") from error

    def load(self, saved: Saved) -> dict[str, Any]:
        """Return the member tensors of a state, on the CPU.

        Raises:
            DamagedCheckpointError: the file is missing, or not what was written.
        """
        path = self.folder / saved.file
        state: dict[str, Any]
        try:
            # torch reads a file with other numbers in it without a word.
            whole = _sha256(path) == saved.sha256
            state = torch.load(path, map_location="cpu", weights_only=True, mmap=True) if whole else {}
        except Exception as error:  # torch.load raises whatever zipfile and pickle do
            raise DamagedCheckpointError(f"{str(path)!r} cannot be read ({error!r:.100}).") from error
        if not whole:
            raise DamagedCheckpointError(f"{str(path)!r} is not what was written.")
        return state

    def drop(self, damaged: Saved | None = None) -> None:
        """Forget a state, or all of them, as far as the folder can be written."""
        kept = [] if damaged is None else [saved for saved in self._readable() if saved != damaged]
        with contextlib.suppress(OSError):
            self._mark(kept)

    def _readable(self) -> tuple[Saved, ...]:
        try:
            return self.saved()
        except DamagedCheckpointError:
            return ()

    def _mark(self, stacks: Sequence[Saved]) -> None:
        """Let these states count, and remove the files of all others."""
        records = [plain(saved) for saved in stacks]
        meta = {"format": _FORMAT, "sha256": _text_sha256(records), "stacks": records}
        _write(self.folder / _MARKER, lambda file: file.write(json.dumps(meta).encode()))
        counted = {saved.file for saved in stacks}
        for old in self.folder.glob("state-*.pt"):
            if old.name not in counted:
                old.unlink()


def _text_sha256(records: object) -> str:
    return hashlib.sha256(json.dumps(records).encode()).hexdigest()


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _write(path: Path, write: Callable[[BinaryIO], object]) -> None:
    """Write a file so that it is either whole or not there."""
    unfinished = path.with_name(f"{path.name}.tmp")
    try:
        with unfinished.open("wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        # On a full disk the half of it would take the room that saying so needs.
        unfinished.unlink(missing_ok=True)
        raise
    unfinished.replace(path)

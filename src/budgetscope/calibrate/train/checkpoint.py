"""A stack's state on disk: plain tensors, then the marker that makes them count."""

import json
import math
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import torch

from budgetscope.core.errors import FailureError

_MARKER = "meta.json"
_FORMAT = 1
# Saving takes at most this share of the time, however short the wanted interval is.
_SHARE = 0.05


@dataclass(frozen=True, slots=True)
class Saved:
    """What a checkpoint holds, beside each member's tensors.

    Attributes:
        cell_ids: its members, in the order of the tensors' rows.
        micro_sequences: sequences a member and micro-step.
        micro_steps: how many were done.
        evaluations: by cell and optimizer step.
        file: name of the tensors' file.
    """

    cell_ids: tuple[str, ...]
    micro_sequences: int
    micro_steps: int
    evaluations: dict[str, dict[str, float]]
    file: str


class Checkpoint:
    """The folder in which one stack's state is kept; one stack at a time.

    The tensors go to a new file, and only then does the marker name it, by an atomic rename: killed at any
    moment, the folder holds the last state or the one before. A stack made of some of the saved members
    resumes too, since members do not depend on each other.
    """

    def __init__(self, folder: Path, every_seconds: float = 60.0) -> None:
        """Keep a stack's state in `folder`, made when needed, about every so many seconds."""
        self.folder = folder
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
        name = f"state-{cell_ids[0]}-{len(cell_ids)}-{micro[1]}.pt"
        meta = {
            "format": _FORMAT,
            "cell_ids": list(cell_ids),
            "micro_sequences": micro[0],
            "micro_steps": micro[1],
            # JSON has no infinities: a member that diverged keeps no evaluations that count.
            "evaluations": {
                cell: {step: loss for step, loss in kept.items() if math.isfinite(loss)}
                for cell, kept in evaluations.items()
            },
            "file": name,
        }
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            _write(self.folder / name, lambda file: torch.save(state, file))
            _write(self.folder / _MARKER, lambda file: file.write(json.dumps(meta).encode()))
            for old in self.folder.glob("state-*.pt"):
                if old.name != name:
                    old.unlink()
        # torch reports a full disk as a RuntimeError.
        except (OSError, RuntimeError) as error:
            reason = (error.strerror or "").lower() if isinstance(error, OSError) else ""
            raise FailureError(
                f"The checkpoint in {str(self.folder)!r} cannot be written ({reason or 'no space is left'}); free some "
                "space and resume."
            ) from error
        now = time.monotonic()
        self._next = now + max(self._every, (now - begun) / _SHARE)

    def saved(self) -> Saved | None:
        """Return what the folder holds; None when it holds no finished checkpoint.

        Raises:
            FailureError: the marker is damaged.
        """
        path = self.folder / _MARKER
        try:
            meta = json.loads(path.read_text(encoding="utf-8"))
            if meta["format"] != _FORMAT:
                raise FailureError(
                    f"{path} has format {meta['format']}, not {_FORMAT}; remove its folder to start anew."
                )
            return Saved(
                tuple(meta["cell_ids"]), meta["micro_sequences"], meta["micro_steps"], meta["evaluations"], meta["file"]
            )
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise FailureError(f"{path} cannot be read ({error!r}); remove its folder to start anew.") from error

    def load(self, saved: Saved) -> dict[str, Any]:
        """Return the member tensors of a checkpoint, on the CPU.

        Raises:
            FailureError: the file is missing or damaged.
        """
        path = self.folder / saved.file
        try:
            state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
        except Exception as error:  # torch.load raises whatever zipfile and pickle do
            raise FailureError(f"{path} cannot be read ({error}); remove its folder to start anew.") from error
        return state


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

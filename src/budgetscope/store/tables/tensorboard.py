"""Reads TensorBoard event files with the `tensorboard` package (an extra)."""

import importlib
import struct
from pathlib import Path
from typing import Any

from budgetscope.core.errors import FailureError
from budgetscope.core.extras import install_command
from budgetscope.core.printable import printable
from budgetscope.store.files import open_file

_MARK = ".tfevents."
# A record of TensorFlow's: its length, a checksum of that, the bytes, a checksum of those.
_LENGTH = struct.Struct("<Q")
_CHECKSUMS = 8


def is_events(path: Path) -> bool:
    """Return whether a path is a TensorBoard event file, or a folder that may hold some."""
    return _MARK in path.name or path.is_dir()


def event_files(path: Path) -> list[Path]:
    """Return the event files that a path names.

    Raises:
        FailureError: the folder has none.
    """
    files = sorted(path.rglob(f"*{_MARK}*")) if path.is_dir() else [path]
    if not files:
        raise FailureError(
            f"{str(path)!r} is a folder without tables; give one with a CSV file a run, or with TensorBoard files "
            "(events.out.tfevents.*)."
        )
    return files


def is_whole(file: Path) -> bool:
    """Return whether an event file holds whole records to its end; the loader stops silently where they break off."""
    size, at = file.stat().st_size, 0
    with open_file(file) as stream:
        while at < size:
            stream.seek(at)
            head = stream.read(_LENGTH.size)
            if len(head) < _LENGTH.size:
                return False
            at += _LENGTH.size + _LENGTH.unpack(head)[0] + _CHECKSUMS
    return at == size


def run_of(path: Path, file: Path) -> str:
    """Return the name of an event file's run: its folder below `path`."""
    name = file.parent.relative_to(path).as_posix() if path.is_dir() else file.parent.name
    return printable(path.name if name == "." else name)


def read_events(path: Path, files: list[Path]) -> list[dict[str, object]]:
    """Return one record a run and step: `run`, `step` and a value for each scalar logged at that step.

    A run is a folder of event files, named by its path below `path`.

    Raises:
        FailureError: no file holds a scalar, or `tensorboard` is not installed.
    """
    try:
        loader: Any = importlib.import_module("tensorboard.backend.event_processing.event_file_loader")
        tensors: Any = importlib.import_module("tensorboard.util.tensor_util")
    except ImportError:
        raise FailureError(
            f"{str(path)!r} holds TensorBoard files, which need tensorboard: {install_command('tensorboard')}"
        ) from None
    points: dict[tuple[str, int], dict[str, object]] = {}
    for file in files:
        run = run_of(path, file)
        for event in loader.EventFileLoader(str(file)).Load():
            for value in event.summary.value:
                # The loader turns every scalar, old or new style, into a tensor.
                shape = [axis.size for axis in value.tensor.tensor_shape.dim]
                if value.metadata.plugin_data.plugin_name == "scalars" and all(size == 1 for size in shape):
                    point = points.setdefault((run, event.step), {"run": run, "step": event.step})
                    point[value.tag] = float(tensors.make_ndarray(value.tensor).item())
    if not points:
        raise FailureError(f"{str(path)!r} holds no TensorBoard scalars; log the validation loss as a scalar.")
    return list(points.values())

"""Logs of workers, written as a worker writes them."""

import os
import platform
from pathlib import Path

from budgetscope.calibrate.run.events import Event, WorkerStarted
from budgetscope.calibrate.run.folder import RunFolder
from budgetscope.calibrate.run.logs import Writer
from budgetscope.calibrate.run.processes import here, identity, process_started

GONE_PID = 2**22 + 1
"""No process of Linux has this id: its largest pid_max is 2**22 (proc_sys_kernel(5))."""


def begun(folder: RunFolder, pid: int = GONE_PID, *, place: str | None = None, process: str | None = None) -> Event:
    """Return the first record of a worker of this run.

    Args:
        folder: of the run.
        pid: of its process.
        place: of its machine; None for this one.
        process: start of its process; None for what the system says.
    """
    name = platform.node() if place is None else place
    started = process_started(pid) if process is None else process
    return WorkerStarted(pid, name, here() if place is None else place, started, identity(folder.path))


def write_log(folder: RunFolder, key: str, *events: Event) -> Path:
    """Write a log named `LAUNCH-SLOT-START`, and return its path."""
    path = folder.workers / f"{key}.jsonl"
    writer = Writer(path, int(key.rpartition("-")[2]))
    for event in events:
        writer.append(event)
    writer.close()
    return path


def aged(path: Path, seconds: float) -> Path:
    """Let a file have been written so long ago."""
    now = path.stat().st_mtime
    os.utime(path, (now - seconds, now - seconds))
    return path

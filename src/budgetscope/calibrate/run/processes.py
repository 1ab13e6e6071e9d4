"""Processes of this machine, and the traces by which a run knows its workers."""

import contextlib
import os
import platform
from pathlib import Path


def process_exists(pid: int) -> bool:
    """Return whether a process of this id runs on this machine; a zombie does not."""
    stat = Path(f"/proc/{pid}/stat")
    with contextlib.suppress(OSError):
        return stat.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[0] != "Z"
    if os.name == "nt":
        # There this probe would end it.
        return True
    if pid <= 0:
        # To the system, groups of processes.
        return False
    # It may hide the processes of other users.
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
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


def can_see(place: str) -> bool:
    """Return whether this process sees those of a place, as `here` gives it; Windows has no harmless way to look."""
    return os.name != "nt" and place == here()


def is_gone(place: str, pid: int, process: str) -> bool:
    """Return whether a process is known to have ended; False where it cannot be seen from here.

    A suspended process has not: it may continue.

    Args:
        place: of the process, as `here` gives it.
        pid: of the process.
        process: its start, as `process_started` gives it; empty if unknown.
    """
    if not can_see(place):
        return False
    # Its pid may have passed to another process.
    return not process_exists(pid) or (bool(process) and process_started(pid) not in (process, ""))


def is_suspended(pid: int) -> bool:
    """Return whether a process of this machine is suspended, as by SIGSTOP; False where the system does not say."""
    with contextlib.suppress(OSError, IndexError):
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        return stat.rpartition(")")[2].split()[0] == "T"
    return False


def here() -> str:
    """Return the name of this machine and, where the system says, of its space of process ids.

    Containers of one machine may share its name and reuse process ids.
    """
    with contextlib.suppress(OSError):
        return f"{platform.node()} {Path('/proc/self/ns/pid').readlink()}"
    return platform.node()


def identity(folder: Path) -> str:
    """Return what tells a folder from a copy of it: path, device and inode."""
    status = folder.stat()
    return f"{status.st_dev}:{status.st_ino}:{folder.resolve()}"


def same_folder(one: str, other: str) -> bool:
    """Return whether two identities are of one folder.

    A folder that is renamed keeps its inode. Some network disks change inodes, and each host numbers devices itself.
    """
    device, inode, path = one.split(":", 2)
    return other.split(":", 2)[2] == path or other.startswith(f"{device}:{inode}:")

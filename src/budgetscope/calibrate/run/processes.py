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

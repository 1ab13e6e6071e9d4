"""Reading and writing files: what the system refuses is one sentence, and no crash or second writer loses a file."""

import contextlib
import errno
import os
import stat
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from budgetscope.core.errors import FailureError

_LOCK_SECONDS = 10.0
_HELD = {errno.EACCES, errno.EAGAIN, errno.EDEADLK}
_ABSENT = {errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG}

if sys.platform == "win32":
    import msvcrt

    def _try_lock(file: IO[bytes]) -> None:
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _try_lock(file: IO[bytes]) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def read_text(path: Path, limit_bytes: int) -> str:
    """Return the text of a file of at most `limit_bytes`.

    Raises:
        FailureError: it cannot be read, is larger, or is not UTF-8.
    """
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            # A pipe would wait and a device would never end.
            raise FailureError(f"{str(path)!r} is not a file; name one.")
        if status.st_size > limit_bytes:
            raise FailureError(f"{str(path)!r} is over {limit_bytes // 2**20} MiB; it is not one of ours.")
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise _unreadable(path, error) from None
    except UnicodeDecodeError:
        raise FailureError(f"{str(path)!r} is not UTF-8 text; save it as UTF-8.") from None


def status(path: Path) -> os.stat_result | None:
    """Return what the system says of a file or folder; None when there is none, or can be none, of that name.

    Raises:
        FailureError: the system does not let us see.
    """
    try:
        return path.stat()
    except ValueError:  # a null byte
        return None
    except OSError as error:
        if error.errno in _ABSENT:
            return None
        raise _unreadable(path, error) from None


def listed(folder: Path) -> list[Path]:
    """Return what a folder holds, sorted by name; nothing when there is no such folder.

    Raises:
        FailureError: the system does not let us see.
    """
    try:
        return sorted(folder.iterdir())
    except OSError as error:
        if error.errno in _ABSENT:
            return []
        raise _unreadable(folder, error) from None


def _unreadable(path: Path, error: OSError) -> FailureError:
    return FailureError(f"cannot read {str(path)!r}: {_reason(error)}; check its permissions.")


def exists(path: Path) -> bool:
    """Return whether a file is there, as far as the system lets us see."""
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


def write_atomically(path: Path, text: str) -> None:
    """Replace a file's content by `text`: all of it or nothing. A link stays one, and its file is replaced.

    Raises:
        FailureError: the folder cannot be written, or a folder, device or pipe stands in the file's place; what
            was there before is untouched.
    """
    temporary, target = "", Path(os.path.realpath(path))
    try:
        if target.exists() and not target.is_file():
            # A superuser's rename would put the file in the place of a device.
            raise FailureError(f"cannot write {str(path)!r}: it is not a file; name one.")
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(_mode(target))
        Path(temporary).replace(target)
    except (OSError, UnicodeEncodeError) as error:
        if temporary:
            Path(temporary).unlink(missing_ok=True)
        raise FailureError(
            f"cannot write {str(path)!r}: {_reason(error)}; choose a folder that you can write to."
        ) from None


def _mode(path: Path) -> int:
    """Return the permissions that the file has, or that a new one would get."""
    if path.exists():
        return path.stat().st_mode & 0o777
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask


def _reason(error: OSError | UnicodeEncodeError) -> str:
    if isinstance(error, OSError):
        return (error.strerror or "the system refused").lower()
    return "the text holds characters that UTF-8 cannot"


def _unwritable(folder: Path, error: OSError) -> FailureError:
    return FailureError(f"cannot write to {str(folder)!r}: {_reason(error)}; choose a folder that you can write to.")


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold a folder's lock while writing to it; the system lets go of it when the process ends, however it ends.

    The lock file stays, empty: deleting it would let two processes in, each with a file of its own.

    Raises:
        FailureError: another process held it for ten seconds, or the folder cannot be written.
    """
    lock = folder / ".lock"
    deadline = time.monotonic() + _LOCK_SECONDS
    with contextlib.ExitStack() as stack:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            file = stack.enter_context(lock.open("ab"))
        except OSError as error:
            raise _unwritable(folder, error) from None
        while True:
            try:
                _try_lock(file)
                break
            except OSError as error:
                if error.errno not in _HELD:
                    raise _unwritable(folder, error) from None
            if time.monotonic() > deadline:
                raise FailureError(f"{str(folder)!r} is locked by another budgetscope; wait for it to end, or end it.")
            time.sleep(0.05)
        yield

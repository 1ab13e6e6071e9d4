"""Writing files so that a crash, a full disk or a second writer never loses one."""

import contextlib
import os
import stat
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from budgetscope.core.errors import FailureError

_LOCK_SECONDS = 10.0


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
        raise FailureError(f"cannot read {str(path)!r}: {_reason(error)}.") from None
    except UnicodeDecodeError:
        raise FailureError(f"{str(path)!r} is not UTF-8 text; save it as UTF-8.") from None


def exists(path: Path) -> bool:
    """Return whether a file is there, as far as the system lets us see."""
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


def write_atomically(path: Path, text: str) -> None:
    """Replace a file's content by `text`: all of it or nothing.

    Raises:
        FailureError: the folder cannot be written; what was there before is untouched.
    """
    temporary = ""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(_mode(path))
        Path(temporary).replace(path)
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
    """Hold a folder's lock while writing to it; a lock older than ten seconds was left by a crash.

    Raises:
        FailureError: another process held it all that time, or the folder cannot be written.
    """
    lock = folder / ".lock"
    deadline = time.monotonic() + _LOCK_SECONDS
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unwritable(folder, error) from None
    while True:
        try:
            os.close(os.open(lock, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
            break
        except FileExistsError:
            with contextlib.suppress(OSError):
                if time.time() - lock.stat().st_mtime > _LOCK_SECONDS:
                    lock.unlink()
                    continue
            if time.monotonic() > deadline:
                raise FailureError(
                    f"{str(folder)!r} is locked by another budgetscope; wait for it or delete {str(lock)!r}."
                ) from None
            time.sleep(0.05)
        except OSError as error:
            raise _unwritable(folder, error) from None
    try:
        yield
    finally:
        lock.unlink(missing_ok=True)

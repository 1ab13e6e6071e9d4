"""Reads, writes and locks files: atomically, under one kind of lock, and with one wording of the system's errors."""

import contextlib
import errno
import glob
import io
import os
import secrets
import shlex
import shutil
import stat
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import IO

from budgetscope.core.errors import FailureError, UsageError

_LOCK_SECONDS = 10.0
_POLL_SECONDS = 0.05
# No writer takes so long: a temporary file of this age was left by a killed one.
_STALE_SECONDS = 3600.0
_HELD = {errno.EACCES, errno.EAGAIN, errno.EDEADLK}
# Windows alone translates line breaks below Python.
_BINARY = getattr(os, "O_BINARY", 0)
# What a disk without hard links says.
_NO_LINKS = {errno.EPERM, errno.ENOSYS, errno.EOPNOTSUPP, errno.EMLINK}
_ABSENT = {errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG}

if sys.platform == "win32":
    import msvcrt

    def _try_lock(file: IO[bytes]) -> None:
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _try_lock(file: IO[bytes]) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


class NotAFileError(OSError):
    """A pipe, device or socket was named where a file is read."""


def open_file(path: Path) -> io.BufferedReader:
    """Open a file to read; every file that was not just written is opened here: a pipe would block, a device never end.

    Raises:
        OSError: it cannot be opened, or is not a file.
    """
    # Without O_NONBLOCK, opening a pipe waits for its writer.
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | _BINARY)
    mode = os.fstat(handle).st_mode
    if stat.S_ISREG(mode):
        return os.fdopen(handle, "rb")
    os.close(handle)
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    raise NotAFileError(errno.EINVAL, "it is not a file", str(path))


def read_text(path: Path, limit_bytes: int) -> str:
    """Return the text of a file of at most `limit_bytes`.

    Raises:
        FailureError: it cannot be read, is larger, or is not UTF-8.
    """
    try:
        with io.TextIOWrapper(open_file(path), encoding="utf-8") as file:
            if os.fstat(file.fileno()).st_size > limit_bytes:
                raise FailureError(f"{str(path)!r} is over {limit_bytes // 2**20} MiB; it is not one of ours.")
            return file.read()
    except (NotAFileError, IsADirectoryError):
        raise FailureError(f"{str(path)!r} is not a regular file; name a file.") from None
    except OSError as error:
        raise unreadable(path, error) from None
    except UnicodeDecodeError:
        raise FailureError(f"{str(path)!r} is not UTF-8 text; save it as UTF-8.") from None


def status(path: Path) -> os.stat_result | None:
    """Return the status of a file or folder; None when there is none, or can be none, of that name.

    Raises:
        FailureError: the system refuses to say.
    """
    try:
        return path.stat()
    except ValueError:  # a null byte
        return None
    except OSError as error:
        if error.errno in _ABSENT:
            return None
        raise unreadable(path, error) from None


def listed(folder: Path) -> list[Path]:
    """Return the entries of a folder, sorted by name; none when there is no such folder.

    Raises:
        FailureError: the system refuses to list it.
    """
    try:
        return sorted(folder.iterdir())
    except OSError as error:
        if error.errno in _ABSENT:
            return []
        raise unreadable(folder, error) from None


def unreadable(path: Path, error: OSError) -> FailureError:
    """Return the refusal of a path that cannot be read."""
    return FailureError(f"cannot read {str(path)!r}: {reason(error)}; check its permissions.")


def unwritable(path: Path, error: OSError | UnicodeEncodeError) -> FailureError:
    """Return the refusal of a path that cannot be written."""
    return FailureError(f"cannot write {str(path)!r}: {reason(error)}; choose a folder that you can write to.")


def exists(path: Path) -> bool:
    """Return whether a file exists; False also where the system refuses to say."""
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


def check_folder_above(path: Path) -> None:
    """Refuse a path whose folder does not exist: a mistyped folder must not be made.

    Raises:
        UsageError: there is no such folder.
        FailureError: the system refuses to say.
    """
    folder = Path(os.path.realpath(path)).parent
    if status(folder) is None:
        raise UsageError(
            f"there is no folder for {str(path)!r}; make it with `mkdir -p {shlex.quote(str(path.parent))}`, or name "
            "another."
        )


def write_atomically(path: Path, content: str | bytes) -> None:
    """Replace a file's content, all of it or nothing; of a link, the file that it leads to is replaced.

    Args:
        path: of the file.
        content: a text is written as UTF-8.

    Raises:
        FailureError: the folder cannot be written, or a folder, device or pipe has the file's name; the old content
            is kept.
    """
    temporary, target = "", Path(os.path.realpath(path))
    try:
        if target.exists() and not target.is_file():
            # As superuser, the rename would replace a device by the file.
            raise FailureError(f"cannot write {str(path)!r}: it is not a file; name one.")
        target.parent.mkdir(parents=True, exist_ok=True)
        mode = target.stat().st_mode & 0o777 if target.exists() else None
        unique = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
        # The system applies the umask of the process, which cannot be read without changing it for every thread.
        handle = os.open(unique, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _BINARY, 0o666 if mode is None else 0o600)
        temporary = str(unique)
        with os.fdopen(handle, "wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
            file.flush()
            os.fsync(file.fileno())
        if mode is not None:
            Path(temporary).chmod(mode)
        Path(temporary).replace(target)
        _sweep(target)
    except (OSError, UnicodeEncodeError) as error:
        if temporary:
            # The disk may have become read-only meanwhile.
            with contextlib.suppress(OSError):
                Path(temporary).unlink(missing_ok=True)
        raise unwritable(path, error) from None


def write_folder(folder: Path, files: Iterable[tuple[str, str]]) -> None:
    """Make a folder with files, all of them or none; an empty folder of that name is replaced.

    Args:
        folder: to make.
        files: name and text of each.

    Raises:
        FailureError: the folder above cannot be written, or the folder is there and not empty.
    """
    target = Path(os.path.realpath(folder))
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    try:
        temporary.mkdir(parents=True)
        for name, text in files:
            write_atomically(temporary / name, text)
        if target.is_dir():
            target.rmdir()
        temporary.replace(target)
    except OSError as error:
        raise unwritable(folder, error) from None
    finally:
        if temporary.exists():
            shutil.rmtree(temporary, ignore_errors=True)


def create(path: Path, text: str) -> bool:
    """Create a file with its whole content, unless there is one; of several writers, the first succeeds.

    It needs no lock, and holds on network disks: the content is linked into place, and the link fails where there is a
    file. The folder is made if needed, but none above it: a run whose folder was deleted must not come back.

    Returns:
        Whether this call made the file.

    Raises:
        FailureError: the folder cannot be written.
    """
    unique = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        path.parent.mkdir(exist_ok=True)
        try:
            with unique.open("x", encoding="utf-8", newline="\n") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            return _linked(unique, path, text)
        finally:
            with contextlib.suppress(OSError):
                unique.unlink(missing_ok=True)
    except (OSError, UnicodeEncodeError) as error:
        raise unwritable(path, error) from None


def _linked(unique: Path, path: Path, text: str) -> bool:
    """Give a file a second name; return whether it has it."""
    try:
        os.link(unique, path)
    except FileExistsError:
        # A server may have linked it, and its answer been lost.
        return unique.stat().st_nlink > 1
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        # A disk without links: a reader may see the file before its content.
        try:
            with path.open("x", encoding="utf-8", newline="\n") as file:
                file.write(text)
        except FileExistsError:
            return False
    return True


def _sweep(target: Path) -> None:
    """Delete the temporary files that killed writers of a file left beside it."""
    with contextlib.suppress(OSError):
        for old in target.parent.glob(f".{glob.escape(target.name)}.{'[0-9a-f]' * 8}"):
            if time.time() - old.stat().st_mtime > _STALE_SECONDS:
                old.unlink()


def reason(error: OSError | UnicodeEncodeError) -> str:
    """Return why the system refused, as a clause in lower case."""
    if isinstance(error, OSError):
        return (error.strerror or str(error) or "the system refused").lower()
    return "the text holds characters that UTF-8 cannot"


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold a folder's lock while writing to it.

    Raises:
        FailureError: another process held it for ten seconds, or the folder cannot be written.
    """
    deadline = time.monotonic() + _LOCK_SECONDS

    def wait() -> None:
        if time.monotonic() > deadline:
            raise FailureError(f"{str(folder)!r} is locked by another budgetscope; wait for it to end, or end it.")

    with held(folder / ".lock", wait):
        yield


@contextlib.contextmanager
def held(lock: Path, wait: Callable[[], None]) -> Iterator[None]:
    """Hold a lock file while the body runs; the system releases it when the process ends, however it ends.

    The file stays, empty: if it were deleted, two processes could each lock a file of their own.

    Args:
        lock: the file; its folder is made if needed.
        wait: called before each further try while another process holds the lock; it may raise to give up.

    Raises:
        FailureError: the folder cannot be written, or its disk has no locks.
    """
    with contextlib.ExitStack() as stack:
        try:
            lock.parent.mkdir(parents=True, exist_ok=True)
            file = stack.enter_context(lock.open("ab"))
        except OSError as error:
            raise _unlockable(lock, error) from None
        while not _locks(lock, file):
            wait()
            time.sleep(_POLL_SECONDS)
        yield


def _locks(lock: Path, file: IO[bytes]) -> bool:
    try:
        _try_lock(file)
    except OSError as error:
        if error.errno not in _HELD:
            raise _unlockable(lock, error) from None
        return False
    return True


def _unlockable(lock: Path, error: OSError) -> FailureError:
    return FailureError(
        f"cannot write to {str(lock.parent)!r}: {reason(error)}; choose a folder that you can write to."
    )

"""What the disk can refuse, and one preparation at a time."""

import contextlib
import errno
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

from budgetscope.core.errors import FailureError


class FullDiskError(FailureError):
    """There is no room for what is written."""


_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_POLL_SECONDS = 0.1

if sys.platform == "win32":
    import msvcrt

    def _try_lock(file: IO[bytes]) -> None:
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _try_lock(file: IO[bytes]) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


@contextlib.contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn what the system refuses while `path` is written into one sentence.

    Raises:
        FullDiskError: the disk, or the user's share of it, is full.
        FailureError: the path cannot be written.
    """
    try:
        yield
    except BrokenPipeError:
        raise  # no file does that: it is whoever listens to the progress
    except OSError as error:
        if error.errno in _FULL:
            raise FullDiskError(
                f"no space is left to write {str(path)!r}; free some (about twice the size of the text is needed)."
            ) from None
        reason = (error.strerror or "the system refused").lower()
        raise FailureError(f"cannot write {str(path)!r}: {reason}; choose a folder that you can write to.") from None


@contextlib.contextmanager
def alone(lock: Path, waiting: Callable[[], None]) -> Iterator[None]:
    """Hold a lock for as long as the body takes; the system lets go of it when the process ends, however it ends.

    The lock of `store.files` is for writes of milliseconds and would be taken for a dead one here.

    Args:
        lock: the lock file; it stays, empty, because deleting it would let two processes in.
        waiting: called while another process holds the lock.

    Raises:
        FailureError: the lock file cannot be written.
    """
    with contextlib.ExitStack() as stack:
        with writing(lock):
            lock.parent.mkdir(parents=True, exist_ok=True)
            file = stack.enter_context(lock.open("ab"))
        while True:
            try:
                _try_lock(file)
                break
            except OSError as error:
                if error.errno not in {errno.EACCES, errno.EAGAIN, errno.EDEADLK}:
                    raise FailureError(
                        f"cannot lock {str(lock)!r}: {(error.strerror or 'the system refused').lower()}; "
                        "set the cache to a folder on a local disk."
                    ) from None
                waiting()
                time.sleep(_POLL_SECONDS)
        yield

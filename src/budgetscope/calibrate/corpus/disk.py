"""Refusals of a disk that cannot be written, above all of a full one."""

import contextlib
import errno
from collections.abc import Iterator
from pathlib import Path

from budgetscope.core.errors import FailureError
from budgetscope.store.files import unwritable


class FullDiskError(FailureError):
    """No space is left for a file."""


_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@contextlib.contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn an OSError while `path` is written into a refusal.

    Raises:
        FullDiskError: the disk, or the user's quota, is full.
        FailureError: the path cannot be written.
    """
    try:
        yield
    except BrokenPipeError:
        raise  # from the reader of the progress, not from a file
    except OSError as error:
        if error.errno in _FULL:
            raise FullDiskError(
                f"no space is left to write {str(path)!r}; free some (about twice the size of the text is needed)."
            ) from None
        raise unwritable(path, error) from None

"""Output whose reader has gone, such as `head`, which closes its end of the pipe when it has read enough."""

import contextlib
import os
import sys
from collections.abc import Callable


def is_read(show: Callable[[], None]) -> bool:
    """Show something, and return whether stdout was read to the end of it; if not, what follows goes nowhere.

    Args:
        show: writes to stdout.
    """
    try:
        show()
        sys.stdout.flush()
    except BrokenPipeError:
        abandon_stdout()
        return False
    return True


def abandon_stdout() -> None:
    """Send stdout to the null device; else Python would fail again at exit to write what it has buffered."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

"""Children of this process, forked so that a hundred of them cost little, and killed at any moment."""

import os
import signal
import time
import warnings
from collections.abc import Callable


def forked(work: Callable[[], object]) -> int:
    """Start a child that does some work in a session of its own; its exit code is 0, or 99 after an exception."""
    with warnings.catch_warnings():
        # Test runners have threads, which the child never uses.
        warnings.simplefilter("ignore", DeprecationWarning)
        pid = os.fork()
    if pid:
        return pid
    code = 99
    try:
        os.setsid()
        for number in (signal.SIGALRM, signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)
        result = work()
        code = result if isinstance(result, int) else 0
    finally:
        os._exit(code)


def ended(pid: int, seconds: float) -> int | None:
    """Return the exit code of a child, negative for a signal, or None if it has not ended in time."""
    deadline = time.monotonic() + seconds
    while True:
        found, status = os.waitpid(pid, os.WNOHANG)
        if found:
            return os.waitstatus_to_exitcode(status)
        if time.monotonic() > deadline:
            return None
        time.sleep(0.002)


def killed(pid: int) -> None:
    """Kill a child that this process started, and reap it."""
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)

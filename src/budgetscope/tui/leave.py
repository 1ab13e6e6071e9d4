"""Leaves the app when its terminal is closed or the system ends it, without losing what was changed."""

import asyncio
import os
import signal
import threading
from collections.abc import Callable

_PATIENCE_SECONDS = 3.0
"""Time for an orderly end; without its terminal, Textual may wait for ever."""


def leave_on_signals(leave: Callable[[int], None]) -> None:
    """Call a function when the terminal is closed or the system ends the app; call this in the event loop.

    Args:
        leave: saves the state and begins to exit, given the number of the signal.
    """
    loop = asyncio.get_running_loop()

    def leave_soon(number: int) -> None:
        timer = threading.Timer(_PATIENCE_SECONDS, os._exit, (exit_code(number),))
        timer.daemon = True
        try:
            leave(number)
        finally:
            timer.start()

    for name in ("SIGHUP", "SIGTERM"):
        if hasattr(signal, name) and os.name == "posix":
            number = getattr(signal, name)
            loop.add_signal_handler(number, leave_soon, number)


def exit_code(number: int) -> int:
    """Return the exit code of a process that a signal ended."""
    return 128 + number

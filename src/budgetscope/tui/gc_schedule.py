"""When Python collects garbage: while nobody types.

A full collection takes a tenth of a second in the app, and by default it falls on one keystroke in fifteen. Young
garbage, such as the lines that a repaint replaces, goes every second: where ten thousand objects of it wait, what lives
long is laid between them, and the memory of a live run grows for hours.
"""

import gc
import time

TICK_SECONDS = 1.0
_THRESHOLDS = 10_000, 2, 2**30
"""gc thresholds for generations 0, 1 and 2: collections of 3 and of 10 ms, and never a full one."""
_QUIET_SECONDS = 0.7
"""Without a key or a move of the mouse: nobody types."""
_DUE, _OVERDUE = 30, 60
"""Collections of generation 1 after which a full one is due while nobody types, and in any case.

While nobody types there is one every second; while somebody types, one for every 20,000 new objects.
"""
_UNFREEZE_EVERY = 10
"""Full collections, of which one also covers the objects that earlier ones have frozen."""


class GcSchedule:
    """Takes full collections from the interpreter, and makes them between keystrokes."""

    def __init__(self) -> None:
        self._started = False
        self._touched = time.monotonic()
        self._collections = 0

    def start(self) -> None:
        """Set the gc thresholds, and freeze the objects that exist."""
        self._started = True
        gc.set_threshold(*_THRESHOLDS)
        gc.freeze()

    def touch(self) -> None:
        """Note a key or a move of the mouse."""
        self._touched = time.monotonic()

    def tick(self, *, has_dialog: bool) -> None:
        """Make a full collection if it is due, else one of young garbage; call it every `TICK_SECONDS`.

        Args:
            has_dialog: whether a dialog is open; frozen, it could not be collected once it is closed.
        """
        is_quiet = time.monotonic() - self._touched > _QUIET_SECONDS
        if not self._started:
            return
        if gc.get_count()[2] < (_DUE if is_quiet else _OVERDUE):
            if is_quiet:
                gc.collect(1)
            return
        self._collections += 1
        if self._collections >= _UNFREEZE_EVERY:
            self._collections = 0
            gc.unfreeze()
        gc.collect()
        if not has_dialog:
            gc.freeze()

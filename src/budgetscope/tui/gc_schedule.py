"""When Python looks for reference cycles: while nobody types.

A search of all that the app holds takes a tenth of a second, and by default it falls on one keystroke in fifteen.
"""

import gc
import time

TICK_SECONDS = 1.0
_YOUNG, _MIDDLE, _NEVER = 10_000, 2, 2**30
"""New objects after which the youngest are searched, and searches of these after which those of middling age are: in
3 and 10 ms."""
_REST_SECONDS = 0.7
"""Without a key or a move of the mouse: nobody types."""
_WORTH_IT, _TOO_MUCH = 10, 20
"""Searches of middling age after which the rest is searched too: at rest, and whatever happens."""
_EVERYTHING = 10
"""One search in so many also covers what an earlier one has passed."""


class GcSchedule:
    """Takes the full searches from the interpreter, and makes them between keystrokes."""

    def __init__(self) -> None:
        self._started = False
        self._touched = time.monotonic()
        self._searches = 0

    def start(self) -> None:
        """Leave only the young to the interpreter; what stands already is not searched again."""
        self._started = True
        gc.set_threshold(_YOUNG, _MIDDLE, _NEVER)
        gc.freeze()

    def touch(self) -> None:
        """Note that somebody is at the keyboard."""
        self._touched = time.monotonic()

    def tick(self, *, passing: bool) -> None:
        """Search if it is worth it, and nobody types or it cannot wait.

        Args:
            passing: whether something is open that will be closed, such as a dialog: it must be found then.
        """
        at_rest = time.monotonic() - self._touched > _REST_SECONDS
        if not self._started or gc.get_count()[2] < (_WORTH_IT if at_rest else _TOO_MUCH):
            return
        self._searches += 1
        if self._searches >= _EVERYTHING:
            self._searches = 0
            gc.unfreeze()
        gc.collect()
        if not passing:
            # What was passed is not searched again until the next search of everything.
            gc.freeze()

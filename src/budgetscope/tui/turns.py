"""Keys take effect in their turn, however many arrive at once: over a slow line, from a script, on a busy machine."""

from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from textual import events
from textual.app import App
from textual.dom import DOMNode
from textual.widgets import Input

_LAPS = 3
"""A key's own way up, that of what it made a widget say, and that of what others said to this."""
PATIENCE_SECONDS = 1.0
"""After this a key counts as done all the same: somebody on its way may be gone."""

Typed = events.Key | events.Paste


class Turns:
    """Holds keys back until those before them have done what they do.

    Textual hands a key to the widget that has the focus *now*; what the last key is bound to happens later, once nobody
    on the way up to the app has taken it. "Ctrl-U 1e21" leaves "e21" on a busy machine (Textual's issue 6605), and
    "Tab 8" types the 8 into the field that Tab leaves. Only letters typed into one and the same field need not wait.

    A key is followed on its way, from queue to queue, by a call that is behind it in each.
    """

    def __init__(self, app: App[None], let_through: Callable[[Typed], Awaitable[None]]) -> None:
        """Take the gate.

        Args:
            app: whose keys they are.
            let_through: gives the app a key.
        """
        self._app = app
        self._let_through = let_through
        self._waiting: deque[Typed] = deque()
        self._begun = self._done = self._timed = 0
        self._typing = False

    async def take(self, event: Typed) -> None:
        """Let a key through, at once or in its turn."""
        self._waiting.append(event)
        await self._go_on()

    async def _go_on(self) -> None:
        while self._waiting:
            event, taker = self._waiting[0], self._app.focused or self._app.screen
            typing = isinstance(taker, Input) and (isinstance(event, events.Paste) or event.is_printable)
            if self._done < self._begun and not (typing and self._typing):
                self._lose_patience()
                break
            self._waiting.popleft()
            self._begun, self._typing = self._begun + 1, typing
            await self._let_through(event)
            self._follow(self._begun, taker.ancestors_with_self * _LAPS)

    def _follow(self, turn: int, way: Sequence[DOMNode]) -> None:
        """Go on behind a key, leaving out who is gone, and at last through the screen that it may have opened."""
        for place, node in enumerate(way, 1):
            if node.call_later(self._follow, turn, way[place:]):
                return
        self._app.screen.call_later(self._app.call_later, self._end, turn)

    def _lose_patience(self) -> None:
        if self._timed < self._begun:
            self._timed = self._begun
            self._app.set_timer(PATIENCE_SECONDS, partial(self._end, self._begun))

    async def _end(self, turn: int) -> None:
        self._done = max(self._done, turn)
        await self._go_on()

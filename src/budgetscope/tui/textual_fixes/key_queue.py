"""Keys take effect in their turn, however many arrive at once: over a slow line, from a script, on a busy machine."""

from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial

from textual import events
from textual.app import App
from textual.dom import DOMNode
from textual.screen import Screen
from textual.widgets import Input

_LAPS = 3
"""A key's own way up, that of what it made a widget say, and that of what others said to this."""
_REST_SECONDS = 0.05
"""After its first lap a key is followed no further if no other key comes for so long."""
PATIENCE_SECONDS = 1.0
"""After this a key counts as done all the same: somebody on its way may be gone."""

Typed = events.Key | events.Paste


@dataclass(eq=False, slots=True)
class _PendingKey:
    """What is known of a key that was let through.

    Attributes:
        way: from the widget that took it up to the app.
        typing: whether it is typed into a field.
        laps: begun.
        runs: whether a lap is being run.
        awaited: whether another key waits.
        done: whether it has done what it does.
    """

    way: Sequence[DOMNode] = ()
    typing: bool = False
    laps: int = 0
    runs: bool = False
    awaited: bool = False
    done: bool = False


class KeyQueue:
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
        self._last = _PendingKey(done=True)

    @property
    def idle(self) -> bool:
        """Whether no key waits, and none is being followed."""
        return not self._waiting and (self._last.done or self._is_at_rest(self._last))

    async def take(self, event: Typed) -> None:
        """Let a key through, at once or in its turn."""
        self._waiting.append(event)
        await self._go_on()

    async def _go_on(self) -> None:
        while self._waiting and (screen := self._screen) is not None:
            event, taker = self._waiting[0], self._app.focused or screen
            typing = isinstance(taker, Input) and (isinstance(event, events.Paste) or event.is_printable)
            if not (self._last.done or (typing and self._last.typing)):
                self._wait_for(self._last)
                break
            self._waiting.popleft()
            await self._let_through(event)
            self._last = _PendingKey(taker.ancestors_with_self, typing)
            self._run_lap(self._last)

    def _wait_for(self, turn: _PendingKey) -> None:
        if not turn.awaited:
            turn.awaited = True
            self._app.set_timer(PATIENCE_SECONDS, partial(self._end, turn))
        if not turn.runs:
            self._run_lap(turn)

    def _run_lap(self, turn: _PendingKey) -> None:
        turn.laps += 1
        turn.runs = True
        self._follow(turn, turn.way)

    def _follow(self, turn: _PendingKey, way: Sequence[DOMNode]) -> None:
        """Go on behind a key, leaving out who is gone; the app is the last on its way."""
        for place, node in enumerate(way, 1):
            if node.call_later(self._follow, turn, way[place:]):
                return
        if turn is not self._last or (screen := self._screen) is None:
            return
        if turn.laps >= _LAPS:
            # It may have opened a screen, which takes keys once it is laid out.
            screen.call_later(self._app.call_later, self._end, turn)
        elif turn.awaited:
            self._run_lap(turn)
        else:
            turn.runs = False
            self._app.set_timer(_REST_SECONDS, partial(self._rest, turn))

    @property
    def _screen(self) -> Screen[object] | None:
        """What takes keys; None once the app ends, while its timers still run."""
        stack = self._app.screen_stack
        return stack[-1] if stack else None

    def _is_at_rest(self, turn: _PendingKey) -> bool:
        return not turn.runs and (self._screen is None or self._screen.is_mounted)

    def _rest(self, turn: _PendingKey) -> None:
        if self._is_at_rest(turn):
            turn.done = True
        elif not turn.runs:
            self._run_lap(turn)

    async def _end(self, turn: _PendingKey) -> None:
        turn.done = True
        await self._go_on()

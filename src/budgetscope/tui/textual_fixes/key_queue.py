"""Keys take effect one after the other, however many arrive at once over a slow line or on a busy machine.

Upstream: https://github.com/Textualize/textual/issues/6605; the open /pull/6631 mends only the keys of a field itself.
Textual hands a key to the widget that has the focus *now*, while the action of the key before may still wait in the
queue of another widget: "Ctrl-U 1e21" leaves "e21" on a busy machine, and "Tab 8" types the 8 into the field that Tab
leaves.
Delete when `test_textual_lets_a_key_overtake_the_one_before` in `tests/tui/test_textual_fixes.py` fails.
"""

from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial

from textual import events
from textual.app import App
from textual.dom import DOMNode
from textual.screen import Screen
from textual.widgets import Input

_ROUNDS = 3
"""Queue rounds: the key, the messages it posts, the messages those post."""
_QUIET_SECONDS = 0.05
"""A key is done after its first round if no other key comes for so long."""
PATIENCE_SECONDS = 1.0
"""A key counts as done after so long in any case: a widget whose queue it is in may have been removed."""

Typed = events.Key | events.Paste


@dataclass(eq=False, slots=True)
class _PendingKey:
    """A key that was handed to Textual.

    Attributes:
        path: the widget that got it and everything above, up to the app.
        is_text: whether it is typed into a field.
        rounds: that have begun.
        in_round: whether a round is under way.
        is_awaited: whether another key waits for it.
        is_done: whether it has had its effect.
    """

    path: Sequence[DOMNode] = ()
    is_text: bool = False
    rounds: int = 0
    in_round: bool = False
    is_awaited: bool = False
    is_done: bool = False


class KeyQueue:
    """Holds keys back until those before them have had their effect.

    In a round, a call passes through the message queues of all widgets on the key's path, behind whatever was in each.
    Only letters typed into one and the same field need not wait.
    """

    def __init__(self, app: App[None], dispatch: Callable[[Typed], Awaitable[None]]) -> None:
        """Make an empty queue.

        Args:
            app: whose keys they are.
            dispatch: hands a key to Textual.
        """
        self._app = app
        self._dispatch = dispatch
        self._waiting: deque[Typed] = deque()
        self._last = _PendingKey(is_done=True)

    @property
    def idle(self) -> bool:
        """Whether no key waits and the last one has had its effect."""
        return not self._waiting and (self._last.is_done or self._is_quiet(self._last))

    async def put(self, event: Typed) -> None:
        """Hand a key to Textual, at once or after those before it."""
        self._waiting.append(event)
        await self._dispatch_waiting()

    async def _dispatch_waiting(self) -> None:
        while self._waiting and (screen := self._screen) is not None:
            event, target = self._waiting[0], self._app.focused or screen
            is_text = isinstance(target, Input) and _is_text(event)
            if not (self._last.is_done or (is_text and self._last.is_text)):
                self._wait_for(self._last)
                break
            self._waiting.popleft()
            await self._dispatch(event)
            self._last = _PendingKey(target.ancestors_with_self, is_text)
            self._start_round(self._last)

    def _wait_for(self, key: _PendingKey) -> None:
        if not key.is_awaited:
            key.is_awaited = True
            self._app.set_timer(PATIENCE_SECONDS, partial(self._finish, key))
        if not key.in_round:
            self._start_round(key)

    def _start_round(self, key: _PendingKey) -> None:
        key.rounds += 1
        key.in_round = True
        self._pass_on(key, key.path)

    def _pass_on(self, key: _PendingKey, path: Sequence[DOMNode]) -> None:
        """Go through the next queue on the path, without removed widgets; behind the app's, the last, end the round."""
        for place, node in enumerate(path, 1):
            if node.call_later(self._pass_on, key, path[place:]):
                return
        if key is not self._last or (screen := self._screen) is None:
            return
        if key.rounds >= _ROUNDS:
            # The key may have opened a screen, which takes keys once it is laid out.
            screen.call_later(self._app.call_later, self._finish, key)
        elif key.is_awaited:
            self._start_round(key)
        else:
            key.in_round = False
            self._app.set_timer(_QUIET_SECONDS, partial(self._finish_quiet, key))

    @property
    def _screen(self) -> Screen[object] | None:
        """The screen that takes keys; None once the app ends, while its timers still run."""
        stack = self._app.screen_stack
        return stack[-1] if stack else None

    def _is_quiet(self, key: _PendingKey) -> bool:
        return not key.in_round and (self._screen is None or self._screen.is_mounted)

    def _finish_quiet(self, key: _PendingKey) -> None:
        if self._is_quiet(key):
            key.is_done = True
        elif not key.in_round:
            self._start_round(key)

    async def _finish(self, key: _PendingKey) -> None:
        key.is_done = True
        await self._dispatch_waiting()


def _is_text(event: Typed) -> bool:
    """Return whether a field takes the key as text; Textual calls Alt with a digit printable."""
    return isinstance(event, events.Paste) or (event.is_printable and not event.key.startswith("alt+"))

"""The keys of the screen in its last line: those that have room whole, and always the way out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from textual import events
from textual.content import Content
from textual.reactive import reactive
from textual.screen import Screen
from textual.widget import Widget

_ALWAYS = ("app.help", "quit")
_KEY = "bold $footer-key-foreground"
_GAP = " "


@dataclass(frozen=True, slots=True)
class Hint:
    """A key of the bar.

    Attributes:
        key: as Textual calls it.
        display: the same as people write it.
        label: what it does, in a word or two.
        action: what it runs.
        enabled: whether it means something now.
    """

    key: str
    display: str
    label: str
    action: str
    enabled: bool

    @property
    def width(self) -> int:
        """The cells that it takes with the gap behind it."""
        return len(self.display) + len(self.label) + 2


class KeyBar(Widget):
    """One widget for all keys: one for each, as Textual's own footer has them, would be styled at every change.

    No key is cut: the last ones give way, except those for help and to quit.

    Attributes:
        hints: the keys that act on this screen now, those without room too.
    """

    ALLOW_SELECT = False
    DEFAULT_CSS: ClassVar[str] = """
    KeyBar { dock: bottom; height: 1; color: $footer-description-foreground; background: $footer-background; }
    """

    hints: reactive[tuple[Hint, ...]] = reactive(())

    def on_mount(self) -> None:
        """Follow the bindings of the screen."""
        self.screen.bindings_updated_signal.subscribe(self, self._bindings_changed)

    def _bindings_changed(self, screen: Screen[Any]) -> None:
        if screen is not self.screen or not self.app.app_focus:
            return
        hints: dict[str, Hint] = {}
        for _, binding, enabled, _ in screen.active_bindings.values():
            if binding.show:
                display = self.app.get_key_display(binding)
                hint = Hint(binding.key, display, binding.description, binding.action, enabled)
                hints.setdefault(binding.action, hint)
        self.hints = tuple(hints.values())

    @property
    def shown(self) -> list[Hint]:
        """The keys that have room."""
        return _fitting(self.hints, self.size.width)

    def render(self) -> Content:
        """Lay the keys that have room."""
        parts: list[Content] = []
        for hint in self.shown:
            text = Content.assemble((hint.display, _KEY), f" {hint.label}")
            parts += [text if hint.enabled else text.stylize("dim"), Content(_GAP)]
        return Content("").join(parts)

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Act as the key under the mouse does."""
        end = 0
        for hint in self.shown:
            start, end = end, end + hint.width
            if start <= event.x < end - len(_GAP):
                if hint.enabled:
                    self.app.simulate_key(hint.key)
                else:
                    self.app.bell()


def _fitting(hints: Sequence[Hint], width: int) -> list[Hint]:
    left = width - sum(hint.width for hint in hints if hint.action in _ALWAYS)
    chosen: list[Hint] = []
    for hint in hints:
        if hint.action in _ALWAYS:
            chosen.append(hint)
        elif hint.width <= left:
            chosen.append(hint)
            left -= hint.width
    return chosen

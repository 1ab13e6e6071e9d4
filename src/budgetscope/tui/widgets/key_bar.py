"""The last line of every screen: its keys, as many as fit, and always those for help and to quit."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from rich.cells import cell_len
from textual import events
from textual.content import Content
from textual.reactive import reactive
from textual.screen import Screen
from textual.widget import Widget

from budgetscope.core.language import _

_ALWAYS = ("app.help", "quit")
_KEY = "bold $footer-key-foreground"
_GAP = " "


@dataclass(frozen=True, slots=True)
class KeyHint:
    """A key in the bar.

    Attributes:
        key: Textual's name.
        display: the name as people write it.
        label: what it does, in a word or two.
        action: that it runs.
        enabled: whether the action can run now.
    """

    key: str
    display: str
    label: str
    action: str
    enabled: bool

    @property
    def width(self) -> int:
        """Its width in cells, with the gap behind it."""
        return cell_len(self.display) + cell_len(self.label) + 2


class KeyBar(Widget):
    """Shows all keys in one widget; Textual's footer has one for each, which are styled anew at every change.

    Attributes:
        hints: the keys of the screen, those that do not fit too.
    """

    ALLOW_SELECT = False
    DEFAULT_CSS: ClassVar[str] = """
    KeyBar { dock: bottom; height: 1; color: $footer-description-foreground; background: $footer-background; }
    """

    hints: reactive[tuple[KeyHint, ...]] = reactive(())

    def on_mount(self) -> None:
        """Follow the screen's bindings, at once: the bar is painted with what has changed them."""
        self.screen.bindings_updated_signal.subscribe(self, self._bindings_changed, immediate=True)

    def _bindings_changed(self, screen: Screen[Any]) -> None:
        if screen is not self.screen or not self.app.app_focus:
            return
        hints: dict[str, KeyHint] = {}
        for _node, binding, enabled, _tooltip in screen.active_bindings.values():
            if binding.show:
                display = self.app.get_key_display(binding)
                hint = KeyHint(binding.key, display, _(binding.description), binding.action, enabled)
                hints.setdefault(binding.action, hint)
        self.hints = tuple(hints.values())

    @property
    def shown(self) -> list[KeyHint]:
        """The keys that fit."""
        return _fitting(self.hints, self.size.width)

    def render(self) -> Content:
        """Lay the keys that fit."""
        parts: list[Content] = []
        for hint in self.shown:
            text = Content.assemble((hint.display, _KEY), f" {hint.label}")
            parts += [text if hint.enabled else text.stylize("$text-disabled not bold"), Content(_GAP)]
        return Content("").join(parts)

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Press the key under the mouse."""
        end = 0
        for hint in self.shown:
            start, end = end, end + hint.width
            if start <= event.x < end - len(_GAP):
                if hint.enabled:
                    self.app.simulate_key(hint.key)
                else:
                    self.app.bell()


def _fitting(hints: Sequence[KeyHint], width: int) -> list[KeyHint]:
    """Return the hints that fit whole, the first ones before the last, and in any case those of `_ALWAYS`."""
    left = width - sum(hint.width for hint in hints if hint.action in _ALWAYS)
    chosen: list[KeyHint] = []
    for hint in hints:
        if hint.action in _ALWAYS:
            chosen.append(hint)
        elif hint.width <= left:
            chosen.append(hint)
            left -= hint.width
    return chosen

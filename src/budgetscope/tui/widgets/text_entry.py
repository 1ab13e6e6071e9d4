"""A text field in which keys take effect in the order in which they were pressed."""

from textual import events
from textual.binding import BindingsMap
from textual.widgets import Input

_EDITING = BindingsMap(Input.BINDINGS).key_to_bindings


class TextEntry(Input):
    """Edits at once.

    Textual takes a letter here, but asks the app what Backspace, Ctrl-U and the like are bound to. A letter that comes
    soon after overtakes them: on a busy machine "Ctrl-U 1e21" leaves "e21" (Textual's issue 6605).
    """

    async def _on_key(self, event: events.Key) -> None:
        for binding in _EDITING.get(event.key, ()):
            if await self.app.run_action(binding.action, self):
                event.stop()
                event.prevent_default()
                return

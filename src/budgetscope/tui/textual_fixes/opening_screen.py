"""A screen whose keys do nothing until it is mounted.

Upstream: no issue known. Textual checks the bindings of a screen as soon as it is on the stack; a key that was typed
ahead then acts on widgets that do not exist yet.
Delete when `test_textual_acts_on_keys_of_a_screen_that_is_not_mounted` in `tests/tui/test_textual_fixes.py` fails.
"""

from typing import TypeVar

from textual.screen import Screen

T = TypeVar("T")


class PatientScreen(Screen[T]):
    """Ignores the keys that were typed while it opened."""

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Return whether an action can run now."""
        return self.is_mounted and super().check_action(action, parameters)

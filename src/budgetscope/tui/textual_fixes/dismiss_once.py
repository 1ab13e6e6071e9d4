"""A modal screen that can be dismissed twice.

Upstream: https://github.com/Textualize/textual/issues/2575 and /4884. The second `dismiss` of a screen, by a key that
came while it closed, pops the screen below it.
Delete when `test_textual_pops_the_screen_below_at_the_second_dismiss` in `tests/tui/test_textual_fixes.py` fails.
"""

from typing import TypeVar

from textual.await_complete import AwaitComplete
from textual.screen import ModalScreen

T = TypeVar("T")


class DismissOnceScreen(ModalScreen[T]):
    """Closes with the first result; later ones are ignored."""

    @property
    def is_open(self) -> bool:
        """Whether it is on the stack of screens; its widgets live on a little after that."""
        return self in self.app.screen_stack

    def dismiss(self, result: T | None = None) -> AwaitComplete:
        """Close with a result, unless it is closed."""
        return super().dismiss(result) if self.is_open else AwaitComplete()

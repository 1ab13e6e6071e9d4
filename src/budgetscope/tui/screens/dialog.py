"""Screens that leave keys alone until there is something that they could act on."""

from typing import TypeVar

from textual.await_complete import AwaitComplete
from textual.screen import ModalScreen, Screen

T = TypeVar("T")


class PatientScreen(Screen[T]):
    """Acts on keys once it is laid out: those that were typed ahead of it, while it opened, do nothing."""

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Return whether an action means something now."""
        return self.is_mounted and super().check_action(action, parameters)


class Dialog(PatientScreen[T], ModalScreen[T]):
    """A screen over another one, which gets no keys meanwhile; it closes once, with the first answer."""

    @property
    def is_open(self) -> bool:
        """Whether it is still there; its widgets leave one by one once it is closed."""
        return self in self.app.screen_stack

    def dismiss(self, result: T | None = None) -> AwaitComplete:
        """Close with an answer, unless it is closed: Textual would close what lies below."""
        return super().dismiss(result) if self.is_open else AwaitComplete()

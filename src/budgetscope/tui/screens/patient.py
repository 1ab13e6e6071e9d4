"""Screens that leave keys alone until there is something that they could act on."""

from typing import TypeVar

from textual.screen import ModalScreen, Screen

T = TypeVar("T")


class PatientScreen(Screen[T]):
    """Acts on keys once it is laid out: those that were typed ahead of it, while it opened, do nothing."""

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Return whether an action means something now."""
        return self.is_mounted and super().check_action(action, parameters)


class Dialog(PatientScreen[T], ModalScreen[T]):
    """A screen over another one, which gets no keys meanwhile."""

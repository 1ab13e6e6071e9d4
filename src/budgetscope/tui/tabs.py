"""The one table of screens: header, number keys, palette and help are made from it."""

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from budgetscope.tui.screens.base import SessionScreen


@dataclass(frozen=True, slots=True)
class Tab:
    """A screen that a number key opens.

    Attributes:
        number: the key.
        name: of its section in the table of keys.
        label: one word for the header.
        description: a sentence for the help.
        path: `room:Class` in `tui.screens`; `room/screen.py` is imported when the screen is first shown. Its styles,
            `room/screen.tcss`, are read at the start, since reading them later would restyle everything.
    """

    number: int
    name: str
    label: str
    description: str
    path: str

    @property
    def css_path(self) -> str:
        """Where its styles are, from the folder of the app."""
        return f"screens/{self.path.partition(':')[0]}/screen.tcss"

    @property
    def screen(self) -> "type[SessionScreen]":
        """The class of the screen."""
        room, _, name = self.path.partition(":")
        screen: type[SessionScreen] = getattr(import_module(f"budgetscope.tui.screens.{room}.screen"), name)
        return screen


TABS = (
    Tab(1, "plan", "Plan", "Plan one budget.", "plan:PlanScreen"),
    Tab(2, "compare", "Compare", "Compare saved scenarios, or the laws for one.", "compare:CompareScreen"),
    Tab(3, "whatif", "What-if", "Move N at a fixed budget.", "whatif:WhatifScreen"),
    Tab(4, "recipe", "Recipe", "Read the hyperparameters by every law.", "recipe:RecipeScreen"),
    Tab(5, "why", "Why", "Walk from Kaplan to Chinchilla, cause by cause.", "why:WhyScreen"),
    Tab(6, "calibrate", "Calibrate", "Fit the laws to small models trained here.", "calibrate:CalibrateScreen"),
    Tab(7, "fits", "Fits", "Look through the stored fits; import, compare, choose.", "fits:FitsScreen"),
)
"""In the order of their numbers; the first is where a first start opens."""


def tab(name: str) -> Tab | None:
    """Return the tab of a name; None when there is none."""
    return next((found for found in TABS if found.name == name), None)

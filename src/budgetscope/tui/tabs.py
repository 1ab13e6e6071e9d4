"""The table of screens; header, number keys, command palette and help are made from it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Tab:
    """A screen that a number key opens.

    Attributes:
        number: the key.
        name: of the screen's section in the table of keys, and of its room in `tui.screens`.
        label: one word for the header.
        description: a sentence for the help.
        class_name: of the screen, in `screen.py` of its room.
    """

    number: int
    name: str
    label: str
    description: str
    class_name: str

    @property
    def module(self) -> str:
        """The module of the screen, which the app imports when the screen is first shown."""
        return f"budgetscope.tui.screens.{self.name}.screen"

    @property
    def css_path(self) -> str:
        """The file of its styles, which the app reads at the start: read later, they would restyle everything."""
        return f"screens/{self.name}/screen.tcss"


TABS = (
    Tab(1, "plan", "Plan", "Plan one budget.", "PlanScreen"),
    Tab(2, "compare", "Compare", "Compare saved scenarios, or the laws for one.", "CompareScreen"),
    Tab(3, "whatif", "What-if", "Move N at a fixed budget.", "WhatifScreen"),
    Tab(4, "recipe", "Recipe", "Read the hyperparameters by every law.", "RecipeScreen"),
    Tab(5, "why", "Why", "See why the laws disagree, cause by cause.", "WhyScreen"),
    Tab(6, "calibrate", "Calibrate", "Fit the laws to small models trained here.", "CalibrateScreen"),
    Tab(7, "fits", "Fits", "Look through the stored fits; import, compare, choose.", "FitsScreen"),
)
"""By number; the first is where a first start opens."""


def tab(name: str) -> Tab | None:
    """Return the tab of a name; None when there is none."""
    return next((found for found in TABS if found.name == name), None)

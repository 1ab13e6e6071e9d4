"""The table of screens; header, number keys, command palette and help are made from it."""

from dataclasses import dataclass

from budgetscope.core.language import N_


@dataclass(frozen=True, slots=True)
class Tab:
    """A screen that a number key opens.

    Attributes:
        number: the key.
        name: of the screen's section in the table of keys, and of its room in `tui.screens`.
        label: one word for the header; whoever shows it translates it.
        description: a sentence for the help, as the label.
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
    Tab(1, "plan", N_("Plan"), N_("Plan one budget."), "PlanScreen"),
    Tab(2, "compare", N_("Compare"), N_("Compare saved scenarios, or the laws for one."), "CompareScreen"),
    Tab(3, "whatif", N_("What-if"), N_("Move N at a fixed budget."), "WhatifScreen"),
    Tab(4, "recipe", N_("Recipe"), N_("Read the hyperparameters by every law."), "RecipeScreen"),
    Tab(5, "why", N_("Why"), N_("See why the laws disagree, cause by cause."), "WhyScreen"),
    Tab(6, "calibrate", N_("Calibrate"), N_("Fit the laws to small models trained here."), "CalibrateScreen"),
    Tab(7, "fits", N_("Fits"), N_("Look through the stored fits; import, compare, choose."), "FitsScreen"),
)
"""By number; the first is where a first start opens."""


def tab(name: str) -> Tab | None:
    """Return the tab of a name; None when there is none."""
    return next((found for found in TABS if found.name == name), None)

"""Pictures of What-if and Recipe; after a change that is meant: pytest with this file and --snapshot-update."""

from collections.abc import Callable

import pytest
from tests.tui.driving import Start, settled
from textual.pilot import Pilot


async def whatif(pilot: Pilot[None]) -> None:
    await settled(pilot)
    await pilot.press("escape", "3")
    await settled(pilot)
    await pilot.press("up", "up", *["right_square_bracket"] * 4)
    await settled(pilot)


async def whatif_map(pilot: Pilot[None]) -> None:
    await whatif(pilot)
    await pilot.press("m")
    await settled(pilot)


async def recipe(pilot: Pilot[None]) -> None:
    await settled(pilot)
    await pilot.press("escape", "4")
    await settled(pilot)


@pytest.mark.parametrize(
    ("size", "before"),
    [((80, 24), whatif), ((120, 40), whatif_map), ((80, 24), recipe), ((120, 40), recipe)],
)
def test_what_if_and_recipe_look_as_they_did(
    snap_compare: Callable[..., bool], start: Start, size: tuple[int, int], before: Callable[..., object]
) -> None:
    assert snap_compare(start(), terminal_size=size, run_before=before)

"""Pictures of the screens; after a change that is meant: pytest tests/tui/test_snapshots.py --snapshot-update."""

from collections.abc import Callable

import pytest
from tests.tui.driving import Start, settle, type_into
from textual.pilot import Pilot


async def settled(pilot: Pilot[None]) -> None:
    await settle(pilot)
    await pilot.press("escape")
    await settle(pilot)


async def refused(pilot: Pilot[None]) -> None:
    await settled(pilot)
    await type_into(pilot, "budget", "64xH100 14")
    await pilot.press("escape")
    await settle(pilot)


@pytest.mark.parametrize(("size", "before"), [((80, 24), settled), ((120, 40), settled), ((80, 24), refused)])
def test_the_plan_screen_looks_as_it_did(
    snap_compare: Callable[..., bool], start: Start, size: tuple[int, int], before: Callable[..., object]
) -> None:
    assert snap_compare(start(), terminal_size=size, run_before=before)

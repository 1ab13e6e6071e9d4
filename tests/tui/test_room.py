"""A chart has eight rows or more at 80x24, or else something else stands in its place."""

import pytest
from tests.tui.driving import Start, settled
from textual.pilot import Pilot

from budgetscope.tui.widgets.chart import Chart

LEAST_ROWS = 8


def rows_of_charts(pilot: Pilot[None]) -> list[int]:
    """Return the rows of the plots on the screen; what has no figure draws none."""
    charts = [chart for chart in pilot.app.screen.query(Chart) if chart.figure is not None and chart.size.area]
    return [chart._drawing()[0].height for chart in charts if all(part.display for part in chart.ancestors_with_self)]


@pytest.mark.parametrize(
    "keys", [("2",), ("2", "c"), ("2", "v"), ("2", "v", "c"), ("3",), ("3", "m"), ("5",), ("5", "right"), ("7", "c")]
)
async def test_a_chart_has_eight_rows_in_a_small_window(start: Start, keys: tuple[str, ...]) -> None:
    async with start().run_test(size=(80, 24)) as pilot:
        await pilot.press("escape")
        for key in keys:
            await pilot.press(key)
            await settled(pilot)
        assert all(rows >= LEAST_ROWS for rows in rows_of_charts(pilot))


@pytest.mark.parametrize("screen", ["2", "3", "5", "7"])
async def test_a_large_window_gives_its_room_to_the_chart(start: Start, screen: str) -> None:
    found = []
    for size in ((120, 40), (200, 60)):
        async with start().run_test(size=size) as pilot:
            await pilot.press("escape", screen)
            await settled(pilot)
            found.append(max(rows_of_charts(pilot)))
    assert found[1] > found[0] >= LEAST_ROWS

"""The headline of every screen is whole sentences, however narrow the window."""

import pytest
from tests.tui.driving import Start, settled, shown

from budgetscope.api import PlanRequest
from budgetscope.tui.widgets.headline import HeadlinePanel

REQUESTS = (
    PlanRequest("64 H100 for 14 days"),
    PlanRequest("64 H100 for 14 days", served_tokens=1e12),
    PlanRequest("$50k on H100", law="meta2024/llama3"),
)


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
@pytest.mark.parametrize("request_", REQUESTS, ids=["default", "served", "no interval"])
async def test_no_headline_ends_in_the_middle_of_a_sentence(
    start: Start, request_: PlanRequest, size: tuple[int, int]
) -> None:
    async with start(request_).run_test(size=size) as pilot:
        for key in "1234567":
            await pilot.press("escape", key)
            await settled(pilot)
            panel = pilot.app.screen.query_one(HeadlinePanel)
            rows, headline = panel.render().plain.split("\n"), panel.headline
            # Without spaces, for a row may break in a word; large figures stand above.
            text = "".join("".join(rows).split())
            wholes = ["".join("".join((headline.sentence, *headline.doubts[:n])).split()) for n in range(9)]
            assert any(text.endswith(whole) for whole in wholes[bool(headline.doubts) :]), key
            assert panel.content_size.height == len(rows), key


async def test_the_cost_of_being_off_stands_on_the_plan_of_a_small_window(start: Start) -> None:
    async with start(REQUESTS[0]).run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        text = " ".join(shown(pilot).split())
        assert "To miss it costs 8% of the compute = $7.59 K on average." in text
        assert "3e22 FLOPs by the standard count = 3.18e22 executed at an MFU of 41.5%" in text


@pytest.mark.parametrize("key", ["1", "4"])
async def test_a_small_window_says_the_doubts_in_two_rows(start: Start, key: str) -> None:
    async with start(REQUESTS[0]).run_test(size=(80, 24)) as pilot:
        await pilot.press("escape", key)
        await settled(pilot)
        panel = pilot.app.screen.query_one(HeadlinePanel)
        assert panel.content_size.height == 4, shown(pilot)


async def test_a_window_of_few_columns_keeps_the_rest_of_the_screen(start: Start) -> None:
    async with start(REQUESTS[0]).run_test(size=(20, 24)) as pilot:
        await settled(pilot)
        panel = pilot.app.screen.query_one(HeadlinePanel)
        assert panel.content_size.height <= 8
        assert panel.render().plain.endswith("…")
        assert all(len(row) <= panel.content_size.width for row in panel.render().plain.split("\n"))

"""The table of the laws: numbers are never cut, and the letters are those of the chart."""

from dataclasses import replace

import pytest
from tests.tui.driving import Start, settle, shown

from budgetscope.api import Advisor, PlanRequest
from budgetscope.report.law_rows import comparison_rows
from budgetscope.report.rows import format_ratio
from budgetscope.tui.widgets.law_table import LawTable

REQUEST = PlanRequest("64 H100 for 14 days")


@pytest.mark.parametrize(
    ("value", "text"), [(16.44, "16.4"), (999.4, "999"), (999.6, "1,000"), (1013.0, "1,010"), (123_456.0, "123,000")]
)
def test_tokens_per_parameter_are_written_without_powers_of_ten(value: float, text: str) -> None:
    assert format_ratio(value) == text


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)])
async def test_every_cell_is_shown_whole_whatever_the_numbers(
    start: Start, advisor: Advisor, size: tuple[int, int]
) -> None:
    comparison = advisor.compare(advisor.answer(REQUEST))
    huge = replace(comparison.rows[0], tokens_per_param=1.234e9, wasted_share=0.9999, wasted_usd=123_456_789.0)
    async with start(REQUEST).run_test(size=size) as pilot:
        screen = await settle(pilot)
        await pilot.press("escape", "z")
        screen.view = "table"
        table = screen.query_one(LawTable)
        table.comparison = replace(comparison, rows=(huge, *comparison.rows[1:]))
        table.letters = screen.session.letters
        await pilot.pause()
        lines = shown(pilot).splitlines()
        header = next(line for line in lines if " law " in line and " D/N" in line).split()
        for row in comparison_rows(table.comparison)[:5]:
            line = next(line for line in lines if f" {letter_of(screen.session.letters, row.row.fit_id)} " in line[:6])
            for title, cell in (("N", row.n_params), ("D", row.tokens), ("D/N", row.tokens_per_param)):
                assert title not in header or f" {cell} " in f"{line} "
            if "waste" in header:
                assert f" {row.wasted} " in f"{line} "


def letter_of(letters: object, fit_id: str) -> str:
    assert isinstance(letters, dict)
    return str(letters[fit_id])

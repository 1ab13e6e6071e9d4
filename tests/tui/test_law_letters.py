"""One letter for each law: the same on every screen, however many laws there are."""

from dataclasses import replace
from pathlib import Path

import pytest
from tests.asking import ADVISOR
from tests.tui.driving import Start, settled, shown
from textual.pilot import Pilot

from budgetscope.api import Advisor, PlanRequest, to_record
from budgetscope.core.answers.quantity_curves import LOSS
from budgetscope.store.files import write_atomically
from budgetscope.store.fit_library import Layer, Library
from budgetscope.store.fit_schema import dump
from budgetscope.store.locations import bundled_fits
from budgetscope.store.scenarios import Scenario, save_scenario
from budgetscope.store.settings import Settings
from budgetscope.tui.figures.allocation import short_names
from budgetscope.tui.figures.plan_charts import PLAN_CHARTS
from budgetscope.tui.law_letters import KNOWN, SHARED, letters
from budgetscope.tui.screens.whatif.size_panel import Picks
from budgetscope.tui.widgets.chart import Chart
from budgetscope.tui.widgets.law_table import LawTable

BUNDLED = Layer("bundled", bundled_fits())
REQUEST = PlanRequest("64 H100 for 14 days")


def with_own_fits(folder: Path, number: int) -> Advisor:
    """Return an advisor whose user stored so many fits, copies of a small one."""
    fit = Library((BUNDLED,)).get("hoffmann2022/approach-1")
    for index in range(number):
        name = f"mine/fit-{index:03d}"
        write_atomically(folder / f"{name}.json", dump(replace(fit, id=name, title=f"my law {index}")))
    return Advisor(Library((Layer("user", folder), BUNDLED)), Settings(), ())


def test_no_two_laws_share_a_letter_and_what_a_user_adds_changes_none(tmp_path: Path) -> None:
    before = letters(Library((BUNDLED,)).ids())
    after = letters(with_own_fits(tmp_path, 500).fit_ids)
    assert len(after) == len(before) + 500
    assert before.items() <= after.items()
    own = [letter for letter in after.values() if letter != SHARED]
    assert len(own) == len(set(own))
    assert len(own) >= len(before) + 5
    assert KNOWN.items() <= before.items()
    assert not {"I", "O", *"abcdefghijklmnopqrstuvwxyz"} & set(own)


def test_every_known_letter_has_its_fit() -> None:
    assert KNOWN.keys() <= set(Library((BUNDLED,)).ids())


def lettered(text: str, title: str) -> str:
    """Return the letter before a title on the screen."""
    return text.partition(f" {title}")[0][-1]


async def seen(pilot: Pilot[None], *keys: str) -> str:
    await pilot.press("escape", *keys)
    await settled(pilot)
    return shown(pilot)


@pytest.mark.parametrize("number", [30, 500])
async def test_a_law_has_one_letter_on_plan_what_if_and_compare(start: Start, tmp_path: Path, number: int) -> None:
    save_scenario(Scenario("other", to_record(PlanRequest("1e21", law="hoffmann2022/approach-1"))))
    app = start(REQUEST, with_own_fits(tmp_path, number))
    async with app.run_test(size=(200, 60)) as pilot:
        await settled(pilot)
        expected = app.session.letters
        plan = await seen(pilot, "c", "c")
        table = app.stage.query_one(LawTable)
        assert lettered(plan, "Chinchilla, approach 1") == "H" == expected["hoffmann2022/approach-1"]
        assert table.comparison is not None
        assert len(table.comparison.rows) > number
        figure = app.stage.query_one(Chart).figure
        assert figure is not None
        assert {line.symbol for line in figure.lines} >= {"P", "K", "H", "B"}
        whatif = await seen(pilot, "3")
        assert lettered(whatif, "Chinchilla, approach 1") == "H"
        assert {pick.fit_id: pick.letter for pick in app.stage.query_one(Picks).picks}.items() <= expected.items()
        assert ("more: n and p go through them" in whatif) == (number == 500)
        await seen(pilot, "m", "n", "p")
        compare = await seen(pilot, "2")
        drawn = app.stage.query_one(Chart).figure
        assert drawn is not None
        assert {line.symbol for line in drawn.lines} == {"P", "H"}
        assert "other" in compare
        assert lettered(await seen(pilot, "v"), "Chinchilla, approach 1") == "H"


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_the_legend_of_a_chart_of_the_plan_names_every_law_that_is_drawn(
    start: Start, size: tuple[int, int]
) -> None:
    async with start().run_test(size=size) as pilot:
        await settled(pilot)
        for chart in PLAN_CHARTS:
            figure = pilot.app.screen.query_one(Chart).figure
            assert figure is not None
            names = [line.short for line in figure.lines]
            assert len(set(names)) == len(names)
            text = shown(pilot)
            assert [line.symbol for line in figure.lines if f" {line.symbol} {line.short} " not in text] == []
            assert ("tokenizers do not compare" in text) == (chart.quantity == LOSS)
            await pilot.press("v")
            await settled(pilot)


def test_a_short_name_is_spelt_as_the_law_is_called() -> None:
    titles = [fit.title for fit in ADVISOR.fits]
    names = short_names(titles)
    assert [name for name, title in zip(names, titles, strict=True) if name.split()[0].strip(",") not in title] == []
    assert short_names(["Porian 2024, RefinedWeb, tuned", "OpenEuroLLM 2026"]) == ["Porian", "OpenEuroLLM"]
    two = short_names(["Porian 2024, rounded rule", "Porian 2024, sweep fit"])
    assert two == ["Porian, rounded rule", "Porian, sweep fit"]

"""What the screens show while some hundred laws are asked, and that nothing of it gets lost."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.tui.driving import Start, notices, settle, settled, shown, stage, type_into
from tests.tui.test_law_letters import with_own_fits
from textual.pilot import Pilot

from budgetscope.api import Advisor, PlanRequest
from budgetscope.api.fits import FitLibrary
from budgetscope.core.answers.answer import Answer
from budgetscope.core.answers.comparison import Comparison
from budgetscope.core.errors import FailureError
from budgetscope.store.fit_library import Library
from budgetscope.store.scenarios import Scenario, save_scenario
from budgetscope.tui.figures.plan_charts import PLAN_CHARTS
from budgetscope.tui.screens.fits.screen import FitsScreen
from budgetscope.tui.session import Session
from budgetscope.tui.widgets.chart import Chart
from budgetscope.tui.widgets.law_table import LawTable

BIG = (120, 40)
REQUEST = PlanRequest("1e21")


class SlowAdvisor(Advisor):
    """Compares when it may, and never on the thread of the screen."""

    may = threading.Event()
    threads: set[int] = set()  # noqa: RUF012 - one test at a time

    def compare(self, answer: Answer) -> Comparison:
        self.threads.add(threading.get_ident())
        assert self.may.wait(30)
        return super().compare(answer)


@pytest.fixture
def many(tmp_path: Path) -> Iterator[SlowAdvisor]:
    advisor = SlowAdvisor(*with_own_fits(tmp_path, 60)._given)
    SlowAdvisor.threads.clear()
    SlowAdvisor.may.clear()
    yield advisor
    SlowAdvisor.may.set()


async def drawn(pilot: Pilot[None]) -> Chart:
    chart = stage(pilot).query_one(Chart)
    while chart.figure is None:
        await pilot.pause(0.01)
    return chart


async def test_the_chart_does_not_wait_for_the_comparison(start: Start, many: SlowAdvisor) -> None:
    async with start(REQUEST, many).run_test(size=BIG) as pilot:
        chart = await drawn(pilot)
        assert "comparing 96 laws ..." in shown(pilot)
        first = chart.figure
        await pilot.press("escape", "v")
        while chart.figure is first:
            await pilot.pause(0.01)
        assert PLAN_CHARTS[1].title in shown(pilot)
        SlowAdvisor.may.set()
        screen = await settle(pilot)
        table = screen.query_one(LawTable)
        assert table.comparison is not None
        assert not table.waiting
        assert "What the others say" in shown(pilot)
        assert "comparing" not in shown(pilot)
        await type_into(pilot, "budget", "1e22")
        assert table.comparison.flops == pytest.approx(1e22)
    assert threading.get_ident() not in SlowAdvisor.threads


async def test_a_mistake_typed_before_the_chart_is_there_does_not_lose_it(start: Start, many: SlowAdvisor) -> None:
    async with start(REQUEST, many).run_test(size=BIG) as pilot:
        field = stage(pilot).query_one("#field-budget Input")
        field.value = "1e21 furlongs"  # type: ignore[attr-defined]
        await pilot.pause()
        SlowAdvisor.may.set()
        screen = await settle(pilot)
        assert screen.session.problem is not None
        assert screen.query_one(Chart).figure is not None
        table = screen.query_one(LawTable)
        assert table.comparison is not None
        assert not table.waiting


async def test_what_if_shows_the_curve_before_the_picks(start: Start, many: SlowAdvisor) -> None:
    async with start(REQUEST, many).run_test(size=BIG) as pilot:
        await drawn(pilot)
        await pilot.press("escape", "3")
        await drawn(pilot)
        assert "comparing 96 laws ..." in shown(pilot)
        assert "the optimum" in shown(pilot)
        SlowAdvisor.may.set()
        await settled(pilot)
        assert "What the others would train" in shown(pilot)
        assert "Chinchilla" in shown(pilot)
    assert threading.get_ident() not in SlowAdvisor.threads


async def test_a_change_that_is_taken_back_at_once_leaves_nothing_waiting(start: Start, many: SlowAdvisor) -> None:
    SlowAdvisor.may.set()
    async with start(REQUEST, many).run_test(size=BIG) as pilot:
        screen = await settle(pilot)
        field = screen.query_one("#field-budget Input")
        for text in ("1e22", "1e21"):
            field.value = text  # type: ignore[attr-defined]
            await pilot.pause(0.01)
        await settled(pilot)
        assert not screen.query_one(LawTable).waiting
        assert "comparing" not in shown(pilot)


async def test_a_comparison_that_is_refused_is_not_waited_for(
    start: Start, many: SlowAdvisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> Comparison:
        raise FailureError("there is no such fit.")

    SlowAdvisor.may.set()
    monkeypatch.setattr(SlowAdvisor, "compare", refuse)
    monkeypatch.setattr(SlowAdvisor, "recipe_sheet", refuse)
    app = start(REQUEST, many)
    async with app.run_test(size=BIG) as pilot:
        await settled(pilot)
        await pilot.press("escape")
        for number in ("1", "3", "4"):
            await pilot.press(number)
            await settled(pilot)
            assert "comparing" not in shown(pilot)
            assert "asking" not in shown(pilot)
        assert "there is no such fit." in notices(pilot)


async def test_the_laws_of_a_scenario_that_was_left_are_not_shown_for_another(start: Start, many: SlowAdvisor) -> None:
    save_scenario(Scenario("small", {"budget": "1e20"}))
    SlowAdvisor.may.set()
    app = start(REQUEST, many)
    async with app.run_test(size=BIG) as pilot:
        await settled(pilot)
        for key in ("escape", "2", "v"):
            await pilot.press(key)
            await settled(pilot)
        table = app.stage.query_one(LawTable)
        assert table.comparison is not None
        SlowAdvisor.may.clear()
        await pilot.press("right")
        assert table.waiting
        await pilot.press("left")
        assert not table.waiting
        SlowAdvisor.may.set()
        await settled(pilot)
        assert table.comparison.flops == pytest.approx(1e21)
        await pilot.press("right")
        await settled(pilot)
        assert table.comparison.flops == pytest.approx(1e20)


async def test_a_list_of_fits_that_is_being_read_is_not_lost_to_a_page(
    start: Start, many: SlowAdvisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FitLibrary, "is_quick", lambda *_: False)
    SlowAdvisor.may.set()
    app = start(REQUEST, many)
    async with app.run_test(size=BIG) as pilot:
        await settled(pilot)
        await pilot.press("escape", "7")
        await settled(pilot)
        screen = app.stage
        assert isinstance(screen, FitsScreen)
        screen.session.reread()
        screen.table.move(1)
        await settled(pilot)
        assert screen._read_by is screen.session.advisor


def test_a_folder_of_fits_that_cannot_be_read_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    session = Session(Advisor(), REQUEST)

    def refuse(_: object) -> None:
        raise FailureError("cannot read the folder.")

    monkeypatch.setattr(Library, "entries", refuse)
    assert session.read_library() == ["cannot read the folder."]

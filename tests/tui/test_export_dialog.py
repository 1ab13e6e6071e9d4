"""The plan is written to a file by one key from every screen, and the path is shown."""

import os
from pathlib import Path

import pytest
from tests.tui.driving import Start, notices, settled, shown
from textual.pilot import Pilot
from textual.widgets import Input, OptionList, Static
from textual.widgets._toast import Toast

from budgetscope.api import EXPORT_FORMATS, PlanRequest
from budgetscope.api.take_away import Form, full_path, proposed_path, replaces
from budgetscope.core.errors import UsageError
from budgetscope.report.recipes.targets import TARGETS
from budgetscope.tui.screens.export_dialog import ExportScreen
from budgetscope.tui.tabs import TABS

BIG = (120, 40)


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


async def opened(pilot: Pilot[None], form: str) -> ExportScreen:
    """Open the dialog and choose a form."""
    await settled(pilot)
    await pilot.press("e")
    await settled(pilot)
    screen = pilot.app.screen
    assert isinstance(screen, ExportScreen)
    names = [each.name for each in screen._forms]
    await pilot.press(*["down"] * names.index(form))
    await pilot.pause()
    return screen


def message(screen: ExportScreen) -> str:
    return str(screen.query_one("#message", Static).content)


async def closed(pilot: Pilot[None]) -> None:
    while isinstance(pilot.app.screen, ExportScreen):
        await pilot.pause(0.01)


@pytest.mark.parametrize("tab", TABS, ids=lambda tab: tab.name)
async def test_every_screen_writes_the_plan_by_the_same_key(start: Start, tab: object, tmp_path: Path) -> None:
    app = start(PlanRequest("1e21"))
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        app.action_go(tab.name)  # type: ignore[attr-defined]
        screen = await opened(pilot, "json")
        options = [option.prompt for option in screen.query_one(OptionList).options]
        assert len(options) == len(EXPORT_FORMATS) + len(TARGETS)
        # A long path is shown in several lines.
        assert f"{tmp_path}/1e21.json" in "".join(line.strip("│ ") for line in shown(pilot).splitlines())
        await pilot.press("enter")
        await closed(pilot)
        assert notices(pilot)[-1] == f"{tmp_path}/1e21.json"
    answer = app.session.answer
    assert answer is not None
    assert (tmp_path / "1e21.json").read_text() == app.session.advisor.export(answer, "json")


async def test_a_recipe_is_a_folder_and_tells_what_it_leaves_out(start: Start, tmp_path: Path) -> None:
    async with start(PlanRequest("64 H100 for 14 days")).run_test(size=BIG) as pilot:
        await opened(pilot, "litgpt")
        await pilot.press("enter")
        await closed(pilot)
        folder = tmp_path / "64-h100-for-14-days-litgpt"
        assert (folder / "README.md").exists()
        files = len(list(folder.iterdir()))
        assert notices(pilot)[-1] == f"{folder}\n{files} files; README.md says how to start."
        assert "What this recipe does not express" in (folder / "README.md").read_text()


async def test_the_notice_of_a_recipe_is_small(start: Start) -> None:
    async with start(PlanRequest("64 H100 for 14 days")).run_test(size=(80, 24), notifications=True) as pilot:
        screen = await opened(pilot, "megatron")
        screen.query_one(Input).value = "recipe"
        await pilot.press("enter")
        await closed(pilot)
        while not pilot.app.screen.query(Toast):
            await pilot.pause(0.01)
        await pilot.pause()
        (notice,) = pilot.app.screen.query(Toast)
        # The keys stand in the last row.
        assert notice.region.bottom < pilot.app.size.height
        assert notice.region.height <= pilot.app.size.height / 4, shown(pilot)


@pytest.mark.parametrize("size", [(80, 24), BIG])
async def test_a_notice_of_any_length_is_shown_whole(start: Start, size: tuple[int, int]) -> None:
    async with start(PlanRequest("1e21")).run_test(size=size, notifications=True) as pilot:
        await settled(pilot)
        for length in range(30, 60):
            pilot.app.clear_notifications()
            pilot.app.notify("x" * length, title="Written")
            await pilot.pause()
            await pilot.pause()
            (notice,) = pilot.app.screen.query(Toast)
            assert notice.region.bottom < pilot.app.size.height, length


async def test_what_is_there_is_replaced_only_after_a_question(start: Start, tmp_path: Path) -> None:
    (tmp_path / "1e21.md").write_text("mine")
    async with start(PlanRequest("1e21")).run_test(size=BIG) as pilot:
        screen = await opened(pilot, "md")
        assert message(screen) == f"{tmp_path}/1e21.md is there: it is asked before it is replaced."
        await pilot.press("enter")
        assert message(screen) == f"{tmp_path}/1e21.md is there. Enter once more replaces it."
        assert (tmp_path / "1e21.md").read_text() == "mine"
        await pilot.press("escape")
        await opened(pilot, "md")
        await pilot.press("enter", "enter")
        await closed(pilot)
    assert "1e21" in (tmp_path / "1e21.md").read_text()


async def test_a_path_can_be_typed_and_a_bad_one_is_refused_in_the_dialog(start: Start, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    Path("~").expanduser().mkdir(parents=True)  # noqa: ASYNC240 - before the app starts
    (tmp_path / "file").write_text("")
    async with start(PlanRequest("1e21")).run_test(size=BIG) as pilot:
        screen = await opened(pilot, "csv")
        field = screen.query_one(Input)
        await pilot.press("tab")
        for path, said in (
            ("", "there is no path"), ("folder", "is a folder, and a report is a file"), ("file/x.csv", "✗"),
        ):  # fmt: skip
            field.value = path
            await pilot.press("enter")
            while screen._busy:
                await pilot.pause(0.01)
            await pilot.pause()
            assert said in message(screen)
            assert pilot.app.screen is screen
        field.value = "~/own.csv"
        await pilot.press("enter")
        await closed(pilot)
        written = notices(pilot)[-1]
    assert written == os.path.expanduser("~/own.csv")  # noqa: ASYNC240, PTH111 - the app has ended
    assert os.path.exists(written)  # noqa: ASYNC240, PTH110


async def test_a_typed_path_stays_when_another_form_is_chosen(start: Start) -> None:
    async with start(PlanRequest("1e21")).run_test(size=BIG) as pilot:
        screen = await opened(pilot, "csv")
        screen.query_one(Input).value = "kept"
        await pilot.press("down")
        await pilot.pause()
        assert screen.query_one(Input).value == "kept"
        await pilot.press("escape")
        assert pilot.app.screen is not screen


def test_paths_are_named_after_the_budget_and_checked(start: Start, tmp_path: Path) -> None:
    answer = start(PlanRequest("$50k on 8x H100")).session.answer
    assert answer is not None
    recipe = Form("litgpt", is_recipe=True, title="")
    assert proposed_path(answer, recipe) == "50k-on-8x-h100-litgpt"
    assert not replaces(recipe, tmp_path / "new")
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="is a file, and a recipe is a folder"):
        replaces(recipe, tmp_path / "file")
    with pytest.raises(UsageError, match="there is no path"):
        full_path("  ")

import json
import threading
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len
from tests.tui.driving import notices, settled, shown
from textual.pilot import Pilot
from textual.widgets import Input

from budgetscope.api import Advisor, FitChoices, PlanRequest, RunsSource, runs
from budgetscope.core.language import use
from budgetscope.core.laws.fit import Fit
from budgetscope.report.figures.figure import Figure
from budgetscope.report.fit_difference import difference_markdown
from budgetscope.report.fit_page import fit_markdown, fit_sections
from budgetscope.report.fits import fit_row, ordered
from budgetscope.store import locations
from budgetscope.store.app_state import AppState
from budgetscope.store.catalogues import read_language
from budgetscope.store.fit_library import Library
from budgetscope.store.settings import Settings, read_settings
from budgetscope.tui.app import BudgetscopeApp
from budgetscope.tui.screens.accept_dialog import AcceptScreen
from budgetscope.tui.screens.fits.import_dialog import ImportScreen
from budgetscope.tui.screens.fits.page import Page
from budgetscope.tui.screens.fits.screen import VIEWS, FitsScreen
from budgetscope.tui.screens.fits.undo_dialog import UndoScreen
from budgetscope.tui.widgets.chart import Chart

BIG, SMALL, HUGE = (120, 40), (80, 24), (200, 60)
RUNS = Path(__file__).parents[2] / "docs" / "data" / "english-h200-runs.csv"
TUNED = "porian2024/refinedweb-tuned"


def app(**state: str | float | bool) -> BudgetscopeApp:
    """An app on the user's own folders, which are the test's."""
    return BudgetscopeApp(PlanRequest("1e21"), Advisor(), AppState(screen="fits", views={"fits": state}))


async def opened(pilot: Pilot[None]) -> FitsScreen:
    screen = await settled(pilot)
    assert isinstance(screen, FitsScreen)
    return screen


async def press(pilot: Pilot[None], *keys: str) -> FitsScreen:
    await opened(pilot)
    await pilot.press(*keys)
    return await opened(pilot)


def own(name: str = "mine/copy", title: str = "A copy") -> Path:
    """Store a copy of the default law among the user's own fits."""
    advisor = Advisor()
    return advisor.fit_library.store(advisor.library.get(TUNED), name, title)


def figure(screen: FitsScreen) -> Figure:
    found = screen.query_one(Chart).figure
    assert found is not None
    return found


def chosen(screen: FitsScreen) -> str:
    assert screen.table.chosen is not None
    return screen.table.chosen.id


def displayed(screen: FitsScreen) -> tuple[str, ...]:
    return tuple(name for name in ("details", "chart", "difference") if screen.query_one(f"#{name}").display)


@pytest.mark.parametrize("size", [SMALL, BIG, HUGE])
async def test_it_opens_on_the_law_of_the_plan(size: tuple[int, int]) -> None:
    async with app().run_test(size=size) as pilot:
        screen = await opened(pilot)
        entry = screen.table.chosen
        assert entry is not None
        assert entry.id == TUNED
        row, text = fit_row(entry), shown(pilot)
        assert screen.table.vertical_scrollbar.position == screen.table.scroll_y
        assert f"*>    {TUNED}" in text
        assert row.exponent in text
        assert row.fitted in text
        assert f"Fits ({len(Library.standard().entries())})" in text
        assert fit_sections(entry, datetime.now(UTC))[0].lines[0][1][:50] in text
        if size == HUGE:
            assert row.title in text
            assert row.laws in text


async def test_the_list_has_every_fit_in_groups() -> None:
    own()
    broken = locations.user_fits() / "mine" / "broken.json"
    broken.write_text("{")
    async with app().run_test(size=(200, 100)) as pilot:
        screen = await opened(pilot)
        text = shown(pilot)
        places = []
        for group in ("your own", "bundled", "bundled: steps of an argument", "broken files"):
            assert f"── {group}" in text
            places.append(text.index(f"── {group}"))
        assert places == sorted(places)
        assert screen.table.entries == ordered(Advisor().entries)
        assert "mine/copy" in text
        assert "✗" in text


async def test_a_broken_file_appears_with_its_sentence() -> None:
    path = own()
    path.write_text(path.read_text().replace('"standard"', '"mine"'))
    async with app().run_test(size=BIG) as pilot:
        screen = await press(pilot, "end")
        entry = screen.table.chosen
        assert entry is not None
        assert entry.fit is None
        assert "[bold]" not in entry.problem
        words = " ".join(shown(pilot).replace("│", " ").split())
        assert "'mine' is not a counting convention" in words
        await press(pilot, "m")
        assert notices(pilot)[-1] == "only a fit that loads can be compared; mend its file first."
        await press(pilot, "a")
        assert "is refused" in notices(pilot)[-1]
        assert screen.session.advisor.active_law == TUNED


async def test_titles_are_text_and_no_markup() -> None:
    own(title="[red]x[/red] [b]")
    async with app(fit="mine/copy").run_test(size=HUGE) as pilot:
        await opened(pilot)
        assert shown(pilot).count("[red]x[/red] [b]") == 2


async def test_marks_tell_shadowing_and_edits() -> None:
    advisor = Advisor()
    path = advisor.library.save(replace(advisor.library.get(TUNED), title="Mine"))
    async with app().run_test(size=HUGE) as pilot:
        await opened(pilot)
        assert "*>  ^ " in shown(pilot)
        assert "user over bundled" in shown(pilot)
        assert f"{datetime.now(UTC):%Y-%m-%d}" in shown(pilot)
    record = json.loads(path.read_text())
    path.write_text(json.dumps(record | {"title": "Edited"}))
    async with app().run_test(size=HUGE) as pilot:
        await opened(pilot)
        assert "*>  ~ " in shown(pilot)


# Keys


async def test_the_cursor_goes_through_the_list() -> None:
    async with app().run_test(size=BIG) as pilot:
        screen = await opened(pilot)
        ids = [entry.id for entry in ordered(Advisor().entries)]
        start = ids.index(TUNED)
        for key, index in (
            ("down", start + 1), ("up", start), ("pageup", start - 10), ("pagedown", start),
            ("home", 0), ("up", 0), ("end", len(ids) - 1), ("down", len(ids) - 1),
        ):  # fmt: skip
            await press(pilot, key)
            assert chosen(screen) == ids[index]
            assert ids[index][:27] in shown(pilot)


async def test_the_filter_finds_words_anywhere() -> None:
    async with app().run_test(size=BIG) as pilot:
        screen = await press(pilot, "/")
        assert screen.focused is screen.query_one(Input)
        await press(pilot, "escape", "f3")
        assert screen.focused is screen.query_one(Input)
        await press(pilot, *"Chinchilla 3")
        assert [entry.id for entry in screen.table.entries or ()] == ["hoffmann2022/approach-3"]
        assert chosen(screen) == "hoffmann2022/approach-3"
        assert "Fits (1 of " in shown(pilot)
        assert "Surface: chinchilla" in shown(pilot)
        await press(pilot, *"xyz")
        assert screen.table.chosen is None
        assert "No fit matches the filter: press Esc" in shown(pilot)
        assert screen.as_command() is None
        await press(pilot, "enter", "m", "a", "U", "enter", "down", "escape")
        assert screen.focused is None
        assert screen.query_one(Input).value == ""
        assert len(screen.table.entries or ()) == len(Advisor().entries)


async def test_arrows_work_while_the_filter_is_typed() -> None:
    async with app().run_test(size=BIG) as pilot:
        screen = await press(pilot, "slash", *"hoffmann", "down", "down")
        assert chosen(screen) == "hoffmann2022/approach-3"


async def test_the_view_goes_round() -> None:
    async with app().run_test(size=SMALL) as pilot:
        screen = await opened(pilot)
        seen = []
        for _, key in zip(VIEWS, ("c", "f5", "c", "f5"), strict=True):
            seen.append((screen.view, displayed(screen)))
            await press(pilot, key)
        assert seen == [
            ("details", ("details",)), ("points", ("chart",)), ("residuals", ("chart",)),
            ("difference", ("difference",)),
        ]  # fmt: skip
        await pilot.resize_terminal(*BIG)
        assert displayed(await opened(pilot)) == ("details", "chart")
        await press(pilot, "c")
        assert screen.view == "residuals"
        assert displayed(screen) == ("details", "chart")


async def test_the_points_are_those_of_the_fit_over_its_law_with_its_band() -> None:
    async with app(view="points").run_test(size=BIG) as pilot:
        screen = await opened(pilot)
        fit = Advisor().library.get(TUNED)
        found = Advisor().fit_library.goodness_of_fit(fit)
        assert fit.points is not None
        assert found.curve is not None
        drawn = figure(screen)
        assert [(point.x, point.y) for point in drawn.points[0].points] == [row[:2] for row in fit.points.rows]
        assert all(point.low is not None and point.low < point.y for point in drawn.points[0].points)
        assert drawn.lines[0].ys == found.curve.n_params
        assert drawn.lines[0].low == found.curve.low
        await press(pilot, "c")
        residuals = figure(screen).points[0].points
        assert [point.y for point in residuals] == [each.value for each in found.residuals]
        assert "12 optima, rms 0.079" in shown(pilot)


async def test_what_cannot_be_drawn_is_said() -> None:
    async with app(view="points", fit="meta2024/llama3").run_test(size=BIG) as pilot:
        await opened(pilot)
        assert "it keeps no points" in shown(pilot)
        await press(pilot, "c")
        assert "it keeps no points" in shown(pilot)
        screen = await press(pilot, "slash", *"steplaw", "enter")
        assert chosen(screen) == "steplaw2025/dense"
        assert "it keeps no points" in shown(pilot)
        await press(pilot, "c", "c")
        assert screen.view == "points"
        assert "no law for" in shown(pilot)


async def test_the_crosshair_reads_the_chart() -> None:
    async with app(view="points").run_test(size=BIG) as pilot:
        screen = await press(pilot, "right", "shift+right", "left", "shift+left", "shift+left", "right")
        reading = screen.query_one(Chart).reading()
        assert reading is not None
        assert reading.text in shown(pilot)


async def test_zoom_gives_the_page_the_screen() -> None:
    async with app().run_test(size=SMALL) as pilot:
        screen = await opened(pilot)
        before = screen.query_one("#details").size.height
        for key in ("z", "f4"):
            await press(pilot, key)
            assert screen.query_one("#details").size.height > 1.5 * before
            assert not screen.table.display
            await press(pilot, "escape")
            assert screen.table.display


async def test_details_scroll() -> None:
    async with app().run_test(size=SMALL) as pilot:
        screen = await press(pilot, "shift+down", "shift+down", "shift+up")
        assert screen.query_one("#details").scroll_offset.y == 1
        await press(pilot, "up")
        assert screen.query_one("#details").scroll_offset.y == 0


async def test_two_marked_fits_are_compared() -> None:
    async with app().run_test(size=BIG) as pilot:
        screen = await press(pilot, "home", "down", "m")
        assert "  A   besiroglu2024/refit" in shown(pilot)
        await press(pilot, "down", "down", "down", "f6")
        assert screen.view == "difference"
        pair = ("besiroglu2024/refit", "hoffmann2022/approach-1")
        assert "  B   hoffmann2022/approach-1" in shown(pilot)
        difference = Advisor().fit_library.difference(*pair)
        assert screen.as_markdown() == difference_markdown(difference)
        assert "A besiroglu2024/refit  B hoffmann2022/approach-1" in shown(pilot)
        assert "1e24  A" in shown(pilot)
        await press(pilot, "y")
        assert pilot.app.clipboard == "budgetscope fits diff besiroglu2024/refit hoffmann2022/approach-1"
        await press(pilot, "m")
        assert screen.table.marks.compared == ("besiroglu2024/refit",)
        await press(pilot, "home", "down", "f6")
        assert not screen.table.marks.compared
        await press(pilot, "m", "down", "m", "down", "m")
        assert screen.table.marks.compared == ("deepseek2024/current-data",)


async def test_without_a_mark_the_law_of_the_plan_is_compared_with_the_fit_at_the_cursor() -> None:
    async with app(view="difference", fit="meta2024/llama3").run_test(size=BIG) as pilot:
        screen = await opened(pilot)
        assert f"A {TUNED}  B meta2024/llama3" in shown(pilot)
        await press(pilot, "slash", *TUNED)
        assert "Go to another fit" in shown(pilot)
        assert screen.as_markdown() == fit_markdown(screen.table.chosen, datetime.now(UTC))  # type: ignore[arg-type]


async def test_enter_follows_the_law_in_this_plan() -> None:
    async with app(fit="meta2024/llama3").run_test(size=HUGE) as pilot:
        screen = await press(pilot, "enter")
        assert screen.session.request.law is None
        await press(pilot, "enter")
        assert screen.session.request.law == "meta2024/llama3"
        assert " >    meta2024/llama3" in shown(pilot)
        assert f"*     {TUNED}" in shown(pilot)
        await press(pilot, "slash", *"steplaw", "escape", "enter")
        assert "has no law for N and D" in notices(pilot)[-1]
        assert screen.session.request.law == "meta2024/llama3"


async def test_use_makes_the_default_law_or_recipe() -> None:
    async with app(fit="meta2024/llama3").run_test(size=BIG) as pilot:
        screen = await press(pilot, "a")
        assert f"Make meta2024/llama3 the default law, in place of {TUNED}?" in shown(pilot)
        assert read_settings().law is None
        await press(pilot, "enter")
        assert read_settings().law == "meta2024/llama3"
        assert screen.session.plan is not None
        assert screen.session.plan.law_id == "meta2024/llama3"
        assert "*>    meta2024/llama3" in shown(pilot)
        assert notices(pilot)[-1] == "meta2024/llama3 is now the default law. u takes it back."
        await press(pilot, "slash", *"steplaw", "escape", "ctrl+g", "enter")
        assert read_settings().hyperparameters == "steplaw2025/dense"
        assert screen.session.plan.recipe.sources["learning_rate"] == "steplaw2025/dense"
        assert notices(pilot)[-1] == "steplaw2025/dense is now the default recipe. u takes it back."
        await press(pilot, "u", "ctrl+z")
        assert read_settings() == Settings()
        assert screen.session.plan.law_id == TUNED


async def test_use_of_a_calibration_shows_what_it_changes_and_asks() -> None:
    library = Advisor().fit_library
    library.store(library.get("budgetscope2026/english"), "mine/lab")
    async with app(fit="mine/lab").run_test(size=BIG) as pilot:
        for answer, law in (("escape", None), ("enter", "mine/lab")):
            screen = await press(pilot, "a")
            await settled(pilot)
            assert isinstance(pilot.app.screen, AcceptScreen)
            asked = shown(pilot)
            assert f"Plan by mine/lab in place of {TUNED}?" in asked
            assert f"If {TUNED} is right, following the new law costs " in asked
            await press(pilot, answer)
            assert read_settings().law == law
        assert screen.session.plan is not None
        assert screen.session.plan.law_id == "mine/lab"


async def test_use_says_when_the_request_names_another_law() -> None:
    async with app(fit="meta2024/llama3").run_test(size=BIG) as pilot:
        screen = await press(pilot, "enter", "enter", "home", "down", "a")
        assert "This plan names its law, meta2024/llama3, and keeps it" in shown(pilot)
        await press(pilot, "enter")
        assert screen.session.plan is not None
        assert screen.session.plan.law_id == "meta2024/llama3"
        assert "This plan still follows meta2024/llama3" in notices(pilot)[-1]


async def test_undo_asks_and_puts_back_what_was_there() -> None:
    own(title="First")
    own(title="Second")
    async with app(fit="mine/copy").run_test(size=HUGE) as pilot:
        screen = await opened(pilot)
        assert "Second" in shown(pilot)
        await pilot.press("U")
        assert isinstance(pilot.app.screen, UndoScreen)
        assert "mine/copy" in shown(pilot)
        await press(pilot, "escape")
        assert "Second" in shown(pilot)
        await pilot.press("ctrl+r")
        await press(pilot, "enter")
        assert "First" in shown(pilot)
        assert notices(pilot)[-1] == "mine/copy is what it was before."
        await pilot.press("U")
        await press(pilot, "enter")
        assert notices(pilot)[-1] == "mine/copy had no earlier version and is set aside."
        assert "mine/copy" not in [entry.id for entry in screen.table.entries or ()]
        await press(pilot, "home", "ctrl+r")
        assert notices(pilot)[-1] == "only your own fits can be undone: go to one of them."


async def test_what_is_copied() -> None:
    async with app(fit="hoffmann2022/approach-3").run_test(size=BIG) as pilot:
        screen = await press(pilot, "y")
        assert pilot.app.clipboard == "budgetscope fits show hoffmann2022/approach-3"
        await press(pilot, "Y")
        assert screen.table.chosen is not None
        assert pilot.app.clipboard == fit_markdown(screen.table.chosen, datetime.now(UTC))
        assert pilot.app.clipboard.startswith("# Chinchilla, approach 3")


async def test_a_click_chooses_a_fit() -> None:
    async with app().run_test(size=BIG) as pilot:
        screen = await press(pilot, "home")
        await pilot.click(screen.table, offset=(10, 6))
        await opened(pilot)
        assert chosen(screen) == "deepseek2024/current-data"
        await pilot.click(screen.table, offset=(10, 2))
        assert chosen(screen) == "deepseek2024/current-data"


async def test_view_zoom_and_fit_are_remembered() -> None:
    first = app()
    async with first.run_test(size=BIG) as pilot:
        await press(pilot, "c", "c", "z", "home", "down")
        assert first.state().views["fits"] == {"view": "difference", "zoomed": True, "fit": "besiroglu2024/refit"}
    async with app(view="difference", zoomed=True, fit="besiroglu2024/refit").run_test(size=BIG) as pilot:
        screen = await opened(pilot)
        assert (screen.view, screen.zoomed, chosen(screen)) == ("difference", True, "besiroglu2024/refit")
    async with app(view="rubbish", zoomed="yes", fit=3).run_test(size=BIG) as pilot:
        screen = await opened(pilot)
        assert (screen.view, screen.zoomed, chosen(screen)) == ("details", False, TUNED)


# Import


def entry(pilot: Pilot[None], name: str) -> Input:
    return pilot.app.screen.query_one(f"#entry-{name}", Input)


def told(pilot: Pilot[None]) -> str:
    """What the dialog says, unwrapped."""
    lines = pilot.app.screen.query_one("#result", Page).lines
    return "\n".join(
        line if isinstance(line, str) else " ".join(filter(None, (getattr(line, "label", ""), line.text)))
        for line in lines
    )


async def importing(pilot: Pilot[None], **texts: str) -> ImportScreen:
    """Open the dialog and write into its entries."""
    await press(pilot, "i")
    dialog = pilot.app.screen
    assert isinstance(dialog, ImportScreen)
    for name, text in texts.items():
        entry(pilot, name.replace("map_", "map-")).value = text
    await pilot.pause(0.3)
    await opened(pilot)
    return dialog


async def test_import_opens_and_closes_and_keeps_what_was_typed() -> None:
    async with app().run_test(size=BIG) as pilot:
        await press(pilot, "i")
        assert isinstance(pilot.app.screen, ImportScreen)
        await pilot.press(*"ab")
        assert entry(pilot, "path").value == "ab"
        await pilot.press("escape")
        await press(pilot, "ctrl+o")
        assert entry(pilot, "path").value == "ab"
        await pilot.press("escape")
        assert len(pilot.app.screen_stack) == 1


@pytest.mark.parametrize("work", ["read", "fit"])
async def test_import_is_closed_while_the_file_is_at_work(monkeypatch: pytest.MonkeyPatch, work: str) -> None:
    go = threading.Event()
    does = getattr(runs, work)

    def slow(*given: Any) -> Any:
        go.wait(10)
        return does(*given)

    async with app().run_test(size=BIG) as pilot:
        await press(pilot, "i")
        if work == "fit":
            entry(pilot, "path").value = str(RUNS)
            entry(pilot, "counting").value = "standard"
            await pilot.pause(0.3)
            await opened(pilot)
        monkeypatch.setattr(runs, work, slow)
        entry(pilot, "path").value = str(RUNS)
        await pilot.pause(0.3)
        await pilot.press(*(["f5"] if work == "fit" else []), "escape")
        assert len(pilot.app.screen_stack) == 1
        go.set()
        await opened(pilot)
        await press(pilot, "i")
        assert "159" in told(pilot)


@pytest.mark.parametrize("language", [None, "ja"])
async def test_every_hint_of_the_import_is_shown_whole(language: str | None) -> None:
    use(None if language is None else read_language(language))
    try:
        async with app().run_test(size=(80, 24)) as pilot:
            await importing(pilot)
            fields = pilot.app.screen.query(Input)
            assert fields
            cut = [str(field.placeholder) for field in fields if cell_len(str(field.placeholder)) > field.size.width]
            assert cut == []
    finally:
        use(None)


async def test_import_of_a_file_without_runs_says_which_columns_are_missing(tmp_path: Path) -> None:
    (tmp_path / "ab.csv").write_text("a,b\n1,2\n")
    async with app().run_test(size=HUGE) as pilot:
        await importing(pilot, path=str(tmp_path / "ab.csv"))
        assert "no column for loss and flops and n_params and tokens" in told(pilot)
        assert "what its parameters count" not in told(pilot)
        assert "1 row of these columns" in told(pilot)


async def test_import_shows_columns_and_rows_and_asks_for_the_counting() -> None:
    async with app().run_test(size=HUGE) as pilot:
        await importing(pilot, path=str(RUNS))
        assert "the table does not say what its parameters count" in told(pilot)
        assert "159 rows of these columns" in told(pilot)
        assert entry(pilot, "map-loss").placeholder == "loss"
        assert entry(pilot, "map-step").placeholder == "-"
        entry(pilot, "counting").value = "standard"
        await pilot.pause(0.3)
        await opened(pilot)
        assert "159 read standard counting" in told(pilot)
        assert "159 used" in told(pilot)
        assert "assumed The loss is in nats per token" in told(pilot)


async def test_import_maps_columns_and_says_which_are_unclear(tmp_path: Path) -> None:
    text = RUNS.read_text().replace("loss", "val_loss", 1).replace("depth", "train_loss", 1)
    path = tmp_path / "two.csv"
    path.write_text(text)
    async with app().run_test(size=HUGE) as pilot:
        await importing(pilot, path=str(path), counting="standard")
        assert entry(pilot, "map-loss").placeholder == "? choose its column"
        assert "could each be loss" in told(pilot)
        entry(pilot, "map-loss").value = "val_loss"
        await pilot.pause(0.3)
        await opened(pilot)
        assert "159 used" in told(pilot)
        entry(pilot, "map-loss").value = "nonsense"
        await pilot.pause(0.3)
        await opened(pilot)
        assert "the table has no column 'nonsense'" in told(pilot)


async def test_import_tells_what_was_merged_and_dropped(tmp_path: Path) -> None:
    lines = RUNS.read_text().splitlines()
    path = tmp_path / "odd.csv"
    path.write_text("\n".join([*lines, lines[1], lines[2].replace("5.33732", "nan")]) + "\n")
    async with app().run_test(size=HUGE) as pilot:
        await importing(pilot, path=str(path), counting="standard")
        intake = runs.read(RunsSource(path, counting="standard"))
        assert intake.dropped
        assert intake.merged
        assert f"{intake.read} read" in told(pilot)
        assert "1 merged they repeat another row" in told(pilot)
        assert f"1 dropped {intake.dropped[0].reason} (row 161)" in told(pilot)


def fitted() -> Fit:
    return runs.fit(Advisor(), RunsSource(RUNS, counting="standard"), FitChoices()).fit


async def test_import_fits_and_stores_under_a_name() -> None:
    async with app().run_test(size=HUGE) as pilot:
        await importing(pilot, path=str(RUNS), counting="standard")
        await pilot.press("f6")
        assert notices(pilot)[-1] == "fit the runs first (F5)."
        await press(pilot, "enter")
        expected = fitted()
        assert all(flag in told(pilot) for flag in expected.flags)
        assert expected.method in told(pilot)
        assert f"A is {TUNED}, the default law" in told(pilot)
        await pilot.press("f6")
        assert notices(pilot)[-1] == "write an id under `store as`."
        entry(pilot, "name").value = "mine"
        await pilot.press("f6")
        assert "family/name" in notices(pilot)[-1]
        entry(pilot, "name").value = "mine/lab"
        entry(pilot, "title").value = "Lab runs"
        await pilot.pause()
        assert "F6 stores it as mine/lab." in told(pilot)
        screen = await press(pilot, "f6")
        stored = Library.standard().get("mine/lab")
        assert stored.title == "Lab runs"
        assert stored.laws == expected.laws
        assert chosen(screen) == "mine/lab"
        assert len(pilot.app.screen_stack) == 1
        assert "mine/lab" in shown(pilot)


async def test_import_shows_the_sentence_that_refuses_a_fit(tmp_path: Path) -> None:
    path = tmp_path / "few.csv"
    path.write_text("\n".join(RUNS.read_text().splitlines()[:3]) + "\n")
    async with app().run_test(size=HUGE) as pilot:
        await importing(pilot, path=str(path), counting="standard")
        await press(pilot, "f5")
        with pytest.raises(Exception) as refusal:  # noqa: PT011 - compared below
            runs.fit(Advisor(), RunsSource(path, counting="standard"), FitChoices())
        assert str(refusal.value) in told(pilot)
        await pilot.press("f6")
        assert notices(pilot)[-1] == "fit the runs first (F5)."


async def test_another_counting_makes_the_fit_void() -> None:
    async with app().run_test(size=HUGE) as pilot:
        await importing(pilot, path=str(RUNS), counting="standard", name="mine/lab")
        await press(pilot, "f5")
        assert "F6 stores it as mine/lab." in told(pilot)
        entry(pilot, "counting").value = "kaplan"
        await pilot.pause(0.3)
        await opened(pilot)
        await pilot.press("f6")
        assert notices(pilot)[-1] == "fit the runs first (F5)."


async def test_a_bad_entry_is_refused_in_one_sentence() -> None:
    good = {"path": str(RUNS), "counting": "standard"}
    async with app().run_test(size=HUGE) as pilot:
        await importing(pilot, **good)
        for name, text, sentence in (
            ("counting", "mine", "mine"),
            ("loss_unit", "furlongs", "furlongs"),
            ("seq_len", "0", "seq_len: '0' must be above zero"),
            ("seq_len", "2.5", "not a whole number"),
            ("where", "dataset", "write column=value"),
            ("where", "dataset=x", "the table has no such column"),
            ("path", "/no/such.csv", "no/such.csv"),
        ):
            entry(pilot, name).value = text
            await pilot.pause(0.3)
            await opened(pilot)
            assert sentence in told(pilot)
            assert "used" not in told(pilot)
            entry(pilot, name).value = good.get(name, "")
            await pilot.pause(0.3)
            await opened(pilot)
            assert "159 used" in told(pilot)


async def test_import_scrolls_and_copies_the_command() -> None:
    async with app().run_test(size=SMALL) as pilot:
        dialog = await importing(pilot, path=str(RUNS), counting="standard", where="seed=0", map_loss="loss")
        await press(pilot, "f5")
        await pilot.press("pagedown")
        await pilot.pause()
        assert dialog.query_one("#result").scroll_offset.y > 0
        await pilot.press("pageup")
        await pilot.pause()
        assert dialog.query_one("#result").scroll_offset.y == 0
        await pilot.press("ctrl+y")
        assert pilot.app.clipboard == (f"budgetscope fit {RUNS} --counting standard --where seed=0 --map loss=loss")


async def test_paths_complete(tmp_path: Path) -> None:
    (tmp_path / "runs.csv").write_text("x")
    async with app().run_test(size=BIG) as pilot:
        await importing(pilot)
        suggester = entry(pilot, "path").suggester
        assert suggester is not None
        assert await suggester.get_suggestion(f"{tmp_path}/ru") == f"{tmp_path}/runs.csv"
        assert await suggester.get_suggestion(f"{tmp_path}/zz") is None
        assert await suggester.get_suggestion("/no/such/folder/x") is None

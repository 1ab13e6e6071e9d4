"""The audit opens from every screen and from the palette, and shows what the report says."""

from pathlib import Path

import pytest
from tests.tui.driving import Start, settled, shown
from textual.pilot import Pilot
from textual.widgets import Input

from budgetscope.api import Advisor, PlanRequest
from budgetscope.api.audit import audit
from budgetscope.report.audit import summary, verdict
from budgetscope.tui.screens.audit_dialog import AuditScreen
from budgetscope.tui.screens.fits.page import Page

HUGE = (120, 60)


@pytest.fixture
def configs(tmp_path: Path) -> tuple[Path, Path]:
    """Return the recipes of two budgets for one trainer."""
    advisor = Advisor()
    folders = []
    for budget in ("1e20", "1e21"):
        recipe = advisor.trainer_recipe(advisor.answer(PlanRequest(budget)), "torchtitan")
        folder = tmp_path / budget
        folder.mkdir()
        for name, text in recipe.files:
            (folder / name).write_text(text)
        folders.append(folder)
    return folders[0], folders[1]


async def audited(pilot: Pilot[None], text: str) -> str:
    await settled(pilot)
    await pilot.press("f12")
    await settled(pilot)
    screen = pilot.app.screen
    assert isinstance(screen, AuditScreen)
    screen.query_one(Input).value = text
    await pilot.press("enter")
    while screen._busy:
        await pilot.pause(0.01)
    await pilot.pause()
    return "\n".join(str(line) for line in screen.query_one(Page).lines)


async def test_it_shows_the_findings_and_copies_the_command(start: Start, configs: tuple[Path, Path]) -> None:
    async with start(PlanRequest("1e21")).run_test(size=HUGE) as pilot:
        told = await audited(pilot, str(configs[0]))
        found = audit(Advisor(), [configs[0]])
        assert summary(found.runs[0]) in told
        for finding in found.runs[0].findings:
            assert finding.title in told
        assert summary(found.runs[0]) in shown(pilot)
        await pilot.press("pagedown", "pageup", "ctrl+y")
        assert pilot.app.clipboard == f"budgetscope audit {configs[0]}"
        await pilot.press("escape")
        assert len(pilot.app.screen_stack) == 1


async def test_two_runs_are_compared(start: Start, configs: tuple[Path, Path]) -> None:
    async with start(PlanRequest("1e21")).run_test(size=HUGE) as pilot:
        told = await audited(pilot, f"{configs[0]} {configs[1]}")
        found = audit(Advisor(), configs)
        assert found.checklist is not None
        assert verdict(found.checklist) in told


@pytest.mark.parametrize(
    ("text", "said"), [("", "there is no path"), ("/gone.toml", "gone.toml"), ("'a", "not closed")]
)
async def test_what_cannot_be_read_is_said_in_the_dialog(start: Start, text: str, said: str) -> None:
    async with start(PlanRequest("1e21")).run_test(size=(80, 24)) as pilot:
        assert said in await audited(pilot, text)
        await pilot.press("ctrl+y")
        assert pilot.app.clipboard == ""


async def test_the_palette_has_it(start: Start) -> None:
    app = start(PlanRequest("1e21"))
    async with app.run_test(size=(80, 24)) as pilot:
        offered = {item.title: item.callback for item in app.get_system_commands(await settled(pilot))}
        await offered["Audit a run"]()
        await settled(pilot)
        assert isinstance(app.screen, AuditScreen)

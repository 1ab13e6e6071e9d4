"""Ways to drive the app under test and to wait for it without sleeping."""

from collections.abc import Callable

from textual.pilot import Pilot

from budgetscope.tui.app import BudgetscopeApp
from budgetscope.tui.screens.plan import PlanScreen

Start = Callable[..., BudgetscopeApp]


def plan_screen(pilot: Pilot[None]) -> PlanScreen:
    """Return the screen at the bottom of the stack."""
    screen = pilot.app.screen_stack[0]
    assert isinstance(screen, PlanScreen)
    return screen


async def settle(pilot: Pilot[None]) -> PlanScreen:
    """Wait until everything asked is answered and shown."""
    screen = plan_screen(pilot)
    await pilot.pause()
    while screen.studying:
        await pilot.pause(0.01)
    await pilot.pause()
    return screen


async def type_into(pilot: Pilot[None], name: str, text: str) -> PlanScreen:
    """Replace the text of a field."""
    field = plan_screen(pilot).row(name).input
    field.focus()
    field.value = text
    return await settle(pilot)


def notices(pilot: Pilot[None]) -> list[str]:
    """Return the notifications so far."""
    return [notice.message for notice in pilot.app._notifications]


def shown(pilot: Pilot[None]) -> str:
    """Return the text on the screen, line by line."""
    screen = pilot.app.screen
    strips = screen._compositor.render_strips()
    return "\n".join(strip.text for strip in strips)

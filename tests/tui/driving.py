"""Ways to drive the app under test and to wait for it without sleeping."""

from collections.abc import Callable
from typing import Any

from textual.app import App
from textual.events import Key
from textual.keys import key_to_character
from textual.pilot import Pilot

from budgetscope.tui.app import BudgetscopeApp
from budgetscope.tui.screens.base import SessionScreen
from budgetscope.tui.screens.plan.screen import PlanScreen

Start = Callable[..., BudgetscopeApp]


def stage(pilot: Pilot[None]) -> SessionScreen:
    """Return the numbered screen that is shown."""
    assert isinstance(pilot.app, BudgetscopeApp)
    return pilot.app.stage


def busy(pilot: Pilot[None]) -> bool:
    """Whether something asked is not answered, a key has not had its effect, or a layout is due."""
    assert isinstance(pilot.app, BudgetscopeApp)
    return stage(pilot).working or not pilot.app.key_queue.idle or pilot.app.screen._layout_required


async def settled(pilot: Pilot[None]) -> SessionScreen:
    """Wait until everything asked is answered and shown on whatever screen."""
    await pilot.pause()
    while busy(pilot):
        await pilot.pause(0.01)
        if not busy(pilot):
            await pilot.pause()
    return stage(pilot)


def plan_screen(pilot: Pilot[None]) -> PlanScreen:
    """Return the plan screen, which is shown."""
    screen = stage(pilot)
    assert isinstance(screen, PlanScreen)
    return screen


async def settle(pilot: Pilot[None]) -> PlanScreen:
    """Wait as `settled` on the plan screen."""
    await settled(pilot)
    return plan_screen(pilot)


def press_at_once(app: App[Any], *keys: str) -> None:
    """Press keys without a pause, as they come over a slow line."""
    for key in keys:
        app.post_message(Key(key, key_to_character(key)))


async def type_into(pilot: Pilot[None], name: str, text: str) -> PlanScreen:
    """Replace the text of a field."""
    row = plan_screen(pilot).row(name)
    # As opening the options does.
    row.fill()
    field = row.input
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

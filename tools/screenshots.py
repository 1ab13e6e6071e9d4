"""Write docs/images/*.svg: the app's screens for a user without settings, as the documents show them."""

import asyncio
import os
import tempfile
from pathlib import Path

from budgetscope.api import PlanRequest, to_record
from budgetscope.store.app_state import AppState
from budgetscope.store.scenarios import Scenario, save_scenario
from budgetscope.tui.app import BudgetscopeApp
from budgetscope.tui.screens.plan.tour import TourScreen

IMAGES = Path(__file__).resolve().parents[1] / "docs" / "images"
BUDGET = PlanRequest("64 H100 for 14 days")
SCENARIOS = {"four weeks": PlanRequest("64 H100 for 28 days"), "newer cards": PlanRequest("32 B200 for 14 days")}
# For each picture: its screen, and the keys to press there.
SHOTS = {
    "tour": ("plan", ("escape", "T", "enter")),
    "plan": ("plan", ("escape",)),
    "whatif": ("whatif", ("down",) * 3),
    "recipe": ("recipe", ()),
    "why": ("why", ("right", "right")),
    "compare": ("compare", ("right", "right")),
    "fits": ("fits", ()),
    "calibrate": ("calibrate", ()),
}
SIZE = (120, 40)
MAX_BYTES = 120_000


async def picture(screen: str, keys: tuple[str, ...]) -> str:
    """Return a screen after some keys, as SVG."""
    app = BudgetscopeApp(BUDGET, state=AppState(screen=screen))
    async with app.run_test(size=SIZE) as pilot:
        for key in ("", *keys):
            if key:
                await pilot.press(key)
            await pilot.pause()
            while app.stage.working or (key == "T" and not isinstance(app.screen, TourScreen)):
                await pilot.pause(0.01)
            await pilot.pause()
        return app.export_screenshot(title="budgetscope")


def main() -> None:
    """Write every picture."""
    IMAGES.mkdir(exist_ok=True)
    for name, (screen, keys) in SHOTS.items():
        with tempfile.TemporaryDirectory() as home:
            for variable in ("HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME"):
                os.environ[variable] = home
            os.environ.pop("BUDGETSCOPE_FITS", None)
            os.environ["LC_ALL"] = "C.UTF-8"
            if screen == "compare":
                for scenario, request in SCENARIOS.items():
                    save_scenario(Scenario(scenario, to_record(request)))
            text = asyncio.run(picture(screen, keys))
        if len(text) > MAX_BYTES:
            raise SystemExit(f"{name}: {len(text)} bytes are too many for a page")
        (IMAGES / f"{name}.svg").write_text(text, encoding="utf-8")
        print(f"wrote docs/images/{name}.svg")


if __name__ == "__main__":
    main()

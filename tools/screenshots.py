"""Write docs/images/*.svg: the app's screens, for a user without settings, as the documents show them."""

import asyncio
import os
import tempfile
from pathlib import Path

from budgetscope.api import PlanRequest
from budgetscope.tui.app import BudgetscopeApp

IMAGES = Path(__file__).resolve().parents[1] / "docs" / "images"
BUDGET = "64 H100 for 14 days"
# What to press on the plan screen for each picture; Esc leaves the budget's field.
SHOTS = {"plan": ("escape",)}
SIZE = (120, 40)


async def picture(keys: tuple[str, ...]) -> str:
    """Return the screen that a user sees after some keys, as SVG."""
    app = BudgetscopeApp(PlanRequest(BUDGET))
    async with app.run_test(size=SIZE) as pilot:
        for key in ("", *keys):
            if key:
                await pilot.press(key)
            await pilot.pause()
            while app.stage.working:
                await pilot.pause(0.01)
            await pilot.pause()
        return app.export_screenshot(title="budgetscope")


def main() -> None:
    """Write every picture."""
    IMAGES.mkdir(exist_ok=True)
    for name, keys in SHOTS.items():
        with tempfile.TemporaryDirectory() as home:
            for variable in ("HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME"):
                os.environ[variable] = home
            os.environ.pop("BUDGETSCOPE_FITS", None)
            text = asyncio.run(picture(keys))
        (IMAGES / f"{name}.svg").write_text(text, encoding="utf-8")
        print(f"wrote docs/images/{name}.svg")


if __name__ == "__main__":
    main()

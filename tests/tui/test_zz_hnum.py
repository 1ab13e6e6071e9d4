import re
from tests.tui.test_recipe_screen import *
import tests.tui.test_whatif_screen as W


async def test_dump(start):
    async with start(W.REQUEST).run_test(size=(120, 40)) as pilot:
        await W.whatif(pilot)
        print(*re.findall(r"Fitted from.*", shown(pilot)), flush=True)
        await pilot.press("escape", "4")
        await settled(pilot)
        print(await page(pilot), flush=True)

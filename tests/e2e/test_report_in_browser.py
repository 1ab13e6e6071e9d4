"""The report in a real browser: it fetches nothing, fits narrow screens, and prints on A4."""

import base64
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("aiohttp")
pytest.importorskip("matplotlib", reason="matplotlib is not installed")

from tests.e2e.browser import browse, first_page, found

from budgetscope.api import Advisor, PlanRequest

A4_POINTS = (595, 842)


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the address of a browser, or skip."""
    name = found()
    if name is None:
        pytest.skip("no browser is installed: BUDGETSCOPE_BROWSER names one")
    with browse(name, tmp_path_factory.mktemp("profile")) as address:
        yield address


async def test_a_report_opens_offline_and_prints(browser: str, tmp_path: Path) -> None:
    advisor = Advisor()
    path = tmp_path / "report.html"
    path.write_text(advisor.export(advisor.answer(PlanRequest("64xH100 14d")), "html"), encoding="utf-8")
    async with first_page(browser) as page:
        await page.open(path.as_uri())
        for _ in range(200):
            if await page.value("document.readyState === 'complete' && document.querySelectorAll('figure').length"):
                break
        assert await page.value("document.querySelectorAll('figure svg').length") == 5
        assert await page.value("document.documentElement.lang") == "en"
        assert page.requested == [path.as_uri()]
        assert (page.blocked, page.faults) == ([], [])
        for width in (390, 1280):
            size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": False}
            await page.call("Emulation.setDeviceMetricsOverride", **size)
            assert await page.value("document.documentElement.scrollWidth") <= width
        await page.call("Emulation.clearDeviceMetricsOverride")
        dark = [{"name": "prefers-color-scheme", "value": "dark"}]
        await page.call("Emulation.setEmulatedMedia", features=dark)
        assert await page.value("getComputedStyle(document.documentElement).backgroundColor") == "rgb(21, 24, 27)"
        # Print is light even then.
        await page.call("Emulation.setEmulatedMedia", media="print", features=dark)
        assert await page.value("getComputedStyle(document.documentElement).backgroundColor") == "rgb(255, 255, 255)"
        wide = "[...document.querySelectorAll('table, pre, svg')].filter(e => e.scrollWidth > 690).length"
        size = {"width": 680, "height": 1000, "deviceScaleFactor": 1, "mobile": False}  # 180 mm at 96 dots an inch
        await page.call("Emulation.setDeviceMetricsOverride", **size)
        assert await page.value(wide) == 0
        printed = await page.call("Page.printToPDF", preferCSSPageSize=True, printBackground=False)
    pdf = base64.b64decode(printed["data"])
    assert pdf.startswith(b"%PDF")
    boxes = [tuple(map(float, box.split())) for box in re.findall(rb"/MediaBox \[([^\]]*)\]", pdf)]
    assert 5 < len(boxes) < 25
    for _left, _bottom, right, top in boxes:
        assert (round(right), round(top)) == pytest.approx(A4_POINTS, abs=1)

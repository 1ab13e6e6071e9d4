"""The stylesheet that parses nothing twice styles as Textual's does."""

from collections.abc import Iterator

import pytest
from tests.tui.driving import Start, settled
from textual.css import stylesheet as textuals
from textual.css.parse import parse
from textual.css.stylesheet import Stylesheet

from budgetscope.api import PlanRequest
from budgetscope.tui.app import BudgetscopeApp
from budgetscope.tui.tabs import TABS
from budgetscope.tui.textual_fixes import stylesheet


@pytest.fixture(autouse=True)
def _nothing_parsed() -> Iterator[None]:
    stylesheet._parse_cache_of.cache_clear()
    yield
    stylesheet._parse_cache_of.cache_clear()


def textuals_own(app: BudgetscopeApp) -> Stylesheet:
    """Return Textual's stylesheet of the same sheets and theme."""
    own = Stylesheet(variables=app.get_css_variables())
    own.source = dict(app.stylesheet.source)
    own.parse()
    return own


def rules(sheet: Stylesheet) -> list[object]:
    return [
        (rule.selectors, repr(rule.styles.get_rules()), rule.is_default_rules, rule.tie_breaker) for rule in sheet.rules
    ]


async def test_a_sheet_is_parsed_once_a_theme_and_as_textual_does(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    parsed: list[object] = []

    def counted(*args: object, **options: object) -> object:
        parsed.append((*args, options["tie_breaker"]))
        return parse(*args, **options)  # type: ignore[arg-type]

    app = start(PlanRequest("1e20"))
    found: list[tuple[object, Stylesheet]] = []
    with monkeypatch.context() as patched:
        patched.setattr(textuals, "parse", counted)
        async with app.run_test(size=(80, 24)) as pilot:
            for tab in TABS:
                app.action_go(tab.name)
                await settled(pilot)
            assert len(parsed) == len(set(parsed)) >= len(app.stylesheet.source)
            for expected in (len(app.stylesheet.source), 0, 0):
                found.append((rules(app.stylesheet), textuals_own(app)))
                parsed.clear()
                await pilot.press("f2")
                await settled(pilot)
                assert len(parsed) == expected
    dark, light, dark_again = found
    assert dark[0] == rules(dark[1]) == dark_again[0] == rules(dark_again[1])
    assert light[0] == rules(light[1]) != dark[0]

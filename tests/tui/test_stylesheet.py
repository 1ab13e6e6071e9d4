"""The stylesheet that parses nothing twice styles as Textual's does."""

from collections.abc import Iterator

import pytest
from tests.tui.driving import Start, settled
from textual.css import stylesheet as textuals
from textual.css.parse import parse
from textual.css.stylesheet import Stylesheet
from textual.dom import DOMNode

from budgetscope.api import PlanRequest
from budgetscope.tui.app import BudgetscopeApp
from budgetscope.tui.tabs import TABS
from budgetscope.tui.textual_fixes import stylesheet
from budgetscope.tui.widgets.chart import Chart


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


async def test_a_widget_is_styled_again_only_when_something_of_it_has_changed(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    styled: list[object] = []

    def counted(self: Stylesheet, node: DOMNode, **options: object) -> None:
        styled.append(node)
        apply(self, node, **options)  # type: ignore[arg-type]

    apply = Stylesheet.apply
    async with start().run_test(size=(120, 40)) as pilot:
        await settled(pilot)
        monkeypatch.setattr(Stylesheet, "apply", counted)
        pilot.app.screen.update_node_styles()
        assert not [node for node in styled if isinstance(node, Chart)]
        chart = pilot.app.screen.query(Chart).first()
        chart.add_class("-something")
        assert chart in styled


async def test_to_style_every_widget_again_changes_nothing(start: Start) -> None:
    async with start().run_test(size=(120, 40)) as pilot:
        for key in ("escape", "o", "escape", "2", "v", "3", "m", "4", "5", "6", "7", "v", "t", "1", "b", "4"):
            await pilot.press(key)
            await settled(pilot)
            for node in pilot.app.screen.walk_children(with_self=True):
                before = (
                    node.styles.base.get_rules(),
                    {part: styles.base.get_rules() for part, styles in node._component_styles.items()},
                )
                Stylesheet.apply(pilot.app.stylesheet, node)
                after = (
                    node.styles.base.get_rules(),
                    {part: styles.base.get_rules() for part, styles in node._component_styles.items()},
                )
                assert after == before, node

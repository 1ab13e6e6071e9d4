"""What Textual does without each file of `tui/textual_fixes`: a test that fails here means that its file can go."""

import asyncio
import runpy
from typing import ClassVar

import pytest
from rich._wrap import divide_line
from rich.segment import Segment
from rich.style import Style
from tests.tui.driving import press_at_once
from textual import _ansi_sequences
from textual._xterm_parser import XTermParser
from textual.app import App, ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.css import stylesheet as textuals
from textual.css.parse import parse
from textual.css.stylesheet import Stylesheet
from textual.dom import DOMNode
from textual.events import Key
from textual.filter import Monochrome
from textual.geometry import Region, Size
from textual.screen import ModalScreen, Screen
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.widget import Widget
from textual.widgets import Input, Static

from budgetscope.core.language import use
from budgetscope.store.catalogues import read_language
from budgetscope.tui.textual_fixes.alt_digits import SEQUENCES, read_alt_digits
from budgetscope.tui.textual_fixes.japanese_lines import break_japanese
from budgetscope.tui.textual_fixes.line_view import LineView
from budgetscope.tui.textual_fixes.no_color import show_no_greys
from budgetscope.tui.textual_fixes.one_layout import TEXTUALS, lay_out_once
from budgetscope.tui.textual_fixes.one_repaint import OneRepaintScreen
from budgetscope.tui.textual_fixes.partial_repaint import RowScreen


class TwoFields(App[None]):
    def compose(self) -> ComposeResult:
        yield Input(id="first")
        yield Input(id="second")


async def test_textual_lets_a_key_overtake_the_one_before() -> None:
    app = TwoFields()
    async with app.run_test() as pilot:
        press_at_once(app, "tab", "8")
        await pilot.pause()
        assert [field.value for field in app.query(Input)] == ["8", ""]


def test_textual_parses_every_sheet_again(monkeypatch: pytest.MonkeyPatch) -> None:
    parsed: list[object] = []

    def counted(*args: object, **options: object) -> object:
        parsed.append(args)
        return parse(*args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(textuals, "parse", counted)
    sheet = Stylesheet()
    sheet.add_source("Input { color: red; }")
    sheet.parse()
    sheet.reparse()
    assert len(parsed) == 2


class Styled(Widget):
    COMPONENT_CLASSES: ClassVar[set[str]] = {"styled--part"}


def test_textual_shows_greys_without_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    app = App[None]()
    assert any(isinstance(each, Monochrome) for each in app._filters)
    show_no_greys(app)
    assert not any(isinstance(each, Monochrome) for each in app._filters)


async def test_textual_styles_a_widget_again_that_has_not_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    styled: list[object] = []

    def counted(self: Stylesheet, node: DOMNode, **options: object) -> None:
        styled.append(node)
        apply(self, node, **options)  # type: ignore[arg-type]

    apply = Stylesheet.apply
    monkeypatch.setattr(Stylesheet, "apply", counted)
    app = TwoFields()
    async with app.run_test() as pilot:
        await pilot.pause()
        field = app.query_one("#second", Input)
        styled.clear()
        app.screen.update_node_styles()
        assert field in styled


async def test_textual_forgets_component_styles_at_every_refresh() -> None:
    class StyledApp(App[None]):
        def compose(self) -> ComposeResult:
            yield Styled()

    app = StyledApp()
    async with app.run_test() as pilot:
        await pilot.pause()
        widget = app.query_one(Styled)
        assert isinstance(widget.get_component_rich_style("styled--part"), Style)
        assert widget._rich_style_cache
        widget.refresh()
        assert not widget._rich_style_cache


async def test_textual_sets_breakpoint_classes_after_the_first_layout() -> None:
    class Broken(Screen[None]):
        HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (60, "-wide")]  # noqa: RUF012 - Textual's form
        wide_on_mount = True

        def on_mount(self) -> None:
            self.wide_on_mount = self.has_class("-wide")

    app, screen = App[None](), Broken()
    async with app.run_test(size=(80, 24)) as pilot:
        await app.push_screen(screen)
        await pilot.pause()
        assert screen.has_class("-wide")
        assert not screen.wide_on_mount


class Counting(ModalScreen[None]):
    BINDINGS: ClassVar[list[BindingType]] = [("x", "count", "Count")]
    count = 0

    def action_count(self) -> None:
        self.count += 1


async def test_textual_acts_on_keys_of_a_screen_that_is_not_mounted() -> None:
    app, screen = App[None](), Counting()
    async with app.run_test() as pilot:
        app.push_screen(screen)
        assert not screen.is_mounted
        await app._check_bindings("x")
        assert screen.count == 1
        await pilot.pause()


async def test_textual_pops_the_screen_below_at_the_second_dismiss() -> None:
    app, below, above = App[None](), Counting(), Counting()
    async with app.run_test() as pilot:
        await app.push_screen(below)
        await app.push_screen(above)
        above.dismiss()
        above.dismiss()
        await pilot.pause()
        assert below not in app.screen_stack


async def test_textual_shows_a_new_scroll_bar_at_the_top() -> None:
    class ScrollApp(App[None]):
        def compose(self) -> ComposeResult:
            yield ScrollView()

    app = ScrollApp()
    async with app.run_test(size=(80, 24)) as pilot:
        view = app.query_one(ScrollView)
        view.virtual_size = Size(80, 100)
        view.scroll_to(y=50, animate=False, force=True)
        await pilot.pause()
        assert view.show_vertical_scrollbar
        assert (view.scroll_y, view.vertical_scrollbar.position) == (50, 0)


def test_textual_takes_alt_with_a_digit_for_a_sign() -> None:
    """What Textual ships, not what the app has made of it."""
    shipped = runpy.run_path(str(_ansi_sequences.__file__))["ANSI_SEQUENCES_KEYS"]
    assert shipped["\x1b2"] == "™"
    assert set(SEQUENCES) <= set(shipped)


def test_alt_with_a_digit_is_read_as_such() -> None:
    read_alt_digits()
    parser = XTermParser()
    events = [*parser.feed("a\x1b2b\x1b7\x1b[A"), *parser.feed("")]
    assert [event.key for event in events if isinstance(event, Key)] == ["a", "alt+2", "b", "alt+7", "up"]


def test_textual_breaks_japanese_at_spaces_alone() -> None:
    assert divide_line("dで詳細を Escで戻る。", 16) == [6]


def test_japanese_breaks_between_its_characters() -> None:
    break_japanese()
    text = Content("dで詳細を Escで、戻る。")
    assert [line.plain.rstrip() for line in text.wrap(16)] == ["dで詳細を", "Escで、戻る。"]
    use(read_language("ja"))
    assert [line.plain.rstrip() for line in text.wrap(16)] == ["dで詳細を Esc", "で、戻る。"]


class Line(Widget):
    """One line, which counts how often Textual asks for it."""

    DEFAULT_CSS = "Line { height: 1; }"

    def __init__(self) -> None:
        super().__init__()
        self.text, self.renders = "before", 0

    def render(self) -> str:
        return self.text

    def render_lines(self, crop: Region) -> list[Strip]:
        self.renders += 1
        return super().render_lines(crop)


class ThreeLines(Screen[None]):
    def compose(self) -> ComposeResult:
        for _ in range(3):
            yield Line()


class ThreeLinesByRows(RowScreen[None], ThreeLines):
    pass


async def _renders_for_one_line(screen: Screen[None]) -> tuple[int, ...]:
    """Change the second of three lines, see it changed, and return how often each was rendered for that."""
    app = App[None]()
    async with app.run_test(size=(20, 6)) as pilot:
        await app.push_screen(screen)
        await pilot.pause()
        lines = list(screen.query(Line))
        before = [line.renders for line in lines]
        lines[1].text = "after"
        lines[1].refresh()
        await pilot.pause()
        found = tuple(line.renders - past for line, past in zip(lines, before, strict=True))
        assert "".join(strip.text.strip() for strip in screen._compositor.render_strips()) == "beforeafterbefore"
        return found


async def test_textual_renders_every_widget_for_one_line() -> None:
    assert await _renders_for_one_line(ThreeLines()) == (1, 1, 1)


async def test_a_screen_by_rows_renders_the_line_that_has_changed() -> None:
    assert await _renders_for_one_line(ThreeLinesByRows()) == (0, 1, 0)


class Lines(LineView):
    """Numbered lines in a height of its own."""

    DEFAULT_CSS = "Lines { height: 1fr; overflow-x: hidden; }"

    def render_line(self, y: int) -> Strip:
        index = y + self.scroll_offset.y
        text = f"line {index}" if index < self.virtual_size.height else ""
        return Strip([Segment(text.ljust(self.size.width))])


class Watched(Screen[None]):
    """Lines, and a page with one tall widget; counts layouts and repaints."""

    CSS = "#tall { height: 2; }"

    def __init__(self) -> None:
        super().__init__()
        self.layouts = self.repaints = 0

    def compose(self) -> ComposeResult:
        yield Lines()
        with VerticalScroll():
            yield Static(id="tall")

    def _refresh_layout(self, size: Size | None = None, scroll: bool = False) -> None:
        self.layouts += 1
        super()._refresh_layout(size, scroll)

    def _compositor_refresh(self) -> None:
        self.repaints += 1
        super()._compositor_refresh()

    def seen(self) -> list[str]:
        return [strip.text for strip in self._compositor.render_strips()]


class WatchedOnce(OneRepaintScreen[None], Watched):
    pass


async def _after(screen: Watched, height: int | None = None, n_lines: int | None = None) -> tuple[int, int]:
    """Make the page's widget so tall, or the number of lines such; return how many layouts and repaints that took."""
    app = App[None]()
    async with app.run_test(size=(20, 12)) as pilot:
        await app.push_screen(screen)
        screen.query_one(Lines).set_n_lines(2)
        await pilot.pause(0.1)
        screen.layouts = screen.repaints = 0
        if height is not None:
            screen.query_one("#tall").styles.height = height
        if n_lines is not None:
            screen.query_one(Lines).set_n_lines(n_lines)
        await pilot.pause(0.1)
        found, seen = (screen.layouts, screen.repaints), screen.seen()
        # Nothing is missing that one more layout would bring.
        screen.refresh(layout=True)
        await pilot.pause(0.1)
        assert screen.seen() == seen
        return found


async def test_textual_lays_out_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Widget, "_size_updated", TEXTUALS)
    assert (await _after(Watched(), height=4))[0] == 2


async def test_a_change_of_sizes_lays_out_once() -> None:
    lay_out_once()
    assert (await _after(Watched(), height=4))[0] == 1


async def test_a_scroll_bar_that_comes_is_laid_out() -> None:
    lay_out_once()
    assert (await _after(Watched(), height=40))[0] == 2


async def test_textual_lays_out_for_another_number_of_lines() -> None:
    lay_out_once()
    app, screen = App[None](), Watched()
    async with app.run_test(size=(20, 12)) as pilot:
        await app.push_screen(screen)
        await pilot.pause(0.1)
        screen.layouts = 0
        screen.query_one(Lines).virtual_size = Size(20, 3)
        await pilot.pause(0.1)
        assert screen.layouts == 1


async def test_another_number_of_lines_is_painted_without_a_layout() -> None:
    assert await _after(Watched(), n_lines=3) == (0, 1)


async def test_a_scroll_bar_of_lines_comes_with_them() -> None:
    assert (await _after(Watched(), n_lines=40))[0] >= 1


async def _repaints_of_a_longer_page(screen: Watched) -> int:
    """Make a page longer that has a scroll bar already, and return how often the screen was painted."""
    lay_out_once()
    app = App[None]()
    async with app.run_test(size=(20, 12)) as pilot:
        await app.push_screen(screen)
        screen.query_one("#tall").styles.height = 40
        await pilot.pause(0.1)
        screen.repaints = 0
        screen.query_one("#tall").styles.height = 80
        await pilot.pause(0.1)
        return screen.repaints


async def test_textual_paints_a_scroll_bar_after_its_layout() -> None:
    assert await _repaints_of_a_longer_page(Watched()) == 2


async def test_a_scroll_bar_is_painted_with_its_layout() -> None:
    assert await _repaints_of_a_longer_page(WatchedOnce()) == 1


async def _repaints_without_ticks(screen: Watched) -> int:
    """Change a text while Textual's timer of repaints does not tick, and return how often the screen was painted."""
    app = App[None]()
    async with app.run_test(size=(20, 12)) as pilot:
        await app.push_screen(screen)
        await pilot.pause(0.1)
        screen._update_timer.pause()
        screen._update_timer.resume = lambda: None  # type: ignore[method-assign]
        screen.repaints = 0
        screen.query_one(Static).update("new", layout=False)
        # Not by the pilot, which repaints.
        await asyncio.sleep(0.2)
        return screen.repaints


async def test_textual_waits_for_a_tick() -> None:
    assert await _repaints_without_ticks(Watched()) == 0


async def test_a_change_is_painted_without_a_tick() -> None:
    assert await _repaints_without_ticks(WatchedOnce()) == 1

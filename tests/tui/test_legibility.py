"""Every text on every screen can be read: WCAG 2.2 AA, in dark and light, with 16 colours and with none.

A text needs a contrast of 4.5. Dots of charts, frames and bars are no text, and WCAG does not ask it of them, nor of
what lies below an open dialog and does not react.
"""

from collections.abc import Iterator

import pytest
from rich.color import Color as RichColor
from rich.color import ColorSystem
from rich.style import Style
from tests.tui.driving import Start, settled
from textual.color import Color
from textual.pilot import Pilot
from textual.widgets import OptionList

from budgetscope.tui.app import BudgetscopeApp
from budgetscope.tui.legibility import DARK, DARK_16, LIGHT, LIGHT_16, TEXT_CONTRAST, contrast

SIZES = ((80, 24), (120, 40), (200, 60))
KEYS = (
    (), ("escape", "d"), ("escape", "escape", "l"), ("escape", "escape", "o"), ("escape", "escape", "2"), ("v",),
    ("escape", "3"), ("m",), ("4",), ("n",), ("5",), ("right",), ("6",), ("7",), ("down", "m", "down"), ("v",), ("?",),
    ("escape", "ctrl+p"),
)  # fmt: skip
XTERM = (
    (0, 0, 0), (205, 0, 0), (0, 205, 0), (205, 205, 0), (0, 0, 238), (205, 0, 205), (0, 205, 205), (229, 229, 229),
    (127, 127, 127), (255, 0, 0), (0, 255, 0), (255, 255, 0), (92, 92, 255), (255, 0, 255), (0, 255, 255),
    (255, 255, 255),
)  # fmt: skip
CONSOLE = (
    (0, 0, 0), (170, 0, 0), (0, 170, 0), (170, 85, 0), (0, 0, 170), (170, 0, 170), (0, 170, 170), (170, 170, 170),
    (85, 85, 85), (255, 85, 85), (85, 255, 85), (255, 255, 85), (85, 85, 255), (255, 85, 255), (85, 255, 255),
    (255, 255, 255),
)  # fmt: skip
DECORATION = frozenset(map(chr, (*range(0x2500, 0x25A0), *range(0x2800, 0x2900), 0x2581, 0x00B7)))


def is_text(text: str) -> bool:
    return bool(text.strip()) and not set(text.replace(" ", "")) <= DECORATION


def colour_of(colour: RichColor | None, palette: tuple[tuple[int, int, int], ...], default: Color) -> Color:
    if colour is None or colour.is_default:
        return default
    if colour.number is not None and colour.number < 16:
        return Color(*palette[colour.number])
    return Color(*colour.get_truecolor())


def illegible(
    app: BudgetscopeApp, palette: tuple[tuple[int, int, int], ...] = XTERM, system: ColorSystem | None = None
) -> Iterator[str]:
    dark = app.current_theme.dark
    paper, ink = (Color(0, 0, 0), Color(255, 255, 255)) if dark else (Color(255, 255, 255), Color(0, 0, 0))
    # Of a dialog alone: what lies below it does not react.
    shown = app.screen.children[0].region if app.screen.is_modal else app.screen.region
    for y, strip in enumerate(app.screen._compositor.render_strips()[shown.y : shown.bottom]):
        for text, style, _ in strip.crop(shown.x, shown.right):
            found = style or Style()
            fore, back = found.color, found.bgcolor
            if system is not None:
                fore, back = (None if colour is None else colour.downgrade(system) for colour in (fore, back))
            pair = colour_of(fore, palette, ink), colour_of(back, palette, paper)
            if found.reverse:
                pair = pair[1], pair[0]
            ratio = contrast(*pair)
            if is_text(text) and (ratio < TEXT_CONTRAST or found.dim):
                yield f"{y}: {text.strip()[:40]!r} {ratio:.2f} {found}"


async def walk(pilot: Pilot[None], *palettes: tuple[tuple[int, int, int], ...]) -> set[str]:
    assert isinstance(pilot.app, BudgetscopeApp)
    found: set[str] = set()
    for keys in KEYS:
        await pilot.press(*keys)
        await settled(pilot)
        for palette in palettes:
            found |= set(illegible(pilot.app, palette))
        if not palettes:
            found |= {*illegible(pilot.app), *illegible(pilot.app, system=ColorSystem.EIGHT_BIT)}
    return found


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("theme", [DARK, LIGHT])
async def test_every_text_has_the_contrast_that_wcag_asks(start: Start, theme: str, size: tuple[int, int]) -> None:
    async with start().run_test(size=size) as pilot:
        pilot.app.theme = theme
        assert await walk(pilot) == set()


@pytest.mark.parametrize("theme", [DARK_16, LIGHT_16])
async def test_sixteen_colours_of_xterm_and_of_the_console_are_enough(start: Start, theme: str) -> None:
    async with start().run_test(size=(120, 40)) as pilot:
        pilot.app.theme = theme
        assert await walk(pilot, XTERM, CONSOLE) == set()


async def test_without_colour_the_terminal_s_own_two_are_used(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with start().run_test(size=(120, 40)) as pilot:
        await settled(pilot)
        assert pilot.app.no_color
        assert await walk(pilot) == set()
        styles = [style for strip in pilot.app.screen._compositor.render_strips() for _, style, _ in strip if style]
        assert all(colour is None or colour.is_default for s in styles for colour in (s.color, s.bgcolor))


@pytest.mark.parametrize("keys", [("e",), ("2", "m"), ("ctrl+p",), ("l",)], ids=" ".join)
@pytest.mark.parametrize("theme", [DARK_16, LIGHT_16, DARK], ids=str)
async def test_the_chosen_option_of_a_list_is_told_apart_by_more_than_colour_where_there_is_little(
    start: Start, monkeypatch: pytest.MonkeyPatch, theme: str, keys: tuple[str, ...]
) -> None:
    if theme == DARK:
        monkeypatch.setenv("NO_COLOR", "1")
    async with start().run_test(size=(120, 40)) as pilot:
        pilot.app.theme = theme
        await pilot.press("escape", *keys)
        await settled(pilot)
        while not pilot.app.screen.query(OptionList):
            await pilot.pause(0.01)
        options = pilot.app.screen.query_one(OptionList)
        while not options.option_count or options.highlighted is None or not options.region.height:
            await pilot.pause(0.01)
        await pilot.pause()
        # The row of each option's first line, as the terminal gets it.
        rows = [
            {(bool(style.underline), bool(style.reverse)) for text, style, _ in strip if text.strip() and style}
            for strip in pilot.app.screen._compositor.render_strips()
        ]
        first = options.content_region.y - round(options.scroll_offset.y)
        at = {line: index for line, (index, offset) in enumerate(options._lines) if offset == 0}
        marked = {
            index for line, index in at.items() if 0 <= first + line < len(rows) and (True, False) in rows[first + line]
        }
        assert marked == {options.highlighted}


@pytest.mark.parametrize("theme", sorted({*BudgetscopeApp().available_themes} - {DARK, LIGHT, DARK_16, LIGHT_16}))
async def test_every_theme_of_the_palette_can_be_read(start: Start, theme: str) -> None:
    async with start().run_test(size=(120, 40)) as pilot:
        pilot.app.theme = theme
        await settled(pilot)
        assert isinstance(pilot.app, BudgetscopeApp)
        assert set(illegible(pilot.app)) == set()

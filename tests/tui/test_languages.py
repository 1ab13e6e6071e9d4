"""The app in other languages: no text bypasses the catalogue, and wide characters are laid out whole."""

import re
from collections.abc import AsyncIterator, Iterator

import pytest
from rich.cells import cell_len
from tests.asking import ADVISOR
from tests.pseudo import OTHER_LETTERS
from tests.tui.driving import Start, settled, shown, stage
from textual.pilot import Pilot
from tools import catalogue

from budgetscope.api.fields import FORM
from budgetscope.api.language import set_language
from budgetscope.cli.running import start_app
from budgetscope.core.language import _, code, use
from budgetscope.report.recipes.targets import TARGETS
from budgetscope.store.catalogues import read_language
from budgetscope.store.scoreboard import bundled_scoreboard
from budgetscope.tui.keys import KEYS, named
from budgetscope.tui.screens.compare.scenario_table import ScenarioTable
from budgetscope.tui.tabs import TABS
from budgetscope.tui.widgets.field_row import LABEL_WIDTH
from budgetscope.tui.widgets.key_bar import KeyBar

SIZES = ((80, 24), (120, 40))
WALK = (
    (), ("v",), ("c",), ("escape", "d"), ("escape", "o"), ("escape", "escape", "l"), ("down", "enter"), ("escape", "e"),
    ("escape", "A"), ("escape", "ctrl+p"), ("escape", "T"), ("enter",), ("enter",), ("enter",), ("enter",), ("enter",),
    ("escape", "?"), ("pagedown",), ("pagedown",), ("pagedown",), ("escape", "2"), ("v",), ("escape", "a"), ("m",),
    ("escape", "3"), ("m",), ("shift+left", "shift+left"), ("]",), ("4",), ("n",), ("pagedown",), ("pagedown",), ("5",),
    ("right",), ("d",), ("6",), ("7",), ("c",), ("c",), ("c",), ("i",), ("escape", "/", "9", "9", "9", "9"),
)  # fmt: skip
"""Keys through every screen, its views and its dialogs."""
NAMES = """
Alt Ctrl Shift Enter Esc PageUp PageDown Tab Space Backspace Delete Home End
budgetscope FLOP FLOPs TFLOP MFU PUE GPU GPU-h kWh MWh GB CO2 gCO2 nats token PyTorch AdamW beta2 lr std
N D C L ln rms UTC svg html md csv json README warmup-stable-decay bf16 fp16 fp32 d_ff
for days with of data on at 64 x H100 1 RTX 4090 2B tokens TFLOP/s 8 7 3 $500 Mac N=7B 14 hours
Porian Kaplan Chinchilla Besiroglu Hoffmann DeepSeek Meta RefinedWeb OpenWebText2 RW OWT2 Llama Step Law
nats, bits, bits-per-byte, perplexity isoflop, parametric mine/lab mine/calibrated standard smoke quick deep
value flops n_params tokens batch_tokens batch_sequences seq_len loss learning_rate beta2 seed step run counting
plan law hyperparameters device counting vocab seq len N= D= openeurollm dense h100-sxm gpus mfu price
"""
"""Keys, units, names, examples of what people type, columns of files: words that no language has of its own."""
CONSTANTS = """
coefficient exponent floor skew window alpha beta power-law-params saturating-power-law excess-power-law chinchilla
"""
_ENGLISH_COUNT = re.compile(r"[\d.]+ [KMBT]\b")
_WORD = re.compile(r"[A-Za-z]{2,}")
_DRAWN = re.compile(r"[^\s│]*[\u2800-\u28ff●○][^\s│]*|/\S+")
"""Parts of a chart, where letters of laws are no words; paths."""


def names() -> str:
    """Return the names that may be shown, or be shown in part."""
    texts = [NAMES, *(tab.name for tab in TABS), *(named(key) for each in KEYS for key in each.keys)]
    texts += [text for fit in ADVISOR.fits for text in (fit.id, fit.title)]
    texts += [text for device in ADVISOR.all_devices for text in (device.name, device.id)]
    texts += [target.trainer.title for target in TARGETS.values()]
    return "\n".join((*texts, *(grid.title for grid in bundled_scoreboard().grids)))


def stored_texts() -> str:
    """Return what stored fits say of themselves."""
    texts = [CONSTANTS]
    for fit in ADVISOR.fits:
        texts += [fit.method, fit.citation, fit.url, fit.tokenizer or "", fit.schedule or "", *fit.flags]
        texts += [*fit.provenance, *fit.provenance.values()]
        texts += [text for law in fit.laws.values() for text in (law.note, getattr(law.uncertainty, "basis", ""))]
    return "\n".join(texts)


async def walked(pilot: Pilot[None]) -> AsyncIterator[tuple[tuple[str, ...], list[str]]]:
    """Yield the lines of the window after each of the keys."""
    for keys in WALK:
        await pilot.press(*keys)
        await settled(pilot)
        yield keys, shown(pilot).split("\n")


@pytest.fixture
def japanese() -> Iterator[None]:
    use(read_language("ja"))
    yield
    use(None)


@pytest.fixture
def other_letters() -> Iterator[None]:
    use(OTHER_LETTERS)
    yield
    use(None)


@pytest.mark.usefixtures("japanese")
@pytest.mark.parametrize("size", SIZES)
async def test_lines_fill_the_window_and_wide_characters_and_counts_are_japanese_and_whole(
    start: Start, size: tuple[int, int]
) -> None:
    async with start().run_test(size=size) as pilot:
        await settled(pilot)
        async for keys, lines in walked(pilot):
            assert len(lines) == size[1], keys
            assert {cell_len(line) for line in lines} == {size[0]}, keys
            assert not [line for line in lines if "\0" in line or "�" in line], keys
            counts = {count for line in lines for count in _ENGLISH_COUNT.findall(line)}
            assert [count for count in counts if not any(count in fit.title for fit in ADVISOR.fits)] == [], keys


@pytest.mark.usefixtures("other_letters")
async def test_no_text_of_the_app_bypasses_the_catalogue(start: Start) -> None:
    allowed, stored = names(), stored_texts()
    async with start().run_test(size=(120, 40)) as pilot:
        await settled(pilot)
        async for keys, lines in walked(pilot):
            data = allowed + stored if stage(pilot).SECTION == "fits" else allowed
            words = {word for line in lines for word in _WORD.findall(_DRAWN.sub(" ", line))}
            assert sorted(word for word in words if word not in data) == [], keys


@pytest.mark.usefixtures("japanese")
@pytest.mark.parametrize("size", SIZES)
async def test_labels_are_shown_whole(start: Start, size: tuple[int, int]) -> None:
    async with start().run_test(size=size) as pilot:
        await settled(pilot)
        tabs = shown(pilot).split("\n")[0]
        assert [tab for tab in TABS if f"{tab.number} {_(tab.label)}" not in tabs] == []
        assert [field.label for field in FORM if cell_len(_(field.label)) >= LABEL_WIDTH] == []
        for keys, least in ((), 6), (("2",), 5), (("3",), 4), (("4",), 4), (("5",), 3), (("6",), 3), (("7",), 5):
            await pilot.press(*keys)
            await settled(pilot)
            hints = pilot.app.screen.query_one(KeyBar).shown
            assert {"app.help", "quit"} <= {hint.action for hint in hints}
            assert len(hints) >= least
            assert sum(hint.width for hint in hints) <= size[0] + 1
        await pilot.press("2")
        await settled(pilot)
        board = pilot.app.screen.query_one(ScenarioTable)
        assert board.board is not None
        text = shown(pilot)
        assert [row.label for row in board.board.rows[:12] if row.label not in text] == []


@pytest.mark.usefixtures("japanese")
async def test_no_figure_or_sentence_is_cut_beside_empty_space(start: Start) -> None:
    async with start().run_test(size=(120, 40)) as pilot:
        await settled(pilot)
        text = shown(pilot)
        assert [
            word for word in ("beta2", "重み減衰", "ウォームアップ", "ステップ", "所要時間") if word not in text
        ] == []
        cautions = text[text.index("判断を変えうる点") :]
        assert "（F6: 他" in cautions
        assert "…" not in cautions
        await pilot.press("3")
        await settled(pilot)
        assert "下限の値です。" in shown(pilot)


def test_every_text_of_the_table_of_keys_has_a_japanese_one() -> None:
    texts = {text for key in KEYS for text in (key.label.lstrip("0123456789 "), key.description) if text}
    assert sorted(text for text in texts if not catalogue.stored().get(text)) == []


@pytest.mark.usefixtures("japanese")
async def test_the_palette_and_the_help_name_the_screens(start: Start) -> None:
    async with start().run_test(size=(120, 40)) as pilot:
        await settled(pilot)
        await pilot.press("ctrl+p")
        await settled(pilot)
        assert "3 規模変更" in shown(pilot)


def test_the_app_takes_the_language_of_the_flag_the_setting_and_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    spoken: list[str] = []
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("budgetscope.tui.app.run_app", lambda: spoken.append(code()))
    monkeypatch.setenv("TEXTUAL_DRIVER", "none")
    start_app()
    start_app("ja")
    monkeypatch.setenv("LC_ALL", "ja_JP.UTF-8")
    start_app()
    set_language("en")
    start_app()
    assert spoken == ["en", "ja", "ja", "en"]

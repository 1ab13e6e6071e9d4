"""The language of a command: the flag, the setting, the environment."""

import subprocess
import sys

import pytest
from tests.cli.conftest import Cli
from tests.pseudo import PSEUDO, untranslated

from budgetscope import __version__
from budgetscope.api.language import parse_language, set_language, use_language
from budgetscope.core.errors import FailureError, UsageError
from budgetscope.store import catalogues
from budgetscope.store.locations import settings_file


def test_the_flag_comes_before_the_setting_and_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    assert use_language() == "en"
    monkeypatch.setenv("LC_ALL", "ja_JP.UTF-8")
    assert use_language() == "ja"
    set_language("en")
    assert use_language() == "en"
    assert use_language("ja") == "ja"


def test_the_first_locale_that_is_set_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANG", "ja_JP.UTF-8")
    assert use_language() == "en"  # LC_ALL is C.UTF-8
    monkeypatch.setenv("LC_ALL", "")
    monkeypatch.delenv("LC_MESSAGES", raising=False)
    assert use_language() == "ja"


@pytest.mark.parametrize("text", ["ja", "JA", "ja-JP", "ja_JP"])
def test_a_region_is_left_aside(text: str) -> None:
    assert parse_language(text) == "ja"


@pytest.mark.parametrize("text", ["", "fr", "jaa", "ja\x1b"])
def test_an_unknown_language_names_the_choices(text: str) -> None:
    with pytest.raises(UsageError, match="choose one of en, ja"):
        use_language(text)


def test_a_setting_of_no_language_names_the_remedy() -> None:
    settings_file().parent.mkdir(parents=True)
    settings_file().write_text('{"language": "fr"}', "utf-8")
    with pytest.raises(FailureError, match="budgetscope language ja"):
        use_language()
    set_language("ja")
    assert use_language() == "ja"


def test_the_flag_stands_before_or_after_the_command(cli: Cli) -> None:
    english = cli("plan", "1e21")
    for words in (("plan", "1e21", "--lang", "ja"), ("--lang", "ja", "plan", "1e21")):
        japanese = cli(*words)
        assert japanese.code == 0
        assert "H100" in japanese.out
    assert cli("plan", "1e21").out == english.out
    assert cli("plan", "1e21", "--lang", "en").out == english.out


def test_english_reads_no_catalogue() -> None:
    told = (
        "import sys; from budgetscope.cli.main import main; sys.argv = ['budgetscope', 'plan', '1e21']\n"
        "try: main()\n"
        "except SystemExit: assert 'budgetscope.store.catalogues' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", told], check=True, capture_output=True)


@pytest.mark.parametrize(
    "words",
    [
        ("plan", "64 H100 for 14 days", "--small-print"), ("plan", "1e21", "--max-params", "1e9"),
        ("compare", "1e21"), ("explain", "1e21"), ("value", "1e21", "--calibration", "2%"), ("memory", "1e21"),
        ("machines", "1e21"), ("export", "1e21"), ("prices", "show", "h100-sxm"),
    ],
    ids=" ".join,
)  # fmt: skip
def test_no_text_of_a_command_bypasses_the_catalogue(
    words: tuple[str, ...], cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catalogues, "read_language", lambda _: PSEUDO)
    monkeypatch.setenv("COLUMNS", "1000")
    shown = cli(*words, "--lang", "ja")
    assert shown.code == 0
    assert untranslated(shown.out, "64 x H100 for 14 days", __version__) == []


def test_a_printed_command_keeps_the_language(cli: Cli) -> None:
    assert "--lang" not in cli("plan", "1e21", "--md").out
    assert "plan 1e21 --lang ja\n```" in cli("plan", "1e21", "--md", "--lang", "ja").out

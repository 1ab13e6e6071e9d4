"""The catalogue of Japanese: complete, compiled, and checked by `tools/catalogue.py`."""

import gettext
from pathlib import Path

import pytest
from tools import catalogue

GOOD = 'msgid "{n} on {d}"\nmsgstr "{d}で{n}"\n'


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A source with two texts, and a place for its catalogue."""
    (tmp_path / "words.py").write_text('A = _("{n} on {d}")\nB = ngettext("{n} run", "{n} runs", 2)\n', "utf-8")
    monkeypatch.setattr(catalogue, "SOURCE", tmp_path)
    monkeypatch.setattr(catalogue, "PO", tmp_path / "budgetscope.po")
    monkeypatch.setattr(catalogue, "MO", tmp_path / "budgetscope.mo")
    return tmp_path


def stored(folder: Path, *entries: str) -> list[str]:
    (folder / "budgetscope.po").write_text("\n".join(entries), "utf-8")
    return catalogue.problems()


RUNS = 'msgid "{n} run"\nmsgid_plural "{n} runs"\nmsgstr[0] "{n}回"\n'


def test_the_catalogue_is_complete() -> None:
    assert catalogue.problems() == []


def test_a_text_without_an_entry_is_missing(small: Path) -> None:
    assert stored(small, GOOD) == ["missing: '{n} run'"]


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        (GOOD.replace("{d}で", ""), "placeholders differ: '{n} on {d}'"),
        (GOOD.replace("{d}で", "{x}で"), "placeholders differ: '{n} on {d}'"),
        (GOOD.replace("{d}で{n}", ""), "empty: '{n} on {d}'"),
        ("#, fuzzy\n" + GOOD, "fuzzy: '{n} on {d}'"),
        (GOOD + '\nmsgid "gone"\nmsgstr "無"\n', "obsolete: 'gone'"),
    ],
)
def test_a_wrong_entry_is_told(small: Path, entry: str, problem: str) -> None:
    assert stored(small, entry, RUNS) == [problem]


def test_written_files_are_checked_read_and_stable(small: Path) -> None:
    other = small / "other.po"
    other.write_text(f"{GOOD}\n{RUNS}", "utf-8")
    catalogue.PO.write_text(catalogue.po_text(catalogue.updated(other)), "utf-8")
    assert catalogue.problems() == ["budgetscope.mo is not compiled from budgetscope.po"]
    catalogue.MO.write_bytes(catalogue.mo_bytes(catalogue.stored()))
    assert catalogue.problems() == []
    assert catalogue.po_text(catalogue.updated()) == catalogue.PO.read_text("utf-8")
    with catalogue.MO.open("rb") as file:
        read = gettext.GNUTranslations(file)
    assert read.gettext("{n} on {d}") == "{d}で{n}"
    assert read.ngettext("{n} run", "{n} runs", 1) == "{n}回"

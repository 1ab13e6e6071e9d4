"""Lines of Japanese: where they may break."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from budgetscope.core.language import JAPANESE, Language, use
from budgetscope.report.wrapping import breaks, wrapped


def lines(text: str, width: int) -> list[str]:
    return [text[first:last] for first, last in pairwise([0, *breaks(text, width), len(text)])]


@pytest.mark.parametrize(
    ("text", "width", "expected"),
    [
        ("学習計算量は3e22です", 12, ["学習計算量は", "3e22です"]),
        ("期間は14日、費用", 10, ["期間は", "14日、費用"]),
        ("これは例です。次", 14, ["これは例です。", "次"]),
        ("これは例です。次", 12, ["これは例で", "す。次"]),
        ("規模（大）は", 6, ["規模", "（大）", "は"]),
        ("porian2024/rounded-rule", 10, ["porian2024", "/rounded-r", "ule"]),
        ("a bb ccc", 4, ["a bb ", "ccc"]),
        ("", 4, [""]),
    ],
)
def test_lines_break_between_characters_but_not_before_a_mark(text: str, width: int, expected: list[str]) -> None:
    assert lines(text, width) == expected


@given(st.text("学習、。（）ab1 .", max_size=40), st.integers(8, 30))
def test_no_line_is_too_long_and_nothing_is_lost(text: str, width: int) -> None:
    found = lines(text, width)
    assert "".join(found) == text
    assert all(cell_len(line.rstrip()) <= width for line in found)


def test_a_paragraph_breaks_as_its_language_does() -> None:
    assert wrapped("a bb ccc", 5, "  ") == ["a bb", "  ccc"]
    use(Language(JAPANESE, str, lambda one, _many, _n: one))
    try:
        assert wrapped("期間は14日、費用は9円です", 10, "  ") == ["期間は", "  14日、費", "  用は9円", "  です"]
        assert wrapped("", 10) == []
    finally:
        use(None)

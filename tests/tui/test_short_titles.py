"""Titles of laws in little room."""

from collections import Counter

import pytest

from budgetscope.api import Advisor
from budgetscope.tui.short_titles import fitted


@pytest.mark.parametrize(
    ("title", "width", "text"),
    [
        ("Llama 3 2024", 12, "Llama 3 2024"),
        ("Porian 2024, RefinedWeb, tuned", 29, "Porian, RefinedWeb, tuned"),
        ("Porian 2024, RefinedWeb, attention, cosine", 25, "RW, attention, cosine"),
        ("Porian 2024, RefinedWeb, attention, last layer", 23, "RW, att., last layer"),
        ("Porian 2024, RefinedWeb, counting the last layer", 29, "RW, counting the last layer"),
        ("Porian 2024, OpenWebText2, tuned", 20, "OpenWebText2, tuned"),
        ("Porian 2024, OpenWebText2, tuned, as published", 23, "OWT2, tuned, published"),
        ("Chinchilla, approach 2", 20, "Chinchilla… 2"),
        ("Chinchilla refit (Besiroglu 2024)", 29, "Chinchilla refit (Besiroglu)"),
        ("Chinchilla refit (Besiroglu 2024)", 20, "Chinchilla refit…"),
        ("Calibrated here: an English mix, 0.18 to 17.7 M parameters", 29, "Calibrated, 0.18 to 17.7 M"),
        ("Calibrated on our own code and its tests", 29, "Calibrated on our own… tests"),
        ("法則の長い名前", 7, "法則の…"),
        ("", 5, ""),
        ("abc", 1, "a"),
    ],
)
def test_what_is_common_goes_first(title: str, width: int, text: str) -> None:
    assert fitted(title, width) == text


@pytest.mark.parametrize("width", range(20, 50))
def test_no_two_bundled_laws_read_the_same(advisor: Advisor, width: int) -> None:
    found = [fitted(fit.title, width) for fit in advisor.fits]
    assert max(map(len, found)) <= width
    assert [title for title, number in Counter(found).items() if number > 1] == []
    words = {word.strip("(),.…") for fit in advisor.fits for word in (*fit.title.split(), "RW", "OWT2", "att")}
    assert {word.strip("(),.…") for title in found for word in title.split()} <= words

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
        ("Porian 2024, RefinedWeb, attention, cosine", 25, "Porian, RW, att., cosine"),
        ("Porian 2024, OpenWebText2, tuned", 20, "Porian, OWT2, tuned"),
        ("Chinchilla refit (Besiroglu 2024)", 23, "Chinchilla refi…u 2024)"),
        ("", 5, ""),
        ("abc", 1, "a"),
    ],
)
def test_what_is_common_goes_first(title: str, width: int, text: str) -> None:
    assert fitted(title, width).casefold() == text.casefold()


@pytest.mark.parametrize("width", range(20, 50))
def test_no_two_bundled_laws_read_the_same(advisor: Advisor, width: int) -> None:
    found = [fitted(fit.title, width) for fit in advisor.fits]
    assert max(map(len, found)) <= width
    assert [title for title, number in Counter(found).items() if number > 1] == []

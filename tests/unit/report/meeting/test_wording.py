"""Small parts of wording that the sections of a report share."""

import pytest

from budgetscope.core.language import JAPANESE, Language, use
from budgetscope.report.meeting.wording import dated


@pytest.mark.parametrize(
    ("date", "japanese"), [("2026-11", "2026年11月"), ("2026-09-05", "2026年9月5日"), ("last week", "last week")]
)
def test_a_date_is_written_as_the_language_writes_it(date: str, japanese: str) -> None:
    assert dated(date) == date
    use(Language(JAPANESE, lambda text: text, lambda one, many, n: one if n == 1 else many))
    try:
        assert dated(date) == japanese
    finally:
        use(None)

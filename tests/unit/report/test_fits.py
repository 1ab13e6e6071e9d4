from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.bundled import fit

from budgetscope.api import Advisor
from budgetscope.report.fit_difference import difference_markdown
from budgetscope.report.fit_page import fit_markdown, fit_sections
from budgetscope.report.fits import age_text, fit_row, matches, ordered, written
from budgetscope.store.fit_library import Entry

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
TUNED = "porian2024/refinedweb-tuned"


def entry(
    fit_id: str = TUNED,
    layer: str = "user",
    shadows: tuple[str, ...] = (),
    edited: bool = False,
    at: float | None = 0.0,
) -> Entry:
    return Entry(fit_id, layer, Path(f"/fits/{fit_id}.json"), fit(fit_id), "", shadows, edited, at)


BROKEN = Entry("mine/broken", "user", Path("/fits/mine/broken.json"), None, "it is [no] JSON.", (), edited=False)


def test_a_row_says_exponent_range_layer_and_age() -> None:
    row = fit_row(entry(shadows=("bundled",)))
    assert (row.exponent, row.exponent_interval) == ("0.499", "0.499 [0.488, 0.509]")
    assert row.fitted == "C 1.25e16 to 2.56e19"
    assert row.layer == "user over bundled"
    assert row.written == "1970-01-01"
    assert fit_row(entry(layer="bundled", at=None)).written == ""
    assert fit_row(entry("budgetscope2026/english", "bundled", at=None)).written == "2026-11-29"
    assert fit_row(BROKEN).title == "broken: it is [no] JSON."


@pytest.mark.parametrize(
    ("age", "text"),
    [
        (timedelta(hours=3), "today"), (timedelta(days=1), "1 day ago"), (timedelta(days=29), "29 days ago"),
        (timedelta(days=31), "1 month ago"), (timedelta(days=200), "6 months ago"),
        (timedelta(days=800), "2 years ago"),
        (timedelta(days=-1), "today"),
    ],
)  # fmt: skip
def test_ages_are_in_the_largest_unit_that_fits(age: timedelta, text: str) -> None:
    assert age_text(NOW - age, NOW) == text


def test_when_a_fit_was_made_is_its_provenances_word_and_else_its_files() -> None:
    assert written(entry("budgetscope2026/english")) == datetime(2026, 11, 29, 20, 18, 36, tzinfo=UTC)
    assert written(entry()) == datetime(1970, 1, 1, tzinfo=UTC)
    assert written(entry(at=None)) is None


def test_own_fits_come_first_and_broken_files_last() -> None:
    step, bundled = entry("porian2024/refinedweb-cosine", "bundled"), entry(layer="bundled")
    user = entry("meta2024/llama3", "user")
    assert ordered([BROKEN, step, bundled, user]) == (user, bundled, step, BROKEN)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", True),
        ("tuned PORIAN", True),
        ("user edited", True),
        ("loss surface", False),
        ("broken", False),
        ("over", True),
    ],
)
def test_a_filter_wants_every_word(text: str, found: bool) -> None:
    assert matches(entry(shadows=("bundled",), edited=True), text) == found


def test_a_page_says_everything_and_markdown_escapes_it() -> None:
    sections = fit_sections(entry(edited=True), NOW)
    words = "\n".join(f"{label} {text}" for section in sections for label, text in section.lines)
    tuned = fit(TUNED)
    for text in (*tuned.flags, tuned.citation, tuned.method, *tuned.provenance.values(), "its content does not match"):
        assert text in words
    assert "exponent 0.498544 [0.4879, 0.5092]" in words
    markdown = fit_markdown(BROKEN, NOW)
    assert "it is \\[no\\] JSON." in markdown


def test_a_difference_has_factors_and_the_difference_of_losses() -> None:
    difference = Advisor().fit_library.difference(TUNED, "besiroglu2024/refit", ["1e21"])
    text = difference_markdown(difference)
    (change,) = difference.budgets
    assert change.before.n_params is not None
    assert change.after.n_params is not None
    assert change.before.loss is not None
    assert change.after.loss is not None
    assert f"x{change.after.n_params / change.before.n_params:.3g}" in text
    assert f"{change.after.loss - change.before.loss:+.3f}" in text

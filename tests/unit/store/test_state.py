from pathlib import Path

import pytest

from budgetscope.core.errors import FailureError
from budgetscope.store import locations
from budgetscope.store.app_state import AppState, read_state, write_state

STATE = AppState({"budget": "1e20", "mfu": 0.4}, "mine", "plan", "textual-light", {"plan": {"view": "chart", "n": 3}})


def test_no_file_is_an_empty_state(tmp_path: Path) -> None:
    assert read_state(tmp_path / "none.json") == AppState()


def test_what_was_written_is_read(tmp_path: Path) -> None:
    write_state(STATE, tmp_path / "app.json")
    assert read_state(tmp_path / "app.json") == STATE


def test_it_is_kept_in_the_users_state_folder() -> None:
    write_state(STATE)
    assert locations.state_file().is_file()
    assert read_state() == STATE


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "{}",
        '{"request": [], "scenario": "", "screen": "", "theme": "", "views": {}}',
        '{"request": {"budget": [1]}, "scenario": "", "screen": "", "theme": "", "views": {}}',
        '{"request": {}, "scenario": "", "screen": "", "theme": "", "views": {"plan": 3}}',
    ],
)
def test_a_broken_file_is_told_in_one_sentence(tmp_path: Path, text: str) -> None:
    path = tmp_path / "app.json"
    path.write_text(text)
    with pytest.raises(FailureError, match="is not restored") as failure:
        read_state(path)
    assert str(path) in str(failure.value)

import errno
import json
import threading
from pathlib import Path

import pytest

from budgetscope.api import PlanRequest, from_record, to_record
from budgetscope.core.errors import FailureError, UsageError
from budgetscope.store import locations
from budgetscope.store.scenarios import (
    MAX_NAME_CHARS,
    Scenario,
    delete_scenario,
    duplicate_scenario,
    read_scenarios,
    rename_scenario,
    save_scenario,
)

SMALL = Scenario("small", {"budget": "1e20"})
BIG = Scenario("big", {"budget": "64 H100 for 14 days", "mfu": 0.5, "seq_len": 4096})


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "deep" / "scenarios.json"
    save_scenario(SMALL, path)
    save_scenario(BIG, path)
    return path


def names(path: Path) -> list[str]:
    return [scenario.name for scenario in read_scenarios(path)]


def test_no_file_is_no_scenarios(tmp_path: Path) -> None:
    assert read_scenarios(tmp_path / "none.json") == ()


def test_saved_scenarios_come_back_in_their_order(path: Path) -> None:
    assert read_scenarios(path) == (SMALL, BIG)


def test_they_are_kept_in_the_users_data_folder() -> None:
    save_scenario(SMALL)
    assert locations.scenarios_file().is_file()
    assert read_scenarios() == (SMALL,)


def test_a_disk_that_does_not_say_what_is_there_loses_nothing(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Path, **_: object) -> None:
        raise OSError(errno.EIO, "Input/output error", str(self))

    monkeypatch.setattr(Path, "stat", refuse)
    with pytest.raises(FailureError, match="input/output error"):
        save_scenario(Scenario("new", {}), path)
    monkeypatch.undo()
    assert read_scenarios(path) == (SMALL, BIG)


def test_saving_under_a_name_again_takes_its_place(path: Path) -> None:
    again = Scenario("small", {"budget": "2e20"})
    save_scenario(again, path)
    assert read_scenarios(path) == (again, BIG)


def test_renaming_keeps_the_place_and_the_request(path: Path) -> None:
    rename_scenario("small", "  tiny ", path)
    assert read_scenarios(path) == (Scenario("tiny", SMALL.request), BIG)
    rename_scenario("tiny", "tiny", path)
    assert names(path) == ["tiny", "big"]


def test_renaming_to_a_name_that_is_taken_is_refused(path: Path) -> None:
    with pytest.raises(UsageError, match="'big' already"):
        rename_scenario("small", "big", path)
    assert names(path) == ["small", "big"]


def test_copies_stand_behind_and_say_so(path: Path) -> None:
    assert duplicate_scenario("small", path) == Scenario("small copy", SMALL.request)
    assert duplicate_scenario("small", path).name == "small copy 2"
    assert names(path) == ["small", "small copy 2", "small copy", "big"]


def test_a_copy_of_the_longest_name_is_still_a_name(path: Path) -> None:
    longest = "x" * MAX_NAME_CHARS
    save_scenario(Scenario(longest, SMALL.request), path)
    assert duplicate_scenario(longest, path).name == longest[:-5] + " copy"


def test_a_deleted_scenario_is_gone(path: Path) -> None:
    delete_scenario("small", path)
    assert names(path) == ["big"]


def test_what_is_not_there_is_named(path: Path) -> None:
    for refused in (
        lambda: delete_scenario("lost", path),
        lambda: rename_scenario("lost", "found", path),
        lambda: duplicate_scenario("lost", path),
    ):
        with pytest.raises(UsageError, match="no scenario is called 'lost'"):
            refused()


@pytest.mark.parametrize("name", ["", "  ", "a\nb", "\x1b[31m", "x" * (MAX_NAME_CHARS + 1)])
def test_a_name_that_is_none_is_refused(path: Path, name: str) -> None:
    with pytest.raises(UsageError):
        save_scenario(Scenario(name, SMALL.request), path)
    with pytest.raises(UsageError):
        rename_scenario("small", name, path)
    assert names(path) == ["small", "big"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        '{"schema": 1}',
        '{"schema": 1, "scenarios": [{}]}',
        '{"schema": 1, "scenarios": [{"name": 3, "request": {}}]}',
        '{"schema": 1, "scenarios": [{"name": "a", "request": []}]}',
        '{"schema": 1, "scenarios": [{"name": "a", "request": {"budget": [1]}}]}',
        '{"schema": 1, "scenarios": [{"name": "", "request": {"budget": "1e20"}}]}',
        '{"schema": 1, "scenarios": [{"name": "a", "request": {}}, {"name": "a", "request": {}}]}',
        '{"schema": 2, "scenarios": []}',
        "[" * 100000,
    ],
)
def test_a_broken_file_is_told_in_one_sentence_and_left_as_it_is(path: Path, text: str) -> None:
    path.write_text(text)
    for refused in (
        lambda: read_scenarios(path),
        lambda: save_scenario(SMALL, path),
        lambda: delete_scenario("small", path),
        lambda: rename_scenario("small", "tiny", path),
        lambda: duplicate_scenario("small", path),
    ):
        with pytest.raises(FailureError) as failure:
            refused()
        assert str(path) in str(failure.value)
        assert "\n" not in str(failure.value)
    assert path.read_text() == text


def test_writers_at_the_same_time_lose_nothing(path: Path) -> None:
    threads = [
        threading.Thread(target=save_scenario, args=(Scenario(f"s{number}", SMALL.request), path))
        for number in range(12)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(names(path)) == {"small", "big", *(f"s{number}" for number in range(12))}


def test_a_request_goes_through_a_scenario_unchanged(path: Path) -> None:
    request = PlanRequest("1e21", "a/b", None, "A100", 64.0, 0.425, 2.5, 2048, 50432, "total")
    save_scenario(Scenario("full", to_record(request)), path)
    assert from_record(read_scenarios(path)[-1].request) == request


@pytest.mark.parametrize(
    "record",
    [{}, {"mfu": 0.4}, {"budget": 3}, {"budget": "1e20", "gpus": "64"}, {"budget": "1e20", "seq_len": 2.5},
     {"budget": "1e20", "mfu": True}, {"budget": "1e20", "colour": "red"}],
)  # fmt: skip
def test_a_record_that_is_no_request_is_refused(record: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        from_record(record)


def test_the_file_is_plain_json(path: Path) -> None:
    assert json.loads(path.read_text())["scenarios"][0] == {"name": "small", "request": {"budget": "1e20"}}

"""Saved scenarios as requests; the file itself is tested in `unit/store`."""

import pytest

from budgetscope.api import PlanRequest
from budgetscope.api.scenarios import (
    SavedScenario,
    delete_scenario,
    duplicate_scenario,
    read_scenarios,
    rename_scenario,
    save_scenario,
)
from budgetscope.core.errors import UsageError
from budgetscope.store import scenarios as stored

REQUEST = PlanRequest("64 H100 for 14 days", law="hoffmann2022/approach-2", mfu=0.5, seq_len=4096)


def test_a_request_comes_back_as_it_was_saved() -> None:
    save_scenario("weeks", REQUEST)
    save_scenario("small", PlanRequest("1e20"))
    assert read_scenarios() == (SavedScenario("weeks", REQUEST), SavedScenario("small", PlanRequest("1e20")))
    rename_scenario("small", "tiny")
    assert duplicate_scenario("weeks") == "weeks copy"
    delete_scenario("weeks")
    assert [(each.name, each.request) for each in read_scenarios()] == [
        ("weeks copy", REQUEST),
        ("tiny", PlanRequest("1e20")),
    ]


@pytest.mark.parametrize("record", [{"budget": "1e21", "colour": "red"}, {"mfu": 0.4}, {"budget": 1e21}])
def test_a_record_that_is_no_request_is_told_with_its_name(record: dict[str, str | float]) -> None:
    stored.save_scenario(stored.Scenario("odd", record))
    (found,) = read_scenarios()
    assert (found.name, found.request) == ("odd", None)
    assert found.problem.endswith(".")


@pytest.mark.parametrize("name", ["", "  ", "x" * 61, "a\nb"])
def test_a_name_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match=r"name"):
        save_scenario(name, REQUEST)
    assert read_scenarios() == ()

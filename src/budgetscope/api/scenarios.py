"""The user's saved scenarios: requests with a name."""

from dataclasses import dataclass

from budgetscope.api.request import PlanRequest, from_record, to_record
from budgetscope.core.errors import UsageError
from budgetscope.store import scenarios as _store


@dataclass(frozen=True, slots=True)
class SavedScenario:
    """A saved request with a name.

    Attributes:
        name: unique.
        request: None when it cannot be read.
        problem: why it cannot be read, one sentence; empty otherwise.
    """

    name: str
    request: PlanRequest | None
    problem: str = ""


def read_scenarios() -> tuple[SavedScenario, ...]:
    """Return the scenarios in the order of saving.

    Raises:
        FailureError: the file is broken.
    """
    return tuple(map(_read, _store.read_scenarios()))


def _read(stored: _store.Scenario) -> SavedScenario:
    try:
        return SavedScenario(stored.name, from_record(stored.request))
    except UsageError as error:
        return SavedScenario(stored.name, None, str(error))


def save_scenario(name: str, request: PlanRequest) -> None:
    """Save a request under a name; it replaces a scenario of the same name.

    Raises:
        UsageError: the name is empty, too long or not printable.
        FailureError: the file is broken (it is not changed), or cannot be written.
    """
    _store.save_scenario(_store.Scenario(name, to_record(request)))


def rename_scenario(name: str, new_name: str) -> None:
    """Rename a scenario; its position is kept.

    Raises:
        UsageError: there is no such scenario, or the new name is taken or invalid.
        FailureError: as `save_scenario`.
    """
    _store.rename_scenario(name, new_name)


def duplicate_scenario(name: str) -> str:
    """Save a copy of a scenario after it, and return the copy's name.

    Raises:
        UsageError: there is no such scenario.
        FailureError: as `save_scenario`.
    """
    return _store.duplicate_scenario(name).name


def delete_scenario(name: str) -> None:
    """Remove a scenario.

    Raises:
        UsageError: there is no such scenario.
        FailureError: as `save_scenario`.
    """
    _store.delete_scenario(name)

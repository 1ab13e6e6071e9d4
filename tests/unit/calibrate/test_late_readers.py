"""Workers that read the logs a moment too early: nothing is planned or trained a second time."""

from collections.abc import Callable
from types import ModuleType

import pytest

from budgetscope.calibrate.orchestrate import Journal, Stop, _Course, carry_on, journal_of
from budgetscope.calibrate.run.claims import Claims
from budgetscope.calibrate.run.folder import RunFolder
from budgetscope.calibrate.run.logs import RunReader
from budgetscope.calibrate.run.stages import unfinished
from budgetscope.store.files import listed


@pytest.fixture
def course(fake: ModuleType) -> Callable[[RunFolder, Journal], _Course]:
    """The way of one more worker through a run."""
    return lambda folder, journal: _Course(
        folder,
        folder.spec(),
        fake.FakeTrainer(),
        Stop(folder.stop_file),
        journal,
        RunReader(folder.path),
        Claims(folder, journal.key),
    )


def test_what_was_finished_since_the_logs_were_read_is_not_trained_again(
    new_run: Callable[[], RunFolder], course: Callable[[RunFolder, Journal], _Course], fake: ModuleType
) -> None:
    folder = new_run()
    with journal_of(folder) as journal:
        late = course(folder, journal)
        late._publish(1, {"": folder.spec().design.stage1})
        slices = unfinished(late.read().cells, 1, longest_first=False)
        # Meanwhile another worker trains all, and ends.
        assert carry_on(folder, folder.spec(), fake.FakeTrainer(), Stop(folder.stop_file)).status == "done"
        late.read()
        assert late._train(slices, ())
        assert not late.trainer.trained  # type: ignore[attr-defined]


def test_of_two_workers_that_plan_at_once_the_first_counts(
    new_run: Callable[[], RunFolder], course: Callable[[RunFolder, Journal], _Course]
) -> None:
    folder = new_run()
    cells = folder.spec().design.stage1
    with journal_of(folder) as one, journal_of(folder) as other:
        first, second = course(folder, one), course(folder, other)
        assert not first.read().planned
        assert not second.read().planned
        first._publish(1, {"": cells})
        second._publish(1, {"": cells})
        assert [path.name for path in listed(folder.plans)] == ["0000.jsonl"]
        assert second.read().planned
        second._publish(2, {"": folder.spec().design.stage2})
        assert [path.name for path in listed(folder.plans)] == ["0000.jsonl", "0001.jsonl"]

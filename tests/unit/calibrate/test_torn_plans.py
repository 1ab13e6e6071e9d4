"""Plans and logs that were damaged after the run went on: it is told, and the run heals."""

from types import ModuleType

import pytest

from budgetscope.calibrate.orchestrate import Stop, carry_on
from budgetscope.calibrate.run.folder import RunFolder
from budgetscope.calibrate.run.state import RunState


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.99])
@pytest.mark.parametrize("number", [0, 1])
def test_a_plan_that_is_cut_is_told_even_between_two_lines(
    done_run: RunFolder, whole_state: RunState, number: int, share: float
) -> None:
    folder = done_run
    assert not whole_state.damage
    plan = folder.plans / f"{number:04d}.jsonl"
    data = plan.read_bytes()
    plan.write_bytes(data[: round(share * len(data))])
    assert "cannot be read: 1;" in folder.state().damage
    # Between two lines.
    plan.write_bytes(data[: data.index(b"\n") + 1])
    assert "cannot be read: 1;" in folder.state().damage
    plan.write_bytes(data)
    assert not folder.state().damage


def test_a_cell_of_stage_1_whose_end_is_lost_is_trained_again_after_stage_2_was_planned(
    done_run: RunFolder, whole_state: RunState, fake: ModuleType
) -> None:
    folder = done_run
    (log,) = folder.workers.iterdir()
    lines = log.read_bytes().splitlines(keepends=True)
    end = next(number for number, line in enumerate(lines) if b'"cell_done"' in line)
    log.write_bytes(b"".join([*lines[:end], b"damaged\n", *lines[end + 1 :]]))
    (lost,) = (key for key, cell in folder.state().cells.items() if not cell.finished)
    trainer = fake.FakeTrainer()
    again = carry_on(folder, folder.spec(), trainer, Stop(folder.stop_file))
    assert trainer.trained == [lost]
    assert again.cells[lost].readings == whole_state.cells[lost].readings
    assert all(cell.finished for cell in again.cells.values())

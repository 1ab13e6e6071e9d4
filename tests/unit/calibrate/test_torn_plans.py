"""Plans that were cut: a plan is written as a whole, so its end is missed even where no line is damaged."""

from collections.abc import Callable
from types import ModuleType

import pytest

from budgetscope.calibrate.orchestrate import Stop, carry_on
from budgetscope.calibrate.run.folder import RunFolder


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.99])
@pytest.mark.parametrize("number", [0, 1])
def test_a_plan_that_is_cut_is_told(
    new_run: Callable[[], RunFolder], fake: ModuleType, number: int, share: float
) -> None:
    folder = new_run()
    assert not carry_on(folder, folder.spec(), fake.FakeTrainer(), Stop(folder.stop_file)).damage
    plan = folder.plans / f"{number:04d}.jsonl"
    data = plan.read_bytes()
    plan.write_bytes(data[: round(share * len(data))])
    assert "cannot be read: 1;" in folder.state().damage
    # Between two lines.
    plan.write_bytes(data[: data.index(b"\n") + 1])
    assert "cannot be read: 1;" in folder.state().damage
    plan.write_bytes(data)
    assert not folder.state().damage

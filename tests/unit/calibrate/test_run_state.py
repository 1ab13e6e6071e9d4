"""The state of a run, as a fold over its records."""

import pytest

from budgetscope.calibrate.plan.spec import Spec
from budgetscope.calibrate.run import events, progress
from budgetscope.calibrate.run.events import Event, Record
from budgetscope.calibrate.run.state import RunState, fold


def folded(*stream: tuple[float, Event]) -> RunState:
    return fold(Record(seq, t, 1, event) for seq, (t, event) in enumerate(stream))


def begun(spec: Spec, peak: float | None = 1e9) -> list[tuple[float, Event]]:
    cells = spec.design.stage1[:2]
    return [
        (0.0, events.RunStarted("0", "a processor", {}, peak, {})),
        (1.0, events.StagePlanned(1, cells, complete=True)),
        (5.0, progress.Started(tuple(c.id for c in cells), 0, "eager", 1, 4.0)),
    ]


def test_throughput_and_mfu_come_from_the_times_of_the_steps(spec: Spec) -> None:
    a, b = spec.design.stage1[:2]
    flops = a.shape.executed_flops_per_token
    state = folded(
        *begun(spec),
        (7.0, progress.Step((a.id, b.id), 1000, (5.0, 5.0), 1000.0, 1.0)),
        (8.0, progress.Step((a.id, b.id), 2000, (4.0, None), 1000.0, 1.0)),
    )
    # Two members over 1000 tokens, then one: the other has finished or diverged.
    assert state.trained_flops == pytest.approx(3000 * flops)
    assert (state.trained_seconds, state.trained_tokens, state.startup_seconds) == (3.0, 3000, 4.0)
    assert state.mfu == pytest.approx(3000 * flops / 3.0 / 1e9)
    assert state.cells[a.id].curve == ((1000, 5.0), (2000, 4.0))
    assert state.cells[b.id].tokens == 1000
    left = state.seconds_left(spec.design)
    to_come = sum(c.shape.executed_flops_per_token * c.tokens for c in spec.design.stage2)
    waiting = flops * (a.tokens - 2000 + b.tokens - 1000)
    assert left == pytest.approx((to_come + waiting) / (state.trained_flops / 3.0))


def test_without_a_matrix_rate_there_is_no_mfu(spec: Spec) -> None:
    ids = tuple(c.id for c in spec.design.stage1[:2])
    state = folded(*begun(spec, None), (7.0, progress.Step(ids, 1000, (5.0, 5.0), 1.0, 1.0)))
    assert state.mfu is None
    assert RunState().seconds_left(spec.design) is None


def test_best_is_the_lowest_final_loss(spec: Spec) -> None:
    a, b = spec.design.stage1[:2]
    stream = begun(spec)
    for cell, loss in ((a, 3.0), (b, 2.5)):
        stream += [(8.0, progress.LossReading(cell.id, cell.tokens, loss, 0.0, 1)), (8.0, progress.Finished(cell.id))]
    state = folded(*stream)
    assert state.best is not None
    assert (state.best.cell, state.best.final_loss) == (b, 2.5)
    assert state.remaining_flops == 0


def test_nothing_changes_a_finished_cell(spec: Spec) -> None:
    a = spec.design.stage1[0]
    end: list[tuple[float, Event]] = [
        (8.0, progress.LossReading(a.id, a.tokens, 3.0, 0.0, 1)),
        (8.0, progress.Finished(a.id)),
    ]
    late: list[tuple[float, Event]] = [
        (9.0, progress.Started((a.id,), 0, "eager", 1, 0.0)),
        (9.0, progress.LossReading(a.id, a.tokens, 9.0, 0.0, 1)),
        (9.0, progress.Diverged(a.id, 5, "late")),
    ]
    assert folded(*begun(spec), *end, *late).cells[a.id] == folded(*begun(spec), *end).cells[a.id]


def test_split_is_said_and_its_second_half_waits(spec: Spec) -> None:
    a, b = spec.design.stage1[:2]
    state = folded(*begun(spec), (6.0, progress.Split((1, 1))), (7.0, progress.Started((a.id,), 0, "eager", 1, 0.0)))
    assert state.notes == ("a stack of 2 did not fit into memory and goes on as 1 and 1",)
    assert (state.cells[a.id].status, state.cells[b.id].status) == ("running", "planned")


def test_worker_that_comes_back_finds_nothing_running(spec: Spec) -> None:
    state = folded(*begun(spec), *begun(spec)[:1])
    assert {s.status for s in state.cells.values()} == {"planned"}
    assert state.running == ()


def test_problems_are_kept_once(spec: Spec) -> None:
    note = (2.0, events.Note("the grid is too small", problem=True))
    state = folded(*begun(spec), note, note)
    assert state.problems == ("the grid is too small",)
    assert len(state.notes) == 2

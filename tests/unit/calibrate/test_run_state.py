"""The state of a run: a fold over the records of each log, and what the logs say together."""

import pytest

from budgetscope.calibrate.plan.spec import Spec
from budgetscope.calibrate.run import events, progress
from budgetscope.calibrate.run.events import Event, Record
from budgetscope.calibrate.run.fold import LogState, fold
from budgetscope.calibrate.run.state import RunState, combine

Timed = tuple[float, Event]


def log(*stream: Timed, launch: int = 1, slot: int = 0, start: int = 1) -> LogState:
    """Return the state of the log of one start of a worker."""
    empty = LogState(f"{launch:04d}-{slot}-{start}", launch, str(slot), start)
    return fold((Record(seq, t, start, event) for seq, (t, event) in enumerate(stream)), empty)


def plan(spec: Spec) -> LogState:
    """Return the state of a plan of two cells."""
    return fold(
        [Record(0, 1.0, 0, events.StagePlanned(1, spec.design.stage1[:2], complete=True))], LogState("plan 0000")
    )


def folded(spec: Spec, *stream: Timed) -> RunState:
    """Return the state of a run of two cells and one worker."""
    return combine([plan(spec), log(*stream)])


def begun(spec: Spec, peak: float | None = 1e9) -> list[Timed]:
    cells = spec.design.stage1[:2]
    return [
        (0.0, events.RunStarted("0", "a processor", {}, peak, {})),
        (5.0, progress.Started(tuple(c.id for c in cells), 0, "eager", 1, 4.0)),
    ]


def test_throughput_and_mfu_come_from_the_times_of_the_steps(spec: Spec) -> None:
    a, b = spec.design.stage1[:2]
    flops = a.shape.executed_flops_per_token
    state = folded(
        spec,
        *begun(spec),
        (7.0, progress.Step((a.id, b.id), 1000, (5.0, 5.0), 1000.0, 1000.0 * flops)),
        (8.0, progress.Step((a.id, b.id), 2000, (4.0, None), 1000.0, 1000.0 * flops)),
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


@pytest.mark.parametrize("gap", [8 * 3600.0, -1e6, 1e11])
def test_time_in_which_a_worker_was_suspended_or_its_clock_was_set_is_no_training(spec: Spec, gap: float) -> None:
    ids = tuple(c.id for c in spec.design.stage1[:2])

    def step(t: float, tokens: int) -> Timed:
        return t, progress.Step(ids, tokens, (5.0, 5.0), 1.0, 1.0)

    shifted = [(1e8 + t, event) for t, event in (*begun(spec), step(7.0, 1000), step(8.0, 2000))]
    later = [(1e8 + gap + t, event) for t, event in ((10.0, events.Heartbeat()), step(11.0, 3000), step(12.5, 4000))]
    state = folded(spec, *shifted, *later)
    # The moment before the gap, and after it, is not known.
    assert state.trained_seconds == pytest.approx(3.0 + 1.0 + 1.5, abs=1e-3)
    assert state.trained_tokens == 8000


def test_without_a_matrix_rate_there_is_no_mfu(spec: Spec) -> None:
    ids = tuple(c.id for c in spec.design.stage1[:2])
    state = folded(spec, *begun(spec, None), (7.0, progress.Step(ids, 1000, (5.0, 5.0), 1.0, 1.0)))
    assert state.mfu is None
    assert RunState().seconds_left(spec.design) is None


def test_best_is_the_lowest_final_loss(spec: Spec) -> None:
    a, b = spec.design.stage1[:2]
    stream = begun(spec)
    for cell, loss in ((a, 3.0), (b, 2.5)):
        stream += [(8.0, progress.LossReading(cell.id, cell.tokens, loss, 0.0, 1)), (8.0, progress.Finished(cell.id))]
    state = folded(spec, *stream)
    assert state.best is not None
    assert (state.best.cell, state.best.final_loss) == (b, 2.5)
    assert state.remaining_flops == 0


def test_nothing_but_a_new_start_of_its_own_worker_changes_a_finished_cell(spec: Spec) -> None:
    a = spec.design.stage1[0]
    end: list[Timed] = [
        (8.0, progress.LossReading(a.id, a.tokens, 3.0, 0.0, 1)),
        (8.0, progress.Finished(a.id)),
    ]
    late = (9.0, progress.Diverged(a.id, 5, "late"))
    again: list[Timed] = [
        (9.0, progress.Started((a.id,), 0, "eager", 1, 0.0)),
        (9.0, progress.LossReading(a.id, a.tokens, 9.0, 0.0, 1)),
        late,
    ]
    first = log(*begun(spec), *end)
    done = combine([plan(spec), first]).cells[a.id]
    assert (done.status, done.final_loss) == ("done", 3.0)
    assert folded(spec, *begun(spec), *end, late).cells[a.id] == done
    assert combine([plan(spec), first, log(*begun(spec), *again, slot=1)]).cells[a.id] == done
    # It lacked a reading.
    assert folded(spec, *begun(spec), *end, *again).cells[a.id].status == "diverged"


def test_split_is_said_and_its_second_half_waits(spec: Spec) -> None:
    a, b = spec.design.stage1[:2]
    state = folded(
        spec, *begun(spec), (6.0, progress.Split((1, 1))), (7.0, progress.Started((a.id,), 0, "eager", 1, 0.0))
    )
    assert state.notes == ("a stack of 2 did not fit into memory and goes on as 1 and 1",)
    assert (state.cells[a.id].status, state.cells[b.id].status) == ("running", "planned")


def test_worker_that_was_started_again_finds_nothing_running(spec: Spec) -> None:
    first, ids = log(*begun(spec)), tuple(c.id for c in spec.design.stage1[:2])
    assert combine([plan(spec), first]).running == ids
    for again in (log(begun(spec)[0], start=2), log(begun(spec)[0], launch=2)):
        state = combine([plan(spec), first, again])
        assert {s.status for s in state.cells.values()} == {"planned"}
        assert (state.running, state.starts, len(state.workers)) == ((), 2, 1)
    beside = combine([plan(spec), first, log(begun(spec)[0], slot=1)])
    assert beside.running == ids
    assert [worker.slot for worker in beside.workers] == ["0", "1"]


def test_log_of_old_is_plan_and_worker_in_one(spec: Spec) -> None:
    a, b = spec.design.stage1[:2]
    stream: list[Timed] = [
        begun(spec)[0],
        (1.0, events.StagePlanned(1, (a, b), complete=True)),
        *begun(spec)[1:],
        (7.0, progress.Step((a.id, b.id), 1000, (5.0, 5.0), 1000.0, 1.0)),
    ]
    first = fold((Record(seq, t, 1, event) for seq, (t, event) in enumerate(stream)), LogState("events"))
    state = combine([first])
    assert (state.status, state.stage, state.planned, state.starts) == ("running", 1, True, 1)
    assert state.running == (a.id, b.id)
    # The second worker of old appends to the same log, as its second generation.
    again = combine([fold([Record(len(stream), 9.0, 2, begun(spec)[0][1])], first)])
    assert (again.starts, again.running) == (2, ())
    assert {s.status for s in again.cells.values()} == {"planned"}


def test_cell_that_two_workers_trained_counts_once(spec: Spec) -> None:
    a = spec.design.stage1[0]

    def trained(loss: float) -> list[Timed]:
        return [
            begun(spec)[0],
            (5.0, progress.Started((a.id,), 0, "eager", 1, 4.0)),
            (7.0, progress.Step((a.id,), a.tokens, (5.0,), 1000.0, 1.0)),
            (8.0, progress.LossReading(a.id, a.tokens, loss, 0.0, 1)),
            (8.0, progress.Finished(a.id)),
        ]

    one, two = log(*trained(3.0)), log(*trained(3.1), slot=1)
    for logs in ((plan(spec), one, two), (two, one, plan(spec))):
        state = combine(logs)
        assert [(r.tokens, r.loss) for r in state.cells[a.id].readings] == [(a.tokens, 3.0)]
        assert state.cells[a.id].tokens == a.tokens
    # What it cost counts twice: both trained.
    assert combine([plan(spec), one, two]).trained_tokens == 2 * combine([plan(spec), one]).trained_tokens


def test_readings_of_a_cell_that_another_worker_finished_come_from_both(spec: Spec) -> None:
    a = next(cell for cell in spec.design.stage2 if len(cell.readings) > 1)
    early, late = a.readings[0], a.readings[1:]
    planned = fold([Record(0, 1.0, 0, events.StagePlanned(1, (a,), complete=True))], LogState("plan 0000"))
    first = log(
        begun(spec)[0],
        (5.0, progress.Started((a.id,), 0, "eager", 1, 4.0)),
        (6.0, progress.LossReading(a.id, early, 4.0, 0.0, 1)),
        (7.0, progress.Step((a.id,), early, (5.0,), 1000.0, 1.0)),
    )
    rest: list[Timed] = [(9.0, progress.LossReading(a.id, tokens, 3.0, 0.0, 1)) for tokens in late]
    second = log(
        begun(spec)[0],
        (8.0, progress.Started((a.id,), early, "eager", 1, 4.0)),
        (9.0, progress.Step((a.id,), a.tokens, (4.0,), 1000.0, 1.0)),
        *rest,
        (9.0, progress.Finished(a.id)),
        slot=1,
    )
    state = combine([planned, first, second]).cells[a.id]
    assert state.status == "done"
    assert [r.tokens for r in state.readings] == list(a.readings)
    assert state.curve == ((early, 5.0), (a.tokens, 4.0))
    # Without the log that held it, the first reading is lost, and the cell is not done.
    assert not combine([planned, second]).cells[a.id].finished


@pytest.mark.parametrize(
    ("ends", "expected"),
    [
        (("done", "stopped"), "done"),
        (("done", ""), "done"),
        (("stopped", ""), "running"),
        (("failed", "stopped"), "stopped"),
        (("stopped", "failed"), "failed"),
    ],
)
def test_run_is_done_if_one_worker_is_and_else_runs_while_one_does(
    spec: Spec, ends: tuple[str, str], expected: str
) -> None:
    logs = [
        log(begun(spec)[0], *([(9.0 + slot, events.RunDone(end, f"by {slot}"))] if end else []), slot=slot)
        for slot, end in enumerate(ends)
    ]
    state = combine([plan(spec), *logs])
    assert state.status == expected
    assert state.reason == ("by 1" if expected in ("stopped", "failed") else "")


def test_problems_are_kept_once(spec: Spec) -> None:
    note = (2.0, events.Note("the grid is too small", problem=True))
    state = folded(spec, *begun(spec), note, note)
    assert state.problems == ("the grid is too small",)
    assert state.notes == state.problems


def test_a_curve_is_thinned_and_more_so_once_its_cell_is_trained(spec: Spec) -> None:
    a = spec.design.stage1[0]
    steps = [(5.0 + i, progress.Step((a.id,), 10 * i, (8.0 - i / 100,), 1000.0, 1e9)) for i in range(1, 301)]
    running = folded(spec, *begun(spec), *steps).cells[a.id].curve
    done = folded(spec, *begun(spec), *steps, (400.0, progress.Finished(a.id))).cells[a.id].curve
    assert (len(running) < 96, len(done) < 32) == (True, True)
    assert running[-1] == done[-1] == (3000, 5.0)
    assert set(done) < set(running)

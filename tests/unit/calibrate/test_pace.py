"""Paces and starts: what the seconds of a stack are made of."""

from dataclasses import replace

import pytest

from budgetscope.calibrate import environment
from budgetscope.calibrate.plan.cells import Cell
from budgetscope.calibrate.plan.design import PRESETS, design
from budgetscope.calibrate.plan.device import TRIALS, Rate, repays_compilation
from budgetscope.calibrate.plan.ladder import build_cell, ladder
from budgetscope.calibrate.plan.pace import COMPILED, CUDA_STARTS, Starts

FAST = Starts(first=20.0, compiled=12.0, ready=1.5, helper=15.0, helpers=2)
LONG, SHORT = 100.0, 5.0


def stack(width: int, members: int, batch: int, tokens: float) -> list[Cell]:
    shape = next(shape for shape in ladder(4096, 512) if shape.width == width)
    return [build_cell(shape, 0.01, batch, 0.95, seed, (tokens,)) for seed in range(members)]


def test_without_helpers_every_stack_is_compiled_before_it_trains() -> None:
    alone = replace(FAST, helpers=0)
    assert alone.seconds([(LONG, True)] * 4) == 20 + 3 * 12
    assert alone.seconds([(LONG, False), (LONG, True), (LONG, True)]) == 1.5 + 20 + 12


def test_helpers_hide_all_starts_but_the_first_behind_long_training() -> None:
    assert FAST.seconds([(LONG, True)] * 4) == 20 + 3 * 1.5
    # The second stack is ready 22.5 s after the first began to start, whatever the first trains.
    assert FAST.seconds([(SHORT, True), (LONG, True)]) == 20 + 1.5


def test_helpers_cannot_hide_what_training_is_too_short_for() -> None:
    many = [(0.1, True)] * 20
    assert FAST.seconds(many) > 20 + 19 * 1.5
    assert FAST.seconds(many) < replace(FAST, helpers=0).seconds(many)


def test_a_stack_that_nobody_has_begun_is_compiled_by_the_trainer() -> None:
    one = replace(FAST, helpers=1)
    # The helper begins the second at 7.5 s; at 23 s the third is not begun in time to wait less than its rest.
    assert one.seconds([(0.5, True), (0.5, True), (LONG, True)]) == pytest.approx(
        20 + (2.0 + 1.5) + (13.5 + 1.5), abs=1
    )


def test_a_machine_that_is_probed_at_half_the_speed_takes_twice_as_long() -> None:
    cells = stack(128, 3, 16, 5e7)
    known = TRIALS["cuda"].flops_per_s(COMPILED)
    halved = Rate("cuda", {width: rate / 2 for width, rate in known.items()}, measured=True)
    assert Rate("cuda", known, measured=True).training_seconds(cells) == pytest.approx(COMPILED.training(cells, "cuda"))
    assert halved.training_seconds(cells) == pytest.approx(2 * COMPILED.training(cells, "cuda"))


def test_small_batches_cost_more_steps() -> None:
    rate = Rate.assumed("cuda")
    assert rate.training_seconds(stack(64, 3, 3, 1e8)) > 1.5 * rate.training_seconds(stack(64, 3, 12, 1e8))


def test_only_stacks_that_train_some_seconds_are_compiled() -> None:
    assert not repays_compilation(stack(16, 3, 2, 2e6))
    assert repays_compilation(stack(16, 3, 2, 2e7))
    assert repays_compilation(stack(128, 3, 16, 2e7))


def test_starts_are_a_twentieth_of_a_long_calibration() -> None:
    rate = Rate.assumed("cuda")
    found = design("deep", PRESETS["deep"].minutes * 60, rate.seconds, 4096, 512)
    whole = rate.seconds(found.stage1) + rate.seconds(found.stage2)
    training = sum(
        rate.training_seconds([cell for cell in stage if cell.shape == shape])
        for stage in (found.stage1, found.stage2)
        for shape in {cell.shape for cell in stage}
    )
    assert CUDA_STARTS.first < whole - training < 0.05 * whole


def test_a_smoke_run_is_told_within_a_quarter() -> None:
    """On two idle cores a smoke run trained 48 s (docs/howto/calibrate.md). These are the stacks of such a run."""
    shapes = {shape.width: shape for shape in ladder(257, 64)}
    grids = {4: (2, 4, 8), 8: (2, 4, 8), 12: (4, 8, 16)}
    ran = [(width, 10, min(batches), 20) for width, batches in grids.items()]
    ran += [(4, 3, 2, 20), (8, 3, 2, 20), (12, 3, 2, 20), (4, 3, 2, 20)]
    stage2 = {4: (2, 228_992), 6: (2, 275_712), 8: (2, 376_832), 12: (3, 226_304), 16: (3, 154_112)}
    stage2 |= {20: (4, 107_520), 24: (6, 82_944), 32: (6, 52_224)}
    rate, seconds = Rate.assumed("cpu"), 0.0
    for width, members, batch, ratio in ran:
        shape = shapes[width]
        tokens = ratio * (shape.n_params_blocks + shape.n_params_head)
        seconds += rate.training_seconds([build_cell(shape, 0.01, batch, 0.99, s, (tokens,)) for s in range(members)])
    for width, (batch, tokens) in stage2.items():
        cells = [build_cell(shapes[width], 0.01, batch, 0.99, seed, (float(tokens),)) for seed in range(2)]
        seconds += rate.training_seconds(cells)
    assert seconds == pytest.approx(48, rel=0.15)
    planned = design("smoke", PRESETS["smoke"].minutes * 60, rate.seconds, 257, 64)
    assert rate.seconds(planned.stage1) + rate.seconds(planned.stage2) == pytest.approx(48, rel=0.25)


def test_a_busy_machine_is_said_to_be_slower(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    for load, factor in ((0.0, 1.0), (0.9, 1.0), (2.0, 1.5), (9.0, 5.0)):
        monkeypatch.setattr("os.getloadavg", lambda load=load: (load, 0.0, 0.0))
        assert environment.crowding() == factor

"""Slices: a stage cut for several workers, whole and without a loss of time."""

import itertools
from collections import Counter

import pytest

from budgetscope.calibrate.plan.cells import Cell
from budgetscope.calibrate.plan.design import PRESETS, design
from budgetscope.calibrate.plan.device import Rate
from budgetscope.calibrate.plan.slices import cut, makespan, slice_name, stacks, turns

CASES = [("smoke", "cpu", 257, 64), ("quick", "cuda", 4096, 512), ("standard", "cuda", 4096, 512)]
WORKERS = (1, 2, 3, 4, 8, 50)


def stages(preset: str, device: str, vocab: int, seq_len: int) -> tuple[Rate, tuple[tuple[Cell, ...], ...]]:
    rate = Rate.assumed(device)
    found = design(preset, PRESETS[preset].minutes * 60, rate.seconds, vocab, seq_len)
    return rate, (found.stage1, found.stage2)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("workers", WORKERS)
def test_every_cell_is_in_one_slice_and_a_slice_has_one_shape(case: tuple[str, str, int, int], workers: int) -> None:
    rate, found = stages(*case)
    for cells in found:
        pieces = cut(cells, workers, rate.slice_seconds)
        assert Counter(cell.id for piece in pieces for cell in piece) == Counter(cell.id for cell in cells)
        assert all(len({cell.shape for cell in piece}) == 1 for piece in pieces)
        assert len({slice_name(piece) for piece in pieces}) == len(pieces)
        sizes = [piece[0].n_params for piece in pieces]
        assert sizes == sorted(sizes)
        assert cut(cells, workers, rate.slice_seconds) == pieces


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("workers", WORKERS)
def test_no_cut_takes_longer_than_whole_stacks(case: tuple[str, str, int, int], workers: int) -> None:
    rate, found = stages(*case)
    for cells in found:
        whole = [rate.slice_seconds(stack) for stack in stacks(cells)]
        pieces = [rate.slice_seconds(piece) for piece in cut(cells, workers, rate.slice_seconds)]
        assert makespan(pieces, workers) <= makespan(whole, workers)
        # Nor is any faster than work that is spread evenly.
        assert makespan(pieces, workers) >= sum(pieces) / workers * (1 - 1e-9)


@pytest.mark.parametrize("case", CASES)
def test_one_worker_trains_whole_stacks(case: tuple[str, str, int, int]) -> None:
    rate, found = stages(*case)
    for cells in found:
        assert cut(cells, 1, rate.slice_seconds) == stacks(cells)
        assert rate.wall_seconds(cells, 1) == rate.seconds(cells)


@pytest.mark.parametrize("case", CASES)
def test_more_workers_never_take_longer(case: tuple[str, str, int, int]) -> None:
    rate, found = stages(*case)
    for cells in found:
        seconds = [rate.wall_seconds(cells, workers) for workers in WORKERS]
        assert seconds == sorted(seconds, reverse=True)


@pytest.mark.parametrize(("workers", "times"), [(2, 1.85), (4, 3.4), (8, 5.5)])
def test_second_stage_of_a_standard_design_is_so_many_times_faster(workers: int, times: float) -> None:
    rate, (_, cells) = stages("standard", "cuda", 4096, 512)
    # With all starts of stacks; the second stage decides how long a run takes.
    assert times <= rate.seconds(cells) / rate.wall_seconds(cells, workers) <= workers


def test_slices_keep_like_batches_together() -> None:
    rate, (cells, _) = stages("standard", "cuda", 4096, 512)
    pieces = cut(cells, 8, rate.slice_seconds)
    assert len(pieces) > len(stacks(cells))
    for one, other in itertools.pairwise(pieces):
        if one[0].shape == other[0].shape:
            assert max(cell.batch_sequences for cell in one) <= min(cell.batch_sequences for cell in other)


def test_makespan_gives_the_longest_slice_first() -> None:
    assert makespan([3.0, 2.0, 2.0], 2) == 4.0
    assert makespan([3.0, 2.0, 2.0], 5) == 3.0
    assert makespan([], 2) == 0.0
    assert turns([3.0, 2.0, 2.0], 2) == [[0], [1, 2]]


def test_nothing_to_train_has_no_slices() -> None:
    assert cut((), 4, Rate.assumed("cuda").slice_seconds) == []

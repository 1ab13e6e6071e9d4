"""Designs and prices: the cells, their cost, and what they tell."""

import math
from dataclasses import replace
from itertools import pairwise

import pytest

from budgetscope.calibrate.plan.cells import Cell, n_params
from budgetscope.calibrate.plan.design import (
    MAX_EXTENSIONS,
    MAX_RATIO,
    MIN_BATCH,
    MIN_BUDGETS,
    MIN_RATIO,
    PRESETS,
    Design,
    design,
    expected_optimum,
    extended,
    readings,
)
from budgetscope.calibrate.plan.device import Rate
from budgetscope.calibrate.plan.ladder import (
    MIN_STEP,
    ladder,
    rule_batch,
    rule_learning_rate,
    whole_batch,
)
from budgetscope.calibrate.plan.price import Price, law_flops
from budgetscope.calibrate.plan.price import price as price_of
from budgetscope.calibrate.plan.spec import CorpusFacts
from budgetscope.core.errors import UsageError
from budgetscope.core.laws.repetition import WORTHWHILE_EPOCHS

CASES = [
    ("smoke", "cpu", 257, 64),
    ("quick", "cuda", 4096, 512),
    ("standard", "cuda", 4096, 512),
    ("standard", "cuda", 257, 512),
    ("deep", "cuda", 4096, 512),
    ("quick", "cpu", 257, 128),
]


def planned(preset: str, kind: str, vocab: int, seq_len: int) -> tuple[Design, Rate, float]:
    rate, limit = Rate.assumed(kind), PRESETS[preset].minutes * 60
    return design(preset, limit, rate.seconds, vocab, seq_len), rate, limit


def price(found: Design, rate: Rate, train_tokens: int) -> Price:
    corpus = CorpusFacts("text", "/nowhere", "0" * 64, "bytes", found.vocab_size, 1.0, train_tokens, 10**6)
    return price_of(found, rate, corpus)


def test_remedy_of_too_low_a_limit_can_be_given_and_tells_of_the_vocabulary() -> None:
    rate = Rate.assumed("cpu")
    for vocab, most, said in (
        (257, math.inf, r"; give at least [0-9.]+, or another preset\.$"),
        (
            50_000,
            math.inf,
            r"give at least \S+, another preset, or a tokenizer with fewer entries than 50000, nearly all",
        ),
        (1_000_000, 6e6, r"calibration here; give another preset, or a tokenizer with fewer entries than 1000000"),
    ):
        with pytest.raises(UsageError, match=said):
            design("smoke", 1.0, rate.seconds, vocab, 128, most=most)


@pytest.mark.parametrize("case", CASES)
def test_design_costs_no_more_than_the_limit_and_most_of_it(case: tuple[str, str, int, int]) -> None:
    found, rate, limit = planned(*case)
    priced = price(found, rate, 10**9)
    assert priced.seconds == pytest.approx(rate.seconds(found.stage1) + rate.seconds(found.stage2))
    assert 0.5 * limit < priced.seconds <= limit


@pytest.mark.parametrize("case", CASES)
def test_every_budget_has_sizes_on_both_sides_of_the_expected_optimum(case: tuple[str, str, int, int]) -> None:
    found, _, _ = planned(*case)
    assert len(found.budgets) >= MIN_BUDGETS
    for flops in found.budgets:
        sizes = [n_params(shape) for shape in found.shapes if readings(shape, (flops,))]
        best = expected_optimum(flops)
        assert sum(n < best / 1.2 for n in sizes) >= 2
        assert sum(n > best * 1.2 for n in sizes) >= 2
        assert all(MIN_RATIO <= flops / 6 / n**2 <= MAX_RATIO for n in sizes)


@pytest.mark.parametrize("case", CASES)
def test_cells_have_whole_batches_distinct_ids_and_measured_noise(case: tuple[str, str, int, int]) -> None:
    found, _, _ = planned(*case)
    cells = (*found.stage1, *found.stage2)
    assert len({cell.id for cell in cells}) == len(cells)
    for cell in cells:
        assert cell.tokens == cell.readings[-1]
        assert all(reading % cell.batch_tokens == 0 for reading in cell.readings)
        assert list(cell.readings) == sorted(set(cell.readings))
    assert len(found.seeds) >= 2
    for n in {cell.n_params for cell in found.stage1}:
        assert len({cell.seed for cell in found.stage1 if cell.n_params == n}) == len(found.seeds)


def test_same_request_gives_the_same_cells() -> None:
    first, second = (planned(*CASES[2])[0] for _ in range(2))
    assert [cell.id for cell in first.stage1] == [cell.id for cell in second.stage1]


def test_id_is_the_hash_of_the_cell() -> None:
    shape = ladder(257, 64)[2]
    cell = Cell(shape, 0.01, 4, 0.99, 0, 1024, 100, (512, 1024))
    assert cell.id == Cell(shape, 0.01, 4, 0.99, 0, 1024, 100, (512, 1024)).id
    assert cell.id != Cell(shape, 0.01, 4, 0.99, 1, 1024, 100, (512, 1024)).id


def test_limit_in_flops_is_kept() -> None:
    found = design("standard", 1e17, law_flops, 4096, 512)
    assert 0.5e17 < law_flops(found.stage1) + law_flops(found.stage2) <= 1e17


def test_too_small_a_limit_says_how_much_more_is_needed() -> None:
    with pytest.raises(UsageError, match=r"1e\+11 FLOPs pay for less than 1% of the smallest .* give at"):
        design("standard", 1e11, law_flops, 4096, 512, "{:.0e} FLOPs".format)
    with pytest.raises(
        UsageError, match=r"pay for \d\d% of the smallest standard calibration here; give at least (\S+),"
    ) as no:
        design("standard", 1e13, law_flops, 4096, 512)
    enough = float(str(no.value).split("give at least ")[1].split(",")[0])
    assert design("standard", enough, law_flops, 4096, 512).budgets


def test_unknown_preset_names_the_others() -> None:
    with pytest.raises(UsageError, match="smoke, quick, standard, deep"):
        design("huge", 1e17, law_flops, 4096, 512)


def test_ladder_grows_by_steps_that_an_isoflop_curve_can_follow() -> None:
    for vocab in (257, 4096, 32768):
        sizes = [n_params(shape) for shape in ladder(vocab, 512)]
        ratios = [b / a for a, b in pairwise(sizes)]
        assert min(ratios) >= MIN_STEP
        assert max(ratios) < 2.3


def test_ladder_shapes_are_the_papers_at_small_scale() -> None:
    shape = next(s for s in ladder(4096, 512) if s.width == 128)
    assert (shape.depth, shape.d_ff, shape.n_heads) == (4, 352, 4)
    # The prototype's smallest grid was on about this size.
    assert n_params(shape) == pytest.approx(1.3e6, rel=0.05)


def test_rule_is_porians_at_its_own_size() -> None:
    # 0.7 of 0.0047, and 160 sequences of 2048 tokens, at 108e6 parameters.
    assert rule_learning_rate(108e6) == pytest.approx(0.7 * 0.0047)
    assert rule_batch(108e6, 2048) == 128  # the power of two next to 160
    assert rule_learning_rate(1.28e6) == pytest.approx(0.7 * 0.0206, rel=0.01)
    assert rule_batch(1.28e6, 512) == 32


@pytest.mark.parametrize(("wanted", "batch"), [(0.2, 1), (1, 1), (4.8, 4), (5.9, 6), (33, 32), (44, 48), (90, 96)])
def test_batches_divide_into_equal_micro_batches(wanted: float, batch: int) -> None:
    assert whole_batch(wanted) == batch


@pytest.mark.parametrize(("lr_edge", "batch_edge"), [(1, 0), (-1, 0), (0, 1), (1, 1)])
def test_grid_extends_by_one_step_and_not_for_ever(lr_edge: int, batch_edge: int) -> None:
    found, _, _ = planned("standard", "cuda", 4096, 512)
    n = min(cell.n_params for cell in found.stage1)
    cells = [cell for cell in found.stage1 if cell.n_params == n]
    grown = 0
    while new := extended("standard", cells, lr_edge, batch_edge):
        cells += new
        grown += 1
        assert len({cell.id for cell in cells}) == len(cells)
    assert grown == MAX_EXTENSIONS
    lrs = sorted({cell.learning_rate for cell in cells})
    assert len(lrs) == 6 + MAX_EXTENSIONS * (lr_edge != 0)
    assert all(b / a == pytest.approx(2, rel=1e-3) for a, b in pairwise(lrs))


def test_batches_do_not_shrink_below_the_least() -> None:
    found, _, _ = planned("smoke", "cpu", 257, 64)
    n = min(cell.n_params for cell in found.stage1)
    cells = [cell for cell in found.stage1 if cell.n_params == n]
    while new := extended("smoke", cells, 0, -1):
        cells += new
    assert min(cell.batch_sequences for cell in cells) == MIN_BATCH


def test_epochs_beyond_four_are_a_caution() -> None:
    found, rate, _ = planned("standard", "cuda", 4096, 512)
    cells = (*found.stage1, *found.stage2)
    readings_of_all = sorted(reading for cell in cells for reading in cell.readings)
    whole = math.ceil(readings_of_all[-1] / WORTHWHILE_EPOCHS)
    assert not [c for c in price(found, rate, whole).cautions if "do not vote" in c]
    (caution,) = (c for c in price(found, rate, whole // 3).cautions if "do not vote" in c)
    beyond = sum(reading > WORTHWHILE_EPOCHS * (whole // 3) for reading in readings_of_all)
    assert caution.startswith(
        f"{beyond} of {len(readings_of_all)} readings pass more than 4 times over text, up to 12.0"
    )
    assert caution.endswith("Give more data or spend less.")


def test_decays_are_priced_and_kept_within_the_limit() -> None:
    constant, rate, limit = planned("standard", "cuda", 4096, 512)
    decaying = design("standard", limit, rate.seconds, 4096, 512, decay=0.2)
    assert rate.seconds(decaying.stage1) + rate.seconds(decaying.stage2) <= limit
    assert decaying.stage1 == constant.stage1
    for cell in decaying.stage2:
        assert cell.decay == 0.2
        branches = [cell.branch(reading) for reading in cell.readings]
        assert branches == sorted(set(branches))
        assert all(
            0.75 * reading <= begin <= 0.85 * reading for begin, reading in zip(branches, cell.readings, strict=True)
        )
    same = replace(constant, decay=0.2)
    # The trunk is a fifth shorter; the branches add a fifth of every reading.
    extra = sum(0.2 * (sum(c.readings) - c.tokens) * 6 * c.n_params for c in constant.stage2)
    assert law_flops(same.stage2) == pytest.approx(law_flops(constant.stage2) + extra, rel=0.01)
    assert price(same, rate, 10**9).stages[1].flops == law_flops(same.stage2)
    assert price(same, rate, 10**9).stages[1].seconds > price(constant, rate, 10**9).stages[1].seconds


def test_memory_counts_the_tokens_that_are_read() -> None:
    found, rate, _ = planned("standard", "cuda", 4096, 512)
    few, many = (price(found, rate, n).stages[1].memory_bytes for n in (10**6, 10**10))
    longest = max(cell.tokens for cell in found.stage2)
    assert 0 < many - few <= 2 * len(found.seeds) * longest * 513 / 512


def test_rate_interpolates_between_measured_widths() -> None:
    rate = Rate("cuda", {64: 1e12, 256: 4e12}, measured=True)
    assert rate.at(128) == pytest.approx(2e12)
    assert rate.at(1024) == 4e12
    assert rate.at(32) == pytest.approx(0.5e12)

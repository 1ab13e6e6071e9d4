"""The memory of a GPU against what Megatron-LM's tests measured on H100s, and what plain PyTorch held on an H200."""

from dataclasses import replace

import pytest

from budgetscope.core.counting.ledger import Shape
from budgetscope.core.hardware import memory
from budgetscope.core.hardware.memory import Layout, Recompute, Regime, estimate

# Megatron-LM, tests/functional_tests/test_cases/gpt: model_config.yaml beside golden_values_dev_dgx_h100.json, keys
# mem-allocated-bytes and mem-max-allocated-bytes. The 7B models have learned positions, which are not counted here.
_7B = Shape(32, 4096, 16384, 32, 8, 131072, 8192, gated=False)
MEASURED = {
    "gpt3_7b_tp4_pp1_memory_speed": (
        _7B,
        Layout(Regime.MEGATRON, data=2, tensor=4, micro_sequences=2, accumulation=2, dropout=True),
        20_663_519_232,
        57_143_791_616,
    ),
    "gpt3_7b_tp1_pp4_memory_speed": (
        replace(_7B, vocab_size=131073),
        Layout(Regime.MEGATRON, data=2, pipeline=4, interleave=8, accumulation=4, dropout=True),
        24_540_168_192,
        60_518_293_504,
    ),
    "gpt3_15b_8t_release_sm": (
        Shape(32, 6144, 24576, 48, 8, 256000, 4096, gated=False),
        Layout(Regime.MEGATRON, data=16, tensor=8, sequence_parallel=True, micro_sequences=4, accumulation=6),
        13_270_018_048,
        28_158_672_896,
    ),
}


@pytest.mark.parametrize("case", MEASURED)
def test_megatrons_h100s_held_what_is_estimated(case: str) -> None:
    shape, layout, allocated, most = MEASURED[case]
    found = estimate(shape, layout)
    assert found.weights + found.gradients + found.optimizer == pytest.approx(allocated, rel=0.05)
    assert found.peak == pytest.approx(most, rel=0.015)


# torch.cuda.max_memory_allocated on an H200 with torch 2.11, of the model and step of benchmarks/memory.py: shape,
# sequences of a micro-batch, micro-batches a step, bytes without recomputation and with all of it.
ON_AN_H200 = [
    (Shape(12, 768, 2048, 12, 12, 50432, 1024), 8, 1, 11_700_934_144, 8_219_518_464),
    (Shape(12, 768, 2048, 12, 4, 50432, 2048), 4, 2, 11_966_038_528, 8_725_008_896),
    (Shape(24, 1024, 2816, 16, 16, 32000, 2048), 8, 1, 32_045_550_080, 13_682_207_232),
    (Shape(24, 2048, 5632, 16, 16, 50432, 2048), 4, 1, 45_244_873_216, 25_860_348_416),
    (Shape(28, 2048, 8192, 16, 8, 128256, 4096), 1, 2, 61_276_533_248, 46_952_038_912),
    (Shape(32, 3072, 8192, 24, 8, 50432, 2048), 2, 1, 70_167_042_560, 57_143_413_760),
    (Shape(16, 4096, 11008, 32, 32, 32000, 4096), 1, 1, 63_504_050_688, 56_607_026_688),
]


@pytest.mark.parametrize(("shape", "micro", "accumulation", "kept", "recomputed"), ON_AN_H200, ids=str)
def test_an_h200_held_what_is_estimated(
    shape: Shape, micro: int, accumulation: int, kept: int, recomputed: int
) -> None:
    plain = Layout(Regime.DDP, micro_sequences=micro, accumulation=accumulation)
    assert estimate(shape, plain).peak == pytest.approx(kept, rel=0.01)
    assert estimate(shape, replace(plain, recompute=Recompute.FULL)).peak == pytest.approx(recomputed, rel=0.01)


# The same model under FSDP2 with one GPU, every block, the embedding and the head gathered in bf16 by themselves.
FSDP2_ON_AN_H200 = [
    (ON_AN_H200[0][0], 8, 1, 10_662_321_152, 7_977_692_160),
    (ON_AN_H200[3][0], 4, 1, 38_510_922_240, 24_499_215_872),
    (ON_AN_H200[4][0], 1, 2, 54_861_349_376, 44_518_298_112),
    (ON_AN_H200[5][0], 2, 1, 59_362_521_600, 57_607_948_800),
    (ON_AN_H200[6][0], 1, 1, 57_250_970_624, 57_250_970_624),
]


@pytest.mark.parametrize(("shape", "micro", "accumulation", "kept", "recomputed"), FSDP2_ON_AN_H200, ids=str)
def test_fsdp2_held_what_is_estimated(shape: Shape, micro: int, accumulation: int, kept: int, recomputed: int) -> None:
    plain = Layout(Regime.FSDP2, micro_sequences=micro, accumulation=accumulation)
    assert 0.99 < estimate(shape, plain).peak / kept < 1.03
    assert 0.99 < estimate(shape, replace(plain, recompute=Recompute.FULL)).peak / recomputed < 1.03


# Our own measurement of 2026-11-30, two H200s, torch 2.11.0+cu130: torch.cuda.max_memory_allocated of the fuller GPU
# from the second step on, by `torchrun --standalone --nproc-per-node 2 benchmarks/memory.py`. Shapes and micro-batches
# are those of ON_AN_H200; bytes without recomputation, with selective and with full. The logits have no name there.
FSDP2_ON_TWO_H200S = [
    (8_857_605_120, 7_187_747_840, 6_175_990_784),
    (8_913_611_264, 7_339_436_544, 6_425_983_488),
    (24_009_093_632, 14_943_629_824, 9_477_378_560),
    (29_049_014_784, 19_987_745_280, 14_538_271_232),
    (35_519_427_072, 28_706_959_872, 25_177_424_384),
    (37_759_865_344, 29_437_317_632, 29_371_010_560),
    (33_104_537_088, 29_846_351_360, 29_812_796_928),
]
DDP_ON_TWO_H200S = [
    (12_174_497_280, 9_715_256_832, 8_699_132_416),
    (12_385_837_568, 10_036_150_784, 9_120_332_288),
    (34_002_627_072, 21_103_548_928, 15_633_873_408),
    (55_939_049_984, 42_001_922_560, 36_553_480_704),
    (78_522_388_992, 67_729_773_056, 64_199_188_992),
    (83_881_474_560, 71_510_280_704, 70_804_110_336),
    (77_243_034_112, 70_312_472_064, 70_278_901_248),
]


def _on_two(case: int, regime: Regime) -> list[float]:
    """Return the estimated peaks of a case without recomputation, with selective and with full."""
    shape, micro, accumulation, *_ = ON_AN_H200[case]
    plain = Layout(regime, data=2, micro_sequences=micro, accumulation=accumulation, names_logits=False)
    return [estimate(shape, replace(plain, recompute=recompute)).peak for recompute in Recompute]


@pytest.mark.parametrize("case", range(len(ON_AN_H200)))
def test_two_h200s_held_what_is_estimated_of_fsdp2(case: int) -> None:
    for found, measured in zip(_on_two(case, Regime.FSDP2), FSDP2_ON_TWO_H200S[case], strict=True):
        assert 0.985 < found / measured < 1.03


@pytest.mark.parametrize("case", range(len(ON_AN_H200)))
def test_two_h200s_held_what_is_estimated_of_ddp(case: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The last two shapes had dropped the old buckets in the second step: the estimate is of the fuller state."""
    if case >= len(ON_AN_H200) - 2:
        assert all(f > m for f, m in zip(_on_two(case, Regime.DDP), DDP_ON_TWO_H200S[case], strict=True))
        monkeypatch.setattr(memory, "_old_buckets", lambda *_: 0.0)
    assert _on_two(case, Regime.DDP) == pytest.approx(list(DDP_ON_TWO_H200S[case]), rel=0.01)


def test_zero_shards_the_state_as_published() -> None:
    """Rajbhandari et al. 2020, figure 1: 7.5 B parameters on 64 GPUs: 31.4, 16.6 and 1.9 GB."""
    shape = Shape(37, 4096, 16384, 32, 32, 10, 1024, tied=True, gated=False)
    assert shape.n_params_blocks == pytest.approx(7.5e9, rel=0.01)
    for regime, published in ((Regime.ZERO1, 31.4e9), (Regime.ZERO2, 16.6e9), (Regime.ZERO3, 1.9e9)):
        found = estimate(shape, Layout(regime, data=64))
        assert found.weights + found.gradients + found.optimizer == pytest.approx(published, rel=0.02), regime

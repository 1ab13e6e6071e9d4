"""The ledger against shapes whose counts somebody else has published, and against arithmetic by hand."""

import csv
from dataclasses import dataclass
from pathlib import Path

import pytest

from budgetscope.core.counting.ledger import Convention, Shape, default_d_ff, ledger
from budgetscope.core.counting.shapes import PORIAN_SEQ_LEN, PORIAN_SHAPES, PORIAN_VOCAB_SIZE, shape_family


def porian_shape(depth: int, width: int) -> Shape:
    return Shape(depth, width, default_d_ff(width), 4, 4, PORIAN_VOCAB_SIZE, PORIAN_SEQ_LEN)


# Porian et al. 2024, open_lm's model configurations: N (with head), depth, width, N without head, effective N.
PORIAN = [
    (5_173_248, 3, 96, 331_776, 5_763_072),
    (7_503_872, 4, 128, 1_048_576, 8_552_448),
    (9_809_920, 5, 160, 1_740_800, 11_448_320),
    (15_597_568, 6, 224, 4_300_800, 18_350_080),
    (22_487_040, 8, 288, 7_962_624, 27_205_632),
    (28_672_000, 9, 320, 12_533_760, 34_570_240),
    (37_060_608, 10, 384, 17_694_720, 44_924_928),
    (57_384_960, 12, 480, 33_177_600, 69_181_440),
    (84_787_200, 14, 576, 55_738_368, 101_302_272),
    (108_462_080, 15, 640, 76_185_600, 128_122_880),
    (149_045_248, 18, 704, 113_541_120, 174_997_504),
    (220_872_704, 21, 832, 178_913_280, 256_655_360),
    (347_078_656, 23, 1024, 295_436_288, 395_313_152),
    (455_311_360, 26, 1120, 398_827_520, 514_949_120),
    (611_958_784, 26, 1312, 545_792_000, 681_820_160),
    (901_726_208, 30, 1504, 825_876_480, 994_131_968),
]


@pytest.mark.parametrize(("n", "depth", "width", "without_head", "effective"), PORIAN, ids=str)
def test_porians_sixteen_models_are_exact(n: int, depth: int, width: int, without_head: int, effective: int) -> None:
    shape = porian_shape(depth, width)
    for convention, expected in (
        (Convention.STANDARD, n),
        (Convention.KAPLAN, without_head),
        (Convention.ATTENTION, effective),
        (Convention.TOTAL, n + 50432 * width),
    ):
        count = shape.count(convention)
        assert count.n_params == expected
        assert count.flops_per_token == 6 * expected
    assert shape.count(Convention.STANDARD).head_share == pytest.approx(1 - without_head / n, rel=1e-12)
    assert shape.count(Convention.KAPLAN).head_share == 0


def test_the_published_table_says_the_same(reference: Path) -> None:
    with (reference / "porian2024" / "tuned_hyperparameters.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 16
    assert [(int(r["width"]), int(r["depth"])) for r in rows] == list(PORIAN_SHAPES)
    for row in rows:
        depth, width = int(row["depth"]), int(row["width"])
        shape = porian_shape(depth, width)
        assert shape.count(Convention.STANDARD).n_params == int(row["n"])
        assert shape.count(Convention.KAPLAN).n_params == int(row["n_without_head"])
        assert shape.count(Convention.ATTENTION).n_params == int(row["n_attention"])
        # Their exact count adds gain and bias of every LayerNorm, which no convention of ours counts: two of the
        # residual stream and two of queries and keys a block, and the last one.
        assert shape.count(Convention.STANDARD).n_params + 2 * (4 * depth + 1) * width == int(row["n_exact"])


def test_the_porian_family_is_their_ladder() -> None:
    assert [s.count(Convention.STANDARD).n_params for s in shape_family("porian").shapes] == [row[0] for row in PORIAN]
    assert {s.n_heads for s in shape_family("porian").shapes} == {4}


@dataclass(frozen=True)
class Published:
    """A model whose builders publish its shape and its parameters; `uncounted` is what the ledger leaves out."""

    source: str
    shape: Shape
    n_params: int
    uncounted: int


GPT2 = Shape(12, 768, 3072, 12, 12, 50257, 1024, tied=True, gated=False)
GPT2_XL = Shape(48, 1600, 6400, 25, 25, 50257, 1024, tied=True, gated=False)


def gpt2_uncounted(depth: int, width: int) -> int:
    positions = 1024 * width
    biases_and_norms = depth * (9 * width + 4 * width) + 2 * width
    return positions + biases_and_norms


EXACT_TOTALS = [
    Published("GPT-2, 124M: the released checkpoint", GPT2, 124_439_808, gpt2_uncounted(12, 768)),
    Published("GPT-2 XL, 1.5B: the released checkpoint", GPT2_XL, 1_557_611_200, gpt2_uncounted(48, 1600)),
    Published(
        "LLaMA 7B: Touvron et al. 2023, table 2 (6.7B); the released checkpoint",
        Shape(32, 4096, 11008, 32, 32, 32000, 2048),
        6_738_415_616,
        (2 * 32 + 1) * 4096,
    ),
    Published(
        "Llama 3 8B, 8 key-value heads: the released checkpoint",
        Shape(32, 4096, 14336, 32, 8, 128256, 8192),
        8_030_261_248,
        (2 * 32 + 1) * 4096,
    ),
]


@pytest.mark.parametrize("model", EXACT_TOTALS, ids=lambda m: m.source)
def test_the_total_count_plus_norms_biases_and_positions_is_the_checkpoint(model: Published) -> None:
    assert model.shape.count(Convention.TOTAL).n_params + model.uncounted == model.n_params
    assert model.shape.count(Convention.EXACT).n_params == model.shape.count(Convention.TOTAL).n_params


ROUNDED_TOTALS = [
    # Brown et al. 2020, table 2.1 and D.1: GPT-3 175B is 174,600M parameters with learnt positions.
    (Shape(96, 12288, 49152, 96, 96, 50257, 2048, tied=True, gated=False), 2048 * 12288, 174.6e9, 5e-4),
    # Hoffmann et al. 2022, table 4: Chinchilla, 80 layers of 8192, 64 heads of 128, d_ff 4 x 8192, 32k vocabulary.
    # Its relative positions (Transformer-XL) add one w x w matrix a layer.
    (Shape(80, 8192, 32768, 64, 64, 32000, 2048, tied=True, gated=False), 80 * 8192**2, 70e9, 2e-3),
    # Grattafiori et al. 2024, table 3: Llama 3 405B.
    (Shape(126, 16384, 53248, 128, 8, 128256, 8192), 0, 405e9, 5e-3),
]


@pytest.mark.parametrize(("shape", "uncounted", "published", "rounding"), ROUNDED_TOTALS)
def test_totals_published_in_billions(shape: Shape, uncounted: int, published: float, rounding: float) -> None:
    assert shape.count(Convention.TOTAL).n_params + uncounted == pytest.approx(published, rel=rounding)


# Hoffmann et al. 2022, table A4: parameters, layers, d_model, ffw_size, heads, FLOPs by their appendix F over 6 N D.
HOFFMANN_A4 = [
    (73e6, 10, 640, 2560, 10, 1.03),
    (305e6, 20, 1024, 4096, 16, 1.10),
    (552e6, 24, 1280, 5120, 10, 1.08),
    (1.1e9, 26, 1792, 7168, 14, 1.04),
    (1.6e9, 28, 2048, 8192, 16, 1.03),
    (6.8e9, 40, 3584, 14336, 28, 0.99),
]


@pytest.mark.parametrize(("n_params", "depth", "width", "d_ff", "heads", "ratio"), HOFFMANN_A4)
def test_exact_flops_give_hoffmanns_ratios(
    n_params: float, depth: int, width: int, d_ff: int, heads: int, ratio: float
) -> None:
    vocab_size = 32000
    shape = Shape(depth, width, d_ff, heads, heads, vocab_size, 2048, tied=True, gated=False)
    # The printed ratios come out only without the two vocabulary terms, which their own formula lists.
    exact = shape.count(Convention.EXACT)
    layers = exact.flops_per_token - 3 * 2 * 2 * vocab_size * width
    # Relative positions (Transformer-XL) add one w x w matrix a layer to the parameters.
    counted = exact.n_params + depth * width**2
    assert counted == pytest.approx(n_params, rel=0.04)
    assert layers / (6 * counted) == pytest.approx(ratio, abs=0.006)


def test_deepseeks_flops_of_a_7b_model() -> None:
    # Bi et al. 2024, section 3.2: M = 72 L w² + 12 L w s; by hand for 30 layers of 4096 and 4096 tokens:
    # 72 · 30 · 16,777,216 + 12 · 30 · 16,777,216 = 84 · 503,316,480.
    shape = Shape(30, 4096, 11008, 32, 32, 102400, 4096)
    count = shape.count(Convention.DEEPSEEK)
    assert count.flops_per_token == 84 * 503_316_480 == 42_278_584_320
    assert count.head_share == 0
    # 2T tokens of it are the 8.3e22 FLOPs of section 5's check, within the difference of d_ff.
    assert count.flops_per_token * 2e12 == pytest.approx(8.3e22, rel=0.03)


def test_kaplans_twelve_l_d_squared() -> None:
    # Kaplan et al. 2020, eq. 2.1: N = 12 L d² when d_ff = 4 d and nothing is gated.
    assert GPT2.count(Convention.KAPLAN).n_params == 12 * 12 * 768**2 == 84_934_656


def test_every_operation_of_a_tiny_shape_by_hand() -> None:
    # Two layers of 8, d_ff 16 gated, 4 query and 2 key-value heads, 10 words, 5 tokens; one token, forward:
    shape = Shape(2, 8, 16, 4, 2, 10, 5)
    embedding = 2 * 10 * 8  # 160
    query_and_output = 2 * 2 * (8 * 8 + 8 * 8)  # 512 over two layers
    keys_and_values = 2 * 2 * (8 * 4 + 8 * 4)  # 256
    scores = 2 * (2 * 5 * 8)  # 160
    values = 2 * (2 * 5 * 8)  # 160
    softmax = 2 * (3 * 4 * 5)  # 120
    feed_forward = 2 * (2 * 3 * 8 * 16)  # 1536
    logits = 2 * 8 * 10  # 160
    forward = embedding + query_and_output + keys_and_values + scores + values + softmax + feed_forward + logits
    assert forward == 3064
    count = shape.count(Convention.EXACT)
    assert count.flops_per_token == 3 * 3064
    assert count.head_share == pytest.approx(3 * logits / (3 * forward))
    assert count.n_params == 2 * 192 + 2 * 384 + 2 * 80


def test_every_count_of_a_tiny_shape_by_hand() -> None:
    # Blocks: 2 · (4 · 8² + 3 · 8 · 16) = 1280; head and embedding 80 each; s·w·L = 5 · 8 · 2 = 80.
    shape = Shape(2, 8, 16, 2, 2, 10, 5)
    counted = {count.convention: (count.n_params, count.flops_per_token) for count in ledger(shape).counts}
    assert counted[Convention.STANDARD] == (1360, 8160)
    assert counted[Convention.KAPLAN] == (1280, 7680)
    assert counted[Convention.ATTENTION] == (1440, 8640)
    assert counted[Convention.TOTAL] == (1440, 8640)
    assert counted[Convention.DEEPSEEK] == (1280, 72 * 2 * 64 + 12 * 2 * 8 * 5)
    # PaLM's count, of what the machine does: 6 (1280 + 80) + 12 · 2 · 8 · 5.
    assert shape.executed_flops_per_token == 8160 + 960


@pytest.mark.parametrize(
    ("width", "d_ff"), [(96, 256), (128, 512), (640, 1792), (1504, 4096), (4096, 11008), (5120, 13824), (8192, 22016)]
)
def test_the_gated_feed_forward_width(width: int, d_ff: int) -> None:
    # 96 to 1504: open_lm's configurations; 4096 to 8192: LLaMA 7B, 13B and 65B (Touvron et al. 2023).
    assert default_d_ff(width) == d_ff

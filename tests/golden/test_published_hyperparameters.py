"""Every constant of learning rate, batch, beta2, warmup, decay and critical batch against a published number."""

import csv
import math
from pathlib import Path

import numpy as np
import pytest
from tests.bundled import fit, predict
from tests.golden.register import covers

from budgetscope.calibrate.plan import porian_rule
from budgetscope.core.counting.ledger import Convention
from budgetscope.core.laws.forms import (
    BatchStep,
    Constant,
    Monomial,
    Predictors,
    Timescale,
    TokenHalfLife,
    WarmupParams,
)


@covers(("kaplan2020/compute-efficient", "learning_rate"), ("kaplan2020/fixed-batch", "learning_rate"))
@pytest.mark.parametrize("name", ["kaplan2020/compute-efficient", "kaplan2020/fixed-batch"])
def test_kaplans_learning_rate(name: str) -> None:
    # Equation D.1: LR(N) = 0.003239 - 0.0001395 ln N. By hand: ln 1e6 = 13.8155, ln 1.5e9 = 21.1287.
    assert predict(name, "learning_rate", n=1e6) == pytest.approx(1.3117e-3, rel=1e-4)
    assert predict(name, "learning_rate", n=1.5e9) == pytest.approx(2.915e-4, rel=1e-3)
    # "breaks for N > 1e10": positive there, gone soon after.
    assert predict(name, "learning_rate", n=1e10) == pytest.approx(2.7e-5, rel=0.02)
    assert predict(name, "learning_rate", n=1.3e10) is None


@covers(("deepseek2024/current-data", "learning_rate"), ("deepseek2024/current-data", "batch_size"))
def test_deepseeks_own_7b_run() -> None:
    # The 7B on 2T tokens, C = 8.3e22, was trained with 2304 x 4096 = 9.4M tokens at 4.2e-4.
    batch = predict("deepseek2024/current-data", "batch_size", c=8.3e22)
    rate = predict("deepseek2024/current-data", "learning_rate", c=8.3e22)
    assert batch == pytest.approx(9.2e6, rel=0.01)
    assert rate == pytest.approx(4.3e-4, abs=5e-6)
    assert batch == pytest.approx(2304 * 4096, rel=0.03)
    assert rate == pytest.approx(4.2e-4, rel=0.03)
    # Eq. 1: 0.3118 C^-0.1250 and 0.2920 C^0.3271.
    assert predict("deepseek2024/current-data", "learning_rate", c=1.0) == 0.3118
    assert predict("deepseek2024/current-data", "batch_size", c=1.0) == 0.2920


@covers(("minicpm2024/average", "batch_size"), ("minicpm2024/average", "learning_rate"))
def test_minicpms_batch_at_a_loss_of_three() -> None:
    # bs = 1.21e9 / L^6.24 tokens: 1.28M at L = 3.
    assert predict("minicpm2024/average", "batch_size", loss=3.0) == pytest.approx(1.28e6, rel=0.01)
    assert predict("minicpm2024/average", "batch_size", loss=1.0) == 1.21e9
    assert predict("minicpm2024/average", "batch_size", loss=None) is None
    # One rate under their parametrisation, stable from 0.04B to 2.1B.
    assert fit("minicpm2024/average").laws["learning_rate"].law == Constant(0.01)


@covers(("steplaw2025/dense", "learning_rate"), ("steplaw2025/dense", "batch_size"))
def test_step_law() -> None:
    # Li et al. 2025: lr = 1.79 N^-0.713 D^0.307, B = 0.58 D^0.571 tokens. Their tool's logarithms:
    law = "steplaw2025/dense"
    n, d = 1e9, 100e9
    ln_rate = math.log(1.79) - 0.713 * math.log(n) + 0.307 * math.log(d)
    assert predict(law, "learning_rate", n=n, d=d) == pytest.approx(math.exp(ln_rate), rel=1e-12)
    assert predict(law, "batch_size", n=n, d=d) == pytest.approx(math.exp(math.log(0.58) + 0.571 * math.log(d)))
    # By hand: 1.79 · 10^(-6.417 + 3.377) = 1.63e-3, and 0.58 · 10^6.281 = 1.108M tokens.
    assert predict(law, "learning_rate", n=n, d=d) == pytest.approx(1.63e-3, rel=0.002)
    assert predict(law, "batch_size", n=n, d=d) == pytest.approx(1.108e6, rel=0.001)
    # Medians of their 1000 bootstrap fits: exp 0.586 -> 1.78 and exp -0.544 -> 0.58.
    assert predict(law, "learning_rate") == pytest.approx(1.78, rel=0.01)
    assert predict(law, "batch_size") == pytest.approx(math.exp(-0.544), rel=0.01)
    assert fit(law).counting == Convention.KAPLAN


RULE = "porian2024/rounded-rule"


@covers((RULE, "learning_rate"), (RULE, "batch_size"))
def test_porians_rounded_rule() -> None:
    # Labels of their figure: "BS = 160 (N / 108e6)^{2/3}" sequences of 2048 and "LR = 0.0047 (N / 108e6)^{-1/3}".
    assert predict(RULE, "learning_rate", n=108e6) == pytest.approx(0.0047, rel=1e-12)
    assert predict(RULE, "batch_size", n=108e6) == pytest.approx(160 * 2048, rel=1e-12)
    assert predict(RULE, "learning_rate", n=8 * 108e6) == pytest.approx(0.0047 / 2, rel=1e-12)
    assert predict(RULE, "batch_size", n=8 * 108e6) == pytest.approx(4 * 160 * 2048, rel=1e-12)
    # At the largest tuned run: 2.32e-3 and 659 sequences.
    assert predict(RULE, "learning_rate", n=902e6) == pytest.approx(2.32e-3, rel=0.002)
    assert predict(RULE, "batch_size", n=902e6) == pytest.approx(659 * 2048, rel=0.002)


def test_calibrations_start_from_the_same_rule() -> None:
    laws = {role: law.law for role, law in fit(RULE).laws.items()}
    assert laws["learning_rate"] == porian_rule.LEARNING_RATE
    assert laws["batch_size"] == porian_rule.BATCH
    assert laws["weight_decay"] == Constant(porian_rule.WEIGHT_DECAY)
    warmup = laws["warmup"]
    assert isinstance(warmup, WarmupParams)
    assert warmup.multiple == porian_rule.WARMUP_PARAMS


# N, learning rate, batch in sequences, beta2 of the sixteen tuned runs (their launch files).
TUNED_RUNS = [
    (5_173_248, 1.3e-2, 20, 0.99),
    (7_503_872, 1.15e-2, 28, 0.99),
    (9_809_920, 1.05e-2, 32, 0.99),
    (15_597_568, 9.0e-3, 44, 0.99),
    (22_487_040, 8.0e-3, 56, 0.99),
    (28_672_000, 7.4e-3, 64, 0.99),
    (37_060_608, 6.8e-3, 80, 0.99),
    (57_384_960, 5.9e-3, 104, 0.99),
    (84_787_200, 5.1e-3, 128, 0.99),
    (108_462_080, 4.7e-3, 160, 0.99),
    (149_045_248, 4.3e-3, 192, 0.99),
    (220_872_704, 3.8e-3, 256, 0.95),
    (347_078_656, 3.2e-3, 320, 0.95),
    (455_311_360, 3.0e-3, 448, 0.95),
    (611_958_784, 2.7e-3, 512, 0.95),
    (901_726_208, 2.4e-3, 640, 0.95),
]


@covers((RULE, "beta2"))
@pytest.mark.parametrize(("n", "rate", "sequences", "beta2"), TUNED_RUNS)
def test_every_tuned_run_follows_the_rule_as_they_rounded_it(n: int, rate: float, sequences: int, beta2: float) -> None:
    predicted = predict(RULE, "learning_rate", n=n)
    assert predicted is not None
    # The rate is the rule rounded up to two digits, in steps of 0.0005 above 0.01.
    step = 5e-4 if predicted > 0.01 else 1e-4
    assert rate == pytest.approx(math.ceil(predicted / step) * step, rel=1e-9)
    # The batch is the rule snapped to what their GPUs divide: at most 8% off.
    assert predict(RULE, "batch_size", n=n) == pytest.approx(sequences * 2048, rel=0.09)
    step_rule = fit(RULE).laws["beta2"].law
    assert isinstance(step_rule, BatchStep)
    assert step_rule.at_batch(sequences * 2048) == beta2


def test_the_tuned_runs_are_those_of_the_published_table(reference: Path) -> None:
    with (reference / "porian2024" / "tuned_hyperparameters.csv").open(newline="", encoding="utf-8") as file:
        rows = [
            (int(r["n"]), float(r["lr"]), int(r["batch_sequences"]), float(r["beta2"])) for r in csv.DictReader(file)
        ]
    assert rows == TUNED_RUNS


@covers((RULE, "warmup"), (RULE, "weight_decay"))
def test_porians_warmup_and_weight_decay() -> None:
    # Short warmup: N tokens, cut to a fifth or a sixth of D in short runs. Independent weight decay 1e-4.
    assert fit(RULE).laws["warmup"].law == WarmupParams(multiple=1.0, max_share=0.2)
    assert fit(RULE).laws["weight_decay"].law == Constant(1e-4)
    # The base runs' lambda of 0.033 at lr 3e-3 is the same decay, to two digits.
    assert pytest.approx(0.033, rel=0.02) == 1e-4 / 3e-3


SWEEP = "porian2024/sweep-fit"


@covers((SWEEP, "learning_rate"), (SWEEP, "batch_size"))
def test_porians_sweep_fit() -> None:
    # 3.7 N^-0.36 and 0.00037 N^0.703 sequences of 2048, which is 0.758 N^0.703 tokens. At 902M: 2.21e-3 and 731.
    assert predict(SWEEP, "learning_rate", n=1.0) == pytest.approx(3.7, rel=1e-12)
    assert predict(SWEEP, "batch_size", n=1.0) == pytest.approx(0.758, rel=5e-4)
    assert predict(SWEEP, "learning_rate", n=902e6) == pytest.approx(2.21e-3, rel=0.003)
    assert predict(SWEEP, "batch_size", n=902e6) == pytest.approx(731 * 2048, rel=0.003)
    # Within the sweep the rounded rule says the same to a tenth.
    for n in (28.7e6, 57.4e6, 108.5e6):
        for role in ("learning_rate", "batch_size"):
            assert predict(SWEEP, role, n=n) == pytest.approx(predict(RULE, role, n=n), rel=0.1)


@covers(("olmo2025/halved-rate", "learning_rate"), ("olmo2025/halved-rate", "batch_size"))
@pytest.mark.parametrize("n", [1e7, 190e6, 7e9])
def test_olmo_core_halves_porians_rate(n: float) -> None:
    rate, whole = (predict(name, "learning_rate", n=n) for name in ("olmo2025/halved-rate", RULE))
    assert rate is not None
    assert rate * 2 == pytest.approx(whole, rel=1e-12)
    assert predict("olmo2025/halved-rate", "batch_size", n=n) == predict(RULE, "batch_size", n=n)


EURO, SCHAIPP = "openeurollm2026/dense", "schaipp2026/batch"


@covers((EURO, "learning_rate"), (EURO, "batch_size"), (SCHAIPP, "batch_size"))
@pytest.mark.parametrize(
    ("n", "d", "rate", "euro", "schaipp"),
    [(1e8, 2e9, 1.1e-3, 0.11, 0.12), (1e9, 2e10, 5.0e-4, 0.45, 0.45), (7e9, 1.4e11, 2.7e-4, 1.45, 1.36)],
)
def test_the_laws_of_2026(n: float, d: float, rate: float, euro: float, schaipp: float) -> None:
    # 0.371396 N^-0.417 D^0.086 and 9.901e-5 N^0.145 D^0.460 sequences of 4096 (arXiv 2608.28308), and 0.667 D^0.566
    # tokens (arXiv 2607.01487), worked out by hand; batches in millions of tokens.
    assert predict(EURO, "learning_rate", n=n, d=d) == pytest.approx(rate, rel=0.025)
    for name, batch in ((EURO, euro), (SCHAIPP, schaipp)):
        assert (predict(name, "batch_size", n=n, d=d) or 0) / 1e6 == pytest.approx(batch, rel=0.025)


def test_openeurollms_laws_go_through_their_optima(reference: Path) -> None:
    """Log-log least squares through the 45 published optima gives the published constants."""
    with (reference / "openeurollm" / "optima.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    logs = {name: np.log([float(row[name]) for row in rows]) for name in ("N", "D", "learning_rate", "batch_sequences")}
    basis = np.column_stack([np.ones(len(rows)), logs["N"], logs["D"]])
    for column, role in (("learning_rate", "learning_rate"), ("batch_sequences", "batch_size")):
        intercept, n_exponent, d_exponent = np.linalg.lstsq(basis, logs[column], rcond=None)[0]
        law = fit(EURO).laws[role].law
        assert isinstance(law, Monomial)
        assert (law.n_params_exponent, law.tokens_exponent) == pytest.approx((n_exponent, d_exponent), abs=6e-4)
        assert law.coefficient == pytest.approx(np.exp(intercept), rel=1e-3)


@covers(("marek2025/token-half-life", "beta2"))
def test_mareks_half_life() -> None:
    law = fit("marek2025/token-half-life").laws["beta2"].law
    assert isinstance(law, TokenHalfLife)
    # Default of the released code: 10M tokens. 0.95 at 512 x 1024 tokens would be 7.1M.
    assert law.half_life_tokens == 10e6
    assert law.at_batch(10e6) == pytest.approx(0.5)
    half_life = 512 * 1024 * math.log(0.5) / math.log(0.95)
    assert half_life == pytest.approx(7.1e6, rel=0.01)
    assert TokenHalfLife(half_life).at_batch(512 * 1024) == pytest.approx(0.95, rel=1e-12)
    # "beta2 = 0.95 at batch size 512 to batch size 1 yields beta2 ~ 0.9999."
    assert TokenHalfLife(half_life).at_batch(1024) == pytest.approx(0.9999, abs=5e-6)


@covers(("zhang2024/critical-batch", "critical_batch_size"))
def test_zhangs_critical_batch() -> None:
    # 93.20 N^0.47 sequences of 512, N in millions, at D = 20 N.
    law = "zhang2024/critical-batch"
    assert predict(law, "critical_batch_size", d=20e6) == pytest.approx(93.20 * 512, rel=1e-12)
    # The law in D, 22.91 D^0.47 with D in millions, is the same law at D = 20 N.
    at_302m = predict(law, "critical_batch_size", d=20 * 302e6)
    assert at_302m == pytest.approx(22.91 * (20 * 302) ** 0.47 * 512, rel=0.01)
    # At fixed D = 3.07B the other fit gives 621.341 · 153.5^0.087 = 962 sequences for the same 153.5M model: near.
    assert predict(law, "critical_batch_size", d=3.07e9) == pytest.approx(998 * 512, rel=0.02)


@covers(("bergsma2025/power-lines", "weight_decay"))
def test_power_lines_timescale() -> None:
    """tau = 1.084 (D/N)^-0.527; an independent decay of 1e-4 suits 20 tokens a parameter, not 200."""
    law = fit("bergsma2025/power-lines").laws["weight_decay"].law
    assert isinstance(law, Timescale)
    batch = 0.45e6
    decay = law.weight_decay(Predictors(1e9, 20e9, 1.2e20), batch)
    assert batch / (decay * 20e9) == pytest.approx(1.084 * 20**-0.527)
    assert decay == pytest.approx(1e-4, rel=0.05)
    # Ten times the tokens at the same batch.
    longer = law.weight_decay(Predictors(1e9, 200e9, 1.2e21), batch)
    assert longer / decay == pytest.approx(10**-1 * 10**0.527)

"""What people type as a budget: what is understood, and what is refused with which words."""

import re
from pathlib import Path

import pytest

from budgetscope.core.budget import tokens as lexer
from budgetscope.core.budget.describe import alternatives, describe
from budgetscope.core.budget.parse import (
    Budget,
    ComputeBudget,
    HardwareBudget,
    LossTarget,
    SizeTarget,
    TokensTarget,
    parse_budget,
)
from budgetscope.core.budget.statement import EXAMPLES
from budgetscope.core.errors import UsageError
from budgetscope.core.hardware.devices import DeviceNames
from budgetscope.store.devices import bundled_devices

NAMES = DeviceNames(bundled_devices().devices)


def machines(device: str | None, n_devices: float, days: float, mfu: float | None = None) -> HardwareBudget:
    return HardwareBudget(device=device, n_devices=n_devices, hours=24 * days, mfu=mfu)


UNDERSTOOD: list[tuple[str, Budget]] = [
    ("1e21", ComputeBudget(1e21)),
    (" 1E21 ", ComputeBudget(1e21)),
    ("1_000_000_000_000_000", ComputeBudget(1e15)),
    ("10^21", ComputeBudget(1e21)),
    ("5.88×10^23 FLOPs", ComputeBudget(5.88e23)),
    ("C=1e21", ComputeBudget(1e21)),
    ("FLOPs: 3e22", ComputeBudget(3e22)),
    ("C = 3 zettaflops", ComputeBudget(3e21)),
    ("3e22 FLOPs", ComputeBudget(3e22)),
    ("1.2 YFLOP", ComputeBudget(1.2e24)),
    ("100 petaflop/s-days", ComputeBudget(8.64e21)),
    ("100 PF-days", ComputeBudget(8.64e21)),
    ("64xH100 14d", machines("H100", 64, 14)),
    ("64 xH100 14d", machines("H100", 64, 14)),
    ("H100x64 14d", machines("H100", 64, 14)),
    ("64xH100x14d", machines("H100", 64, 14)),
    ("64 H100 x 14 days", machines("H100", 64, 14)),
    ("64xH100-14d", machines("H100", 64, 14)),
    ("64-H100-14-days", machines("H100", 64, 14)),
    ("64xH100 14d.", machines("H100", 64, 14)),
    ("64 * H100, 2w", machines("H100", 64, 14)),
    ("64×H100s on 14 days", machines("H100", 64, 14)),
    ("14 days of 64 H100 GPUs", machines("H100", 64, 14)),
    ("64 H100 for two weeks at 40% MFU", machines("H100", 64, 14, 0.4)),
    ("64 X H100 FOR TWO WEEKS AT 40 PERCENT UTILIZATION", machines("H100", 64, 14, 0.4)),
    ("MFU=40% 64 H100 2w", machines("H100", 64, 14, 0.4)),
    ("64 H100 14d MFU 0.4", machines("H100", 64, 14, 0.4)),
    ("64 H100 14d 0.4 MFU", machines("H100", 64, 14, 0.4)),
    ("64 H100 14d at 40%", machines("H100", 64, 14, 0.4)),
    ("64 H100 14d with mfu of 40%", machines("H100", 64, 14, 0.4)),
    ("64 x H100 SXM for 14 days", machines("H100 SXM", 64, 14)),
    ("8 A100-80GB 3 days", machines("A100-80GB", 8, 3)),
    ("8 A100  80GB 3 days", machines("A100 80GB", 8, 3)),
    ("8 A100-SXM4-80GB 3 days", machines("A100-SXM4-80GB", 8, 3)),
    ("8 RTX 4090 3 days", machines("RTX 4090", 8, 3)),
    ("RTX 4090 x 8 for 3 days", machines("RTX 4090", 8, 3)),
    ("8x RTX 4090D 3 days", machines("RTX 4090D", 8, 3)),
    ("8 RTX 4090 D 3 days", machines("RTX 4090 D", 8, 3)),
    ("8 RTX 6000 Ada 3 days", machines("RTX 6000 Ada", 8, 3)),
    ("8 Gaudi 3 for 3 days", machines("Gaudi 3", 8, 3)),
    ("8 my-cluster 3 days", machines("my-cluster", 8, 3)),
    ("8 my-cluster-2 for 3 days", machines("my-cluster-2", 8, 3)),
    ("128 TPU v5p for 1 month", machines("TPU v5p", 128, 30)),
    ("128 TPUs v5e for 1 month", machines("TPU v5e", 128, 30)),
    ("64 MI300Xs 14d", machines("MI300X", 64, 14)),
    ("64 GH200 36h", machines("GH200", 64, 1.5)),
    ("64B200 14d", machines("B200", 64, 14)),
    ("8 T4 90min", machines("T4", 8, 1.5 / 24)),
    ("8 L40s 14d", machines("L40s", 8, 14)),
    ("8 L40S 14d", machines("L40S", 8, 14)),
    ("an H100 for a week", machines("H100", 1, 7)),
    ("eight H100 for an hour", machines("H100", 8, 1 / 24)),
    ("8xH100 half a day", machines("H100", 8, 0.5)),
    ("8xH100 1w 2d", machines("H100", 8, 9)),
    ("64 GPUs 14d", machines(None, 64, 14)),
    ("1k H100 14d", machines("H100", 1000, 14)),
    ("5000 H100-hours", HardwareBudget(device="H100", device_hours=5000)),
    ("5000 H100 hours", HardwareBudget(device="H100", device_hours=5000)),
    ("5000 H100 GPU hours", HardwareBudget(device="H100", device_hours=5000)),
    ("5000 GPU-hours on H100", HardwareBudget(device="H100", device_hours=5000)),
    ("5k GPU-hours", HardwareBudget(device_hours=5000)),
    ("5000 TPU v5p-hours", HardwareBudget(device="TPU v5p", device_hours=5000)),
    ("8 RTX 4090 hours", HardwareBudget(device="RTX 4090", device_hours=8)),
    ("20 H100-days", HardwareBudget(device="H100", device_hours=480)),
    ("5000 GPU-hours on 64 H100", HardwareBudget(device="H100", n_devices=64, device_hours=5000)),
    ("5000 H100-hours for 14 days", HardwareBudget(device="H100", hours=336, device_hours=5000)),
    ("$50k on H100", HardwareBudget(device="H100", usd=50e3)),
    ("50k USD on H100", HardwareBudget(device="H100", usd=50e3)),
    ("USD 50k on H100", HardwareBudget(device="H100", usd=50e3)),
    ("50k$ on H100", HardwareBudget(device="H100", usd=50e3)),
    ("$50,000 H100", HardwareBudget(device="H100", usd=50e3)),
    ("$50k on A100-80GB", HardwareBudget(device="A100-80GB", usd=50e3)),
    ("$2M", HardwareBudget(usd=2e6)),
    ("2 million dollars", HardwareBudget(usd=2e6)),
    ("$50k on 8 H100", HardwareBudget(device="H100", n_devices=8, usd=50e3)),
    ("$50k on H100 for two weeks", HardwareBudget(device="H100", hours=336, usd=50e3)),
    ("$50k a week", HardwareBudget(hours=168, usd=50e3)),
    *(
        (f"$50k on H100 at {price}", HardwareBudget(device="H100", usd=50e3, price_usd_per_device_hour=2.5))
        for price in (
            "$2.50/h",
            "$2.5/hr",
            "$2.50 per hour",
            "$2.50 an hour",
            "$2.50/GPU/h",
            "$2.50/GPU-h",
            "$2.50/h/GPU",
            "2.50 USD/h",
            "2.5 dollars per GPU-hour",
            "$2.50 per H100-hour",
        )
    ),
    ("64xH100 14d at $2/h", HardwareBudget("H100", 64, 336, price_usd_per_device_hour=2)),
    ("loss 2.6", LossTarget(2.6)),
    ("loss=2.6", LossTarget(2.6)),
    ("loss of 2.6", LossTarget(2.6)),
    ("Loss: 2.6 nats", LossTarget(2.6)),
    ("N=7B", SizeTarget(7e9)),
    ("n = 7 billion parameters", SizeTarget(7e9)),
    ("7B params", SizeTarget(7e9)),
    ("7B parameters", SizeTarget(7e9)),
    ("a 7B-parameter model", SizeTarget(7e9)),
    ("D=140B", TokensTarget(140e9)),
    ("D=140B tokens", TokensTarget(140e9)),
    ("140B tokens", TokensTarget(140e9)),
    ("1.4T tokens", TokensTarget(1.4e12)),
    ("30m tokens", TokensTarget(30e6)),
]


@pytest.mark.parametrize(("text", "budget"), UNDERSTOOD)
def test_is_understood(text: str, budget: Budget) -> None:
    parsed = parse_budget(text)
    if isinstance(budget, ComputeBudget):
        assert isinstance(parsed, ComputeBudget)
        assert parsed.flops == pytest.approx(budget.flops, rel=1e-15)
    else:
        assert parsed == budget


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("", "'' is empty"),
        (" \t\n", r"' \t\n' is empty"),
        # half typed
        ("64x", "'64x' stops short of a device"),
        ("N=", "'N=' stops short of a number"),
        ("N", "'N' is not understood"),
        ("loss", "'loss' stops short of a number"),
        ("loss of", "'loss of' stops short of a number"),
        ("1e", "'1e' is not understood"),
        ("$", "'$' stops short of a number of dollars"),
        ("64 H100 x", "'x' is not understood"),
        ("H100 x", "'H100 x' stops short of a number of devices"),
        ("64xH100 14d at", "stops short after 'at'"),
        ("for", "stops short after 'for'"),
        ("64xH100 14", "'14' has no unit; write 14 days, 14 GPUs or 14% MFU"),
        ("64xH100 14d at 0.4", "'0.4' has no unit; write 0.4 days, 0.4 GPUs or MFU 0.4"),
        # numbers that no budget can have
        ("0", "'0' must be above zero"),
        ("-5", "'-5' must be above zero"),
        ("\u22125", "'-5' must be above zero"),
        ("-1e21 FLOPs", "'-1e21 FLOPs' must be above zero"),
        ("0xH100 14d", "'0xH100' must be above zero"),
        ("64xH100 -14d", "'-14d' must be above zero"),
        ("64xH100 0d", "'0d' must be above zero"),
        ("$-50k", "'$-50k' must be above zero"),
        ("-$50k", "'-$50k' must be above zero"),
        ("N=-7B", "'N=-7B' must be above zero"),
        ("loss -2.6", "'loss -2.6' must be above zero"),
        ("nan", "'nan' is not understood"),
        ("inf", "'inf' is not understood"),
        ("loss nan", "'loss nan' is not a finite number"),
        ("N=inf", "'N=inf' is not a finite number"),
        ("64xnan 14d", "'64xnan' is not understood"),
        ("1e400", "'1e400' is too large a number"),
        ("N=1e400", "'N=1e400' is too large a number"),
        ("1e-400 FLOPs", "'1e-400 FLOPs' must be above zero"),
        ("1e308 weeks on 8 H100", "'1e308 weeks' is too large a number"),
        ("64xH100 14d at 140% MFU", "'140% MFU' is an MFU above 100%"),
        ("64xH100 14d MFU 40", "'MFU 40' is an MFU above 100%"),
        ("64xH100 14d MFU 0", "'MFU 0' must be above zero"),
        ("64xH100 14d at -40%", "'-40%' must be above zero"),
        # what a number means
        ("64", "'64' has no unit; write N=64, 64 tokens, or FLOPs like 1e21"),
        ("1e11", "'1e11' has no unit"),
        ("7B", "'7B' has no unit; write N=7B, 7B tokens, or FLOPs like 1e21"),
        ("140 billion", "'140 billion' has no unit"),
        ("2T", "'2T' has no unit"),
        ("1,000,0000", "'1,000,0000' is not a number"),
        ("30m", "'30m' could be minutes, months or millions"),
        ("64xH100 30m", "'30m' could be minutes, months or millions"),
        ("64xH100 for 30 M", "'30 M' could be minutes, months or millions"),
        ("100 PF", "'100 PF' is FLOP per second, a rate"),
        ("3 exaflop/s", "'3 exaflop/s' is FLOP per second, a rate"),
        ("$50k on H100 at $60/day", "'$60/day' is not a price per device and hour"),
        # words
        ("64 kg", "'64 kg' is not understood"),
        ("64xkg 14d", "'64xkg' is not understood"),
        ("64xH100 14dd", "'14dd' is not understood"),
        ("50k GBP", "'50k GBP' is a currency without a rate"),
        ("£50k", "'£' is a currency without a rate"),
        ("8 x 4090 3d", "'8 x 4090' is not understood"),
        ("hello", "'hello' is not understood"),
        ("gpus", "'gpus' is not understood"),
        ("8 " + "H100-" * 20 + "x 3d", "is longer than the 60 characters"),
        ("\x1b[31m1e21", r"'\x1b' is not understood"),
        ("64xH100 14d\x07", r"'\x07' is not understood"),
    ],
)
def test_what_is_not_understood_is_named_beside_three_examples(text: str, part: str) -> None:
    with pytest.raises(UsageError) as refused:
        parse_budget(text)
    assert part in str(refused.value)
    assert str(refused.value).endswith(f"examples: {EXAMPLES}")


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("64xH100", "'64xH100' says how many devices but not for how long; add a duration"),
        ("64 GPUs", "says how many devices but not for how long"),
        ("14d", "'14d' says for how long but not on how many devices"),
        ("5000 hours on H100", "says for how long but not on how many devices"),
        ("H100", "'H100' does not say how much machine time"),
        ("40% MFU", "'40% MFU' does not say how much machine time"),
        ("$2.50/h", "'$2.50/h' does not say how much machine time"),
    ],
)
def test_what_is_missing_is_named(text: str, part: str) -> None:
    with pytest.raises(UsageError) as refused:
        parse_budget(text)
    assert part in str(refused.value)
    assert "'64xH100 14d'" in str(refused.value)


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("loss 2.6 1e21", "both FLOPs ('1e21') and a loss ('loss 2.6')"),
        ("1e21 for 14d on H100", "both FLOPs ('1e21') and a duration ('14d')"),
        ("1e21 3e22 FLOPs", "FLOPs twice, '1e21' and '3e22 FLOPs'; keep one"),
        ("1e21 1e21", "FLOPs twice"),
        ("N=7B N=8B", "a model size twice, 'N=7B' and 'N=8B'"),
        ("64xH100 14 parsecs", "a number of devices twice, '64xH100' and '14 parsecs'"),
        ("64xH100 14d 3d", "a duration twice, '14d' and '3d'"),
        ("$50k $60k", "dollars twice, '$50k' and '$60k'"),
        ("$50k at $2.50/h $3/h", "a price twice, '$2.50/h' and '$3/h'"),
        ("64xH100 14d on A100", "names two devices, 'H100' and 'A100'"),
        ("$50k 64xH100 14d", "dollars ('$50k'), a number of devices ('64xH100') and a duration ('14d'), one too many"),
        ("64xH100 14d at $2.50", "a price is written like $2.50/h"),
        ("$50k 5000 H100-hours", "dollars ('$50k') and device-hours ('5000 H100-hours'), one too many"),
    ],
)
def test_contradictions_are_named_with_the_remedy(text: str, part: str) -> None:
    with pytest.raises(UsageError) as refused:
        parse_budget(text)
    assert part in str(refused.value)


@pytest.mark.parametrize(
    ("budget", "text"),
    [
        (ComputeBudget(1e21), "1e21 FLOPs"),
        (ComputeBudget(3.06e22), "3.06e22 FLOPs"),
        (ComputeBudget(0.1), "1e-1 FLOPs"),
        (machines("H100", 64, 14, 0.4), "64 x H100 for 14 days at 40% MFU"),
        (machines("H100", 1, 1), "1 x H100 for 1 day"),
        (machines(None, 64, 1.5), "64 GPUs for 36 hours"),
        (HardwareBudget(device="H100", device_hours=5000), "5000 H100-hours"),
        (HardwareBudget(device="TPU v5p", device_hours=5000), "5000 GPU-hours on TPU v5p"),
        (HardwareBudget(device="H100", n_devices=64, device_hours=5000), "5000 GPU-hours on 64 x H100"),
        (
            HardwareBudget(device="H100", usd=50e3, price_usd_per_device_hour=2.5),
            "$50k on H100 at $2.50/h",
        ),
        (HardwareBudget(usd=5, price_usd_per_device_hour=1e263), "$5 at $1e+263/h"),
        (HardwareBudget(usd=1.2345678e6), "$1234567.8"),
        (HardwareBudget(usd=5, mfu=1 / 3), "$5 at MFU 0.3333333333333333"),
        (LossTarget(2.6), "loss 2.6"),
        (SizeTarget(7e9), "N=7B"),
        (SizeTarget(17.7e9), "N=17.7B"),
        (TokensTarget(1.4e12), "D=1.4T"),
        (TokensTarget(1e21), "D=1e+21"),
    ],
)
def test_canonical_text(budget: Budget, text: str) -> None:
    assert describe(budget) == text
    assert parse_budget(text) == budget


@pytest.mark.parametrize("value", [0.0, -1.0, float("nan"), float("inf")])
def test_no_budget_holds_a_number_that_is_not_positive_and_finite(value: float) -> None:
    for build in (ComputeBudget, LossTarget, SizeTarget, TokensTarget):
        with pytest.raises(UsageError, match="must be above zero and finite"):
            build(value)
    with pytest.raises(UsageError, match=r"usd is .* above zero and finite"):
        HardwareBudget(usd=value)


def test_no_budget_holds_an_mfu_above_one() -> None:
    with pytest.raises(UsageError, match="at most 1"):
        HardwareBudget(usd=1, mfu=1.5)


def test_an_absurd_length_is_refused_before_it_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lexer, "_TOKEN", None)  # reading would raise AttributeError
    with pytest.raises(UsageError, match="has 10000 characters, more than the 300") as refused:
        parse_budget("1" * 10_000)
    assert "1" * 39 in str(refused.value)
    assert "1" * 40 not in str(refused.value)


PEOPLE_WRITE = [
    # A budget that no one meant.
    ("$1,5k H100", "$1.5k on H100", "'1,5' is read as 1.5"),
    ("10% of $1M on H100", "$100k on H100", "'10% of $1M' is read as $100,000"),
    ("50% of 64 H100 for 2 weeks", "32 x H100 for 14 days", "'50% of 64 H100' is read as 32 devices"),
    ("half of $1M on H100", "$500k on H100", "'half of $1M' is read as $500,000"),
    ("1.000.000 tokens", "D=1M", "'1.000.000' is read as 1000000"),
    ("2x8 H100 14d", "16 x H100 for 14 days", "'2x8' is read as 16 devices"),
    # Fillers, and what is known by name.
    ("I have 64 H100 for 14 days", "64 x H100 for 14 days", ""),
    ("64 H100 14d please", "64 x H100 for 14 days", ""),
    ("How big a model can I train with 8 A100s in a month?", "8 x A100 for 30 days", ""),
    ("a budget of $50k on H100s at $2.50 per GPU-hour", "$50k on H100 at $2.50/h", ""),
    ("1 sextillion FLOPs", "1e21 FLOPs", ""),
    ("1e22 floating-point operations", "1e22 FLOPs", ""),
    ("64 H100 14d in bf16", "64 x H100 for 14 days, in bf16", ""),
    ("64 H100 14d, seq 4096", "64 x H100 for 14 days, seq 4096", ""),
    ("64 H100 14d with 8k context", "64 x H100 for 14 days, seq 8192", "8,192 tokens a sequence"),
    ("1h30m on 8 H100", "8 x H100 for 1.5 hours", ""),
    ("sixty-four H100 for two and a half weeks", "64 x H100 for 420 hours", ""),
    # Beside a target.
    ("1e21 on 64 H100 at 40% of peak", "1e21 FLOPs on 64 x H100 at 40% MFU", ""),
    ("N=7B on 64 H100", "N=7B on 64 x H100", ""),
    ("train 7B on 64 H100", "N=7B on 64 x H100", "'7B' is read as a model size"),
    # N, D and the data fixed beside a budget.
    ("N=1.1B D=3T on 16 A100", "N=1.1B on 16 x A100, D=3T", ""),
    ("8 B on 15 T tokens in 1.3 M H100-hours", "1300000 H100-hours, N=8B, D=15T", "'8 B' is read as a model size"),
    ("1.1 B on 22 B tokens in 32 h on 8 A100", "8 x A100 for 32 hours, N=1.1B, D=22B", "model size"),
    ("65 B on 1.4 T tokens: 1,000 H100 for a month?", "1000 x H100 for 30 days, N=65B, D=1.4T", "model size"),
    ("7B on 1T for 14d on 64 H100", "64 x H100 for 14 days, N=7B, D=1T", "'1T' is read as a number of tokens"),
    ("one RTX 3090, 10 B tokens, 50 M parameters, a week", "1 x RTX 3090 for 7 days, N=50M, D=10B", ""),
    (
        "8 A800-80GB for a month, which size? 2 B on 40 B tokens?",
        "8 x A800-80GB for 30 days, N=2B, D=40B",
        "'2 B' is read as a model size",
    ),
    ("4 epochs of 100B tokens on 8 H100 3d", "8 x H100 for 3 days, 4 epochs, 100B unique tokens", "unique"),
    # Devices.
    ("2x4090 3d", "2 x 4090 for 3 days", ""),
    ("two 4090s for 3 days", "2 x 4090 for 3 days", ""),
    ("$50k on 4090s", "$50k on 4090", ""),
    ("$50k on 6000 Ada", "$50k on 6000 Ada", ""),
    ("3,000万円 1ドル150円", "$200k", "at 150 yen a dollar (as stated)"),
    ("a single H100 for a week", "1 x H100 for 7 days", ""),
    ("8x 80GB A100 3d", "8 x 80GB A100 for 3 days", ""),
    ("A100-80GB x8 3d", "8 x A100-80GB for 3 days", ""),
    ("A100-80GBx8 3d", "8 x A100-80GB for 3 days", ""),
    ("8 A100 (80GB) 3d", "8 x A100 80GB for 3 days", ""),
    ("DGX H100 for 2 weeks", "8 x H100 for 14 days", "a DGX has 8"),
    ("8 HGX H100 2w", "8 x HGX H100 for 14 days", "one GPU, not as a board of 8"),
    ("2 nodes with 8x H100 each for 3 days", "16 x H100 for 3 days", ""),
    ("8 NVIDIA GPUs 2w", "8 GPUs for 14 days", ""),
    ("8 L4 8h", "8 x L4 for 8 hours", ""),
    # Japan.
    ("8xH100 2週間", "8 x H100 for 14 days", ""),
    ("8台のH100で2週間", "8 x H100 for 14 days", ""),
    ("８ｘＨ１００ １４ｄ", "8 x H100 for 14 days", ""),
    ("5000 GPU時間", "5000 GPU-hours", ""),
    ("1.7兆トークン", "D=1.7T", ""),
    ("€50k on H100", "$55.86k on H100", "$55,860 at 1.1172 dollars a euro (ECB, 2026-10-30"),
    ("50k EUR on 64 H100", "$55.86k on 64 x H100", "at 1.1172 dollars a euro"),
    ("64 H100 14d at €2/h", "64 x H100 for 14 days at $2.23/h", "'€2/h' is $2.23 at 1.1172 dollars a euro"),
    ("EUR 1 million", "$1.1172M", "at 1.1172 dollars a euro"),
    ("20% of 1M euros", "$223.44k", "at 1.1172 dollars a euro"),
    ("100万円", "$6.3593k", "$6,359.3 at 157.25 yen a dollar (ECB, 2026-10-30"),
    ("¥1,000,000 on H100 at ¥150/$", "$6.66667k on H100", "at 150 yen a dollar (as stated)"),
    ("1億2000万円 at 150 yen/$", "$800k", "at 150 yen a dollar"),
]


@pytest.mark.parametrize(("text", "read", "choice"), PEOPLE_WRITE)
def test_what_people_write_is_read_and_a_choice_is_said(text: str, read: str, choice: str) -> None:
    budget = parse_budget(text, NAMES)
    assert describe(budget) == read
    assert choice in "; ".join(budget.choices)
    assert bool(choice) == bool(budget.choices)


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("$1-2M H100", "'$1-2M' is a range or a choice; ask for one at a time: $1M, then $2M"),
        ("$50k-100k H100", "$50k, then $100k"),
        ("$50k to $100k on H100", "$50k, then $100k"),
        ("8 or 16 H100 for a week", "'8 or 16' is a range or a choice"),
        ("10～20日 8xH100", "is a range or a choice"),
        ("between 8 and 16 H100 for a week", "'between' offers a choice"),
        ("$1 500 A100", "'1 500' is one number or two"),
        ("$1, 5k H100", "'1, 5' is one number or two"),
        ("12,34,567 tokens", "thousands are groups of three digits"),
        ("A100 x 1,5k USD", "'A100 x 1,5k USD' is not understood"),
        ("64 H100 for 2 weeks - 10%", "'10%' does not say of what; write 10% MFU, or 10% of an amount"),
        ("64 H100 14d 24%", "'24%' does not say of what"),
        ("64 H100 month", "write 64 H100-months, or 64 H100 for 1 month"),
        ("8 4090 hours", "may be device-time or a duration"),
        ("5.000 A100 hours", "has a point that may separate thousands; write 5000 or 5"),
        ("$50.000 on H100", "write 50000 or 50"),
        ("1.000 H100 14d", "write 1000 or 1"),
        ("64 H100 for 1.500 hours", "write 1500 or 1.5"),
        ("10 MWh", "'10 MWh' is energy or power"),
        ("9,600 tokens/s a GPU, 7 B, H100", "'9,600 tokens/s' is a throughput"),
        ("20 tokens per parameter", "is a ratio"),
        ("64 H100 foo 14d", "'foo' is not understood"),
        ("64 foo 14d", "unknown device 'foo'"),
        ("64 H100 for 14 dys", "'dys' is not understood: perhaps you mean days"),
        ("64 H100 for 2 weaks", "'weaks' is not understood: perhaps you mean weeks"),
        ("d20 on one RTX 4090", "unknown device 'd20'"),
        ("8 RTX 6000 3d", "unknown device 'RTX 6000': perhaps you mean"),
        ("8 H100 96GB 2w", "'96GB' is not understood"),
        ("at least 64 H100 for 2 weeks", "'least' changes the amount"),
        ("64 H100 14d + 10%", "'+' changes the amount"),
        ("TPU v5p-128 for a month", "'128' has no unit"),
        ("40% HFU on 64 H100 14d", "'40% HFU' counts recomputation"),
        ("64 H100 14d 300円/day", "is not a price per device and hour"),
        ("$5k at 150 yen/$", "gives an exchange rate and no yen"),
        ("€5k at 150 yen/$", "gives an exchange rate and no yen"),
        ("€ on H100", "stops short of a number of euros"),
        ("-€50k", "must be above zero"),
        ("-¥50k", "must be above zero"),
        ("€10k-€20k", "is a range or a choice"),
    ],
)
def test_what_has_two_readings_or_none_is_refused(text: str, part: str) -> None:
    with pytest.raises(UsageError) as refused:
        parse_budget(text, NAMES)
    assert part in str(refused.value)


def test_the_reference_of_budgets_is_true() -> None:
    text = (Path(__file__).parents[3] / "docs" / "reference" / "budgets.md").read_text(encoding="utf-8")
    stated, read, refused = (re.findall(r"^\| (.*?) \|$", part, re.MULTILINE)[2:] for part in text.split("\n## ")[1:])
    for row in stated[:-1]:
        for example in re.findall("`(.*?)`", row):
            assert parse_budget(example, NAMES), example
    for row in read:
        said, as_read = re.findall("`(.*?)`", row)
        budget = parse_budget(said, NAMES)
        assert describe(budget) == as_read
        assert budget.choices
    for row in refused:
        if "fp8" in row:  # by the plan
            continue
        for example in re.findall("`(.*?)`", row.split(" | ", maxsplit=1)[0]):
            with pytest.raises(UsageError):
                parse_budget(example, NAMES)


def test_a_budget_that_fixes_n_or_d_names_the_budgets_to_ask() -> None:
    assert alternatives(parse_budget("N=7B on 64 H100 14d")) == ["64 x H100 for 14 days", "N=7B"]
    assert alternatives(parse_budget("N=7B D=1T on 64 H100")) == ["N=7B on 64 x H100", "D=1T on 64 x H100"]
    assert alternatives(parse_budget("N=7B on 64 H100, seq 4096")) == []


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("2 TFLOP/s for 20 seconds", "2 TFLOP/s for 20 seconds"),
        ("8 H100 for 20 min", "8 x H100 for 20 minutes"),
        ("8 H100 for 100 min", "8 x H100 for 100 minutes"),
        ("8 H100 for 90 min", "8 x H100 for 1.5 hours"),
        ("8 H100 for 0.123456789 h", "8 x H100 for 0.123456789 hours"),
    ],
)
def test_a_short_duration_is_written_without_a_fraction_of_an_hour(text: str, canonical: str) -> None:
    assert describe(parse_budget(text)) == canonical
    assert parse_budget(canonical) == parse_budget(text)

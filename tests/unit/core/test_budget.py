"""What people type as a budget: what is understood, and what is refused with which words."""

import pytest

from budgetscope.core.budget import tokens as lexer
from budgetscope.core.budget.describe import describe
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
        ("50k EUR", "'50k EUR' is a currency without a rate"),
        ("€50k", "'€' is a currency without a rate"),
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

"""The findings of an audit: each fires where it should, says its numbers, and is silent on a good run."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from tests.asking import ADVISOR
from tests.audited_runs import GOOD, counted

from budgetscope.api import Advisor
from budgetscope.api.audit import AuditOptions, audit_runs
from budgetscope.core.audit.counts import counts
from budgetscope.core.audit.finding import Finding, Severity, ranked
from budgetscope.core.audit.findings import findings
from budgetscope.core.audit.result import Audit
from budgetscope.core.audit.run import Evidence, ObservedRun
from budgetscope.core.counting.ledger import Convention
from budgetscope.core.errors import UsageError
from budgetscope.core.laws.repetition import TOKENS_DECAY, effective
from budgetscope.store.settings import Settings

ON_A_NODE = {"device": "h100", "n_devices": 8}


def audited(**changes: Any) -> Audit:
    return audit_runs(ADVISOR, [replace(GOOD, **changes)])


def of(**changes: Any) -> dict[str, Finding]:
    (run,) = audited(**changes).runs
    found = {finding.code: finding for finding in run.findings}
    assert len(found) == len(run.findings)
    return found


# Counts


def test_counts_are_the_ledgers() -> None:
    for changes in ({}, {"n_kv_heads": 4}, {"gated": True, "d_ff": 2048}, {"head_dim": 64}):
        found = counted(**changes)
        assert found.shape is not None
        assert found.n_params == found.shape.count(Convention.STANDARD).n_params
        assert found.n_params_blocks == found.shape.n_params_blocks
        assert found.flops == pytest.approx(6 * found.n_params * 2e9)


def test_heads_that_are_not_as_wide_as_the_model_are_counted_and_have_no_shape() -> None:
    # Qwen3-0.6B: 28 layers, width 1024, 16 query and 8 key-value heads of 128, so that q = 2048 and k = 1024.
    found = counted(depth=28, width=1024, d_ff=3072, gated=True, n_heads=16, n_kv_heads=8, head_dim=128)
    assert found.n_params_blocks == 28 * (2 * 1024 * (2048 + 1024) + 3 * 1024 * 3072)
    assert found.shape is None


@pytest.mark.parametrize("missing", ["vocab_size", "depth", "width", "d_ff", "gated"])
def test_what_is_missing_gives_no_n(missing: str) -> None:
    found = counted(**{missing: None})
    assert found.n_params is None
    assert found.flops is None
    assert found.shape is None


# A good run


def test_a_good_run_has_no_finding_but_that_no_machine_is_said() -> None:
    assert list(of()) == ["missing-machine"]
    assert list(of(**ON_A_NODE)) == []


# Warmup


def warmup(share: float, **changes: Any) -> Finding | None:
    tokens = changes.pop("tokens", 5e9)
    return of(warmup_tokens=share * tokens, tokens=tokens, **changes).get("warmup-long")


@pytest.mark.parametrize(
    ("share", "severity"), [(0.0499, None), (0.051, Severity.WARN), (0.149, Severity.WARN), (0.151, Severity.BAD)]
)
def test_a_warmup_is_judged_by_its_share(share: float, severity: Severity | None) -> None:
    found = warmup(share)
    assert (None if found is None else found.severity) == severity


def test_a_warmup_of_n_tokens_is_no_finding_however_short_the_run() -> None:
    n_params = counted().n_params
    assert n_params is not None
    assert warmup(0.1, tokens=10.0 * n_params) is None
    assert warmup(0.3, tokens=10.0 * n_params) is not None


def test_without_n_the_share_of_the_warmup_is_still_judged() -> None:
    found = of(vocab_size=None, warmup_tokens=500e6)["warmup-long"]
    assert found.severity == Severity.BAD
    assert "times N" not in found.evidence
    assert "as many tokens as the model has parameters" in found.remedy


def test_no_warmup_is_a_note() -> None:
    assert of(warmup_tokens=0.0)["warmup-none"].severity == Severity.NOTE


# Decay


def test_a_constant_rate_has_the_published_gain_of_a_decay_as_its_price() -> None:
    found = of(schedule="constant", decay_tokens=None)["decay-none"]
    assert found.severity == Severity.WARN
    assert "lowers the loss by 0.11 to 0.12 nats a token" in found.price
    assert "400 M tokens" in found.remedy


def test_a_decay_over_no_tokens_is_none() -> None:
    assert "decay-none" in of(schedule="wsd", decay_tokens=0.0)
    assert "decay-none" not in of(schedule="wsd", decay_tokens=4e8)


@pytest.mark.parametrize(
    ("falls", "code"), [(1.9e9, None), (2e9, None), (2.05e9, None), (5e9, "decay-longer"), (1e9, "decay-shorter")]
)
def test_a_cosine_ends_with_the_run(falls: float, code: str | None) -> None:
    found = {name for name in of(decay_tokens=falls) if name.startswith("decay")}
    assert found == ({code} if code else set())


def test_a_schedule_that_hardly_falls_is_a_note() -> None:
    assert "decay-shallow" in of(min_learning_rate=0.5 * 3e-3)
    assert "decay-shallow" not in of(min_learning_rate=0.1 * 3e-3)


# Recipe


@pytest.mark.parametrize(
    ("rate", "code", "severity"),
    [
        (2e-3, "", None),
        (4.5e-3, "", None),
        (8e-3, "learning-rate-high", Severity.NOTE),
        (2e-2, "learning-rate-high", Severity.WARN),
        (1e-4, "learning-rate-low", Severity.WARN),
    ],
)
def test_a_learning_rate_is_judged_by_the_range_of_the_laws(rate: float, code: str, severity: Severity | None) -> None:
    found = {name: each.severity for name, each in of(learning_rate=rate, weight_decay=None).items()}
    assert {name: level for name, level in found.items() if name.startswith("learning")} == (
        {code: severity} if code else {}
    )


def test_the_evidence_has_the_range_and_the_price_what_public_runs_lost() -> None:
    found = of(learning_rate=2e-2)["learning-rate-high"]
    assert "published laws" in found.evidence
    assert "nats a token on the nearest public grid" in found.price
    assert "for larger ones no law says it" in found.price


def test_the_range_is_over_published_laws_whatever_recipe_the_settings_name() -> None:
    own = Advisor(ADVISOR.library, Settings(hyperparameters="budgetscope2026/english"), ())
    (run,) = audit_runs(own, [GOOD]).runs
    assert run.yardstick is not None
    assert run.yardstick.recipe == "budgetscope2026/english"
    assert "published laws" in run.yardstick.learning_rate.basis
    assert "published laws" in run.yardstick.batch_tokens.basis


def test_far_beyond_their_data_the_laws_give_no_warning() -> None:
    (run,) = audited(depth=80, width=8192, d_ff=32768, n_heads=64, n_kv_heads=64, tokens=15e12, learning_rate=3e-6).runs
    assert run.yardstick is not None
    assert not run.yardstick.covered
    assert {f.code: f.severity for f in run.findings}["learning-rate-low"] == Severity.NOTE


def test_other_optimizers_are_not_judged_by_laws_of_adamw() -> None:
    found = of(optimizer="muon", learning_rate=0.02, beta2=0.5)
    assert "optimizer-other" in found
    assert not {"learning-rate-high", "beta2-low", "weight-decay"} & set(found)


def test_the_batch_is_judged_by_the_range_of_the_laws_and_the_critical_batch() -> None:
    assert of(batch_sequences=16.0)["batch-small"].severity == Severity.NOTE
    large = of(batch_sequences=16384.0)["batch-large"]
    assert large.severity == Severity.WARN
    assert "above the critical batch of" in large.price


@pytest.mark.parametrize(
    ("beta2", "sequences", "code", "severity"),
    [
        (0.95, 128.0, "beta2-low", Severity.WARN),
        (0.99, 128.0, "", None),
        (0.95, 1024.0, "", None),
        (0.8, 1024.0, "beta2-low", Severity.NOTE),
        (0.999, 128.0, "beta2-high", Severity.NOTE),
    ],
)
def test_beta2_is_judged_at_the_runs_own_batch(
    beta2: float, sequences: float, code: str, severity: Severity | None
) -> None:
    found = {name: each.severity for name, each in of(beta2=beta2, batch_sequences=sequences).items()}
    assert {name: level for name, level in found.items() if name.startswith("beta2")} == (
        {code: severity} if code else {}
    )


def test_weight_decay_is_judged_by_its_product_with_the_learning_rate() -> None:
    weak, strong = of(weight_decay=1e-4)["weight-decay"], of(weight_decay=10.0)["weight-decay"]
    assert "weaker" in weak.title
    assert "stronger" in strong.title
    assert "0.003 x 0.0001 = 3e-07" in weak.evidence
    advised = float(weak.remedy.split("weight_decay to ")[1].split(",")[0])
    assert "weight-decay" not in of(weight_decay=advised)


# Size and data


def test_overtraining_is_a_note_that_says_its_price_and_what_it_buys() -> None:
    found = of(tokens=100e9, warmup_tokens=1e8, decay_tokens=None)["ratio-overtrained"]
    assert found.severity == Severity.NOTE
    assert "nats/token above the optimum" in found.price
    assert "% of the compute" in found.price
    assert "times smaller than the optimum" in found.remedy


def test_undertraining_is_a_warning_outside_the_interval_of_the_law() -> None:
    assert of(tokens=0.3e9, warmup_tokens=1e7, decay_tokens=None)["ratio-undertrained"].severity == Severity.WARN


def test_near_the_optimum_d_over_n_is_no_finding() -> None:
    assert not [code for code in of(tokens=1.8e9, decay_tokens=None) if code.startswith("ratio")]


@pytest.mark.parametrize(("epochs", "severity"), [(4.0, None), (5.0, Severity.WARN), (16.0, Severity.BAD)])
def test_repeated_data_are_counted_by_what_they_are_worth(epochs: float, severity: Severity | None) -> None:
    found = of(unique_tokens=2e9 / epochs).get("data-repeated")
    assert (None if found is None else found.severity) == severity
    if found is not None:
        lost = 1 - effective(2e9, 2e9 / epochs, TOKENS_DECAY) / 2e9
        assert f"{100 * lost:.2g}" in found.price or f"{100 * lost:.3g}%" in found.price


@pytest.mark.parametrize(
    ("counted_head", "code"), [(True, None), (None, "counting-unknown"), (False, "counting-head-left-out")]
)
def test_the_last_layer_is_asked_for_where_it_is_a_large_share(counted_head: bool | None, code: str | None) -> None:
    found = {name: each for name, each in of(counts_head=counted_head).items() if name.startswith("counting")}
    assert set(found) == ({code} if code else set())
    assert all("31.2%" in each.title for each in found.values())


def test_a_small_last_layer_is_not_asked_for() -> None:
    large = {"depth": 48, "width": 4096, "d_ff": 16384, "n_heads": 32, "n_kv_heads": 32}
    assert not [code for code in of(**large, counts_head=None) if code.startswith("counting")]


def test_one_setting_for_all_sizes_is_a_warning() -> None:
    assert of(tuned_per_size=False)["tuning-one-setting"].severity == Severity.WARN
    assert "tuning-one-setting" not in of(tuned_per_size=None)


# Devices


def test_a_model_that_does_not_fit_is_serious_and_the_nearest_that_does_is_said() -> None:
    large = {"depth": 96, "width": 12288, "d_ff": 49152, "n_heads": 96, "n_kv_heads": 96, "tokens": 300e9}
    found = of(**large, **ON_A_NODE)["memory-none-fits"]
    assert found.severity == Severity.BAD
    assert "8 x H100 SXM" in found.title
    assert "the nearest that fits" in found.evidence


def test_a_micro_batch_that_fits_in_no_layout_is_a_warning() -> None:
    sizes = {"depth": 40, "width": 5120, "d_ff": 20480, "n_heads": 40, "n_kv_heads": 40, "batch_sequences": 1024.0}
    node = {"device": "a100-40gb", "n_devices": 8}
    assert of(**sizes, **node, micro_sequences=64)["memory-micro-batch"].severity == Severity.WARN
    assert "memory-micro-batch" not in of(**sizes, **node, micro_sequences=1)


def test_time_and_cost_are_of_the_runs_own_shape_and_devices() -> None:
    (run,) = audited(**ON_A_NODE).runs
    assert run.yardstick is not None
    machine, shape = run.yardstick.machine, run.counts.shape
    assert machine is not None
    assert shape is not None
    seconds = 2e9 * shape.executed_flops_per_token / (8 * 989e12 * machine.mfu)
    assert machine.hours.value == pytest.approx(seconds / 3600, rel=1e-2)
    assert machine.cost_usd is not None
    assert machine.peak_bytes is not None


def test_more_than_a_year_is_a_warning() -> None:
    assert "time-long" in of(depth=80, width=8192, d_ff=32768, n_heads=64, n_kv_heads=64, tokens=5e12, **ON_A_NODE)


@pytest.mark.parametrize(
    ("precision", "code"),
    [("bf16", None), ("bf16-true", "precision-weights"), ("fp16", "precision-fp16"), ("bf16-mixed", None)],
)
def test_weights_in_16_bits_are_found(precision: str, code: str | None) -> None:
    found = {name for name in of(precision=precision) if name.startswith("precision")}
    assert found == ({code} if code else set())


@pytest.mark.parametrize(
    ("micro", "accumulation", "fine"), [(8, 4, True), (32, 1, True), (64, 1, True), (24, 1, False)]
)
def test_micro_batches_make_up_the_batch(micro: int, accumulation: int, fine: bool) -> None:
    found = of(micro_sequences=micro, accumulation=accumulation, **ON_A_NODE)
    assert ("batch-split" not in found) == fine


def test_the_precision_as_the_file_writes_it_tells_of_the_weights() -> None:
    evidence = {"precision": Evidence("pretrain.yaml", "precision", "bf16-true")}
    assert "bf16-true" in of(precision="bf16", evidence=evidence)["precision-weights"].evidence


# What is not said


def test_vocabulary_and_sequence_length_are_asked_for_by_their_options() -> None:
    found = of(vocab_size=None, seq_len=None)
    assert "--vocab" in found["missing-vocab"].remedy
    assert "--seq-len" in found["missing-seq-len"].remedy
    assert "--tokens" in of(tokens=None)["missing-tokens"].remedy


def test_steps_without_a_sequence_length_lack_that_alone() -> None:
    found = of(seq_len=None, tokens=None, steps=1000)
    assert "missing-seq-len" in found
    assert "missing-tokens" not in found


def test_the_batch_of_a_device_asks_for_the_number_of_devices() -> None:
    unknown: dict[str, Any] = {"batch_sequences": None, "micro_sequences": 8}
    found = of(**unknown)["missing-batch"]
    assert found.severity == Severity.NOTE
    assert "--gpus" in found.remedy
    in_steps = of(**unknown, tokens=None, steps=1000)
    assert in_steps["missing-batch"].severity == Severity.WARN
    assert "missing-tokens" not in in_steps
    assert "--gpus" not in of(**{**unknown, "micro_sequences": None})["missing-batch"].remedy


def test_sizes_and_parts_of_the_recipe_that_are_not_said_are_named() -> None:
    assert "the feed-forward width" in of(d_ff=None)["missing-sizes"].title
    assert "beta2" in of(beta2=None)["missing-recipe"].title


def test_an_empty_configuration_is_no_error() -> None:
    (run,) = audit_runs(ADVISOR, [ObservedRun("empty", "megatron")]).runs
    assert {"missing-vocab", "missing-seq-len", "missing-tokens", "missing-sizes"} <= {f.code for f in run.findings}
    assert run.yardstick is None


def test_keys_that_were_not_understood_are_named() -> None:
    assert "lr_schedule_kind" in of(unread=("lr_schedule_kind",))["keys-unread"].evidence


# Options


def test_options_fill_in_what_is_not_said_and_keep_what_is() -> None:
    options = AuditOptions(vocab=50304, device="h100", gpus=8, tokens=9e9)
    (run,) = audit_runs(ADVISOR, [replace(GOOD, vocab_size=None)], options).runs
    assert run.counts.run.vocab_size == 50304
    assert run.counts.run.tokens == 2e9
    assert run.counts.run.device == "H100 SXM"
    assert run.counts.run.evidence["vocab_size"].key == "--vocab"
    assert "tokens" not in run.counts.run.evidence
    (remark,) = run.remarks
    assert "--tokens" in remark


def test_an_unknown_device_is_refused_as_an_option_and_told_of_a_file() -> None:
    with pytest.raises(UsageError, match="unknown device"):
        audit_runs(ADVISOR, [GOOD], AuditOptions(device="cray"))
    (run,) = audited(device="cray", n_devices=8).runs
    assert any("cray" in remark for remark in run.remarks)
    assert "missing-machine" in {finding.code for finding in run.findings}


def test_a_run_that_no_law_reaches_says_why_and_keeps_its_other_findings() -> None:
    tiny = {"vocab_size": 2, "depth": 1, "width": 1, "d_ff": 1, "n_heads": 1, "n_kv_heads": 1}
    (run,) = audited(tokens=100.0, warmup_tokens=50.0, **tiny).runs
    assert run.yardstick is None
    assert any("No law judges this run" in remark for remark in run.remarks)
    assert "warmup-long" in {finding.code for finding in run.findings}


def test_texts_of_files_are_printable() -> None:
    (run,) = audited(name="a\x1b[31mb", tokenizer="x\x1b]0;y\x07", unread=("k\x1b",)).runs
    assert run.name == "a\\x1b[31mb"
    assert all(finding.evidence.isprintable() for finding in run.findings)
    assert (run.counts.run.tokenizer or "").isprintable()


# Order


def test_the_gravest_findings_come_first_and_once() -> None:
    def make() -> Iterator[Finding]:
        for code, severity in (("a", Severity.NOTE), ("b", Severity.BAD), ("c", Severity.WARN), ("b", Severity.BAD)):
            yield Finding(code, severity, "t", "e", "r", "p")

    assert [finding.code for finding in ranked(make())] == ["b", "c", "a"]


def test_an_audit_reaches_a_severity() -> None:
    clean, noted = audited(**ON_A_NODE), audited()
    assert not clean.reaches(Severity.NOTE)
    assert noted.reaches(Severity.NOTE)
    assert not noted.reaches(Severity.WARN)
    assert audited(warmup_tokens=1e9).reaches(Severity.BAD)


def test_findings_need_no_law() -> None:
    found = findings(counts(replace(GOOD, warmup_tokens=1e9)), None)
    assert {"warmup-long"} <= {finding.code for finding in found}

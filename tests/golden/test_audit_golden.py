"""The audit, judged by runs with published results (N = blocks + last layer)."""

import pytest
from tests.asking import ADVISOR
from tests.audited_runs import PUBLISHED

from budgetscope.api.audit import audit_runs
from budgetscope.core.audit.counts import counts
from budgetscope.core.audit.finding import Finding, Severity

HELD_BACK = {"Cerebras-GPT-111M": (Severity.BAD, "16.9%"), "GaLore 130M": (Severity.WARN, "10%")}
"""Their warmups take these shares of D."""


def found(name: str, code: str) -> list[Finding]:
    (run,) = audit_runs(ADVISOR, [PUBLISHED[name][0]]).runs
    return [finding for finding in run.findings if finding.code == code]


@pytest.mark.parametrize("name", PUBLISHED)
def test_n_is_the_published_count(name: str) -> None:
    run, n_params = PUBLISHED[name]
    assert counts(run).n_params == pytest.approx(n_params, rel=6e-3)


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_warmup_is_found_in_two_runs_alone(name: str) -> None:
    warmups = found(name, "warmup-long")
    if name not in HELD_BACK:
        assert warmups == []
        return
    severity, share = HELD_BACK[name]
    (finding,) = warmups
    assert finding.severity == severity
    assert finding.title == f"Warmup takes {share} of the run."
    # The remedy is a warmup of N tokens, and is itself no finding.
    assert finding.remedy.startswith(f"Warm up over {'109 M' if severity == Severity.BAD else '110 M'} tokens")


def test_tokens_of_warmup_alone_would_accuse_most_of_them() -> None:
    longer = [name for name, (run, n) in PUBLISHED.items() if run.warmup_tokens is not None and run.warmup_tokens > n]
    assert len(longer) == 9


@pytest.mark.parametrize("name", PUBLISHED)
def test_no_published_run_is_undertrained_and_long_training_is_a_note(name: str) -> None:
    assert found(name, "ratio-undertrained") == []
    for finding in found(name, "ratio-overtrained"):
        assert finding.severity == Severity.NOTE
        assert "nats a token above the optimum" in finding.price
        assert "smaller than the optimum" in finding.remedy


def test_only_one_of_them_has_a_serious_finding() -> None:
    serious = {
        run.name
        for run in audit_runs(ADVISOR, [run for run, _ in PUBLISHED.values()]).runs
        if any(finding.severity == Severity.BAD for finding in run.findings)
    }
    assert serious == {"Cerebras-GPT-111M"}


def test_the_price_of_long_training_grows_with_it() -> None:
    (tiny,) = audit_runs(ADVISOR, [PUBLISHED["TinyLlama"][0]]).runs
    (smol,) = audit_runs(ADVISOR, [PUBLISHED["SmolLM2-135M"][0]]).runs
    assert tiny.yardstick is not None
    assert smol.yardstick is not None
    assert smol.yardstick.loss_above > tiny.yardstick.loss_above > 0.1  # type: ignore[operator]

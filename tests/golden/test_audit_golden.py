"""The audit, judged by runs with published results: their configurations are read and audited."""

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from tests.asking import ADVISOR
from tests.published_runs import RUNS

from budgetscope.api.audit import audit
from budgetscope.core.audit.finding import Finding, Severity
from budgetscope.core.audit.result import AuditedRun

HELD_BACK = {"cerebras-gpt-111m": (Severity.BAD, "16.9%", "109 M"), "galore-130m": (Severity.WARN, "10%", "110 M")}
"""Their warmups: severity, share of D, and the N tokens that it should be."""


@cache
def audited(name: str) -> AuditedRun:
    files = RUNS[name].files
    main = next(iter(files))
    with TemporaryDirectory() as folder:
        for file, text in files.items():
            Path(folder, file).write_text(text, encoding="utf-8")
        (run,) = audit(ADVISOR, [Path(folder) if main == "config.json" else Path(folder, main)]).runs
    return run


def found(name: str, code: str) -> list[Finding]:
    return [finding for finding in audited(name).findings if finding.code == code]


def test_twelve_runs_are_audited() -> None:
    assert len(RUNS) == 12


@pytest.mark.parametrize("name", RUNS)
def test_n_is_the_published_count(name: str) -> None:
    assert audited(name).counts.n_params == pytest.approx(RUNS[name].n_params, rel=1e-2)
    assert audited(name).counts.warmup_share == pytest.approx(RUNS[name].share, rel=0.05)


@pytest.mark.parametrize("name", RUNS)
def test_the_warmup_is_found_in_two_runs_alone(name: str) -> None:
    warmups = found(name, "warmup-long")
    if name not in HELD_BACK:
        assert warmups == []
        return
    severity, share, n_params = HELD_BACK[name]
    (finding,) = warmups
    assert finding.severity == severity
    assert finding.title == f"Warmup takes {share} of the run."
    assert finding.remedy.startswith(f"Warm up over {n_params} tokens")


def test_tokens_of_warmup_alone_would_accuse_most_of_them() -> None:
    longer = [name for name, run in RUNS.items() if run.warmup_tokens > run.n_params]
    assert len(longer) == 9


@pytest.mark.parametrize("name", RUNS)
def test_no_published_run_is_undertrained_and_long_training_is_a_note(name: str) -> None:
    assert found(name, "ratio-undertrained") == []
    for finding in found(name, "ratio-overtrained"):
        assert finding.severity == Severity.NOTE
        assert "nats/token above the optimum" in finding.price
        assert "smaller than the optimum" in finding.remedy


def test_one_of_them_alone_has_a_serious_finding() -> None:
    serious = {name for name in RUNS if any(each.severity == Severity.BAD for each in audited(name).findings)}
    assert serious == {"cerebras-gpt-111m"}


def test_a_schedule_made_for_a_longer_run_is_found() -> None:
    # OLMo 2 1B: the cosine falls over 5e12 tokens, and this stage ends at 4e12.
    assert [name for name in RUNS if found(name, "decay-longer")] == ["olmo2-1b"]


def test_the_price_of_long_training_grows_with_it() -> None:
    tiny, smol = audited("tinyllama").yardstick, audited("smollm2-135m").yardstick
    assert tiny is not None
    assert smol is not None
    assert smol.loss_above > tiny.loss_above > 0.1  # type: ignore[operator]

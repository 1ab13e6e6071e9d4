"""Whatever a configuration says, an audit answers or refuses with one sentence, and its documents can be made."""

import json
from dataclasses import fields
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.asking import ADVISOR

from budgetscope.api.audit import audit_runs
from budgetscope.core.audit.run import QUANTITIES, ObservedRun
from budgetscope.core.errors import UsageError
from budgetscope.report.audit import audit_json, audit_markdown

_NUMBERS = st.sampled_from([0.0, 1e-12, 1e-4, 0.1, 0.5, 0.95, 0.999, 1.0, 3.0, 1e3, 1e9, 1e12, 1e18, 1e30, 1e300])
_WHOLE = st.sampled_from([1, 2, 3, 7, 12, 64, 768, 4096, 50304, 10**6, 10**9, 10**12])
_WORDS = {
    "device": ["h100", "cray"],
    "schedule": ["cosine", "constant", "wsd", "linear", "staircase"],
    "optimizer": ["adamw", "muon"],
    "precision": ["bf16", "fp16", "bf16-true"],
    "tokenizer": ["gpt2", "[bold]"],
    "dataset": ["c4", "\x1b[2J"],
    "loss_unit": ["nats/token"],
}


def _values() -> st.SearchStrategy[dict[str, Any]]:
    found: dict[str, st.SearchStrategy[Any]] = {}
    for field in fields(ObservedRun):
        kind = str(field.type)
        if field.name not in QUANTITIES:
            continue
        if field.name in _WORDS:
            said: st.SearchStrategy[Any] = st.sampled_from(_WORDS[field.name])
        else:
            said = st.booleans() if "bool" in kind else _WHOLE if "int" in kind else _NUMBERS
        found[field.name] = st.none() | said
    return st.fixed_dictionaries(found)


@given(_values(), _values())
@settings(max_examples=60, deadline=None)
def test_any_two_runs_are_audited_or_refused(first: dict[str, Any], second: dict[str, Any]) -> None:
    runs = [ObservedRun("a", "megatron", **first), ObservedRun("b", "toml", **second)]
    if 1e300 in (*first.values(), *second.values()):
        with pytest.raises(UsageError, match="which no run has"):
            audit_runs(ADVISOR, runs)
        return
    found = audit_runs(ADVISOR, runs)
    assert json.loads(audit_json(found, "c"))["comparison"]["comparable"] in (None, True, False)
    assert "\x1b" not in audit_markdown(found, "c")
    assert all(
        each.title and each.evidence and each.remedy and each.price for run in found.runs for each in run.findings
    )

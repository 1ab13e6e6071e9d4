"""An audit in words: every value with where it stands, every finding, and nothing of a file unescaped."""

import json
from dataclasses import replace
from typing import Any

from tests.asking import ADVISOR
from tests.audited_runs import GOOD

from budgetscope.api.audit import audit_runs
from budgetscope.core.audit.finding import Severity
from budgetscope.core.audit.result import Audit
from budgetscope.core.audit.run import QUANTITIES, Evidence, ObservedRun
from budgetscope.core.language import JAPANESE, Language, use
from budgetscope.report import audit as report

EVIDENCE = {"depth": Evidence("config.json", "num_hidden_layers", "12")}
HOSTILE = "[bold]x|y*z<b>"


def audited(*changes: dict[str, Any]) -> Audit:
    return audit_runs(ADVISOR, [replace(GOOD, **each) for each in changes or ({},)])


def test_every_quantity_that_is_said_is_shown_and_no_other() -> None:
    (run,) = audited({"evidence": EVIDENCE}).runs
    rows = {row.key: row for row in report.understood_rows(run)}
    assert set(rows) == {name for name in QUANTITIES if getattr(run.counts.run, name) is not None}
    assert rows["depth"].where == "num_hidden_layers = 12"
    assert report.understood_header(run)[2] == "in config.json"
    assert rows["tokens"].text == "2 B"
    assert rows["gated"].text == "no"


def test_of_several_files_each_value_names_its_own() -> None:
    beside = {"width": Evidence("training.json", "width", "768"), "vocab_size": Evidence("command", "--vocab", "50257")}
    (run,) = audited({"evidence": {**EVIDENCE, **beside}}).runs
    rows = {row.key: row.where for row in report.understood_rows(run)}
    assert rows["depth"] == "config.json: num_hidden_layers = 12"
    assert rows["vocab_size"] == "command: --vocab = 50257"
    assert report.understood_header(run)[2] == "where it stands"


def test_every_quantity_has_a_label() -> None:
    full: dict[str, Any] = dict.fromkeys(QUANTITIES, 1)
    (run,) = audited({}).runs
    counts = replace(run.counts, run=ObservedRun("all", "megatron", **full))
    assert {row.key for row in report.understood_rows(replace(run, counts=counts))} == set(QUANTITIES)


def test_what_was_counted_stands_beside_the_laws() -> None:
    (run,) = audited({"device": "h100", "n_devices": 8}).runs
    rows = {label: (value, said) for label, value, said in report.counted_rows(run)}
    assert rows["N"][0] == "124 M"
    assert "optimum" in rows["D/N"][1]
    assert rows["C"][0] == "1.48e18"
    assert "published laws" in rows["learning rate"][1]
    assert "8 x H100 SXM" in rows["time"][1]
    assert rows["memory"][0].endswith("of 80 GB")


def test_without_n_nothing_is_counted_that_needs_it() -> None:
    (run,) = audited({"vocab_size": None}).runs
    labels = [label for label, _, _ in report.counted_rows(run)]
    assert not {"N", "C", "D/N", "last layer"} & set(labels)
    assert "warmup, share of D" in labels


def test_the_summary_counts_findings_in_words() -> None:
    (run,) = audited({"warmup_tokens": 1e9, "beta2": 0.5}).runs
    assert report.summary(run) == "Found: 1 serious, 1 warning, 1 note."
    (clean,) = audited({"device": "h100", "n_devices": 8}).runs
    assert report.summary(clean) == "Nothing was found."


def test_markdown_and_json_have_every_finding_and_the_command() -> None:
    found = audited({"warmup_tokens": 1e9}, {"name": "other", "schedule": None})
    page, record = report.audit_markdown(found, "budgetscope audit a b"), json.loads(report.audit_json(found, "c"))
    for run, stored in zip(found.runs, record["runs"], strict=True):
        assert stored["name"] == run.name
        assert [each["code"] for each in stored["findings"]] == [each.code for each in run.findings]
        assert stored["counted"]["n_params"] == run.counts.n_params
        assert all(f"`{each.code}`" in page for each in run.findings)
    assert "budgetscope audit a b" in page
    assert record["command"] == "c"
    assert record["comparison"]["comparable"] is False
    assert record["runs"][0]["understood"]["tokens"]["value"] == 2e9
    assert record["runs"][0]["laws"]["law"] == "porian2024/refinedweb-tuned"


def test_the_checklist_writes_what_is_not_said() -> None:
    checklist = audited({}, {"name": "other", "seq_len": 2048}).checklist
    assert checklist is not None
    rows = {row[0]: row[1:] for row in report.checklist_rows(checklist)}
    assert rows["Data"] == ("not said", "not said", "not said")
    assert rows["Sequence length"] == ("1,024 tokens", "2,048 tokens", "differs")
    assert report.verdict(checklist).startswith("The runs cannot be compared as they are: 1 of 9")
    assert len(report.changes(checklist)) == sum(row[-1] != "alike" for row in report.checklist_rows(checklist))


def test_texts_of_files_are_escaped_in_markdown() -> None:
    page = report.audit_markdown(audited({"name": HOSTILE, "dataset": HOSTILE}, {"unread": (HOSTILE,)}), "c")
    assert HOSTILE not in page
    assert "<b>" not in page.replace("\\<b\\>", "")


def test_labels_and_sentences_go_through_the_catalogue() -> None:
    asked: list[str] = []

    def one(text: str) -> str:
        asked.append(text)
        return f"ja:{text}"

    use(Language(JAPANESE, one, lambda singular, plural, n: one(singular if n == 1 else plural)))
    try:
        found = audited({"warmup_tokens": 1e9}, {"schedule": "constant", "counts_head": False})
        page = report.audit_markdown(found, "c")
    finally:
        use(None)
    assert all(each.title.startswith("ja:") for run in found.runs for each in run.findings)
    assert all(each.severity in Severity for run in found.runs for each in run.findings)
    assert "ja:Warmup takes" in page
    assert {"layers", "Serious", "Data"} <= set(asked)

"""Every campaign for a moment (`just chaos` takes minutes), and each of those in process counts a planted fault."""

import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from tests import budget_sentences
from tests.chaos.__main__ import SHARES, campaign_of

from budgetscope.calibrate.run import events, logs
from budgetscope.calibrate.run.claims import Claims
from budgetscope.core.budget.parse import ComputeBudget
from budgetscope.store import app_state, settings
from budgetscope.store.fit_library import Library
from budgetscope.store.tables import consistency

SECONDS = {"commands": 1.5, "app": 0.0, "server": 0.5}
"""Of a campaign here, where it starts processes; the last attempt takes as long as it takes."""
USUAL_SECONDS = 0.7
PATIENCE_SECONDS = 20.0
SEED = 1


@pytest.mark.parametrize("name", SHARES)
def test_nothing_breaks(name: str) -> None:
    if name == "server":
        pytest.importorskip("textual_serve")
    counts = campaign_of(name)(SEED, time.monotonic() + SECONDS.get(name, USUAL_SECONDS))
    assert counts.tried
    assert counts.faults == 0, counts.told


def half_written(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8") as file:
        for character in text:
            file.write(character)
            file.flush()


def silent(rows: Sequence[Any], *_: object) -> list[Any]:
    return list(rows[:-1])


@pytest.mark.parametrize(
    ("name", "where", "what", "planted"),
    [
        ("budgets", budget_sentences, "parse_budget", lambda *_: ComputeBudget(1.0)),
        ("fits", Library, "remarks", lambda *_: []),
        ("tables", consistency, "drop_diverged", silent),
        ("logs", logs, "decode", partial(events.decode, checked=False)),
        ("disks", app_state, "write_atomically", half_written),
        ("writers", settings, "write_atomically", half_written),
        ("workers", Claims, "take", lambda *_: True),
    ],
)
def test_a_planted_fault_is_counted(
    name: str, where: object, what: str, planted: Callable[..., object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(where, what, planted)
    monkeypatch.setattr("tests.chaos.counts.ENOUGH_FAULTS", 1)
    assert campaign_of(name)(SEED, time.monotonic() + PATIENCE_SECONDS).faults

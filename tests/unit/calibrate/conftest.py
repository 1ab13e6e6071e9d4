"""A planned run, and a trainer that knows the answer."""

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from budgetscope.calibrate.plan.design import PRESETS, design
from budgetscope.calibrate.plan.device import Rate
from budgetscope.calibrate.plan.spec import CorpusFacts, Spec
from budgetscope.calibrate.run.folder import RunFolder

FAKE_WORKER = Path(__file__).with_name("fake_worker.py")


@pytest.fixture(scope="session")
def fake() -> ModuleType:
    """The module of the fake trainer."""
    found = importlib.util.spec_from_file_location("fake_worker", FAKE_WORKER)
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    sys.modules["fake_worker"] = module
    found.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def spec() -> Spec:
    """A smoke run over bytes."""
    planned = design("smoke", PRESETS["smoke"].minutes * 60, Rate.assumed("cpu").seconds, 257, 64)
    corpus = CorpusFacts("planted text", "/nowhere", "0" * 64, "bytes", 257, 1.0, 10_000_000, 200_000)
    return Spec(
        v=1,
        run="20260102-030405-smoke-beef",
        created="2026-01-02T03:04:05Z",
        fit_id="mine/planted",
        device="cpu",
        device_index=None,
        corpus=corpus,
        design=planned,
        expected_seconds=30.0,
        version="0",
    )


@pytest.fixture
def new_run(spec: Spec) -> Callable[[], RunFolder]:
    """Create the run's folder where the user's runs are."""
    return lambda: RunFolder.create(spec)


@pytest.fixture
def fake_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Start the fake worker wherever a worker is started."""
    monkeypatch.setattr("budgetscope.calibrate.run.launch.WORKER", (sys.executable, str(FAKE_WORKER)))

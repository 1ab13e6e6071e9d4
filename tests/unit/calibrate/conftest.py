"""A planned run, and a trainer that knows the answer."""

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
from tests.planted_run import planted_spec

from budgetscope.calibrate.plan.spec import Spec
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
    return planted_spec()


@pytest.fixture
def new_run(spec: Spec) -> Callable[[], RunFolder]:
    """Create the run's folder where the user's runs are."""
    return lambda: RunFolder.create(spec)


@pytest.fixture
def fake_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Start the fake worker wherever a worker is started."""
    monkeypatch.setattr("budgetscope.calibrate.engines.base.WORKER", (sys.executable, str(FAKE_WORKER)))


@pytest.fixture
def large_enough(monkeypatch: pytest.MonkeyPatch, fake: ModuleType) -> None:
    """Let the law of a planted smoke run plan, here and in fake workers."""
    monkeypatch.setenv("FAKE_LARGE", "1")
    fake.call_it_large(monkeypatch.setattr)

"""A planned run, and a trainer that knows the answer."""

import importlib.util
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
from tests.planted_run import planted_spec

from budgetscope.calibrate.orchestrate import Stop, carry_on
from budgetscope.calibrate.plan.spec import Spec
from budgetscope.calibrate.run.folder import RunFolder
from budgetscope.calibrate.run.state import RunState
from budgetscope.store.locations import user_runs

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


def _trained(spec: Spec, fake: ModuleType, runs: Path) -> tuple[RunFolder, RunState]:
    folder = RunFolder.create(spec, runs)
    return folder, carry_on(folder, spec, fake.FakeTrainer(), Stop(folder.stop_file))


def _copied(folder: RunFolder) -> RunFolder:
    return RunFolder(Path(shutil.copytree(folder.path, user_runs() / folder.name)))


@pytest.fixture(scope="session")
def whole(spec: Spec, fake: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> tuple[RunFolder, RunState]:
    """The run as one undisturbed worker does it: its folder, which stays as it is, and what the worker returned."""
    return _trained(spec, fake, tmp_path_factory.mktemp("whole"))


@pytest.fixture(scope="session")
def whole_state(whole: tuple[RunFolder, RunState]) -> RunState:
    """The state of the run when it is done."""
    return whole[1]


@pytest.fixture
def done_run(whole: tuple[RunFolder, RunState]) -> RunFolder:
    """A copy of the run when it is done, where the user's runs are."""
    return _copied(whole[0])


@pytest.fixture(scope="session")
def _large_whole(spec: Spec, fake: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    with pytest.MonkeyPatch.context() as patch:
        fake.call_it_large(patch.setattr)
        return _trained(spec, fake, tmp_path_factory.mktemp("large"))[0]


@pytest.fixture
def done_large_run(_large_whole: RunFolder) -> RunFolder:
    """As `done_run`, of a law that plans."""
    return _copied(_large_whole)


@pytest.fixture
def fake_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Start the fake worker wherever a worker is started."""
    monkeypatch.setattr("budgetscope.calibrate.engines.base.WORKER", (sys.executable, str(FAKE_WORKER)))


@pytest.fixture
def large_enough(monkeypatch: pytest.MonkeyPatch, fake: ModuleType) -> None:
    """Let the law of a planted smoke run plan, here and in fake workers."""
    monkeypatch.setenv("FAKE_LARGE", "1")
    fake.call_it_large(monkeypatch.setattr)

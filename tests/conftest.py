"""What every test gets: folders of its own, and no user's settings."""

import gc
import itertools
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.sizes import load_profile

from budgetscope.core import language

# Test processes run beside each other: a second thread in one of them takes a core from another.
os.environ.setdefault("OMP_NUM_THREADS", "1")
load_profile()


def pytest_collection_finish() -> None:
    """Collect garbage seldom, and never what was imported: an app makes objects by the hundred thousand."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 10, 10)


@pytest.fixture(scope="session")
def users(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Name folders that do not exist, a new one at each look: most tests never make theirs."""
    top = tmp_path_factory.mktemp("users")
    return (f"{top}/{number}" for number in itertools.count())


@pytest.fixture(scope="session", autouse=True)
def _no_wait_for_disks() -> Iterator[None]:
    """Leave files to the system's own time: no test cuts the power, and a disk takes milliseconds a call."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda _: None)
        yield


@pytest.fixture(autouse=True)
def own_folders(users: Iterator[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Point every user folder below the test's own."""
    user = next(users)
    for name in ("HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME"):
        monkeypatch.setenv(name, f"{user}/{name.lower()}")
    # Test runners that work in parallel state a width of their own.
    for name in ("BUDGETSCOPE_FITS", "COLUMNS", "LINES"):
        monkeypatch.delenv(name, raising=False)
    # A machine may be Japanese, and a test may leave the process in another language.
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    language.use(None)
    # A machine that runs tests is busy, which prices would say.
    monkeypatch.setattr(os, "getloadavg", lambda: (0.0, 0.0, 0.0), raising=False)


@pytest.fixture
def reference() -> Path:
    """Return the folder of published points, or skip."""
    named = os.environ.get("BUDGETSCOPE_REFERENCE")
    if not named:
        pytest.skip("BUDGETSCOPE_REFERENCE does not name the folder of published points")
    return Path(named)

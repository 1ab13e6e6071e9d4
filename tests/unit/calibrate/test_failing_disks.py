"""Disks that fail while a run trains: one sentence, and what was finished stays finished."""

import errno
import os
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from budgetscope.calibrate.launch import Options, Watch, start, stop
from budgetscope.calibrate.orchestrate import Stop, carry_on
from budgetscope.calibrate.plan.spec import Spec
from budgetscope.calibrate.run.folder import RunFolder
from budgetscope.calibrate.run.launches import live_workers
from budgetscope.calibrate.run.state import RunState
from budgetscope.core.errors import BudgetscopeError, FailureError

NewRun = Callable[[], RunFolder]
PATIENCE_SECONDS = 60.0


def losses(state: RunState) -> dict[str, tuple[object, ...]]:
    return {key: (s.status, s.readings) for key, s in state.cells.items()}


@pytest.fixture(scope="module")
def whole(spec: Spec, fake: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> RunState:
    """The state of the run that nothing disturbs."""
    folder = RunFolder.create(spec, tmp_path_factory.mktemp("whole"))
    return carry_on(folder, spec, fake.FakeTrainer(), Stop(folder.stop_file))


def failing(name: str, code: int, first: int, below: Path) -> Callable[..., Any]:
    """Return a call of the system that fails from its `first` on, for paths of a run and for what is written to it."""
    call, seen = getattr(os, name), 0

    def refuse(*arguments: Any, **options: Any) -> Any:
        nonlocal seen
        place = arguments[0]
        held = str(Path(f"/proc/self/fd/{place}").readlink()) if isinstance(place, int) else str(place)
        if not held.startswith(str(below)):
            return call(*arguments, **options)
        seen += 1
        if seen > first:
            if name == "write" and code == errno.ENOSPC:
                # The last bytes of the disk: a record is cut.
                call(place, arguments[1][:7])
                return 7
            raise OSError(code, os.strerror(code), held)
        return call(*arguments, **options)

    return refuse


def faults() -> Iterator[tuple[str, int, int]]:
    for code in (errno.ENOSPC, errno.EROFS, errno.EIO):
        yield "write", code, 3
        yield "write", code, 400
    yield "link", errno.EROFS, 0
    yield "link", errno.EROFS, 5
    yield "open", errno.EROFS, 1
    yield "fsync", errno.EIO, 50


@pytest.mark.parametrize(("name", "code", "first"), faults())
def test_disk_that_fails_ends_the_worker_in_a_sentence_and_loses_nothing(
    new_run: NewRun,
    spec: Spec,
    whole: RunState,
    fake: ModuleType,
    name: str,
    code: int,
    first: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Its process does not end here, so that only its silence frees its slice.
    monkeypatch.setattr("budgetscope.calibrate.run.claims.SILENT_SECONDS", 0.01)
    folder = new_run()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, name, failing(name, code, first, folder.path))
        with pytest.raises(BudgetscopeError) as ended:
            carry_on(folder, spec, fake.FakeTrainer(), Stop(folder.stop_file))
    said = str(ended.value)
    assert said.isprintable()
    assert said.endswith(".")
    assert str(folder.path) in said
    before = {key: found for key, found in losses(folder.state()).items() if found[0] == "done"}
    trainer = fake.FakeTrainer()
    state = carry_on(folder, spec, trainer, Stop(folder.stop_file))
    assert state.status == "done"
    assert losses(state) == losses(whole)
    assert not set(before) & set(trainer.trained)
    assert before.items() <= losses(state).items()


def begun(folder: RunFolder) -> Watch:
    """Start a run, and follow it until a cell is finished."""
    watch = start(folder, Options())
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not any(s.finished for s in watch.state.cells.values()):
        assert time.monotonic() < deadline
        watch.tick()
        time.sleep(0.02)
    return watch


def ended(watch: Watch) -> str:
    """Return why the workers ended."""
    for process in watch.processes:
        process.wait(PATIENCE_SECONDS)
    while watch.tick():
        pass
    return watch.failure()


@pytest.mark.usefixtures("fake_workers")
def test_run_whose_folder_is_deleted_or_moved_says_so_and_does_not_come_back(
    new_run: NewRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_STEP_SECONDS", "0.02")
    folder = new_run()
    watch = begun(folder)
    folder.path.rename(tmp_path / "moved")
    assert "was deleted or moved while it trained" in ended(watch)
    assert not folder.path.exists()
    monkeypatch.setenv("FAKE_STEP_SECONDS", "0")
    moved = RunFolder(tmp_path / "moved")
    assert ended(start(moved, Options())) == ""
    assert moved.state().status == "done"
    shutil.rmtree(moved.path)
    with pytest.raises(FailureError, match="no such file"):
        start(moved, Options())
    assert not moved.path.exists()


@pytest.mark.usefixtures("fake_workers")
def test_worker_is_stopped_by_a_signal_where_the_folder_cannot_be_written(
    new_run: NewRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_STEP_SECONDS", "0.02")
    folder = new_run()
    watch = begun(folder)
    monkeypatch.setattr(Path, "touch", unwritable)
    said: list[str] = []
    assert stop(folder, say=said.append) == "terminated"
    assert "read-only file system" in said[0]
    assert ended(watch) == ""
    assert watch.state.reason == "received SIGTERM"
    assert not live_workers(folder)


def unwritable(path: Path, *_: object, **__: object) -> None:
    raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(path))


@pytest.mark.usefixtures("fake_workers")
def test_watcher_of_a_folder_that_became_read_only_says_so(
    new_run: NewRun, spec: Spec, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("budgetscope.calibrate.engines.base.WORKER", ("false",))
    folder = RunFolder.create(replace(spec, run="20260102-030405-smoke-cafe"))
    watch = start(folder, Options())
    assert "ended without a word" in ended(watch)
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert "cannot be written any more; mend that and go on with `budgetscope calibrate --resume" in watch.failure()
    assert new_run().exists

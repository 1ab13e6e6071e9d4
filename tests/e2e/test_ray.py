"""A run under Ray, on a real cluster of two nodes: a worker and a node are lost, and nothing else is."""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import pytest
from tests.e2e.ray_cluster import WORKERS, folder_starts
from tests.planted_run import planted_spec
from tests.unit.calibrate import fake_worker

from budgetscope.calibrate import launch
from budgetscope.calibrate.engines.base import Options
from budgetscope.calibrate.orchestrate import Stop, carry_on
from budgetscope.calibrate.run.folder import RunFolder
from budgetscope.core.errors import FailureError
from budgetscope.core.extras import install_command
from budgetscope.store.fit_library import load

SPEC = replace(planted_spec(), run="20260102-030405-smoke-4a41", workers=WORKERS)
_ALONE = ("unshare", "-n", "sh", "-c", 'ip link set lo up && exec "$0" "$@"')


def _missing() -> str:
    if find_spec("ray") is None:
        return "Ray is not installed here"
    if shutil.which("unshare") is None or shutil.which("ip") is None:
        return "Ray on one machine needs a network namespace, and there is no unshare or ip here"
    if subprocess.run([*_ALONE, "true"], capture_output=True, check=False).returncode:
        return "Ray on one machine needs a network namespace, which this user may not make"
    return ""


def test_killed_worker_and_a_lost_node_change_nothing(tmp_path: Path) -> None:
    if why := _missing():
        pytest.skip(why)
    whole = RunFolder.create(SPEC, tmp_path / "whole")
    expected = carry_on(whole, SPEC, fake_worker.FakeTrainer(), Stop(whole.stop_file))
    folder = RunFolder.create(SPEC, tmp_path)
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
        "FAKE_STEP_SECONDS": "0.1",
        "FAKE_HOLD": str(tmp_path / "hold"),
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_AUTH_MODE": "disabled",
        "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "1",
    }
    command = [*_ALONE, sys.executable, str(Path(__file__).with_name("ray_cluster.py")), str(folder.path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, timeout=400)
    said = done.stderr[-2000:] + "".join(path.read_text()[-2000:] for path in folder.output.glob("*"))
    assert done.returncode == 0, said
    state = folder.state()
    assert (state.status, state.unreadable) == ("done", 0), said
    assert len(folder_starts(folder)) > WORKERS
    assert {key: (s.status, s.readings) for key, s in state.cells.items()} == {
        key: (s.status, s.readings) for key, s in expected.cells.items()
    }
    assert load(folder.fit_file).laws == load(whole.fit_file).laws


def test_without_ray_the_remedy_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("budgetscope.calibrate.engines.ray.find_spec", lambda _: None)
    with pytest.raises(FailureError, match=f"--engine ray needs Ray, .*; {re.escape(install_command('ray'))}"):
        launch.start(RunFolder.create(SPEC, tmp_path), Options(engine="ray"))


def test_without_a_cluster_it_is_said(tmp_path: Path) -> None:
    if find_spec("ray") is None:
        pytest.skip("Ray is not installed here")
    folder = RunFolder.create(SPEC, tmp_path)
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("RAY_ADDRESS", raising=False)
        patch.setenv("RAY_TMPDIR", str(tmp_path))
        watch = launch.start(folder, Options(engine="ray"))
        watch.processes[0].wait(120)
    assert "there is no Ray cluster to join" in watch.failure()

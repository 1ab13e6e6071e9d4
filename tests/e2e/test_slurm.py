"""A run under Slurm, on a real cluster of two nodes: workers and a node are lost, and nothing else is."""

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.e2e import slurm_cluster
from tests.planted_run import planted_spec
from tests.unit.calibrate import fake_worker

from budgetscope.calibrate import launch
from budgetscope.calibrate.engines import slurm
from budgetscope.calibrate.engines.base import Options
from budgetscope.calibrate.orchestrate import Stop, carry_on
from budgetscope.calibrate.run.folder import RunFolder
from budgetscope.calibrate.run.launches import Launch, last_launch, live_workers
from budgetscope.calibrate.run.state import RunState
from budgetscope.core.errors import FailureError, UsageError
from budgetscope.store.fit_library import load

WORKERS = 3
PATIENCE_SECONDS = 180.0
SPEC = replace(planted_spec(), run="20260102-030405-smoke-51a3", workers=WORKERS)
_missing = slurm_cluster.missing()


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """The same run, by one worker, without a cluster."""
    folder = RunFolder.create(SPEC, tmp_path_factory.mktemp("undisturbed"))
    carry_on(folder, SPEC, fake_worker.FakeTrainer(), Stop(folder.stop_file))
    return folder


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, worker_id: str) -> Iterator[Path]:
    """A cluster whose tasks run the fake worker."""
    monkeypatch.setattr("budgetscope.calibrate.engines.base.WORKER", (sys.executable, fake_worker.__file__))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, sys.path)))
    monkeypatch.setenv("FAKE_STEP_SECONDS", "0.1")
    port = 26817 + 10 * int(worker_id.removeprefix("gw") if worker_id.startswith("gw") else 0)
    with slurm_cluster.cluster(tmp_path / "cluster", port) as variables:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        yield tmp_path / "cluster"


def wait_until(folder: RunFolder, what: str, holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        said = "\n".join(f"{path.name}: {path.read_text()[-500:]}" for path in sorted(folder.output.glob("*")))
        assert time.monotonic() < deadline, f"{what}: {launch.pending(folder)}\n{said}"
        time.sleep(0.1)


def losses(state: RunState) -> dict[str, tuple[object, ...]]:
    return {key: (s.status, s.readings) for key, s in state.cells.items()}


@pytest.mark.skipif(bool(_missing), reason=_missing)
def test_killed_workers_and_a_lost_node_change_nothing(
    cluster: Path, tmp_path: Path, undisturbed: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = RunFolder.create(SPEC, tmp_path)
    hold = tmp_path / "hold"
    hold.touch()
    monkeypatch.setenv("FAKE_HOLD", str(hold))
    watch = launch.start(folder, Options(engine="slurm"))
    assert not watch.processes
    wait_until(folder, "workers start", lambda: len(live_workers(folder)) == WORKERS)
    with pytest.raises(FailureError, match="is being trained by process"):
        launch.start(folder, Options())
    killed, ended, *_ = live_workers(folder)
    os.kill(killed.pid, signal.SIGKILL)
    os.kill(ended.pid, signal.SIGTERM)

    def restarted() -> bool:
        """Whether Slurm has started both again."""
        again = {worker.slot for worker in live_workers(folder) if worker.key.endswith("-2")}
        return {killed.slot, ended.slot} <= again

    wait_until(folder, "both start again", restarted)
    slurm_cluster.lose_node(1, cluster)
    hold.unlink()
    wait_until(folder, "the run ends", lambda: watch.over)
    state = folder.state()
    assert (state.status, state.unreadable) == ("done", 0)
    assert losses(state) == losses(undisturbed.state())
    assert load(folder.fit_file).laws == load(undisturbed.fit_file).laws


@pytest.mark.skipif(bool(_missing), reason=_missing)
def test_stop_ends_all_tasks_and_resume_submits_again(
    cluster: Path, tmp_path: Path, undisturbed: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert cluster.exists()
    folder = RunFolder.create(SPEC, tmp_path)
    launch.start(folder, Options(engine="slurm", submit="--comment=planted"))
    wait_until(folder, "workers start", lambda: len(live_workers(folder)) == WORKERS)
    assert "running" in launch.pending(folder)
    assert launch.stop(folder) == "stopped"
    wait_until(folder, "the queue is empty", lambda: not launch.pending(folder))
    assert folder.state().status == "stopped"
    monkeypatch.setenv("FAKE_STEP_SECONDS", "0")
    # The engine and its options stay, with fewer workers.
    watch = launch.start(folder, Options(workers=2))
    found = last_launch(folder)
    assert found is not None
    assert (found.engine, found.workers, found.submit) == ("slurm", 2, "--comment=planted")
    wait_until(folder, "the run ends", lambda: watch.over)
    assert losses(folder.state()) == losses(undisturbed.state())


@pytest.mark.skipif(bool(_missing), reason=_missing)
def test_refusal_of_slurm_is_one_sentence(cluster: Path, tmp_path: Path) -> None:
    assert cluster.exists()
    folder = RunFolder.create(SPEC, tmp_path)
    with pytest.raises(FailureError, match=r"sbatch refuses: .*partition.*other options in --slurm") as refused:
        launch.start(folder, Options(engine="slurm", submit="--partition=nowhere"))
    assert "\n" not in str(refused.value)


def test_without_slurm_it_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(FailureError, match="there is no `sbatch` here; run this on a login node"):
        launch.start(RunFolder.create(SPEC, tmp_path), Options(engine="slurm"))


def test_script_asks_for_one_gpu_a_task_unless_the_user_asks_otherwise(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "100% run with spaces")
    text = slurm.script(folder, Launch(1, "slurm", 4), Options(), "cuda")
    assert "#SBATCH --array=0-3\n" in text
    assert "#SBATCH --gres=gpu:1\n" in text
    assert f"'{folder.path}'" in text
    # Slurm replaces what follows a single % in the name of an output.
    assert f"#SBATCH '--output={tmp_path}/100%% run with spaces/output/0001-%a.log'\n" in text
    for submit in ("--gpus-per-task=a100:1", "--gres gpu:h100:1 --partition=x", "-G 1"):
        assert "--gres=gpu:1\n" not in slurm.script(folder, Launch(1, "slurm", 4, submit=submit), Options(), "cuda")
    assert "--gres" not in slurm.script(folder, Launch(1, "slurm", 4), Options(), "cpu")


@pytest.mark.parametrize(
    ("submit", "said"),
    [
        ("--array=0-9", "--slurm sets --array, which the run sets itself"),
        ("-o out", "--slurm sets -o, which the run sets itself"),
        ("-a0-9", "--slurm sets -a, which the run sets itself"),
        ("--signal=USR1@60", "--slurm sets --signal, which the run sets itself"),
        ("gpu", "does not begin with an option of sbatch"),
        ("--comment='x", "cannot be read"),
        ("--comment='a\nrm -rf'", "has a line break"),
    ],
)
def test_options_that_would_break_the_script_are_refused(submit: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=said):
        slurm.script(RunFolder(tmp_path), Launch(1, "slurm", 1, submit=submit), Options(), "cpu")

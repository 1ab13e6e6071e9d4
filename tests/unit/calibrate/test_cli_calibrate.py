"""The command: from its options to a stored fit, and its refusals."""

import json
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import ModuleType

import pytest
from typer import Typer
from typer.testing import CliRunner, Result

from budgetscope.api import Advisor, PlanRequest
from budgetscope.api.defaults import DEFAULT_LAW
from budgetscope.calibrate.corpus.prepare import prepare
from budgetscope.calibrate.engines.base import Options
from budgetscope.calibrate.engines.local import kill
from budgetscope.calibrate.environment import check_workers, look
from budgetscope.calibrate.orchestrate import Stop, carry_on
from budgetscope.calibrate.plan.spec import Spec
from budgetscope.calibrate.run.folder import RunFolder, list_runs
from budgetscope.calibrate.run.launches import last_launch, live_workers, new_launch
from budgetscope.calibrate.run.processes import process_exists
from budgetscope.cli import fits
from budgetscope.cli.calibrate import app
from budgetscope.core.errors import BudgetscopeError, FailureError, UsageError
from budgetscope.core.extras import install_command
from budgetscope.store.locations import user_fits

pytestmark = pytest.mark.usefixtures("fake_workers")

SMOKE = ["--preset", "smoke", "--device", "cpu"]


def run(*arguments: str, answers: str | None = None, command: Typer = app) -> Result:
    result = CliRunner().invoke(command, list(arguments), input=answers)
    if isinstance(result.exception, BudgetscopeError):
        raise result.exception
    assert result.exception is None or isinstance(result.exception, SystemExit), result.output
    return result


@pytest.fixture(scope="session")
def paragraphs() -> str:
    """A text of distinct paragraphs."""
    letters = random.Random(0).choices("etaoinshrdlu  ", k=600_000)
    return "\n\n".join("".join(letters[start : start + 400]) for start in range(0, len(letters), 400))


@pytest.fixture
def text(paragraphs: str, tmp_path: Path) -> str:
    """A file of distinct paragraphs."""
    path = tmp_path / "text.txt"
    path.write_text(paragraphs)
    return str(path)


def test_from_nothing_to_a_stored_fit_and_its_difference(text: str) -> None:
    before = Advisor().active_law
    result = run(*SMOKE, "--data", text, "--name", "mine/here")
    assert f"{before} -> mine/here" in result.stdout
    assert "allocation" in result.stdout
    assert "Too small to plan by: 4 budgets have a best size and 5 are needed" in result.stderr
    assert Advisor().active_law == before
    assert Advisor().library.get("mine/here").allocation is not None
    (folder,) = list_runs()
    assert "done" in run("list").stdout
    assert f"{folder.name}: done" in run("status", "last").stdout
    assert json.loads(run("status", "last", "--json").stdout)["status"] == "done"
    with pytest.raises(UsageError, match="is done"):
        run("--resume", "last")


@pytest.mark.usefixtures("large_enough")
def test_accept_makes_the_fit_active_and_a_second_of_its_name_waits(text: str) -> None:
    run(*SMOKE, "--data", text, "--accept", "--yes")
    assert Advisor().active_law == "mine/calibrated"
    first = Advisor().library.get("mine/calibrated")
    before = {folder.name for folder in list_runs()}
    # Other budgets, other readings.
    result = run(*SMOKE, "--data", text, "--minutes", "1.2")
    assert "mine/calibrated answers your plans and stays as it was" in result.stderr
    # Names tell seconds, and both may have begun in one.
    (second,) = (folder for folder in list_runs() if folder.name not in before)
    assert f"budgetscope calibrate fit {second.name} --accept" in result.stderr
    for arguments in (("attach", second.name), ("fit", second.name)):
        assert "stays as it was" in run(*arguments).stderr
        assert Advisor().library.get("mine/calibrated") == first
    assert "is now the active law" in run("fit", second.name, "--accept", "--yes").stderr
    assert Advisor().library.get("mine/calibrated").laws != first.laws
    assert "answers your plans already" in run("fit", second.name).stderr


@pytest.mark.usefixtures("large_enough")
def test_accepting_shows_the_change_at_the_users_budget_and_asks(
    done_large_run: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = done_large_run
    with pytest.raises(UsageError, match="here is no terminal to answer at; add --yes"):
        run("fit", folder.name, "--accept")
    with pytest.raises(UsageError, match="--yes has no effect without --accept"):
        run("fit", folder.name, "--yes")
    monkeypatch.setattr("budgetscope.cli.acceptance._can_ask", lambda: True)
    asked = run("fit", folder.name, "--accept", "--at", "1e16", answers="n\n")
    assert f"at 1e16 FLOPs: {DEFAULT_LAW} -> mine/planted" in asked.stdout
    for told in (
        "your N",
        "your D",
        "your final loss",
        f"If {DEFAULT_LAW} is right, following the new law costs ",
        "is that of an exponent combined with published laws",
    ):
        assert told in asked.stdout
    for part in ("own", "published", "combined"):
        assert f"exponent, {part}: " in asked.stdout
        assert f"exponent, {part}: " in run("status", folder.name).stdout
    assert "make it the active law? [y/N]" in asked.stderr
    assert "it becomes active with" in asked.stderr
    assert Advisor().active_law == DEFAULT_LAW
    accepted = run("fit", folder.name, "--accept", answers="y\n")
    assert "give one with --at" in accepted.stdout
    assert f"is now the active law; go back with: budgetscope fits use {DEFAULT_LAW}" in accepted.stderr
    assert Advisor().active_law == "mine/planted"


@pytest.mark.usefixtures("large_enough")
def test_using_a_calibration_shows_the_change_at_the_users_budget_and_asks(
    done_large_run: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = done_large_run
    run("fit", folder.name)
    call = partial(run, command=fits.app)
    with pytest.raises(UsageError, match=r"fits use of a calibration asks before it changes the law, .* add --yes"):
        call("use", "mine/planted")
    with pytest.raises(UsageError, match=r"--at has no effect, since besiroglu2024/refit is no calibration"):
        call("use", "besiroglu2024/refit", "--at", "1e21")
    monkeypatch.setattr("budgetscope.cli.acceptance._can_ask", lambda: True)
    asked = call("use", "mine/planted", "--at", "1e16", answers="n\n")
    assert f"at 1e16 FLOPs: {DEFAULT_LAW} -> mine/planted" in asked.stdout
    assert f"If {DEFAULT_LAW} is right, following the new law costs " in asked.stdout
    assert f"{DEFAULT_LAW} stays the default law" in asked.stderr
    assert Advisor().active_law == DEFAULT_LAW
    assert "mine/planted is now the default law" in call("use", "mine/planted", "--at", "1e16", "--yes").stderr
    assert Advisor().active_law == "mine/planted"
    # It is in use already: nothing changes, and nothing is asked.
    assert "at 1e16" not in call("use", "mine/planted").stdout


def test_smoke_run_is_never_the_law(done_run: RunFolder) -> None:
    run("fit", done_run.name)
    lacking = Advisor().library.get("mine/planted").too_small
    assert re.search(
        r"about [0-9.]+ minutes of this device are enough \(`--preset quick --minutes [0-9.]+`\)\.$", lacking
    )
    for refused in (
        lambda: run("fit", "last", "--accept", "--yes"),
        lambda: Advisor().fit_library.use("mine/planted"),
        lambda: Advisor().answer(PlanRequest("1e21", law="mine/planted")),
    ):
        with pytest.raises(UsageError, match=re.escape(f"mine/planted gives no plan. {lacking}")):
            refused()
    assert Advisor().active_law == DEFAULT_LAW
    compared = Advisor().compare(Advisor().answer(PlanRequest("1e21")))
    assert any(lacking in skipped for skipped in compared.skipped)
    assert "mine/planted" not in [row.fit_id for row in compared.rows]


def test_attaching_to_a_done_run_does_not_store_its_fit_over_a_newer_one(done_run: RunFolder, text: str) -> None:
    assert "is stored in" in run("attach", done_run.name).stderr
    old = Advisor().library.get("mine/planted")
    run(*SMOKE, "--data", text, "--name", "mine/planted")
    newer = Advisor().library.get("mine/planted")
    assert newer.laws != old.laws
    assert "it was stored as mine/planted before" in run("attach", done_run.name).stderr
    assert Advisor().library.get("mine/planted") == newer
    assert "is stored in" in run("fit", done_run.name).stderr
    assert Advisor().library.get("mine/planted") != newer


@pytest.mark.usefixtures("large_enough")
def test_attaching_to_an_accepted_run_does_not_store_its_fit_over_a_newer_one(
    done_large_run: RunFolder,
) -> None:
    folder = done_large_run
    assert "is now the active law" in run("attach", folder.name, "--accept", "--yes").stderr
    accepted = Advisor().library.get("mine/planted")
    Advisor().fit_library.use(DEFAULT_LAW)
    newer = replace(accepted, title="A newer fit")
    Advisor().library.save(newer)
    said = run("attach", folder.name).stderr
    assert f"it was stored as mine/planted before; again with: budgetscope calibrate fit {folder.name}" in said
    assert Advisor().library.get("mine/planted") == newer


def test_older_run_with_the_name_of_a_bundled_fit_does_not_hide_it(spec: Spec, fake: ModuleType) -> None:
    folder = RunFolder.create(replace(spec, fit_id=DEFAULT_LAW))
    carry_on(folder, folder.spec(), fake.FakeTrainer(), Stop(folder.stop_file))
    for more in ((), ("--accept", "--yes")):
        with pytest.raises(UsageError, match=r"stays as it is; .*, which `budgetscope fits use` takes\."):
            run("fit", "last", *more)
    assert not list(user_fits().rglob("*.json"))


def test_run_folder_elsewhere_is_named_by_its_path(new_run: Callable[[], RunFolder], tmp_path: Path) -> None:
    here = new_run()
    assert here.handle == here.name
    moved = tmp_path / "other place" / "moved"
    shutil.copytree(here.path, moved)
    result = run("status", str(moved))
    assert f"--resume '{moved}'" in result.stdout.replace("\n", "")
    assert "stopped" in run("--resume", str(moved), "--time-limit", "1e-6").stderr
    assert RunFolder.find(str(moved)).state().status == "stopped"


def test_json_passes_the_events_on(text: str) -> None:
    result = run(*SMOKE, "--data", text, "--json")
    kinds = [json.loads(line)["kind"] for line in result.stdout.splitlines()]
    assert kinds[0] == "worker_started"
    assert kinds[-2:] == ["fit_written", "run_done"]
    assert {"run_started", "stage_planned", "slice_taken", "stack_started", "step", "reading", "cell_done"} <= set(
        kinds
    )
    labels = {record["kind"]: record.get("worker") for record in map(json.loads, result.stdout.splitlines())}
    assert (labels["stage_planned"], labels["step"]) == (None, "1-0-1")


def test_dry_run_prices_and_starts_nothing(text: str) -> None:
    result = run(*SMOKE, "--data", text, "--dry-run")
    for word in ("stage", "FLOPs", "6ND", "epochs", "memory", "give your budget with --at", "budgets:", "readings"):
        assert word in result.stdout
    told = " ".join(run(*SMOKE, "--data", text, "--dry-run", "--at", "1e22").stdout.split())
    assert "N* at 1e22 FLOPs: today 10.8 B [" in told
    assert "this design is too small to plan by" in told
    assert list_runs() == []
    record = json.loads(run(*SMOKE, "--data", text, "--dry-run", "--json").stdout)
    assert len(record["price"]["stages"]) == 2
    assert record["spec"]["design"]["stage1"]


def test_no_more_workers_than_devices_are_started(
    text: str, new_run: Callable[[], RunFolder], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 4)
    folder = new_run()
    for asked in ([*SMOKE, "--data", text], ["--resume", folder.name]):
        with pytest.raises(UsageError, match=r"--workers 1000 is more than the 4 processors here.*; give at most 4"):
            run(*asked, "--workers", "1000")
    script = "import sys; sys.stderr.write('budgetscope: there is no GPU 999.'); sys.exit(2)"
    monkeypatch.setattr("budgetscope.calibrate.environment.CHECK", (sys.executable, "-c", script))
    for asked in (["--workers", "1000", "--device", "cuda"], ["--gpu", "0,999"]):
        with pytest.raises(UsageError, match="there is no GPU 999"):
            run("--resume", folder.name, *asked)
    with pytest.raises(UsageError, match="which is one device"):
        check_workers("mps", 2)
    assert last_launch(folder) is None


@pytest.mark.parametrize("device", ["cuda", "mps", "cpu"])
def test_no_smaller_preset_has_a_dearer_smallest_design(device: str, text: str) -> None:
    least = []
    for preset in ("smoke", "quick", "standard", "deep"):
        # Elsewhere, so that no device is looked at.
        asked = ["--preset", preset, "--device", device, "--engine", "slurm", "--data", text, "--minutes", "0.1"]
        with pytest.raises(UsageError) as refused:
            run(*asked, "--tokenizer", "bytes", "--dry-run")
        found = re.search(r"give at least ([0-9.]+) minutes", str(refused.value))
        assert found is not None
        least.append(float(found[1]))
    assert least == sorted(least)


def test_what_an_earlier_command_would_have_spent_in_vain_is_said(text: str) -> None:
    small = Path(text).with_name("small.txt")
    small.write_text(Path(text).read_text()[:80_000])
    with pytest.raises(UsageError, match=r"validation tokens are too few for sequences of 8192"):
        run(*SMOKE, "--data", str(small), "--seq-len", "8192", "--dry-run")
    with pytest.raises(UsageError, match=r"^0\.1 minutes pay for \d+% of the smallest smoke calibration here"):
        run(*SMOKE, "--data", text, "--minutes", "0.1", "--dry-run")
    said = " ".join(run(*SMOKE, "--data", text, "--flops", "1e22", "--dry-run").stdout.split())
    assert "The ladder of sizes ends: this design takes" in said
    assert "of the 1e+22 FLOPs that were given" in said


def test_built_in_text_is_said_to_be_for_trying(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("budgetscope.calibrate.prepare.prepare", _prepared(text))
    assert "for trying the machinery" in " ".join(run(*SMOKE, "--dry-run").stdout.split())
    assert "for trying the machinery" not in " ".join(run(*SMOKE, "--data", text, "--dry-run").stdout.split())


def test_title_is_that_of_the_request(text: str, tmp_path: Path) -> None:
    copy = tmp_path / "copy.txt"
    shutil.copy(text, copy)
    for path in (text, str(copy), text):
        assert f"calibration on {Path(path).name}" in run(*SMOKE, "--data", path, "--dry-run").stdout


def test_gpu_at_resume_means_cuda(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    run(*SMOKE, "--data", text, "--time-limit", "1e-6")
    chosen: list[Options] = []
    monkeypatch.setattr("budgetscope.cli.calibrate.launch", lambda _, options, **__: chosen.append(options))
    run("--resume", "last", "--gpu", "1")
    run("--resume", "last")
    assert chosen == [Options(device="cuda", gpus=(1,), engine="local"), Options(engine="local")]


def test_text_field_names_the_text(tmp_path: Path) -> None:
    letters = random.Random(0)
    lines = [{"body": "".join(letters.choice("etaoin shrdlu") for _ in range(400))} for _ in range(1000)]
    path = tmp_path / "text.jsonl"
    path.write_text("\n".join(map(json.dumps, lines)))
    with pytest.raises(UsageError, match="name the text's with --text-field"):
        run(*SMOKE, "--data", str(path), "--dry-run")
    assert "budgets:" in run(*SMOKE, "--data", str(path), "--text-field", "body", "--dry-run").stdout


def test_detached_run_is_attached_to(text: str) -> None:
    assert "trains in the background" in run(*SMOKE, "--data", text, "--detach").stderr
    assert "is stored in" in run("attach", "last").stderr


def test_the_load_of_this_machine_slows_only_workers_on_it(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("budgetscope.calibrate.prepare.crowding", lambda: 3.0)
    asked = [*SMOKE, "--data", text, "--dry-run"]
    assert "Other work keeps the processors busy" in run(*asked).stdout
    assert "Other work keeps the processors busy" not in run(*asked, "--engine", "slurm").stdout


def test_resume_keeps_the_engine_of_the_launch_before(
    new_run: Callable[[], RunFolder], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sbatch = tmp_path / "sbatch"
    sbatch.write_text("#!/bin/sh\necho no configuration here >&2; exit 1\n")
    sbatch.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    folder = new_run()
    new_launch(folder, "slurm", 2, submit="--partition=a")
    again = ["--resume", folder.name, "--device", "cuda"]
    # The number of workers, or options of sbatch, do not make the run this machine's.
    for more in (["--workers", "3"], ["--slurm", "--partition=b"], []):
        with pytest.raises(FailureError, match=r"sbatch refuses: no configuration here\. The run is kept") as refused:
            run(*again, *more)
        assert f"`budgetscope calibrate --resume {folder.handle}`" in str(refused.value)
        latest = last_launch(folder)
        assert latest is not None
        assert latest.engine == "slurm"
    with pytest.raises(UsageError, match="--slurm has no effect without --engine slurm"):
        run(*again, "--gpu", "0", "--slurm", "--partition=b")


def test_time_limit_then_resume_then_fit(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_STEP_SECONDS", "0.05")
    result = run(*SMOKE, "--data", text, "--time-limit", "0.03")
    assert "stopped (the time limit is up); go on with: budgetscope calibrate --resume" in result.stderr
    assert "interrupted" not in run("list").stdout
    assert "stopped" in run("status", "last").stdout
    monkeypatch.setenv("FAKE_STEP_SECONDS", "0")
    assert "is stored in" in run("--resume", "last").stderr
    assert "is stored in" in run("fit", "last").stderr


def test_status_tells_a_living_worker_from_a_killed_one(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_STEP_SECONDS", "0.05")
    run(*SMOKE, "--data", text, "--detach")
    (folder,) = list_runs()
    (worker,) = live_workers(folder)
    (shown,) = json.loads(run("status", "last", "--json").stdout)["workers"]
    assert (shown["pid"], shown["alive"]) == (worker.pid, True)
    kill(worker.pid)
    while process_exists(worker.pid):
        time.sleep(0.02)
    after = json.loads(run("status", "last", "--json").stdout)
    assert after["status"] == "interrupted"
    assert [(shown["pid"], shown["alive"]) for shown in after["workers"]] == [(worker.pid, False)]


def test_moved_data_is_named_again(text: str, tmp_path: Path) -> None:
    moved = tmp_path / "moved.txt"
    moved.write_bytes(Path(text).read_bytes())
    other = tmp_path / "other.txt"
    other.write_text(moved.read_text()[::-1])
    run(*SMOKE, "--data", text, "--time-limit", "1e-6")
    with pytest.raises(UsageError, match=r"is not the data that run .* began with, text\.txt; name that"):
        run("--resume", "last", "--data", str(other))
    assert "is stored in" in run("--resume", "last", "--data", str(moved)).stderr


def test_stop_of_a_detached_run(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_STEP_SECONDS", "0.05")
    run(*SMOKE, "--data", text, "--detach")
    assert "stopped; go on with" in run("stop", "last").stderr


def test_fit_of_a_run_that_trained_nothing_is_refused(new_run: Callable[[], RunFolder]) -> None:
    new_run()
    with pytest.raises(UsageError, match="has trained nothing yet"):
        run("fit", "last")
    assert Advisor().library.path("mine/planted") is None


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--preset", "huge"], "'huge' is not a preset"),
        (["--minutes", "5", "--flops", "1e15"], "exclude each other"),
        (["--minutes", "-1"], "--minutes -1 is out of bounds"),
        (["--time-limit", "0"], "--time-limit 0 is out of bounds"),
        (["--device", "cpu", "--gpu", "0"], "contradicts"),
        (["--device", "tpu"], "'tpu' is not a device; choose one of cuda, mps, cpu"),
        (["--name", "Mine"], "is not a fit's id"),
        (["--name", "../mine/lab"], "'../mine/lab' is not a fit's id"),
        (["--name", DEFAULT_LAW], f"--name {DEFAULT_LAW} is a fit that ships with budgetscope; choose"),
        (["--data", ""], "--data '' names nothing"),
        (["--resume", "last", "--device", "tpu"], "'tpu' is not a device; choose one of cuda, mps, cpu"),
        (["--resume", "last", "--device", "cpu", "--gpu", "0"], "--gpu 0 contradicts --device cpu"),
        (["--resume", "last", "--minutes", "5"], "--minutes has no effect with --resume"),
        (["--resume", "last", "--dry-run"], "--dry-run has no effect with --resume"),
        (["--probe", "--text-field", "body"], "--text-field has no effect with --probe"),
        (["--dry-run", "--time-limit", "5"], "--time-limit has no effect with --dry-run"),
        (["--detach", "--accept"], "--accept has no effect with --detach"),
        (["--flops", "many"], "many"),
        (["--resume", "nothing"], "there is no run 'nothing'"),
        (["status", "nothing"], "there is no run 'nothing'"),
        (["stop", "nothing"], "there is no run 'nothing'"),
        ([*SMOKE, "--data", "/no/such/file"], "/no/such/file"),
        ([*SMOKE, "--minutes", "0.1"], "give at least"),
    ],
)
def test_refusals_are_one_sentence(
    arguments: list[str], sentence: str, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("budgetscope.calibrate.prepare.prepare", _prepared(text))
    with pytest.raises(BudgetscopeError, match=None) as caught:
        run(*arguments)
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)
    assert list_runs() == []


def _prepared(text: str) -> Callable[..., object]:
    def prepared(source: str | None, **settings: object) -> object:
        return prepare(source or text, **settings)  # type: ignore[arg-type]

    return prepared


COMMAND = """
import sys
from budgetscope.calibrate.engines import base
from budgetscope.cli.calibrate import app
base.WORKER = (sys.executable, sys.argv.pop(1))
app(prog_name="calibrate")
"""


@pytest.mark.parametrize("times", [1, 2])
def test_first_interrupt_saves_and_second_ends_at_once(
    text: str, times: int, monkeypatch: pytest.MonkeyPatch, fake: ModuleType
) -> None:
    # With two interrupts the trainer hangs in a step, so that only the second ends it.
    monkeypatch.setenv("FAKE_STEP_SECONDS", "0.05" if times == 1 else "30")
    command = [sys.executable, "-c", COMMAND, str(fake.__file__), *SMOKE, "--data", text]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        deadline = time.monotonic() + 60
        while not (list_runs() and list_runs()[0].state().running):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        for _ in range(times):
            process.send_signal(signal.SIGINT)
            time.sleep(0.5)
        _, said = process.communicate(timeout=60)
    assert "saving and stopping; Ctrl-C again ends it at once" in said
    assert "calibrate --resume" in said
    (folder,) = list_runs()
    assert process.returncode == 130
    if times == 1:
        assert folder.state().status == "stopped"
    else:
        assert "without a word" not in said
        assert "ending it at once" in said
    assert live_workers(folder) == []
    monkeypatch.setenv("FAKE_STEP_SECONDS", "0")
    assert "is stored in" in run("--resume", "last").stderr


@pytest.mark.parametrize("how", ["at once", "after a line", "events", "stderr too", "attached"])
def test_run_whose_output_nobody_reads_goes_on(
    how: str, text: str, monkeypatch: pytest.MonkeyPatch, fake: ModuleType
) -> None:
    monkeypatch.setenv("FAKE_STEP_SECONDS", "0.02")
    asked = [*SMOKE, "--data", text]
    if how == "attached":
        run(*asked, "--detach")
        asked = ["attach", "last"]
    command = [sys.executable, "-c", COMMAND, str(fake.__file__), *asked, *(["--json"] if how == "events" else [])]
    errors = subprocess.STDOUT if how == "stderr too" else subprocess.PIPE
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True) as process:
        assert process.stdout is not None
        if how != "at once":
            assert process.stdout.readline()
        process.stdout.close()
        said = "" if process.stderr is None else process.stderr.read()
        assert process.wait(60) == 0
    (folder,) = list_runs()
    if how != "stderr too":
        assert f"nobody reads the output any more; {folder.name} goes on, budgetscope calibrate attach" in said
    assert "Traceback" not in said
    assert live_workers(folder)
    assert "is stored in" in run("attach", "last").stderr


@pytest.mark.usefixtures("large_enough")
def test_fit_is_stored_though_nobody_reads_what_it_changes(new_run: Callable[[], RunFolder], fake: ModuleType) -> None:
    folder = new_run()
    carry_on(folder, folder.spec(), fake.FakeTrainer(), Stop(folder.stop_file))
    command = [sys.executable, "-c", COMMAND, str(fake.__file__), "attach", "last"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert "is stored in" in process.stderr.read()
        assert process.wait(60) == 0
    assert Advisor().library.get("mine/planted").allocation is not None


def test_what_the_device_refuses_keeps_its_exit_code(monkeypatch: pytest.MonkeyPatch) -> None:
    for code, kind in ((2, UsageError), (1, FailureError)):
        script = f"import sys; sys.stderr.write('budgetscope: there is no GPU 7.'); sys.exit({code})"
        monkeypatch.setattr("budgetscope.calibrate.environment.CHECK", (sys.executable, "-c", script))
        with pytest.raises(kind, match="there is no GPU 7"):
            look("cuda", 7)


def test_missing_extra_names_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("budgetscope.calibrate.environment.find_spec", lambda _: None)
    with pytest.raises(FailureError, match=re.escape(install_command("calibrate"))):
        run(*SMOKE)

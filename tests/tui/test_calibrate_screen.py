"""The calibrate screen: its form, its runs, its keys."""

import inspect
import os
import re
import shlex
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from rich.console import Console
from tests.tui.calibrating import FIT, NAME, Planted, append, begun, log_of, plant, planted_spec
from tests.tui.driving import notices, settled, shown, stage
from textual.pilot import Pilot
from textual.widgets import Input, Static
from typer.testing import CliRunner

from budgetscope.api import Advisor, PlanRequest
from budgetscope.api.calibration import (
    DEFAULT_FIT,
    DeviceFacts,
    Progress,
    Ready,
    Request,
    Watch,
    find_resumable,
    texts,
    worker_views,
)
from budgetscope.calibrate import prepare as preparation
from budgetscope.calibrate.corpus.sources import FINEWEB_EDU_SAMPLE
from budgetscope.calibrate.launch import stop
from budgetscope.calibrate.plan.device import Rate
from budgetscope.calibrate.plan.price import price
from budgetscope.calibrate.run.events import RunDone
from budgetscope.calibrate.run.folder import RunFolder, list_runs
from budgetscope.calibrate.run.launches import live_workers, new_launch, note_job
from budgetscope.cli.calibrate import app as calibrate
from budgetscope.cli.calibrate_view import progress_panel
from budgetscope.core.budget.quantities import format_count
from budgetscope.core.errors import BudgetscopeError, FailureError, UsageError
from budgetscope.core.extras import install_command
from budgetscope.store.app_state import AppState
from budgetscope.store.fit_library import load
from budgetscope.store.fit_schema import dump
from budgetscope.store.settings import read_settings
from budgetscope.tui.app import BudgetscopeApp
from budgetscope.tui.screens.calibrate import form
from budgetscope.tui.screens.calibrate.design_panel import DesignPanel
from budgetscope.tui.screens.calibrate.fit_panel import FitPanel
from budgetscope.tui.screens.calibrate.log_tail import Tail
from budgetscope.tui.screens.calibrate.run_list import RunList
from budgetscope.tui.screens.calibrate.run_view import VIEWS, RunView
from budgetscope.tui.screens.calibrate.screen import CalibrateScreen
from budgetscope.tui.screens.calibrate.worker_strip import WorkerStrip
from budgetscope.tui.widgets.chart import Chart
from budgetscope.tui.widgets.field_row import FieldRow

SMALL, BIG, HUGE = (80, 24), (120, 40), (200, 60)
PATIENCE_SECONDS = 60.0
DIGITS = "9" * 5000
LAW = "porian2024/refinedweb-tuned"
FAKE_WORKER = Path(__file__).parents[1] / "unit" / "calibrate" / "fake_worker.py"


def ascii_start(text: str) -> str:
    """Return an id of a test whose texts may be long."""
    return ascii(text[:20])


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Planted:
    return plant(tmp_path_factory.mktemp("planted"))


@pytest.fixture
def fake_workers(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Start the fake worker wherever a worker is started; leave none behind."""
    monkeypatch.setattr("budgetscope.calibrate.engines.base.WORKER", (sys.executable, str(FAKE_WORKER)))
    yield
    for folder in list_runs():
        if any(worker.pid != os.getpid() for worker in live_workers(folder)):
            stop(folder)


def open_app(advisor: Advisor, **views: str | float | bool) -> BudgetscopeApp:
    return BudgetscopeApp(None, advisor, AppState(screen="calibrate", views={"calibrate": views}))


def screen_of(pilot: Pilot[None]) -> CalibrateScreen:
    screen = stage(pilot)
    assert isinstance(screen, CalibrateScreen)
    return screen


async def until(pilot: Pilot[None], holds: Callable[[], object]) -> None:
    """Wait until something holds, and what was asked is answered."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < deadline, shown(pilot)
        await pilot.pause(0.02)
    await looked(pilot)


async def looked(pilot: Pilot[None]) -> CalibrateScreen:
    """Wait until the screen has looked at the runs and compared the fit."""
    screen = screen_of(pilot)
    await pilot.pause()
    while screen._looking or not screen._looked or screen.working:
        await pilot.pause(0.01)
    await settled(pilot)
    return screen


def field(screen: CalibrateScreen, name: str) -> Input:
    return screen.query_one(f"#field-{name}", FieldRow).input


def displayed(screen: CalibrateScreen) -> tuple[str, ...]:
    return tuple(view for view in VIEWS if screen.query_one(f"#{view}").display)


def offered(screen: CalibrateScreen) -> set[str]:
    """Return the actions that the footer offers."""
    return {
        active.binding.action for active in screen.active_bindings.values() if active.enabled and active.binding.show
    }


def sizes_of(planted: Planted) -> list[str]:
    """Return the sizes of stage 1 as the faces write them, ascending."""
    return [format_count(n) for n in sorted({s.cell.n_params for s in planted.state(0.3).of_stage(1)})]


def ready() -> Ready:
    spec = planted_spec("20260203-040506-smoke-cafe")
    return Ready(
        spec,
        price(spec.design, Rate.assumed("cpu"), spec.corpus),
        DeviceFacts("cpu", None, "a fake", None, None, ""),
    )


# The form


async def test_without_runs_it_asks_for_a_new_one(advisor: Advisor) -> None:
    async with open_app(advisor).run_test(size=SMALL) as pilot:
        screen = await looked(pilot)
        assert screen.chosen == ""
        text = shown(pilot)
        assert "> + a new calibration" in text
        assert "standard" in text
        assert "Nothing is trained before you have" in text
        assert "stop" not in offered(screen)
        assert "price" in offered(screen)


def test_the_hints_of_the_form_say_what_a_request_takes() -> None:
    hints = {field.name: field.hint for field in form.FIELDS}
    assert hints["fit_id"] == DEFAULT_FIT
    assert hints["preset"] == Request().preset
    assert form.FIELDS[0].suggestions == (FINEWEB_EDU_SAMPLE,)
    assert {name for name, _ in hints.items()} <= set(Request.__dataclass_fields__)


@pytest.mark.parametrize(
    "text", ["many", "-1", "nan", "1k", "7B", "1e6", "0.1", "0", "２０", "3", "1.5", DIGITS], ids=ascii_start
)
@pytest.mark.parametrize("name", ["minutes", "decay"])
def test_the_form_reads_a_number_as_the_command_does(name: str, text: str) -> None:
    assert calibrate.registered_callback is not None
    assert calibrate.registered_callback.callback is not None
    parameter = inspect.signature(calibrate.registered_callback.callback).parameters[name]
    parse = parameter.annotation.__metadata__[0].parser
    values, problems = form.read({name: text})
    if problems:
        with pytest.raises(UsageError) as refused:
            parse(text)
        assert problems == {name: str(refused.value).removeprefix(f"--{name} ")}
    else:
        assert values == {name: parse(text)}


@pytest.mark.parametrize("text", ["many", "-1", "1.5", "２０", "0,0", "0,", "0 1", "5000", DIGITS], ids=ascii_start)
def test_the_form_refuses_gpus_as_the_command_does(text: str) -> None:
    refused = CliRunner().invoke(calibrate, [f"--gpu={text}"])
    assert form.read({"gpus": text}) == ({}, {"gpus": str(refused.exception).removeprefix("--gpu ")})


@pytest.mark.parametrize(("text", "gpus"), [("0", (0,)), ("0,1", (0, 1)), (" 3, 1 ", (3, 1)), ("all", ())])
def test_the_form_takes_one_gpu_or_several(text: str, gpus: tuple[int, ...]) -> None:
    assert form.read({"gpus": text}) == ({"gpus": gpus}, {})
    assert form.command({"gpus": text}) == shlex.join(("budgetscope", "calibrate", "--gpu", text.strip()))


async def test_no_price_is_wrapped_into_the_next_stage(advisor: Advisor) -> None:
    async with open_app(advisor).run_test(size=SMALL) as pilot:
        screen = await looked(pilot)
        priced = ready()
        screen.query_one(DesignPanel).price(priced, "", ())
        for size in (SMALL, BIG):
            await pilot.resize_terminal(*size)
            await pilot.pause()
            lines = [line.rstrip() for line in shown(pilot).splitlines()]
            for stage_price in priced.price.stages:
                cells = texts.price_cells(stage_price, priced.spec.corpus)
                for label, cell in zip(texts.PRICE_HEADER, cells, strict=True):
                    assert any(label in line and cell in line.partition(label)[2] for line in lines), cell


@pytest.mark.parametrize(
    "why",
    [
        "the losses of the sizes do not bend: " + "no minimum was bracketed, " * 4 + "so no law can be fitted",
        "the disk of '/run' is full; free some space and resume",
    ],
)
async def test_a_run_that_failed_at_its_fit_says_why_to_the_end_and_is_resumed_by_both_faces(
    advisor: Advisor, planted: Planted, why: str
) -> None:
    folder = planted.at(share=0.999)
    append(log_of(folder), [RunDone("failed", why)], planted.part(0.999)[-1].t)
    async with open_app(advisor, chosen=NAME).run_test(size=SMALL) as pilot:
        screen = await looked(pilot)
        text = " ".join(shown(pilot).replace("│", " ").split())
        assert why in text
        assert "resuming only fits again" in text
        assert "resume" in offered(screen)
        assert find_resumable(NAME).path == folder.path


async def test_both_faces_resume_the_same_runs(advisor: Advisor, planted: Planted) -> None:
    wanted: dict[str, bool] = {}
    for number, (status, share) in enumerate(
        (("new", 0.0), ("running", 0.5), ("stopped", 0.5), ("failed", 0.5), ("done", 1.0)), 1
    ):
        for alive in (False, True):
            name = f"2026010{number}-030405-smoke-{'feed' if alive else 'beef'}"
            folder = planted.at(name, share, alive=alive and status == "running")
            if status in ("stopped", "failed"):
                append(log_of(folder), [RunDone(status, "asked to")], planted.part(share)[-1].t)
            if alive and status != "running":
                # Another worker of a run that is done may not have seen it yet; else it is of a new launch.
                key = "0001-1-1" if status == "done" else "0002-0-1"
                append(folder.workers / f"{key}.jsonl", [begun(folder)], planted.records[-1].t)
            wanted[name] = status != "done" and not alive
            if wanted[name]:
                assert find_resumable(name).path == folder.path
            else:
                why = "is done" if status == "done" else "is being trained by process"
                with pytest.raises(BudgetscopeError, match=why):
                    find_resumable(name)
    async with open_app(advisor).run_test(size=BIG) as pilot:
        screen = await looked(pilot)
        for name, can in wanted.items():
            screen.chosen = name
            await until(pilot, lambda: screen.run_shown is not None)
            assert screen.run_shown is not None
            assert screen.run_shown.folder.name == name
            assert ("resume" in offered(screen)) == can, name


async def test_resume_right_after_choosing_a_run_waits_until_it_is_read(
    advisor: Advisor, planted: Planted, monkeypatch: pytest.MonkeyPatch
) -> None:
    planted.stopped(NAME, 0.4)
    resumed: list[str] = []

    def resume(folder: RunFolder) -> str:
        resumed.append(folder.name)
        return ""

    monkeypatch.setattr("budgetscope.tui.screens.calibrate.screen.resume", resume)
    async with open_app(advisor).run_test(size=SMALL) as pilot:
        screen = await looked(pilot)
        screen.chosen = NAME
        assert screen.run_shown is None
        await screen.run_action("resume")
        await until(pilot, lambda: resumed)
        assert "is being read" in notices(pilot)[0]
        assert resumed == [NAME]


def test_the_form_reads_a_mix_a_tokenizer_and_a_decay() -> None:
    texts = {"data": "a b.txt=0.7, c.jsonl=0.3", "tokenizer": "lab/", "decay": "10%"}
    values, problems = form.read(texts)
    assert not problems
    assert values == {"data": ("a b.txt=0.7", "c.jsonl=0.3"), "tokenizer": "lab/", "decay": 0.1}
    Request(**values).check()
    expected = "budgetscope calibrate --data 'a b.txt=0.7' --data c.jsonl=0.3 --tokenizer lab/ --decay 10%"
    assert form.command(texts) == expected


async def test_what_cannot_be_read_is_said_beside_its_field_and_prices_nothing(advisor: Advisor) -> None:
    async with open_app(advisor).run_test(size=BIG) as pilot:
        screen = await looked(pilot)
        for name, text in (("gpus", "first"), ("gpus", DIGITS), ("minutes", "many")):
            field(screen, name).value = text
            await pilot.pause()
            _, problems = form.read({name: text})
            assert f"✗ {problems[name].split()[0]}" in shown(pilot)
            await pilot.press("p")
            assert not screen.new.preparing
            field(screen, name).value = ""
            await pilot.pause()
            assert problems[name].split()[0] not in shown(pilot)


async def test_the_minutes_follow_the_preset_and_the_command_follows_the_form(advisor: Advisor) -> None:
    async with open_app(advisor).run_test(size=BIG) as pilot:
        screen = await looked(pilot)
        await pilot.press("n", "down", *"deep", "up", *"a b", "escape", "y")
        assert field(screen, "minutes").placeholder == "120"
        assert pilot.app.clipboard == "budgetscope calibrate --data 'a b' --preset deep --dry-run"


async def test_the_price_shows_progress_and_then_the_design(advisor: Advisor, monkeypatch: pytest.MonkeyPatch) -> None:
    go = threading.Event()
    asked: list[Request] = []

    def slow(request: Request, *, on_corpus: Callable[..., None], say: Callable[[str], None]) -> Ready:
        asked.append(request)
        on_corpus(Progress("reading", 1, 2))
        go.wait(PATIENCE_SECONDS)
        say("it is busy")
        return ready()

    monkeypatch.setattr(preparation, "prepare_run", slow)
    async with open_app(advisor).run_test(size=BIG) as pilot:
        screen = await looked(pilot)
        field(screen, "preset").value = "smoke"
        field(screen, "minutes").value = "2"
        await pilot.press("f4")
        await until(pilot, lambda: "reading 50%" in shown(pilot))
        assert "start" not in offered(screen)
        go.set()
        await until(pilot, lambda: screen.new.ready is not None)
        assert asked == [Request(preset="smoke", minutes=2.0)]
        text = shown(pilot)
        for words in (
            "6ND FLOPs",
            "tokens, all cells",
            "epochs, longest cell",
            "text of ",
            "memory",
            "N* at ",
            ": today ",
            "! it is busy",
            "assumed rate",
            "F5: start it",
        ):
            assert words in text
        assert "start" in offered(screen)
        await pilot.press("Y")
        assert "6ND FLOPs" in pilot.app.clipboard
        field(screen, "preset").value = "quick"
        await pilot.pause()
        assert screen.new.ready is None


async def test_the_keys_that_the_form_names_work_while_a_field_is_edited(
    advisor: Advisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preparation, "prepare_run", lambda *_, **__: ready())
    monkeypatch.setattr("budgetscope.tui.screens.calibrate.screen.begin", lambda ready: ready.spec.run)
    async with open_app(advisor).run_test(size=BIG) as pilot:
        screen = await looked(pilot)
        await pilot.press("n")
        for said in ("prepare the data", "start it"):
            assert isinstance(screen.focused, Input)
            key = re.search(rf"(\w+): {said}", shown(pilot))
            assert key is not None
            await pilot.press(key[1].lower())
            await until(pilot, lambda: not screen.new.preparing)
            assert field(screen, "data").value == ""
        await until(pilot, lambda: notices(pilot) == [ready().spec.run])


async def test_what_was_edited_meanwhile_is_not_started(advisor: Advisor, monkeypatch: pytest.MonkeyPatch) -> None:
    go = threading.Event()
    monkeypatch.setattr(preparation, "prepare_run", lambda *_, **__: go.wait(PATIENCE_SECONDS) and ready())
    async with open_app(advisor).run_test(size=BIG) as pilot:
        screen = await looked(pilot)
        await pilot.press("p", "n", "x", "escape")
        assert field(screen, "data").value == "x"
        go.set()
        await until(pilot, lambda: not screen.new.preparing)
        assert screen.new.ready is None
        assert "F4: prepare the data" in shown(pilot)


async def test_a_log_with_odd_lines_is_shown_as_far_as_it_can_be_read(advisor: Advisor, planted: Planted) -> None:
    folder = planted.at(share=0.3)
    lines = log_of(folder).read_bytes()
    with log_of(folder).open("ab") as log:
        last = planted.part(0.3)[-1].seq
        log.write(b"\x00 not a record\n" + b'{"v":1,"seq":%d,"t":1,"generation":1,"kind":"later"}\n' % (last + 1))
        log.write(b'{"v":1,"seq":%d,"t":1,"generation":1,"kind":"run_done","status":"[odd]"}\n' % (last + 2))
        log.write(lines[: len(lines) // 2])
    async with open_app(advisor, chosen=NAME).run_test(size=BIG) as pilot:
        screen = await looked(pilot)
        assert screen.run_shown is not None
        for size in ((20, 5), (60, 15), (80, 24), (200, 60)):
            await pilot.resize_terminal(*size)
            await pilot.press("c", "z", "s", "b", "right", "pageup", "c")
            await looked(pilot)


async def test_a_preparation_can_be_given_up(advisor: Advisor, monkeypatch: pytest.MonkeyPatch) -> None:
    go, ended = threading.Event(), list[str]()

    def slow(_: Request, *, on_corpus: Callable[..., None], say: Callable[[str], None]) -> Ready:
        go.wait(PATIENCE_SECONDS)
        try:
            on_corpus(Progress("reading", 1, 2))
            say("still here")
        except BudgetscopeError as error:
            ended.append(str(error))
            raise
        return ready()

    monkeypatch.setattr(preparation, "prepare_run", slow)
    async with open_app(advisor).run_test(size=BIG) as pilot:
        screen = await looked(pilot)
        for key in ("x", "f6"):
            go.clear()
            ended.clear()
            await pilot.press("p")
            assert screen.new.preparing
            await pilot.press(key)
            assert not screen.new.preparing
            assert "F4: prepare the data" in shown(pilot)
            go.set()
            await until(pilot, lambda: ended)
            assert screen.new.ready is None


async def test_a_refusal_is_one_sentence_in_place_of_the_design(advisor: Advisor) -> None:
    async with open_app(advisor).run_test(size=BIG) as pilot:
        screen = await looked(pilot)
        field(screen, "preset").value = "smoke"
        field(screen, "device").value = "cpu"
        field(screen, "data").value = "/no/such"
        await pilot.press("p")
        await until(pilot, lambda: not screen.new.preparing)
        assert "✗ there is no file or folder '/no/such'" in shown(pilot)


async def test_a_mistake_made_while_a_run_is_prepared_is_told_beside_the_refusal(
    advisor: Advisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    go = threading.Event()

    def refuse(*_: object, **__: object) -> Ready:
        go.wait(PATIENCE_SECONDS)
        raise FailureError("the corpus is gone.")

    monkeypatch.setattr(preparation, "prepare_run", refuse)
    async with open_app(advisor).run_test(size=BIG) as pilot:
        screen = await looked(pilot)
        await pilot.press("p")
        field(screen, "minutes").value = "abc"
        await pilot.pause()
        go.set()
        await until(pilot, lambda: not screen.new.preparing)
        await pilot.pause()
        assert "✗ the corpus is gone." in shown(pilot)
        assert "'abc'" in shown(pilot)


async def test_a_missing_extra_is_said_with_its_remedy(advisor: Advisor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("budgetscope.calibrate.environment.find_spec", lambda _: None)
    async with open_app(advisor).run_test(size=BIG) as pilot:
        screen = await looked(pilot)
        # It may be longer than a line of the panel.
        assert install_command("calibrate") in str(screen.query_one("#priced", Static).content)
        await pilot.press("p")
        assert not screen.new.preparing


# From start to accepted


@pytest.mark.usefixtures("fake_workers")
async def test_a_run_is_started_watched_left_stopped_resumed_and_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preparation, "prepare_run", lambda *_, **__: ready())
    monkeypatch.setenv("FAKE_STEP_SECONDS", "0.05")
    monkeypatch.setenv("FAKE_LARGE", "1")
    request = PlanRequest("1e16", law="meta2024/llama3")
    app = BudgetscopeApp(request, Advisor(), AppState(screen="calibrate"))
    async with app.run_test(size=BIG) as pilot:
        screen = await looked(pilot)
        await pilot.press("p")
        await until(pilot, lambda: screen.new.ready is not None)
        await pilot.press("f5")
        await until(pilot, lambda: "● running" in shown(pilot))
        assert screen.chosen == ready().spec.run
        assert {"stop", "detach"} <= offered(screen)
        assert "accept" not in offered(screen)
        await pilot.press("y")
        assert pilot.app.clipboard == f"budgetscope calibrate attach {screen.chosen}"
        await pilot.press("d")
        assert screen.chosen == ""
        assert "goes on without you" in notices(pilot)[-1]
        await pilot.press("down")
        await until(pilot, lambda: "▸" in shown(pilot))
        await pilot.press("x")
        await until(pilot, lambda: "■ stopped" in shown(pilot))
        assert "resume" in offered(screen)
        monkeypatch.setenv("FAKE_STEP_SECONDS", "0")
        await pilot.press("y", "r")
        assert pilot.app.clipboard == f"budgetscope calibrate --resume {screen.chosen}"
        await until(pilot, lambda: screen.offered is not None)
        assert "✓ done" in shown(pilot)
        before = screen.session.plan
        await pilot.press("a", "enter")
        await until(pilot, lambda: "accepted" in shown(pilot))
        assert read_settings().law == FIT
        assert screen.session.plan == Advisor().answer(PlanRequest("1e16")).plan
        assert screen.session.plan != before
        assert screen.session.plan.law_id == FIT
        assert any(f"{FIT} is now the active law: N " in notice for notice in notices(pilot))
        assert "accept" not in offered(screen)


@pytest.mark.usefixtures("fake_workers")
async def test_a_worker_that_cannot_begin_says_why(advisor: Advisor, planted: Planted) -> None:
    folder = planted.stopped(NAME, 0.3)
    (folder.path / "spec.json").write_text((folder.path / "spec.json").read_text().replace("planted text", "another"))
    async with open_app(advisor).run_test(size=BIG) as pilot:
        screen = await looked(pilot)
        await pilot.press("down")
        await until(pilot, lambda: screen.run_shown is not None)
        assert "it was edited after the run began" in shown(pilot)
        assert "resume" not in offered(screen)


# Runs that are there


async def test_a_run_that_lives_is_shown_at_once(advisor: Advisor, planted: Planted) -> None:
    planted.at("20260102-030405-smoke-aaaa", 0.3)
    planted.at("20260101-030405-smoke-bbbb", 0.3, alive=True)
    async with open_app(advisor).run_test(size=SMALL) as pilot:
        screen = await looked(pilot)
        assert screen.chosen == "20260101-030405-smoke-bbbb"
        text = shown(pilot)
        assert "! interrupted 20260102-030405-smoke-aaaa" in text
        assert "> ● running     20260101-030405-smoke-bbbb" in text
        assert screen.run_shown is not None
        state = screen.run_shown.state
        assert "20 done, 10 running of 30 cells" in text
        flops = 1e6 * state.cells[state.running[0]].cell.shape.executed_flops_per_token
        assert f"1 M tokens/s, {flops / 1e12:.3g} TFLOP/s" in text


async def test_what_a_worker_writes_appears(advisor: Advisor, planted: Planted) -> None:
    folder = planted.at(share=0.3, alive=True)
    async with open_app(advisor).run_test(size=BIG) as pilot:
        screen = await looked(pilot)
        planted.grow(folder, 0.7)
        await until(pilot, lambda: "stage 2" in shown(pilot))
        assert screen.run_shown is not None
        assert screen.run_shown.state == planted.state(0.7)
        assert "stage 2 is planned" in " ".join(screen.query_one(Tail).lines)


async def test_several_workers_are_counted_and_with_room_each_is_shown(advisor: Advisor, planted: Planted) -> None:
    folder, sizes = planted.several(0.6), sizes_of(planted)
    async with open_app(advisor, view="log").run_test(size=SMALL) as pilot:
        screen = await looked(pilot)
        text = shown(pilot)
        assert "4 workers: 3 train, 1 waits" in text
        assert "node0" not in text
        assert f"worker 2: stack of N={sizes[2]}: 10 cells" in text
        await pilot.resize_terminal(*BIG)
        await looked(pilot)
        lines = [line for line in shown(pilot).splitlines() if "node" in line]
        assert f"N={sizes[0]}, 10 cells" in lines[0]
        assert f"N={sizes[2]}, 10 cells" in lines[0]
        assert "waits" in lines[1]
        assert len(lines) == 2
        await pilot.press("z")
        assert not screen.query_one(WorkerStrip).display
        await pilot.press("z")
        append(folder.workers / "0001-1-1.jsonl", [RunDone("stopped", "received SIGTERM")])
        await until(pilot, lambda: "4 workers: 2 train, 1 waits, 1 stopped" in shown(pilot))


def test_the_command_line_shows_the_workers_that_the_app_shows(planted: Planted) -> None:
    folder, sizes = planted.several(0.6), sizes_of(planted)
    console = Console(width=100)
    with console.capture() as live:
        watch = Watch(folder)
        watch.tick()
        console.print(progress_panel(watch.state, folder.spec(), worker_views(folder, watch.state)))
    for said in (live.get(), CliRunner().invoke(calibrate, ["status", NAME]).output):
        assert "4 workers: 3 train, 1 waits" in said
        (line,) = (line for line in said.splitlines() if line.startswith("2  "))
        assert line.split()[:3] == ["2", "node1", "0"]
        assert f"N={sizes[2]}, 10 cells" in line


async def test_many_workers_leave_room_for_the_panels(advisor: Advisor, planted: Planted) -> None:
    folder = planted.several(0.6)
    for slot in range(4, 40):
        append(folder.workers / f"0001-{slot}-1.jsonl", [begun(folder)])
    async with open_app(advisor).run_test(size=BIG) as pilot:
        await looked(pilot)
        assert "40 workers: 3 train, 1 waits, 36 start" in shown(pilot)
        assert "more" in shown(pilot)
        assert stage(pilot).query_one(WorkerStrip).size.height == 5
        assert stage(pilot).query_one("#cells").size.height >= 8


async def test_an_interrupted_run_says_so_and_can_be_resumed(advisor: Advisor, planted: Planted) -> None:
    planted.at(share=0.5)
    async with open_app(advisor, chosen=NAME).run_test(size=BIG) as pilot:
        screen = await looked(pilot)
        assert "ended without a word" in shown(pilot)
        assert "resume" in offered(screen)
        assert not {"stop", "detach", "accept", "price"} & offered(screen)


async def test_a_run_whose_tasks_wait_in_a_queue_is_waiting_and_can_be_stopped(
    advisor: Advisor, planted: Planted, monkeypatch: pytest.MonkeyPatch
) -> None:
    planted.at(share=0.5)
    (folder,) = list_runs()
    note_job(folder, new_launch(folder, "slurm", 2), "77")
    monkeypatch.setattr("budgetscope.calibrate.engines.slurm.pending", lambda _: "2 pending (Priority)")
    async with open_app(advisor, chosen=NAME).run_test(size=BIG) as pilot:
        screen = await looked(pilot)
        assert [entry.status for entry in screen.query_one(RunList).entries] == ["waiting"]
        assert "in Slurm's queue: 2 pending (Priority)" in shown(pilot)
        assert "ended without a word" not in shown(pilot)
        assert {"stop", "detach"} <= offered(screen)
        assert "resume" not in offered(screen)


async def test_the_views_go_round_and_one_can_have_the_screen(advisor: Advisor, planted: Planted) -> None:
    planted.at(share=0.5, alive=True)
    async with open_app(advisor).run_test(size=SMALL) as pilot:
        screen = await looked(pilot)
        for view in ("cells", "losses", "map", "log", "cells"):
            assert displayed(screen) == (view,)
            await pilot.press("c")
        height = screen.query_one("#losses").size.height
        await pilot.press("z")
        await pilot.pause()
        assert screen.query_one("#losses").size.height > height
        await pilot.press("escape")
        await pilot.pause()
        assert screen.query_one("#losses").size.height == height
        await pilot.resize_terminal(*BIG)
        await looked(pilot)
        assert displayed(screen) == VIEWS[:-1]
        await pilot.press("z")
        assert displayed(screen) == ("losses",)


async def test_at_the_end_the_fit_takes_the_place_of_the_log(advisor: Advisor, planted: Planted) -> None:
    planted.at()
    state = AppState(screen="calibrate", views={"calibrate": {"chosen": NAME}})
    async with BudgetscopeApp(PlanRequest("1e16"), advisor, state).run_test(size=BIG) as pilot:
        screen = await looked(pilot)
        assert displayed(screen) == ("cells", "losses", "map", "fit")
        await pilot.press("c", "c", "c")
        assert displayed(screen) == ("cells", "losses", "map", "log")
        await pilot.resize_terminal(*HUGE)
        await looked(pilot)
        assert displayed(screen) == VIEWS
        await until(pilot, lambda: screen.query_one(FitPanel).verdict is not None)
        assert screen.query_one("#law").display


async def test_counts_say_of_which_stage_they_are(advisor: Advisor, planted: Planted) -> None:
    planted.at(share=0.5, alive=True)
    async with open_app(advisor).run_test(size=BIG) as pilot:
        await looked(pilot)
        state, text = planted.state(), shown(pilot)
        assert f"stage {state.stage}: " in text
        assert ("all stages:" in text) == (len({cell.stage for cell in state.cells.values()}) > 1)
        assert "best so far: " in text


def test_the_best_cell_is_final_once_all_is_done(planted: Planted) -> None:
    state = planted.state()
    assert texts.best(replace(state, status="running")).startswith("best so far: ")
    assert texts.best(replace(state, status="done")).startswith("best: ")


async def test_s_and_b_go_through_the_maps(advisor: Advisor, planted: Planted) -> None:
    planted.at(share=0.5, alive=True)
    async with open_app(advisor, view="map").run_test(size=SMALL) as pilot:
        screen = await looked(pilot)
        sizes = sorted({s.cell.n_params for s in planted.state().of_stage(1)})
        seen = []
        for _ in sizes:
            await pilot.press("s")
            grid = screen.query_one(RunView).grid
            assert grid is not None
            seen.append(grid[0])
            title = str(screen.query_one("#map").border_title)
            assert [word for word in ("lr →", "batch ↑", "(key s)", "(key b)", "lowest") if word not in title] == []
        assert sorted(seen) == sizes
        await pilot.press("b")
        assert screen.query_one(RunView).grid == (seen[-1], 0.99)
        values = [v for row in screen.query_one("#map", Chart).figure.heat.values for v in row if v]  # type: ignore[union-attr]
        assert f"{min(values):.3f}*" in shown(pilot)


async def test_the_arrows_read_the_chart(advisor: Advisor, planted: Planted) -> None:
    planted.at(share=0.5, alive=True)
    async with open_app(advisor, view="losses").run_test(size=SMALL) as pilot:
        screen = await looked(pilot)
        for view in ("losses", "map"):
            assert displayed(screen) == (view,)
            chart = screen.query_one(f"#{view}", Chart)
            await pilot.press("right")
            first = chart.crosshair
            await pilot.press("right")
            assert first is not None
            assert chart.crosshair is not None
            assert chart.crosshair.x > first.x
            await pilot.press("left")
            assert chart.crosshair.x == first.x
            await pilot.press("c")
            await looked(pilot)


async def test_up_down_and_clicks_choose_a_run(advisor: Advisor, planted: Planted) -> None:
    names = [f"2026010{day}-030405-smoke-beef" for day in (3, 2, 1)]
    for name in names:
        planted.at(name, 0.3)
    async with open_app(advisor).run_test(size=SMALL) as pilot:
        screen = await looked(pilot)
        for name in [*names, names[-1]]:
            await pilot.press("down")
            await until(pilot, lambda: screen.run_shown is not None)
            assert screen.chosen == name
        await pilot.press("up")
        await looked(pilot)
        assert screen.chosen == names[1]
        for _ in names:
            await pilot.press("up")
        assert screen.chosen == ""
        await pilot.click(RunList, offset=(5, 2))
        await looked(pilot)
        assert screen.chosen == names[0]
        await pilot.press("f3")
        assert screen.chosen == ""
        assert screen.focused is field(screen, "data")


async def test_pages_go_through_the_log(advisor: Advisor, planted: Planted) -> None:
    planted.at(share=0.9, alive=True)
    async with open_app(advisor, view="log").run_test(size=SMALL) as pilot:
        screen = await looked(pilot)
        last = screen.query_one(Tail).lines[-1][:40]
        assert last in shown(pilot)
        await pilot.press("pageup")
        assert last not in shown(pilot)
        await pilot.press("pagedown")
        assert last in shown(pilot)


async def test_the_old_law_can_be_kept_and_the_new_one_accepted_after_all(planted: Planted) -> None:
    planted.at()
    app = BudgetscopeApp(PlanRequest("1e16"), Advisor(), AppState(screen="calibrate"))
    async with app.run_test(size=(120, 50)) as pilot:
        screen = await looked(pilot)
        await pilot.press("down")
        await until(pilot, lambda: screen.offered is not None)
        before = screen.session.plan
        wanted = Advisor().answer(PlanRequest("1e16", law=str(RunFolder.find(NAME).fit_file))).plan
        verdict = screen.query_one(FitPanel).verdict
        assert verdict is not None
        own = {what: (old, new) for what, old, new in verdict.own}
        assert before is not None
        assert own["your N"][1].split(" [")[0] in shown(pilot)
        assert verdict.cautions[: len(wanted.cautions)] == tuple(caution.text for caution in wanted.cautions)
        assert verdict.before == LAW
        await pilot.press("Y")
        assert f"| {LAW} | {FIT} |" in pilot.app.clipboard
        await pilot.press("a")
        await pilot.pause()
        asked = shown(pilot)
        assert f"Plan by {FIT} in place of {LAW}?" in asked
        assert own["your N"][0] in asked
        assert f"If {LAW} is right, following the new law costs " in asked
        assert f"budgetscope fits use {LAW}" in asked
        await pilot.press("escape")
        assert read_settings().law is None
        await pilot.press("o")
        assert "the old law stays" in shown(pilot)
        assert screen.session.plan == before
        assert read_settings().law is None
        await pilot.press("a", "enter")
        await looked(pilot)
        assert screen.session.plan == Advisor().answer(PlanRequest("1e16")).plan
        assert screen.session.plan.n_params == wanted.n_params
        await pilot.press("u")
        await until(pilot, lambda: screen.offered is not None)
        assert read_settings().law is None
        assert screen.session.plan == before


async def test_a_fit_that_is_active_is_not_offered_again(planted: Planted) -> None:
    folder = planted.at()
    first = Advisor()
    first.library.save(first.library.get(str(folder.fit_file)))
    first.fit_library.use(FIT)
    app = BudgetscopeApp(
        PlanRequest("1e21"), Advisor(), AppState(screen="calibrate", views={"calibrate": {"chosen": NAME}})
    )
    async with app.run_test(size=(120, 50)) as pilot:
        screen = await looked(pilot)
        await until(pilot, lambda: screen.query_one(FitPanel).verdict is not None)
        assert "it is the active law now" in shown(pilot)
        assert "accept" not in offered(screen)


async def test_attaching_to_a_run_that_was_accepted_in_the_app_does_not_store_its_fit_over_a_newer_one(
    planted: Planted,
) -> None:
    folder = planted.at()
    views: dict[str, dict[str, str | float | bool]] = {"calibrate": {"chosen": NAME}}
    app = BudgetscopeApp(PlanRequest("1e21"), Advisor(), AppState(screen="calibrate", views=views))
    async with app.run_test(size=BIG) as pilot:
        screen = await looked(pilot)
        await until(pilot, lambda: screen.offered is not None)
        await pilot.press("a", "enter")
        await until(pilot, lambda: "accepted" in shown(pilot))
    assert folder.stored
    advisor = Advisor()
    accepted = advisor.library.get(FIT)
    advisor.fit_library.use(LAW)
    newer = replace(accepted, title="A newer fit")
    Advisor().library.save(newer)
    attached = CliRunner().invoke(calibrate, ["attach", NAME])
    assert f"it was stored as {FIT} before; again with: budgetscope calibrate fit {NAME}" in attached.stderr
    assert Advisor().library.get(FIT) == newer


async def test_a_fit_of_a_bundled_id_is_not_accepted(planted: Planted, monkeypatch: pytest.MonkeyPatch) -> None:
    planted.at()
    views: dict[str, dict[str, str | float | bool]] = {"calibrate": {"chosen": NAME}}
    app = BudgetscopeApp(PlanRequest("1e21"), Advisor(), AppState(screen="calibrate", views=views))
    async with app.run_test(size=BIG) as pilot:
        screen = await looked(pilot)
        await until(pilot, lambda: screen.offered is not None)
        monkeypatch.setattr("budgetscope.api.acceptance.is_bundled", lambda _: True)
        await pilot.press("a", "enter")
        assert "ships with budgetscope and stays as it is" in notices(pilot)[0]
        assert screen.offered is not None


async def test_a_run_that_is_too_small_is_not_offered(planted: Planted) -> None:
    folder = planted.at()
    fit = load(folder.fit_file)
    lacking = "Too small to plan by: 4 budgets have a best size and 5 are needed."
    folder.fit_file.write_text(dump(replace(fit, provenance={**fit.provenance, "too_small": lacking})))
    views: dict[str, dict[str, str | float | bool]] = {"calibrate": {"chosen": NAME}}
    app = BudgetscopeApp(PlanRequest("1e21"), Advisor(), AppState(screen="calibrate", views=views))
    async with app.run_test(size=BIG) as pilot:
        screen = await looked(pilot)
        await until(pilot, lambda: screen.query_one(FitPanel).verdict is not None)
        assert "Too small to plan" in shown(pilot)
        assert "N at 1e18" not in shown(pilot)
        assert "a: accept it" not in shown(pilot)
        assert "accept" not in offered(screen)
        await pilot.press("a")
        assert read_settings().law is None
        assert notices(pilot) == [lacking]
        # Without a law to draw, the text has the whole of a zoomed panel.
        await pilot.press("z", "c", "c", "c", "c")
        await looked(pilot)
        assert displayed(screen) == ("fit",)
        assert screen.query_one("#verdict").size.width > 100


@pytest.mark.parametrize("size", [(80, 24), BIG])
async def test_no_size_is_told_where_the_fit_gives_no_plan_and_rows_keep_their_columns(
    planted: Planted, size: tuple[int, int]
) -> None:
    planted.at()
    views: dict[str, dict[str, str | float | bool]] = {"calibrate": {"chosen": NAME, "view": "fit"}}
    app = BudgetscopeApp(PlanRequest("1e16"), Advisor(), AppState(screen="calibrate", views=views))
    async with app.run_test(size=size) as pilot:
        screen = await looked(pilot)
        await until(pilot, lambda: screen.offered is not None)
        await looked(pilot)
        panel = screen.query_one(FitPanel)
        assert panel.verdict is not None
        news = [new for _what, _old, new in panel.verdict.decades]
        assert [new == "-" for new in news] == [False, False, True, True]
        text = shown(pilot)
        for what, old, new in panel.verdict.own[:4]:
            (line,) = [line for line in text.splitlines() if f" {what} " in line]
            assert new in line
            assert (old if size[0] == 80 else old.partition(" [")[0]) in line


async def test_a_fit_that_cannot_be_stored_is_refused_in_a_sentence(
    planted: Planted, monkeypatch: pytest.MonkeyPatch
) -> None:
    planted.at()

    def refuse(*_: object) -> None:
        raise FailureError("the disk is full.")

    app = BudgetscopeApp(
        PlanRequest("1e21"), Advisor(), AppState(screen="calibrate", views={"calibrate": {"chosen": NAME}})
    )
    async with app.run_test(size=BIG) as pilot:
        screen = await looked(pilot)
        await until(pilot, lambda: screen.offered is not None)
        monkeypatch.setattr("budgetscope.store.fit_library.Library.save", refuse)
        await pilot.press("a", "enter")
        assert notices(pilot) == ["the disk is full."]
        assert screen.offered is not None


async def test_a_run_that_disappears_gives_way_to_the_form(advisor: Advisor, planted: Planted) -> None:
    folder = planted.at(share=0.3)
    async with open_app(advisor, chosen=NAME).run_test(size=SMALL) as pilot:
        screen = await looked(pilot)
        assert screen.run_shown is not None
        shutil.rmtree(folder.path)
        await until(pilot, lambda: screen.chosen == "")


# What is kept, and what is not loaded


async def test_form_and_view_are_kept_between_starts(advisor: Advisor, planted: Planted) -> None:
    planted.at(share=0.3)
    app = open_app(advisor)
    async with app.run_test(size=SMALL) as pilot:
        screen = await looked(pilot)
        field(screen, "data").value = "my corpus"
        await pilot.press("down")
        await looked(pilot)
        await pilot.press("c", "c")
        await pilot.pause()
        state = app.state()
    async with BudgetscopeApp(None, advisor, state).run_test(size=SMALL) as pilot:
        screen = await looked(pilot)
        assert screen.chosen == NAME
        assert displayed(screen) == ("map",)
        assert field(screen, "data").value == "my corpus"


async def test_what_an_old_file_remembers_wrongly_is_left_out(advisor: Advisor) -> None:
    async with open_app(advisor, chosen="gone", view="nothing", zoomed="yes").run_test(size=SMALL) as pilot:
        screen = await looked(pilot)
        assert screen.chosen == ""
        assert not screen.zoomed


async def test_nothing_is_looked_at_while_another_screen_is_shown(advisor: Advisor, planted: Planted) -> None:
    planted.at(share=0.3, alive=True)
    async with open_app(advisor).run_test(size=SMALL) as pilot:
        screen = await looked(pilot)
        await pilot.press("1")
        await pilot.pause()
        looks = SimpleNamespace(count=0)

        def count(_: str) -> None:
            looks.count += 1

        screen._observer.look = count  # type: ignore[assignment, method-assign]
        await pilot.pause(1.2)
        assert looks.count == 0


def test_the_screen_loads_neither_torch_nor_the_corpus() -> None:
    loaded = "print({'torch', 'tokenizers', 'httpx', 'numpy', 'scipy'} & set(sys.modules))"
    code = f"import sys, budgetscope.tui.screens.calibrate.screen; {loaded}"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout == "set()\n"

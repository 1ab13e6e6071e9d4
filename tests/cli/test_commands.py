"""Every command as a person types it: stdout is data, stderr is narration, and all faces say the same."""

import json
import shlex
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.bundled import bundled, fit
from tests.cli.conftest import Cli

from budgetscope import __version__, api
from budgetscope.api import Advisor, PlanRequest, command
from budgetscope.core.answers.cautions import Level
from budgetscope.core.answers.layout import describe
from budgetscope.core.counting.ledger import Convention
from budgetscope.report import tables
from budgetscope.report.decision import decision
from budgetscope.report.explanation import explanation_markdown
from budgetscope.report.layouts import layouts_markdown, machine_text, summary
from budgetscope.store.fit_schema import dump
from budgetscope.store.locations import settings_file, user_fits

TUNED = "porian2024/refinedweb-tuned"
REQUESTS = [
    PlanRequest("1e21"),
    PlanRequest("3e22 FLOPs", counting="total"),
    PlanRequest("64xH100 14d"),
    PlanRequest("64 H100 for two weeks at 40% MFU", price=2.5),
    PlanRequest("5000 H100-hours", gpus=32.0),
    PlanRequest("$50k on H100 at $2.50/h", law="besiroglu2024/refit"),
    PlanRequest("100 petaflop/s-days", device="A100", mfu=0.35),
    PlanRequest("loss 2.6", hyperparameters="steplaw2025/dense"),
    PlanRequest("N=7B", vocab=32000, seq_len=4096),
    PlanRequest("D=140B", law="deepseek2024/current-data"),
]


def words(request: PlanRequest, verb: str) -> list[str]:
    return shlex.split(command(request, verb))[1:]


def as_json(value: Any) -> Any:
    return json.loads(tables.to_json(value))


# The same answer everywhere -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("request_", REQUESTS, ids=lambda request: request.budget)
@pytest.mark.parametrize("verb", ["plan", "compare"])
def test_the_json_is_the_answer_of_the_api(cli: Cli, verb: str, request_: PlanRequest) -> None:
    ran = cli(*words(request_, verb), "--json")
    assert (ran.code, ran.err) == (0, "")
    assert json.loads(ran.out) == as_json(getattr(api, verb)(request_))


@pytest.mark.parametrize("verb", ["plan", "compare", "explain"])
def test_markdown_and_csv_are_the_reports_own(cli: Cli, verb: str) -> None:
    request = PlanRequest("1e20")
    answer = getattr(api, verb)(request)
    layouts = Advisor().memory(Advisor().answer(request))
    markdown = {
        "plan": lambda: tables.plan_markdown(answer, command(request), layouts),
        "compare": lambda: tables.comparison_markdown(answer),
        "explain": lambda: explanation_markdown(answer),
    }[verb]()
    assert cli(verb, "1e20", "--md").out == markdown
    assert json.loads(cli(verb, "1e20", "--json").out) == as_json(answer)
    if verb != "explain":
        found = cli(verb, "1e20", "--csv").out
        assert found == (tables.plan_csv(answer, layouts) if verb == "plan" else tables.comparison_csv(answer))


@pytest.mark.parametrize("request_", REQUESTS, ids=lambda request: request.budget)
def test_the_command_of_a_report_gives_the_same_report(cli: Cli, request_: PlanRequest) -> None:
    report = cli(*words(request_, "plan"), "--md").out
    said = report.split("```sh\n")[1].split("\n```")[0]
    again = cli(*shlex.split(said)[1:], "--md")
    assert again.out == report


@pytest.mark.parametrize("request_", REQUESTS, ids=lambda request: request.budget)
def test_the_canonical_budget_gives_the_same_plan(cli: Cli, request_: PlanRequest) -> None:
    plan = json.loads(cli(*words(request_, "plan"), "--json").out)
    again = json.loads(cli(*words(replace(request_, budget=plan["budget"]), "plan"), "--json").out)
    assert again == plan


def test_memory_says_the_same_in_every_form(cli: Cli) -> None:
    advisor, request = Advisor(), PlanRequest("64 H100 for 14 days")
    answer = advisor.answer(request)
    found = advisor.memory(answer)
    ran = cli("memory", request.budget)
    assert (ran.code, ran.err) == (0, "")
    flat = " ".join(ran.out.split())
    for text in (summary(found), machine_text(found), *found.notes, "assumed MFU: 41.5% of the dense peak"):
        assert text in flat
    markdown = cli("memory", request.budget, "--md").out
    assert markdown == layouts_markdown(found, answer.plan, command(request, "memory"))
    assert all(describe(placed.layout) in flat and describe(placed.layout) in markdown for placed in found.ranked)
    assert json.loads(cli("memory", request.budget, "--json").out) == as_json(found)


def test_memory_of_device_hours_offers_a_number_that_fits(cli: Cli) -> None:
    open_ = cli("memory", "1.3M H100-hours").out
    assert "does not fit one node of 8 x H100 SXM" in " ".join(open_.split())
    number = open_.split("--gpus ")[1].split(")")[0]
    assert "does not fit" not in cli("memory", "1.3M H100-hours", "--gpus", number).out


def test_what_is_shown_is_what_is_computed(cli: Cli) -> None:
    plan = Advisor().answer(PlanRequest("1e21")).plan
    ran = cli("plan", "1e21")
    assert (ran.code, ran.err) == (0, "")
    flat = " ".join(ran.out.split())
    for sentence in (*decision(plan), plan.understood):
        assert sentence in flat
    least = [caution.text for caution in plan.cautions if caution.level == Level.SMALL_PRINT]
    assert least
    assert not any(text in flat for text in least)
    assert f"{len(least)} cautions more (--small-print)" in flat
    flat = " ".join(cli("plan", "1e21", "--small-print").out.split())
    for text in (*plan.assumptions, *(caution.text for caution in plan.cautions)):
        assert text in flat
    for text in ("3.44 B", "48.4 B", TUNED, "warmup-stable-decay", "95%: noise of the runs and error of the law"):
        assert text in flat


def test_a_comparison_names_every_law_and_marks_the_chosen(cli: Cli) -> None:
    out = cli("compare", "5.88e23", "--law", TUNED).out
    for each in bundled().values():
        if each.allocation:
            assert each.title in out
    (chosen,) = [line for line in out.splitlines() if line.startswith(">")]
    assert fit(TUNED).title in chosen
    assert "+0.0000" in chosen


def test_an_explanation_shows_five_steps_for_both_datasets(cli: Cli) -> None:
    out = cli("explain", "1e18").out
    for text in ("RefinedWeb", "OpenWebText2", "Tune the optimizer to the scale", "0.497", "0.836"):
        assert text in out


# flops ------------------------------------------------------------------------------------------------------------


def test_the_ledger_of_the_issues_own_example(cli: Cli) -> None:
    ran = cli("flops", "--depth", "15", "--width", "640", "--vocab", "50432", "--seq-len", "2048", "--json")
    counts = {each["convention"]: each for each in json.loads(ran.out)["counts"]}
    published = {"standard": 108_462_080, "kaplan": 76_185_600, "attention": 128_122_880}
    assert {name: counts[name]["n_params"] for name in published} == published
    assert counts["standard"]["head_share"] == pytest.approx(0.2976, abs=1e-4)
    assert set(counts) == set(Convention)
    shown = cli("flops", "--depth", "15", "--width", "640").out
    for text in ("108,462,080", "29.8%", "15 layers x 640 wide"):
        assert text in shown


def test_a_size_takes_the_nearest_shape(cli: Cli) -> None:
    shape = json.loads(cli("flops", "--size", "108M", "--json").out)["shape"]
    assert (shape["depth"], shape["width"]) == (15, 640)
    porian = json.loads(cli("flops", "--size", "5M", "--family", "porian", "--json").out)["shape"]
    assert (porian["depth"], porian["width"], porian["n_heads"]) == (3, 96, 4)
    kaplan = json.loads(cli("flops", "--size", "76M", "--counting", "kaplan", "--json").out)["shape"]
    assert (kaplan["depth"], kaplan["width"]) == (15, 640)


def test_every_option_of_a_shape_is_heeded(cli: Cli) -> None:
    options = "--depth 2 --width 32 --d-ff 64 --heads 8 --kv-heads 2 --vocab 100 --seq-len 10 --tied --no-gated --json"
    shape = json.loads(cli("flops", *options.split()).out)["shape"]
    assert shape == {
        "depth": 2, "width": 32, "d_ff": 64, "n_heads": 8, "n_kv_heads": 2, "vocab_size": 100, "seq_len": 10,
        "tied": True, "gated": False,
    }  # fmt: skip


# fits and devices ---------------------------------------------------------------------------------------------------


def test_the_list_has_every_fit_and_marks_the_active_one(cli: Cli) -> None:
    out = cli("fits", "list").out
    for name in bundled():
        assert name in out
    assert f"* {TUNED}" in out
    records = json.loads(cli("fits", "list", "--json").out)
    assert [each["id"] for each in records] == sorted(bundled())
    assert [each["id"] for each in records if each["active"]] == [TUNED]


@pytest.mark.parametrize("name", sorted(bundled()))
def test_every_fit_is_shown_and_its_json_is_its_file(cli: Cli, name: str) -> None:
    ran = cli("fits", "show", name)
    assert (ran.code, ran.err) == (0, "")
    flat = "".join(ran.out.split())
    assert "".join(fit(name).citation.split()) in flat
    assert cli("fits", "show", name, "--json").out == dump(fit(name))


def test_use_is_heeded_and_told_on_stderr(cli: Cli) -> None:
    ran = cli("fits", "use", "besiroglu2024/refit")
    assert (ran.code, ran.out) == (0, "")
    assert "besiroglu2024/refit is now the default law" in ran.err
    assert str(settings_file()) in ran.err
    assert json.loads(cli("plan", "1e21", "--json").out)["law_id"] == "besiroglu2024/refit"
    assert "* besiroglu2024/refit" in cli("fits", "list").out


def test_the_path_of_the_folders_and_of_a_fit(cli: Cli) -> None:
    lines = cli("fits", "path").out.splitlines()
    assert [line.split("\t")[0] for line in lines] == ["user", "bundled"]
    assert lines[0].split("\t")[1] == str(user_fits())
    found = Path(cli("fits", "path", TUNED).out.strip())
    assert found.read_text(encoding="utf-8") == dump(fit(TUNED))


def test_an_override_is_a_layer(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "mine" / "lab.json"
    path.parent.mkdir()
    path.write_text(dump(replace(fit(TUNED), id="mine/lab", title="Mine")))
    monkeypatch.setenv("BUDGETSCOPE_FITS", str(tmp_path))
    assert cli("fits", "path", "mine/lab").out.strip() == str(path)
    assert json.loads(cli("plan", "1e21", "--law", "mine/lab", "--json").out)["law_title"] == "Mine"


def test_a_broken_fit_is_told_and_the_others_listed(cli: Cli) -> None:
    broken = user_fits() / "mine" / "broken.json"
    broken.parent.mkdir(parents=True)
    broken.write_text("{")
    ran = cli("fits", "list")
    assert ran.code == 0
    assert ran.err.count("\n") == 1
    assert "skipped" in ran.err
    assert str(broken) in ran.err
    assert TUNED in ran.out
    (record,) = [each for each in json.loads(cli("fits", "list", "--json").out) if each["problem"]]
    assert (record["id"], record["title"]) == ("mine/broken", None)
    # It stands in nobody's way, but a comparison says that somebody is missing; a plan asks nobody else.
    for asked in (("compare", "1e21", "--json"), ("export", "1e21", "--format", "json")):
        answer = cli(*asked)
        assert (answer.code, answer.err) == (0, ran.err)
        assert json.loads(answer.out)
    assert cli("plan", "1e21").err == ""


def test_markup_in_a_title_is_shown_as_it_is(cli: Cli) -> None:
    title = "[bold red]Mine[/bold red] :smile: [link=http://x]y[/link]"
    path = user_fits() / "mine" / "lab.json"
    path.parent.mkdir(parents=True)
    path.write_text(dump(replace(fit(TUNED), id="mine/lab", title=title)))
    for run in (cli("fits", "show", "mine/lab"), cli("plan", "1e21", "--law", "mine/lab"), cli("compare", "1e21")):
        assert title in " ".join(run.out.split())
        assert "\x1b" not in run.out


def test_two_fits_side_by_side(cli: Cli) -> None:
    out = cli("fits", "diff", "porian2024/rounded-rule", "olmo2025/halved-rate").out
    assert "0.0047" in out
    assert "0.00235" in out
    found = json.loads(cli("fits", "diff", TUNED, "besiroglu2024/refit", "--at", "1e21", "--json").out)
    assert [each["flops"] for each in found["budgets"]] == [1e21]


def test_every_device_is_listed(cli: Cli) -> None:
    out = cli("devices").out
    for name in ("V100", "H100 SXM", "B200", "MI300X", "RTX 5090", "TPU v6e"):
        assert name in out
    for record in json.loads(cli("devices", "--json").out):
        assert record["spec_source"]


# Help -------------------------------------------------------------------------------------------------------------


COMMANDS = (
    "",
    "plan",
    "compare",
    "explain",
    "export",
    "flops",
    "devices",
    "fits",
    "fits list",
    "fits show",
    "fits use",
)


@pytest.mark.parametrize("command_", COMMANDS)
@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_every_command_helps(cli: Cli, command_: str, flag: str) -> None:
    ran = cli(*command_.split(), flag)
    assert (ran.code, ran.err) == (0, "")
    assert "Usage:" in ran.out


def test_the_version(cli: Cli) -> None:
    assert cli("--version").out == f"budgetscope {__version__}\n"


def test_a_narrow_terminal_cuts_no_figure(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    for words in (("compare", "5.88e23"), ("plan", "1e21"), ("flops", "--depth", "15", "--width", "640"), ("devices",)):
        monkeypatch.setenv("COLUMNS", "160")
        wide = set(cli(*words).out.split())
        monkeypatch.setenv("COLUMNS", "30")
        narrow = set(cli(*words).out.split())
        figures = {word for word in wide if word[0].isdigit() or word[0] in "$["}
        assert figures
        assert figures <= narrow


def test_the_list_of_fits_marks_both_defaults(cli: Cli) -> None:
    shown = cli("fits", "list").out
    assert "* porian2024/refinedweb-tuned" in shown
    assert "the recipe is that which covers the model" in " ".join(shown.split())
    assert cli("fits", "use", "steplaw2025/dense").code == 0
    assert "+ steplaw2025/dense" in cli("fits", "list").out
    marked = {each["id"] for each in json.loads(cli("fits", "list", "--json").out) if each["default_recipe"]}
    assert marked == {"steplaw2025/dense"}


def test_what_reproduces_a_plan_names_the_defaults_that_were_chosen(cli: Cli) -> None:
    assert cli("fits", "use", "hoffmann2022/approach-3").code == 0
    assert cli("fits", "use", "steplaw2025/dense").code == 0
    said = json.loads(cli("export", "1e21", "--format", "json").out)["command"]
    assert said == "budgetscope plan 1e21 --law hoffmann2022/approach-3 --hyperparameters steplaw2025/dense"
    assert said in cli("plan", "1e21", "--md").out


def test_a_comparison_says_what_its_dollars_assume(cli: Cli) -> None:
    for words in ((), ("--md",)):
        shown = " ".join(cli("compare", "1e21", *words).out.replace("\\", "").split())
        assert "assumed price: $4.3 a device-hour" in shown
    assert any("price" in text for text in json.loads(cli("compare", "1e21", "--json").out)["assumptions"])


def test_options_complete_a_budget(cli: Cli) -> None:
    whole = json.loads(cli("plan", "64 H100 for 2 weeks", "--json").out)
    parts = json.loads(cli("plan", "2 weeks", "--gpus", "64", "--device", "H100", "--price", "$2.50", "--json").out)
    assert parts["n_params"] == whole["n_params"]
    assert parts["run"]["cost_usd"]["value"] == pytest.approx(64 * 336 * 2.5)


def test_a_law_from_a_file_that_was_changed_by_hand_says_so(cli: Cli, tmp_path: Path) -> None:
    record = json.loads(cli("fits", "show", "porian2024/refinedweb-tuned-akima", "--json").out)
    record["laws"]["allocation"]["parameters"]["exponent"] = 0.52
    path = tmp_path / "lab.json"
    path.write_text(json.dumps(record), encoding="utf-8")
    plan = json.loads(cli("plan", "1e21", "--law", str(path), "--json").out)
    assert {"own-file", "interval-off"} <= {caution["code"] for caution in plan["cautions"]}
    folder = user_fits() / "porian2024"
    folder.mkdir(parents=True)
    (folder / "refinedweb-tuned.json").write_text(json.dumps(record | {"id": TUNED}), encoding="utf-8")
    shadowing = " ".join(cli("plan", "1e21").out.split())
    assert "hides the bundled fit of the same id" in shadowing


def test_eight_devices_for_a_decade_are_remarked_upon(cli: Cli) -> None:
    codes = {caution["code"] for caution in json.loads(cli("plan", "1e25", "--json").out)["cautions"]}
    assert "long-run" in codes


@pytest.mark.parametrize("budget", ["1.3M H100-hours", "$10 million on H100"])
def test_machine_time_without_a_count_has_a_cost_and_no_time(cli: Cli, budget: str) -> None:
    plan = json.loads(cli("plan", budget, "--json").out)
    assert plan["run"]["hours"] is plan["machine"]["n_devices"] is None
    assert plan["run"]["cost_usd"]["value"] > 1e6
    assert "no-count" in {caution["code"] for caution in plan["cautions"]}
    counted = json.loads(cli("plan", budget, "--gpus", "1000", "--json").out)
    assert counted["run"]["hours"] == pytest.approx(counted["run"]["device_hours"] / 1000)


@pytest.mark.parametrize(
    ("words", "same"),
    [
        (["--gpus", "1k"], ["--gpus", "1000"]),
        (["--seq-len", "4k", "--vocab", "50k"], ["--seq-len", "4000", "--vocab", "50000"]),
        (["--price", "$2.50", "--mfu", "45%"], ["--price", "2.5", "--mfu", "0.45"]),
    ],
)
def test_options_are_written_as_people_write_numbers(cli: Cli, words: list[str], same: list[str]) -> None:
    ran = cli("plan", "1e21", *words, "--json")
    assert ran.code == 0
    assert ran.out == cli("plan", "1e21", *same, "--json").out


def test_shapes_are_written_as_people_write_numbers(cli: Cli) -> None:
    ran = cli("flops", "--depth", "12", "--width", "1k", "--vocab", "50k", "--seq-len", "4k", "--d-ff", "4k", "--json")
    assert ran.code == 0
    shape = json.loads(ran.out)["shape"]
    assert [shape[name] for name in ("width", "vocab_size", "seq_len", "d_ff")] == [1000, 50_000, 4000, 4000]

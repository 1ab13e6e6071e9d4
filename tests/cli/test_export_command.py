"""`export`: the report of a plan or of scenarios, its numbers, and every refusal."""

import csv
import io
import json
import re
import shlex
from dataclasses import replace
from pathlib import Path

import pytest
from tests.bundled import bundled, fit
from tests.cli.conftest import Cli
from tests.pages import Page

from budgetscope.api import Advisor, PlanRequest
from budgetscope.api.scenarios import save_scenario
from budgetscope.report.layouts import layout_cells
from budgetscope.report.tables import to_json
from budgetscope.store.fit_schema import dump
from budgetscope.store.locations import user_fits

FIGURES = {f"{name}.{end}" for name in ("allocation", "isoflop", "walk", "cost", "recipes") for end in ("svg", "png")}


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def commands(text: str) -> list[str]:
    """Return the commands that a report prints at its end, whatever its format."""
    page = Page(text) if text.startswith("<!DOCTYPE") else None
    lines = text.splitlines() if page is None else "".join(page.texts).splitlines()
    return [
        line for line in lines if line.startswith("budgetscope export") and " -o " in line and "--recipe" not in line
    ]


# The same everywhere ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["html", "md", "csv", "json"])
def test_an_export_is_the_same_on_stdout_and_in_a_file(cli: Cli, tmp_path: Path, form: str) -> None:
    path = tmp_path / "a folder" / f"plan.{form}"
    refused = cli("export", "64xH100 14d", "-o", str(path))
    assert (refused.code, refused.out) == (2, "")
    assert "make it with `mkdir -p " in refused.err
    assert not path.parent.exists()
    path.parent.mkdir()
    shown = cli("export", "64xH100 14d", "--format", form)
    assert (shown.code, shown.err) == (0, "")
    assert shown.out == Advisor().export(Advisor().answer(PlanRequest("64xH100 14d")), form)
    written = cli("export", "64xH100 14d", "-o", str(path))
    assert (written.code, written.out, written.err) == (0, "", f"wrote {path}\n")
    assert path.read_text(encoding="utf-8") == shown.out
    # The format may differ from the ending where it is said.
    other = tmp_path / "plan.txt"
    assert cli("export", "64xH100 14d", "--format", form, "--output", str(other)).code == 0
    assert other.read_text(encoding="utf-8") == shown.out


def test_the_ending_and_the_format_never_contradict_each_other(cli: Cli, tmp_path: Path) -> None:
    ran = cli("export", "1e21", "--format", "md", "-o", "plan.html")
    assert (ran.code, ran.out) == (2, "")
    assert "'plan.html' ends as html does, and --format is md; change one of the two." in ran.err
    assert not (tmp_path / "plan.html").exists()
    assert cli("export", "1e21", "-o", "PLAN.MD").code == 0
    assert (tmp_path / "PLAN.MD").read_text(encoding="utf-8").startswith("# Training plan")


def test_an_export_is_not_written_over_without_force(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "plan.md"
    path.write_text("mine")
    ran = cli("export", "1e21", "-o", str(path))
    assert (ran.code, ran.out) == (2, "")
    assert "--force" in ran.err
    assert path.read_text() == "mine"
    assert cli("export", "1e21", "-o", str(path), "--force").code == 0
    assert path.read_text().startswith("# Training plan for 1e21 FLOPs")


def test_an_export_has_every_caution_and_law(cli: Cli) -> None:
    rows = list(csv.DictReader(io.StringIO(cli("export", "1e21", "--format", "csv").out)))
    plan = Advisor().answer(PlanRequest("1e21")).plan
    assert [row["value"] for row in rows if row["table"] == "caution"] == [c.text for c in plan.cautions]
    assert {row["row"] for row in rows if row["table"] == "comparison"} >= {
        name for name, each in bundled().items() if each.allocation
    }


def test_an_export_has_the_layouts(cli: Cli) -> None:
    found = Advisor().memory(Advisor().answer(PlanRequest("1e21")))
    text = cli("export", "1e21", "--format", "md").out
    assert all(f"| {' | '.join(row)} |" in text for row in layout_cells(found))
    assert json.loads(cli("export", "1e21", "--format", "json").out)["layouts"] == json.loads(to_json(found))
    rows = list(csv.DictReader(io.StringIO(cli("export", "1e21", "--format", "csv").out)))
    first = {row["column"]: row["value"] for row in rows if (row["table"], row["row"]) == ("layout", "1")}
    assert first["regime"] == found.ranked[0].layout.regime
    assert float(first["peak"]) == found.ranked[0].memory.peak
    beyond = cli("export", "1e12", "--format", "md")
    assert beyond.code == 0
    assert "Memory and layout" not in beyond.out


def test_an_export_to_a_dash_is_stdout(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli("export", "1e21", "-o", "-").out == cli("export", "1e21").out
    assert not list(tmp_path.glob("-*"))


# A report gives itself again ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "words",
    [
        ["64xH100 14d", "-o", "mine.html"],
        ["$50k on H100 at $2.50/h", "--params", "7B", "-o", "mine.md"],
        ["1e21", "--figures", "the pictures", "-o", "deep/mine.md"],
        ["64xH100 14d", "--lang", "ja", "-o", "mine.md"],
        ["64xH100 14d", "--lang", "ja", "-o", "mine.html"],
    ],
    ids=" ".join,
)
def test_the_printed_command_writes_the_same_bytes_wherever_pasted(cli: Cli, tmp_path: Path, words: list[str]) -> None:
    (tmp_path / words[-1]).parent.mkdir(exist_ok=True)
    assert cli("export", *words).code == 0
    first = (tmp_path / words[-1]).read_bytes()
    (command,) = commands(first.decode())
    said = shlex.split(command)
    assert said.count("--lang") == 1
    *_, written, force = said
    assert (written, force) == (f"report-again{Path(words[-1]).suffix}", "--force")
    # The links of Markdown start at the folder of the file: the command is run there.
    where = (tmp_path / words[-1]).parent
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(where)
        (where / written).write_text("an older report")
        assert cli(*said[1:]).code == 0
    assert (where / written).read_bytes() == first == (tmp_path / words[-1]).read_bytes()


def test_the_other_commands_of_a_report_work_twice(cli: Cli, tmp_path: Path) -> None:
    (command,) = [line for line in cli("export", "1e18").out.splitlines() if "--recipe" in line]
    for _ in range(2):
        assert cli(*shlex.split(command)[1:]).code == 0
    assert [path.name for path in tmp_path.iterdir()] == ["torchtitan-recipe"]


def test_defaults_that_were_chosen_are_part_of_the_command(cli: Cli, tmp_path: Path) -> None:
    assert cli("fits", "use", "hoffmann2022/approach-3").code == 0
    assert cli("export", "1e21", "-o", "mine.md").code == 0
    (command,) = commands((tmp_path / "mine.md").read_text())
    assert command == "budgetscope export 1e21 --law hoffmann2022/approach-3 --lang en -o report-again.md --force"


def test_a_law_from_a_file_can_do_nothing_to_a_page(cli: Cli) -> None:
    title = "</title><script>alert(1)</script> & $x$ `</code>`"
    worded = {"title": title, "citation": title, "method": title, "flags": (title,)}
    hostile = replace(fit("besiroglu2024/refit"), id="mine/loud", url="javascript:alert(1)", **worded)  # type: ignore[arg-type]
    path = user_fits() / "mine" / "loud.json"
    path.parent.mkdir(parents=True)
    path.write_text(dump(hostile))
    page = Page(cli("export", "1e21", "--law", "mine/loud", "--format", "html").out)
    assert page.faults == []
    assert page.text.count("</title><script>alert(1)</script> & $x$ </code>") > 4
    assert not [link for link in page.links if not link.startswith("https://")]


# Figures ------------------------------------------------------------------------------------------------------------


def test_a_page_has_its_figures_inside(cli: Cli) -> None:
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    page = Page(cli("export", "64xH100 14d", "--format", "html").out)
    assert page.faults == []
    assert page.tags.count("svg") == page.tags.count("figcaption") == 5
    assert all(re.match(r"https?://", link) for link in page.links)


def test_figures_are_written_beside_and_never_over_others(cli: Cli, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    ran = cli("export", "1e21", "-o", "plan.md", "--figures", "fig ures")
    assert (ran.code, ran.out) == (0, "")
    folder = tmp_path / "fig ures"
    assert {path.name for path in folder.iterdir()} == FIGURES
    assert ran.err.count("wrote ") == 1 + len(FIGURES)
    links = re.findall(r"\]\(<([^>]*)>\)", (tmp_path / "plan.md").read_text())
    assert {f"fig ures/{name}" for name in FIGURES if name.endswith(".svg")} <= set(links)
    refused = cli("export", "1e21", "-o", "other.md", "--figures", "fig ures")
    assert (refused.code, refused.out) == (2, "")
    assert "allocation.svg' exists; name another folder or add --force." in refused.err
    assert not (tmp_path / "other.md").exists()
    assert cli("export", "1e21", "-o", "other.md", "--figures", "fig ures", "--force").code == 0
    (tmp_path / "file").write_text("kept")
    assert "is a file" in cli("export", "1e21", "-o", "third.md", "--figures", "file").err


# Scenarios ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def saved() -> None:
    save_scenario("small", PlanRequest("32xH100 14d"))
    save_scenario("two, weeks", PlanRequest("64xH100 14d"))
    save_scenario("other law", PlanRequest("64xH100 14d", law="besiroglu2024/refit"))
    save_scenario("gone", PlanRequest("1e21", law="mine/gone"))


@pytest.mark.usefixtures("saved")
@pytest.mark.parametrize("form", ["html", "md"])
def test_scenarios_are_compared_and_the_command_does_it_again(cli: Cli, tmp_path: Path, form: str) -> None:
    words = ["--scenarios", "small", "--scenarios", "two, weeks"]
    assert cli("export", *words, "-o", f"mine.{form}").code == 0
    text = (tmp_path / f"mine.{form}").read_text()
    own, *alone = commands(text)
    assert shlex.split(own)[2:] == [*words, "--lang", "en", "-o", f"report-again.{form}", "--force"]
    for command in (own, *alone, own, *alone):
        assert cli(*shlex.split(command)[1:]).code == 0
    assert (tmp_path / f"report-again.{form}").read_text() == text
    assert [shlex.split(command)[2] for command in alone] == ["32xH100 14d", "64xH100 14d"]
    # A name that says so: they overwrite the file, which must not be a report of one's own.
    files = [shlex.split(command)[-2:] for command in alone]
    assert files == [["report-again-1.html", "--force"], ["report-again-2.html", "--force"]]
    shown = Page(text).text if form == "html" else text.replace("\\", "")
    plans = [Advisor().answer(PlanRequest(budget)).plan for budget in ("32xH100 14d", "64xH100 14d")]
    costs = [plan.run.cost_usd.value for plan in plans if plan.run.cost_usd is not None]
    losses = [plan.loss_after_decay.value for plan in plans if plan.loss_after_decay is not None]
    assert f"“small” costs least, ${costs[0] / 1e3:.3g} K." in shown
    assert f"${(costs[1] - costs[0]) / 1e3:.3g} K more for a loss {losses[0] - losses[1]:.3f} lower." in shown
    if form == "html":
        assert Page(text).faults == []


@pytest.mark.usefixtures("saved")
def test_losses_of_different_laws_are_not_compared(cli: Cli) -> None:
    out = cli("export", "--scenarios", "small,other law").out
    assert "The losses are by different laws or tokenizers and do not compare." in out
    assert "export --scenarios 'small,other law' --lang en -o report-again.md --force" in out
    # Those of each alone, too: the reader's environment may speak another language.
    assert "--lang en -o report-again-1.html --force" in out


@pytest.mark.usefixtures("saved")
def test_a_scenario_without_a_plan_is_told(cli: Cli) -> None:
    ran = cli("export", "--scenarios", "small,gone")
    assert ran.code == 0
    assert "> **“gone” has no plan: " in ran.out
    assert "mine/gone" in ran.out


@pytest.mark.usefixtures("saved")
@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["small,nix"], "no scenario is named 'nix'; saved are 'small'"),
        (["small"], "a comparison needs at least two scenarios"),
        (["small, small"], "a comparison needs at least two scenarios"),
        ([","], "a comparison needs at least two scenarios"),
    ],
)
def test_names_that_are_no_comparison_are_refused(cli: Cli, names: list[str], said: str) -> None:
    ran = cli("export", *(word for name in names for word in ("--scenarios", name)))
    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err

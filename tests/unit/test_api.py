"""The one facade: names looked up, settings followed, files kept."""

import json
import shlex
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
from tests.bundled import fit

from budgetscope.api import (
    Advisor,
    Convention,
    PlanRequest,
    check_figures_folder,
    check_recipe_folder,
    command,
    compare,
    count,
    explain,
    plan,
    write_export,
)
from budgetscope.core.answers.comparison import chosen_row
from budgetscope.core.errors import FailureError, UsageError
from budgetscope.store.fit_schema import dump
from budgetscope.store.locations import settings_file, user_fits
from budgetscope.store.settings import Settings, read_settings

TUNED = "porian2024/refinedweb-tuned"


def put_own(folder: Path, fit_id: str = "mine/lab", of: str = "besiroglu2024/refit") -> Path:
    path = folder / f"{fit_id}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(dump(replace(fit(of), id=fit_id, title="Mine")), encoding="utf-8")
    return path


def test_the_functions_are_an_advisors() -> None:
    request = PlanRequest("1e19")
    answer = Advisor().answer(request)
    assert plan(request) == answer.plan
    assert compare(request) == Advisor().compare(answer)
    assert explain(request) == Advisor().explain(answer)


REQUESTS = [
    PlanRequest("1e21"),
    PlanRequest("64 H100 for two weeks at 40% MFU", price=2.5),
    PlanRequest("$50k on H100 at $2.50/h", law="besiroglu2024/refit", counting="total"),
    PlanRequest("loss 2.6", device="A100", gpus=16.0, mfu=0.35, seq_len=4096, vocab=32000),
    PlanRequest("N=7B", hyperparameters="steplaw2025/dense"),
]


@pytest.mark.parametrize("request_", REQUESTS, ids=lambda request: request.budget)
def test_the_command_says_the_whole_request(request_: PlanRequest) -> None:
    words = shlex.split(command(request_))
    assert words[:3] == ["budgetscope", "plan", request_.budget]
    options = dict(zip(words[3::2], words[4::2], strict=True))
    stated = {f"--{f.name.replace('_', '-')}" for f in fields(request_) if getattr(request_, f.name) is not None}
    assert set(options) == stated - {"--budget"}
    assert command(request_, "compare").split()[1] == "compare"


def test_a_law_from_a_file_is_followed_and_compared(tmp_path: Path) -> None:
    path = put_own(tmp_path)
    found = plan(PlanRequest("1e21", law=str(path)))
    assert found.law_id == "mine/lab"
    comparison = compare(PlanRequest("1e21", law=str(path)))
    assert chosen_row(comparison).wasted_share == pytest.approx(0, abs=1e-6)
    # It stands beside the library's fits, not instead of them.
    assert {"besiroglu2024/refit", TUNED} <= {row.fit_id for row in comparison.rows}


def test_a_file_with_the_id_of_a_stored_fit_stands_in_for_it(tmp_path: Path) -> None:
    path = put_own(tmp_path, TUNED)
    comparison = compare(PlanRequest("1e21", law=str(path)))
    (row,) = [row for row in comparison.rows if row.fit_id == TUNED]
    assert row.title == "Mine"
    assert row.loss_difference == pytest.approx(0, abs=1e-9)


def test_a_fit_of_ones_own_is_compared_and_a_broken_one_is_not() -> None:
    put_own(user_fits())
    broken = user_fits() / "mine" / "broken.json"
    broken.write_text("{")
    advisor = Advisor()
    assert "mine/lab" in {row.fit_id for row in advisor.compare(advisor.answer(PlanRequest("1e21"))).rows}
    assert [entry.id for entry in advisor.entries if entry.problem] == ["mine/broken"]


def test_use_sets_the_law_or_the_recipe() -> None:
    path, what = Advisor().fit_library.use("besiroglu2024/refit")
    assert (path, what) == (settings_file(), "law")
    assert Advisor().fit_library.use("marek2025/token-half-life")[1] == "recipe"
    assert read_settings() == Settings("besiroglu2024/refit", "marek2025/token-half-life")
    found = plan(PlanRequest("1e21"))
    assert found.law_id == "besiroglu2024/refit"
    assert found.recipe.sources["beta2"] == "marek2025/token-half-life"
    # What a request names wins over the settings.
    assert plan(PlanRequest("1e21", law=TUNED)).law_id == TUNED


def test_use_of_a_file_means_that_file_from_every_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put_own(tmp_path)
    monkeypatch.chdir(tmp_path)
    Advisor().fit_library.use("mine/lab.json")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert plan(PlanRequest("1e21")).law_id == "mine/lab"


def test_use_of_what_is_not_there_changes_nothing() -> None:
    Advisor().fit_library.use("besiroglu2024/refit")
    for name, kind in (("mine/gone", UsageError), ("gone.json", FailureError)):
        with pytest.raises(kind):
            Advisor().fit_library.use(name)
    assert read_settings().law == "besiroglu2024/refit"


def test_a_law_in_the_settings_that_has_gone_is_named() -> None:
    settings_file().parent.mkdir(parents=True)
    settings_file().write_text(json.dumps({"law": "mine/gone"}))
    with pytest.raises(FailureError, match="mine/gone") as refused:
        plan(PlanRequest("1e21"))
    assert str(settings_file()) in str(refused.value)


def test_an_export_is_written_once(tmp_path: Path) -> None:
    path = tmp_path / "plan.md"
    write_export(path, "first", overwrite=False)
    with pytest.raises(UsageError, match="exists; name another file or add --force"):
        write_export(path, "second", overwrite=False)
    assert path.read_text() == "first"
    write_export(path, "third", overwrite=True)
    assert path.read_text() == "third"


def test_an_export_makes_no_folder(tmp_path: Path) -> None:
    path = tmp_path / "my plans" / "plan.md"
    with pytest.raises(UsageError, match=r"there is no folder for .*; make it with `mkdir -p '.*/my plans'`, or name"):
        write_export(path, "text", overwrite=True)
    with pytest.raises(UsageError, match="there is no folder for"):
        check_figures_folder(path, overwrite=True)
    with pytest.raises(UsageError, match="there is no folder for"):
        check_recipe_folder(path, overwrite=True)
    assert list(tmp_path.iterdir()) == []
    check_recipe_folder(path.parent, overwrite=False)
    check_figures_folder(path.parent, overwrite=False)


@pytest.mark.parametrize("overwrite", [False, True])
def test_an_export_that_cannot_be_written_is_reported(tmp_path: Path, overwrite: bool) -> None:
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file" / "plan.md", tmp_path / ("x" * 300 + ".md")):
        with pytest.raises(FailureError, match="choose a folder that you can write to"):
            write_export(path, "text", overwrite=overwrite)


@pytest.mark.parametrize("form", ["", "pdf", "MD"])
def test_an_unknown_format_is_refused(form: str) -> None:
    with pytest.raises(UsageError, match="choose one of html, md, csv, json"):
        Advisor().export(Advisor().answer(PlanRequest("1e21")), form)


def test_the_differences_of_two_fits_by_name() -> None:
    difference = Advisor().fit_library.difference(TUNED, "kaplan2020/fixed-batch", ("1e21", "100 PF-days"))
    assert [change.flops for change in difference.budgets] == [1e21, 8.64e21]
    with pytest.raises(UsageError, match="mine/gone"):
        Advisor().fit_library.difference(TUNED, "mine/gone")
    with pytest.raises(UsageError, match="not a number of FLOPs"):
        Advisor().fit_library.difference(TUNED, TUNED, ("soon",))


@pytest.mark.parametrize(
    "options",
    [{"vocab": 2}, {"vocab": 10_000_000}, {"seq_len": 1}, {"seq_len": 10_000_000}, {"gpus": 1.0}, {"mfu": 1.0}],
)
def test_the_ends_of_every_bound_are_inside(options: dict[str, Any]) -> None:
    assert plan(PlanRequest("1e21", **options)).flops == 1e21


def test_a_count_is_the_ledger_of_the_shape_that_is_named_or_found() -> None:
    named = count(depth=15, width=640)
    assert (named.shape.depth, named.shape.width, named.shape.n_heads, named.shape.vocab_size) == (15, 640, 4, 50432)
    assert [each.convention for each in named.counts] == list(Convention)
    assert named.counts[0] == named.shape.count(Convention.STANDARD)
    found = count(size="108M", family="porian")
    assert found.counts[0].n_params == pytest.approx(108e6, rel=0.02)
    assert count(depth=15, width=640, gated=False, tied=True).shape.gated is False


@pytest.mark.parametrize("options", [{}, {"depth": 3}, {"size": "108M", "depth": 3}, {"size": "108M", "heads": 8}])
def test_a_count_of_no_one_shape_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="--depth and --width"):
        count(**options)

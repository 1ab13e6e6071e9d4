"""`fit`, `score`, `value`, `fits diff` and `fits undo`, as a person types them."""

import csv
import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pytest
from tests.planted_surfaces import SYMMETRIC, planted_runs

from budgetscope.cli.main import main
from budgetscope.store.locations import user_fits


def write_table(path: Path, header: Sequence[str], rows: Iterable[Iterable[object]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(rows)
    return path


def run(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    monkeypatch.setattr(sys, "argv", ["budgetscope", *words])
    with pytest.raises(SystemExit) as stop:
        main()
    return stop.value.code if isinstance(stop.value.code, int) else 0


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    table = planted_runs(
        SYMMETRIC, budgets=np.array([1e17 * 4**k for k in range(6)]), log_std=0.001, rng=np.random.default_rng(0)
    )
    rows = zip(table.flops, table.n_params, table.tokens, table.loss, strict=True)
    return write_table(tmp_path / "runs.csv", ["flops", "params", "tokens", "loss"], rows)


@pytest.fixture
def histories(tmp_path: Path) -> Path:
    """Twelve sizes at a constant learning rate, logged as they were trained."""
    rng = np.random.default_rng(0)
    rows = [
        (f"n{n:.0f}", n, step, step * 2e5, SYMMETRIC.loss(n, step * 2e5) * np.exp(0.0005 * rng.standard_normal()))
        for n in 2e7 * 2 ** (np.arange(12) / 2)
        for step in range(500, 20_001, 500)
    ]
    return write_table(tmp_path / "histories.csv", ["run", "params", "step", "tokens", "loss"], rows)


@pytest.fixture
def grid(tmp_path: Path) -> Path:
    path = tmp_path / "grid.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["params", "tokens", "lr", "batch_tokens", "loss"])
        for n in (1e7, 3e7, 1e8):
            # Porian et al.'s rounded rule is best here.
            best_lr, best_batch = 0.0047 * (n / 1.08e8) ** (-1 / 3), 327680 * (n / 1.08e8) ** (2 / 3)
            for i in range(-2, 3):
                for j in range(-2, 3):
                    loss = 3 + 0.02 * (0.69 * i) ** 2 + 0.01 * (0.69 * j) ** 2
                    writer.writerow([n, 20 * n, best_lr * 2.0**i, best_batch * 2.0**j, loss])
    return path


def test_fit_stores_a_law_that_plans(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], runs: Path
) -> None:
    assert run(monkeypatch, "fit", str(runs), "--counting", "standard", "--name", "mine/lab") == 0
    shown = capsys.readouterr()
    assert "54    read" in shown.out
    assert "power-law-params" in shown.out
    assert "budgetscope fits use mine/lab" in shown.err
    assert run(monkeypatch, "plan", "1e20", "--law", "mine/lab", "--json") == 0
    plan = json.loads(capsys.readouterr().out)
    assert plan["n_params"]["value"] == pytest.approx(SYMMETRIC.allocate(1e20).n_params, rel=0.1)


@pytest.mark.parametrize("kind", [(), ("--kind", "isoflop")])
def test_learning_curves_at_a_constant_rate_become_iso_flop_curves(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], histories: Path, kind: tuple[str, ...]
) -> None:
    words = ("fit", str(histories), "--counting", "standard", "--curves", "all", "--schedule", "constant", *kind)
    assert run(monkeypatch, *words, "--name", "mine/curves") == 0
    assert "Each learning curve is read at those of 9 budgets a factor of two apart" in capsys.readouterr().out
    assert run(monkeypatch, "fits", "show", "mine/curves", "--json") == 0
    fit = json.loads(capsys.readouterr().out)
    assert fit["method"].startswith("Joint fit")
    assert fit["method"].endswith("12 learning curves were read at 9 budgets a factor of two apart.")
    exponent = fit["laws"]["allocation"]["parameters"]["exponent"]
    assert exponent == pytest.approx(SYMMETRIC.optimal_exponent, abs=0.04)


def test_histories_that_cannot_be_fitted_by_their_ends_name_the_way_to_use_all(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], histories: Path
) -> None:
    words = ("fit", str(histories), "--counting", "standard")
    assert run(monkeypatch, *words) == 2
    assert "--curves all --schedule constant uses the others, too" in capsys.readouterr().err
    assert run(monkeypatch, *words, "--schedule", "cosine") == 2
    assert "--curves" not in capsys.readouterr().err
    assert run(monkeypatch, *words, "--curves", "all", "--schedule", "cosine") == 2
    assert "leave --curves all out" in capsys.readouterr().err


def test_points_of_a_logged_decay_are_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    rows = [
        (f"n{n:.0f}", n, step, step * 1e6, 3 + 1 / step, 1e-3 / step)
        for n in (1e7, 2e7, 4e7)
        for step in (100, 200, 300)
    ]
    path = write_table(tmp_path / "decays.csv", ["run", "params", "step", "tokens", "loss", "lr"], rows)
    words = ("fit", str(path), "--counting", "standard", "--curves", "all", "--schedule", "constant")
    assert run(monkeypatch, *words) == 2
    assert "the learning rate of 3 runs decays" in capsys.readouterr().err


def test_fit_without_a_name_stores_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], runs: Path
) -> None:
    assert run(monkeypatch, "fit", str(runs), "--counting", "standard") == 0
    assert "nothing is stored" in capsys.readouterr().err
    assert not list(user_fits().rglob("*.json"))


def test_a_file_name_with_control_characters_is_stored_escaped(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], runs: Path
) -> None:
    odd = runs.rename(runs.with_name("x\x1b[31my.csv"))
    assert run(monkeypatch, "fit", str(odd), "--counting", "standard", "--name", "mine/lab") == 0
    assert "\x1b" not in capsys.readouterr().out
    assert run(monkeypatch, "fits", "show", "mine/lab", "--json") == 0
    assert json.loads(capsys.readouterr().out)["citation"] == r"runs of x\x1b[31my.csv"


def test_a_second_fit_can_be_undone(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], runs: Path
) -> None:
    words = ("fit", str(runs), "--counting", "standard", "--name", "mine/lab")
    assert run(monkeypatch, *words, "--title", "first") == 0
    assert run(monkeypatch, *words, "--title", "second") == 0
    assert run(monkeypatch, "fits", "undo", "mine/lab") == 0
    capsys.readouterr()
    assert run(monkeypatch, "fits", "show", "mine/lab") == 0
    assert capsys.readouterr().out.startswith("first (mine/lab)")


def test_diff_says_what_changes(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    before, after = "porian2024/refinedweb-tuned", "porian2024/openwebtext2-tuned"
    assert run(monkeypatch, "fits", "diff", before, after, "--at", "1e21", "--json") == 0
    difference = json.loads(capsys.readouterr().out)
    (change,) = difference["budgets"]
    assert change["flops"] == 1e21
    assert change["before"]["n_params"] < change["after"]["n_params"]
    assert "exponent" in [constant["parameter"] for constant in difference["constants"]]


def test_score_finds_the_law_that_the_grid_was_planted_with(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], grid: Path
) -> None:
    words = ("score", str(grid), "--counting", "standard", "--json", "--law")
    assert run(monkeypatch, *words, "porian2024/rounded-rule") == 0
    right = json.loads(capsys.readouterr().out)
    assert right["summary"]["scored"] == 3
    assert right["summary"]["max_excess"] == pytest.approx(0, abs=1e-6)
    assert run(monkeypatch, *words, "olmo2025/halved-rate") == 0
    halved = json.loads(capsys.readouterr().out)
    assert halved["summary"]["mean_excess"] == pytest.approx(0.02 * 0.69**2, rel=0.05)


def test_value_narrows_with_what_is_spent(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(monkeypatch, "value", "3e22", "--calibration", "2%", "--json") == 0
    valuation = json.loads(capsys.readouterr().out)
    widths = [known["n_params_high"] / known["n_params_low"] for known in valuation["calibrations"]]
    wastes = [known["wasted_share"] for known in valuation["calibrations"]]
    assert widths == sorted(widths, reverse=True)
    assert wastes == sorted(wastes, reverse=True)
    assert any(known["share"] == pytest.approx(0.02) for known in valuation["calibrations"])


def test_undoing_the_default_law_leaves_the_bundled_one(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], runs: Path
) -> None:
    command = ("fit", str(runs), "--counting", "standard", "--name", "mine/lab")
    assert run(monkeypatch, *command) == 0
    assert run(monkeypatch, "fits", "use", "mine/lab") == 0
    assert run(monkeypatch, "fits", "undo", "mine/lab") == 0
    assert "it was the default, and the bundled default is so again" in capsys.readouterr().err
    assert run(monkeypatch, "plan", "1e20", "--json") == 0
    assert json.loads(capsys.readouterr().out)["law_id"] == "porian2024/refinedweb-tuned"


def test_a_default_law_whose_file_is_gone_can_be_fitted_anew(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], runs: Path
) -> None:
    command = ("fit", str(runs), "--counting", "standard", "--name", "mine/lab")
    assert run(monkeypatch, *command) == 0
    assert run(monkeypatch, "fits", "use", "mine/lab") == 0
    assert run(monkeypatch, "fits", "path", "mine/lab") == 0
    Path(capsys.readouterr().out.strip().splitlines()[-1]).unlink()
    assert run(monkeypatch, "plan", "1e20") == 1
    capsys.readouterr()
    assert run(monkeypatch, *command) == 0
    assert "which plans follow from now on" in capsys.readouterr().err


def test_flags_of_a_recipe_and_of_a_law_are_told_wherever_they_are_used(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], grid: Path
) -> None:
    rows = grid.read_text(encoding="utf-8").splitlines()
    two_sizes = [rows[0], *(row for row in rows[1:] if not row.startswith("100000000"))]
    grid.write_text("\n".join(two_sizes) + "\n", encoding="utf-8")
    assert run(monkeypatch, "fit", str(grid), "--counting", "standard", "--name", "mine/recipe") == 0
    flag = "Only 2 cells carry the laws"
    capsys.readouterr()
    for command in (
        ("plan", "1e20", "--hyperparameters", "mine/recipe"),
        ("fits", "diff", "porian2024/rounded-rule", "mine/recipe"),
        ("score", str(grid), "--counting", "standard", "--law", "mine/recipe"),
    ):
        assert run(monkeypatch, *command) == 0
        assert flag in " ".join(capsys.readouterr().out.split())
    law = ("--law", "porian2024/refinedweb-tuned-akima")
    for words in (("compare", "1e20"), ("value", "1e20", "--calibration", "2%"), ("compare", "1e20", "--md")):
        assert run(monkeypatch, *words, *law) == 0
        assert "optima scatter about the law" in " ".join(capsys.readouterr().out.split())
    assert run(monkeypatch, "value", "1e20", "--calibration", "2%", "--json", *law) == 0
    assert {each["code"] for each in json.loads(capsys.readouterr().out)["cautions"]} >= {"fit-flag"}


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (("fit", "nowhere.csv", "--counting", "standard"), "nowhere.csv"),
        (("fit", "RUNS"), "counting"),
        (("fit", "RUNS", "--counting", "standard", "--kind", "magic"), "'magic' is not a kind of fit"),
        (("fit", "RUNS", "--counting", "standard", "--name", "../x"), "is not a fit's id"),
        (
            ("fit", "RUNS", "--counting", "standard", "--name", "porian2024/refinedweb-tuned"),
            "porian2024/refinedweb-tuned is a fit that ships with budgetscope; choose a name of your own, like mine",
        ),
        (("fit", "RUNS", "--counting", "standard", "--map", "loss"), "name=value"),
        (("fit", "RUNS", "--title", "a\x1b[31m"), "'a\\x1b[31m' is not a text of at most 2000 printable characters"),
        (("fit", "RUNS", "--tokenizer", "a\nb"), "write it without control characters"),
        (("fit", "RUNS", "--counting", "standard", "--kind", "hyperparameters"), "--map learning_rate="),
        (("score", "RUNS", "--counting", "standard", "--law", "porian2024/rounded-rule"), "--map learning_rate="),
        (("value", "3e22", "--calibration", "0"), "out of bounds"),
        (("value", "3e22", "--calibration", "2%", "--law", "kaplan2020/fixed-batch"), "keeps no optima"),
        (("value", "1e17", "--calibration", "2%"), "does not pay for 3 budgets"),
        (("fits", "diff", "mine/a", "mine/b"), "no fit has the id 'mine/a'"),
        (("fits", "undo", "porian2024/refinedweb-tuned"), "not among your own fits"),
    ],
)
def test_refusals_are_one_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], runs: Path, words: tuple[str, ...], part: str
) -> None:
    code = run(monkeypatch, *(str(runs) if word == "RUNS" else word for word in words))
    shown = capsys.readouterr()
    assert code in (1, 2)
    assert shown.out == ""
    assert shown.err.count("\n") == 1
    assert part in shown.err
    assert "mistake of ours" not in shown.err

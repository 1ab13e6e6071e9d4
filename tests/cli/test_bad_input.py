"""Whatever is typed wrong: one sentence on stderr, nothing on stdout, the right exit code, nothing lost."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.bundled import fit
from tests.cli.conftest import Cli, Ran

from budgetscope.store.fit_schema import dump
from budgetscope.store.locations import devices_file, settings_file, user_fits

USAGE, FAILURE = 2, 1


def named(value: object) -> str:
    return " ".join(value)[:40] if isinstance(value, list) else ""


def check_refused(ran: Ran, code: int, *said: str) -> None:
    assert ran.code == code
    assert ran.out == ""
    assert ran.err.startswith("budgetscope: ")
    assert ran.err.endswith("\n")
    assert ran.err[:-1].isprintable()
    for text in said:
        assert text in ran.err


BUDGETS = [
    ("", "is empty"),
    ("   ", "is empty"),
    ("0", "must be above zero"),
    ("nan", "is not understood"),
    ("inf", "is not understood"),
    ("1e400", "too large"),
    ("1e", "1e"),
    ("64x", "64x"),
    ("64xH100", "for how long"),
    ("14 days", "how many devices"),
    ("H100", "H100"),
    ("64xH100 14 parsecs", "parsecs"),
    ("64xH100 -14d", "above zero"),
    ("1e21 and a half", "'a half' has no unit"),
    ("loss", "loss"),
    ("loss -2", "above zero"),
    ("loss 1.3", "below 1.33"),
    ("loss 99", "out of reach"),
    ("N=", "N"),
    ("N=7X", "'X' is not understood"),
    ("1e40", "where no scaling law says anything"),
    ("1e9 FLOPs", "where no scaling law says anything"),
    ("64xCray 14d", "unknown device 'Cray'"),
    ("x" * 5000, "5000 characters"),
    ("1e21\n; rm -rf /", "rm"),
    ("\x1b[31m1e21", "\\x1b"),
    ("∞", "∞"),
    ("💸", "💸"),
]


@pytest.mark.parametrize("verb", ["plan", "compare", "explain", "export"])
@pytest.mark.parametrize(("budget", "said"), BUDGETS, ids=lambda text: repr(text[:20]))
def test_a_budget_that_cannot_be_planned_with(cli: Cli, verb: str, budget: str, said: str) -> None:
    ran = cli(verb, budget)
    check_refused(ran, USAGE, said)
    if "is not understood" in ran.err:
        assert "examples: 1e21, 64xH100 14d, $50k on H100" in ran.err


@pytest.mark.parametrize("verb", ["plan", "compare", "export"])
def test_a_negative_budget(cli: Cli, verb: str) -> None:
    for budget in ("-5", "-5e21", "-.5", "-$50k on H100", "-64xH100 14d"):
        check_refused(cli(verb, budget), USAGE, f"'{budget}' begins with a minus, and a budget must be above zero")
        check_refused(cli(verb, "--", budget), USAGE, "must be above zero")
    check_refused(cli(verb, "-x"), USAGE, "no such option: -x; see budgetscope")


OPTIONS = [
    (["--law", "mine/gone"], "no fit has the id 'mine/gone'"),
    (["--law", "nonsense"], "is not a fit's id"),
    (["--law", "../../etc/passwd"], "is not a fit's id"),
    (["--law", "porian2024/refinedweb-tunes"], "did you mean porian2024/refinedweb-tuned"),
    (["--hyperparameters", "mine/gone"], "no fit has the id 'mine/gone'"),
    (["--hyperparameters", "besiroglu2024/refit"], "has no law for the recipe"),
    (["--device", "Cray-1"], "unknown device 'Cray-1'"),
    (["--gpus", "0"], "--gpus 0 is out of bounds; give a number from 1 to 10000000"),
    (["--gpus", "-8"], "--gpus -8 is out of bounds"),
    (["--gpus", "nan"], "--gpus 'nan' is not a number"),
    (["--gpus", "1e400"], "--gpus 1e400 is out of bounds"),
    (["--gpus", "many"], "--gpus 'many' is not a number; write it like 8, 2.5 or 1k"),
    (["--mfu", "40"], "--mfu 40 is above 1; write 40% or 0.4"),
    (["--mfu", "0"], "--mfu 0 is out of bounds"),
    (["--mfu", "-40%"], "--mfu -40% is out of bounds"),
    (["--mfu", "nan"], "--mfu 'nan' is not a share"),
    (["--mfu", "nan%"], "--mfu 'nan%' is not a share"),
    (["--mfu", "high"], "--mfu 'high' is not a share; write it like 0.4 or 40%"),
    (["--mfu", "%"], "--mfu '%' is not a share"),
    (["--price", "-1"], "--price -1 is out of bounds"),
    (["--price", "nan"], "--price 'nan' is not an amount of dollars"),
    (["--price", "free"], "--price 'free' is not an amount of dollars; write it like 2.5 or $2.50"),
    (["--seq-len", "0"], "--seq-len 0"),
    (["--seq-len", "2048.5"], "--seq-len '2048.5' is not a whole number"),
    (["--seq-len", "9" * 30], "--seq-len 999999999999999999999999999999 is out of bounds"),
    (["--seq-len", "9" * 5000], "999…' has 5000 characters, more than the 300 that are read"),
    (["--vocab", "10^400"], "--vocab 10^400 is out of bounds"),
    (["--vocab", "-1"], "--vocab -1"),
    (["--vocab", "many"], "--vocab 'many' is not a whole number"),
    (["--counting", "palm"], "'palm' is not a counting convention"),
    (["--counting", ""], "--counting is empty"),
    (["--law", ""], "--law is empty"),
    (["--law", " "], "--law is empty"),
    (["--hyperparameters", ""], "--hyperparameters is empty"),
    (["--device", ""], "--device is empty"),
    (["--mfu", ""], "--mfu is empty; give it a value or leave it out"),
    (["--gpus", ""], "--gpus is empty; give it a value or leave it out"),
    (["--json", "--md"], "--json and --md exclude each other"),
    (["--csv", "--md"], "--md and --csv exclude each other"),
    (["--json", "--csv", "--md"], "exclude each other"),
    (["--colour"], "--colour"),
    (["1e22"], "1e22"),
    (["--law"], "--law"),
]


@pytest.mark.parametrize("verb", ["plan", "compare"])
@pytest.mark.parametrize(
    ("options", "said"), OPTIONS, ids=lambda value: " ".join(value) if isinstance(value, list) else ""
)
def test_an_option_that_cannot_be(cli: Cli, verb: str, options: list[str], said: str) -> None:
    check_refused(cli(verb, "1e21", *options), USAGE, said)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["plan", "64xH100 14d", "--gpus", "32"], "--gpus says 32"),
        (["plan", "64xH100 14d", "--device", "A100"], "--device says 'A100'"),
        (["plan", "5000 H100-hours for 10 hours", "--gpus", "8"], "leave --gpus out"),
        (["plan", "loss 2.6", "--law", "meta2024/llama3"], "has no law of the loss"),
        (["plan"], "BUDGET"),
        (["compare"], "BUDGET"),
        (["planet", "1e21"], "no such command 'planet'; did you mean 'plan', 'explain'? See budgetscope --help."),
        (["plan", "1e21", "--colour"], "no such option: --colour; see budgetscope plan --help."),
        (["plan", "64xH100", "14d"], "put a text of several words in quotes, like '64xH100 14d'."),
        (["fits"], "missing command; see budgetscope fits --help."),
        (["fits", "lst"], "lst"),
        (["fits", "show"], "ID"),
        (["fits", "show", "mine/gone"], "no fit has the id"),
        (["fits", "show", "Mine"], "is not a fit's id"),
        (["fits", "use", "mine/gone"], "no fit has the id"),
        (["fits", "path", "mine/gone"], "no fit has the id"),
        (["fits", "path", "../x"], "is not a fit's id"),
        (["fit", "runs.csv", "--seed", "x"], "--seed 'x' is not a whole number; write it like 2048 or 4k."),
        (["fit", "runs.csv", "--seed", "-1"], "--seed -1 is out of bounds; give a whole number from 0 to 9223372036"),
        (["fits", "undo", "mine/gone"], "not among your own fits"),
        (["fits", "undo", "../x"], "is not a fit's id"),
        (["fits", "diff", "mine/gone", "mine/lost"], "no fit has the id"),
        (
            ["fits", "diff", "besiroglu2024/refit", "besiroglu2024/refit", "--at", "1e40"],
            "no scaling law says anything",
        ),
        (["fits", "diff", "besiroglu2024/refit", "besiroglu2024/refit", "--at", "-5"], "must be above zero"),
        (["flops"], "--size"),
        (["flops", "--depth", "3"], "both --depth and --width"),
        (
            ["flops", "--depth", "0", "--width", "96"],
            "--depth 0 is out of bounds; give a whole number from 1 to 1000000000.",
        ),
        (["flops", "--depth", "-3", "--width", "96"], "--depth -3 is out of bounds"),
        (["flops", "--depth", "3", "--width", "97"], "4 heads do not divide the width 97"),
        (["flops", "--depth", "3", "--width", "96", "--kv-heads", "3"], "3 key-value heads"),
        (["flops", "--depth", "3", "--width", "96", "--heads", "0"], "--heads 0 is out of bounds"),
        (["flops", "--depth", "3", "--width", "96", "--vocab", "0"], "--vocab 0 is out of bounds"),
        (["flops", "--depth", "deep", "--width", "96"], "--depth 'deep' is not a whole number"),
        (["flops", "--depth", "9" * 20, "--width", "96"], "depth"),
        (["flops", "--depth", "3", "--width", "9" * 9], "d_ff"),
        (["flops", "--size", "huge"], "--size 'huge' is not a number"),
        (["flops", "--size", "-5"], "--size -5 is out of bounds"),
        (["flops", "--size", "1e400"], "--size 1e400 is out of bounds"),
        (["flops", "--size", "1e17"], "outside the shape family"),
        (["flops", "--size", "1"], "outside the shape family"),
        (["flops", "--size", "108M", "--depth", "3"], "either --size"),
        (["flops", "--size", "108M", "--heads", "8"], "--heads has no effect"),
        (["flops", "--size", "108M", "--no-gated"], "--no-gated has no effect"),
        (["flops", "--size", "108M", "--family", "wide"], "'wide' is not a shape family"),
        (["flops", "--size", "108M", "--counting", "palm"], "'palm'"),
        (["flops", "--size", "108M", "--vocab", "0"], "--vocab 0 is out of bounds"),
        (["export", "1e21", "--format", "pdf"], "'pdf' is not a format"),
        (["export", "1e21", "-o", "plan.txt"], "'txt' is not a format"),
        (["export", "1e21", "-o", "plan"], "has no ending that names a format"),
        (["export", "1e21", "--format", ""], "'' is not a format"),
        (["export"], "an export needs a budget, such as 1e21, or --scenarios"),
        (["export", "--gpus", "8"], "--gpus belongs to a budget"),
        (["export", "1e21", "--scenarios", "A,B"], "--scenarios stands in place of a budget"),
        (["export", "--scenarios", "A,B"], "no scenario is saved"),
        (["export", "--scenarios", "A,B", "--format", "csv"], "scenarios are compared in a report, not in csv"),
        (["export", "1e21", "--format", "json", "--figures", "x"], "--figures belongs to a report"),
        (["export", "1e21", "--recipe", "litgpt", "-o", "x", "--figures", "y"], "a recipe has no figures"),
        (["export", "--recipe", "litgpt", "-o", "x", "--scenarios", "A"], "a recipe is of one budget"),
        (["explain", "1e18", "--device", ""], "--device is empty"),
        (["fits", "show", ""], "'' is not a fit's id"),
        (["fits", "use", ""], "'' is not a fit's id"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_command_that_cannot_be(
    cli: Cli, words: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    check_refused(cli(*words), USAGE, said)
    assert not list(tmp_path.glob("plan*"))


NEGATIVE = dump(fit("meta2024/llama3")).replace("0.29,", "-1,").encode()


# Files ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["gone.json", "~nobody-has-this-name/x.json", "x" * 300 + ".json"])
def test_a_fit_file_that_is_not_there(cli: Cli, name: str) -> None:
    for words in (("plan", "1e21", "--law", name), ("fits", "show", name), ("fits", "use", name)):
        check_refused(cli(*words), FAILURE, "there is no fit file")
    assert not settings_file().exists()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[" * 100_000,
        b"\xff",
        b"null",
        b'{"schema": 99}',
        dump(fit("meta2024/llama3")).replace("0.29", "-1").encode(),
    ],
    ids=["empty", "cut off", "nested", "not UTF-8", "null", "another schema", "negative"],
)
def test_a_corrupt_fit_file(cli: Cli, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "lab.json"
    path.write_bytes(content)
    check_refused(cli("plan", "1e21", "--law", str(path)), FAILURE, str(path))
    stored = user_fits() / "mine" / "lab.json"
    stored.parent.mkdir(parents=True)
    stored.write_bytes(content)
    check_refused(cli("plan", "1e21", "--law", "mine/lab"), FAILURE, str(stored))
    assert cli("plan", "1e21").code == 0
    assert stored.read_bytes() == content


def test_a_fit_file_that_never_ends(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "zero.json").symlink_to("/dev/zero")
    os.mkfifo(tmp_path / "pipe.json")
    for name in ("zero.json", "pipe.json"):
        check_refused(cli("fits", "show", str(tmp_path / name)), FAILURE, name)


def test_an_override_that_is_no_folder(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("/gone", "~nobody-has-this-name"):
        monkeypatch.setenv("BUDGETSCOPE_FITS", name)
        check_refused(cli("plan", "1e21"), USAGE, name)


@pytest.mark.parametrize("content", [b"{", b"[]", b"[" * 100_000, b'{"law": 3}', b'{"law": "\\u0000.json"}'])
def test_broken_settings(cli: Cli, content: bytes) -> None:
    settings_file().parent.mkdir(parents=True)
    settings_file().write_bytes(content)
    check_refused(cli("plan", "1e21"), FAILURE)
    assert settings_file().read_bytes() == content


@pytest.mark.parametrize("content", [b"a = [1", b"card = 5", b"a = " + b"[" * 20_000])
def test_a_broken_device_file(cli: Cli, content: bytes) -> None:
    devices_file().parent.mkdir(parents=True)
    devices_file().write_bytes(content)
    answer = cli("devices")
    assert answer.code == 0
    assert "H100 SXM" in answer.out
    assert "devices.toml" in answer.err
    plan = cli("plan", "1e21", "--json")
    assert plan.code == 0
    assert "device-file" in {caution["code"] for caution in json.loads(plan.out)["cautions"]}
    check_refused(cli("plan", "64 ours 14d"), USAGE, "devices.toml")


def test_an_export_to_where_nothing_can_be_written(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("kept")
    for path in (tmp_path / "file" / "plan.md", tmp_path / ("x" * 300 + ".md"), Path("/proc/plan.md")):
        check_refused(cli("export", "1e21", "-o", str(path)), FAILURE, "choose a folder that you can write to")
    (tmp_path / "folder.md").mkdir()
    for more in ((), ("--force",)):
        check_refused(cli("export", "1e21", "-o", str(tmp_path / "folder.md"), *more), USAGE, "is a folder")
    assert (tmp_path / "file").read_text() == "kept"


def test_an_export_over_what_is_no_file(cli: Cli, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.md")
    check_refused(cli("export", "1e21", "-o", str(tmp_path / "pipe.md"), "--force"), FAILURE, "it is not a file")
    assert (tmp_path / "pipe.md").is_fifo()


def test_settings_where_nothing_can_be_written(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("kept")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "file"))
    check_refused(cli("fits", "use", "besiroglu2024/refit"), FAILURE, "choose a folder that you can write to")


@pytest.mark.parametrize(("field", "what"), [("law", "law"), ("hyperparameters", "recipe")])
def test_a_default_that_has_gone_can_be_changed(cli: Cli, tmp_path: Path, field: str, what: str) -> None:
    settings_file().parent.mkdir(parents=True)
    for name in ("mine/gone", str(tmp_path / "gone.json"), "nonsense"):
        settings_file().write_text(json.dumps({field: name}))
        said = (
            str(settings_file()),
            f"'{name}' as the default {what}",
            "choose another with `budgetscope fits use ID`",
        )
        check_refused(cli("plan", "1e21"), FAILURE, *said)
        assert cli("fits", "list").code == 0
    assert cli("fits", "use", "porian2024/rounded-rule" if what == "recipe" else "besiroglu2024/refit").code == 0
    assert cli("plan", "1e21").code == 0


Forbid = Callable[[Path], None]


@pytest.fixture
def forbid(monkeypatch: pytest.MonkeyPatch) -> Forbid:
    """Return what takes all rights on a path and what is below it, from a superuser too."""

    def forbidden(folder: Path) -> None:
        for where, name in ((Path, "iterdir"), (Path, "read_text"), (Path, "mkdir"), (Path, "open"), (Path, "stat")):
            monkeypatch.setattr(where, name, refusing(getattr(where, name), folder))
        monkeypatch.setattr(tempfile, "mkstemp", refusing(tempfile.mkstemp, folder))
        monkeypatch.setattr(os, "open", refusing(os.open, folder))

    def refusing(real: Callable[..., object], folder: Path) -> Callable[..., object]:
        def ask(*words: Any, **options: Any) -> object:
            path = Path(options.get("dir") or words[0])
            # As the system does: what a folder is can be asked, what is in it cannot.
            hidden = folder in path.parents if real.__name__ == "stat" else path.is_relative_to(folder)
            if hidden:
                raise PermissionError(13, "Permission denied", str(path))
            return real(*words, **options)

        return ask

    return forbidden


def test_a_settings_file_that_may_not_be_read(cli: Cli, forbid: Forbid) -> None:
    settings_file().parent.mkdir(parents=True)
    settings_file().write_text("{}")
    devices_file().write_text("")
    forbid(settings_file().parent)
    for words in (("plan", "1e21"), ("compare", "1e21"), ("explain", "1e18"), ("fits", "list")):
        check_refused(cli(*words), FAILURE, f"cannot read {str(settings_file())!r}: permission denied")
    ran = cli("devices")
    assert ran.code == 0
    assert f"the device file is left out: cannot read {str(devices_file())!r}: permission denied" in ran.err
    check_refused(cli("fits", "use", "besiroglu2024/refit"), FAILURE, str(settings_file().parent), "permission denied")


def test_a_devices_file_that_may_not_be_read_is_left_out_and_said(cli: Cli, forbid: Forbid) -> None:
    devices_file().parent.mkdir(parents=True)
    devices_file().write_text("")
    forbid(devices_file())
    said = f"the device file is left out: cannot read {str(devices_file())!r}: permission denied"
    planned, listed = cli("plan", "64xH100 14d", "--json"), cli("devices")
    assert (planned.code, listed.code) == (0, 0)
    assert said in planned.out
    assert said in listed.err


def test_a_folder_of_fits_that_may_not_be_read(cli: Cli, forbid: Forbid) -> None:
    user_fits().mkdir(parents=True)
    forbid(user_fits())
    for words in (("plan", "1e21"), ("fits", "list"), ("fits", "path", "mine/lab"), ("fits", "undo", "mine/lab")):
        check_refused(cli(*words), FAILURE, f"cannot read '{user_fits()}", "permission denied")


def test_one_family_that_may_not_be_read_stops_no_other(cli: Cli, forbid: Forbid) -> None:
    family = user_fits() / "mine"
    family.mkdir(parents=True)
    (family / "lab.json").write_text(dump(replace(fit("meta2024/llama3"), id="mine/lab")))
    forbid(family)
    sentence = f"cannot read {str(family)!r}: permission denied; check its permissions.\n"
    for words in (("compare", "1e21"), ("fits", "list")):
        ran = cli(*words)
        assert ran.code == 0
        assert ran.err == f"skipped: {sentence}"
    for law in ("mine/lab", str(family / "lab.json")):
        check_refused(
            cli("plan", "1e21", "--law", law), FAILURE, f"cannot read {str(family / 'lab.json')!r}: permission denied"
        )


def test_an_override_that_may_not_be_read(
    cli: Cli, forbid: Forbid, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "closed" / "fits").mkdir(parents=True)
    monkeypatch.setenv("BUDGETSCOPE_FITS", str(tmp_path / "closed" / "fits"))
    forbid(tmp_path / "closed")
    check_refused(cli("plan", "1e21"), FAILURE, str(tmp_path / "closed" / "fits"), "permission denied")


def test_an_export_to_a_folder_that_may_not_be_written(cli: Cli, forbid: Forbid, tmp_path: Path) -> None:
    folder = tmp_path / "closed"
    folder.mkdir()
    forbid(folder)
    for path in (folder / "plan.md", folder / "deeper" / "plan.md"):
        check_refused(cli("export", "1e21", "-o", str(path)), FAILURE, str(path), "permission denied")
    assert not list(os.scandir(folder))


HOSTILE_LAW = {"coefficient": 1e59, "exponent": 0.5, "flops_unit": 1.0}


def test_a_law_that_overflows_is_named_or_skipped(cli: Cli) -> None:
    record = json.loads(dump(fit("porian2024/refinedweb-tuned"))) | {"id": "mine/loud"}
    record["laws"]["allocation"]["parameters"] = HOSTILE_LAW
    path = user_fits() / "mine" / "loud.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(record))
    for words in (("plan", "1e21", "--law", "mine/loud"), ("fits", "diff", "mine/loud", "besiroglu2024/refit")):
        check_refused(cli(*words), FAILURE, "mine/loud gives no usable numbers")
    ran = cli("compare", "1e21", "--json")
    assert ran.code == 0
    assert "mine/loud" in ran.err
    assert "mine/loud" not in {row["fit_id"] for row in json.loads(ran.out)["rows"]}


def test_a_title_is_never_markup(cli: Cli) -> None:
    title = "[bold red]x[/bold red] | <b>y</b> $z$ *w* :smile: [link](http://x)"
    path = user_fits() / "mine" / "loud.json"
    path.parent.mkdir(parents=True)
    path.write_text(dump(replace(fit("besiroglu2024/refit"), id="mine/loud", title=title)))
    for words in (("plan", "1e21", "--law", "mine/loud"), ("fits", "show", "mine/loud")):
        assert title in cli(*words).out
    for verb in ("plan", "compare", "export"):
        markdown = cli(verb, "1e21", "--law", "mine/loud", *(() if verb == "export" else ("--md",))).out
        assert r"\[bold red\]x\[/bold red\] \| \<b\>y\</b\> \$z\$ \*w\* :smile: \[link\](http://x)" in markdown


def test_a_law_of_hyperparameters_alone(cli: Cli) -> None:
    check_refused(cli("plan", "1e21", "--law", "porian2024/rounded-rule"), FAILURE, "has no law for N and D")


def test_a_step_of_the_explanation_that_is_shadowed(cli: Cli) -> None:
    own = replace(fit("porian2024/rounded-rule"), id="porian2024/refinedweb-warmup")
    path = user_fits() / f"{own.id}.json"
    path.parent.mkdir(parents=True)
    path.write_text(dump(own))
    check_refused(cli("explain", "1e18"), FAILURE, own.id)


# As a whole process -------------------------------------------------------------------------------------------------


def process(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "budgetscope", *words], capture_output=True, text=True, check=False, timeout=60
    )


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("plan", "nonsense"), USAGE),
        (("plan", "1e21", "--nope"), USAGE),
        (("plan", "1e21", "--law", "gone.json"), FAILURE),
        ((), FAILURE),
    ],
)
def test_the_exit_code_of_a_refusal(words: tuple[str, ...], code: int) -> None:
    ran = process(*words)
    assert (ran.returncode, ran.stdout) == (code, "")
    assert ran.stderr.count("\n") == 1
    assert ran.stderr.startswith("budgetscope: ")


def test_the_exit_code_of_an_answer() -> None:
    ran = process("plan", "1e21", "--json")
    assert (ran.returncode, ran.stderr) == (0, "")
    assert json.loads(ran.stdout)["flops"] == 1e21


def test_bytes_that_are_no_text_are_refused_too() -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "budgetscope", "plan", b"\xff1e21"], capture_output=True, check=False, timeout=60
    )
    assert (ran.returncode, ran.stdout) == (USAGE, b"")
    assert ran.stderr.count(b"\n") == 1


def test_a_full_disk_is_told_in_one_sentence() -> None:
    # The last is so short that it is first written when Python ends.
    for words in (("plan", "1e21"), ("plan", "1e21", "--json"), ("fits", "path")):
        with Path("/dev/full").open("w") as full:
            ran = subprocess.run(
                [sys.executable, "-m", "budgetscope", *words],
                stdout=full,
                stderr=subprocess.PIPE,
                text=True,
                check=False,
                timeout=60,
            )
        assert ran.returncode == FAILURE
        assert ran.stderr == "budgetscope: the system refused: no space left on device.\n"


@pytest.mark.parametrize(
    ("budget", "part"),
    [
        ("1e21 lorem ipsum", "'lorem'"),
        ("64xH100 14d quickly", "'quickly'"),
        ("64xH100 14d in int8", "'int8'"),
        ("16 H100 over a weekend", "weekend"),
        ("2 nodes 14d", "how many devices a node has"),
        ("7B", "N=7B"),
        ("$1-2M on H100", "$1M, then $2M"),
        ("10 MWh", "energy"),
    ],
)
def test_a_budget_is_refused_by_the_part_that_is_not_understood(cli: Cli, budget: str, part: str) -> None:
    check_refused(cli("plan", budget), USAGE, part, "64xH100 14d")


def test_words_without_quotes_get_the_remedy(cli: Cli) -> None:
    check_refused(cli("plan", "64xH100", "14d"), USAGE, "in quotes")


def test_a_title_that_the_terminal_cannot_write_is_escaped(tmp_path: Path) -> None:
    folder = user_fits() / "mine"
    folder.mkdir(parents=True)
    (folder / "lab.json").write_text(dump(replace(fit("meta2024/llama3"), id="mine/lab", title="日本語")))
    environment = os.environ | {"PYTHONIOENCODING": "ascii"}
    ran = subprocess.run(
        [sys.executable, "-m", "budgetscope", "compare", "1e21"],
        env=environment, capture_output=True, text=True, check=False, cwd=tmp_path,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    assert "\\u65e5" in ran.stdout


def test_the_app_without_an_input_is_refused(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    check_refused(cli(), FAILURE, "the app needs a terminal")
    sys.stdin.close()


@pytest.mark.parametrize("words", [("plan", "1e21"), ("plan", "1e21", "--json"), ("fits", "list"), ("nonsense",)])
def test_a_reader_that_leaves_early_is_no_error(words: tuple[str, ...]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    for errors in (subprocess.PIPE, writing):
        ran = subprocess.run(
            [sys.executable, "-m", "budgetscope", *words], stdout=writing, stderr=errors, text=True, check=False
        )
        assert ran.returncode == (USAGE if words == ("nonsense",) else 0)
        assert "Traceback" not in (ran.stderr or "")
        assert "BrokenPipe" not in (ran.stderr or "")
    os.close(writing)

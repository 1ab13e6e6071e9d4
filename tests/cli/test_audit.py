"""`audit`: what is read, what is found, the exit codes, and that no text of a file acts on the terminal."""

import json
import shlex
from pathlib import Path

import pytest
from tests.cli.conftest import Cli

import budgetscope as bs

SMALL, LARGE = (Path("docs/data/audit") / name for name in ("small.toml", "large.toml"))


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Return a configuration that lacks the vocabulary and the sequence length."""
    lines = [line for line in SMALL.read_text(encoding="utf-8").splitlines() if not line.startswith(("vocab", "seq"))]
    path = tmp_path / "run.toml"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def test_a_long_warmup_is_serious_and_its_remedy_is_n_tokens(cli: Cli) -> None:
    ran = cli("audit", str(SMALL))
    assert (ran.code, ran.err) == (0, "")
    assert "Serious: Warmup takes 17% of the run." in ran.out
    assert "Warm up over 124 M tokens" in ran.out
    assert "in small.toml" in ran.out
    assert "375 M run.warmup_tokens = 375M" in " ".join(ran.out.split())


def test_the_verdict_and_the_findings_come_before_the_tables(cli: Cli) -> None:
    out = cli("audit", str(SMALL), str(LARGE)).out
    told = ("The runs cannot be compared", "\nsmall (TOML)", "\nFound: 1", "\nSerious:", "\ncounted", "\nunderstood")
    places = [out.index(text) for text in told]
    assert places == sorted(places)
    assert places[0] == 0
    page = cli("audit", str(SMALL), str(LARGE), "--md").out
    places = [page.index(text) for text in ("cannot be compared", "Found: 1", "warmup-long", "| understood")]
    assert places == sorted(places)


def test_json_has_the_same_findings_and_a_command_that_gives_them_again(cli: Cli) -> None:
    ran = cli("audit", str(SMALL), "--device", "h100", "--gpus", "8", "--json")
    record = json.loads(ran.out)
    assert cli(*shlex.split(record["command"])[1:], "--json").out == ran.out
    (run,) = record["runs"]
    assert run["findings"][0]["code"] == "warmup-long"
    assert run["laws"]["machine"]["n_devices"] == 8
    found = bs.audit(SMALL, device="h100", gpus=8)
    assert found.to_json() == ran.out
    assert [each.code for each in found.runs[0].findings] == [each["code"] for each in run["findings"]]


@pytest.mark.parametrize("form", ["--json", "--md"])
def test_a_secret_of_a_command_line_is_not_printed(cli: Cli, form: str) -> None:
    line = "WANDB_API_KEY=s3cr3t torchrun --nproc_per_node 8 pretrain_gpt.py --num-layers 12 --hidden-size 768 "
    ran = cli("audit", "--command", f"{line} --train-iters 100 --lr 1e-3 --wandb-token s3cr3t --name a@b.org", form)
    assert ran.code == 0
    assert "--train-iters 100" in ran.out
    for secret in ("s3cr3t", "a@b.org"):
        assert secret not in ran.out


def test_markdown_is_printed(cli: Cli) -> None:
    ran = cli("audit", str(SMALL), "--md")
    assert ran.out.startswith("# Audit of planned runs\n")
    assert "`warmup-long`" in ran.out


def test_two_runs_are_compared(cli: Cli) -> None:
    ran = cli("audit", str(SMALL), str(LARGE))
    assert "The runs cannot be compared as they are" in ran.out
    record = json.loads(cli("audit", str(SMALL), str(LARGE), "--json").out)
    aspects = {each["code"]: each["standing"] for each in record["comparison"]["aspects"]}
    assert aspects["tuning"] == aspects["warmup"] == aspects["seq-len"] == aspects["decay"] == "different"
    assert aspects["tokenizer"] == aspects["data"] == "alike"
    assert aspects["counting"] == "not said"


def test_what_is_missing_is_asked_for_by_options_that_help(cli: Cli, config: Path) -> None:
    ran = cli("audit", str(config))
    assert ran.code == 0
    assert "--vocab 50304" in ran.out
    assert "--seq-len 2048" in ran.out
    again = cli("audit", str(config), "--vocab", "50304", "--seq-len", "1024").out
    assert "is not said, so that" not in again
    assert "D/N" in again


@pytest.mark.parametrize(("level", "code"), [("bad", 1), ("note", 1)])
def test_findings_fail_only_when_asked(cli: Cli, level: str, code: int) -> None:
    assert cli("audit", str(SMALL)).code == 0
    ran = cli("audit", str(SMALL), "--fail-on", level)
    assert (ran.code, ran.err) == (code, "")
    assert "Serious" in ran.out


def test_graver_findings_alone_fail(cli: Cli) -> None:
    assert cli("audit", str(LARGE), "--fail-on", "bad").code == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "needs a configuration"),
        (("no-such-file.toml",), "no-such-file.toml"),
        ((str(SMALL), "--fail-on", "awful"), "choose one of bad, warn, note"),
        ((str(SMALL), "--device", "cray"), "unknown device"),
        ((str(SMALL), "--gpus", "0"), "gpus"),
        ((str(SMALL), "--json", "--md"), "exclude each other"),
    ],
)
def test_bad_input_is_one_sentence(cli: Cli, words: tuple[str, ...], said: str) -> None:
    ran = cli("audit", *words)
    assert ran.code in (1, 2)
    assert ran.out == ""
    assert ran.err.startswith("budgetscope: ")
    assert ran.err.count("\n") == 1
    assert said in ran.err


def test_texts_of_a_file_do_not_act_on_the_terminal(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "run.toml"
    text = SMALL.read_text(encoding="utf-8").replace('"gpt2"', r'"[red]\u001b[2J"')
    path.write_text(text, encoding="utf-8")
    ran = cli("audit", str(path))
    assert "\x1b" not in ran.out
    assert "[red]" in ran.out


def test_advice_to_plan_can_be_pasted(cli: Cli) -> None:
    (run,) = json.loads(cli("audit", str(SMALL), "--json").out)["runs"]
    advice = next(each["remedy"] for each in run["findings"] if each["code"].startswith("learning-rate"))
    assert cli(*shlex.split(advice.split("`")[1])[1:]).code == 0


def test_the_notebook_shows_the_same_sentences() -> None:
    found = bs.audit(SMALL, LARGE)
    assert "Warmup takes 17% of the run." in repr(found)
    assert "cannot be compared" in repr(found)
    html = found._repr_html_()
    assert "Warmup takes 17% of the run." in html
    assert len({found, bs.audit(SMALL, LARGE)}) == 1
    frame = found.to_frame()
    assert len(frame) == sum(len(run.findings) for run in found.runs)
    with pytest.raises(bs.UsageError, match="did you mean vocab"):
        bs.audit(SMALL, vocabs=5)  # type: ignore[call-arg]


@pytest.mark.parametrize(
    "target", ["huggingface", "torchtitan", "megatron", "litgpt", "olmo-core", "levanter", "open_lm"]
)
def test_our_own_recipes_give_no_warning(cli: Cli, tmp_path: Path, target: str) -> None:
    folder = str(tmp_path / "run")
    assert cli("export", "3e19", "--gpus", "8", "--recipe", target, "-o", folder).code == 0
    ran = cli("audit", folder, "--device", "h100", "--gpus", "8", "--fail-on", "warn", "--json")
    assert ran.code == 0, ran.out
    (run,) = json.loads(ran.out)["runs"]
    assert run["trainer"] == target
    assert run["laws"]["loss_above"] < 0.001
    assert run["laws"]["machine"]["problem"] == ""

"""Record the output of commands and the text of screens in tests/recorded; with --check, print the differences.

Of budgetscope, this uses only `budgetscope.cli.main.main`, and the app in `start` and `is_busy`.
"""

import argparse
import asyncio
import difflib
import gc
import multiprocessing
import os
import re
import shutil
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

if TYPE_CHECKING:
    from textual.app import App
    from textual.pilot import Pilot

REPO = Path(__file__).resolve().parents[1]
RECORDED = REPO / "tests" / "recorded"
INPUTS = RECORDED / "inputs"
KINDS = ("commands", "screens")
FOLDERS = ("HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME")
TAKEN = ("!", "=")
SIZES = ((80, 24), (120, 40))
MAX_DIGITS = 5
GC_THRESHOLDS = (50_000, 10, 10)
MAX_FILE_BYTES = 40_000
PATIENCE_SECONDS = 60.0
STILL_POLLS, POLL_SECONDS = 4, 0.03
WORDS = re.findall(r"\w+", "the model reads a text of many words and learns which one comes next after all that it saw")


@dataclass(frozen=True)
class Step:
    """A command.

    Attributes:
        name: of its record.
        words: after `budgetscope`.
        columns: width of the output; empty for none stated.
    """

    name: str
    words: tuple[str, ...]
    columns: str = "100"


@dataclass(frozen=True)
class Scene:
    """Commands that share a home.

    Attributes:
        steps: in their order.
        runs: whether the home has two calibration runs.
    """

    steps: tuple[Step, ...]
    runs: bool = False


@dataclass(frozen=True)
class Session:
    """The app from its start: the keys to press, and when to record its screen.

    Attributes:
        keys: in their order; see `SESSIONS`.
        runs: whether the home has two calibration runs.
    """

    keys: tuple[str, ...]
    runs: bool = False

    @property
    def names(self) -> list[str]:
        """The names of the recorded screens."""
        return [key[1:] for key in self.keys if key.startswith(TAKEN)]


def one(name: str, *words: str, columns: str = "100") -> Scene:
    """Return a command in a home of its own."""
    return Scene((Step(name, words, columns),))


def helps() -> Iterator[Scene]:
    """Yield the help of every command."""
    of_fits = (f"fits {name}" for name in ("list", "show", "use", "diff", "undo", "path"))
    of_calibrate = (f"calibrate {name}" for name in ("list", "status", "attach", "stop", "fit"))
    plain = ("plan", "compare", "explain", "value", "export", "fit", "score", "flops", "devices", "serve")
    for command in ("", *plain, "fits", *of_fits, "calibrate", *of_calibrate):
        words = command.split()
        yield one("-".join(("help", *words)), *words, "--help")


DAYS = "64 H100 for 14 days"
TUNED, REFIT = "porian2024/refinedweb-tuned", "besiroglu2024/refit"
LLAMA, CHINCHILLA = "meta2024/llama3", "hoffmann2022/approach-2"
PLANNED = (
    one("version", "--version"),
    one("plan-flops", "plan", "1e21"),
    one("plan-flops-narrow", "plan", "1e21", columns="60"),
    one("plan-flops-json", "plan", "1e21", "--json"),
    one("plan-flops-md", "plan", "1e21", "--md"),
    one("plan-flops-csv", "plan", "1e21", "--csv"),
    one("plan-devices", "plan", DAYS),
    one("plan-devices-json", "plan", DAYS, "--json"),
    one("plan-dollars", "plan", "$50k on H100", "--mfu", "45%", "--price", "2.5"),
    one("plan-loss", "plan", "loss 2.6"),
    one("plan-params", "plan", "N=7B"),
    one("plan-tokens-json", "plan", "D=140B", "--json"),
    one("plan-small", "plan", "1e14"),
    one("plan-large", "plan", "1e27"),
    one("plan-kaplan", "plan", "1e21", "--law", "kaplan2020/compute-efficient", "--counting", "kaplan"),
    one("plan-llama", "plan", "1e21", "--law", LLAMA, "--device", "A100", "--gpus", "128"),
    one("plan-english", "plan", "1e20", "--law", "budgetscope2026/english", "--hyperparameters", "steplaw2025/dense"),
    one("plan-exact", "plan", "1e21", "--counting", "exact", "--seq-len", "8192", "--vocab", "128000"),
    one("plan-deepseek-md", "plan", "1e20", "--law", "deepseek2024/current-data", "--counting", "deepseek", "--md"),
    one("compare-flops", "compare", "1e21"),
    one("compare-narrow", "compare", "1e21", columns="80"),
    one("compare-unstated", "compare", DAYS, columns=""),
    one("compare-json", "compare", "1e20", "--json"),
    one("compare-md", "compare", DAYS, "--md"),
    one("compare-csv", "compare", "$50k on H100", "--csv"),
    one("compare-total", "compare", "1e22", "--counting", "total", "--law", CHINCHILLA),
    one("compare-loss", "compare", "loss 2.6", "--law", REFIT),
    one("explain-flops", "explain", "1e18"),
    one("explain-json", "explain", "1e21", "--json"),
    one("explain-md", "explain", DAYS, "--md"),
    one("value-flops", "value", "1e21", "--calibration", "2%"),
    one("value-devices-json", "value", DAYS, "--calibration", "0.05", "--json"),
    one("value-english", "value", "1e20", "--calibration", "1%", "--law", "budgetscope2026/english"),
    one("export-stdout-md", "export", DAYS, "--format", "md"),
    one("export-file-md", "export", "1e21", "-o", "plan.md"),
    one("export-file-json", "export", "1e21", "-o", "plan.json"),
    one("export-file-csv", "export", "1e21", "-o", "plan.csv", "--law", REFIT),
    one("flops-size", "flops", "--size", "108M"),
    one("flops-size-json", "flops", "--size", "1B", "--json"),
    one("flops-shape", "flops", "--depth", "12", "--width", "768", "--heads", "12", "--tied", "--no-gated"),
    one("flops-porian", "flops", "--size", "220M", "--family", "porian", "--counting", "kaplan"),
    one("devices", "devices"),
    one("devices-narrow", "devices", columns="60"),
    one("devices-json", "devices", "--json"),
)
STORED = (
    one("fits-list", "fits", "list"),
    one("fits-list-json", "fits", "list", "--json"),
    one("fits-show-tuned", "fits", "show", TUNED),
    one("fits-show-rule", "fits", "show", "porian2024/rounded-rule"),
    one("fits-show-json", "fits", "show", LLAMA, "--json"),
    one("fits-diff", "fits", "diff", REFIT, CHINCHILLA),
    one("fits-diff-json", "fits", "diff", REFIT, LLAMA, "--at", "1e20", "--at", "1e22", "--json"),
    one("fits-path", "fits", "path"),
    one("fits-path-one", "fits", "path", TUNED),
    Scene((
        Step("fits-use", ("fits", "use", REFIT)),
        Step("fits-use-recipe", ("fits", "use", "porian2024/sweep-fit")),
        Step("fits-use-then-plan", ("plan", "1e21")),
        Step("fits-use-then-list", ("fits", "list"), "160"),
    )),
    Scene((
        Step("fit-isoflop", ("fit", "runs.csv", "--counting", "standard", "--draws", "100", "--name", "mine/lab")),
        Step("fit-then-show", ("fits", "show", "mine/lab")),
        Step("fit-then-plan", ("plan", "1e21", "--law", "mine/lab")),
        Step("fit-then-value", ("value", "1e21", "--law", "mine/lab", "--calibration", "2%")),
        Step("fit-then-diff", ("fits", "diff", TUNED, "mine/lab")),
        Step("fit-then-use", ("fits", "use", "mine/lab")),
        Step("fit-again", ("fit", "runs.csv", "--counting", "standard", "--kind", "parametric", "--draws", "100",
                           "--title", "Our lab", "--name", "mine/lab")),
        Step("fit-then-path", ("fits", "path", "mine/lab")),
        Step("fit-then-undo", ("fits", "undo", "mine/lab")),
        Step("fit-then-list", ("fits", "list")),
        Step("fit-undo-twice", ("fits", "undo", "mine/lab")),
    )),
    one("fit-json", "fit", "runs.csv", "--counting", "standard", "--kind", "parabola", "--draws", "100", "--json"),
    one("fit-mapped", "fit", "unnamed.csv", "--map", "flops=c", "--map", "n_params=size", "--map", "tokens=seen",
        "--map", "loss=val", "--counting", "total", "--draws", "100"),
    one("fit-curves", "fit", "histories.csv", "--counting", "standard", "--curves", "all", "--schedule", "constant",
        "--draws", "100"),
    one("fit-sweep", "fit", "sweep.csv", "--counting", "standard", "--draws", "100", "--seq-len", "512"),
    one("fit-sweep-akima", "fit", "sweep.csv", "--counting", "standard", "--kind", "hyperparameters-akima",
        "--draws", "100", "--seed", "7", "--seq-len", "512"),
    one("score-rule", "score", "grid.csv", "--law", "porian2024/rounded-rule", "--counting", "standard",
        "--seq-len", "2048"),
    one("score-json", "score", "grid.csv", "--law", "steplaw2025/dense", "--counting", "standard", "--seq-len",
        "2048", "--json"),
)  # fmt: skip
SMOKE = ("calibrate", "--preset", "smoke", "--device", "cpu", "--data", "corpus.txt")
CALIBRATED = (
    one("calibrate-dry-run", *SMOKE, "--dry-run"),
    one("calibrate-list-none", "calibrate", "list"),
    one("calibrate-status-none", "calibrate", "status", "last"),
    one("calibrate-attach-unknown", "calibrate", "attach", "20250101"),
    one("calibrate-stop-unknown", "calibrate", "stop", "20250101"),
    one("calibrate-fit-unknown", "calibrate", "fit", "20250101"),
    one("calibrate-resume-unknown", "calibrate", "--resume", "20250101"),
    one("calibrate-contradiction", "calibrate", "--probe", "--preset", "quick"),
    one("calibrate-preset", "calibrate", "--preset", "huge", "--dry-run"),
    one("calibrate-no-data", "calibrate", "--preset", "smoke", "--device", "cpu", "--data", "gone.txt", "--dry-run"),
    Scene(
        (
            Step("calibrate-list", ("calibrate", "list")),
            Step("calibrate-status-done", ("calibrate", "status", "20260102-030405-smoke-beef")),
            Step("calibrate-status-stopped", ("calibrate", "status", "20260102-030405-smoke-feed")),
            Step("calibrate-status-json", ("calibrate", "status", "20260102-030405-smoke-feed", "--json")),
            Step("calibrate-attach-done", ("calibrate", "attach", "20260102-030405-smoke-beef")),
            Step("calibrate-fit-stopped", ("calibrate", "fit", "20260102-030405-smoke-feed")),
            Step("calibrate-fit-accept", ("calibrate", "fit", "20260102-030405-smoke-beef", "--accept", "--yes")),
        ),
        runs=True,
    ),
)
REFUSED = tuple(
    one(f"refuse-{name}", *words)
    for name, words in (
        ("no-terminal", ()),
        ("budget-empty", ("plan", "")),
        ("budget-text", ("plan", "1e21 and a half")),
        ("budget-device", ("plan", "64xCray 14d")),
        ("budget-no-time", ("plan", "64xH100")),
        ("budget-negative", ("plan", "-5e21")),
        ("budget-missing", ("plan",)),
        ("budget-unquoted", ("plan", "64xH100", "14d")),
        ("budget-too-large", ("compare", "1e40")),
        ("loss-below-floor", ("plan", "loss 1.3")),
        ("loss-out-of-reach", ("plan", "loss 99")),
        ("loss-no-law", ("plan", "loss 2.6", "--law", LLAMA)),
        ("device-unknown", ("plan", "1e21", "--device", "Cray-1")),
        ("law-unknown", ("plan", "1e21", "--law", "porian2024/refinedweb-tunes")),
        ("law-empty", ("plan", "1e21", "--law", "")),
        ("law-no-id", ("compare", "1e21", "--law", "nonsense")),
        ("law-no-file", ("plan", "1e21", "--law", "gone.json")),
        ("law-broken-file", ("plan", "1e21", "--law", "broken.json")),
        ("recipe-no-law", ("plan", "1e21", "--hyperparameters", REFIT)),
        ("seq-len-zero", ("plan", "1e21", "--seq-len", "0")),
        ("seq-len-half", ("plan", "1e21", "--seq-len", "2048.5")),
        ("mfu", ("plan", "1e21", "--mfu", "40")),
        ("gpus", ("plan", "1e21", "--gpus", "many")),
        ("gpus-contradict", ("plan", "64xH100 14d", "--gpus", "32")),
        ("device-contradicts", ("plan", "64xH100 14d", "--device", "A100")),
        ("counting", ("plan", "1e21", "--counting", "palm")),
        ("two-forms", ("plan", "1e21", "--json", "--md")),
        ("option-unknown", ("plan", "1e21", "--colour")),
        ("command-unknown", ("planet", "1e21")),
        ("explain-device-empty", ("explain", "1e18", "--device", "")),
        ("value-share", ("value", "1e21", "--calibration", "200%")),
        ("value-missing", ("value", "1e21")),
        ("export-exists", ("export", "1e21", "-o", "taken.md")),
        ("export-ending", ("export", "1e21", "-o", "plan.txt")),
        ("flops-nothing", ("flops",)),
        ("flops-contradiction", ("flops", "--size", "108M", "--depth", "3")),
        ("fits-missing", ("fits",)),
        ("fits-show-unknown", ("fits", "show", "mine/gone")),
        ("fits-use-broken", ("fits", "use", "broken.json")),
        ("fits-undo-bundled", ("fits", "undo", TUNED)),
        ("fit-few", ("fit", "few.csv", "--counting", "standard")),
        ("fit-no-file", ("fit", "gone.csv")),
        ("fit-no-counting", ("fit", "runs.csv")),
        ("fit-unnamed", ("fit", "unnamed.csv", "--counting", "standard")),
        ("fit-draws", ("fit", "runs.csv", "--draws", "5")),
        ("fit-kind", ("fit", "runs.csv", "--counting", "standard", "--kind", "cubic")),
        ("fit-map", ("fit", "runs.csv", "--map", "loss")),
        ("score-law", ("score", "grid.csv", "--law", REFIT, "--counting", "standard")),
        ("score-no-grid", ("score", "runs.csv", "--law", "porian2024/rounded-rule", "--counting", "standard")),
        ("serve-port", ("serve", "--port", "70000")),
        ("serve-host", ("serve", "--host", "0.0.0.0")),  # noqa: S104 - it is refused
    )
)
LAID_OUT = (
    one("help-memory", "memory", "--help"),
    one("memory", "memory", DAYS),
    one("memory-json", "memory", DAYS, "--json"),
    one("memory-misfit", "memory", "N=500B on 8 H100"),
    one("memory-count-open", "memory", "1.3M H100-hours"),
    one("plan-measured", "plan", DAYS, "--measured", "9600tok/s at 7B"),
    one("help-machines", "machines", "--help"),
    one("machines", "machines", DAYS, "--grid", "380"),
    one("machines-md", "machines", "1e21", "--md"),
    one("machines-misfit", "machines", "N=400B D=1T on 1 H100"),
    one("help-prices", "prices", "--help"),
    one("help-prices-update", "prices", "update", "--help"),
    one("prices-show", "prices", "show", "H100"),
    one("plan-grid", "plan", DAYS, "--grid", "380", "--watts", "950", "--pue", "1.1"),
)
SCENES: tuple[Scene, ...] = (*helps(), *PLANNED, *STORED, *CALIBRATED, *REFUSED, *LAID_OUT)

# `!NAME` takes the screen, `=NAME` what was copied; `paste:TEXT` pastes into what has the focus, `budget:TEXT`
# replaces the budget; `wait:SECONDS` gives a field the time after which it takes what was typed.
SESSIONS = (
    Session(("!plan-editing", "escape", "!plan", "c", "!plan-next-view", "c", "v", "z", "right", "!plan-chart-zoomed")),
    Session(("escape", "question_mark", "!plan-help", "escape", "d", "!plan-details", "end", "!plan-details-end",
             "escape", "y", "=plan-copied", "Y", "=plan-markdown")),
    Session(("escape", "l", "!plan-laws", "paste:approach-2", "!plan-laws-filtered", "enter", "!plan-another-law")),
    Session(("budget:64xH100 14", "!plan-mistake", "budget:$50k on H100", "!plan-dollars", "budget:loss 1.3",
             "!plan-loss-below-floor", "budget:loss 2.6", "!plan-loss")),
    Session(("escape", "ctrl+p", "!plan-palette")),
    Session(("escape", "T", "!tour", "enter", "enter", "!tour-third")),
    Session(("escape", "2", "!compare", "v", "down", "down", "!compare-laws",
             "y", "=compare-copied", "Y", "=compare-markdown")),
    Session(("escape", "2", "s", "!compare-name", "paste:two weeks", "enter", "!compare-one", "1",
             "budget:64 H100 for 28 days", "2", "s", "paste:four weeks", "enter", "!compare-two", "right", "right",
             "r", "!compare-two-chosen", "c", "c", "!compare-two-chart", "x", "!compare-delete")),
    Session(("escape", "3", "!whatif", "n", "left", "!whatif-pick", "o", "up", "up", *["right_square_bracket"] * 4,
             "!whatif-moved", "m", "!whatif-map",
             "y", "=whatif-copied", "Y", "=whatif-markdown", "question_mark", "!whatif-help")),
    Session(("escape", "4", "!recipe", "r", "n", "right", "!recipe-next-law", "end", "!recipe-end",
             "y", "=recipe-copied", "Y", "=recipe-markdown")),
    Session(("escape", "5", "!why", "right", "right", "!why-third", "end", "d", "!why-last-dataset",
             "y", "=why-copied", "Y", "=why-markdown")),
    Session(("escape", "6", "!calibrate", "question_mark", "!calibrate-help")),
    Session(("escape", "6", "escape", "down", "down", "!calibrate-run", "c", "!calibrate-run-next", "up", "c", "c", "z",
             "!calibrate-run-zoomed", "y", "=calibrate-copied", "Y", "=calibrate-markdown"), runs=True),
    Session(("escape", "7", "!fits", "c", "!fits-points", "c", "z", "!fits-residuals",
             "y", "=fits-copied", "Y", "=fits-markdown", "z", "m", "down", "m",
             "!fits-difference", "slash", "paste:kaplan", "down", "!fits-filtered")),
    Session(("escape", "7", "i", "!fits-import", "paste:runs.csv", "wait:1", "enter", "!fits-import-read",
             "tab", "paste:standard", "wait:1", "enter", "!fits-import-fitted")),
)  # fmt: skip


# A place without user settings ----------------------------------------------------------------------------------------


@contextmanager
def own_place(columns: str, *, runs: bool) -> Iterator[Path]:
    """Change into a new folder with the inputs and new user folders; change back at the end.

    Args:
        columns: width of the output; empty for none stated.
        runs: whether there are calibration runs.
    """
    # Always a path of the same length, since the length changes where lines wrap.
    top = "/tmp" if Path("/tmp").is_dir() else None  # noqa: S108 - the folder itself gets a name of its own
    root = Path(tempfile.mkdtemp(prefix="record-", dir=top)).resolve()
    before = Path.cwd()
    unset = [
        name for name in os.environ if name.startswith(("BUDGETSCOPE_", "TEXTUAL")) or name in {"LINES", "COLUMNS"}
    ]
    stated = {name: str(root / "home" / name.lower()) for name in FOLDERS}
    stated |= {"TZ": "UTC", "NO_COLOR": "1", "TERM": "xterm-256color", "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8"}
    stated |= {"COLUMNS": columns} if columns else {}
    # What a busy machine adds must not be recorded.
    with patch.dict(os.environ, stated), patch.object(os, "getloadavg", lambda: (0.0, 0.0, 0.0)):
        for name in unset:
            os.environ.pop(name, None)
        os.environ.update(stated)
        time.tzset()
        for name in FOLDERS:
            Path(os.environ[name]).mkdir(parents=True)
        work = root / "work"
        work.mkdir()
        for path in INPUTS.glob("*.csv"):
            shutil.copy(path, work)
        (work / "broken.json").write_text('{"schema": 1, "id": "mine/broken"')
        (work / "taken.md").write_text("kept\n")
        (work / "corpus.txt").write_text(corpus())
        if runs:
            shutil.copytree(INPUTS / "run", root / "home" / "xdg_data_home" / "budgetscope" / "runs")
        os.chdir(work)
        try:
            yield root
        finally:
            os.chdir(before)
            shutil.rmtree(root, ignore_errors=True)


@lru_cache
def corpus() -> str:
    """Return a text that is long enough to train on, and always the same."""
    state, said = 1, list[str]()
    for _ in range(120_000):
        state = (1103515245 * state + 12345) % 2**31
        said.append(WORDS[(state >> 16) % len(WORDS)] + ("\n" if state % 97 == 0 else " "))
    return "".join(said)


def masked(text: str, root: Path) -> str:
    """Return a text with everything masked that differs between recordings."""
    for folder, name in ((root / "work", "<TMP>"), (root / "home", "<HOME>"), (root, "<ROOT>"), (REPO, "<REPO>")):
        text = text.replace(str(folder), name)
    now = datetime.now(UTC)
    for day in (now, now - timedelta(days=1)):
        text = re.sub(rf"{day:%Y-%m-%d}[T ]\d\d:\d\d(:\d\d)?(\.\d+)?", lambda found: "#" * len(found[0]), text)
        text = re.sub(rf"{day:%Y-%m-%d}", "#" * 10, text)
    # A file of the repository has the date of its checkout.
    text = re.sub(
        r"[\d#]{4}[-#][\d#]{2}[-#][\d#]{2}.[\d#]{2}[:#][\d#]{2} UTC, (today|yesterday|\d+ \w+ ago|just now)",
        "<WRITTEN>",
        text,
    )
    return re.sub(r"(?<![\w.])-?\d+(\.\d+)?(e[+-]?\d+)?(?![\w.]|-\d)", _rounded, text)


def _rounded(found: re.Match[str]) -> str:
    digits = re.sub(r"e.*|\D", "", found[0]).strip("0")
    return f"{float(found[0]):.{MAX_DIGITS}g}" if len(digits) > MAX_DIGITS else found[0]


# Commands ------------------------------------------------------------------------------------------------------------


def record_scene(number: int) -> dict[str, str]:
    """Return the records of a scene by the names of their files."""
    first = 1 + sum(len(scene.steps) for scene in SCENES[:number])
    scene = SCENES[number]
    found = {}
    with own_place(scene.steps[0].columns, runs=scene.runs) as root:
        for place, step in enumerate(scene.steps, first):
            if step.columns:
                os.environ["COLUMNS"] = step.columns
            found[f"commands/{place:03d}-{step.name}.txt"] = record_step(step, root)
    return found


def record_step(step: Step, root: Path) -> str:
    """Return the output of a command and the files that it writes."""
    before = files_below(root)
    code, out, err = run_command(step.words, root)
    head = f"budgetscope {' '.join(_quoted(word) for word in step.words)}".rstrip()
    parts = [f"$ {head}", f"columns: {step.columns or 'not stated'}", f"exit: {code}", "--- stdout", out.rstrip("\n")]
    parts += ["--- stderr", err.rstrip("\n")]
    after = files_below(root)
    for path in sorted(after.keys() | before.keys()):
        if before.get(path) != after.get(path):
            text = "(gone)" if path not in after else _content(root / path)
            parts += [f"--- file {path}", text.rstrip("\n")]
    text = "\n".join(parts)
    return re.sub(r"[ \t]+$", "", masked(text, root), flags=re.MULTILINE) + "\n"


def run_command(words: Sequence[str], root: Path) -> tuple[object, str, str]:
    """Return exit code, stdout and stderr of a command."""
    from budgetscope.cli.main import main  # noqa: PLC0415 - in the process that records

    code: object = "none"
    # Files, since a command may ask its streams for their descriptors.
    streams = [root / "stdout", root / "stderr"]
    with (
        streams[0].open("w", encoding="utf-8") as out,
        streams[1].open("w", encoding="utf-8") as err,
        open(os.devnull, encoding="utf-8") as nothing,  # noqa: PTH123 - no file
        patch.object(sys, "argv", ["budgetscope", *words]),
        patch.object(sys, "stdin", nothing),
        redirect_stdout(out),
        redirect_stderr(err),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")
        try:
            main()
        except SystemExit as stop:
            code = stop.code
    told = [path.read_text(encoding="utf-8") for path in streams]
    for path in streams:
        path.unlink()
    return code, told[0], told[1]


def _quoted(word: str) -> str:
    return word if re.fullmatch(r"[\w./=%+:-]+", word) else f"'{word}'"


def files_below(root: Path) -> dict[str, tuple[int, int]]:
    """Return the files below a folder with size and time of change, without caches."""
    files = (path for path in root.rglob("*") if path.is_file() and "xdg_cache_home" not in path.parts)
    return {str(path.relative_to(root)): (path.stat().st_mtime_ns, path.stat().st_size) for path in files}


def _content(path: Path) -> str:
    data = path.read_bytes()
    return data.decode("utf-8", "replace") if len(data) <= MAX_FILE_BYTES else "(long)"


# Screens -------------------------------------------------------------------------------------------------------------


def start() -> "App[None]":
    """Return the app of a user without settings."""
    from budgetscope.tui.app import BudgetscopeApp  # noqa: PLC0415 - in the process that records

    return BudgetscopeApp()


def is_busy(app: Any) -> bool:
    """Return whether the app computes, has keys to follow, or looks at runs."""
    stage = app.stage
    looking = getattr(stage, "_looking", False) or not getattr(stage, "_looked", True)
    return bool(stage.working or looking or not app.key_queue.idle or app.workers._workers)  # noqa: SLF001 - no other way


def shown(app: "App[None]") -> str:
    """Return the characters on the screen."""
    strips = app.screen._compositor.render_strips()  # noqa: SLF001 - as Textual's own tests
    # The end of a scroll bar may be repainted long after its page.
    return "\n".join(re.sub(r"(?<= )[▁-▇](?=( │)?$)", " ", strip.text.rstrip()).rstrip() for strip in strips)


async def settle(pilot: "Pilot[None]", polls: int = 1) -> str:
    """Return the screen once the app is idle and `polls` looks in a row saw the same."""
    last, still, deadline = "", 0, time.monotonic() + PATIENCE_SECONDS
    while still < polls:
        await pilot.pause(POLL_SECONDS)
        text = shown(pilot.app)
        still = still + 1 if text == last and not is_busy(pilot.app) else 0
        last = text
        if time.monotonic() > deadline:
            raise TimeoutError(f"the app does not come to rest:\n{text}")
    return last


async def press(pilot: "Pilot[None]", key: str) -> None:
    """Press a key, paste a text into what has the focus, replace the budget, or wait."""
    from textual.events import Paste  # noqa: PLC0415 - in the process that records

    kind, colon, text = key.partition(":")
    if not colon:
        await pilot.press(key)
        return
    if kind == "wait":
        await pilot.pause(float(text))
        return
    if kind == "budget":
        await pilot.press("escape", "b", "end", "ctrl+u")
        await settle(pilot)
    pilot.app.post_message(Paste(text))
    await settle(pilot)
    if kind == "budget":
        await pilot.press("escape")


async def take(session: Session, size: tuple[int, int]) -> dict[str, str]:
    """Return the texts of the screens of a session by their names."""
    app, found, keys = start(), dict[str, str](), list[str]()
    async with app.run_test(size=size) as pilot:
        await settle(pilot)
        for key in session.keys:
            if key.startswith(TAKEN):
                text = await settle(pilot, STILL_POLLS)
                text = app.clipboard if key.startswith("=") else text
                found[key[1:]] = f"keys: {' '.join(keys)}\n{text}"
            else:
                await press(pilot, key)
                await settle(pilot)
                keys.append(key)
    return found


def record_session(number: int) -> dict[str, str]:
    """Return the records of a session, one a screen and size, by the names of their files."""
    place, size = divmod(number, len(SIZES))
    width, height = SIZES[size]
    session = SESSIONS[place]
    first = 1 + sum(len(each.names) for each in SESSIONS[:place])
    with own_place("", runs=session.runs) as root, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        texts = asyncio.run(take(session, (width, height)))
        return {
            f"screens/{index:02d}-{name}-{width}x{height}.txt": "\n".join(
                line.rstrip() for line in masked(text, root).split("\n")
            )
            + "\n"
            for index, (name, text) in enumerate(texts.items(), first)
        }


# All -----------------------------------------------------------------------------------------------------------------


def chosen(kind: str, names: Sequence[str]) -> Iterator[int]:
    """Yield the numbers of the scenes or sessions that `names` selects; a kind or no name selects all."""
    if kind == "commands":
        labels = [[step.name for step in scene.steps] for scene in SCENES]
    else:
        labels = [session.names for session in SESSIONS for _ in SIZES]
    for number, label in enumerate(labels):
        if not names or kind in names or any(name in each for name in names if name not in KINDS for each in label):
            yield number


def prepare() -> None:
    """Make a process that records many apps and commands fast: garbage seldom, and one tree of commands."""
    import typer.main  # noqa: PLC0415 - in the process that records

    gc.set_threshold(*GC_THRESHOLDS)
    typer.main.get_command = lru_cache(typer.main.get_command)


def record(names: Sequence[str]) -> dict[str, str]:
    """Return the selected records by the names of their files."""
    found: dict[str, str] = {}
    work: list[tuple[Callable[[int], dict[str, str]], int]] = [
        *((record_scene, number) for number in chosen("commands", names)),
        *((record_session, number) for number in chosen("screens", names)),
    ]
    # The start of another worker takes as long as several records.
    workers = min(8, os.cpu_count() or 1)
    with ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), prepare) as pool:
        for answer in [pool.submit(function, number) for function, number in work]:
            found |= answer.result()
    return found


def differences(new: dict[str, str], names: Iterable[str]) -> Iterator[str]:
    """Yield the differences between the old records and the new ones.

    Args:
        new: recorded now.
        names: of whole kinds that were recorded, whose old records must all be there again.
    """
    old = {path for kind in names for path in recorded(kind)}
    for path in sorted(old | new.keys()):
        file = RECORDED / path
        before = file.read_text(encoding="utf-8") if file.exists() else ""
        diff = difflib.unified_diff(
            before.split("\n"), new.get(path, "").split("\n"), f"recorded/{path}", f"now/{path}", lineterm=""
        )
        yield from diff


def recorded(kind: str) -> list[str]:
    """Return the files of a kind."""
    return sorted(f"{kind}/{path.name}" for path in (RECORDED / kind).glob("*.txt"))


def main() -> int:
    """Record, or check; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="commands, screens, or a part of a record's name; all when left out")
    parser.add_argument("--check", action="store_true", help="change nothing; print what differs, and exit 1 if any")
    asked = parser.parse_args()
    new = record(asked.names)
    whole = [kind for kind in KINDS if not asked.names or kind in asked.names]
    if not new:
        parser.error(f"nothing has such a name: {' '.join(asked.names)}")
    if asked.check:
        lines = list(differences(new, whole))
        print("\n".join(lines), end="\n" if lines else "")
        return 1 if lines else 0
    for kind in whole:
        for path in recorded(kind):
            if path not in new:
                (RECORDED / path).unlink()
    for path, text in new.items():
        (RECORDED / path).parent.mkdir(exist_ok=True)
        (RECORDED / path).write_text(text, encoding="utf-8")
    print(f"recorded {len(new)} files in {RECORDED.relative_to(REPO)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

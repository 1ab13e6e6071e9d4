"""Commands in odd environments: the same answer, or one sentence; never a traceback."""

import json
import os
import random
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.chaos.counts import Counts
from tests.chaos.disks import folders

_LONGEST_SECONDS = 30.0
"""Of a whole process on a busy machine."""
_COMMANDS = (
    ("plan", "64xH100 14d", "--json"),
    ("plan", "1e21", "--json"),
    ("plan", "1e21"),
    ("compare", "1e21"),
    ("explain", "1e21"),
    ("flops", "--json", "--size", "1e9"),
    ("devices",),
    ("fits", "list"),
    ("fits", "show", "porian2024/refinedweb-tuned"),
    ("fits", "use", "hoffmann2022/approach-1"),
    ("fits", "use", "porian2024/refinedweb-tuned"),
    ("calibrate", "list"),
    ("calibrate", "status", "last"),
    (),
)
_FOLDER = "{folder}"
_FILE = "{file}"
# None takes a variable away.
_VARIABLES: dict[str, tuple[str | None, ...]] = {
    "HOME": (None, "", "relative", "/dev/null", "/nowhere/at all", _FILE, "/"),
    "XDG_DATA_HOME": (None, "", "relative", "/dev/null", _FILE, "~/x", _FOLDER + "/\udcff"),
    "XDG_CONFIG_HOME": (None, "", "/proc", _FILE, _FOLDER + "/deep/er"),
    "XDG_CACHE_HOME": (None, "", _FILE),
    "XDG_STATE_HOME": (None, "", "/dev", _FILE),
    "BUDGETSCOPE_FITS": ("", "/nowhere", _FILE, _FOLDER, "~"),
    "TERM": (None, "", "dumb", "unknown-terminal", "\x1b[31m"),
    "COLUMNS": ("", "0", "1", "7", "-5", "many", "1000"),
    "LINES": ("0", "x"),
    "LANG": (None, "C", "POSIX", "tr_TR.UTF-8", "ja_JP.eucJP", "nonsense"),
    "LC_ALL": (None, "C", "tr_TR", "nonsense"),
    "PYTHONUTF8": ("0", "1"),
    "PYTHONIOENCODING": ("ascii", "latin-1", "utf-8", "cp1252"),
    "PYTHONOPTIMIZE": ("2",),
    "PYTHONWARNINGS": ("error", "always"),
    "TZ": ("Nowhere/Odd", "", "UTC-25"),
    "TMPDIR": ("/nowhere", _FILE),
    "NO_COLOR": ("1",),
    "FORCE_COLOR": ("1",),
    "OMP_NUM_THREADS": ("0", "many"),
}


def campaign(seed: int, deadline: float) -> Counts:
    """Run a command with some variables changed, few file handles, closed streams, or a folder that is gone."""
    counts = Counts()
    known: dict[tuple[str, ...], Any] = {}
    for rng in counts.attempts(seed, deadline):
        with tempfile.TemporaryDirectory() as home:
            command = rng.choice(_COMMANDS)
            if "--json" in command and command not in known:
                known[command] = json.loads(_run(command, _environment(home), home)[1])
            changes = {name: rng.choice(_VARIABLES[name]) for name in rng.sample(list(_VARIABLES), rng.randint(0, 4))}
            limits, before = _limits(rng)
            said = (command, changes, limits)
            code, out, err = _run(command, _environment(home, changes), home, before)
            if code is None:
                counts.fault("hangs", f"{said}")
            elif code not in (0, 1, 2) or "Traceback" in err or "internal error" in err or "Fatal Python" in err:
                counts.fault("tracebacks", f"{said}: exit code {code}, {err[-300:]}")
            elif code and "stderr" not in limits and not err.startswith(("budgetscope: ", "skipped: ")):
                counts.fault("wrong", f"{said}: exit code {code}, said {err[-300:]!r}")
            elif code == 0 and command in known and "stdout" not in limits and json.loads(out) != known[command]:
                counts.fault("wrong", f"{said}: another answer")
    return counts


def _environment(home: str, changes: dict[str, str | None] | None = None) -> dict[str, str]:
    file = Path(home, "a file")
    file.touch()
    Path(home, "a folder").mkdir(exist_ok=True)
    kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
    found = {**kept, **folders(home), "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    for name, value in (changes or {}).items():
        if value is None:
            found.pop(name, None)
        else:
            found[name] = value.replace(_FILE, str(file)).replace(_FOLDER, str(Path(home, "a folder")))
    return found


def _limits(rng: random.Random) -> tuple[str, Callable[[], None] | None]:
    """Return the name of a limit, and what sets it in the child."""
    handles = rng.randint(10, 30)
    closed = rng.choice(("stdin", "stdout", "stderr"))

    def few() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (handles, handles))

    def close() -> None:
        os.close(("stdin", "stdout", "stderr").index(closed))

    def leave() -> None:
        folder = tempfile.mkdtemp()
        os.chdir(folder)
        shutil.rmtree(folder)

    return rng.choice(
        (("", None), ("", None), (f"{handles} file handles", few), (f"{closed} closed", close), ("folder gone", leave))
    )


def _run(
    command: tuple[str, ...], environment: dict[str, str], folder: str, before: Callable[[], None] | None = None
) -> tuple[int | None, str, str]:
    """Return exit code, output and messages; no exit code for a command that does not end."""
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-m", "budgetscope", *command],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            timeout=_LONGEST_SECONDS,
            preexec_fn=before,
        )
    except subprocess.TimeoutExpired:
        return None, "", ""
    return done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")

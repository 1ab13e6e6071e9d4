"""Run campaigns that try to break budgetscope: `python -m tests.chaos [--minutes M] [--seed S] [CAMPAIGN ...]`.

Every fault is told with the number of its attempt: the same seed repeats it. The exit code is 1 if there is a fault.
"""

import argparse
import importlib
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tests.chaos.counts import Counts

SHARES = {
    "budgets": 2,
    "fits": 3,
    "tables": 1,
    "logs": 3,
    "disks": 2,
    "writers": 1,
    "workers": 3,
    "commands": 2,
    "app": 2,
    "server": 2,
}
"""Each campaign and its share of the time."""
_HEADER = ("campaign", "tried", "tracebacks", "hangs", "wrong", "lost", "seconds")


def campaign_of(name: str) -> Callable[[int, float], Counts]:
    """Return the function `campaign(seed, deadline)` of a module here."""
    found: Callable[[int, float], Counts] = importlib.import_module(f"tests.chaos.{name}").campaign
    return found


def main(arguments: list[str]) -> int:
    """Run campaigns one after another, print their counts, and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos")
    parser.add_argument("--minutes", type=float, default=20.0, help="in all; 20 by default")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("campaigns", nargs="*", metavar="CAMPAIGN", help=", ".join(SHARES))
    options = parser.parse_args(arguments)
    names = options.campaigns or list(SHARES)
    if unknown := [name for name in names if name not in SHARES]:
        parser.error(f"there is no campaign {unknown[0]!r}; choose from {', '.join(SHARES)}")
    line = "{:<10}" + "{:>12}" * (len(_HEADER) - 1)
    _say(line.format(*_HEADER))
    faults, told = 0, list[str]()
    for name in names:
        seconds = 60 * options.minutes * SHARES[name] / sum(map(SHARES.__getitem__, names))
        begun = time.monotonic()
        with tempfile.TemporaryDirectory() as home:
            _live_in(Path(home))
            counts = campaign_of(name)(options.seed, begun + seconds)
        found = (counts.tried, counts.tracebacks, counts.hangs, counts.wrong, counts.lost)
        _say(line.format(name, *found, f"{time.monotonic() - begun:.0f}"))
        faults += counts.faults
        told += [f"{name}, seed {options.seed}, {sentence}" for sentence in counts.told]
    for sentence in told:
        _say(sentence)
    return 1 if faults else 0


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _live_in(home: Path) -> None:
    """Point every folder of the user below one folder, as the tests do."""
    for name in ("HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME"):
        os.environ[name] = str(home / name.lower())
    for name in ("BUDGETSCOPE_FITS", "COLUMNS", "LINES"):
        os.environ.pop(name, None)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Time the start of the app and the keys of each screen; measure processor and memory at rest.

Run from the repository's root, on Linux: `python -m benchmarks.app [--quick] [--size 200x60]`, and for the memory over
an hour alone `python -m benchmarks.app --hour`.

The app is the real command behind a pseudo-terminal, with new user folders.

- Start: from exec until the first recommendation is written. Alternates with an empty Textual app and a bare import of
  Textual.
- Key: until the first and the last byte that is written before 0.1 s of silence, on every screen, in three conditions:
  plain; with 500 user fits; and during a run of 200 cells with two events a second. In the last condition the Calibrate
  screen also repaints once a second by itself, and some figures include such a repaint. With 500 fits the comparison is
  computed in a thread and timed separately.
- Rest: share of a core on the plan and on the live run.
- Memory: resident, at the start and over some minutes of the live run, with the slope of a straight line through it.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path
from statistics import linear_regression, median, quantiles

from benchmarks.app_folder import Worker, leave_request, move_in, plan_run, save_scenarios, store_fits
from benchmarks.app_terminal import Repaint, Terminal

from budgetscope.api import Advisor, PlanRequest
from budgetscope.report.headline import plan_headline
from budgetscope.store.fit_library import Layer, Library
from budgetscope.store.locations import bundled_fits
from budgetscope.store.settings import Settings

START_TARGET_MS, KEY_TARGET_MS = 1000.0, 50.0
RATIO_TARGET = 2.5
"""Of the start, over the first paint of an empty Textual app."""
IDLE_TARGETS = {"plan": 0.01, "calibrate, live run": 0.02}
"""Share of a core."""
SAMPLES = 60
"""Of the resident memory."""
BUDGET = "$50k on H100"
APP = ("-m", "budgetscope")
EMPTY_APP = """
from textual.app import App
from textual.widgets import Static
class Empty(App):
    BINDINGS = [("ctrl+q", "quit")]
    def compose(self):
        yield Static("painted")
Empty().run()
"""
N_FITS, N_SCENARIOS = 500, 12
RUNS = ("20260102-030405-standard-aaaa", "20260103-030405-standard-bbbb", "20260104-030405-standard-cccc")
"""Names of runs; the last is at the top of the list, and is the live one."""
CONDITIONS = ("plain", f"{N_FITS} fits", "live run")


@dataclass(frozen=True, slots=True)
class Walk:
    """Keys to time.

    Attributes:
        name: screen and action.
        before: keys that lead there from another screen, or from the walk above.
        keys: pressed in turn and repeated; each changes the screen.
    """

    name: str
    before: tuple[str, ...]
    keys: tuple[str, ...]


def _to(screen: int, *keys: str) -> tuple[str, ...]:
    return ("escape", str(screen), *keys)


WALKS = (
    Walk("Plan: type a budget", _to(1, "b", "home", "right"), ("4", "backspace", "7", "backspace")),
    Walk("Plan: crosshair", ("escape", "right"), ("right",) * 9 + ("left",) * 9),
    Walk("Plan: v next chart", (), ("v",)),
    Walk("Compare: left right", _to(2), ("right",) * N_SCENARIOS + ("left",) * N_SCENARIOS),
    Walk("Compare: v laws", (), ("v",)),
    Walk("What-if: left right", _to(3), ("right",) * 9 + ("left",) * 9),
    Walk("What-if: map, left right", ("m",), ("right",) * 9 + ("left",) * 9),
    Walk("What-if: m map", (), ("m",)),
    Walk("Recipe: r next law", _to(4), ("r",)),
    Walk("Recipe: n notes", (), ("n",)),
    Walk("Why: left right", _to(5), ("right",) * 4 + ("left",) * 4),
    Walk("Calibrate: list", _to(6, "up", "up", "up"), ("down",) * 3 + ("up",) * 3),
    Walk("Calibrate: run, next view", ("up", "up", "up", "down"), ("c",)),
    Walk("Calibrate: run, crosshair", ("c", "right"), ("right",) * 9 + ("left",) * 9),
    Walk("Fits: down up", _to(7, "home"), ("down",) * 9 + ("up",) * 9),
    Walk("Fits: filter", ("/",), ("p", "o", "r", "backspace", "backspace", "backspace")),
)


def painted() -> bytes:
    """Return the interval of N, which only the headline for the budget shows."""
    advisor = Advisor(Library((Layer("bundled", bundled_fits()),)), Settings(), ())
    return plan_headline(advisor.answer(PlanRequest(BUDGET)).plan).figures[0].range.encode()


class Bench:
    """The measurements, each in a new home folder."""

    def __init__(self, root: Path, size: tuple[int, int]) -> None:
        self._root, self._size = root, size
        self._painted = painted()

    def _home(self, condition: str) -> AbstractContextManager[object]:
        """Fill a new home folder; return a context in which its run is live, if the condition has one."""
        move_in(Path(tempfile.mkdtemp(dir=self._root)))
        leave_request(BUDGET)
        save_scenarios(N_SCENARIOS)
        if condition == CONDITIONS[1]:
            store_fits(N_FITS)
        folders = [plan_run(name) for name in RUNS]
        return Worker(folders[-1]) if condition == CONDITIONS[2] else nullcontext()

    def starts(self, repeats: int) -> Iterator[str]:
        """Time starts, in turn with their baselines."""
        with self._home(CONDITIONS[0]):
            plain, empty, bare = [], [], []
            self._start(APP, self._painted)
            for _ in range(repeats):
                plain.append(self._start(APP, self._painted))
                empty.append(self._start(("-c", EMPTY_APP), b"painted"))
                before = time.perf_counter()
                subprocess.run([sys.executable, "-c", "import textual"], check=True)
                bare.append(time.perf_counter() - before)
        with self._home(CONDITIONS[1]):
            full = [self._start(APP, self._painted) for _ in range(repeats)]
        yield f"{'start, ms':<42}{'median':>8}{'p95':>8}"
        ratio = median(ours / theirs for ours, theirs in zip(plain, empty, strict=True))
        yield _line("first painted recommendation", plain, START_TARGET_MS)
        yield _line(f"the same with {N_FITS} stored fits", full, START_TARGET_MS)
        yield _line("baseline: an empty Textual app, painted", empty)
        yield _line("baseline: python -c 'import textual'", bare)
        miss = "   MISSED" if ratio > RATIO_TARGET else ""
        yield f"  {'first recommendation, in empty apps':<40}{ratio:>8.2f}{'':>8}   target {RATIO_TARGET:g}{miss}"

    def _start(self, arguments: Sequence[str], text: bytes) -> float:
        with Terminal(arguments, self._size) as terminal:
            seconds = terminal.read_until(text)
            terminal.idle(0.3)
        return seconds

    def keys(self, condition: str, strokes: int) -> Iterator[str]:
        """Time the keys of every screen in one condition."""
        yield f"{f'key to repaint, ms, {condition}':<30}{'first byte':^24}{'last byte':^24}"
        yield f"{'':<30}{'p50':>8}{'p95':>8}{'max':>8}{'p50':>8}{'p95':>8}{'max':>8}   target p95 {KEY_TARGET_MS:.0f}"
        with self._home(condition), Terminal(APP, self._size) as terminal:
            terminal.read_until(self._painted)
            # The list of fits shows their number once all have been read.
            terminal.settle("escape")
            terminal.answer("7", b"Fits (")
            terminal.settle()
            for walk in WALKS:
                terminal.settle(*walk.before)
                found = [terminal.press(key) for key in islice(cycle(walk.keys), strokes)]
                yield _row(walk.name, [repaint for repaint in found if repaint], strokes)
            if condition == CONDITIONS[1]:
                terminal.settle(*_to(1, "b", "home", "right"))
                waits = [terminal.answer(key, b"What the others say") for key in ("4", "backspace", "7", "backspace")]
                yield f"  an edit to the comparison with all laws: {1000 * median(waits):.0f} (median)"

    def rest(self, seconds: float, minutes: float) -> Iterator[str]:
        """Measure the app without input."""
        with self._home(CONDITIONS[2]), Terminal(APP, self._size) as terminal:
            terminal.read_until(self._painted)
            terminal.settle()
            started = terminal.resident_mib()
            terminal.idle(3)
            shares = [("plan", _share(terminal, seconds))]
            terminal.settle("escape", "6")
            terminal.idle(3)
            shares.append(("calibrate, live run", _share(terminal, seconds)))
            memory = [terminal.resident_mib()]
            for _ in range(SAMPLES):
                terminal.idle(60 * minutes / SAMPLES)
                memory.append(terminal.resident_mib())
        yield f"share of a core at rest, over {seconds:.0f} s"
        for name, share in shares:
            miss = "   MISSED" if share >= IDLE_TARGETS[name] else ""
            yield f"  {name:<40}{share:>7.2%}   target below {IDLE_TARGETS[name]:.0%}{miss}"
        yield f"resident memory, MiB   at the start {started:.1f}; target: steady on the live run"
        yield from _memory_lines(memory, minutes)


def _memory_lines(memory: Sequence[float], minutes: float) -> Iterator[str]:
    """Yield a sample in every tenth of the time, the change, and the slope after the first sixth, when all is warm."""
    times = [minutes * place / SAMPLES for place in range(SAMPLES + 1)]
    for time_, mib in islice(zip(times, memory, strict=True), None, None, SAMPLES // 10):
        yield f"  {f'live run, {time_:.3g} min':<40}{mib:>7.1f}"
    later = SAMPLES // 6
    slope = linear_regression(times[later:], memory[later:]).slope
    yield f"  first {memory[0]:.1f}, last {memory[-1]:.1f}, most {max(memory):.1f}; slope {60 * slope:+.2f} MiB an hour"


def _share(terminal: Terminal, seconds: float) -> float:
    used, begun = terminal.cpu_seconds(), time.perf_counter()
    terminal.idle(seconds)
    return (terminal.cpu_seconds() - used) / (time.perf_counter() - begun)


def _p95(times: Sequence[float]) -> float:
    return quantiles(times, n=20, method="inclusive")[18] if len(times) > 1 else times[0]


def _line(name: str, seconds: Sequence[float], target_ms: float | None = None) -> str:
    p95 = 1000 * _p95(seconds)
    aim = "" if target_ms is None else f"   target {target_ms:.0f}{'   MISSED' if p95 > target_ms else ''}"
    return f"  {name:<40}{1000 * median(seconds):>8.0f}{p95:>8.0f}{aim}"


def _row(name: str, repaints: Sequence[Repaint], pressed: int) -> str:
    if not repaints:
        return f"  {name:<28}   nothing is repainted here"
    cells, missed = "", []
    for part in Repaint._fields:
        times = [1000 * getattr(repaint, part) for repaint in repaints]
        cells += "".join(f"{value:>8.1f}" for value in (median(times), _p95(times), max(times)))
        missed += [part] if _p95(times) > KEY_TARGET_MS else []
    miss = f"   MISSED ({' and '.join(missed)})" if missed else ""
    silent = f"   {pressed - len(repaints)} keys without a repaint" if len(repaints) < pressed else ""
    return f"  {name:<28}{cells}{miss}{silent}"


def _told(lines: Iterable[str]) -> None:
    for line in lines:
        print(line, flush=True)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a short check, of few starts and keys")
    parser.add_argument("--minutes", type=float, default=1.0, help="over which memory is watched")
    parser.add_argument("--hour", action="store_true", help="rest and memory alone, over an hour")
    parser.add_argument("--size", default="120x40", help="columns x rows")
    options = parser.parse_args()
    starts, strokes, rest, minutes = (3, 12, 5.0, 0.2) if options.quick else (15, 72, 30.0, options.minutes)
    columns, rows = options.size.split("x")
    with tempfile.TemporaryDirectory() as root:
        bench = Bench(Path(root), (int(columns), int(rows)))
        if options.hour:
            _told(bench.rest(rest, 60.0))
            return
        print(f"{options.size}, {starts} starts, {strokes} keys each")
        _told(bench.starts(starts))
        for condition in CONDITIONS:
            _told(bench.keys(condition, strokes))
        _told(bench.rest(rest, minutes))


if __name__ == "__main__":
    main()

"""How fast the app starts and answers a keystroke: the real process, behind a pseudo-terminal.

Run: python benchmarks/app.py [--starts 9] [--keystrokes 300]

Start: from exec to the moment when the first recommendation has been written to the terminal, in pairs with
`python -c "import textual.app"`. Keystroke: from the key to the moment when the new plan's figures have been
written, and to the last byte of the repaint, chart and comparison included.
"""

import argparse
import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import tempfile
import termios
import time
from statistics import median, quantiles

from budgetscope.api import Advisor, PlanRequest
from budgetscope.report.rows import plan_rows
from budgetscope.store.library import Layer, Library
from budgetscope.store.locations import bundled_fits
from budgetscope.store.settings import Settings

COLUMNS, ROWS = 120, 40
START_TARGET_S, KEYSTROKE_TARGET_S = 1.0, 0.050
QUIET_S = 0.060
GIVE_UP_S = 20.0
BUDGET = "$50k on H100"
APP = "from budgetscope.api import PlanRequest; from budgetscope.tui.app import run_app; run_app(PlanRequest({!r}))"
HOME, RIGHT, BACKSPACE, QUIT = b"\x1b[H", b"\x1b[C", b"\x7f", b"\x11"


class Terminal:
    """A process behind a pseudo-terminal."""

    def __init__(self, code: str, home: str) -> None:
        self.started = time.perf_counter()
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            environment = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor", "HOME": home}
            environment.update({f"XDG_{name}_HOME": home for name in ("CONFIG", "DATA")})
            os.execve(sys.executable, [sys.executable, "-c", code], environment)  # noqa: S606
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))

    def read_until(self, text: bytes) -> float:
        """Return the time at which `text` has been written."""
        seen = b""
        give_up = time.perf_counter() + GIVE_UP_S
        while text not in seen:
            if not select.select([self.fd], [], [], max(0.0, give_up - time.perf_counter()))[0]:
                raise TimeoutError(f"{text!r} was not painted within {GIVE_UP_S} s")
            seen = seen[-65536:] + os.read(self.fd, 65536)
        return time.perf_counter()

    def read_until_quiet(self) -> float:
        """Return the time of the last byte before nothing more is written."""
        last = time.perf_counter()
        while select.select([self.fd], [], [], QUIET_S)[0]:
            os.read(self.fd, 65536)
            last = time.perf_counter()
        return last

    def send(self, keys: bytes) -> float:
        """Press keys and return when."""
        os.write(self.fd, keys)
        return time.perf_counter()

    def close(self) -> None:
        """Quit the app."""
        self.send(QUIT)
        try:
            while os.read(self.fd, 65536):
                pass
        except OSError:
            pass  # the other end has closed
        os.waitpid(self.pid, 0)
        os.close(self.fd)


def painted(advisor: Advisor, budget: str) -> bytes:
    """Return what only a recommendation for this budget shows: the interval of N."""
    row = next(row for row in plan_rows(advisor.plan(PlanRequest(budget))) if row.key == "n_params")
    return row.interval.encode()


def start_times(advisor: Advisor, home: str, repeats: int) -> tuple[list[float], list[float]]:
    """Return seconds to the first recommendation, and of the bare import, in pairs."""
    app, bare = [], []
    for _ in range(repeats):
        terminal = Terminal(APP.format(BUDGET), home)
        app.append(terminal.read_until(painted(advisor, BUDGET)) - terminal.started)
        terminal.read_until_quiet()
        terminal.close()
        before = time.perf_counter()
        subprocess.run([sys.executable, "-c", "import textual.app"], check=True)
        bare.append(time.perf_counter() - before)
    return app, bare


def keystroke_times(advisor: Advisor, home: str, keystrokes: int) -> tuple[list[float], list[float]]:
    """Return seconds from a key to the new plan, and to the end of the repaint."""
    terminal = Terminal(APP.format(BUDGET), home)
    terminal.read_until(painted(advisor, BUDGET))
    time.sleep(1)
    terminal.send(HOME + RIGHT)
    terminal.read_until_quiet()
    plans, ends = [], []
    before = painted(advisor, BUDGET)
    for index in range(keystrokes // 2):
        digit = str(1 + index % 9)
        after = painted(advisor, f"${digit}50k on H100")
        for key, text in ((digit.encode(), after), (BACKSPACE, before)):
            pressed = terminal.send(key)
            plans.append(terminal.read_until(text) - pressed)
            ends.append(terminal.read_until_quiet() - pressed)
    terminal.close()
    return plans, ends


def line(name: str, times: list[float], target: float | None = None) -> str:
    """Return one line of the report, in milliseconds."""
    p95 = quantiles(times, n=20, method="inclusive")[18] if len(times) > 1 else times[0]
    aim = "" if target is None else f"   target {target * 1000:.0f}"
    return f"{name:<42} median {median(times) * 1000:7.1f}   p95 {p95 * 1000:7.1f}{aim}"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--starts", type=int, default=9)
    parser.add_argument("--keystrokes", type=int, default=300)
    options = parser.parse_args()
    advisor = Advisor(Library((Layer("bundled", bundled_fits()),)), Settings(), ())
    with tempfile.TemporaryDirectory() as home:
        app, bare = start_times(advisor, home, options.starts)
        plans, ends = keystroke_times(advisor, home, options.keystrokes)
    print(f"milliseconds, {COLUMNS}x{ROWS}, {len(app)} starts, {len(plans)} keystrokes")
    print(line("start to first painted recommendation", app, START_TARGET_S))
    print(line("python -c 'import textual.app'", bare))
    print(line("keystroke to painted plan", plans, KEYSTROKE_TARGET_S))
    print(line("keystroke to end of repaint, chart included", ends, KEYSTROKE_TARGET_S))


if __name__ == "__main__":
    main()

"""The app in a terminal that is closed, or ended by the system: what was changed is kept."""

import contextlib
import os
import re
import signal
import sys
import threading
import time
from collections.abc import Callable

import pytest

from budgetscope.api import Advisor, PlanRequest
from budgetscope.core.budget.quantities import format_count
from budgetscope.store.app_state import AppState, read_state, write_state
from budgetscope.store.locations import state_file

pty = pytest.importorskip("pty")

ESCAPES = re.compile(rb"\x1b\[[0-9;?<>=]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)")
PATIENCE_SECONDS = 60.0


class Terminal:
    """A terminal in which the app runs."""

    def __init__(self) -> None:
        self.pid, self._end = pty.fork()
        if self.pid == 0:
            environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "120", "LINES": "40"}
            os.execve(sys.executable, [sys.executable, "-m", "budgetscope"], environment)  # noqa: S606
        self.shown = b""
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        with contextlib.suppress(OSError):
            while data := os.read(self._end, 65536):
                self.shown += data

    def type(self, keys: str) -> None:
        os.write(self._end, keys.encode())

    def waits(self, until: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not until():
            assert time.monotonic() < deadline, self.shown[-2000:]
            time.sleep(0.05)

    def close(self) -> None:
        os.close(self._end)

    def ended(self) -> int:
        """Return the exit code, once the app has ended."""
        found: list[int] = []

        def has_ended() -> bool:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                found.append(os.waitstatus_to_exitcode(status))
            return bool(found)

        self.waits(has_ended)
        return found[0]


def hang_up(terminal: Terminal) -> None:
    os.kill(terminal.pid, signal.SIGHUP)


def terminate(terminal: Terminal) -> None:
    os.kill(terminal.pid, signal.SIGTERM)


@pytest.mark.parametrize(
    ("end", "code"), [(hang_up, 129), (terminate, 143), (Terminal.close, 129)], ids=["SIGHUP", "SIGTERM", "closed"]
)
def test_what_was_changed_is_kept(end: Callable[[Terminal], None], code: int) -> None:
    write_state(AppState(toured=True))
    terminal = Terminal()
    try:
        terminal.waits(lambda: b"64 H100" in terminal.shown)
        # b goes to the budget, and Ctrl-U empties it.
        terminal.type("b\x157e22")
        n_params = format_count(Advisor().answer(PlanRequest("7e22")).plan.run.n_params)
        terminal.waits(lambda: n_params.encode() in ESCAPES.sub(b"", terminal.shown))
        end(terminal)
        assert terminal.ended() == code
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(terminal.pid, signal.SIGKILL)
    assert read_state().request == {"budget": "7e22"}
    assert not list(state_file().parent.glob(".*.*.*"))

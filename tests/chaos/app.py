"""The app, killed or ended at any moment and above all while it saves: its state is the old one or the new one."""

import contextlib
import os
import signal
import tempfile
import time
from unittest import mock

from tests.chaos.counts import Counts
from tests.chaos.disks import folders
from tests.e2e.test_signals import ESCAPES, Terminal

from budgetscope.store.app_state import AppState, read_state, write_state
from budgetscope.store.locations import state_file

_OLD = "3e20"
_STARTED = b"\x1b[?1049h"
"""The app has taken the screen."""
_LONGEST_SECONDS = 20.0


def plain(shown: bytes) -> str:
    """Return what is shown without the terminal's escapes."""
    return ESCAPES.sub(b"", shown).decode(errors="replace")


def campaign(seed: int, deadline: float) -> Counts:
    """Start the app, type another budget, end or kill it, and start it again from what it stored."""
    counts = Counts()
    for rng in counts.attempts(seed, deadline):
        with tempfile.TemporaryDirectory() as home, mock.patch.dict(os.environ, folders(home)):
            write_state(AppState({"budget": _OLD}, toured=True))
            typed = f"{rng.randint(1, 9)}e{rng.randint(18, 25)}"
            how = rng.choice(("SIGKILL", "SIGTERM", "SIGHUP", "SIGTERM then SIGKILL", "quit then SIGKILL"))
            said = f"{how} after {typed!r}"
            terminal = Terminal()
            try:
                terminal.waits(lambda: _STARTED in terminal.shown)  # noqa: B023 - it waits at once
                time.sleep(rng.uniform(0, 0.8))
                terminal.shown = b""
                terminal.type(f"\x15{typed}")
                asked = time.monotonic()
                patience = rng.choice((0.0, 0.3, 3.0))
                while not (is_seen := typed in plain(terminal.shown)) and time.monotonic() < asked + patience:
                    time.sleep(0.02)
                begun = time.monotonic()
                if how.startswith("quit"):
                    terminal.type("\x11")
                else:
                    os.kill(terminal.pid, getattr(signal, how.split()[0]))
                if "then" in how:
                    time.sleep(rng.uniform(0, 0.15))
                    os.kill(terminal.pid, signal.SIGKILL)
                code = terminal.ended()
                if time.monotonic() - begun > _LONGEST_SECONDS:
                    counts.fault("hangs", f"{said}: it ended after {time.monotonic() - begun:.0f} s")
                if b"Traceback" in terminal.shown or code not in (0, -9, -1, -15, 129, 143):
                    counts.fault("tracebacks", f"{said}: exit code {code}, {terminal.shown[-400:]!r}")
            finally:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(terminal.pid, signal.SIGKILL)
                terminal.close()
            with counts.watched(said):
                state = read_state()
                beginnings = {typed[:length] for length in range(len(typed) + 1)}
                # What was on the screen is kept unless the app was killed.
                may_be = {typed} if is_seen and "KILL" not in how else {_OLD, *beginnings}
                if str(state.request.get("budget", "")) not in may_be or not state_file().exists():
                    counts.fault("lost", f"{said}: the state is {state.request}")
    return counts

"""Run a program behind a pseudo-terminal, press keys, and time its output."""

import fcntl
import os
import pty
import select
import signal
import struct
import sys
import termios
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

KEYS = {
    "left": b"\x1b[D", "right": b"\x1b[C", "up": b"\x1b[A", "down": b"\x1b[B", "home": b"\x1b[H", "backspace": b"\x7f",
    "escape": b"\x1b", "quit": b"\x11",
}  # fmt: skip
QUIET_S = 0.1
"""A repaint has ended after this many seconds without output."""
GIVE_UP_S = 120.0
_SETTLED_S = 0.4
_MIB = 2**20


class Repaint(NamedTuple):
    """Seconds from a key to the first and to the last byte that was written for it."""

    first: float
    last: float


class Terminal:
    """A Python program in a pseudo-terminal.

    Attributes:
        started: time of the start, by `time.perf_counter`.
    """

    def __init__(self, arguments: Sequence[str], size: tuple[int, int]) -> None:
        """Start `python` with some arguments in a window of columns x rows."""
        self.started = time.perf_counter()
        self._pid, self._fd = pty.fork()
        if self._pid == 0:
            environment = {key: value for key, value in os.environ.items() if key not in ("COLUMNS", "LINES")}
            environment.update(TERM="xterm-256color", COLORTERM="truecolor")
            # An installed package has its bytecode; without it every start would compile the project's source.
            environment.pop("PYTHONDONTWRITEBYTECODE", None)
            os.execve(sys.executable, [sys.executable, *arguments], environment)  # noqa: S606
        fcntl.ioctl(self._fd, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None) -> None:
        """Quit the program and check its exit code; after an exception, kill it."""
        if kind is None:
            os.write(self._fd, KEYS["quit"])
        else:
            os.kill(self._pid, signal.SIGKILL)
        try:
            while self._read(GIVE_UP_S):
                pass
        except OSError:
            pass  # the other end has closed
        status = os.waitpid(self._pid, 0)[1]
        os.close(self._fd)
        if kind is None and status:
            raise RuntimeError(f"the program failed with {os.waitstatus_to_exitcode(status)}")

    def _read(self, patience: float) -> bytes:
        """Return the next output; empty when there is none within `patience` seconds."""
        return os.read(self._fd, 65536) if select.select([self._fd], [], [], max(0.0, patience))[0] else b""

    def answer(self, key: str, text: bytes) -> float:
        """Press a key, and return the seconds until `text` was written."""
        pressed = time.perf_counter()
        os.write(self._fd, KEYS.get(key) or key.encode())
        return self.read_until(text) + self.started - pressed

    def read_until(self, text: bytes) -> float:
        """Return the seconds from the start until `text` was written."""
        seen, give_up = b"", time.perf_counter() + GIVE_UP_S
        while text not in seen:
            new = self._read(give_up - time.perf_counter())
            if not new:
                raise TimeoutError(f"{text!r} was not painted within {GIVE_UP_S:.0f} s")
            seen = seen[-65536:] + new
        return time.perf_counter() - self.started

    def idle(self, seconds: float) -> None:
        """Read and discard output for some seconds."""
        end = time.perf_counter() + seconds
        while (left := end - time.perf_counter()) > 0:
            self._read(left)

    def settle(self, *keys: str) -> None:
        """Press keys one by one, and wait for the end of each repaint."""
        for key in keys:
            self.press(key)
        self.idle(_SETTLED_S)

    def press(self, key: str, quiet: float = QUIET_S) -> Repaint | None:
        """Press a key, a name in `KEYS` or a character, and time its repaint; None where there is none."""
        while self._read(0):
            pass
        pressed = time.perf_counter()
        os.write(self._fd, KEYS.get(key) or key.encode())
        if not self._read(1.0):
            return None
        first = last = time.perf_counter()
        # A screen that repaints by itself once a second must not prolong this.
        while last - pressed < 10 * quiet and self._read(quiet):
            last = time.perf_counter()
        return Repaint(first - pressed, last - pressed)

    def cpu_seconds(self) -> float:
        """Return the processor time that the program has used, in steps of 10 ms."""
        fields = Path(f"/proc/{self._pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def resident_mib(self) -> float:
        """Return the resident memory of the program."""
        pages = int(Path(f"/proc/{self._pid}/statm").read_text(encoding="utf-8").split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / _MIB

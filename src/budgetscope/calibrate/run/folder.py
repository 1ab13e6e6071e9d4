"""The folder of a run, which holds everything that the run is: copying the folder moves the run.

| file                  | content                                                      |
| --------------------- | ------------------------------------------------------------ |
| `spec.json`           | the spec; it never changes                                   |
| `plans/`, `workers/`  | the logs: see `logs`                                         |
| `claims/`             | which worker has which slice: see `claims`                   |
| `launches/0001.json`  | each start of workers: see `launches`                        |
| `output/`             | what workers printed                                         |
| `ckpt/`               | checkpoints of the slices that train                         |
| `stop`                | its presence asks the workers to stop                        |
| `fit.json`            | the result                                                   |
| `stored`              | hash of the `fit.json` that was put among the user's fits    |
"""

import contextlib
import hashlib
import os
import shlex
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from budgetscope.calibrate.plan.spec import Spec, dump_spec, parse_spec
from budgetscope.calibrate.run.events import RunDone
from budgetscope.calibrate.run.logs import TAIL_BYTES, RunReader, last_event, log_files
from budgetscope.calibrate.run.state import RunState, combine
from budgetscope.core.errors import BudgetscopeError, FailureError, UsageError
from budgetscope.core.printable import printable
from budgetscope.store.files import exists, open_file, read_text, status, write_atomically
from budgetscope.store.locations import expanded, user_runs

if TYPE_CHECKING:
    from budgetscope.calibrate.run.fold import LogState

_MAX_SPEC_BYTES = 64 * 2**20


class RunFolder:
    """The folder of one run."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.plans = path / "plans"
        self.workers = path / "workers"
        self.claims = path / "claims"
        self.launches = path / "launches"
        self.output = path / "output"
        self.stop_file = path / "stop"
        self.checkpoints = path / "ckpt"
        self.fit_file = path / "fit.json"
        self._stored = path / "stored"

    @property
    def name(self) -> str:
        """Name of the run, in printable characters."""
        return printable(self.path.name)

    @property
    def exists(self) -> bool:
        """Whether there is a spec; a folder of which only a part was deleted is no run."""
        return exists(self.path / "spec.json")

    @property
    def handle(self) -> str:
        """What to give `find`, quoted for a shell: the name of one of the user's runs, else the path."""
        return self.name if self.path.parent == user_runs() else printable(shlex.quote(str(self.path.absolute())))

    @property
    def stored(self) -> bool:
        """Whether the present `fit.json` has been put among the user's fits."""
        try:
            return read_text(self._stored, TAIL_BYTES) == self._fit_sha256()
        except (OSError, FailureError):
            return False

    def mark_stored(self) -> None:
        """Record that the present `fit.json` is among the user's fits; an unwritable folder is ignored."""
        with contextlib.suppress(OSError, FailureError):
            write_atomically(self._stored, self._fit_sha256())

    def _fit_sha256(self) -> str:
        with open_file(self.fit_file) as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    @classmethod
    def create(cls, spec: Spec, runs: Path | None = None) -> "RunFolder":
        """Create the folder of a new run.

        Raises:
            FailureError: the folder exists, or cannot be written.
        """
        folder = cls((runs or user_runs()) / spec.run)
        if status(folder.path) is not None:
            raise FailureError(f"there is a run {spec.run!r} already; resume it or delete {str(folder.path)!r}.")
        try:
            write_atomically(folder.path / "spec.json", dump_spec(spec))
        except FailureError:
            # A folder without a spec is no run.
            with contextlib.suppress(OSError):
                folder.path.rmdir()
            raise
        return folder

    @classmethod
    def find(cls, name: str, runs: Path | None = None) -> "RunFolder":
        """Return the run of a name, of the start of a name, of a folder, or the `last` one.

        Raises:
            UsageError: there is no such run, or there are several.
        """
        if os.sep in name and (expanded(name) / "spec.json").is_file():
            return cls(expanded(name).absolute())
        known, name = list_runs(runs), printable(name)
        if name == "last" and known:
            return known[0]
        found = [folder for folder in known if folder.name == name] or [
            folder for folder in known if name and folder.name.startswith(name)
        ]
        if len(found) == 1:
            return found[0]
        if found:
            raise UsageError(f"{name!r} could be {' or '.join(f.name for f in found[:3])}; write more of it.")
        raise UsageError(f"there is no run {name!r}; `budgetscope calibrate list` shows all.")

    def spec(self) -> Spec:
        """Return the spec.

        Raises:
            FailureError: the spec is missing, broken or edited.
        """
        path = self.path / "spec.json"
        text = read_text(path, _MAX_SPEC_BYTES)
        try:
            spec = parse_spec(text)
        except (ValueError, LookupError, TypeError, ArithmeticError, RecursionError, BudgetscopeError) as error:
            raise FailureError(
                f"the spec of run {self.name!r} is refused: {str(error)[:100]}; restore {str(path)!r} or start a "
                "new run."
            ) from None
        return spec

    def state(self) -> RunState:
        """Return the state of the run by its logs; a torn last line is left out.

        Raises:
            FailureError: a log cannot be read.
        """
        return RunReader(self.path).whole()

    def log_bytes(self) -> int:
        """Return the size of the logs; 0 if there are none."""
        size = 0
        for path, _ in log_files(self.path):
            with contextlib.suppress(OSError):
                size += path.stat().st_size
        return size

    def logged_status(self) -> str:
        """Return the status by the last records of the logs, of which only the ends are read."""
        found: dict[tuple[int, str], LogState] = {}
        for path, log in log_files(self.path):
            last = last_event(path)
            if last is not None and not log.key.startswith("plan "):
                ended = isinstance(last, RunDone)
                status = last.status if isinstance(last, RunDone) else "running"
                slot = (log.launch, log.slot)
                if slot not in found or found[slot].start < log.start:
                    found[slot] = replace(log, status=status, starts=1, last=float(ended))
        return combine(found.values()).status


def list_runs(runs: Path | None = None) -> list[RunFolder]:
    """Return all runs, the latest first; names begin with their date."""
    root = runs or user_runs()
    return [RunFolder(spec.parent) for spec in sorted(root.glob("*/spec.json"), reverse=True)]

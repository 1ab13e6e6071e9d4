"""The user's runs and the one that is watched, as far as their logs have been read: looked at in a thread."""

import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

from budgetscope.calibrate import text as words
from budgetscope.calibrate.plan.spec import Spec
from budgetscope.calibrate.run.events import Record, RunDone
from budgetscope.calibrate.run.folder import Reader, RunFolder, list_runs
from budgetscope.calibrate.run.launch import Watch
from budgetscope.calibrate.run.state import RunState
from budgetscope.core.errors import BudgetscopeError

LOG_LINES = 200
"""Of the watched run that are kept."""
# The last line of a log says how its run ended; it is shorter than this.
_TAIL_BYTES = 4096
# A worker writes fewer between two looks.
_MANY = 1000
LIVE = ("running", "starting", "stopping")
"""Statuses of a run that has a worker."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A run in the list; its status is a word of `words.status_word`, `starting` or `stopping`."""

    name: str
    status: str


@dataclass(frozen=True, slots=True)
class View:
    """One run.

    Attributes:
        folder: of the run.
        spec: what it was asked; None when that cannot be read.
        state: as far as its log has been read.
        status: as in the list.
        lines: the last of its log, in words.
        speed: how fast it trains and how long it will go on.
        problem: what is wrong with it; empty for nothing.
        behind: whether much of the log came at once, so that more is likely to be there.
    """

    folder: RunFolder
    spec: Spec | None
    state: RunState
    status: str
    lines: tuple[str, ...]
    speed: str
    problem: str
    behind: bool

    @property
    def live(self) -> bool:
        """Whether a worker has it."""
        return self.status in LIVE

    @property
    def resumable(self) -> bool:
        """Whether there is something to go on with."""
        return self.spec is not None and not self.live and self.status != "done" and not self.refused

    @property
    def refused(self) -> bool:
        """Whether everything has been trained, and no fit could be made of it: to go on would end the same."""
        state = self.state
        trained = state.stage == max(words.STAGES) and state.planned and all(s.finished for s in state.cells.values())
        return self.status == "failed" and trained

    @property
    def fitted(self) -> bool:
        """Whether it is done and its fit can be accepted."""
        return self.status == "done" and bool(self.state.fit_id)


@dataclass(frozen=True, slots=True)
class Seen:
    """What one look found: every run, the latest first, and the one that was asked for."""

    entries: tuple[Entry, ...]
    view: View | None


class Observer:
    """Looks at the runs; what it keeps of a log does not grow with it. One look at a time."""

    def __init__(self) -> None:
        self._watched: _Watched | None = None
        self._ends: dict[str, tuple[int, str]] = {}

    def look(self, chosen: str) -> Seen:
        """Return what there is now.

        Args:
            chosen: name of the run to watch; empty for none.
        """
        folders = list_runs()
        self._ends = {folder.name: self._end(folder) for folder in folders}
        entries = tuple(Entry(folder.name, _status(folder, self._ends[folder.name][1])) for folder in folders)
        folder = next((folder for folder in folders if folder.name == chosen), None)
        if folder is None:
            self._watched = None
            return Seen(entries, None)
        if self._watched is None or self._watched.folder.name != chosen:
            self._watched = _Watched(folder)
        return Seen(entries, self._watched.look())

    def _end(self, folder: RunFolder) -> tuple[int, str]:
        """Return a log's size and the status that its last record leaves, read again only when it has grown."""
        try:
            size = folder.events.stat().st_size
        except OSError:
            return 0, "new"
        known = self._ends.get(folder.name)
        if known is not None and known[0] == size:
            return known
        reader = Reader(folder.events)
        reader.offset = max(0, size - _TAIL_BYTES)
        try:
            records = reader.read()
        except BudgetscopeError:
            return size, "new"
        last = records[-1].event if records else None
        return size, last.status if isinstance(last, RunDone) else "running"


class _Watched:
    """The run that is watched."""

    def __init__(self, folder: RunFolder) -> None:
        self.folder = folder
        self._watch = Watch(folder)
        self._lines: deque[str] = deque(maxlen=LOG_LINES)
        self._spec: Spec | None = None

    def look(self) -> View:
        problem, records = "", list[Record]()
        try:
            self._spec = self._spec or self.folder.spec()
            # A long log is read piece by piece, so that what is known shows meanwhile.
            records = self._watch.tick()
            self._tell(records)
        except BudgetscopeError as error:
            problem = str(error)
        state = self._watch.state
        status = _status(self.folder, state.status)
        if status == "interrupted":
            problem = problem or self._watch.failure()
        speed = words.speed(state, self._spec) if self._spec is not None and status == "running" else ""
        return View(self.folder, self._spec, state, status, tuple(self._lines), speed, problem, len(records) > _MANY)

    def _tell(self, records: Iterable[Record]) -> None:
        state = self._watch.state
        for record in records:
            said = words.event_words(record.event, state)
            if said:
                self._lines.append(f"{time.strftime('%H:%M:%S', time.localtime(record.t))} {said}")


def _status(folder: RunFolder, logged: str) -> str:
    """Return the status of a run whose log says `logged`."""
    owner = folder.owner() if logged != "done" else None
    alive = owner is not None and owner.alive
    if not alive:
        return "interrupted" if logged == "running" else logged
    if folder.stop_file.exists():
        return "stopping"
    return "running" if logged == "running" else "starting"

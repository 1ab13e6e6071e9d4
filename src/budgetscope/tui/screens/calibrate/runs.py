"""The runs as the Calibrate screen shows them: all by name and status, and one in full, read in a thread."""

import math
import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

from budgetscope.api.calibration import (
    LIVE,
    Queue,
    Record,
    RunFolder,
    RunState,
    Spec,
    Watch,
    WorkerView,
    list_runs,
    live_status,
    resumable,
    texts,
    worker_views,
)
from budgetscope.api.form_words import in_form
from budgetscope.core.errors import BudgetscopeError
from budgetscope.core.language import _
from budgetscope.tui.screens.calibrate.form import FIELDS

LOG_LINES = 200
"""Lines of the watched run's log that are kept."""
# A worker writes fewer records between two looks.
_MANY = 1000
_FRESH_SECONDS = 3.0
"""For so long a list of the runs will do: it costs more than the run that is watched."""
_MOST_WATCHED = 4
"""Runs of which what was read is kept; a state of 200 cells takes some megabytes."""


@dataclass(frozen=True, slots=True)
class RunEntry:
    """A run in the list.

    Attributes:
        name: of the run.
        status: as `live_status` gives it.
    """

    name: str
    status: str


@dataclass(frozen=True, slots=True)
class View:
    """One run, as far as its log has been read.

    Attributes:
        folder: of the run.
        spec: of the run; None if it cannot be read.
        state: as far as the log has been read.
        status: as in the list.
        lines: the last lines of the log, as text.
        speed: present speed and time left; empty unless it is running.
        workers: of the latest launch if there are several and one of them lives; else none.
        queue: what the engine says of workers that wait; empty unless the run waits for them.
        problem: what is wrong with the run; empty if nothing is.
        behind: whether so much of the log was read at once that more is likely to follow.
    """

    folder: RunFolder
    spec: Spec | None
    state: RunState
    status: str
    lines: tuple[str, ...]
    speed: str
    workers: tuple[WorkerView, ...]
    queue: str
    problem: str
    behind: bool

    @property
    def live(self) -> bool:
        """Whether a worker has the run."""
        return self.status in LIVE

    @property
    def resumable(self) -> bool:
        """Whether the run can be resumed."""
        return self.spec is not None and resumable(self.status)

    @property
    def only_fit_missing(self) -> bool:
        """Whether the run failed with every cell trained, so that resuming only makes the fit again."""
        state = self.state
        trained = state.stage == max(texts.STAGES) and state.planned and all(s.finished for s in state.cells.values())
        return self.status == "failed" and trained

    @property
    def fitted(self) -> bool:
        """Whether the run is done and its fit can be accepted."""
        return self.status == "done" and bool(self.state.fit_id)


@dataclass(frozen=True, slots=True)
class Seen:
    """The result of one look: all runs, the latest first, and the watched one."""

    entries: tuple[RunEntry, ...]
    view: View | None


class Observer:
    """Looks at the runs, one look at a time; what it keeps of a log does not grow with the log.

    Of the runs that were watched last it keeps what it has read, so that to come back to one is no work.
    """

    def __init__(self) -> None:
        self._watched: dict[str, _Watched] = {}
        self._listed, self._listed_at = list[tuple[RunFolder, RunEntry]](), -math.inf
        self._logged: dict[str, tuple[int, str]] = {}
        self._queues: dict[str, Queue] = {}

    def look(self, chosen: str, *, anew: bool = False) -> Seen:
        """Return the present runs.

        Args:
            chosen: name of the run to watch; empty for none.
            anew: whether to list the runs again, since one was started, stopped or resumed.
        """
        is_fresh = time.monotonic() - self._listed_at < _FRESH_SECONDS
        if anew or not is_fresh or all(entry.name != chosen for _, entry in self._listed):
            self._list()
        entries = tuple(entry for _, entry in self._listed)
        folder = next((folder for folder, _ in self._listed if folder.name == chosen), None)
        if folder is None:
            return Seen(entries, None)
        watched = self._watched.pop(chosen, None)
        if watched is None or watched.folder.path != folder.path:
            watched = _Watched(folder, self._queues[chosen])
        self._watched[chosen] = watched
        if len(self._watched) > _MOST_WATCHED:
            del self._watched[next(iter(self._watched))]
        view = watched.look()
        # Of the watched run more is known than when the list was made.
        known = RunEntry(chosen, view.status)
        return Seen(tuple(known if entry.name == chosen else entry for entry in entries), view)

    def _list(self) -> None:
        folders = list_runs()
        self._logged = {folder.name: self._logged_status(folder) for folder in folders}
        self._queues = {folder.name: self._queues.get(folder.name) or Queue(folder) for folder in folders}
        self._listed = [
            (
                folder,
                RunEntry(folder.name, live_status(folder, self._logged[folder.name][1], self._queues[folder.name])),
            )
            for folder in folders
        ]
        self._listed_at = time.monotonic()

    def _logged_status(self, folder: RunFolder) -> tuple[int, str]:
        """Return the size of a log and the status by its last record, which is read only if the log has grown."""
        size, known = folder.log_bytes(), self._logged.get(folder.name)
        return known if known is not None and known[0] == size else (size, folder.logged_status())


class _Watched:
    """The run that is watched."""

    def __init__(self, folder: RunFolder, queue: Queue) -> None:
        self.folder, self._queue = folder, queue
        self._watch = Watch(folder)
        self._lines: deque[str] = deque(maxlen=LOG_LINES)
        self._spec: Spec | None = None

    def look(self) -> View:
        problem, records = "", list[Record]()
        try:
            self._spec = self._spec or self.folder.spec()
            # A long log is read in pieces, so that the screen shows what is known meanwhile.
            records = self._watch.tick()
            self._tell(records)
        except BudgetscopeError as error:
            problem = str(error)
        state = self._watch.state
        status = live_status(self.folder, state.status, self._queue)
        if status == "interrupted":
            problem = problem or self._watch.failure()
        problem = problem or state.damage
        speed = texts.speed(state, self._spec) if self._spec is not None and status == "running" else ""
        workers = worker_views(self.folder, state) if status in LIVE and len(state.workers) > 1 else ()
        queue = self._queue.pending() if status == "waiting" else ""
        behind = len(records) > _MANY
        return View(self.folder, self._spec, state, status, tuple(self._lines), speed, workers, queue, problem, behind)

    def _tell(self, records: Iterable[Record]) -> None:
        state = self._watch.state
        for record in records:
            said = texts.event_text(record.event, state)
            if said:
                slot = record.worker.split("-")[1] if record.worker and len(state.workers) > 1 else ""
                who = _("worker {slot}: ").format(slot=slot) if slot else ""
                when = time.strftime("%H:%M:%S", time.localtime(record.t))
                self._lines.append(f"{when} {who}{in_form(said, FIELDS)}")

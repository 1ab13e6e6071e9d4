"""The use cases of calibration: prepare, start, follow and stop a run, and fit it.

The command line and the app both call these functions. A run is identified by its `RunFolder`.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from budgetscope.api.acceptance import Outcome, Stored, accept, check_acceptable, store
from budgetscope.api.foretold import foretell
from budgetscope.api.judgement import Judgement, asks_before_use, judge
from budgetscope.calibrate import environment, launch, texts
from budgetscope.calibrate.corpus.progress import Progress, Report
from budgetscope.calibrate.engines import slurm
from budgetscope.calibrate.environment import Probe, require_extra
from budgetscope.calibrate.json_records import to_record
from budgetscope.calibrate.launch import Options, Queue, Watch, ask_to_stop, start, stop
from budgetscope.calibrate.plan import request as _request
from budgetscope.calibrate.plan.design import PRESETS
from budgetscope.calibrate.plan.device import ENGINES, DeviceFacts
from budgetscope.calibrate.plan.mixture import split_data
from budgetscope.calibrate.plan.price import Price
from budgetscope.calibrate.plan.request import DEFAULT_FIT, Ready, Request, parse_gpus
from budgetscope.calibrate.plan.spec import Spec
from budgetscope.calibrate.run.events import Record, encode
from budgetscope.calibrate.run.folder import RunFolder, list_runs
from budgetscope.calibrate.run.launches import Launch, WorkerView, last_launch, live_workers, worker_views
from budgetscope.calibrate.run.state import CellState, RunState
from budgetscope.core.errors import UsageError
from budgetscope.core.laws.fit import Fit
from budgetscope.store.files import exists
from budgetscope.store.fit_library import load
from budgetscope.store.locations import user_runs

__all__ = [
    "DEFAULT_FIT",
    "ENGINES",
    "LIVE",
    "PRESETS",
    "CellState",
    "DeviceFacts",
    "Judgement",
    "Options",
    "Outcome",
    "Price",
    "Probe",
    "Progress",
    "Queue",
    "Ready",
    "Record",
    "Request",
    "RunFolder",
    "RunState",
    "RunStatus",
    "Spec",
    "Stored",
    "Watch",
    "WorkerView",
    "accept",
    "ask_to_stop",
    "asks_before_use",
    "attach",
    "check_acceptable",
    "check_placement",
    "create",
    "event_line",
    "find",
    "find_resumable",
    "follow",
    "foretell",
    "judge",
    "kill",
    "list_runs",
    "live_status",
    "parse_gpus",
    "prepare",
    "prepare_data_again",
    "probe",
    "refit",
    "require_extra",
    "resumable",
    "resuming",
    "slurm_script",
    "split_data",
    "start",
    "status",
    "stop",
    "store",
    "stored_fit",
    "texts",
    "to_record",
    "worker_views",
]

LIVE = ("running", "starting", "stopping", "waiting")
"""Statuses of a run that has a worker, or one that waits in a queue, as `live_status` gives them."""
_POLL_SECONDS = 0.25


# A new run


def prepare(
    request: Request,
    *,
    on_corpus: Report = lambda _: None,
    say: Callable[[str], None] = lambda _: None,
) -> Ready:
    """Prepare the data, inspect the device, design the run and estimate its price; nothing is trained.

    Args:
        request: the options of the run.
        on_corpus: called with the progress of the data's preparation.
        say: called with a sentence for each slow step and each decision.

    Raises:
        BudgetscopeError: an option is contradictory, out of bounds or names something unknown.
    """
    from budgetscope.calibrate.prepare import prepare_run  # noqa: PLC0415 - NumPy and the corpus

    return prepare_run(request, on_corpus=on_corpus, say=say)


def check_placement(
    device: str | None, gpus: tuple[int, ...] | None, engine: str | None, workers: int | None, submit: str = ""
) -> None:
    """Refuse options of placement that are unknown or contradict each other, before anything is prepared.

    Args:
        device: as `Request.device`.
        gpus: as `Request.gpus`.
        engine: as `Request.engine`; None for `local`, or for that of the launch before.
        workers: as `Request.workers`.
        submit: options of sbatch.

    Raises:
        UsageError: it names the option.
    """
    _request.check_placement(device, gpus, engine, workers, submit)
    slurm.words(submit)


def slurm_script(ready: Ready, submit: str) -> str:
    """Return the script that a run would submit to Slurm; empty for another engine.

    Args:
        ready: the prepared run.
        submit: options of sbatch.

    Raises:
        UsageError: an option of sbatch is one that the script sets, or cannot be read.
    """
    if ready.engine != "slurm":
        return ""
    planned = Launch(1, "slurm", ready.spec.workers, submit=submit)
    return slurm.script(RunFolder(user_runs() / ready.spec.run), planned, Options(), ready.spec.device)


def create(ready: Ready) -> RunFolder:
    """Create the folder of a prepared run; `start` trains it.

    Raises:
        FailureError: the folder exists, or cannot be written.
    """
    return RunFolder.create(ready.spec)


def probe(device: str | None, gpu: int | None, seconds: float) -> Probe:
    """Measure how fast a device trains, and store the result for later designs.

    Args:
        device: `cuda`, `mps` or `cpu`; None for the best available.
        gpu: index of the GPU; None for the first.
        seconds: approximate time to take.

    Raises:
        UsageError: there is no GPU of this index.
        FailureError: a package is missing, or the device does not exist or cannot be measured.
    """
    require_extra()
    return environment.measure(device, gpu, seconds)


# Runs that exist


def find(name: str) -> RunFolder:
    """Return the run with a name, a prefix of a name or a folder, or the `last` one.

    Raises:
        UsageError: there is no such run, or several runs match.
    """
    return RunFolder.find(name)


def find_resumable(name: str) -> RunFolder:
    """Return a run that `start` can resume; `name` as in `find`.

    Raises:
        UsageError: there is no such run, or it is done.
        FailureError: a package is missing, a live worker has the run, or the spec or the log is broken.
    """
    require_extra()
    folder = find(name)
    folder.spec()
    found = live_status(folder, folder.state().status)
    if found in LIVE:
        launch.check_free(folder)
    elif not resumable(found):
        raise UsageError(f"the run {folder.name!r} is done; `budgetscope calibrate fit {folder.handle}` shows its fit.")
    return folder


def resuming(
    folder: RunFolder,
    device: str | None,
    gpus: tuple[int, ...] | None,
    engine: str | None,
    workers: int | None,
    submit: str = "",
    *,
    data: str | None = None,
    minutes: float | None = None,
) -> Options:
    """Return the options that go on with a run, perhaps with other workers; the cut of its stages stays.

    Args:
        folder: of the run.
        device: as `Request.device`.
        gpus: as `Request.gpus`.
        engine: as `Request.engine`; None for that of the launch before.
        workers: as `Request.workers`; None for as many as the run was cut for, or one a GPU.
        submit: options of sbatch.
        data: path of the tokens, if they have moved.
        minutes: time limit of each worker.

    Raises:
        BudgetscopeError: options contradict each other, or there is no such GPU.
    """
    before = last_launch(folder)
    if engine is None:
        engine = "local" if gpus is not None or before is None else before.engine
    check_placement(device, gpus, engine, workers, submit)
    spec = folder.spec()
    # As for a new run, --gpu means CUDA.
    kind = "cuda" if device is None and gpus is not None else device
    if gpus == ():
        gpus = tuple(range(environment.look("cuda", None).count))
    elif gpus is None and workers is not None and engine == "local" and (kind or spec.device) == "cuda":
        gpus = tuple(range(workers))
    if engine == "local" and gpus is not None and len(gpus) > 1:
        # The highest index shows whether all of them are here.
        environment.look("cuda", max(gpus))
    elif engine == "local" and gpus is None:
        environment.check_workers(kind or spec.device, workers or 1)
    return Options(minutes, kind, gpus, data, engine, workers, submit)


def prepare_data_again(
    folder: RunFolder,
    data: Sequence[str],
    text_field: str | None = None,
    tokenizer: str | None = None,
    *,
    on_corpus: Report = lambda _: None,
) -> str:
    """Prepare the data of a run again and return the path of its tokens, for `Options.data`.

    Args:
        folder: of the run.
        data: as `Request.data`, or a folder that was prepared before.
        text_field: as `Request.text_field`.
        tokenizer: as `Request.tokenizer`, of a run with a tokenizer of the user's own.
        on_corpus: called with the progress of the preparation.

    Raises:
        BudgetscopeError: the data does not exist, or differs from that at the start of the run.
    """
    from budgetscope.calibrate import prepare as _prepare  # noqa: PLC0415 - NumPy and the corpus

    corpus = _prepare.prepare_data_again(folder.spec(), data, text_field, tokenizer, on_corpus=on_corpus)
    return str(corpus.path.absolute())


def attach(folder: RunFolder) -> Watch:
    """Return a watch of a run, which may be trained by another process.

    Raises:
        FailureError: the spec of the run is broken.
    """
    folder.spec()
    return Watch(folder)


def follow(watch: Watch) -> Iterator[list[Record]]:
    """Yield the new records of a run, several times a second, until its worker has ended.

    Raises:
        FailureError: the log cannot be read.
    """
    while True:
        over = watch.over
        records = watch.tick()
        yield records
        # The worker may have written its last records between `over` and `tick`.
        if over and not records:
            return
        if not records:
            time.sleep(_POLL_SECONDS)


def kill(watch: Watch) -> None:
    """Kill the workers that this process started; their last checkpoints are kept."""
    launch.kill(watch)


def event_line(record: Record) -> str:
    """Return a record as a line of JSON; empty for an event unknown to this version."""
    return "" if record.event is None else encode(record).decode()


@dataclass(frozen=True, slots=True)
class RunStatus:
    """The status of a run.

    Attributes:
        state: of the run, from its logs.
        status: that in the logs; `interrupted` if all workers died, `waiting` or `starting` if the engine has others.
        workers: of the latest launch.
        queue: what the engine says of workers that wait or run; empty if it says nothing.
    """

    state: RunState
    status: str
    workers: tuple[WorkerView, ...]
    queue: str

    @property
    def live(self) -> bool:
        """Whether the run has a live worker."""
        return any(worker.alive for worker in self.workers)


def status(folder: RunFolder) -> RunStatus:
    """Return the status of a run.

    Raises:
        FailureError: a log cannot be read.
    """
    state = folder.state()
    workers = worker_views(folder, state)
    alive, queue = any(worker.alive for worker in workers), launch.pending(folder)
    word = texts.status_word(state.status, alive=alive, queue="" if alive else queue)
    return RunStatus(state, word, workers, queue)


def live_status(folder: RunFolder, logged: str, queue: Queue | None = None) -> str:
    """Return the status of a run, given that in its logs; a run with a worker has one of `LIVE`.

    Args:
        folder: of the run.
        logged: status in its logs.
        queue: of its engine; None asks no engine.
    """
    if logged == "done" or not live_workers(folder):
        return texts.status_word(logged, alive=False, queue=queue.pending() if queue and logged != "done" else "")
    if exists(folder.stop_file):
        return "stopping"
    return "running" if logged == "running" else "starting"


def resumable(status: str) -> bool:
    """Return whether a run can be resumed, given its status as `live_status` gives it.

    A run that failed with every cell trained is resumable: the fit may have failed for a full disk.
    """
    return status != "done" and status not in LIVE


# The fit of a run


def stored_fit(folder: RunFolder) -> Fit | None:
    """Return the fit in the folder of a run; None before there is one.

    Raises:
        FailureError: it cannot be read.
    """
    return load(folder.fit_file) if exists(folder.fit_file) else None


def refit(folder: RunFolder) -> Fit:
    """Fit the readings of a run so far, and write the fit to its folder.

    Raises:
        UsageError: the readings do not determine a law.
        FailureError: the spec or the log is broken, or the folder cannot be written.
    """
    from budgetscope.calibrate.fit import write_fit  # noqa: PLC0415 - NumPy and SciPy

    return write_fit(folder, folder.state(), folder.spec())

"""Following a run's worker from the terminal: live, in lines or as events, to its end and its fit."""

import contextlib
import signal
import sys
import time
from typing import TYPE_CHECKING

import typer

from budgetscope.core.errors import FailureError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

    from budgetscope.calibrate.run.events import Record
    from budgetscope.calibrate.run.folder import RunFolder
    from budgetscope.calibrate.run.launch import Options, Watch

_TICK_SECONDS = 0.25
_LINE_SECONDS = 10.0
INTERRUPTED = 130
"""Exit code after Ctrl-C."""


def say(sentence: str) -> None:
    """Print a sentence beside the result."""
    sys.stderr.write(f"{sentence}\n")
    sys.stderr.flush()


def launch(folder: "RunFolder", chosen: "Options", *, detach: bool, json: bool, accept: bool) -> None:
    """Start a run's worker and, unless detached, follow it to its end.

    Raises:
        FailureError: it cannot be started, it failed, or it died.
    """
    from budgetscope.calibrate.run.launch import start

    watch = start(folder, chosen)
    if detach:
        watch.leave()
        if json:
            sys.stdout.write(f"{folder.path}\n")
        say(f"{folder.name} trains in the background; budgetscope calibrate attach {folder.handle}")
        return
    with _interruptible(watch) as killed:
        follow(watch, json=json)
    if killed():
        say(f"go on with: budgetscope calibrate --resume {folder.handle}")
        raise typer.Exit(INTERRUPTED)
    end(watch, json=json, accept=accept)


@contextlib.contextmanager
def _interruptible(watch: "Watch") -> "Iterator[Callable[[], bool]]":
    """Let the first Ctrl-C stop the run cleanly and the second end it at once; yield whether that was asked."""
    from budgetscope.calibrate.run.launch import ask_to_stop, kill

    asked = killed = False

    def interrupted(_: int, __: "FrameType | None") -> None:
        nonlocal asked, killed
        if watch.process is None:
            return
        if asked:
            say("ending it at once; what it had finished is kept")
            killed = True
            kill(watch.process.pid)
            return
        asked = True
        ask_to_stop(watch.folder)
        say("\nsaving and stopping; Ctrl-C again ends it at once")

    before = signal.signal(signal.SIGINT, interrupted)
    try:
        yield lambda: killed
    finally:
        signal.signal(signal.SIGINT, before)


def follow(watch: "Watch", *, json: bool) -> None:
    """Show a run until its worker leaves."""
    if json:
        _pass_events_on(watch)
    elif sys.stdout.isatty():
        _show_live(watch)
    else:
        _print_lines(watch)


def _records(watch: "Watch") -> "Iterator[list[Record]]":
    """Yield what the log gains, tick by tick, until nothing more comes."""
    while True:
        over = watch.over
        records = watch.tick()
        yield records
        # The last records may have come between the look at the log and the end of the worker.
        if over and not records:
            return
        if not records:
            time.sleep(_TICK_SECONDS)


def _pass_events_on(watch: "Watch") -> None:
    from budgetscope.calibrate.run.events import encode

    for records in _records(watch):
        for record in records:
            if record.event is not None:
                sys.stdout.write(encode(record).decode())
        sys.stdout.flush()


def _show_live(watch: "Watch") -> None:
    from rich.live import Live

    from budgetscope.cli.calibrate_view import progress_panel
    from budgetscope.cli.output import console

    spec = watch.folder.spec()
    with Live(console=console(), refresh_per_second=4) as live:
        for _ in _records(watch):
            live.update(progress_panel(watch.state, spec))


def _print_lines(watch: "Watch") -> None:
    """Print a line when a stage or a stack begins, and every ten seconds."""
    from budgetscope.cli.calibrate_view import progress_line

    spec = watch.folder.spec()
    seen: tuple[object, ...] = ()
    next_line = 0.0
    for _ in _records(watch):
        now = time.monotonic()
        milestone = (watch.state.stage, watch.state.running, watch.state.status)
        if watch.begun and (milestone != seen or now >= next_line):
            seen, next_line = milestone, now + _LINE_SECONDS
            sys.stdout.write(progress_line(watch.state, spec) + "\n")
            sys.stdout.flush()


def end(watch: "Watch", *, json: bool, accept: bool) -> None:
    """Say how a run ended; when it is done, store its fit and show what it changes.

    Raises:
        FailureError: it failed, or its worker died.
    """
    folder, state = watch.folder, watch.state
    failure = watch.failure()
    if failure:
        raise FailureError(failure)
    if state.status == "stopped":
        say(f"stopped ({state.reason}); go on with: budgetscope calibrate --resume {folder.handle}")
        if state.reason == "asked to stop":
            raise typer.Exit(INTERRUPTED)
        return
    if state.status == "failed":
        raise FailureError(f"{state.reason.rstrip('.')}; the run is kept as {folder.handle}.")
    store(folder, quiet=json, accept=accept)


def store(folder: "RunFolder", *, quiet: bool, accept: bool, again: bool = False) -> None:
    """Show how a run's fit differs from the active law, and put it among the user's own.

    What answers plans now stays until the user says otherwise: a fit of its name waits in the run's folder. One that
    was stored before is not stored again over what has its name since, unless asked.

    Args:
        folder: of the run.
        quiet: whether to leave the difference out.
        accept: make it the active law.
        again: store it even if it was stored before.

    Raises:
        UsageError: its name is that of a fit which ships with budgetscope.
    """
    from budgetscope.api import Advisor
    from budgetscope.calibrate.plan.request import is_bundled
    from budgetscope.cli.fits import _diff
    from budgetscope.cli.output import console
    from budgetscope.store.fit_library import load

    advisor = Advisor()
    fit = load(folder.fit_file)
    if not quiet:
        terminal = console()
        terminal.print()
        # Its flags are among what the difference says.
        _diff(advisor.differ(advisor.active_law, str(folder.fit_file)), terminal)
    if is_bundled(fit.id):
        raise UsageError(f"{fit.id} ships with budgetscope and stays as it is; the fit is kept in {folder.fit_file}.")
    if accept:
        say(f"{fit.id} is stored in {advisor.library.save(fit)}")
        folder.mark_stored()
        _, what = advisor.use(fit.id)
        say(f"{fit.id} is now the active {what}")
    elif advisor.is_default(fit.id) and advisor.library.get(fit.id) == fit:
        say(f"{fit.id} answers your plans already")
    elif advisor.is_default(fit.id):
        say(f"{fit.id} answers your plans and stays as it was; the fit of this run is kept in {folder.fit_file}")
        say(f"it takes its place with: budgetscope calibrate fit {folder.handle} --accept")
    elif folder.stored and not again:
        say(f"it was stored as {fit.id} before; again with: budgetscope calibrate fit {folder.handle}")
    else:
        say(f"{fit.id} is stored in {advisor.library.save(fit)}")
        folder.mark_stored()
        say(f"it becomes active with: budgetscope fits use {fit.id}")

"""Start and follow a run in the terminal, live, in lines or as events, to its end and its fit."""

import contextlib
import signal
import sys
import time
from typing import TYPE_CHECKING

import typer

from budgetscope.cli.readers import is_read
from budgetscope.core.errors import FailureError
from budgetscope.core.printable import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

    from budgetscope.api.calibration import Options, RunFolder, Stored, Watch, WorkerView
    from budgetscope.cli.acceptance import Acceptance

_LINE_SECONDS = 10.0
_LOOK_SECONDS = 1.0
"""Between looks at the workers of a run for signs of life."""
INTERRUPTED = 130
"""Exit code after Ctrl-C."""


def say(sentence: str) -> None:
    """Print a sentence on stderr; one that nobody reads is lost."""
    with contextlib.suppress(BrokenPipeError):
        sys.stderr.write("\n".join(map(printable, sentence.split("\n"))) + "\n")
        sys.stderr.flush()


def launch(
    folder: "RunFolder",
    chosen: "Options",
    *,
    detach: bool,
    json: bool,
    accept: "Acceptance | None",
    is_watched: bool = True,
) -> None:
    """Start the worker of a run and, unless detached, follow it to its end.

    Args:
        folder: of the run.
        chosen: where and how long it trains.
        detach: whether to return as soon as it trains.
        json: whether to print its events.
        accept: whether and how to make its fit the default.
        is_watched: whether somebody reads stdout; else the run goes on alone.

    Raises:
        FailureError: the worker cannot be started, failed, or died.
    """
    from budgetscope.api.calibration import start

    watch = start(folder, chosen)
    if detach:
        watch.leave()
        if json:
            sys.stdout.write(f"{folder.path}\n")
        say(f"{folder.name} trains in the background; budgetscope calibrate attach {folder.handle}")
        return
    with _interruptible(watch) as killed:
        is_watched = is_watched and is_read(lambda: follow(watch, json=json))
    if not is_watched and not watch.over:
        watch.leave()
        say_it_goes_on(folder)
        return
    if killed():
        say(f"go on with: budgetscope calibrate --resume {folder.handle}")
        raise typer.Exit(INTERRUPTED)
    end(watch, json=json, accept=accept)


@contextlib.contextmanager
def _interruptible(watch: "Watch") -> "Iterator[Callable[[], bool]]":
    """Let the first Ctrl-C stop the run cleanly and the second kill it; yield a function that says whether it did."""
    from budgetscope.api.calibration import ask_to_stop, kill

    asked = killed = False

    def interrupted(_: int, __: "FrameType | None") -> None:
        nonlocal asked, killed
        if watch.launch is None:
            return
        if asked:
            say("ending it at once; what it had finished is kept")
            killed = True
            kill(watch)
            return
        asked = True
        ask_to_stop(watch.folder)
        say("\nsaving and stopping; Ctrl-C again ends it at once")

    before = signal.signal(signal.SIGINT, interrupted)
    try:
        yield lambda: killed
    finally:
        signal.signal(signal.SIGINT, before)


def say_it_goes_on(folder: "RunFolder") -> None:
    """Say that a run goes on, though nobody reads the output any more."""
    say(
        f"nobody reads the output any more; {folder.name} goes on, budgetscope calibrate attach {folder.handle} shows "
        f"it, and budgetscope calibrate stop {folder.handle} ends it"
    )


def follow(watch: "Watch", *, json: bool) -> None:
    """Show a run until its worker has ended."""
    if json:
        _pass_events_on(watch)
    elif sys.stdout.isatty():
        _show_live(watch)
    else:
        _print_lines(watch)


def _pass_events_on(watch: "Watch") -> None:
    from budgetscope.api.calibration import event_line
    from budgetscope.api.calibration import follow as records_of

    for records in records_of(watch):
        sys.stdout.write("".join(map(event_line, records)))
        sys.stdout.flush()


def _show_live(watch: "Watch") -> None:
    from rich.live import Live

    from budgetscope.api.calibration import follow as records_of
    from budgetscope.api.calibration import worker_views
    from budgetscope.cli.calibrate_view import progress_panel
    from budgetscope.cli.output import console

    spec = watch.folder.spec()
    workers: tuple[WorkerView, ...] = ()
    next_look = 0.0
    with Live(console=console(), refresh_per_second=4) as live:
        for _ in records_of(watch):
            if len(watch.state.workers) > 1 and time.monotonic() >= next_look:
                workers, next_look = worker_views(watch.folder, watch.state), time.monotonic() + _LOOK_SECONDS
            live.update(progress_panel(watch.state, spec, workers))


def _print_lines(watch: "Watch") -> None:
    """Print a line at the start of a stage or a stack, and every ten seconds."""
    from budgetscope.api.calibration import follow as records_of
    from budgetscope.cli.calibrate_view import progress_line

    spec = watch.folder.spec()
    seen: tuple[object, ...] = ()
    next_line = 0.0
    for _ in records_of(watch):
        now = time.monotonic()
        milestone = (watch.state.stage, watch.state.running, watch.state.status)
        if watch.begun and (milestone != seen or now >= next_line):
            seen, next_line = milestone, now + _LINE_SECONDS
            sys.stdout.write(progress_line(watch.state, spec) + "\n")
            sys.stdout.flush()


def end(watch: "Watch", *, json: bool, accept: "Acceptance | None") -> None:
    """Say how a run ended; if it is done, store its fit and show what the fit changes.

    Raises:
        FailureError: the run failed, or its worker died.
    """
    folder, state = watch.folder, watch.state
    failure = watch.failure()
    if failure:
        raise FailureError(failure)
    if state.damage:
        say(state.damage)
    if state.status == "stopped":
        say(f"stopped ({state.reason}); go on with: budgetscope calibrate --resume {folder.handle}")
        if state.reason == "asked to stop":
            raise typer.Exit(INTERRUPTED)
        return
    if state.status == "failed":
        raise FailureError(f"{state.reason.rstrip('.')}; the run is kept as {folder.handle}.")
    store(folder, quiet=json, accept=accept)


def store(folder: "RunFolder", *, quiet: bool, accept: "Acceptance | None", again: bool = False) -> None:
    """Show how the fit of a run differs from the active law, store or accept it, and print the outcome.

    Args:
        folder: of the run.
        quiet: whether to leave the difference out.
        accept: whether and how to make the fit the default.
        again: whether to store a fit that was stored before.

    Raises:
        UsageError: its id is that of a bundled fit, or it is to be accepted and too small to plan by.
        FailureError: the fit cannot be read or stored.
    """
    from budgetscope.api import Advisor, calibration
    from budgetscope.cli.acceptance import agreed
    from budgetscope.cli.calibrate_view import show_exponents
    from budgetscope.cli.fits import show_difference
    from budgetscope.cli.output import console

    advisor = Advisor()

    def show() -> None:
        terminal = console()
        terminal.print()
        # The difference shows the flags of the fit too.
        show_difference(advisor.fit_library.difference(advisor.active_law, str(folder.fit_file)), terminal)
        show_exponents(calibration.stored_fit(folder), terminal)

    if not quiet:
        # The fit is stored, whether or not somebody reads what it changes.
        is_read(show)
    before = advisor.active_law
    if accept is not None:
        calibration.check_acceptable(folder)
    if accept is not None and agreed(advisor, str(folder.fit_file), accept, quiet=quiet):
        stored = calibration.accept(advisor, folder)
    else:
        stored = calibration.store(advisor, folder, again=again)
    for sentence in _outcome(stored, folder, before):
        say(sentence)


def _outcome(stored: "Stored", folder: "RunFolder", before: str) -> tuple[str, ...]:
    """Return sentences on the outcome, with the next command; `before` is the law that was active."""
    from budgetscope.api.calibration import Outcome
    from budgetscope.report.acceptance import way_back

    fit = stored.fit.id
    match stored.outcome:
        case Outcome.ACCEPTED:
            return (
                f"{fit} is stored in {stored.path}",
                f"{fit} is now the active {stored.role}; go back with: {way_back(before, fit)}",
            )
        case Outcome.IN_USE:
            return (f"{fit} answers your plans already",)
        case Outcome.WAITING:
            return (
                f"{fit} answers your plans and stays as it was; the fit of this run is kept in {folder.fit_file}",
                f"it takes its place with: budgetscope calibrate fit {folder.handle} --accept",
            )
        case Outcome.STORED_BEFORE:
            return (f"it was stored as {fit} before; again with: budgetscope calibrate fit {folder.handle}",)
        case Outcome.STORED if stored.fit.too_small:
            return f"{fit} is stored in {stored.path}", stored.fit.too_small
        case Outcome.STORED:
            return f"{fit} is stored in {stored.path}", f"it becomes active with: budgetscope fits use {fit}"

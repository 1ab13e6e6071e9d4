"""`calibrate`: train small models here, fit the laws to them, and compare with the active law."""

import sys
from typing import TYPE_CHECKING, Annotated, Self

import typer

from budgetscope.cli import options
from budgetscope.cli.calibrate_follow import INTERRUPTED, end, follow, launch, say, store
from budgetscope.core.errors import FailureError, UsageError

if TYPE_CHECKING:
    from budgetscope.calibrate.corpus import Progress
    from budgetscope.calibrate.plan.request import Ready, Request
    from budgetscope.calibrate.run.folder import RunFolder
    from budgetscope.calibrate.run.state import RunState

app = typer.Typer(help="Train small models on this machine and fit the laws to them.")

Run = Annotated[str, typer.Argument(help="Name of a run, its beginning, its folder, or `last`.", metavar="RUN")]
Accept = Annotated[bool, typer.Option("--accept", help="Make the fit the active law.")]

_PROBE_SECONDS = 60.0
_NEW = (
    "data",
    "preset",
    "minutes",
    "flops",
    "device",
    "gpu",
    "tokenizer",
    "vocab_size",
    "text_field",
    "seq_len",
    "name",
)
# What has an effect beside an option that takes another course than a new run from beginning to end.
_ALONE = {
    "resume": ("device", "gpu", "data", "text_field", "time_limit", "detach", "accept", "json"),
    "probe": ("device", "gpu", "json"),
    "dry_run": (*_NEW, "json"),
}


@app.callback(invoke_without_command=True)
def calibrate(
    context: typer.Context,
    data: Annotated[
        str | None, typer.Option(help="Text, JSONL, Parquet, a folder, tokens, or fineweb-edu-sample.", metavar="PATH")
    ] = None,
    preset: Annotated[str, typer.Option(help="smoke, quick, standard or deep.")] = "standard",
    minutes: Annotated[float | None, typer.Option(help="Time to spend.")] = None,
    flops: Annotated[str | None, typer.Option(help="Compute to spend, 6ND, like 1e17.", metavar="FLOPS")] = None,
    device: Annotated[str | None, typer.Option(help="cuda, mps or cpu; the best there is by default.")] = None,
    gpu: Annotated[int | None, typer.Option(help="Index of the GPU.")] = None,
    tokenizer: Annotated[str | None, typer.Option(help="bpe or bytes.")] = None,
    vocab_size: Annotated[int | None, typer.Option(help="Of the tokenizer; 4096 byte pairs by default.")] = None,
    text_field: Annotated[
        str | None, typer.Option(help="Field or column of the text; `text` by default.", metavar="NAME")
    ] = None,
    seq_len: options.SeqLen = None,
    name: Annotated[str | None, typer.Option(help="Id of the fit, like mine/lab.", metavar="ID")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the cells and their price; train nothing.")] = False,
    detach: Annotated[bool, typer.Option("--detach", help="Start it and return.")] = False,
    resume: Annotated[str | None, typer.Option(help="Go on with a run.", metavar="RUN")] = None,
    time_limit: Annotated[float | None, typer.Option(help="Stop cleanly after so many minutes.")] = None,
    probe: Annotated[bool, typer.Option("--probe", help="Measure how fast the device trains; a minute.")] = False,
    accept: Accept = False,
    json: Annotated[bool, typer.Option("--json", help="Print the run's events, one JSON object a line.")] = False,
) -> None:
    """Train a designed sweep of small models, fit the laws to it, and show what changes."""
    if context.invoked_subcommand is not None:
        return
    from budgetscope.calibrate.plan.request import DEFAULT_FIT, Request, check_device
    from budgetscope.calibrate.run.launch import Options
    from budgetscope.core.budget.quantities import parse_flops

    _check_together(context)
    _check_time_limit(time_limit)
    if probe:
        _probe(device, gpu, json=json)
        return
    if resume is not None:
        check_device(device, gpu)
        folder = _resumable(resume)
        again = None if data is None else _prepared_again(folder, data, text_field)
        # As for a new run: who names a GPU wants CUDA.
        kind = "cuda" if device is None and gpu is not None else device
        launch(folder, Options(time_limit, kind, gpu, again), detach=detach, json=json, accept=accept)
        return
    request = Request(
        preset=preset,
        minutes=minutes,
        flops=None if flops is None else parse_flops(flops),
        device=device,
        gpu=gpu,
        data=data,
        tokenizer=tokenizer,
        vocab_size=vocab_size,
        text_field=text_field,
        seq_len=seq_len,
        fit_id=name or DEFAULT_FIT,
    )
    ready = _ready(request)
    if dry_run:
        _show_dry_run(ready, json=json)
        return
    folder = _create(ready, json=json)
    launch(folder, Options(time_limit), detach=detach, json=json, accept=accept)


def _check_together(context: typer.Context) -> None:
    """Refuse options of which one would be ignored.

    Raises:
        UsageError: naming both.
    """
    given = [
        name for name in context.params if getattr(context.get_parameter_source(name), "name", "") == "COMMANDLINE"
    ]
    for name, others in _ALONE.items():
        ignored = next((other for other in given if other != name and other not in others), None)
        if name in given and ignored is not None:
            raise UsageError(f"{_flag(ignored)} has no effect with {_flag(name)}; leave one of them out.")
    if "detach" in given and "accept" in given:
        raise UsageError("--accept has no effect with --detach; give it to `budgetscope calibrate attach RUN` later.")


def _flag(parameter: str) -> str:
    return "--" + parameter.replace("_", "-")


def _check_time_limit(minutes: float | None) -> None:
    if minutes is not None and not 0 < minutes <= 1e5:
        raise UsageError(f"--time-limit {minutes:g} is out of bounds; give minutes from 0 to 1e5.")


def _ready(request: "Request") -> "Ready":
    from budgetscope.calibrate.plan.request import ready

    with _corpus_progress() as report:
        return ready(request, on_corpus=report, say=say)


class _corpus_progress:  # noqa: N801 - used as a function
    """Shows the preparation of the data: a line a stage, and its share on a terminal."""

    def __init__(self) -> None:
        self._stage = ""
        self._terminal = sys.stderr.isatty()

    def __enter__(self) -> Self:
        return self

    def __call__(self, progress: "Progress") -> None:
        share = f" {progress.done / progress.total:4.0%}" if progress.total else ""
        if self._terminal:
            sys.stderr.write(f"\r\x1b[K{progress.stage}{share}")
            sys.stderr.flush()
        elif progress.stage != self._stage:
            say(progress.stage)
        self._stage = progress.stage

    def __exit__(self, *_: object) -> None:
        if self._terminal and self._stage:
            sys.stderr.write("\r\x1b[K")


def _show_dry_run(ready: "Ready", *, json: bool) -> None:
    from budgetscope.cli.calibrate_view import show_cells, show_price
    from budgetscope.cli.output import console

    if json:
        import json as codec

        from budgetscope.calibrate.record import plain

        sys.stdout.write(codec.dumps({"spec": plain(ready.spec), "price": plain(ready.price)}) + "\n")
        return
    terminal = console()
    show_price(ready, terminal)
    show_cells(ready, terminal)


def _create(ready: "Ready", *, json: bool) -> "RunFolder":
    from rich.console import Console

    from budgetscope.calibrate.run.folder import RunFolder
    from budgetscope.cli.calibrate_view import show_price
    from budgetscope.cli.output import console

    show_price(ready, Console(stderr=True, markup=False, highlight=False) if json else console())
    return RunFolder.create(ready.spec)


def _resumable(name: str) -> "RunFolder":
    """Return a run that can go on.

    Raises:
        UsageError: there is none of that name, or it is done.
    """
    from budgetscope.calibrate.environment import require_extra
    from budgetscope.calibrate.run.folder import RunFolder

    require_extra()
    folder = RunFolder.find(name)
    folder.spec()
    if folder.state().status == "done":
        raise UsageError(f"the run {folder.name!r} is done; `budgetscope calibrate fit {folder.handle}` shows its fit.")
    return folder


def _prepared_again(folder: "RunFolder", data: str, text_field: str | None) -> str:
    """Return where a run's data is now: as it was prepared for the run, wherever it was moved to."""
    from budgetscope.calibrate.plan.request import prepare_again

    with _corpus_progress() as report:
        return str(prepare_again(folder.spec(), data, text_field, on_corpus=report).path.absolute())


def _probe(device: str | None, gpu: int | None, *, json: bool) -> None:
    from budgetscope.calibrate.environment import measure, require_extra
    from budgetscope.calibrate.record import plain
    from budgetscope.cli.output import console, table

    require_extra()
    say(f"measuring for about {_PROBE_SECONDS:g} s")
    found = measure(device, gpu, _PROBE_SECONDS)
    if json:
        import json as codec

        sys.stdout.write(codec.dumps(plain(found), indent=2) + "\n")
        return
    rows = [
        (str(width), f"{rate / 1e12:.4g}", f"{rate / found.matrix_flops_per_s:.1%}")
        for width, rate in sorted(found.training_flops_per_s.items())
    ]
    terminal = console()
    terminal.print(f"{found.device.name}: large matrix products at {found.matrix_flops_per_s / 1e12:.4g} TFLOP/s")
    terminal.print(table(("width", "training TFLOP/s", "of the matrix rate"), rows))
    terminal.print(f"MFU {found.mfu:.1%}, stored for later designs", style="dim")


@app.command("list")
def list_all() -> None:
    """List every run, the latest first."""
    from budgetscope.calibrate.run.folder import list_runs
    from budgetscope.calibrate.text import status_word
    from budgetscope.cli.output import console, table

    rows = []
    for folder in list_runs():
        try:
            state = folder.state()
        except FailureError as error:
            say(f"skipped: {error}")
            continue
        owner = folder.owner()
        done = sum(s.finished for s in state.cells.values())
        word = status_word(state, alive=owner is not None and owner.alive)
        rows.append((folder.name, word, str(state.stage or "-"), f"{done} of {len(state.cells)}", state.fit_id or "-"))
    console().print(table(("run", "status", "stage", "cells", "fit"), rows))


@app.command()
def status(run: Run, json: options.Json = False) -> None:
    """Say where a run is."""
    from budgetscope.calibrate.run.folder import RunFolder
    from budgetscope.cli.calibrate_view import show_status
    from budgetscope.cli.output import console

    folder = RunFolder.find(run)
    spec, state = folder.spec(), folder.state()
    if json:
        _status_json(folder, state)
        return
    show_status(folder, state, spec, console())


def _status_json(folder: "RunFolder", state: "RunState") -> None:
    import json as codec

    from budgetscope.calibrate.record import plain
    from budgetscope.calibrate.text import status_word

    owner = folder.owner()
    alive = owner is not None and owner.alive
    record = {"run": folder.name, **plain(state), "status": status_word(state, alive=alive), "worker": None}
    if owner is not None and alive:
        record["worker"] = {"pid": owner.pid, "host": owner.host, "silent_seconds": round(owner.age, 1)}
    sys.stdout.write(codec.dumps(record, indent=2) + "\n")


@app.command()
def attach(
    run: Run,
    accept: Accept = False,
    json: Annotated[bool, typer.Option("--json", help="Print the run's events, one JSON object a line.")] = False,
) -> None:
    """Watch a run; Ctrl-C leaves it running."""
    from budgetscope.calibrate.run.folder import RunFolder
    from budgetscope.calibrate.run.launch import Watch

    folder = RunFolder.find(run)
    folder.spec()
    watch = Watch(folder)
    try:
        follow(watch, json=json)
    except KeyboardInterrupt:
        say(f"\n{folder.name} goes on; budgetscope calibrate stop {folder.handle} ends it")
        raise typer.Exit(INTERRUPTED) from None
    end(watch, json=json, accept=accept)


@app.command()
def stop(run: Run) -> None:
    """Stop a run cleanly; it can be resumed."""
    from budgetscope.calibrate.run.folder import RunFolder
    from budgetscope.calibrate.run.launch import stop as stop_worker

    folder = RunFolder.find(run)
    how = stop_worker(folder)
    say(f"{folder.name} {how}; go on with: budgetscope calibrate --resume {folder.handle}")


@app.command()
def fit(run: Run, accept: Accept = False) -> None:
    """Fit a run as far as it got, say what is missing, and show what the fit changes."""
    from budgetscope.calibrate.fit import build_fit
    from budgetscope.calibrate.run.folder import RunFolder
    from budgetscope.store.files import write_atomically
    from budgetscope.store.fit_schema import dump

    folder = RunFolder.find(run)
    write_atomically(folder.fit_file, dump(build_fit(folder.state(), folder.spec())))
    store(folder, quiet=False, accept=accept, again=True)

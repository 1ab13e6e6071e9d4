"""`calibrate`: train a sweep of small models on this machine, fit the laws to it, and compare with the active law."""

import contextlib
import sys
from typing import TYPE_CHECKING, Annotated, Self

import typer

from budgetscope.api.fields import DECAY, MINUTES, WORKERS
from budgetscope.cli import options
from budgetscope.cli.acceptance import acceptance, foretold
from budgetscope.cli.calibrate_follow import INTERRUPTED, end, follow, launch, say, say_it_goes_on, store
from budgetscope.cli.help import SectionedGroup, examples
from budgetscope.cli.readers import is_read
from budgetscope.core.counting.ledger import MAX_COUNT
from budgetscope.core.errors import BudgetscopeError, UsageError
from budgetscope.core.language import _

if TYPE_CHECKING:
    from budgetscope.api.calibration import Progress, Ready, RunFolder, RunStatus

app = typer.Typer(
    cls=SectionedGroup,
    epilog=examples("calibrate --dry-run", "calibrate --data corpus/ --minutes 20 --gpu 0", "calibrate attach RUN"),
    help="Train small models on this machine and fit the laws to them.",
)

Run = Annotated[str, typer.Argument(help="Name of a run, its beginning, its folder, or `last`.", metavar="RUN")]
Accept = Annotated[bool, typer.Option("--accept", help="Make the fit the active law, after a question.")]
At = Annotated[str | None, typer.Option(help="Budget at which the change is shown.", metavar="BUDGET")]
Yes = Annotated[bool, typer.Option("--yes", help="Accept without a question.")]

_PROBE_SECONDS = 60.0
_NEW = (
    "data",
    "preset",
    "minutes",
    "flops",
    "device",
    "gpu",
    "engine",
    "workers",
    "slurm",
    "tokenizer",
    "vocab_size",
    "text_field",
    "seq_len",
    "decay",
    "name",
)
# Options that replace or change the course of a new run, and the options that have an effect beside each.
_ALONE = {
    "resume": (
        "device",
        "gpu",
        "engine",
        "workers",
        "slurm",
        "data",
        "text_field",
        "tokenizer",
        "time_limit",
        "detach",
        "accept",
        "at",
        "yes",
        "json",
    ),
    "probe": ("device", "gpu", "json"),
    "dry_run": (*_NEW, "at", "json"),
}


@app.callback(invoke_without_command=True)
def calibrate(
    context: typer.Context,
    data: Annotated[
        list[str] | None,
        typer.Option(
            help="Text, JSONL, Parquet, a folder, tokens, or fineweb-edu-sample; several of them as PATH=SHARE.",
            metavar="PATH",
        ),
    ] = None,
    preset: Annotated[str, typer.Option(help="smoke, quick, standard or deep.")] = "standard",
    minutes: Annotated[float | None, options.option(MINUTES)] = None,
    flops: Annotated[str | None, typer.Option(help="Compute to spend, 6ND, like 1e17.", metavar="FLOPS")] = None,
    device: Annotated[str | None, typer.Option(help="cuda, mps or cpu; the best there is by default.")] = None,
    gpu: Annotated[
        str | None, typer.Option("--gpu", "--gpus", help="GPUs, like 0, or 0,1,2,3, or all.", metavar="INDICES")
    ] = None,
    engine: Annotated[str | None, typer.Option(help="What places the workers: local, slurm or ray.")] = None,
    workers: Annotated[int | None, options.option(WORKERS)] = None,
    slurm: Annotated[
        str, typer.Option(help="Options of sbatch, like '--partition=gpu --time=2:00:00'.", metavar="OPTIONS")
    ] = "",
    tokenizer: Annotated[str | None, typer.Option(help="bpe, bytes, or your tokenizer.json.", metavar="NAME")] = None,
    vocab_size: Annotated[
        int | None, options.whole("vocab_size", "Of the tokenizer; 4096 byte pairs by default.", 1, MAX_COUNT)
    ] = None,
    text_field: Annotated[
        str | None, typer.Option(help="Field or column of the text; `text` by default.", metavar="NAME")
    ] = None,
    seq_len: options.SeqLen = None,
    decay: Annotated[float | None, options.option(DECAY)] = None,
    name: Annotated[str | None, typer.Option(help="Id of the fit, like mine/lab.", metavar="ID")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the cells and their price; train nothing.")] = False,
    detach: Annotated[bool, typer.Option("--detach", help="Start it and return.")] = False,
    resume: Annotated[str | None, typer.Option(help="Go on with a run.", metavar="RUN")] = None,
    time_limit: Annotated[
        float | None, options.number("time_limit", "Stop cleanly after so many minutes.", 0, 100_000)
    ] = None,
    probe: Annotated[bool, typer.Option("--probe", help="Measure how fast the device trains; a minute.")] = False,
    accept: Accept = False,
    at: At = None,
    yes: Yes = False,
    json: Annotated[bool, typer.Option("--json", help="Print the run's events, one JSON object a line.")] = False,
) -> None:
    """Train a designed sweep of small models, fit the laws to it, and show what changes."""
    from budgetscope.api.language import use_language

    use_language(context.find_root().params.get("lang"))
    if context.invoked_subcommand is not None:
        return
    from budgetscope.api import calibration
    from budgetscope.core.budget.quantities import parse_flops

    _check_together(context)
    _check_time_limit(time_limit)
    new = resume is None and not probe
    how = acceptance(accept=accept, budget=None if new and not accept else at, yes=yes)
    gpus = None if gpu is None else calibration.parse_gpus(gpu)
    # At --resume the engine may be that of the launch before.
    calibration.check_placement(device, gpus, engine, workers, slurm if resume is None or engine else "")
    if probe:
        _probe(device, _one(gpus), json=json)
        return
    if resume is not None:
        folder = calibration.find_resumable(resume)
        again = _prepared_again(folder, data, text_field, tokenizer) if data else None
        chosen = calibration.resuming(folder, device, gpus, engine, workers, slurm, data=again, minutes=time_limit)
        launch(folder, chosen, detach=detach, json=json, accept=how)
        return
    request = calibration.Request(
        preset=preset,
        minutes=minutes,
        flops=None if flops is None else parse_flops(flops),
        device=device,
        gpus=gpus,
        engine=engine or "local",
        workers=workers,
        data=tuple(data or ()),
        tokenizer=tokenizer,
        vocab_size=vocab_size,
        text_field=text_field,
        seq_len=seq_len,
        decay=decay,
        fit_id=name or calibration.DEFAULT_FIT,
    )
    with _corpus_progress() as report:
        ready = calibration.prepare(request, on_corpus=report, say=say)
    if dry_run:
        _show_dry_run(ready, at, slurm, json=json)
        return
    is_watched = _show_price(ready, at, json=json)
    folder = calibration.create(ready)
    chosen = calibration.Options(time_limit, engine=engine or "local", submit=slurm)
    launch(folder, chosen, detach=detach, json=json, accept=how, is_watched=is_watched)


def _check_together(context: typer.Context) -> None:
    """Refuse an option that another one makes ineffective.

    Raises:
        UsageError: it names both.
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


class _corpus_progress:  # noqa: N801 - used as a function
    """Shows the preparation of the data: one line per stage; on a terminal also its share."""

    def __init__(self) -> None:
        self._stage = ""
        self._terminal = sys.stderr.isatty()

    def __enter__(self) -> Self:
        return self

    def __call__(self, progress: "Progress") -> None:
        share = f" {progress.done / progress.total:4.0%}" if progress.total else ""
        if self._terminal:
            sys.stderr.write(f"\r\x1b[K{_(progress.stage)}{share}")
            sys.stderr.flush()
        elif progress.stage != self._stage:
            say(_(progress.stage))
        self._stage = progress.stage

    def __exit__(self, *_: object) -> None:
        if self._terminal and self._stage:
            sys.stderr.write("\r\x1b[K")


def _show_dry_run(ready: "Ready", budget: str | None, slurm: str, *, json: bool) -> None:
    from budgetscope.api.calibration import slurm_script
    from budgetscope.cli.calibrate_view import show_cells, show_price
    from budgetscope.cli.output import console

    if json:
        import json as codec

        from budgetscope.api.calibration import to_record

        sys.stdout.write(codec.dumps({"spec": to_record(ready.spec), "price": to_record(ready.price)}) + "\n")
        return
    terminal = console()
    show_price(ready, foretold(ready, budget), terminal)
    show_cells(ready, terminal)
    script = slurm_script(ready, slurm)
    if script:
        from rich.text import Text

        terminal.print(Text(f"\n{script}"), soft_wrap=True)


def _show_price(ready: "Ready", budget: str | None, *, json: bool) -> bool:
    """Show the price of a run, beside events on stderr; return whether somebody reads stdout."""
    from budgetscope.cli.calibrate_view import show_price
    from budgetscope.cli.output import console

    if not json:
        return is_read(lambda: show_price(ready, foretold(ready, budget), console()))
    with contextlib.suppress(BrokenPipeError):
        show_price(ready, foretold(ready, budget), console(stderr=True))
    return True


def _prepared_again(folder: "RunFolder", data: list[str], text_field: str | None, tokenizer: str | None) -> str:
    """Return the path of the tokens of a run whose data has moved."""
    from budgetscope.api.calibration import prepare_data_again

    with _corpus_progress() as report:
        return prepare_data_again(folder, data, text_field, tokenizer, on_corpus=report)


def _one(gpus: tuple[int, ...] | None) -> int | None:
    """Return the one GPU to measure.

    Raises:
        UsageError: several are named.
    """
    if gpus is not None and len(gpus) != 1:
        raise UsageError("--probe measures one GPU; name one, like --gpu 0.")
    return None if gpus is None else gpus[0]


def _probe(device: str | None, gpu: int | None, *, json: bool) -> None:
    from budgetscope.api import calibration
    from budgetscope.cli.output import console, table

    calibration.require_extra()
    say(f"measuring for about {_PROBE_SECONDS:g} s")
    found = calibration.probe(device, gpu, _PROBE_SECONDS)
    if json:
        import json as codec

        sys.stdout.write(codec.dumps(calibration.to_record(found), indent=2) + "\n")
        return
    rows = [
        (str(width), f"{rate / 1e12:.4g}", f"{rate / found.matrix_flops_per_s:.1%}")
        for width, rate in sorted(found.training_flops_per_s.items())
    ]
    terminal = console()
    told = _("{device}: large matrix products at {rate} TFLOP/s")
    terminal.print(told.format(device=found.device.name, rate=f"{found.matrix_flops_per_s / 1e12:.4g}"))
    terminal.print(table((_("width"), _("training TFLOP/s"), _("of the matrix rate")), rows))
    terminal.print(_("MFU {mfu}, stored for later designs").format(mfu=f"{found.mfu:.1%}"), style="dim")


@app.command("list")
def list_all() -> None:
    """List every run, the latest first."""
    from budgetscope.api import calibration
    from budgetscope.cli.output import console, table

    rows = []
    for folder in calibration.list_runs():
        try:
            found = calibration.status(folder)
        except BudgetscopeError as error:
            say(f"skipped: {error}")
            continue
        state = found.state
        if state.damage:
            say(f"{folder.name}: {state.damage}")
        done = _("{some} of {all}").format(some=sum(s.finished for s in state.cells.values()), all=len(state.cells))
        rows.append(
            (
                folder.name,
                calibration.texts.status_text(found.status),
                str(state.stage or "-"),
                done,
                state.fit_id or "-",
            )
        )
    console().print(table((_("run"), _("status"), _("stage"), _("cells"), _("fit")), rows))


@app.command()
def status(run: Run, json: options.Json = False) -> None:
    """Say where a run is."""
    from budgetscope.api import calibration
    from budgetscope.cli.calibrate_view import show_status
    from budgetscope.cli.output import console

    folder = calibration.find(run)
    spec, found = folder.spec(), calibration.status(folder)
    if json:
        _status_json(folder, found)
        return
    show_status(folder, found, spec, console())


def _status_json(folder: "RunFolder", found: "RunStatus") -> None:
    import json as codec

    from budgetscope.api.calibration import to_record

    workers = [
        {**to_record(view.state), "alive": view.alive, "silent_seconds": view.silent_seconds} for view in found.workers
    ]
    record = {"run": folder.name, **to_record(found.state), "status": found.status, "workers": workers}
    record["queue"] = found.queue
    sys.stdout.write(codec.dumps(record, indent=2) + "\n")


@app.command()
def attach(
    run: Run,
    accept: Accept = False,
    at: At = None,
    yes: Yes = False,
    json: Annotated[bool, typer.Option("--json", help="Print the run's events, one JSON object a line.")] = False,
) -> None:
    """Watch a run; Ctrl-C leaves it running."""
    from budgetscope.api import calibration

    how = acceptance(accept=accept, budget=at, yes=yes)
    folder = calibration.find(run)
    watch = calibration.attach(folder)
    try:
        is_watched = is_read(lambda: follow(watch, json=json))
    except KeyboardInterrupt:
        say(f"\n{folder.name} goes on; budgetscope calibrate stop {folder.handle} ends it")
        raise typer.Exit(INTERRUPTED) from None
    if not is_watched and not watch.over:
        say_it_goes_on(folder)
        return
    end(watch, json=json, accept=how)


@app.command()
def stop(run: Run) -> None:
    """Stop a run cleanly; it can be resumed."""
    from budgetscope.api import calibration

    folder = calibration.find(run)
    how = calibration.stop(folder, say=say)
    say(f"{folder.name} {how}; go on with: budgetscope calibrate --resume {folder.handle}")


@app.command()
def fit(run: Run, accept: Accept = False, at: At = None, yes: Yes = False) -> None:
    """Fit a run as far as it got, say what is missing, and show what the fit changes."""
    from budgetscope.api import calibration

    how = acceptance(accept=accept, budget=at, yes=yes)
    folder = calibration.find(run)
    calibration.refit(folder)
    store(folder, quiet=False, accept=how, again=True)

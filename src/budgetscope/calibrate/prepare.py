"""Prepare a run: data tokenized, device looked at, design priced."""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from budgetscope._version import __version__
from budgetscope.calibrate.corpus.model import Corpus
from budgetscope.calibrate.corpus.prepare import holds_tokens, prepare, prepare_mix
from budgetscope.calibrate.corpus.progress import Report
from budgetscope.calibrate.corpus.tokenizer import TOKENIZER_NAME
from budgetscope.calibrate.environment import (
    check_workers,
    crowding,
    known_probe,
    look,
    measure,
    read_probes,
    require_extra,
)
from budgetscope.calibrate.plan.bounds import FLOPS_BOUNDS, MINUTES_BOUNDS
from budgetscope.calibrate.plan.cells import Cell
from budgetscope.calibrate.plan.design import PRESETS, Design, design
from budgetscope.calibrate.plan.device import DeviceFacts, Rate
from budgetscope.calibrate.plan.ladder import ladder
from budgetscope.calibrate.plan.mixture import parse_data
from budgetscope.calibrate.plan.price import law_flops, price
from budgetscope.calibrate.plan.request import Ready, Request
from budgetscope.calibrate.plan.spec import BUILT_IN_CAUTION, VERSION, CorpusFacts, Spec
from budgetscope.calibrate.texts import duration
from budgetscope.core.errors import UsageError
from budgetscope.core.language import _
from budgetscope.core.stored_words import stored_text
from budgetscope.store.files import exists

PROBE_SECONDS = 20.0
"""Seconds of the probe that precedes a design on a device without a stored rate."""

_SECONDS_PER_MINUTE = 60.0
# A design that takes less than this share of its limit ends where the ladder of sizes ends.
_MUCH_LEFT = 0.5
# The same for every preset: shorter sequences take more micro-steps for their tokens, and on a GPU a short one costs as
# much as a long one, so that a small design could cost more than a large one.
_SEQ_LEN = {"cuda": 512, "mps": 256, "cpu": 128}
# A GPU with less than this share of its memory free is in use by another process.
_BUSY_SHARE = 0.5
# From this factor on, a busy processor is told: less is within the price's error.
_CROWDED = 1.25


def prepare_run(request: Request, *, on_corpus: Report, say: Callable[[str], None]) -> Ready:
    """Prepare the data, look at the device, design the run and price it.

    Args:
        request: the options of the run.
        on_corpus: called with the progress of the data's preparation.
        say: called with a sentence for each slow step and each decision.

    Raises:
        BudgetscopeError: an option is contradictory, out of bounds or names something that does not exist.
    """
    request.check()
    require_extra()
    facts = _device(request)
    gpus, workers = _workers(request, facts)
    if facts.free_bytes is not None and facts.total_bytes and facts.free_bytes < _BUSY_SHARE * facts.total_bytes:
        say(
            _("{device} is busy: {free} of {total} GB are free; stacks will be smaller and slower.").format(
                device=facts.name, free=f"{facts.free_bytes / 1e9:.0f}", total=f"{facts.total_bytes / 1e9:.0f}"
            )
        )
    corpus = _corpus(request, facts.device, on_corpus)
    seq_len = request.seq_len or _SEQ_LEN[facts.device]
    smallest = ladder(corpus.vocab_size, seq_len)[0]
    corpus.tokens.check(smallest)
    rate = _rate(request, facts, say)
    limit, cost, amount = _limit(request, rate, workers)
    decay = request.decay or 0.0
    most = FLOPS_BOUNDS[1] if request.flops is not None else MINUTES_BOUNDS[1] * _SECONDS_PER_MINUTE
    planned: Design = design(request.preset, limit, cost, corpus.vocab_size, seq_len, amount, decay, most)
    facts_of_data = corpus_facts(corpus, built_in=not request.data)
    priced = price(planned, rate, facts_of_data, workers)
    spent = cost((*planned.stage1, *planned.stage2))
    if spent < _MUCH_LEFT * limit:
        left = _("The ladder of sizes ends: this design takes {spent} of the {limit} that were given.").format(
            spent=amount(spent), limit=amount(limit)
        )
        priced = replace(priced, cautions=(*priced.cautions, left))
    slower = crowding() if facts.device == "cpu" and request.engine == "local" else 1.0
    if slower > _CROWDED:
        busy = _("Other work keeps the processors busy: expect about {time} at this load.").format(
            time=duration(slower * priced.seconds)
        )
        priced = replace(priced, cautions=(*priced.cautions, busy))
    if not request.data:
        own = _("{caution} Give your own with --data.").format(caution=stored_text(BUILT_IN_CAUTION))
        priced = replace(priced, cautions=(*priced.cautions, own))
    now = datetime.now(UTC)
    spec = Spec(
        v=VERSION,
        run=f"{now:%Y%m%d-%H%M%S}-{request.preset}-{secrets.token_hex(2)}",
        created=f"{now:%Y-%m-%dT%H:%M:%SZ}",
        fit_id=request.fit_id,
        device=facts.device,
        device_index=gpus[0] if gpus else facts.index if request.engine == "local" else None,
        corpus=facts_of_data,
        design=planned,
        expected_seconds=priced.seconds,
        version=__version__,
        workers=workers,
        gpus=gpus if len(gpus) > 1 else (),
        rate=rate,
    )
    return Ready(spec, priced, facts, request.engine)


def corpus_facts(corpus: Corpus, *, built_in: bool = False) -> CorpusFacts:
    """Return the facts of a corpus that a spec keeps."""
    return CorpusFacts(
        title=corpus.title,
        path=str(corpus.path.absolute()),
        sha256=corpus.sha256,
        tokenizer=corpus.meta.tokenizer,
        vocab_size=corpus.vocab_size,
        bytes_per_token=corpus.bytes_per_token,
        train_tokens=len(corpus.train),
        validation_tokens=len(corpus.validation),
        built_in=built_in,
        tokenizer_sha256=corpus.meta.tokenizer_sha256,
        sources=corpus.meta.sources,
    )


def _device(request: Request) -> DeviceFacts:
    if request.device == "cpu" and request.preset == "smoke":
        # Loading torch would take seconds, only to report a processor.
        return DeviceFacts("cpu", None, "cpu", None, None, "")
    if request.engine != "local":
        return _elsewhere(request)
    # Of several GPUs, that with the highest index shows whether all of them are here.
    return look(request.device, max(request.gpus) if request.gpus else 0 if request.gpus == () else None)


def _elsewhere(request: Request) -> DeviceFacts:
    """Return the facts of the device of an engine's workers, which this machine may lack."""
    kind = request.device or "cuda"
    known = [probe for probe in read_probes() if probe.device.device == kind]
    if not known:
        return DeviceFacts(kind, None, kind, None, None, "")
    return replace(max(known, key=lambda probe: probe.measured).device, index=None, free_bytes=None)


def _workers(request: Request, facts: DeviceFacts) -> tuple[tuple[int, ...], int]:
    """Return the indices of this machine's GPUs that train, and the number of workers."""
    if request.engine != "local":
        return (), request.workers or 1
    if facts.device != "cuda":
        check_workers(facts.device, request.workers or 1)
        return (), request.workers or 1
    gpus = request.gpus
    if gpus == ():
        gpus = tuple(range(facts.count))
    elif gpus is None:
        gpus = tuple(range(request.workers or 1))
    if request.workers is not None and request.workers != len(gpus):
        raise UsageError(
            f"--workers {request.workers} contradicts --gpu all: there are {len(gpus)}; give one of the two."
        )
    if max(gpus) >= facts.count:
        raise UsageError(f"--workers {request.workers} needs as many GPUs, and there are {facts.count} here.")
    return gpus, len(gpus)


def _corpus(request: Request, device: str, report: Report) -> Corpus:
    # On a processor a head over thousands of tokens would cost more than the rest of the model.
    small = request.preset == "smoke" or device == "cpu"
    tokenizer = request.tokenizer or ("bytes" if small and request.vocab_size is None else "bpe")
    return _prepared(request.data, request.vocab_size, tokenizer, request.text_field, report)


def _prepared(
    data: Sequence[str], vocab_size: int | None, tokenizer: str, text_field: str | None, report: Report
) -> Corpus:
    sources = parse_data(data) if data else ()
    field = text_field or "text"
    if len(sources) > 1:
        return prepare_mix(sources, vocab_size=vocab_size, tokenizer=tokenizer, text_field=field, progress=report)
    source = sources[0].name if sources else None
    return prepare(source, vocab_size=vocab_size, tokenizer=tokenizer, text_field=field, progress=report)


def prepare_data_again(
    spec: Spec, data: Sequence[str], text_field: str | None, tokenizer: str | None = None, *, on_corpus: Report
) -> Corpus:
    """Return the data of a run that is resumed.

    Args:
        spec: of the run.
        data: as `Request.data`: text, tokens, or a folder that was prepared before.
        text_field: as `Request.text_field`.
        tokenizer: file of the user's own; None takes the copy beside the prepared tokens of the run.
        on_corpus: called with the progress of the data's preparation.

    Raises:
        BudgetscopeError: the data does not exist, or is not what the run began with.
    """
    facts = spec.corpus
    own = facts.tokenizer_sha256 is not None
    if tokenizer is not None and not own:
        raise UsageError(f"run {spec.run!r} began with no tokenizer of your own; leave --tokenizer out.")
    if own and tokenizer is None and not (len(data) == 1 and holds_tokens(Path(data[0]).expanduser())):
        copy = Path(facts.path) / TOKENIZER_NAME
        if not exists(copy):
            raise UsageError(
                f"run {spec.run!r} began with the tokenizer {facts.tokenizer}; name its {TOKENIZER_NAME} with "
                "--tokenizer."
            )
        tokenizer = str(copy)
    name = tokenizer or ("bytes" if facts.tokenizer == "bytes" and not own else "bpe")
    corpus = _prepared(data, None if own else facts.vocab_size, name, text_field, on_corpus)
    if corpus.sha256 != facts.sha256:
        with_it = f" and {tokenizer!r} its tokenizer" if own else ""
        named = " ".join(f"--data {text!r}" for text in data)
        raise UsageError(
            f"{named} is not the data{with_it} that run {spec.run!r} began with, {facts.title}; name that."
        )
    return corpus


def _rate(request: Request, facts: DeviceFacts, say: Callable[[str], None]) -> Rate:
    if request.preset == "smoke":
        return Rate.assumed(facts.device)
    if request.engine != "local":
        known = [probe for probe in read_probes() if probe.device.device == facts.device]
        if known:
            told = _("priced by the measured rate of {device}; the workers' devices may differ")
            say(told.format(device=facts.name))
            return max(known, key=lambda probe: probe.measured).rate
        say(
            _(
                "no device was measured here, so the price is by assumed rates; on a machine of the cluster, "
                "`budgetscope calibrate --probe` measures one"
            )
        )
        return Rate.assumed(facts.device)
    known_rate = known_probe(facts)
    if known_rate is None:
        told = _("measuring how fast {device} trains ({n} s, once)")
        say(told.format(device=facts.name, n=f"{PROBE_SECONDS:g}"))
        known_rate = measure(request.device, facts.index, PROBE_SECONDS)
    return known_rate.rate


def _limit(
    request: Request, rate: Rate, workers: int
) -> tuple[float, Callable[[Sequence[Cell]], float], Callable[[float], str]]:
    """Return the limit, the function that gives a design's cost in the same unit, and the format of an amount."""
    if request.flops is not None:
        return request.flops, law_flops, "{:.3g} FLOPs".format
    minutes = PRESETS[request.preset].minutes if request.minutes is None else request.minutes

    def seconds(cells: Sequence[Cell]) -> float:
        return rate.wall_seconds(cells, workers)

    return minutes * _SECONDS_PER_MINUTE, seconds, _minutes


def _minutes(seconds: float) -> str:
    return _("{n} minutes").format(n=f"{seconds / _SECONDS_PER_MINUTE:.3g}")

"""From what a user asks to a run that is ready to start: data prepared, device looked at, design priced."""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import budgetscope
from budgetscope.calibrate.corpus import Corpus, prepare
from budgetscope.calibrate.corpus.model import Report
from budgetscope.calibrate.corpus.sampling import Tokens
from budgetscope.calibrate.environment import DeviceFacts, known_probe, look, measure, require_extra
from budgetscope.calibrate.plan.cells import Cell
from budgetscope.calibrate.plan.design import PRESETS, Design, design
from budgetscope.calibrate.plan.ladder import ladder
from budgetscope.calibrate.plan.price import Price, Rate, law_flops, price
from budgetscope.calibrate.plan.spec import BUILT_IN_CAUTION, VERSION, CorpusFacts, Spec
from budgetscope.calibrate.train.device import DEVICES
from budgetscope.core.errors import FailureError, UsageError
from budgetscope.store.fit_schema import check_id
from budgetscope.store.locations import bundled_fits

PROBE_SECONDS = 20.0
"""That the rate is measured for before a design, on a device that was never measured."""
DEFAULT_FIT = "mine/calibrated"

_SECONDS_PER_MINUTE = 60.0
# Less than this share of a limit is only left because there are no larger models.
_MUCH_LEFT = 0.5
_SEQ_LEN = {"cuda": 512, "mps": 256, "cpu": 128}
_SMOKE_SEQ_LEN = 64
# Of the memory of a GPU: with less free, somebody else is using it.
_BUSY_SHARE = 0.5


@dataclass(frozen=True, slots=True)
class Request:
    """What a user asks of a new calibration; None is unsaid.

    Attributes:
        preset: a key of `PRESETS`.
        minutes: to spend.
        flops: to spend, 6 N D.
        device: `cuda`, `mps` or `cpu`.
        gpu: index of the GPU.
        data: a path or `fineweb-edu-sample`.
        tokenizer: `bpe` or `bytes`.
        vocab_size: of the tokenizer.
        text_field: the field or column with the text, in JSONL and Parquet.
        seq_len: training context in tokens.
        fit_id: under which the fit is stored.
    """

    preset: str = "standard"
    minutes: float | None = None
    flops: float | None = None
    device: str | None = None
    gpu: int | None = None
    data: str | None = None
    tokenizer: str | None = None
    vocab_size: int | None = None
    text_field: str | None = None
    seq_len: int | None = None
    fit_id: str = DEFAULT_FIT

    def check(self) -> None:
        """Refuse what contradicts itself or cannot be.

        Raises:
            UsageError: naming it.
        """
        if self.preset not in PRESETS:
            raise UsageError(f"{self.preset!r} is not a preset; choose one of {', '.join(PRESETS)}.")
        check_device(self.device, self.gpu)
        if self.minutes is not None and self.flops is not None:
            raise UsageError("--minutes and --flops exclude each other; give one.")
        for name, value, low, high in (
            ("--minutes", self.minutes, 0.1, 1e5),
            ("--flops", self.flops, 1e8, 1e22),
            ("--seq-len", self.seq_len, 16, 8192),
        ):
            if value is not None and not low <= value <= high:
                raise UsageError(f"{name} {value:g} is out of bounds; give a number from {low:g} to {high:g}.")
        if self.data is not None and not self.data.strip():
            raise UsageError(f"--data {self.data!r} names nothing; give a path, or leave it out.")
        try:
            check_id(self.fit_id)
        except FailureError as error:
            raise UsageError(f"--name {error}") from None
        if is_bundled(self.fit_id):
            raise UsageError(
                f"--name {self.fit_id} is a fit that ships with budgetscope; choose a name of your own, like mine/lab."
            )


def check_device(device: str | None, gpu: int | None) -> None:
    """Refuse a device that there is not, or that has no such GPU.

    Raises:
        UsageError: naming it.
    """
    if device is not None and device not in DEVICES:
        raise UsageError(f"{device!r} is not a device; choose one of {', '.join(DEVICES)}.")
    if gpu is not None and device in ("cpu", "mps"):
        raise UsageError(f"--gpu {gpu} contradicts --device {device}; give one of the two.")


def is_bundled(fit_id: str) -> bool:
    """Return whether a fit of that id ships with budgetscope: one of the user's would hide it from every plan."""
    return (bundled_fits() / f"{fit_id}.json").is_file()


@dataclass(frozen=True, slots=True)
class Ready:
    """A run that can start.

    Attributes:
        spec: of the run.
        price: of its design.
        facts: of the device.
    """

    spec: Spec
    price: Price
    facts: DeviceFacts


def ready(request: Request, *, on_corpus: Report, say: Callable[[str], None]) -> Ready:
    """Prepare a run.

    Args:
        request: what is asked.
        on_corpus: called while the data is prepared.
        say: called with a sentence for everything that takes time or was decided.

    Raises:
        BudgetscopeError: something asked for is contradictory, out of bounds or not there.
    """
    request.check()
    require_extra()
    facts = _device(request)
    if facts.free_bytes is not None and facts.total_bytes and facts.free_bytes < _BUSY_SHARE * facts.total_bytes:
        say(
            f"{facts.name} is busy: {facts.free_bytes / 1e9:.0f} of {facts.total_bytes / 1e9:.0f} GB are free; "
            "stacks will be smaller and slower."
        )
    corpus = _corpus(request, facts.device, on_corpus)
    seq_len = request.seq_len or (_SMOKE_SEQ_LEN if request.preset == "smoke" else _SEQ_LEN[facts.device])
    smallest = ladder(corpus.vocab_size, seq_len)[0]
    Tokens(corpus.train, corpus.validation, corpus.vocab_size).check(smallest)
    rate = _rate(request, facts, say)
    limit, cost, amount = _limit(request, rate)
    planned: Design = design(request.preset, limit, cost, corpus.vocab_size, seq_len, amount)
    priced = price(planned, rate, len(corpus.train))
    spent = cost((*planned.stage1, *planned.stage2))
    if spent < _MUCH_LEFT * limit:
        left = f"The ladder of sizes ends: this design takes {amount(spent)} of the {amount(limit)} that were given."
        priced = replace(priced, cautions=(*priced.cautions, left))
    if request.data is None:
        priced = replace(priced, cautions=(*priced.cautions, f"{BUILT_IN_CAUTION} Give your own with --data."))
    now = datetime.now(UTC)
    spec = Spec(
        v=VERSION,
        run=f"{now:%Y%m%d-%H%M%S}-{request.preset}-{secrets.token_hex(2)}",
        created=f"{now:%Y-%m-%dT%H:%M:%SZ}",
        fit_id=request.fit_id,
        device=facts.device,
        device_index=facts.index,
        corpus=corpus_facts(corpus, built_in=request.data is None),
        design=planned,
        expected_seconds=priced.seconds,
        version=budgetscope.__version__,
    )
    return Ready(spec, priced, facts)


def corpus_facts(corpus: Corpus, *, built_in: bool = False) -> CorpusFacts:
    """Return what a spec keeps of its data."""
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
    )


def _device(request: Request) -> DeviceFacts:
    if request.device == "cpu" and request.preset == "smoke":
        # Asking torch would take seconds to say that there is a processor.
        return DeviceFacts("cpu", None, "cpu", None, None, "")
    return look(request.device, request.gpu)


def _corpus(request: Request, device: str, report: Report) -> Corpus:
    # On a processor the head over thousands of tokens would cost more than the model.
    small = request.preset == "smoke" or device == "cpu"
    tokenizer = request.tokenizer or ("bytes" if small and request.vocab_size is None else "bpe")
    return prepare(
        request.data,
        vocab_size=request.vocab_size,
        tokenizer=tokenizer,
        text_field=request.text_field or "text",
        progress=report,
    )


def prepare_again(spec: Spec, data: str, text_field: str | None, *, on_corpus: Report) -> Corpus:
    """Return the data of a run that goes on: text, tokens or a folder prepared before.

    Args:
        spec: of the run.
        data: as `Request.data`.
        text_field: as `Request.text_field`.
        on_corpus: called while the data is prepared.

    Raises:
        BudgetscopeError: it is not there, or not what the run began with.
    """
    facts = spec.corpus
    corpus = prepare(
        data,
        vocab_size=facts.vocab_size,
        tokenizer="bytes" if facts.tokenizer == "bytes" else "bpe",
        text_field=text_field or "text",
        progress=on_corpus,
    )
    if corpus.sha256 != facts.sha256:
        raise UsageError(f"--data {data!r} is not the data that run {spec.run!r} began with, {facts.title}; name that.")
    return corpus


def _rate(request: Request, facts: DeviceFacts, say: Callable[[str], None]) -> Rate:
    if request.preset == "smoke":
        return Rate.assumed(facts.device)
    known = known_probe(facts)
    if known is None:
        say(f"measuring how fast {facts.name} trains ({PROBE_SECONDS:g} s, once)")
        known = measure(request.device, request.gpu, PROBE_SECONDS)
    return known.rate


def _limit(request: Request, rate: Rate) -> tuple[float, Callable[[Sequence[Cell]], float], Callable[[float], str]]:
    """Return what to spend, what a design costs in the same unit, and an amount of it in words."""
    if request.flops is not None:
        return request.flops, law_flops, "{:.3g} FLOPs".format
    minutes = PRESETS[request.preset].minutes if request.minutes is None else request.minutes
    return minutes * _SECONDS_PER_MINUTE, rate.seconds, lambda seconds: f"{seconds / _SECONDS_PER_MINUTE:.3g} minutes"

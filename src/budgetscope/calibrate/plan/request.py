"""The request of a new calibration, its checks, and the priced run that it becomes."""

from dataclasses import dataclass

from budgetscope.calibrate.plan.bounds import DECAY_BOUNDS, FLOPS_BOUNDS, GPU_BOUNDS, MINUTES_BOUNDS
from budgetscope.calibrate.plan.design import PRESETS
from budgetscope.calibrate.plan.device import DEVICES, ENGINES, DeviceFacts
from budgetscope.calibrate.plan.mixture import parse_data
from budgetscope.calibrate.plan.price import Price
from budgetscope.calibrate.plan.spec import Spec
from budgetscope.core.errors import UsageError
from budgetscope.store.fit_library import check_own_id

DEFAULT_FIT = "mine/calibrated"


@dataclass(frozen=True, slots=True)
class Request:
    """What a user asks of a new calibration; None means not stated.

    Attributes:
        preset: a key of `PRESETS`.
        minutes: limit of the training time.
        flops: limit of the compute, 6 N D.
        device: `cuda`, `mps` or `cpu`.
        gpus: indices of the GPUs of this machine, one a worker; empty for all of them.
        engine: what places the workers, one of `ENGINES`.
        workers: number of workers; None for one a GPU.
        data: a path or `fineweb-edu-sample`, or several of them as PATH=SHARE; empty for the text that comes with
            Python.
        tokenizer: `bpe`, `bytes`, or a `tokenizer.json` or a folder that has one.
        vocab_size: of the tokenizer.
        text_field: the field or column with the text, in JSONL and Parquet.
        seq_len: training context in tokens.
        decay: share of the tokens over which the learning rate decays before each reading of stage 2; None keeps it
            constant.
        fit_id: id under which the fit is stored.
    """

    preset: str = "standard"
    minutes: float | None = None
    flops: float | None = None
    device: str | None = None
    gpus: tuple[int, ...] | None = None
    engine: str = "local"
    workers: int | None = None
    data: tuple[str, ...] = ()
    tokenizer: str | None = None
    vocab_size: int | None = None
    text_field: str | None = None
    seq_len: int | None = None
    decay: float | None = None
    fit_id: str = DEFAULT_FIT

    def check(self) -> None:
        """Refuse options that contradict each other or are out of bounds.

        Raises:
            UsageError: it names the option.
        """
        if self.preset not in PRESETS:
            raise UsageError(f"{self.preset!r} is not a preset; choose one of {', '.join(PRESETS)}.")
        check_placement(self.device, self.gpus, self.engine, self.workers)
        if self.minutes is not None and self.flops is not None:
            raise UsageError("--minutes and --flops exclude each other; give one.")
        for name, value, low, high in (
            ("--minutes", self.minutes, *MINUTES_BOUNDS),
            ("--flops", self.flops, *FLOPS_BOUNDS),
            ("--seq-len", self.seq_len, 16, 8192),
            ("--decay", self.decay, *DECAY_BOUNDS),
        ):
            if value is not None and not low <= value <= high:
                raise UsageError(f"{name} {value:g} is out of bounds; give a number from {low:g} to {high:g}.")
        if self.data:
            parse_data(self.data)
        try:
            check_own_id(self.fit_id)
        except UsageError as error:
            raise UsageError(f"--name {error}") from None


def check_placement(
    device: str | None, gpus: tuple[int, ...] | None, engine: str | None, workers: int | None, submit: str = ""
) -> None:
    """Refuse an unknown device or engine, and options that contradict each other.

    Args:
        device: as `Request.device`.
        gpus: as `Request.gpus`.
        engine: as `Request.engine`; None for that of the launch before.
        workers: as `Request.workers`.
        submit: options of sbatch.

    Raises:
        UsageError: it names the option.
    """
    if device is not None and device not in DEVICES:
        raise UsageError(f"{device!r} is not a device; choose one of {', '.join(DEVICES)}.")
    if engine is not None and engine not in ENGINES:
        raise UsageError(f"--engine {engine!r} is unknown; choose one of {', '.join(ENGINES)}.")
    named = "all" if gpus == () else ",".join(map(str, gpus or ()))
    if gpus is not None and device in ("cpu", "mps"):
        raise UsageError(f"--gpu {named} contradicts --device {device}; give one of the two.")
    if gpus is not None and engine not in (None, "local"):
        raise UsageError(f"--gpu {named} has no effect with --engine {engine}, which chooses the GPUs; give --workers.")
    if gpus and workers is not None and workers != len(gpus):
        raise UsageError(
            f"--workers {workers} contradicts --gpu {named}: there is one worker a GPU; give one of the two."
        )
    if device == "mps" and (workers or 1) > 1:
        raise UsageError(f"--workers {workers} has no use with --device mps, which is one device; leave it out.")
    if submit and engine != "slurm":
        raise UsageError("--slurm has no effect without --engine slurm; give both or neither.")


def parse_gpus(text: str) -> tuple[int, ...]:
    """Return the indices in a text like `0`, `0,2` or `all`, which gives none.

    Raises:
        UsageError: it is no such text, or names a GPU twice.
    """
    words = [word.strip() for word in text.split(",")]
    if words == ["all"]:
        return ()
    most = len(str(GPU_BOUNDS[1]))
    if not all(word.isascii() and word.isdigit() and int(word[: most + 1]) <= GPU_BOUNDS[1] for word in words):
        raise UsageError(
            f"--gpu {text[:40]!r} is no index; give one from 0 to {GPU_BOUNDS[1]}, several like 0,1, or all."
        )
    found = tuple(map(int, words))
    if len(set(found)) < len(found):
        raise UsageError(f"--gpu {text!r} names a GPU twice; there is one worker a GPU.")
    return found


@dataclass(frozen=True, slots=True)
class Ready:
    """A prepared and priced run that can start.

    Attributes:
        spec: of the run.
        price: of its design.
        facts: of its device.
        engine: what places its workers.
    """

    spec: Spec
    price: Price
    facts: DeviceFacts
    engine: str = "local"

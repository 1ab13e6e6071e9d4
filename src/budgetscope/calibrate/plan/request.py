"""The request of a new calibration, its checks, and the priced run that it becomes."""

from dataclasses import dataclass

from budgetscope.calibrate.plan.bounds import DECAY_BOUNDS, MINUTES_BOUNDS
from budgetscope.calibrate.plan.design import PRESETS
from budgetscope.calibrate.plan.device import DEVICES, DeviceFacts
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
        gpu: index of the GPU.
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
    gpu: int | None = None
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
        check_device(self.device, self.gpu)
        if self.minutes is not None and self.flops is not None:
            raise UsageError("--minutes and --flops exclude each other; give one.")
        for name, value, low, high in (
            ("--minutes", self.minutes, *MINUTES_BOUNDS),
            ("--flops", self.flops, 1e8, 1e22),
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


def check_device(device: str | None, gpu: int | None) -> None:
    """Refuse an unknown device, or a GPU index for a device that is no GPU.

    Raises:
        UsageError: it names the option.
    """
    if device is not None and device not in DEVICES:
        raise UsageError(f"{device!r} is not a device; choose one of {', '.join(DEVICES)}.")
    if gpu is not None and device in ("cpu", "mps"):
        raise UsageError(f"--gpu {gpu} contradicts --device {device}; give one of the two.")


@dataclass(frozen=True, slots=True)
class Ready:
    """A prepared and priced run that can start.

    Attributes:
        spec: of the run.
        price: of its design.
        facts: of its device.
    """

    spec: Spec
    price: Price
    facts: DeviceFacts

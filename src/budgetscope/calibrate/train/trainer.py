"""The real trainer, bound to a run: the only module outside `train` that loads torch, and only in a worker."""

import os
import platform
from collections.abc import Callable, Sequence
from pathlib import Path

import budgetscope
from budgetscope.calibrate.corpus import Corpus, open_tokens, prepare
from budgetscope.calibrate.corpus.sampling import Tokens
from budgetscope.calibrate.environment import known_probe
from budgetscope.calibrate.plan.cells import Cell
from budgetscope.calibrate.plan.spec import Spec
from budgetscope.calibrate.run.events import Event, RunStarted
from budgetscope.calibrate.run.train_settings import TrainSettings
from budgetscope.calibrate.train.checkpoint import Checkpoint
from budgetscope.calibrate.train.device import available_device
from budgetscope.calibrate.train.device_check import device_facts
from budgetscope.calibrate.train.probe import matrix_rate
from budgetscope.calibrate.train.stack import train_stack
from budgetscope.core.errors import FailureError

# What a killed worker loses at most. A processor's stacks are small and soon saved; a GPU's are not.
_CHECKPOINT_SECONDS = {"cpu": 2.0, "mps": 20.0, "cuda": 60.0}
_MATRIX_SIZE = {"cpu": 1024, "mps": 4096, "cuda": 8192}


class StackTrainer:
    """Trains stacks of a run on one device."""

    def __init__(self, spec: Spec, device: str, data: str | None) -> None:
        """Open the run's tokens.

        Args:
            spec: of the run.
            device: `cuda`, `mps` or `cpu`; the only GPU that this process sees.
            data: where the tokens are now; None where they were prepared.

        Raises:
            FailureError: the device or the tokens are not there, or these are others than the run began with.
        """
        self._device = available_device(device, 0 if device == "cuda" else None)
        self._facts = device_facts(self._device)
        corpus = _opened(spec, data)
        if corpus.sha256 != spec.corpus.sha256:
            raise FailureError(_others(spec, corpus))
        self._tokens = Tokens(corpus.train, corpus.validation, corpus.vocab_size)
        self._settings = TrainSettings()

    def started(self, spec_sha256: str) -> RunStarted:
        """Return what to log about the device, the software and the settings."""
        probe, settings = known_probe(self._facts), self._settings
        if probe is None:
            peak = matrix_rate(self._device, _MATRIX_SIZE[self._facts.device])
        else:
            peak = probe.matrix_flops_per_s
        return RunStarted(
            spec_sha256=spec_sha256,
            device=f"{self._facts.name} ({self._device})",
            versions={
                "budgetscope": budgetscope.__version__,
                "python": platform.python_version(),
                "torch": self._facts.torch,
            },
            peak_flops_per_s=peak,
            settings={
                "mode": str(settings.mode),
                "evaluations": str(settings.evaluations),
                "eval_sequences": str(settings.eval_sequences),
                "micro_tokens": "default" if settings.micro_tokens is None else str(settings.micro_tokens),
                "processors": str(os.cpu_count()),
            },
        )

    def train(
        self, cells: Sequence[Cell], checkpoint: Path, emit: Callable[[Event], None], should_stop: Callable[[], bool]
    ) -> None:
        """Train cells of one shape; see `orchestrate.Trainer`."""
        train_stack(
            cells,
            self._tokens,
            device=self._device,
            settings=self._settings,
            emit=emit,
            checkpoint=Checkpoint(checkpoint, _CHECKPOINT_SECONDS[self._facts.device]),
            should_stop=should_stop,
        )


def _opened(spec: Spec, data: str | None) -> Corpus:
    facts = spec.corpus
    try:
        return open_tokens(Path(data or facts.path))
    except FailureError as error:
        if data is not None:
            raise
        if facts.built_in:
            # The cache may go at any time; this text can be had again.
            return prepare(None, tokenizer=facts.tokenizer, vocab_size=facts.vocab_size)
        raise FailureError(
            f"the tokens of run {spec.run!r} are not where they were ({str(error).rstrip('.')}); name its data "
            "again with --data."
        ) from None


def _others(spec: Spec, corpus: Corpus) -> str:
    if spec.corpus.built_in:
        return (
            f"the text that comes with this Python and its packages is not what run {spec.run!r} began with: they have "
            "changed since, or this is another machine; start a new run, or bring its prepared data with --data."
        )
    return (
        f"the tokens in {str(corpus.path)!r} are not those that run {spec.run!r} began with; name its data with --data."
    )

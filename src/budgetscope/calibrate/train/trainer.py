"""The trainer of a worker: binds stacks to the spec, the device and the tokens of a run."""

import os
import platform
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from budgetscope._version import __version__
from budgetscope.calibrate.corpus.model import Corpus, open_tokens
from budgetscope.calibrate.corpus.prepare import prepare
from budgetscope.calibrate.environment import known_probe
from budgetscope.calibrate.plan.cells import Cell
from budgetscope.calibrate.plan.spec import Spec
from budgetscope.calibrate.run.events import Event, Note, RunStarted
from budgetscope.calibrate.run.train_settings import TrainSettings
from budgetscope.calibrate.train.ahead import Ahead, Job
from budgetscope.calibrate.train.checkpoint import Checkpoint
from budgetscope.calibrate.train.device import available_device, device_facts
from budgetscope.calibrate.train.probe import matrix_rate
from budgetscope.calibrate.train.stack import free_bytes, job_of, train_stack
from budgetscope.core.errors import FailureError

# Seconds between checkpoints: the most that a killed worker loses. A processor's stacks are small and quick to save.
_CHECKPOINT_SECONDS = {"cpu": 2.0, "mps": 20.0, "cuda": 60.0}
_MATRIX_SIZE = {"cpu": 1024, "mps": 4096, "cuda": 8192}


class StackTrainer:
    """Trains the stacks of a run on one device."""

    def __init__(self, spec: Spec, device: str, data: str | None) -> None:
        """Find the device and open the tokens of a run.

        Args:
            spec: of the run.
            device: `cuda`, `mps` or `cpu`; of CUDA, the only GPU that this process sees.
            data: path of the tokens; None for the path in the spec.

        Raises:
            FailureError: there is no such device, or the tokens are missing or not those that the run began with.
        """
        self._device = available_device(device, 0 if device == "cuda" else None)
        self._facts = device_facts(self._device)
        corpus = _opened(spec, data)
        if corpus.sha256 != spec.corpus.sha256:
            raise FailureError(_others(spec, corpus))
        self._tokens = corpus.tokens
        self._settings = TrainSettings()
        self._free = free_bytes(self._device)
        self._ahead = Ahead(self._device, self._free)
        self._noted = False

    def started(self, spec_sha256: str) -> RunStarted:
        """Return the event that describes device, software and settings."""
        probe, settings = known_probe(self._facts), self._settings
        if probe is None:
            peak = matrix_rate(self._device, _MATRIX_SIZE[self._facts.device])
        else:
            peak = probe.matrix_flops_per_s
        return RunStarted(
            spec_sha256=spec_sha256,
            device=f"{self._facts.name} ({self._device})",
            versions={
                "budgetscope": __version__,
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
                "helpers": str(self._ahead.n_helpers),
            },
        )

    def prepare(self, now: Sequence[Cell], upcoming: Sequence[Sequence[Cell]]) -> None:
        """Compile the stacks of these cells in helper processes; see `orchestrate.Trainer.prepare`."""
        jobs = [job for cells in upcoming if (job := self._job(cells)) is not None]
        self._ahead.prepare(jobs, self._job(now))

    def ready(self, cells: Sequence[Cell]) -> bool:
        """Return whether a stack needs no compilation any more; see `orchestrate.Trainer.ready`."""
        job = self._job(cells)
        return job is None or self._ahead.has(job)

    def _job(self, cells: Sequence[Cell]) -> Job | None:
        return job_of(cells, len(self._tokens.train), self._device, self._settings, self._free)

    def train(
        self, cells: Sequence[Cell], checkpoint: Path, emit: Callable[[Event], None], should_stop: Callable[[], bool]
    ) -> None:
        """Train cells of one shape; see `orchestrate.Trainer.train`."""
        begun, job = time.perf_counter(), self._job(cells)
        if job is not None:
            self._ahead.settle(job)
        if self._ahead.trouble and not self._noted:
            self._noted = True
            emit(Note(f"a helper that compiles stacks ahead failed ({self._ahead.trouble}); starts may take longer"))
        train_stack(
            cells,
            self._tokens,
            device=self._device,
            settings=self._settings,
            emit=emit,
            checkpoint=Checkpoint(checkpoint, _CHECKPOINT_SECONDS[self._facts.device]),
            should_stop=should_stop,
            waited=time.perf_counter() - begun,
        )


def _opened(spec: Spec, data: str | None) -> Corpus:
    facts = spec.corpus
    try:
        return open_tokens(Path(data or facts.path))
    except FailureError as error:
        if data is not None:
            raise
        if facts.built_in and facts.tokenizer_sha256 is None:
            # The cache may be deleted or damaged at any time; this text can be prepared again.
            return prepare(None, tokenizer=facts.tokenizer, vocab_size=facts.vocab_size)
        raise FailureError(
            f"the tokens of run {spec.run!r} cannot be used ({_clause(error)}); name its text again with --data."
        ) from None


def _clause(error: FailureError) -> str:
    """Return what is wrong, without the remedy."""
    return str(error).rpartition("; ")[0] or str(error).rstrip(".")


def _others(spec: Spec, corpus: Corpus) -> str:
    if spec.corpus.built_in:
        return (
            f"the text that comes with this Python and its packages is not what run {spec.run!r} began with: they have "
            "changed since, or this is another machine; start a new run, or bring its prepared data with --data."
        )
    return (
        f"the tokens in {str(corpus.path)!r} are not those that run {spec.run!r} began with; name its data with --data."
    )

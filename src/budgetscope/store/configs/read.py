"""Reads the configurations of runs: files, folders and command lines."""

from collections.abc import Sequence
from pathlib import Path

from budgetscope.core.audit.run import ObservedRun
from budgetscope.store.configs.given import NOTHING, Given


def read_runs(paths: Sequence[Path], given: Given = NOTHING) -> tuple[ObservedRun, ...]:
    """Return the runs that files and folders describe; a folder is one run, a file with several configurations several.

    Args:
        paths: of configurations; a model's config.json and the training arguments beside it are one run.
        given: for what they do not say.

    Raises:
        UsageError: a path has no configuration that is known, or one that is malformed.
        FailureError: a file cannot be read.
    """
    raise NotImplementedError


def read_command(text: str, given: Given = NOTHING) -> ObservedRun:
    """Return the run that a command line or a shell script starts; it is read, never executed.

    Raises:
        UsageError: it starts no trainer that is known, or more than one.
    """
    raise NotImplementedError

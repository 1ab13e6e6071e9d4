"""The data of a run: which sources, their shares of the training tokens, and how often each is repeated."""

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from budgetscope.core.errors import UsageError
from budgetscope.store.files import exists

_LEAST_SHARE = 1e-4
"""Of a source. A smaller one has a sequence in ten thousand, and next to nothing to be validated on."""


@dataclass(frozen=True, slots=True)
class DataSource:
    """A source that a user names.

    Attributes:
        name: a path, or the name of a public sample.
        share: of the training tokens; the shares of all sources add up to 1.
    """

    name: str
    share: float


@dataclass(frozen=True, slots=True)
class SourceFacts:
    """One source of a mix, prepared.

    Attributes:
        title: display name.
        share: of the training tokens.
        sha256: of the source: of its file, or of the list of its files' hashes.
        train_tokens: number of training tokens.
        validation_tokens: number of held-out tokens.
        bytes_per_token: UTF-8 bytes.
    """

    title: str
    share: float
    sha256: str
    train_tokens: int
    validation_tokens: int
    bytes_per_token: float


def parse_data(texts: Sequence[str]) -> tuple[DataSource, ...]:
    """Return the sources that `--data` names: PATH, or several PATH=SHARE, whose shares may have any sum.

    A text that names a file is a path, whatever it holds.

    Raises:
        UsageError: a text names nothing, a share is no number above zero, or one of several sources has none.
    """
    found = [_parse(text) for text in texts]
    if len(found) == 1:
        return (DataSource(found[0][0], 1.0),)
    for name, share in found:
        if share is None:
            raise UsageError(f"--data {name!r} is one of {len(found)} and has no share; give it one: {name}=0.5.")
    places = [os.path.realpath(Path(name).expanduser()) for name, _ in found]
    twice = next((name for k, (name, _) in enumerate(found) if places[k] in places[:k]), None)
    if twice is not None:
        raise UsageError(f"--data {twice!r} is named twice; name it once, with the sum of its shares.")
    largest = max(share or 0.0 for _, share in found)
    parts = [(share or 0.0) / largest for _, share in found]
    for (name, _), part in zip(found, parts, strict=True):
        if part / sum(parts) < _LEAST_SHARE:
            raise UsageError(
                f"--data {name!r} has the share {part / sum(parts):.1g} of all; give it at least {_LEAST_SHARE:g}, or "
                "leave it out."
            )
    # Rounded, so that 7 beside 3 is the same mix as 0.7 beside 0.3.
    return tuple(DataSource(name, round(part / sum(parts), 12)) for (name, _), part in zip(found, parts, strict=True))


def _parse(text: str) -> tuple[str, float | None]:
    name, equals, number = text.rpartition("=")
    try:
        share = float(number) if equals and not exists(Path(text).expanduser()) else None
    except ValueError:
        share = None
    if share is None:
        name = text
    elif not 0 < share < math.inf:
        raise UsageError(f"--data {text!r} has the share {number}; give a number above 0.")
    if not name.strip():
        raise UsageError(f"--data {text!r} names nothing; give a path, or leave it out.")
    return name, share


def split_data(text: str) -> tuple[str, ...]:
    """Return the texts of `--data` in one line, `a.txt=0.7, b.txt=0.3`; without such shares the line is one path."""
    parts = tuple(part.strip() for part in text.split(","))
    return parts if len(parts) > 1 and all(_has_share(part) for part in parts) else (text,)


def _has_share(part: str) -> bool:
    name, _, number = part.rpartition("=")
    try:
        return bool(name) and math.isfinite(float(number))
    except ValueError:
        return False


def mix_title(named: Sequence[tuple[str, float]]) -> str:
    """Return the display name of sources with shares: `70% a.txt + 30% b.jsonl`."""
    return " + ".join(f"{100 * share:.3g}% {title}" for title, share in named)

"""What a run was asked to do: written once, never changed."""

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from budgetscope.calibrate.plan.design import Design
from budgetscope.calibrate.record import build, plain

VERSION = 1
BUILT_IN_CAUTION = (
    "The data is the text that came with Python, for trying the machinery: laws fitted to it say nothing of other text."
)


@dataclass(frozen=True, slots=True)
class CorpusFacts:
    """The data of a run.

    Attributes:
        title: what people call it.
        path: where its tokens were prepared.
        sha256: of its content as prepared; a resumed run must find the same.
        tokenizer: its name: `bpe` or `bytes`.
        vocab_size: of the tokenizer.
        bytes_per_token: of the text, UTF-8; None when not known.
        train_tokens: for training.
        validation_tokens: held out.
        built_in: whether it is the text that came with Python, for trying the machinery.
    """

    title: str
    path: str
    sha256: str
    tokenizer: str
    vocab_size: int
    bytes_per_token: float | None
    train_tokens: int
    validation_tokens: int
    built_in: bool = False


@dataclass(frozen=True, slots=True)
class Spec:
    """A run.

    Attributes:
        v: version of this format.
        run: its name, that of its folder.
        created: when, UTC, ISO 8601.
        fit_id: under which the fit will be stored.
        device: `cuda`, `mps` or `cpu`.
        device_index: of the accelerator, None for the only one.
        corpus: the data.
        design: the cells of stage 1, and the sizes and budgets of stage 2.
        expected_seconds: as priced.
        version: of budgetscope.
    """

    v: int
    run: str
    created: str
    fit_id: str
    device: str
    device_index: int | None
    corpus: CorpusFacts
    design: Design
    expected_seconds: float
    version: str

    @property
    def sha256(self) -> str:
        """Hash of everything that the spec says."""
        return _digest(_record(self))


def _record(spec: Spec) -> dict[str, Any]:
    record = plain(spec)
    if not spec.corpus.built_in:
        # It came later: where it says nothing it is left out, so that older specs keep their hash.
        del record["corpus"]["built_in"]
    return record


def _digest(record: dict[str, Any]) -> str:
    text = json.dumps(record, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def dump_spec(spec: Spec) -> str:
    """Return a spec as JSON, with its hash."""
    record = _record(spec)
    return json.dumps(record | {"sha256": _digest(record)}, indent=1) + "\n"


def parse_spec(text: str) -> Spec:
    """Return the spec that some JSON holds.

    Raises:
        ValueError: it is none, or does not match its hash.
    """
    record = json.loads(text)
    if not isinstance(record, dict) or "sha256" not in record:
        raise ValueError("it holds no spec")
    stated = record.pop("sha256")
    spec = build(Spec, record)
    if stated != _digest(record) or stated != spec.sha256:
        raise ValueError("it was edited after the run began")
    return spec

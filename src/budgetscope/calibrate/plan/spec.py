"""The spec of a run: its data, device and design, written once as `spec.json` and never changed."""

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from budgetscope.calibrate.json_records import from_record, to_record
from budgetscope.calibrate.plan.design import Design
from budgetscope.calibrate.plan.device import Rate
from budgetscope.calibrate.plan.mixture import SourceFacts

VERSION = 1
BUILT_IN_CAUTION = (
    "The data is the text that came with Python, for trying the machinery: laws fitted to it say nothing of other text."
)


@dataclass(frozen=True, slots=True)
class CorpusFacts:
    """The data of a run.

    Attributes:
        title: its display name.
        path: of its prepared tokens.
        sha256: of its prepared content; a resumed run must find the same.
        tokenizer: `bpe`, `bytes`, `unknown`, or the name of the user's own.
        vocab_size: of the tokenizer.
        bytes_per_token: UTF-8 bytes; None if unknown.
        train_tokens: number of training tokens.
        validation_tokens: number of held-out tokens.
        built_in: whether it is the text that comes with Python.
        tokenizer_sha256: hash of the file of the user's own tokenizer; None for the others.
        sources: of a mix; empty for one source.
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
    tokenizer_sha256: str | None = None
    sources: tuple[SourceFacts, ...] = ()

    def epochs(self, tokens: int) -> float:
        """Return how often so many training tokens pass over the data, over the most repeated source of a mix."""
        if not self.sources:
            return tokens / self.train_tokens
        return max(tokens * source.share / source.train_tokens for source in self.sources)

    @property
    def most_repeated(self) -> str:
        """Title of the source that is repeated most."""
        if not self.sources:
            return self.title
        return max(self.sources, key=lambda source: source.share / source.train_tokens).title


@dataclass(frozen=True, slots=True)
class Spec:
    """What a run trains, on which data and device.

    Attributes:
        v: version of this format.
        run: name of the run and of its folder.
        created: UTC, ISO 8601.
        fit_id: id under which the fit is stored.
        device: `cuda`, `mps` or `cpu`.
        device_index: of the first GPU; None if there is only one device of the kind, or the engine chooses.
        corpus: the data.
        design: the cells of stage 1, and the sizes and budgets of stage 2.
        expected_seconds: from the price.
        version: of budgetscope.
        workers: number of workers that the stages are cut for.
        gpus: indices of the GPUs, one a worker; empty for `device_index` alone, or where the engine chooses.
        rate: of a device, by which the design was priced and is cut; None in a spec of old.
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
    workers: int = 1
    gpus: tuple[int, ...] = ()
    rate: Rate | None = None

    @property
    def sha256(self) -> str:
        """Hash of all fields, in hex."""
        return _digest(_record(self))


def _record(spec: Spec) -> dict[str, Any]:
    record = to_record(spec)
    # Fields that came later are left out where they say nothing, so that older specs keep their hash.
    for name in ("built_in", "tokenizer_sha256", "sources"):
        if not record["corpus"][name]:
            del record["corpus"][name]
    for holder in (record["design"], *record["design"]["stage1"]):
        if not holder["decay"]:
            del holder["decay"]
    for name, default in (("workers", 1), ("gpus", []), ("rate", None)):
        if record[name] == default:
            del record[name]
    return record


def _digest(record: dict[str, Any]) -> str:
    text = json.dumps(record, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def dump_spec(spec: Spec) -> str:
    """Return a spec as JSON, with its hash."""
    record = _record(spec)
    return json.dumps(record | {"sha256": _digest(record)}, indent=1) + "\n"


def parse_spec(text: str) -> Spec:
    """Return the spec in a JSON text.

    Raises:
        ValueError: the text holds no spec, does not match its hash, or would be shown with control characters.
    """
    record = json.loads(text)
    if not isinstance(record, dict) or "sha256" not in record:
        raise ValueError("it holds no spec")
    stated = record.pop("sha256")
    spec = from_record(Spec, record)
    if stated != _digest(record) or stated != spec.sha256:
        raise ValueError("it was edited after the run began")
    # The path of the data may hold any character; it is never shown as it is.
    corpus = spec.corpus
    shown = [spec.run, spec.created, spec.fit_id, spec.version, corpus.title, corpus.tokenizer]
    shown += [corpus.tokenizer_sha256 or "", *(source.title for source in corpus.sources)]
    if not all(map(str.isprintable, shown)):
        raise ValueError("it holds a text that is not printable")
    return spec

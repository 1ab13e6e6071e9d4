"""The spec of a run: its data, device and design, written once as `spec.json` and never changed."""

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from budgetscope.calibrate.json_records import from_record, to_record
from budgetscope.calibrate.plan.design import Design
from budgetscope.calibrate.plan.device import Rate

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
        tokenizer: `bpe`, `bytes` or `unknown`.
        vocab_size: of the tokenizer.
        bytes_per_token: UTF-8 bytes; None if unknown.
        train_tokens: number of training tokens.
        validation_tokens: number of held-out tokens.
        built_in: whether it is the text that comes with Python.
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
    if not spec.corpus.built_in:
        # Fields that came later are left out where they say nothing, so that older specs keep their hash.
        del record["corpus"]["built_in"]
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
    shown = (spec.run, spec.created, spec.fit_id, spec.version, spec.corpus.title, spec.corpus.tokenizer)
    if not all(map(str.isprintable, shown)):
        raise ValueError("it holds a text that is not printable")
    return spec

"""The JSON form of a fit: `encode` and `dump` write all of it, `decode` checks all of it."""

import hashlib
import json
import math
import re
from collections.abc import Mapping
from dataclasses import asdict, fields
from itertools import chain
from typing import Any

from budgetscope.core.budget.quantities import quote
from budgetscope.core.counting.ledger import MAX_COUNT, Convention
from budgetscope.core.errors import FailureError, UsageError
from budgetscope.core.laws.drifting_line import MAX_DOF, DriftingLine
from budgetscope.core.laws.fit import (
    CONFIDENCE,
    MAX_STORED_CHARS,
    POINT_COLUMNS,
    ROLES,
    Draws,
    ExponentInterval,
    Fit,
    Law,
    Points,
    Range,
    Uncertainty,
)
from budgetscope.core.laws.forms import AllocationLaw, LawForm, LossCurve, LossSurface, PowerLawParams, build_law
from budgetscope.core.laws.guard import LARGEST, guarded
from budgetscope.core.laws.operating_point import MAX_FLOPS, MIN_FLOPS

SCHEMA = 1
_MAX_ROWS = 20_000
_LEVELS = (0.5, 0.9999)
"""Bounds of the level of a published interval: outside, it cannot be widened to 95%."""
_LARGEST_ERROR = 1e4
"""Of a variance or a drift of ln N*: more is no law."""
_NAME = r"[a-z0-9][a-z0-9._-]{0,63}"
_ID = re.compile(rf"{_NAME}/{_NAME}")


def check_id(text: str) -> str:
    """Return a fit's id if it is one: `family/name` in lower case, no path.

    Raises:
        UsageError: it is not.
    """
    if not _ID.fullmatch(text) or ".." in text:
        raise UsageError(
            f"{quote(text)} is not a fit's id; write family/name in lower case, like mine/lab; "
            "`budgetscope fits list` shows the stored ones."
        )
    return text


def digest(record: Mapping[str, Any]) -> str:
    """Return the SHA-256 of a fit's record without its `sha256` entry, in canonical JSON."""
    bare = {key: value for key, value in record.items() if key != "sha256"}
    canonical = json.dumps(bare, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(canonical.encode()).hexdigest()


def encode(fit: Fit) -> dict[str, Any]:
    """Return a fit's record, with its hash."""
    record: dict[str, Any] = {
        "schema": SCHEMA,
        "id": fit.id,
        "title": fit.title,
        "citation": fit.citation,
        "url": fit.url,
        "method": fit.method,
        "counting": str(fit.counting),
        "tokenizer": fit.tokenizer,
        "vocab_size": fit.vocab_size,
        "seq_len": fit.seq_len,
        "loss_unit": fit.loss_unit,
        "schedule": fit.schedule,
        "ablation": fit.ablation,
        "flags": list(fit.flags),
        "provenance": dict(fit.provenance),
        "laws": {role: _encode_law(law) for role, law in fit.laws.items()},
        "points": None if fit.points is None else _table(fit.points.columns, fit.points.rows),
    }
    record["sha256"] = digest(record)
    return record


def dump(fit: Fit) -> str:
    """Return a fit's file: readable, one bootstrap draw a line."""
    text = json.dumps(encode(fit), indent=1, ensure_ascii=False)
    # A row of numbers goes on one line. Only between values is there a line break, never inside a text, which could
    # look like a row itself.
    return re.sub(r"\[\n\s+(-?[\d.][^\[\]\"]*?)\n\s+\]", _one_line, text) + "\n"


def _one_line(match: re.Match[str]) -> str:
    return "[" + ", ".join(part.strip() for part in match[1].split(",")) + "]"


def _encode_law(law: Law) -> dict[str, Any]:
    return {
        "form": law.law.form,
        "parameters": {f.name: v for f in fields(law.law) if (v := getattr(law.law, f.name)) != f.default},
        "confidence": law.confidence,
        "fitted": {name: [span.low, span.high] for name, span in law.fitted.items()},
        "uncertainty": _encode_uncertainty(law.uncertainty),
        "note": law.note,
        **({"undetermined": list(law.undetermined)} if law.undetermined else {}),
    }


def _encode_uncertainty(uncertainty: Uncertainty | None) -> dict[str, Any] | None:
    match uncertainty:
        case Draws():
            kind = "forecast" if uncertainty.forecast else "draws"
            return {"kind": kind, **_table(uncertainty.columns, uncertainty.rows)}
        case DriftingLine():
            return {"kind": "drifting-line", **asdict(uncertainty)}
        case ExponentInterval():
            return {"kind": "exponent-interval", **asdict(uncertainty)}
        case None:
            return None


def _table(columns: tuple[str, ...], rows: tuple[tuple[float, ...], ...]) -> dict[str, Any]:
    return {"columns": list(columns), "rows": [list(row) for row in rows]}


def decode(record: object, expected_id: str | None = None) -> Fit:
    """Return the fit that a record holds.

    Args:
        record: as parsed from JSON.
        expected_id: the id by its place in the folder; None for a file named outright.

    Raises:
        FailureError: naming the first entry that is wrong.
    """
    top = _Reader(record, "the fit")
    if top.get("schema", int) != SCHEMA:
        raise FailureError(f"its schema is {top.get('schema', int)}, and this budgetscope reads {SCHEMA}.")
    try:
        fit_id = check_id(top.text("id"))
    except UsageError as error:
        raise FailureError(str(error)) from None
    if expected_id is not None and fit_id != expected_id:
        raise FailureError(f"its id {fit_id!r} does not match its place {expected_id!r}; rename one of them.")
    laws = {role: _decode_law(entry, role) for role, entry in top.get("laws", dict).items()}
    if not laws:
        raise FailureError("it holds no law.")
    points = top.optional("points", dict)
    fit = Fit(
        id=fit_id,
        title=top.text("title"),
        counting=_convention(top.text("counting")),
        laws=laws,
        citation=top.text("citation"),
        url=top.text("url"),
        method=top.text("method"),
        vocab_size=top.count("vocab_size", 2),
        tokenizer=top.optional("tokenizer", str),
        loss_unit=top.optional("loss_unit", str),
        seq_len=top.count("seq_len", 1),
        schedule=top.optional("schedule", str),
        ablation=top.get("ablation", bool),
        flags=tuple(_text(flag, "a flag") for flag in top.get("flags", list)),
        points=None if points is None else _decode_points(points),
        provenance={k: _text(v, f"provenance {k}") for k, v in top.get("provenance", dict).items()},
    )
    _at_the_ends(fit)
    return fit


@guarded
def _at_the_ends(fit: Fit) -> list[object]:
    """Return what the laws of N, D and loss give for the smallest and the largest budget: they are monotone between."""
    found = list[object]()
    for law in fit.laws.values():
        for flops in (MIN_FLOPS, MAX_FLOPS):
            if isinstance(law.law, AllocationLaw):
                found.append(law.law.allocate(flops))
            if isinstance(law.law, LossCurve | LossSurface):
                found.append(law.law.best_loss(flops))
    return found


def _decode_law(entry: object, role: str) -> Law:
    if role not in ROLES:
        raise FailureError(f"{role!r} is not a role of a law; the roles are {', '.join(ROLES)}.")
    reader = _Reader(entry, f"the law {role}")
    parameters = {
        name: _number(value, f"parameter {name} of the law {role}")
        for name, value in reader.get("parameters", dict).items()
    }
    confidence = reader.text("confidence")
    if confidence not in CONFIDENCE:
        raise FailureError(f"{confidence!r} is not a confidence; write one of {', '.join(CONFIDENCE)}.")
    law = build_law(reader.text("form"), parameters)
    if not hasattr(law, _METHODS[role]):
        raise FailureError(f"the form {law.form} cannot serve as {role}.")
    return Law(
        law=law,
        confidence=confidence,
        fitted={name: _span(span, name) for name, span in reader.get("fitted", dict).items()},
        uncertainty=_decode_uncertainty(reader.optional("uncertainty", dict), law),
        note=reader.text("note"),
        undetermined=_undetermined(reader.optional("undetermined", list) or [], law),
    )


_METHODS = {
    "allocation": "allocate",
    "surface": "loss",
    "loss_curve": "best_loss",
    "excess": "excess",
    "learning_rate": "predict",
    "batch_size": "predict",
    "beta2": "at_batch",
    "critical_batch_size": "predict",
    "warmup": "warmup_tokens",
    "weight_decay": "weight_decay",
}


def _undetermined(names: list[object], law: LawForm) -> tuple[str, ...]:
    unknown = [name for name in names if name not in {f.name for f in fields(law)}]
    if unknown:
        raise FailureError(f"'undetermined' names {str(unknown[0])[:80]!r}, which is no parameter of its law.")
    return tuple(str(name) for name in names)


def _decode_uncertainty(entry: dict[str, Any] | None, law: LawForm) -> Uncertainty | None:
    if entry is None:
        return None
    reader = _Reader(entry, "the uncertainty")
    match reader.text("kind"):
        case "draws" | "forecast" as kind:
            columns, rows = _decode_table(entry, "the draws", None)
            parameters = {f.name for f in fields(law)}
            unknown = [name for name in columns if name.removeprefix("ln_") not in parameters]
            if unknown:
                raise FailureError(f"the draws name {unknown[0]!r}, which is no parameter of their law.")
            if len({name.removeprefix("ln_") for name in columns}) < len(columns):
                raise FailureError("the draws name a parameter in two columns; leave one of them out.")
            if len(rows) < 2:
                raise FailureError("the draws need at least two rows.")
            return Draws(columns, rows, forecast=kind == "forecast")
        case "drifting-line":
            return _decode_line(reader, law)
        case "exponent-interval":
            low, high, level, pivot = (reader.number(k) for k in ("low", "high", "level", "pivot_flops"))
            least, most = _LEVELS
            if not (low < high and least <= level <= most and pivot > 0):
                raise FailureError(
                    f"the exponent's interval needs low < high, a level from {least} to {most} and a positive pivot."
                )
            return ExponentInterval(low, high, level, pivot)
        case kind:
            raise FailureError(
                f"{kind!r} is not a kind of uncertainty; write draws, forecast, drifting-line or exponent-interval."
            )


def _decode_line(reader: "_Reader", law: LawForm) -> DriftingLine:
    if not isinstance(law, PowerLawParams):
        raise FailureError(f"a drifting line is of a law of the form {PowerLawParams.form}, not {law.form}.")
    numbers = {f.name: reader.number(f.name) for f in fields(DriftingLine) if f.name != "dof"}
    dof = reader.get("dof", int)
    if not 1 <= dof <= MAX_DOF:
        raise FailureError(f"the dof of the drifting line is no whole number from 1 to {MAX_DOF}.")
    line = DriftingLine(dof=dof, **numbers)
    errors = (line.level_variance, line.slope_variance, line.drift, line.drift_start, line.bend)
    if not all(0 <= error <= _LARGEST_ERROR for error in errors):
        raise FailureError(
            f"the variances and the drift of the drifting line are not all from 0 to {_LARGEST_ERROR:g}."
        )
    if not 1 / LARGEST <= line.low <= line.flops_centre <= line.high:
        raise FailureError("the drifting line needs budgets with 0 < low <= flops_centre <= high.")
    # A little more is rounding.
    if line.covariance**2 > line.level_variance * line.slope_variance * (1 + 1e-6):
        raise FailureError("the covariance of the drifting line is larger than its variances allow.")
    return line


def _decode_points(entry: dict[str, Any]) -> Points:
    columns, rows = _decode_table(entry, "points", POINT_COLUMNS)
    if not rows or any(value <= 0 for flops, n_params, tokens, *_ in rows for value in (flops, n_params, tokens)):
        raise FailureError("points needs at least one row, and FLOPs, parameters and tokens above zero.")
    return Points(columns, rows)


def _decode_table(
    entry: dict[str, Any], name: str, expected: tuple[str, ...] | None
) -> tuple[tuple[str, ...], tuple[tuple[float, ...], ...]]:
    reader = _Reader(entry, name)
    columns = tuple(_text(column, f"a column of {name}") for column in reader.get("columns", list))
    if expected is not None and columns != expected:
        raise FailureError(f"the columns of {name} must be {', '.join(expected)}.")
    rows = reader.get("rows", list)
    if len(rows) > _MAX_ROWS:
        raise FailureError(f"{name} has {len(rows)} rows; at most {_MAX_ROWS} are read.")
    for row in rows:
        if not isinstance(row, list) or len(row) != len(columns):
            raise FailureError(f"a row of {name} does not have {len(columns)} numbers.")
    if _all_ordinary(list(chain.from_iterable(rows))):
        return columns, tuple(map(tuple, rows))
    return columns, tuple(tuple(_number(value, f"a number of {name}") for value in row) for row in rows)


def _all_ordinary(values: list[Any]) -> bool:
    """Return whether all are floats that `_number` would take: a fast check, since most of a fit is draws."""
    return set(map(type, values)) == {float} and all(map(math.isfinite, values)) and max(map(abs, values)) <= LARGEST


class _Reader:
    """Typed access to a JSON object, with errors that name the entry."""

    def __init__(self, value: object, name: str) -> None:
        if not isinstance(value, dict):
            raise FailureError(f"{name} is not a JSON object.")
        self._value: dict[str, Any] = value
        self._name = name

    def get(self, key: str, kind: type[Any]) -> Any:
        value = self._value.get(key)
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise FailureError(f"{key!r} of {self._name} is missing or is not of type {kind.__name__}.")
        if kind is dict:
            for name in value:
                _text(name, f"a name in {key!r} of {self._name}")
        return value

    def text(self, key: str) -> str:
        return _text(self.get(key, str), f"{key!r} of {self._name}")

    def number(self, key: str) -> float:
        return _number(self._value.get(key), f"{key!r} of {self._name}")

    def optional(self, key: str, kind: type[Any]) -> Any:
        return None if self._value.get(key) is None else self.get(key, kind)

    def count(self, key: str, least: int) -> int | None:
        value: int | None = self.optional(key, int)
        if value is not None and not least <= value <= MAX_COUNT:
            raise FailureError(f"{key!r} of {self._name} is no whole number from {least} to {MAX_COUNT}.")
        return value


def _text(value: object, name: str) -> str:
    # Control characters could steer the terminal that shows the text; a lone surrogate could not be shown at all.
    if not isinstance(value, str) or len(value) > MAX_STORED_CHARS or not value.isprintable():
        raise FailureError(f"{name} is not a text of at most {MAX_STORED_CHARS} printable characters.")
    return value


def _number(value: object, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > LARGEST:
        raise FailureError(f"{name} is not a number of ordinary size.")
    if not math.isfinite(value):
        raise FailureError(f"{name} is not finite.")
    return float(value)


def _span(value: object, name: str) -> Range:
    if not isinstance(value, list) or len(value) != 2:
        raise FailureError(f"the fitted range of {name} is not a pair of numbers.")
    low, high = (_number(end, f"the fitted range of {name}") for end in value)
    if not 1 / LARGEST <= low <= high:
        raise FailureError(f"the fitted range of {name} does not grow from a positive number of ordinary size.")
    return Range(low, high)


def _convention(text: str) -> Convention:
    try:
        return Convention(text)
    except ValueError:
        raise FailureError(f"{text!r} is not a counting convention; write one of {', '.join(Convention)}.") from None

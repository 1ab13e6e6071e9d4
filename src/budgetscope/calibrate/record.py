"""Frozen dataclasses as JSON and back, each value checked against its annotation."""

import json
import math
import types
from collections.abc import Mapping
from dataclasses import MISSING, asdict, fields, is_dataclass
from functools import cache
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")


def to_json(value: Any) -> str:
    """Return a dataclass on one line; a number that is not finite becomes null."""
    return json.dumps(_finite(asdict(value)), separators=(",", ":"), allow_nan=False)


def plain(value: Any) -> dict[str, Any]:
    """Return a dataclass as what JSON can hold."""
    found: dict[str, Any] = _finite(asdict(value))
    return found


def _finite(value: Any) -> Any:
    match value:
        case float():
            return value if math.isfinite(value) else None
        case Mapping():
            return {str(key): _finite(item) for key, item in value.items()}
        case list() | tuple():
            return [_finite(item) for item in value]
        case _:
            return value


def build(kind: type[T], value: Any) -> T:
    """Return a value of a type from what JSON held; unknown fields of a dataclass are left out.

    Raises:
        ValueError: naming what does not fit.
    """
    built: T = _build(kind, value)
    return built


@cache
def _hints(kind: Any) -> dict[str, Any]:
    return get_type_hints(kind)


def _build(kind: Any, value: Any) -> Any:
    if is_dataclass(kind):
        return _dataclass(kind, value)
    origin, args = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        if value is None and type(None) in args:
            return None
        return _build(next(arg for arg in args if arg is not type(None)), value)
    if origin is tuple and isinstance(value, list):
        if len(args) == 2 and args[1] is Ellipsis:
            return tuple(_build(args[0], item) for item in value)
        return tuple(_build(arg, item) for arg, item in zip(args, value, strict=True))
    if origin is not None and isinstance(value, dict):
        return {_key(args[0], key): _build(args[1], item) for key, item in value.items()}
    if kind is float and isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    if kind is float and value is None:
        return math.nan
    if isinstance(kind, type) and isinstance(value, kind) and (kind is bool or not isinstance(value, bool)):
        return value
    raise ValueError(f"{str(value)[:40]!r} is no {getattr(kind, '__name__', kind)}")


def _key(kind: Any, key: str) -> Any:
    return int(key) if kind is int else key


def _dataclass(kind: Any, value: Any) -> Any:
    if not isinstance(value, dict):
        raise ValueError(f"{str(value)[:40]!r} is no {kind.__name__}")
    hints, given = _hints(kind), {}
    for field in fields(kind):
        if field.name in value:
            given[field.name] = _build(hints[field.name], value[field.name])
        elif field.default is MISSING and field.default_factory is MISSING:
            raise ValueError(f"{kind.__name__} lacks {field.name}")
    return kind(**given)

"""Dataclasses to JSON records and back, with every value checked against its annotation."""

import math
import types
from collections.abc import Mapping
from dataclasses import MISSING, asdict, fields, is_dataclass
from functools import cache
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")
# Every whole number of ours is far below; a larger one overflows where it becomes a float.
_MAX_INT = 2**63


def to_record(value: Any) -> dict[str, Any]:
    """Return a dataclass as a JSON object; a number that is not finite becomes null."""
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


def from_record(kind: type[T], value: Any) -> T:
    """Return a value of a type from decoded JSON; unknown fields of a dataclass are ignored.

    Raises:
        ValueError: a value does not match the annotation.
    """
    built: T = _build(kind, value)
    return built


@cache
def _hints(kind: Any) -> dict[str, Any]:
    return get_type_hints(kind)


def _build(kind: Any, value: Any) -> Any:
    if is_dataclass(kind):
        return _dataclass(kind, value)
    origin = get_origin(kind)
    return _scalar(kind, value) if origin is None else _generic(origin, get_args(kind), value)


def _generic(origin: Any, args: tuple[Any, ...], value: Any) -> Any:
    if origin in (Union, types.UnionType):
        kind = next(arg for arg in args if arg is not type(None))
        return None if value is None and type(None) in args else _build(kind, value)
    if origin is tuple and isinstance(value, list):
        if len(args) == 2 and args[1] is Ellipsis:
            return tuple(_build(args[0], item) for item in value)
        return tuple(_build(arg, item) for arg, item in zip(args, value, strict=True))
    if origin is not tuple and isinstance(value, dict):
        return {(int(key) if args[0] is int else key): _build(args[1], item) for key, item in value.items()}
    raise ValueError(f"{str(value)[:40]!r} is no {origin.__name__}")


def _scalar(kind: Any, value: Any) -> Any:
    if kind is float:
        if value is None:
            return math.nan
        if isinstance(value, float) or _is_whole(value):
            return float(value)
    elif _is_whole(value) if kind is int else isinstance(value, kind):
        return value
    raise ValueError(f"{str(value)[:40]!r} is no {kind.__name__}")


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < _MAX_INT


def _dataclass(kind: Any, value: Any) -> Any:
    if not isinstance(value, dict):
        raise ValueError(f"{str(value)[:40]!r} is no {kind.__name__}")  # noqa: TRY004 - one error for all misfits
    hints, given = _hints(kind), {}
    for field in fields(kind):
        if field.name in value:
            given[field.name] = _build(hints[field.name], value[field.name])
        elif field.default is MISSING and field.default_factory is MISSING:
            raise ValueError(f"{kind.__name__} lacks {field.name}")
    return kind(**given)

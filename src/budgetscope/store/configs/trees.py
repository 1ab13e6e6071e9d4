"""Files as trees, by their form, and trees as flat values."""

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from budgetscope.core.errors import FailureError, UsageError
from budgetscope.store.configs.cells import Scalar
from budgetscope.store.configs.yaml_tree import MAX_DEPTH, read_yaml
from budgetscope.store.files import read_text, status


class NoTableError(UsageError):
    """A file has no keys and values, so that it is no configuration, whatever it is."""


MAX_BYTES = 2**20
"""Bytes of a configuration; a longer file is none."""
_MAX_VALUES = 20_000
_REFERENCE = re.compile(r"\$\{([A-Za-z_][\w.]*)\}")


def text_of(path: Path) -> str:
    """Return the text of a configuration.

    Raises:
        FailureError: it cannot be read, is larger than `MAX_BYTES`, or is not UTF-8.
        UsageError: it is empty, or binary.
    """
    try:
        about = status(path)
        if about is not None and about.st_size > MAX_BYTES:
            raise FailureError(f"{str(path)!r} is over 1 MiB; give the configuration of a run, and not its data.")
        text = read_text(path, MAX_BYTES)
    except ValueError:  # a null byte in the path
        raise FailureError(f"{str(path)!r} is not a path; name a file or a folder.") from None
    if "\0" in text:
        raise UsageError(f"{str(path)!r} is binary; give the configuration of a run as text.")
    if not text.strip():
        raise UsageError(f"{str(path)!r} is empty; give the configuration of a run.")
    return text.removeprefix("\ufeff")


def read_json(text: str, file: str) -> Any:
    """Return a JSON document; its numbers stay texts.

    Raises:
        UsageError: it is malformed, or nested too deeply.
    """
    try:
        return json.loads(text, parse_int=str, parse_float=str, parse_constant=str)
    except json.JSONDecodeError as error:
        raise UsageError(f"{file} is not JSON: line {error.lineno}: {error.msg.lower()}; mend it.") from None
    except RecursionError:
        raise UsageError(f"{file} is nested too deeply to be the configuration of a run.") from None


def read_toml(text: str, file: str) -> Any:
    """Return a TOML document; its numbers stay texts.

    Raises:
        UsageError: it is malformed, or nested too deeply.
    """
    try:
        return tomllib.loads(text, parse_float=str)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{file} is not TOML: {_reason(str(error))}; mend it.") from None
    except (RecursionError, ValueError):
        raise UsageError(f"{file} is nested too deeply, or has a number of thousands of digits; mend it.") from None


def _reason(message: str) -> str:
    """Return what the parser says and where, without what it quotes of the file."""
    said, _, place = message.partition(" (at ")
    place = place.rstrip(")") or "the end"
    what = re.sub(r"\(.*\)", "a key", said).lower()
    return f"{place}: {what}"


def read_either(text: str, file: str) -> Any:
    """Return a JSON document, or YAML, which JSON with trailing commas and comments is."""
    try:
        return json.loads(text, parse_int=str, parse_float=str, parse_constant=str)
    except (json.JSONDecodeError, RecursionError):
        return read_yaml(text, file)


def flat(tree: Any, file: str) -> dict[str, Scalar | tuple[Scalar, ...]]:
    """Return a tree as values by keys with dots between levels; a list of scalars is one value.

    Raises:
        UsageError: the tree is no mapping, or too large or deep for the configuration of a run.
    """
    if not isinstance(tree, Mapping):
        raise NoTableError(f"{file} is no table of keys and values; give the configuration of a run.")
    found: dict[str, Scalar | tuple[Scalar, ...]] = {}
    for key, value in _leaves(tree, (), file):
        found[key] = value
        if len(found) > _MAX_VALUES:
            raise UsageError(f"{file} has more than {_MAX_VALUES:,} keys; it is not the configuration of a run.")
    return {key: _referred(value, found) for key, value in found.items()}


def _referred(value: Scalar | tuple[Scalar, ...], found: Mapping[str, Scalar | tuple[Scalar, ...]]) -> Any:
    """Return a value, or that of the key that it refers to as `${model.d_model}`; nothing where there is none."""
    reference = _REFERENCE.fullmatch(value) if isinstance(value, str) else None
    if reference is None:
        return value
    other = found.get(reference[1])
    return None if isinstance(other, str) and _REFERENCE.fullmatch(other) else other


def _leaves(tree: Any, above: tuple[str, ...], file: str) -> Iterator[tuple[str, Scalar | tuple[Scalar, ...]]]:
    if len(above) > MAX_DEPTH:
        raise UsageError(f"{file} is nested more than {MAX_DEPTH} levels deep; it is no configuration.")
    if isinstance(tree, Mapping):
        for key, value in tree.items():
            yield from _leaves(value, (*above, str(key)), file)
    elif isinstance(tree, list) and any(isinstance(each, Mapping | list) for each in tree):
        for place, value in enumerate(tree):
            yield from _leaves(value, (*above, str(place)), file)
    elif isinstance(tree, list):
        yield ".".join(above), tuple(_scalar(each) for each in tree)
    else:
        yield ".".join(above), _scalar(tree)


def _scalar(value: object) -> Scalar:
    if value is None or isinstance(value, bool):
        return value
    try:
        return str(value)
    except ValueError:  # more digits than Python writes
        return "a number of thousands of digits"

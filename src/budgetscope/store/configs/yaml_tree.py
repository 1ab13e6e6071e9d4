"""YAML as a tree of texts: read event by event, so that neither tags, depth nor aliases can do harm."""

from collections.abc import Iterator
from typing import Any

from budgetscope.core.errors import UsageError

MAX_DEPTH = 40
MAX_NODES = 200_000


def read_yaml(text: str, file: str) -> Any:
    """Return a YAML document as mappings, lists and texts; scalars stay as they are written, tags are ignored.

    Args:
        text: of one document.
        file: its name, for refusals.

    Raises:
        UsageError: it is malformed, nested too deeply, or its aliases expand too far.
    """
    import yaml  # noqa: PLC0415 - only these files need it

    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        return _Tree(file, yaml.parse(text, Loader=loader)).read()
    except yaml.MarkedYAMLError as error:
        # What is wrong and where, but never the line itself: it may hold a secret.
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise UsageError(f"{file} is not YAML: line {line}: {error.problem}; mend it.") from None
    except (yaml.YAMLError, ValueError, RecursionError):
        raise UsageError(f"{file} is not YAML: it holds characters that YAML does not allow; mend it.") from None


class _Tree:
    """Builds the tree of events.

    Args:
        file: its name, for refusals.
        events: of PyYAML's parser.
    """

    def __init__(self, file: str, events: Iterator[Any]) -> None:
        self._file, self._events = file, events
        self._anchors: dict[str, tuple[Any, int]] = {}
        self._nodes = 0

    def read(self) -> Any:
        """Return the tree of the first document."""
        for event in self._events:
            kind = type(event).__name__
            if kind not in ("StreamStartEvent", "DocumentStartEvent"):
                return None if kind == "StreamEndEvent" else self._node(event, 0)[0]
        return None

    def _node(self, event: Any, depth: int) -> tuple[Any, int]:
        """Return a node and how many nodes it has."""
        if depth > MAX_DEPTH:
            raise UsageError(f"{self._file} is nested more than {MAX_DEPTH} levels deep; it is no configuration.")
        kind = type(event).__name__
        if kind == "AliasEvent":
            if event.anchor not in self._anchors:
                line = event.start_mark.line + 1
                raise UsageError(f"{self._file} is not YAML: line {line}: an alias without its anchor; mend it.")
            node, size = self._anchors[event.anchor]
            self._count(size)
            return node, size
        before = self._nodes
        self._count(1)
        node = {"MappingStartEvent": self._mapping, "SequenceStartEvent": self._sequence}.get(kind, _scalar)(
            event, depth
        )
        size = self._nodes - before
        if event.anchor:
            self._anchors[event.anchor] = (node, size)
        return node, size

    def _count(self, nodes: int) -> None:
        self._nodes += nodes
        if self._nodes > MAX_NODES:
            raise UsageError(f"{self._file} has more than {MAX_NODES:,} values, aliases included; it is no run's.")

    def _sequence(self, _event: Any, depth: int) -> list[Any]:
        items = []
        for event in self._events:
            if type(event).__name__ == "SequenceEndEvent":
                break
            items.append(self._node(event, depth + 1)[0])
        return items

    def _mapping(self, _event: Any, depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        merged: dict[str, Any] = {}
        for event in self._events:
            if type(event).__name__ == "MappingEndEvent":
                break
            key, _ = self._node(event, depth + 1)
            value, _ = self._node(next(self._events), depth + 1)
            if key == "<<":
                for other in value if isinstance(value, list) else [value]:
                    merged = {**(other if isinstance(other, dict) else {}), **merged}
            elif isinstance(key, str):
                found[key] = value
        return {**merged, **found}


def _scalar(event: Any, _depth: int) -> str | None:
    return None if event.implicit[0] and event.value in ("", "~", "null", "Null", "NULL") else str(event.value)

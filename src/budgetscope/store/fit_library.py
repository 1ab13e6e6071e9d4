"""The library of stored fits: looks fits up through layers of folders, and stores them with a history.

Layers, nearest first: a file named outright, the folder in BUDGETSCOPE_FITS, the user's own folder, and the
fits that ship with budgetscope. A fit in a nearer layer shadows one of the same id below it.
"""

import json
import os
import re
import stat
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from budgetscope.core.budget.quantities import quote
from budgetscope.core.errors import FailureError, UsageError
from budgetscope.core.language import _
from budgetscope.core.laws.fit import Fit
from budgetscope.core.printable import printable
from budgetscope.store import locations
from budgetscope.store.files import listed, locked, read_text, status, write_atomically
from budgetscope.store.fit_schema import check_id, decode, digest, dump

_MAX_BYTES = 32 * 2**20
_HISTORY = ".history"
_PAST = re.compile(r"[0-9]{6}\.json")


@dataclass(frozen=True, slots=True)
class Layer:
    """A folder of fits: `override`, `user` or `bundled`."""

    name: str
    folder: Path


@dataclass(frozen=True, slots=True)
class Entry:
    """A file of the library.

    Attributes:
        id: of the fit, by its place; of its family alone for a folder that cannot be read.
        layer: where it was found.
        path: the file or folder.
        fit: its content; None when it is broken.
        problem: why it is broken; empty when it is not.
        shadows: layers whose fit of the same id it hides.
        edited: whether its content differs from the hash that it was written with.
        written: when the file was last written, in seconds since 1970; None for a fit that came with budgetscope.
    """

    id: str
    layer: str
    path: Path
    fit: Fit | None
    problem: str
    shadows: tuple[str, ...]
    edited: bool
    written: float | None = None


class Library:
    """Reads fits through its layers and writes them to the user's folder."""

    def __init__(self, layers: tuple[Layer, ...]) -> None:
        self.layers = layers

    @classmethod
    def standard(cls) -> "Library":
        """Return the library of this user and environment."""
        override = locations.override_fits()
        if override is not None and not _is(stat.S_ISDIR, override):
            raise UsageError(f"BUDGETSCOPE_FITS names {str(override)!r}, which is no folder; correct or unset it.")
        return cls(
            (
                *([Layer("override", override)] if override else []),
                Layer("user", locations.user_fits()),
                Layer("bundled", locations.bundled_fits()),
            )
        )

    def get(self, name: str) -> Fit:
        """Return a fit by its id, or from a file when the name ends in `.json`.

        Raises:
            UsageError: there is none of that id.
            FailureError: its file is broken, or a folder cannot be read.
        """
        if name.endswith(".json"):
            return load(locations.expanded(name))
        path = self.path(name)
        if path is None:
            raise UsageError(self.unknown(name))
        return load(path, name)

    def path(self, fit_id: str) -> Path | None:
        """Return the file of a fit in its nearest layer; None when no layer has it.

        Raises:
            UsageError: it is not an id.
            FailureError: a folder cannot be read.
        """
        candidates = [layer.folder / f"{self._checked(fit_id)}.json" for layer in self.layers]
        return next((path for path in candidates if _is(stat.S_ISREG, path)), None)

    def remarks(self, name: str) -> list[str]:
        """Return cautions about the file of a fit, one sentence each; none for an unedited bundled one.

        Raises: as `get`.
        """
        if name.endswith(".json"):
            found = [("", locations.expanded(name))]
        else:
            places = [(layer.name, layer.folder / f"{check_id(name)}.json") for layer in self.layers]
            found = [(layer, path) for layer, path in places if _is(stat.S_ISREG, path)]
        if not found or found[0][0] == "bundled":
            return []
        path, hidden = found[0][1], [layer for layer, _ in found[1:]]
        hides = _("it is read from {path} and hides the {layer} fit of the same id.")
        told = [hides.format(path=repr(str(path)), layer=layer) for layer in hidden[:1]]
        seen = _found(path)
        if _edited(path, seen.st_mtime_ns, seen.st_size):
            changed = _(
                "{path} was written or changed by hand: its draws may not belong to its parameters, and then intervals "
                "are wrong."
            )
            told.append(changed.format(path=repr(str(path))))
        return told

    def unknown(self, name: str) -> str:
        """Return the sentence that refuses an id which no layer has."""
        hint = self._hint(name) or "no id is near it"
        return f"no fit has the id {name!r}: {hint}; `budgetscope fits list` shows all."

    def _checked(self, name: str) -> str:
        """Return a name if it is an id; refuse another with the ids that it may mean."""
        try:
            return check_id(name)
        except UsageError:
            hint = self._hint(name)
            if not hint:
                raise
        raise UsageError(f"{quote(name)} is not a fit's id: {hint}; `budgetscope fits list` shows all.")

    def _hint(self, name: str) -> str:
        from budgetscope.store.fit_names import nearest  # noqa: PLC0415 - only a refusal needs it

        near = nearest(name, {entry.id: "" if entry.fit is None else entry.fit.title for entry in self.entries()})
        return f"did you mean {' or '.join(filter(None, (', '.join(near[:-1]), near[-1])))}" if near else ""

    def _families(self) -> Iterator[tuple[Layer, Path]]:
        for layer in self.layers:
            for family in listed(layer.folder):
                if not family.name.startswith("."):
                    yield layer, family

    def ids(self) -> tuple[str, ...]:
        """Return the ids of all fits, those that ship with budgetscope first; no file is read."""
        found: dict[str, None] = {}
        for layer in sorted(self.layers, key=lambda layer: layer.name != "bundled"):
            # A folder that cannot be read is told by `entries`.
            with suppress(FailureError):
                families = [family for family in listed(layer.folder) if not family.name.startswith(".")]
                found |= dict.fromkeys([_id(path) for family in families for path in _fit_files(family)])
        return tuple(found)

    def entries(self) -> list[Entry]:
        """Return the entry of every fit, and of every broken file, by id; a broken file hides no other.

        Raises:
            FailureError: the folder of a layer cannot be read.
        """
        found: dict[str, Entry] = {}
        broken: list[Entry] = []
        for layer, family in self._families():
            try:
                paths = _fit_files(family)
            except FailureError as error:
                broken.append(Entry(printable(family.name), layer.name, family, None, str(error), (), edited=False))
                continue
            for path in paths:
                entry = _entry(layer, path, found.get(_id(path)))
                if entry.fit is None:
                    broken.append(entry)
                else:
                    found[entry.id] = entry
        return sorted([*found.values(), *broken], key=lambda entry: entry.id)

    def save(self, fit: Fit) -> Path:
        """Write a fit to the user's folder; an older one of the same id goes to its history.

        Raises:
            FailureError: the fit could not be read back, or the folder cannot be written; nothing is changed.
        """
        folder, text = self._user_folder(), dump(fit)
        # What could not be read back must not replace what can.
        decode(_parsed(text), check_id(fit.id))
        path = folder / f"{fit.id}.json"
        with locked(folder):
            if status(path) is not None:
                past = self._past(fit.id)
                number = 1 + max((int(p.stem) for p in past), default=0)
                write_atomically(folder / _HISTORY / fit.id / f"{number:06d}.json", read_text(path, _MAX_BYTES))
            write_atomically(path, text)
        return path

    def undo(self, fit_id: str) -> Fit | None:
        """Put back what the last `save` of this id replaced; None when it had replaced nothing.

        The fit that is undone stays in the history as `undone-` and a number.

        Raises:
            UsageError: the user's folder has no fit of that id.
            FailureError: the folder cannot be written; nothing is changed.
        """
        folder = self._user_folder()
        path = folder / f"{check_id(fit_id)}.json"
        if status(path) is None:
            raise UsageError(f"{fit_id!r} is not among your own fits; only those can be undone.")
        with locked(folder):
            past, history = self._past(fit_id), folder / _HISTORY / fit_id
            number = 1 + sum(each.name.startswith("undone-") for each in listed(history))
            write_atomically(history / f"undone-{number:06d}.json", read_text(path, _MAX_BYTES))
            if not past:
                path.unlink()
                return None
            write_atomically(path, read_text(past[-1], _MAX_BYTES))
            past[-1].unlink()
        return load(path, fit_id)

    def _past(self, fit_id: str) -> list[Path]:
        return [path for path in listed(self._user_folder() / _HISTORY / fit_id) if _PAST.fullmatch(path.name)]

    def _user_folder(self) -> Path:
        return next(layer.folder for layer in self.layers if layer.name == "user")


def is_bundled(fit_id: str) -> bool:
    """Return whether a fit of this id ships with budgetscope; a user's fit of the same id would hide it."""
    return (locations.bundled_fits() / f"{fit_id}.json").is_file()


def check_own_id(text: str) -> str:
    """Return the id under which a fit is to be stored.

    Raises:
        UsageError: it is not an id, or a fit that ships with budgetscope has it.
    """
    if is_bundled(check_id(text)):
        raise UsageError(f"{text} is a fit that ships with budgetscope; choose a name of your own, like mine/lab.")
    return text


def _is(kind: Callable[[int], bool], path: Path) -> bool:
    found = status(path)
    return found is not None and kind(found.st_mode)


def _fit_files(family: Path) -> list[Path]:
    return [path for path in listed(family) if path.suffix == ".json"]


def _id(path: Path) -> str:
    return printable(f"{path.parent.name}/{path.stem}")


def _entry(layer: Layer, path: Path, hidden_by: Entry | None) -> Entry:
    """Return the entry of a file, or that of the file that hides it."""
    if hidden_by is not None:
        return replace(hidden_by, shadows=(*hidden_by.shadows, layer.name))
    try:
        fit, found = load(path, _id(path)), _found(path)
        edited = _edited(path, found.st_mtime_ns, found.st_size)
        written = None if layer.name == "bundled" else found.st_mtime
        return Entry(_id(path), layer.name, path, fit, "", (), edited, written)
    except FailureError as error:
        return Entry(_id(path), layer.name, path, None, str(error), (), edited=False)


def load(path: Path, expected_id: str | None = None) -> Fit:
    """Return the fit in a file.

    Raises:
        FailureError: naming the file and the reason.
    """
    found = _found(path)
    return _load(path, expected_id, found.st_mtime_ns, found.st_size)


def _found(path: Path) -> os.stat_result:
    found = status(path)
    if found is None:
        raise FailureError(f"there is no fit file {str(path)!r}; check the path.")
    return found


@lru_cache(maxsize=1024)
def _load(path: Path, expected_id: str | None, mtime_ns: int, size: int) -> Fit:
    try:
        return decode(_record(path, mtime_ns, size), expected_id)
    except FailureError as error:
        raise FailureError(f"the fit file {str(path)!r} is refused: {error}") from None


@lru_cache(maxsize=1)
def _record(path: Path, _mtime_ns: int, _size: int) -> object:
    """Return the JSON of a file; the last one is kept, since a fit is loaded and then its hash is checked."""
    return _parsed(read_text(path, _MAX_BYTES))


def _parsed(text: str) -> object:
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise FailureError(f"it is not valid JSON ({str(error)[:80]}).") from None


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is not a number")


@lru_cache(maxsize=1024)
def _edited(path: Path, mtime_ns: int, size: int) -> bool:
    record = _record(path, mtime_ns, size)
    return isinstance(record, dict) and record.get("sha256") != digest(record)

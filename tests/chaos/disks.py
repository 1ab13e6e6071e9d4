"""Disks that are full, read-only or broken, and too few file handles: refused in our words, and nothing is lost."""

import contextlib
import errno
import io
import os
import random
import resource
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
from tests.bundled import fit
from tests.chaos.counts import Counts
from tests.planted_run import planted_spec

from budgetscope.calibrate.corpus.prepare import prepare
from budgetscope.calibrate.run import events
from budgetscope.calibrate.run.folder import RunFolder
from budgetscope.calibrate.run.logs import Reader, Writer
from budgetscope.core.errors import BudgetscopeError
from budgetscope.store import locations
from budgetscope.store.app_state import AppState, read_state, write_state
from budgetscope.store.fit_library import Library
from budgetscope.store.scenarios import Scenario, delete_scenario, read_scenarios, rename_scenario, save_scenario
from budgetscope.store.settings import Settings, read_settings, write_settings

_READS = ("open", "stat")
_WRITES = ("open", "mkdir", "replace", "unlink", "fsync", "write", "ftruncate", "chmod")
# What fails, and whether only once.
_FAULTS: tuple[tuple[int, tuple[str, ...]], ...] = (
    (errno.ENOSPC, ("open", "mkdir", "fsync", "write")),
    (errno.EROFS, _WRITES),
    (errno.EACCES, _WRITES),
    (errno.EIO, (*_WRITES, "stat")),
    (errno.EMFILE, ("open",)),
    (errno.ESTALE, _READS),
)
_MINE = "mine/lab"


def campaign(seed: int, deadline: float) -> Counts:
    """Do one thing that writes while the system refuses, and look at everything that was there before."""
    counts = Counts()
    for rng in counts.attempts(seed, deadline):
        with (
            tempfile.TemporaryDirectory() as home,
            mock.patch.dict(os.environ, folders(home)),
            # No power fails here, and waiting for a real disk would take most of the time.
            mock.patch.object(os, "fsync"),
        ):
            text = _text(Path(home), rng)
            _begin()
            before = _seen()
            do = rng.choice(list(_DEEDS))
            fault, tidy, refuse = _fault(rng)
            done = False
            with counts.watched((do, fault)):
                with refuse:
                    _DEEDS[do](text)
                done = True
            with counts.watched((do, fault, "afterwards")):
                try:
                    after = _seen()
                except BudgetscopeError as broken:
                    counts.fault("lost", f"after {do} with {fault}: {broken}")
                    continue
                expected = {**before, **_CHANGES.get(do, {})}
                for name, value in after.items():
                    if name == "temporaries" and not tidy:
                        continue
                    if value not in (before[name], expected[name]) or (done and value != expected[name]):
                        counts.fault("lost", f"{do} with {fault}, done: {done}: {name} is {str(value)[:200]}")
    return counts


def folders(home: str) -> dict[str, str]:
    """Return an environment in which every folder of the user is below one folder."""
    names = ("HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME")
    return {name: str(Path(home, name.lower())) for name in names}


def _text(home: Path, rng: random.Random) -> Path:
    letters = np.random.default_rng(rng.randrange(2**32)).integers(97, 123, 100_000).astype(np.uint8)
    letters[::100], letters[1::100] = 10, 10
    path = home / "text.txt"
    path.write_bytes(letters.tobytes())
    return path


# What is there, and what is done

_OLD, _NEW = (
    replace(fit("hoffmann2022/approach-1"), id=_MINE, title="old"),
    replace(fit("hoffmann2022/approach-2"), id=_MINE, title="new"),
)
_SMALL, _BIG = Scenario("small", {"budget": "1e20"}), Scenario("big", {"budget": "1e24"})


def _begin() -> None:
    library = Library.standard()
    library.save(_OLD)
    write_state(AppState({"budget": "1e20"}))
    write_settings(Settings("mine/old"))
    for scenario in (_SMALL, _BIG):
        save_scenario(scenario)
    folder = RunFolder.create(planted_spec())
    writer = Writer(folder.events, 0, 1)
    writer.append(events.Heartbeat(1))
    writer.close()


def _seen() -> dict[str, Any]:
    folder = RunFolder(locations.user_runs() / planted_spec().run)
    return {
        "fit": Library.standard().get(_MINE),
        "state": read_state(),
        "settings": read_settings(),
        "scenarios": read_scenarios(),
        "spec": folder.spec(),
        "log": [record.event for record in Reader(folder.events).read()],
        "temporaries": sorted(str(path) for path in locations.user_runs().parents[1].rglob(".*.????????")),
    }


def _append(_: Path) -> None:
    folder = RunFolder(locations.user_runs() / planted_spec().run)
    writer = Writer(folder.events, 1, 2)
    try:
        writer.append(events.Note("x" * 500), durable=True)
    finally:
        writer.close()


_DEEDS: dict[str, Callable[[Path], object]] = {
    "save a fit": lambda _: Library.standard().save(_NEW),
    "store the state": lambda _: write_state(AppState({"budget": "1e24"})),
    "store the settings": lambda _: write_settings(Settings("mine/new")),
    "save a scenario": lambda _: save_scenario(Scenario("new", {})),
    "rename a scenario": lambda _: rename_scenario("small", "tiny"),
    "delete a scenario": lambda _: delete_scenario("small"),
    "append to a log": _append,
    "prepare a text": lambda text: prepare(str(text), tokenizer="bytes"),
    "create a run": lambda _: RunFolder.create(replace(planted_spec(), run="another")),
}
_CHANGES: dict[str, dict[str, Any]] = {
    "save a fit": {"fit": _NEW},
    "store the state": {"state": AppState({"budget": "1e24"})},
    "store the settings": {"settings": Settings("mine/new")},
    "save a scenario": {"scenarios": (_SMALL, _BIG, Scenario("new", {}))},
    "rename a scenario": {"scenarios": (Scenario("tiny", _SMALL.request), _BIG)},
    "delete a scenario": {"scenarios": (_BIG,)},
    "append to a log": {"log": [events.Heartbeat(1), events.Note("x" * 500)]},
}


# What refuses


def _fault(rng: random.Random) -> tuple[str, bool, contextlib.AbstractContextManager[None]]:
    """Return a fault's name, whether files can still be deleted, and the fault."""
    if rng.random() < 0.25:
        limit = int(10 ** rng.uniform(0, 5.3))
        return f"files of at most {limit} bytes", True, _small_files(limit)
    code, calls = rng.choice(_FAULTS)
    first, sticky = rng.randrange(12), rng.random() < 0.5
    name = f"{errno.errorcode[code]} from call {first}, sticky: {sticky}"
    return name, "unlink" not in calls, _refusing(code, calls, first, sticky=sticky)


@contextlib.contextmanager
def _small_files(limit: int) -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@contextlib.contextmanager
def _refusing(code: int, calls: tuple[str, ...], first: int, *, sticky: bool) -> Iterator[None]:
    """Let the system refuse calls with an error, from the `first` on."""
    seen, home = 0, str(Path(os.environ["HOME"]).parent)

    def wrapped(call: Callable[..., Any]) -> Callable[..., Any]:
        def refuse(*arguments: Any, **options: Any) -> Any:
            nonlocal seen
            # The disk of the user, not of Python.
            if isinstance(arguments[0], str | Path) and not str(arguments[0]).startswith(home):
                return call(*arguments, **options)
            seen += 1
            if seen > first and (sticky or seen == first + 1):
                raise OSError(code, os.strerror(code), str(arguments[0]))
            return call(*arguments, **options)

        return refuse

    with contextlib.ExitStack() as stack:
        for name in calls:
            stack.enter_context(mock.patch.object(os, name, wrapped(getattr(os, name))))
        if "open" in calls:
            # Of pathlib.
            stack.enter_context(mock.patch.object(io, "open", wrapped(io.open)))
        yield

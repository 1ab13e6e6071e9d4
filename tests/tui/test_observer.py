"""What the Calibrate screen keeps of the runs it has read."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from budgetscope.tui.screens.calibrate import runs
from budgetscope.tui.screens.calibrate.runs import Observer


def folders(*names: str) -> list[SimpleNamespace]:
    return [
        SimpleNamespace(name=name, path=Path(name), log_bytes=lambda: 1, logged_status=lambda: "done") for name in names
    ]


def test_a_run_that_is_chosen_again_is_not_read_again_but_few_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    names, made = "abcdef", list[str]()

    class Watched:
        def __init__(self, folder: SimpleNamespace, queue: object) -> None:
            assert queue is not None
            self.folder = folder
            made.append(folder.name)

        def look(self) -> SimpleNamespace:
            return SimpleNamespace(status="running")

    monkeypatch.setattr(runs, "_Watched", Watched)
    monkeypatch.setattr(runs, "Queue", lambda folder: folder)
    monkeypatch.setattr(runs, "list_runs", lambda: folders(*names))
    monkeypatch.setattr(runs, "live_status", lambda _folder, status, _queue: status)
    observer = Observer()
    for chosen in "abab":
        observer.look(chosen)
    assert made == ["a", "b"]
    for chosen in "cdefa":
        observer.look(chosen)
    assert made == [*"abcdef", "a"]


def test_a_run_is_looked_at_oftener_than_the_list(monkeypatch: pytest.MonkeyPatch) -> None:
    lists: list[int] = []

    def listed() -> list[SimpleNamespace]:
        lists.append(1)
        return folders("a", "b")

    class Watched:
        def __init__(self, folder: SimpleNamespace, _queue: object) -> None:
            self.folder = folder

        def look(self) -> SimpleNamespace:
            return SimpleNamespace(status="done")

    monkeypatch.setattr(runs, "_Watched", Watched)
    monkeypatch.setattr(runs, "Queue", lambda folder: folder)
    monkeypatch.setattr(runs, "list_runs", listed)
    monkeypatch.setattr(runs, "live_status", lambda _folder, _status, _queue: "running")
    observer = Observer()
    for _look in range(3):
        seen = observer.look("a")
    assert len(lists) == 1
    # The run itself says how it is, though the list is older.
    assert [entry.status for entry in seen.entries] == ["done", "running"]
    observer.look("a", anew=True)
    assert len(lists) == 2
    observer.look("new")
    assert len(lists) == 3

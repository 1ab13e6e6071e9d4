"""Writing that loses nothing, reading that never hangs, and the lock."""

import contextlib
import errno
import os
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from budgetscope.core.errors import FailureError
from budgetscope.store import files
from budgetscope.store.files import create, exists, locked, read_text, write_atomically


def left_over(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_is_written_whole_with_its_folders(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "c.json"
    write_atomically(path, "first\n")
    write_atomically(path, "second · ×\n")
    assert path.read_bytes() == "second · ×\n".encode()
    assert left_over(path.parent) == ["c.json"]


def test_permissions_are_kept_and_new_ones_follow_the_mask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = os.umask(0o027)
    # Another thread would create its files with the umask of that instant.
    monkeypatch.setattr(os, "umask", lambda _: pytest.fail("the umask is changed"))
    try:
        path = tmp_path / "f"
        write_atomically(path, "x")
        assert stat.S_IMODE(path.stat().st_mode) == 0o640
        path.chmod(0o600)
        write_atomically(path, "y")
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    finally:
        monkeypatch.undo()
        os.umask(old)


@pytest.mark.parametrize(("where", "broken"), [(os, "fsync"), (Path, "replace"), (Path, "chmod")])
def test_a_failure_half_way_leaves_the_old_file_and_no_debris(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: object, broken: str
) -> None:
    path = tmp_path / "f.json"
    write_atomically(path, "old")

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(where, broken, fail)
    with pytest.raises(FailureError, match="no space left on device"):
        write_atomically(path, "new")
    monkeypatch.undo()
    assert path.read_text() == "old"
    assert left_over(tmp_path) == ["f.json"]


def test_a_disk_that_becomes_read_only_half_way_is_refused_in_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(os, "fsync", fail)
    monkeypatch.setattr(os, "unlink", fail)
    with pytest.raises(FailureError, match="read-only file system"):
        write_atomically(tmp_path / "f.json", "new")


def test_what_a_killed_writer_left_is_deleted_by_the_next_one(tmp_path: Path) -> None:
    for name, age in ((".[f].json.0123abcd", 4000), (".[f].json.fresh123", 4000), (".[f].json.89abcdef", 9)):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (time.time() - age, time.time() - age))
    write_atomically(tmp_path / "[f].json", "x")
    assert left_over(tmp_path) == [".[f].json.89abcdef", ".[f].json.fresh123", "[f].json"]


def test_text_that_utf8_cannot_hold_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "f.json"
    write_atomically(path, "old")
    with pytest.raises(FailureError, match="characters that UTF-8 cannot"):
        write_atomically(path, "new \ud800")
    assert path.read_text() == "old"
    assert left_over(tmp_path) == ["f.json"]


def test_a_folder_that_is_a_file_or_too_long_a_name_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("kept")
    for path in (tmp_path / "file" / "x.json", tmp_path / ("x" * 300)):
        with pytest.raises(FailureError, match="choose a folder that you can write to"):
            write_atomically(path, "x")
    assert (tmp_path / "file").read_text() == "kept"


def test_a_folder_in_the_files_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    with pytest.raises(FailureError, match="cannot write"):
        write_atomically(tmp_path / "d", "x")
    assert left_over(tmp_path) == ["d"]


def test_what_is_no_file_is_never_replaced(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to(tmp_path / "pipe")
    for name in ("pipe", "link"):
        with pytest.raises(FailureError, match=f"cannot write '{tmp_path / name}': it is not a file"):
            write_atomically(tmp_path / name, "x")
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)
    assert left_over(tmp_path) == ["link", "pipe"]


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    real, link = tmp_path / "kept" / "real.json", tmp_path / "link.json"
    real.write_text("old")
    link.symlink_to(real)
    write_atomically(link, "new")
    assert link.is_symlink()
    assert real.read_text() == "new"
    assert left_over(real.parent) == ["real.json"]


def test_a_file_over_the_limit_or_in_another_encoding_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_bytes(b"x" * 2_000_000)
    with pytest.raises(FailureError, match="over 1 MiB"):
        read_text(path, 2**20)
    path.write_bytes("größer".encode("latin-1"))
    with pytest.raises(FailureError, match="not UTF-8"):
        read_text(path, 2**20)
    with pytest.raises(FailureError, match="no such file"):
        read_text(tmp_path / "gone", 2**20)


def test_what_is_no_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "zero").symlink_to("/dev/zero")
    (tmp_path / "folder").mkdir()
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    for name in ("pipe", "zero", "folder", "loop"):
        with pytest.raises(FailureError):
            read_text(tmp_path / name, 2**20)


def test_existence_is_never_an_error(tmp_path: Path) -> None:
    assert exists(tmp_path)
    for path in (tmp_path / "x", tmp_path / ("x" * 300), Path("a\0b")):
        assert not exists(path)


@pytest.fixture
def no_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "_LOCK_SECONDS", 0.1)


HOLD = """
import pathlib, sys, time
from budgetscope.store.files import locked
with locked(pathlib.Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(600)
"""


@contextlib.contextmanager
def another_process_holds(folder: Path) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen([sys.executable, "-c", HOLD, str(folder)], stdout=subprocess.PIPE, text=True) as holder:
        try:
            assert holder.stdout is not None
            assert holder.stdout.readline() == "held\n"
            yield holder
        finally:
            holder.kill()


@pytest.mark.usefixtures("no_patience")
def test_the_lock_is_held_and_given_back(tmp_path: Path) -> None:
    with locked(tmp_path / "new"), pytest.raises(FailureError), locked(tmp_path / "new"):
        pytest.fail("the lock was given twice")
    with pytest.raises(KeyError), locked(tmp_path / "new"):
        raise KeyError
    with locked(tmp_path / "new"):
        pass


def test_two_writers_take_turns(tmp_path: Path) -> None:
    inside, most = 0, 0

    def work() -> None:
        nonlocal inside, most
        with locked(tmp_path):
            inside += 1
            most = max(most, inside)
            time.sleep(0.01)
            inside -= 1

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1


@pytest.mark.usefixtures("no_patience")
def test_a_lock_left_by_a_crash_holds_nobody_up(tmp_path: Path) -> None:
    with another_process_holds(tmp_path) as holder:
        holder.kill()
        holder.wait()
        assert (tmp_path / ".lock").exists()
        with locked(tmp_path):
            pass


@pytest.mark.usefixtures("no_patience")
@pytest.mark.parametrize("age", [-3600, 0, 3600])
def test_a_lock_that_another_process_holds_is_never_taken(tmp_path: Path, age: float) -> None:
    with another_process_holds(tmp_path):
        os.utime(tmp_path / ".lock", (time.time() - age, time.time() - age))
        with pytest.raises(FailureError, match="locked by another budgetscope"), locked(tmp_path):
            pytest.fail("the lock was taken from its holder")


def test_a_folder_that_cannot_be_is_no_place_for_a_lock(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("kept")
    with pytest.raises(FailureError, match="cannot write to"), locked(tmp_path / "file" / "folder"):
        pytest.fail("there is no such folder")


def test_of_several_creators_of_a_file_the_first_succeeds(tmp_path: Path) -> None:
    path = tmp_path / "a" / "claim.1"
    texts = [str(number) * 10_000 for number in range(8)]
    with ThreadPoolExecutor(len(texts)) as pool:
        made = list(pool.map(lambda text: create(path, text), texts))
    assert sum(made) == 1
    assert path.read_text() == texts[made.index(True)]
    assert left_over(path.parent) == ["claim.1"]
    assert not create(path, "later")
    assert path.read_text() == texts[made.index(True)]


def test_no_reader_sees_half_of_a_created_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, sync, seen = tmp_path / "f", os.fsync, []

    def before_it_has_its_name(handle: int) -> None:
        seen.append(path.exists())
        sync(handle)

    monkeypatch.setattr(os, "fsync", before_it_has_its_name)
    assert create(path, "whole")
    assert seen == [False]
    assert path.read_text() == "whole"


def test_a_creation_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(FailureError, match="no space left on device"):
        create(tmp_path / "f", "x")
    assert left_over(tmp_path) == []
    monkeypatch.undo()
    with pytest.raises(FailureError, match="cannot write"):
        create(tmp_path / ("x" * 300), "x")
    assert left_over(tmp_path) == []


@pytest.mark.parametrize("refusal", [errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK])
def test_on_a_disk_without_links_the_first_creator_succeeds_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refusal: int
) -> None:
    def refused(*_: object) -> None:
        raise OSError(refusal, os.strerror(refusal))

    monkeypatch.setattr(os, "link", refused)
    assert create(tmp_path / "f", "first")
    assert not create(tmp_path / "f", "second")
    assert (tmp_path / "f").read_text() == "first"
    assert left_over(tmp_path) == ["f"]


def test_a_disk_that_refuses_a_link_for_another_reason_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "link", refused)
    with pytest.raises(FailureError, match="input/output error"):
        create(tmp_path / "f", "x")
    assert left_over(tmp_path) == []


def test_a_link_whose_answer_was_lost_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    link = os.link

    def lost(source: Path, target: Path) -> None:
        link(source, target)
        raise FileExistsError(errno.EEXIST, "File exists")

    monkeypatch.setattr(os, "link", lost)
    assert create(tmp_path / "f", "mine")
    assert (tmp_path / "f").read_text() == "mine"

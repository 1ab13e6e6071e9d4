"""Claims: who has a slice, when it is free again, and what its next holder takes over."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.planted_workers import GONE_PID, begun, write_log

from budgetscope.calibrate.run.claims import SILENT_SECONDS, Claim, Claims
from budgetscope.calibrate.run.events import Event, Heartbeat, RunDone, encode
from budgetscope.calibrate.run.fold import LogState
from budgetscope.calibrate.run.folder import RunFolder
from budgetscope.calibrate.run.logs import RunReader

SLICE = "0123456789ab"
HOLDER, OBSERVER = "0001-0-1", "0001-1-1"


@pytest.fixture
def folder(new_run: Callable[[], RunFolder]) -> RunFolder:
    return new_run()


class Clock:
    """A monotonic clock that is set by hand."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        monkeypatch.setattr("time.monotonic", lambda: self.now)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def logs_of(folder: RunFolder) -> dict[str, LogState]:
    reader = RunReader(folder.path)
    reader.whole()
    return {log.key: log for log in reader.logs.values()}


def held(folder: RunFolder, *events: Event) -> tuple[Claims, Claim]:
    """Let a holder with such a log have the slice; return the claims of an observer, and the claim that it sees."""
    if events:
        write_log(folder, HOLDER, *events)
    assert Claims(folder, HOLDER).take(SLICE, 1)
    observer = Claims(folder, OBSERVER)
    return observer, observer.latest()[SLICE]


def is_free(folder: RunFolder, observer: Claims, claim: Claim | None) -> bool:
    return observer.free(claim, logs_of(folder))


def test_first_of_several_takers_has_the_slice(folder: RunFolder) -> None:
    keys = [f"0001-{slot}-1" for slot in range(8)]
    with ThreadPoolExecutor(len(keys)) as pool:
        for number in (1, 2, 3):
            won = list(pool.map(lambda key, n=number: Claims(folder, key).take(SLICE, n), keys))
            assert sum(won) == 1
            assert Claims(folder, "other").latest() == {SLICE: Claim(SLICE, number, keys[won.index(True)])}


def test_slice_that_nobody_or_the_worker_itself_has_is_free(folder: RunFolder) -> None:
    observer = Claims(folder, OBSERVER)
    assert observer.latest() == {}
    assert is_free(folder, observer, None)
    assert observer.take(SLICE, 1)
    assert is_free(folder, observer, observer.latest()[SLICE])


@pytest.mark.parametrize("status", ["stopped", "failed", "done"])
def test_slice_of_a_worker_that_ended_is_free(folder: RunFolder, status: str) -> None:
    assert is_free(folder, *held(folder, begun(folder, os.getpid()), RunDone(status)))


def test_slice_of_a_worker_that_was_started_again_is_free(folder: RunFolder) -> None:
    observer, claim = held(folder, begun(folder, 1, place="elsewhere"))
    write_log(folder, "0001-2-2", begun(folder, 1, place="elsewhere"))
    write_log(folder, "0002-0-2", begun(folder, 1, place="elsewhere"))
    assert not is_free(folder, observer, claim)
    write_log(folder, "0001-0-2", begun(folder, 1, place="elsewhere"))
    assert is_free(folder, observer, claim)


def test_slice_of_a_dead_worker_of_this_machine_is_free(folder: RunFolder) -> None:
    assert is_free(folder, *held(folder, begun(folder, GONE_PID)))


def test_slice_of_a_worker_whose_number_another_process_has_is_free(folder: RunFolder) -> None:
    assert is_free(folder, *held(folder, begun(folder, os.getpid(), process="1")))


def test_number_of_a_process_of_another_machine_says_nothing(folder: RunFolder) -> None:
    assert not is_free(folder, *held(folder, begun(folder, GONE_PID, place="elsewhere")))


@pytest.mark.parametrize("place", [None, "elsewhere"])
def test_slice_of_a_silent_worker_is_free_and_that_of_a_writing_one_is_not(
    folder: RunFolder, clock: Clock, place: str | None
) -> None:
    observer, claim = held(folder, begun(folder, os.getpid(), place=place))
    log = folder.workers / f"{HOLDER}.jsonl"
    record = RunReader(folder.path).read()[0]
    for _ in range(3):
        assert not is_free(folder, observer, claim)
        clock.now += SILENT_SECONDS - 1
        assert not is_free(folder, observer, claim)
        with log.open("ab") as file:
            file.write(encode(record))
        clock.now += 2
    assert not is_free(folder, observer, claim)
    clock.now += SILENT_SECONDS + 1
    assert is_free(folder, observer, claim)


def test_a_worker_that_looks_for_the_first_time_waits_first(folder: RunFolder, clock: Clock) -> None:
    observer, claim = held(folder, begun(folder, 1, place="elsewhere"), Heartbeat())
    clock.now += 10 * SILENT_SECONDS
    assert not is_free(folder, observer, claim)
    clock.now += SILENT_SECONDS + 1
    assert is_free(folder, observer, claim)


def test_holder_whose_log_has_not_come_yet_is_waited_for(folder: RunFolder, clock: Clock) -> None:
    observer, claim = held(folder)
    assert not is_free(folder, observer, claim)
    clock.now += SILENT_SECONDS + 1
    assert is_free(folder, observer, claim)


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b"{}", b"\xff", b"x" * 5000])
def test_unreadable_claim_is_held_and_then_free(folder: RunFolder, clock: Clock, text: bytes) -> None:
    folder.claims.mkdir()
    (folder.claims / f"{SLICE}.4").write_bytes(text)
    observer = Claims(folder, OBSERVER)
    claim = observer.latest()[SLICE]
    assert claim == Claim(SLICE, 4, "")
    assert not is_free(folder, observer, claim)
    clock.now += SILENT_SECONDS - 1
    assert not is_free(folder, observer, observer.latest()[SLICE])
    clock.now += 2
    assert is_free(folder, observer, observer.latest()[SLICE])
    assert observer.take(SLICE, 5)


def test_claim_whose_content_comes_late_is_read_then(folder: RunFolder) -> None:
    folder.claims.mkdir()
    path = folder.claims / f"{SLICE}.1"
    path.touch()
    observer = Claims(folder, OBSERVER)
    assert observer.latest()[SLICE].key == ""
    path.write_text(f'{{"log": "{HOLDER}"}}')
    assert observer.latest()[SLICE].key == HOLDER


def test_other_files_are_no_claims(folder: RunFolder) -> None:
    folder.claims.mkdir()
    for name in (f".{SLICE}.1.0123abcd", SLICE, f"{SLICE}.x", ".1"):
        (folder.claims / name).touch()
    assert Claims(folder, OBSERVER).latest() == {}


def test_highest_claim_counts(folder: RunFolder) -> None:
    for number in (1, 2, 9, 10):
        assert Claims(folder, f"0001-{number}-1").take(SLICE, number)
    assert Claims(folder, OBSERVER).latest() == {SLICE: Claim(SLICE, 10, "0001-10-1")}


def test_former_holder_is_told_that_it_lost_the_slice(folder: RunFolder) -> None:
    former, next_one = Claims(folder, HOLDER), Claims(folder, OBSERVER)
    first, second = Claim(SLICE, 1, HOLDER), Claim(SLICE, 2, OBSERVER)
    assert former.take(SLICE, 1)
    assert not former.lost(first)
    assert next_one.take(SLICE, 2)
    assert former.lost(first)
    assert not next_one.lost(second)


def saved(path: Path, text: str) -> None:
    path.mkdir(parents=True)
    (path / "state").write_text(text)


def test_next_holder_takes_over_the_latest_state(folder: RunFolder) -> None:
    claims = Claims(folder, OBSERVER)
    first = claims.checkpoint(Claim(SLICE, 1, HOLDER))
    assert not first.exists()
    saved(first, "of the first")
    assert claims.checkpoint(Claim(SLICE, 1, HOLDER)) == first
    # The second holder saved nothing before it died.
    third = claims.checkpoint(Claim(SLICE, 3, OBSERVER))
    assert (third / "state").read_text() == "of the first"
    assert not first.exists()
    # The first comes back and saves; what the third has is further.
    saved(first, "late")
    fourth = claims.checkpoint(Claim(SLICE, 4, OBSERVER))
    assert (fourth / "state").read_text() == "of the first"
    assert claims.checkpoint(Claim(SLICE, 4, OBSERVER)) == fourth
    assert (fourth / "state").read_text() == "of the first"
    other = claims.checkpoint(Claim("ba9876543210", 2, OBSERVER))
    assert not other.exists()
    claims.clear(Claim(SLICE, 4, OBSERVER))
    assert list(folder.checkpoints.iterdir()) == []


def test_states_of_all_slices_are_deleted_at_the_end(folder: RunFolder) -> None:
    claims = Claims(folder, OBSERVER)
    saved(claims.checkpoint(Claim(SLICE, 1, OBSERVER)), "x")
    claims.clear_all()
    claims.clear_all()
    assert not folder.checkpoints.exists()

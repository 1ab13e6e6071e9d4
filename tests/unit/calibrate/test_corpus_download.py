"""The download of the public sample, against a server of our own."""

import dataclasses
import hashlib
import random
import resource
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from budgetscope.calibrate.corpus import download, sources
from budgetscope.calibrate.corpus.download import Download, fetch
from budgetscope.calibrate.corpus.prepare import prepare
from budgetscope.calibrate.corpus.progress import Progress
from budgetscope.calibrate.corpus.sources import FINEWEB_EDU_SAMPLE
from budgetscope.core.errors import FailureError

CONTENT = random.Random(0).randbytes(3_000_000)
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class Server(ThreadingHTTPServer):
    """Serves `content`; `stop_after` bytes it hangs up, while `hang_ups` last."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.content = CONTENT
        self.linked = f'"{SHA256}"'
        self.ranges = True
        self.length = True
        self.hang_ups = 0
        self.stop_after = 1_250_000
        self.status = 200
        self.asked: list[str] = []

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of clients that go."""


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        server = self.server
        if self.path == "/old":  # as Hugging Face does: the checksum is on the answer that sends one elsewhere
            self.send_response(302)
            self.send_header("Location", "/new")
            self.send_header("X-Linked-Etag", server.linked)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        wanted = self.headers.get("Range", "")
        server.asked.append(wanted)
        if server.status != 200:
            self.send_error(server.status)
            return
        start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted and server.ranges else 0
        body = server.content[start:]
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(server.content) - 1}/{len(server.content)}")
        if server.length:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if server.hang_ups:
            server.hang_ups -= 1
            self.wfile.write(body[: server.stop_after])
            return
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Keep the tests' output clean."""


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setattr(download, "_PAUSE_SECONDS", 0.0)
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def wanted(server: Server) -> Download:
    return Download(f"http://127.0.0.1:{server.server_port}/old", "sample.parquet", len(CONTENT), SHA256)


def silent(_: Progress) -> None:
    """Listen to nothing."""


def test_a_download_is_made_once(server: Server, wanted: Download, tmp_path: Path) -> None:
    notes: list[Progress] = []
    path = fetch(wanted, tmp_path, notes.append)
    assert path.read_bytes() == CONTENT
    assert [note.stage for note in notes][-1] == "checking the download"
    assert max(note.done for note in notes if note.stage == "downloading") == len(CONTENT)
    assert fetch(wanted, tmp_path, silent) == path
    assert server.asked == [""]
    assert sorted(file.name for file in tmp_path.iterdir()) == ["sample.parquet", "sample.parquet.lock"]


def test_a_cached_file_is_verified_and_downloaded_again_if_damaged(
    server: Server, wanted: Download, tmp_path: Path
) -> None:
    path = fetch(wanted, tmp_path, silent)
    path.write_bytes(CONTENT[:-1] + b"x")
    assert fetch(wanted, tmp_path, silent).read_bytes() == CONTENT
    assert server.asked == ["", ""]


def test_a_broken_connection_is_taken_up_where_it_broke(server: Server, wanted: Download, tmp_path: Path) -> None:
    server.hang_ups = 2
    assert fetch(wanted, tmp_path, silent).read_bytes() == CONTENT
    assert server.asked == ["", "bytes=1250000-", "bytes=2500000-"]


def test_a_stopped_download_goes_on_in_the_next_call(server: Server, wanted: Download, tmp_path: Path) -> None:
    def stop(progress: Progress) -> None:
        if progress.done > 2_000_000:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch(wanted, tmp_path, stop)
    had = (tmp_path / "sample.parquet.part").stat().st_size
    assert 2_000_000 < had < len(CONTENT)
    assert not (tmp_path / "sample.parquet").exists()
    assert fetch(wanted, tmp_path, silent).read_bytes() == CONTENT
    assert server.asked == ["", f"bytes={had}-"]


def test_a_server_without_ranges_starts_again(server: Server, wanted: Download, tmp_path: Path) -> None:
    server.ranges, server.hang_ups = False, 1
    assert fetch(wanted, tmp_path, silent).read_bytes() == CONTENT


def test_a_server_that_always_hangs_up_is_given_up(server: Server, wanted: Download, tmp_path: Path) -> None:
    server.hang_ups, server.stop_after = 99, 0
    with pytest.raises(FailureError, match=r"stopped at 0 of 3 MB \(.*\); run again .* --data PATH"):
        fetch(wanted, tmp_path, silent)
    assert len(server.asked) == 4


def test_wrong_content_is_deleted_and_named(server: Server, wanted: Download, tmp_path: Path) -> None:
    server.content = CONTENT[:-1] + bytes([CONTENT[-1] ^ 1])
    with pytest.raises(FailureError, match=r"127\.0\.0\.1 sent as 'sample\.parquet' has the wrong checksum"):
        fetch(wanted, tmp_path, silent)
    assert [file.name for file in tmp_path.iterdir()] == ["sample.parquet.lock"]


@pytest.mark.parametrize("change", ["etag", "size", "longer than it says"])
def test_another_file_is_refused_as_soon_as_it_shows(
    server: Server, wanted: Download, tmp_path: Path, change: str
) -> None:
    if change == "etag":
        server.linked = '"' + "0" * 64 + '"'
    else:
        server.content = CONTENT + b"more"
        server.length = change == "size"
    with pytest.raises(FailureError, match=r"offers another file .* upgrade budgetscope, or give your own"):
        fetch(wanted, tmp_path, silent)
    part = tmp_path / "sample.parquet.part"
    if change == "longer than it says":
        assert part.stat().st_size <= len(CONTENT)
    else:
        assert not part.exists()


@pytest.mark.parametrize("status", [404, 403, 503])
def test_a_refusal_is_named(server: Server, wanted: Download, tmp_path: Path, status: int) -> None:
    server.status = status
    with pytest.raises(FailureError, match=rf"127\.0\.0\.1 answers {status} .* --data PATH"):
        fetch(wanted, tmp_path, silent)


def test_no_connection_is_said_with_the_remedy(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    wanted = Download(f"http://127.0.0.1:{port}/x", "sample.parquet", 9, SHA256)
    with pytest.raises(FailureError, match=r"cannot reach 127\.0\.0\.1 \(.*\); connect to the internet .* --data PATH"):
        fetch(wanted, tmp_path, silent)


def test_a_full_disk_is_said_and_the_part_deleted(wanted: Download, tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, hard))
    try:
        with pytest.raises(FailureError, match=r"no space is left to write '.*sample\.parquet\.part'; free some"):
            fetch(wanted, tmp_path, silent)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert [file.name for file in tmp_path.iterdir()] == ["sample.parquet.lock"]


def test_the_public_sample_is_downloaded_and_prepared(
    server: Server, wanted: Download, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parquet, arrow = pytest.importorskip("pyarrow.parquet"), pytest.importorskip("pyarrow")
    table = arrow.table({"text": [f"{n} " + random.Random(n).randbytes(600).hex() for n in range(100)]})
    parquet.write_table(table, tmp_path / "made.parquet")
    server.content = (tmp_path / "made.parquet").read_bytes()
    sha256 = hashlib.sha256(server.content).hexdigest()
    server.linked = f'"{sha256}"'
    local = dataclasses.replace(wanted, size=len(server.content), sha256=sha256)
    monkeypatch.setattr(sources, "FINEWEB_EDU", local)
    corpus = prepare(FINEWEB_EDU_SAMPLE, tokenizer="bytes", cache=tmp_path / "corpora")
    assert corpus.title == "FineWeb-Edu sample"
    assert corpus.meta.n_documents == 100
    server.status = 503  # what is there needs no server
    assert prepare(FINEWEB_EDU_SAMPLE, tokenizer="bytes", cache=tmp_path / "corpora").path == corpus.path


def test_the_published_sample_is_a_fixed_revision() -> None:
    # Size and checksum as in the Hub's pointer file of that revision.
    assert "/87f09149ef4734204d70ed1d046ddc9ca3f2b8f9/" in sources.FINEWEB_EDU.url
    assert sources.FINEWEB_EDU.size == 540_632_672
    assert len(sources.FINEWEB_EDU.sha256) == 64

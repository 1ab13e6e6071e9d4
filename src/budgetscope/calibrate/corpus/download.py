"""Download of one public file over HTTP: resumable, and verified by its checksum."""

import hashlib
import time
from dataclasses import dataclass
from pathlib import Path

import httpx

from budgetscope.calibrate.corpus.disk import FullDiskError, writing
from budgetscope.calibrate.corpus.progress import Progress, Report
from budgetscope.core.errors import FailureError
from budgetscope.core.language import N_
from budgetscope.store.files import held, open_file, unreadable
from budgetscope.store.http import answered, host_of, reason

_TRIES = 4
_PAUSE_SECONDS = 1.0
_HASH_BYTES = 1 << 20
_REMEDY = "or give your own text with --data PATH"


@dataclass(frozen=True, slots=True)
class Download:
    """A public file that never changes.

    Attributes:
        url: its address, which names a revision.
        name: of the local file.
        size: in bytes.
        sha256: of its content, in hex.
    """

    url: str
    name: str
    size: int
    sha256: str

    @property
    def host(self) -> str:
        """The server's name."""
        return host_of(self.url)


def fetch(download: Download, folder: Path, report: Report) -> Path:
    """Return the local copy of a file, downloaded first if needed.

    If the connection breaks, a `.part` file keeps what has arrived, and the next call resumes it. The file gets its
    name only after its checksum has been verified. A file that is there is verified too; a damaged one is downloaded
    again.

    Raises:
        FailureError: there is no connection, the server refuses or offers another file, the checksum differs, or the
            disk is full (then the part is deleted).
    """
    path = folder / download.name
    part = folder / f"{download.name}.part"
    with held(folder / f"{download.name}.lock", lambda: report(Progress(N_("waiting for another download"), 0, 0))):
        if path.is_file() and path.stat().st_size == download.size and _is_published(download, path, report):
            return path
        try:
            _complete(download, part, report)
        except FullDiskError:
            part.unlink(missing_ok=True)
            raise
        if not _is_published(download, part, report):
            part.unlink()
            raise FailureError(
                f"what {download.host} sent as {download.name!r} has the wrong checksum and was deleted; run again, "
                f"{_REMEDY}."
            )
        with writing(path):
            part.replace(path)
    return path


def _complete(download: Download, part: Path, report: Report) -> None:
    """Fill the part file; reconnect after a broken connection as long as something arrives."""
    tries = 0
    while (had := _size(part)) < download.size:
        why = "the connection was closed"
        try:
            _stream(download, part, had, report)
        except httpx.RequestError as error:
            why = reason(error)
        now = _size(part)
        tries = 1 if now > had else tries + 1
        if now < download.size and tries >= _TRIES:
            raise FailureError(
                f"the download of {download.name!r} stopped at {now / 1e6:.0f} of {download.size / 1e6:.0f} MB "
                f"({why}); run again to go on from there, {_REMEDY}."
            )
        if now < download.size:
            time.sleep(_PAUSE_SECONDS * tries)


def _stream(download: Download, part: Path, had: int, report: Report) -> None:
    """Append what the server sends from byte `had`."""
    headers = {"Range": f"bytes={had}-"} if had else {}
    with answered(download.url, download.name, _REMEDY, headers) as answer:
        _check_offer(download, answer)
        resumed = answer.status_code == httpx.codes.PARTIAL_CONTENT
        done = had if resumed else 0
        with writing(part), part.open("ab" if resumed else "wb") as file:
            for chunk in answer.iter_raw():
                done += len(chunk)
                if done > download.size:
                    raise _other_file(download)
                file.write(chunk)
                report(Progress(N_("downloading"), done, download.size))


def _check_offer(download: Download, answer: httpx.Response) -> None:
    """Refuse another file before it is downloaded, if the headers tell its size or hash.

    Hugging Face gives the SHA-256 of a large file as `x-linked-etag`, in the response that redirects to its storage.
    """
    ranged = answer.headers.get("content-range", "").rpartition("/")[2]
    size = ranged or answer.headers.get("content-length", "")
    digests = [step.headers.get("x-linked-etag", "").strip('"') for step in (*answer.history, answer)]
    if (size.isdecimal() and int(size) != download.size) or any(
        len(digest) == len(download.sha256) and digest != download.sha256 for digest in digests
    ):
        raise _other_file(download)


def _other_file(download: Download) -> FailureError:
    return FailureError(
        f"{download.host} offers another file as {download.name!r} than the published one; upgrade budgetscope, "
        f"{_REMEDY}."
    )


def _is_published(download: Download, path: Path, report: Report) -> bool:
    """Whether a file has the checksum of the published one."""
    digest, done = hashlib.sha256(), 0
    try:
        with open_file(path) as file:
            while chunk := file.read(_HASH_BYTES):
                digest.update(chunk)
                done += len(chunk)
                report(Progress(N_("checking the download"), done, download.size))
    except OSError as error:
        raise unreadable(path, error) from None
    return digest.hexdigest() == download.sha256


def _size(part: Path) -> int:
    return part.stat().st_size if part.exists() else 0

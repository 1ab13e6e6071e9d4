"""Sources of text that `--data` can name: a file, a folder, the text that comes with Python, or a public sample."""

import codecs
import errno
import os
import platform
import stat
import sysconfig
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from budgetscope.calibrate.corpus.documents import Kind, SourceFile, load_parquet
from budgetscope.calibrate.corpus.download import Download, fetch
from budgetscope.calibrate.corpus.progress import Report
from budgetscope.core.errors import FailureError, UsageError
from budgetscope.core.printable import printable
from budgetscope.store.files import open_file, unreadable

FINEWEB_EDU_SAMPLE = "fineweb-edu-sample"
"""The value of `--data` for the public sample."""

# The last, smaller shard of the 10-billion-token sample of FineWeb-Edu (Penedo et al. 2024, arXiv 2406.17557; ODC-By
# 1.0), at a fixed revision; size and SHA-256 are those of the Hugging Face Hub's pointer to it.
FINEWEB_EDU = Download(
    url="https://huggingface.co/datasets/HuggingFaceFW/fineweb-edu/resolve/87f09149ef4734204d70ed1d046ddc9ca3f2b8f9"
    "/sample/10BT/013_00000.parquet",
    name="fineweb-edu-sample-10BT-013.parquet",
    size=540_632_672,
    sha256="b393f51fefab26cd6f4c8f65707c1924f6666c4961a0ebebe04bb57f7ec832de",
)

BUILT_IN_BYTES = 32 << 20
"""Most bytes taken of the text that comes with Python."""

_PACKED = (".gz", ".xz", ".bz2")
_KINDS: dict[str, Kind] = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
    ".parquet": "parquet",
    ".txt": "text",
    ".text": "text",
    ".md": "text",
    ".rst": "text",
}
_BUILT_IN_SUFFIXES = {".py", ".md", ".rst", ".txt"}
_BUILT_IN_WITHOUT = frozenset({"test", "tests", "site-packages", "dist-packages", "__pycache__"})
_RAW_SUFFIXES = {".bin", ".npy"}
_SNIFF_BYTES = 4096
_NO_FILES = ((stat.S_ISFIFO, "a pipe"), (stat.S_ISSOCK, "a socket"))


@dataclass(frozen=True, slots=True)
class Source:
    """Text to prepare.

    Attributes:
        title: display name.
        description: of its origin; a clause that names no folder.
        files: in a fixed order.
        lenient: whether files that are not text are skipped; False for the user's own files.
    """

    title: str
    description: str
    files: tuple[SourceFile, ...]
    lenient: bool = False


def is_raw_tokens(path: Path) -> bool:
    """Return whether a path names an array of tokens without a header."""
    try:
        return path.suffix in _RAW_SUFFIXES and path.is_file()
    except OSError:
        return False


def from_path(path: Path) -> Source:
    """Return the text in a file, or in a folder and its subfolders.

    In a folder, hidden files and files that are neither text nor Parquet are left out; the description counts them.

    Raises:
        UsageError: there is no such path, or it holds no text.
        FailureError: the path cannot be read.
    """
    try:
        title = printable(path.absolute().name)
        if path.is_dir():
            candidates = list(_walk(path, _raise))
            kinds = [(file, _kind(file) or _sniffed(file)) for file in candidates]
            files = tuple(SourceFile(file, kind) for file, kind in kinds if kind)
            left_out = len(candidates) - len(files)
            if not files:
                raise UsageError(
                    f"{str(path)!r} holds no text; give a folder with .txt, .md, .jsonl or .parquet files."
                )
            more = f", {left_out} others left out" if left_out else ""
            return Source(title, f"{len(files)} files of the folder {title}{more}", files)
        if not path.is_file():
            raise _no_source(path)
        if not path.stat().st_size:
            raise UsageError(f"{str(path)!r} is empty; give text to train on.")
        return Source(title, f"the file {title}", (SourceFile(path, _kind(path) or "text"),))
    except OSError as error:
        raise unreadable(path, error) from None


def _no_source(path: Path) -> UsageError:
    """Return the refusal of what is neither a file nor a folder."""
    name = repr(str(path))
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError) as error:
        if getattr(error, "errno", None) == errno.ELOOP:
            return UsageError(f"{name} is a link that leads back to itself; name the file or folder that is meant.")
        if _is_link(path):
            return UsageError(f"{name} is a link to what is not there; name the file or folder that is meant.")
        return UsageError(
            f"there is no file or folder {name}; correct it, or give {FINEWEB_EDU_SAMPLE}, a public sample."
        )
    kind = next((word for is_kind, word in _NO_FILES if is_kind(mode)), "a device")
    return UsageError(f"{name} is {kind}, and text is read more than once; save it as a file, and name that.")


def _is_link(path: Path) -> bool:
    try:
        return path.is_symlink()
    except (OSError, ValueError):
        return False


def built_in() -> Source:
    """Return text that every machine has: sources and documents of Python's library and of installed packages.

    Raises:
        FailureError: this Python has no sources.
    """
    files, total = [], 0
    for file in _python_files():
        size = file.stat().st_size
        if total + size > BUILT_IN_BYTES:
            break
        files.append(SourceFile(file, "text"))
        total += size
    if not files:
        raise FailureError("this Python came without its library's sources; give text of your own with --data PATH.")
    version = platform.python_version()
    return Source(
        f"Python {version}'s own text",
        f"sources and documents of Python {version}'s library and of the packages installed with it, for trying the "
        "machinery: a law fitted to them says nothing about your text",
        tuple(files),
        lenient=True,
    )


def fineweb_edu(folder: Path, report: Report) -> Source:
    """Return the public sample, downloaded to a folder first if needed.

    Raises:
        FailureError: it cannot be downloaded, or pyarrow is not installed.
    """
    load_parquet()
    path = fetch(FINEWEB_EDU, folder, report)
    return Source(
        "FineWeb-Edu sample",
        "shard 013 of FineWeb-Edu's 10-billion-token sample (HuggingFaceFW/fineweb-edu, revision 87f0914, ODC-By 1.0)",
        (SourceFile(path, "parquet"),),
    )


def _kind(path: Path) -> Kind | None:
    suffixes = [suffix.lower() for suffix in path.suffixes]
    while suffixes and suffixes[-1] in _PACKED:
        suffixes.pop()
    return _KINDS.get(suffixes[-1]) if suffixes else None


def _sniffed(path: Path) -> Kind | None:
    """Return "text" for a file that begins like text; None for any other."""
    with open_file(path) as file:
        head = file.read(_SNIFF_BYTES)
    try:
        # The last character may be cut, unless this is the whole file.
        codecs.getincrementaldecoder("utf-8")().decode(head, final=len(head) < _SNIFF_BYTES)
    except UnicodeDecodeError:
        return None
    return "text" if head and b"\x00" not in head else None


def _walk(folder: Path, refused: Callable[[OSError], object], without: frozenset[str] = frozenset()) -> Iterator[Path]:
    """Yield the files below a folder in a fixed order, without following links to folders."""
    for parent, folders, names in os.walk(folder, onerror=refused):
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name not in without)
        for name in sorted(names):
            path = Path(parent, name)
            if not name.startswith(".") and path.is_file():
                yield path


def _raise(error: OSError) -> None:
    raise error


def _pass_over(_: OSError) -> None:
    pass


def _python_files() -> Iterator[Path]:
    """Yield the files of the library, then of the packages, without tests, which hold odd bytes."""
    library = Path(sysconfig.get_path("stdlib"))
    packages = dict.fromkeys(Path(sysconfig.get_path(name)) for name in ("purelib", "platlib"))
    for root in (library, *packages):
        for path in _walk(root, _pass_over, _BUILT_IN_WITHOUT):
            if path.suffix in _BUILT_IN_SUFFIXES:
                yield path

"""Corpora: from files to tokens, held-out text, and the cache."""

import bz2
import contextlib
import gzip
import json
import lzma
import os
import random
import re
import resource
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from budgetscope.calibrate.corpus import sources as sources_module
from budgetscope.calibrate.corpus.documents import DOCUMENT_CHARS, cut
from budgetscope.calibrate.corpus.model import META_NAME, TOKENS_NAME, Corpus, open_tokens
from budgetscope.calibrate.corpus.prepare import prepare
from budgetscope.calibrate.corpus.progress import Progress
from budgetscope.calibrate.corpus.spool import Spool, held_out
from budgetscope.calibrate.corpus.tokenizer import TOKENIZER_NAME
from budgetscope.core.errors import BudgetscopeError, FailureError, UsageError
from budgetscope.core.extras import install_command
from budgetscope.store.files import held

END = 256


def made_up(n_documents: int, seed: int = 0) -> list[str]:
    """Return documents of about 2 kB of words that never were."""
    rng = random.Random(seed)
    words = ["".join(rng.choices("etaoinshrdlu", k=rng.randint(2, 9))) for _ in range(400)] + ["naïve", "日本"]
    return [" ".join(rng.choices(words, k=300)) + "." for _ in range(n_documents)]


@pytest.fixture(scope="module")
def documents() -> list[str]:
    return made_up(60)


@pytest.fixture
def lines(documents: list[str], tmp_path: Path) -> Path:
    """The documents as JSON lines."""
    return written(tmp_path / "lines.jsonl", documents)


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "corpora"


def written(path: Path, documents: list[str], field: str = "text") -> Path:
    path.write_text("".join(json.dumps({"id": 1, field: text}) + "\n" for text in documents), encoding="utf-8")
    return path


def by_bytes(source: Path, cache: Path, text_field: str = "text") -> Corpus:
    return prepare(str(source), tokenizer="bytes", text_field=text_field, cache=cache)


def by_pairs(source: Path, cache: Path, vocab_size: int) -> Corpus:
    pytest.importorskip("tokenizers")
    return prepare(str(source), vocab_size=vocab_size, cache=cache)


def texts(tokens: np.ndarray) -> list[str]:
    """Return the documents in tokens that are bytes."""
    ends = np.flatnonzero(tokens == END)
    assert ends[-1] == len(tokens) - 1
    return [bytes(part[part != END].astype(np.uint8)).decode() for part in np.split(tokens, ends)][:-1]


# --- what is in it


def test_every_document_is_in_one_part_and_nothing_else_is(lines: Path, documents: list[str], cache: Path) -> None:
    corpus = by_bytes(lines, cache)
    train, validation = texts(corpus.train), texts(corpus.validation)
    assert sorted(train + validation) == sorted(documents)
    assert not set(train) & set(validation)
    assert (corpus.vocab_size, corpus.end_token) == (257, END)
    assert corpus.train.dtype == np.uint16
    n_bytes = sum(len(text.encode()) for text in documents)
    assert corpus.bytes_per_token == n_bytes / (n_bytes + len(documents))
    assert 0.02 < len(corpus.validation) / n_bytes <= 0.05
    assert not corpus.train.flags.writeable


def test_byte_pairs_decode_to_the_documents(tmp_path: Path, cache: Path) -> None:
    library = pytest.importorskip("tokenizers")
    corpus = by_pairs(written(tmp_path / "many.jsonl", made_up(250)), cache, 600)
    assert (corpus.vocab_size, corpus.end_token) == (600, 599)
    table = library.Tokenizer.from_file(str(corpus.path / TOKENIZER_NAME))
    every = np.concatenate([corpus.validation, corpus.train])
    parts = np.split(every, np.flatnonzero(every == 599))
    decoded = [table.decode([int(i) for i in part if i != 599]) for part in parts][:-1]
    assert sorted(decoded) == sorted(made_up(250))
    assert corpus.bytes_per_token is not None
    assert corpus.bytes_per_token > 2
    meta = json.loads((corpus.path / META_NAME).read_text())
    assert meta["tokens"]["vocab_size"] == 600
    assert meta["versions"].keys() == {"python", "budgetscope", "numpy", "tokenizers"}


def test_no_text_spells_the_end_of_a_document(lines: Path, cache: Path) -> None:
    documents = [text + " <|endoftext|><|endofdocument|></s>" for text in made_up(250)]
    corpus = by_pairs(written(lines, documents), cache, 600)
    ends = np.count_nonzero(corpus.train == 599) + np.count_nonzero(corpus.validation == 599)
    assert ends == len(documents)


def test_repeats_are_dropped_whatever_their_white_space(lines: Path, documents: list[str], cache: Path) -> None:
    once = by_bytes(lines, cache)
    written(lines, [*documents, documents[3].replace(" ", "\n  "), "  ", *documents[:5]])
    corpus = by_bytes(lines, cache)
    assert corpus.sha256 == once.sha256
    assert (corpus.meta.n_documents, corpus.meta.n_duplicates) == (60, 6)


def test_the_tokens_do_not_depend_on_the_order_or_the_packing(
    lines: Path, documents: list[str], cache: Path, tmp_path: Path
) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    arrow = pytest.importorskip("pyarrow")
    expected = by_bytes(lines, cache).sha256
    folder = tmp_path / "folder"
    (folder / "deep").mkdir(parents=True)
    written(folder / "z.json", documents[:10])
    gz, xz, bz = folder / "deep" / "a.jsonl.gz", folder / "b.ndjson.xz", folder / "c.jsonl.bz2"
    gz.write_bytes(gzip.compress(written(tmp_path / "1", documents[10:20]).read_bytes()))
    xz.write_bytes(lzma.compress(written(tmp_path / "2", documents[20:30]).read_bytes()))
    bz.write_bytes(bz2.compress(written(tmp_path / "3", documents[30:40]).read_bytes()))
    parquet.write_table(arrow.table({"n": range(20), "text": documents[40:]}), folder / "d.parquet", row_group_size=7)
    (folder / "picture.png").write_bytes(b"\x89PNG\x00\x01")
    (folder / ".hidden.txt").write_text("not this")
    (folder / ".git").mkdir()
    (folder / ".git" / "hidden.txt").write_text("nor this")
    corpus = by_bytes(folder, cache)
    assert corpus.sha256 == expected
    assert "5 files of the folder folder, 1 others left out" in corpus.description


def test_plain_text_is_cut_at_blank_lines_and_nothing_is_lost(tmp_path: Path, cache: Path) -> None:
    paragraphs = [text for text in made_up(80) if text]
    path = tmp_path / "book.md"
    path.write_bytes("\ufeff".encode() + "\r\n\r\n".join(paragraphs).encode())
    corpus = by_bytes(path, cache)
    parts = texts(corpus.train) + texts(corpus.validation)
    assert sorted(paragraph for part in parts for paragraph in part.split("\n\n")) == sorted(paragraphs)
    assert max(map(len, parts)) <= DOCUMENT_CHARS  # no paragraph is longer
    assert sorted(map(len, parts))[1] >= DOCUMENT_CHARS // 2


@given(st.lists(st.text(alphabet="a \n", max_size=30_000), max_size=3), st.integers(1, 9))
def test_cutting_keeps_every_word_in_order(pieces: list[str], repeat: int) -> None:
    text = "".join(pieces) * repeat
    step = 10_000
    parts = list(cut([text[i : i + step] for i in range(0, len(text), step)]))
    assert "".join(parts).replace("\n", "") == text.replace("\n", "")
    assert all(len(part) <= 2 * DOCUMENT_CHARS for part in parts)


@pytest.mark.parametrize(
    ("total", "expected"),
    [(1_000, 50), (5_000_000, 250_000), (10_000_000, 262_144), (20_000_000, 400_000), (10**9, 1_048_576)],
)
def test_how_much_is_held_out(total: int, expected: int) -> None:
    assert held_out(total, enough=1 << 18, most=1 << 20) == expected


def test_documents_are_held_out_whole_and_within_the_measure(documents: list[str], tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool", [text * (1 + n % 7) for n, text in enumerate(documents)])
    assert len(spool.held_out(0)) == 1
    for target in (2_000, 5_000, 40_000):
        held = spool.held_out(target)
        assert spool.size(held) <= target
        assert sorted([*held, *spool.all_but(held)]) == list(range(len(documents)))
    assert spool.size(held) > 0.9 * target


def test_the_text_that_came_with_python(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources_module, "BUILT_IN_BYTES", 1 << 20)
    corpus = prepare(None, tokenizer="bytes", cache=cache)
    assert 500_000 < len(corpus.train) < 1 << 20
    assert f"Python {sys.version_info.major}.{sys.version_info.minor}" in corpus.title
    assert "for trying the machinery" in corpus.description


# --- prepared once


class Stages:
    """Notes the stages of a preparation."""

    def __init__(self) -> None:
        self.seen: dict[str, list[Progress]] = {}

    def __call__(self, progress: Progress) -> None:
        self.seen.setdefault(progress.stage, []).append(progress)


def test_a_second_call_reads_the_tokens_alone(lines: Path, cache: Path) -> None:
    stages = Stages()
    first = prepare(str(lines), tokenizer="bytes", cache=cache, progress=stages)
    assert list(stages.seen) == ["hashing", "reading", "tokenizing", "checking tokens"]
    for notes in stages.seen.values():
        assert notes[-1].done == notes[-1].total > 0
        assert [note.done for note in notes] == sorted(note.done for note in notes)
    stages = Stages()
    second = prepare(str(lines), tokenizer="bytes", cache=cache, progress=stages)
    assert list(stages.seen) == ["checking tokens"]
    assert second.sha256 == first.sha256
    assert second.path == first.path


def test_the_same_content_elsewhere_is_only_hashed(lines: Path, cache: Path, tmp_path: Path) -> None:
    first = by_bytes(lines, cache)
    copy = Path(shutil.copy(lines, tmp_path / "copy.jsonl"))
    stages = Stages()
    second = prepare(str(copy), tokenizer="bytes", cache=cache, progress=stages)
    assert list(stages.seen) == ["hashing", "checking tokens"]
    assert second.path == first.path


def test_changed_content_or_settings_are_another_corpus(lines: Path, documents: list[str], cache: Path) -> None:
    first = by_bytes(lines, cache)
    pairs = by_pairs(written(lines, made_up(250)), cache, 300)
    again = by_pairs(lines, cache, 301)
    assert len({first.path, pairs.path, again.path}) == 3
    assert by_bytes(written(lines, documents), cache).path == first.path


def test_two_machines_prepare_the_same_tokens(lines: Path, tmp_path: Path) -> None:
    written(lines, made_up(250))
    one, two = (by_pairs(lines, tmp_path / name, 500) for name in ("one", "two"))
    assert one.path != two.path
    assert one.sha256 == two.sha256
    assert (one.path / TOKENIZER_NAME).read_bytes() == (two.path / TOKENIZER_NAME).read_bytes()


@pytest.mark.parametrize("name", [META_NAME, TOKENS_NAME])
@pytest.mark.parametrize("damage", ["gone", "cut", "zeros", "half"])
def test_a_torn_cache_is_prepared_again(lines: Path, cache: Path, name: str, damage: str) -> None:
    first = by_bytes(lines, cache)
    path = first.path / name
    content = path.read_bytes()
    path.unlink()
    if damage != "gone":
        half = len(content) // 2
        zeros = bytes(len(content) - half)
        path.write_bytes({"cut": content[:half], "zeros": bytes(len(content)), "half": content[:half] + zeros}[damage])
    with pytest.raises(FailureError):
        open_tokens(first.path)
    assert by_bytes(lines, cache).sha256 == first.sha256
    assert path.read_bytes()[:8] == content[:8]


def test_a_preparation_waits_for_another_of_the_same_text(lines: Path, cache: Path) -> None:
    name = by_bytes(lines, cache).path.name
    shutil.rmtree(cache / name)
    waits, results = threading.Event(), []

    def note(progress: Progress) -> None:
        if progress.stage.startswith("waiting"):
            waits.set()

    def second() -> None:
        results.append(prepare(str(lines), tokenizer="bytes", cache=cache, progress=note))

    with held(cache / f"{name}.lock", lambda: None):
        thread = threading.Thread(target=second)
        thread.start()
        assert waits.wait(20)
        assert not (cache / name).exists()
    thread.join(20)
    assert results[0].path == cache / name


KILLED = """
import os, signal, sys
from pathlib import Path
from budgetscope.calibrate.corpus.prepare import prepare
def die(progress):
    if progress.stage == "tokenizing":
        os.kill(os.getpid(), signal.SIGKILL)
prepare(sys.argv[1], tokenizer="bytes", cache=Path(sys.argv[2]), progress=die)
"""


def test_a_killed_preparation_leaves_neither_a_lock_nor_a_corpus(lines: Path, cache: Path) -> None:
    done = subprocess.run([sys.executable, "-c", KILLED, str(lines), str(cache)], check=False)
    assert done.returncode == -signal.SIGKILL
    assert list(cache.glob(f"*/{TOKENS_NAME}"))
    assert not list(cache.glob(f"*/{META_NAME}"))
    assert len(by_bytes(lines, cache).train) > 65_536


# --- tokens from elsewhere


def test_a_prepared_folder_and_its_token_file_can_be_carried(lines: Path, cache: Path, tmp_path: Path) -> None:
    first = by_bytes(lines, cache)
    folder = Path(shutil.copytree(first.path, tmp_path / "carried"))
    for source in (folder, folder / TOKENS_NAME):
        stages = Stages()
        corpus = prepare(str(source), cache=tmp_path / "other", progress=stages)
        assert list(stages.seen) == ["checking tokens"]
        assert (corpus.sha256, corpus.vocab_size, corpus.bytes_per_token) == (
            first.sha256,
            first.vocab_size,
            first.bytes_per_token,
        )
        assert np.array_equal(corpus.train, first.train)
        assert np.array_equal(corpus.validation, open_tokens(corpus.path).validation)
        assert not (tmp_path / "other").exists()
    assert open_tokens(folder).title == "lines.jsonl"
    with pytest.raises(UsageError, match="prepared with a vocabulary of 257, not 300"):
        prepare(str(folder), vocab_size=300, cache=cache)


def test_the_description_of_other_tokens_is_not_believed(
    lines: Path, documents: list[str], cache: Path, tmp_path: Path
) -> None:
    folder = by_bytes(lines, cache).path
    other = by_bytes(written(tmp_path / "other.jsonl", documents[:50]), cache).path
    shutil.copy(other / META_NAME, folder)
    with pytest.raises(FailureError, match=r"meta\.json' is damaged; delete its folder"):
        prepare(str(folder), cache=cache)


def test_a_flipped_bit_in_a_carried_file_is_found(lines: Path, cache: Path) -> None:
    path = by_bytes(lines, cache).path / TOKENS_NAME
    content = bytearray(path.read_bytes())
    content[50_000] ^= 1
    path.write_bytes(content)
    with pytest.raises(FailureError, match="checksum differs"):
        prepare(str(path), cache=cache)
    content[50_001] = 0x77
    path.write_bytes(content)
    with pytest.raises(FailureError, match=r"holds token 30\d+, but .* vocabulary is 257"):
        prepare(str(path), cache=cache)


@pytest.mark.parametrize(("name", "dtype"), [("raw.bin", "<u2"), ("raw.npy", "<i8"), ("raw.npy", "<u2")])
def test_bare_tokens_are_taken_with_their_tail_held_out(tmp_path: Path, cache: Path, name: str, dtype: str) -> None:
    ids = np.random.default_rng(0).integers(0, 1000, 200_000).astype(dtype)
    path = tmp_path / name
    ids.tofile(path) if path.suffix == ".bin" else np.save(path, ids)
    corpus = prepare(str(path), vocab_size=1000, cache=cache)
    assert np.array_equal(corpus.train, ids[:190_000])
    assert np.array_equal(corpus.validation, ids[190_000:])
    assert (corpus.vocab_size, corpus.end_token, corpus.bytes_per_token) == (1000, None, None)
    assert prepare(str(path), vocab_size=1000, cache=cache).path == corpus.path


def test_wide_vocabularies_take_four_bytes(tmp_path: Path, cache: Path) -> None:
    ids = np.arange(100_000, dtype="<u4")
    ids.tofile(tmp_path / "wide.bin")
    corpus = prepare(str(tmp_path / "wide.bin"), vocab_size=100_000, cache=cache)
    assert corpus.train.dtype == np.uint32
    assert np.array_equal(corpus.train, ids[:95_000])


def wrong_arrays() -> Iterator[tuple[str, bytes | np.ndarray, int | None, str]]:
    ids = np.arange(100_000) % 500
    yield "a.bin", ids.astype("<u2").tobytes(), None, "give their vocabulary's size with --vocab-size"
    yield "a.bin", ids.astype("<u2").tobytes(), 1, "vocabulary size 1 is out of range"
    yield "a.bin", ids.astype("<u2").tobytes(), 400, "holds token 499, which a vocabulary of 400 has not"
    yield "a.bin", ids.astype("<u2").tobytes()[:-1], 500, "not a whole number of 2-byte tokens"
    yield "a.bin", ids.astype("<u4").tobytes(), 500, "as if they were 32 bits wide"
    yield "a.bin", b"", 500, "is empty"
    yield "a.npy", ids - 1, 500, "holds token -1"
    yield "a.npy", ids.reshape(2, -1), 500, "in 2 dimensions; save 1-D integers"
    yield "a.npy", ids / 2, 500, "holds float64"
    yield "a.npy", b"\x93NUMPY\x01", 500, "not an array that numpy can map"
    yield "a.npy", ids[:60_000], 500, "57000 training tokens; a calibration needs at least 65536"


@pytest.mark.parametrize(("name", "content", "vocab_size", "sentence"), wrong_arrays())
def test_wrong_bare_tokens_are_refused(
    tmp_path: Path, cache: Path, name: str, content: bytes | np.ndarray, vocab_size: int | None, sentence: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content) if isinstance(content, bytes) else np.save(path, content)
    with pytest.raises(UsageError, match=re.escape(sentence)):
        prepare(str(path), vocab_size=vocab_size, cache=cache)
    assert not list(cache.glob("*/*"))


# --- bad input and faults


def bad_files() -> Iterator[tuple[str, bytes, str]]:
    line = json.dumps({"body": "x", "n": 3}).encode()
    yield "empty.txt", b"", "is empty; give text"
    yield "blank.txt", b" \n\n" * 100, "holds 0 bytes of text in 0 documents; a calibration needs at least 65536"
    yield "tiny.txt", b"A few words.\n\n" * 30, "holds 418 bytes of text in 1 documents"
    yield (
        "small.txt",
        "\n\n".join(made_up(32)).encode(),
        "training tokens; a calibration needs at least 65536 training tokens",
    )
    yield "nul.txt", b"words\x00" * 50_000, "is not text: it holds NUL bytes"
    yield "latin.txt", "naïve ".encode("latin-1") * 50_000, "is not text: it is not UTF-8"
    yield "wide.txt", "words ".encode("utf-16"), "is not text"
    yield "cut.txt.gz", gzip.compress(random.Random(0).randbytes(9999))[:5000], "is not text"
    yield "cut2.txt.gz", gzip.compress(b"words " * 99999)[:-9], "is damaged or cut short"
    yield "cut.txt.xz", lzma.compress(b"words " * 99999)[:-40], "is damaged or cut short"
    yield "bad.txt.bz2", b"BZh9" + bytes(99), "is damaged or cut short"
    yield "bad.parquet", b"PAR1" + bytes(99), "is not a whole Parquet file"
    yield "a.jsonl", line + b"\n\n{oops\n", "line 1 of"
    yield "b.jsonl", b'{"text": "x"}\n{oops\n', "line 2 of"
    yield "c.jsonl", b"[1]\n", "is not a JSON object; give one object a line"
    yield "d.jsonl", b"[" * 100_000, "is not a JSON object"
    yield "e.jsonl", line, "has no field 'text' (it has 'body', 'n'); name the text's with --text-field"
    yield "f.jsonl", b'{"text": 3}', "has no text in 'text'"


@pytest.mark.parametrize(("name", "content", "sentence"), bad_files(), ids=lambda value: str(value)[:12])
def test_bad_files_are_refused_in_a_sentence(
    tmp_path: Path, cache: Path, name: str, content: bytes, sentence: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(UsageError, match=re.escape(sentence)) as caught:
        by_bytes(path, cache)
    assert name in str(caught.value)
    assert not list(cache.glob("*/*"))


def test_wrong_parquet_columns_are_named(tmp_path: Path, cache: Path) -> None:
    parquet, arrow = pytest.importorskip("pyarrow.parquet"), pytest.importorskip("pyarrow")
    path = tmp_path / "rows.parquet"
    parquet.write_table(arrow.table({"body": made_up(60), "n": range(60)}), path)
    with pytest.raises(UsageError, match=r"no column 'text' \(it has 'body', 'n'\); .*--text-field"):
        by_bytes(path, cache)
    with pytest.raises(UsageError, match=r"column 'n' of .* is not text"):
        by_bytes(path, cache, text_field="n")
    assert by_bytes(path, cache, text_field="body").meta.n_documents == 60


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"tokenizer": "words"}, "'words' is not a tokenizer; choose bpe or bytes"),
        ({"tokenizer": "bytes", "vocab_size": 300}, "vocabulary size 300 with bytes: they have 257"),
        ({"vocab_size": 257}, "vocabulary size 257 is out of range"),
        ({"vocab_size": 1 << 21}, "is out of range"),
    ],
)
def test_settings_out_of_range_are_refused(lines: Path, cache: Path, settings: dict[str, str], sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        prepare(str(lines), cache=cache, **settings)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["nowhere", "x" * 300, "x\x00y", "no.bin", "y" * 300 + ".bin"])
def test_a_path_that_is_not_there_is_named(tmp_path: Path, cache: Path, name: str) -> None:
    with pytest.raises(BudgetscopeError, match=r"there is no file or folder|cannot read '.*': file name too long"):
        by_bytes(tmp_path / name, cache)


def test_what_is_neither_a_file_nor_a_folder_is_called_what_it_is(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # the name of a socket is short
    os.mkfifo("pipe")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("socket")
        Path("loop").symlink_to("other")
        Path("other").symlink_to("loop")
        Path("dangling").symlink_to("nowhere")
        for name, said in (
            ("pipe", "is a pipe, and text is read more than once; save it as a file"),
            ("socket", "is a socket, and text"),
            ("/dev/null", "is a device, and text"),
            ("loop", "is a link that leads back to itself; name"),
            ("dangling", "is a link to what is not there; name"),
        ):
            with pytest.raises(UsageError, match=f"^'{name}' {said}"):
                prepare(name, tokenizer="bytes", cache=cache)


def test_a_folder_with_odd_entries_gives_its_text(lines: Path, documents: list[str], cache: Path) -> None:
    folder = lines.parent / "folder"
    (folder / "deep").mkdir(parents=True)
    lines.rename(folder / "deep" / "lines.jsonl")
    os.mkfifo(folder / "a.txt")
    (folder / "b.txt").symlink_to("b.txt")
    (folder / "deep" / "up").symlink_to("..")
    assert by_bytes(folder, cache).meta.n_documents == len(documents)


def test_a_folder_without_text_is_refused(tmp_path: Path, cache: Path) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    (folder / "a.png").write_bytes(b"\x89PNG\x00")
    with pytest.raises(UsageError, match="holds no text; give a folder with"):
        by_bytes(folder, cache)


def test_names_that_a_terminal_would_obey_are_made_harmless(documents: list[str], tmp_path: Path, cache: Path) -> None:
    corpus = by_bytes(written(tmp_path / "\x1b[2Jbad.jsonl", documents), cache)
    assert corpus.title == "\\x1b[2Jbad.jsonl"
    assert "\x1b" not in (corpus.path / META_NAME).read_text()


@pytest.mark.parametrize(
    ("module", "suffix", "remedy"),
    [("tokenizers", ".txt", "calibrate"), ("pyarrow.parquet", ".parquet", "parquet")],
)
def test_a_missing_library_is_named_with_its_remedy(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch, module: str, suffix: str, remedy: str
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    path = tmp_path / f"words{suffix}"
    path.write_text("words")
    with pytest.raises(FailureError, match=re.escape(install_command(remedy))):
        prepare(str(path), tokenizer="bpe" if module == "tokenizers" else "bytes", cache=cache)


@contextlib.contextmanager
def no_file_over(n_bytes: int) -> Iterator[None]:
    """Let the system refuse to make any file longer, as a full disk does."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize(("n_bytes", "name"), [(50_000, "documents-0.tmp"), (150_000, TOKENS_NAME)])
def test_a_full_disk_is_said_and_nothing_is_left(lines: Path, cache: Path, n_bytes: int, name: str) -> None:
    with no_file_over(n_bytes), pytest.raises(FailureError, match=rf"no space is left to write '.*{name}'; free some"):
        by_bytes(lines, cache)
    assert not list(cache.glob("*/*"))
    assert by_bytes(lines, cache).vocab_size == 257


def test_an_unwritable_cache_is_said(lines: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(FailureError, match=r"cannot write .*choose a folder that you can write to"):
        by_bytes(lines, tmp_path / "file" / "corpora")


def test_an_interrupted_preparation_leaves_nothing(lines: Path, cache: Path) -> None:
    def stop(progress: Progress) -> None:
        if progress.stage == "tokenizing":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prepare(str(lines), tokenizer="bytes", cache=cache, progress=stop)
    assert not list(cache.glob("*/*"))


def test_a_file_that_changes_while_it_is_read_is_refused(lines: Path, cache: Path) -> None:
    def change(progress: Progress) -> None:
        if progress.stage == "tokenizing":
            with lines.open("a") as file:
                file.write('{"text": "more"}\n')

    with pytest.raises(FailureError, match=r"lines\.jsonl' changed while it was read"):
        prepare(str(lines), tokenizer="bytes", cache=cache, progress=change)
    assert not list(cache.glob("*/*"))


@pytest.mark.parametrize(("at", "left"), [("hashing", 0), ("hashing", 40_000), ("reading", None), ("tokenizing", 9)])
def test_a_file_that_is_cut_or_deleted_meanwhile_is_refused(
    lines: Path, cache: Path, at: str, left: int | None
) -> None:
    def cut_it(progress: Progress) -> None:
        if progress.stage == at and left is None:
            lines.unlink(missing_ok=True)
        elif progress.stage == at:
            os.truncate(lines, left or 0)

    gone = r"cannot read '.*lines\.jsonl': no such file" if left is None else r"lines\.jsonl' changed while it was read"
    with pytest.raises(FailureError, match=gone):
        prepare(str(lines), tokenizer="bytes", cache=cache, progress=cut_it)
    assert not list(cache.glob("*/*"))


@pytest.mark.parametrize("name", ["cut.bin", "cut.npy"])
def test_bare_tokens_that_are_cut_meanwhile_are_refused(tmp_path: Path, cache: Path, name: str) -> None:
    ids = np.random.default_rng(0).integers(0, 1000, 9_000_000).astype("<u2")
    path = tmp_path / name
    ids.tofile(path) if path.suffix == ".bin" else np.save(path, ids)

    def cut_it(progress: Progress) -> None:
        if progress.stage == "copying tokens":
            os.truncate(path, 100_000)

    # A map of a file that is cut would end this process with SIGBUS.
    with pytest.raises(FailureError, match=rf"{name}' changed while it was read"):
        prepare(str(path), vocab_size=1000, cache=cache, progress=cut_it)
    assert not list(cache.glob("*/*"))


def test_a_later_format_is_not_guessed_at(lines: Path, cache: Path) -> None:
    path = by_bytes(lines, cache).path / TOKENS_NAME
    content = bytearray(path.read_bytes())
    content[8] = 9
    path.write_bytes(content)
    with pytest.raises(FailureError, match=r"of a later budgetscope \(format 9\); upgrade"):
        open_tokens(path)

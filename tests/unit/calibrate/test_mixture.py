"""Data from several sources: how they are named, prepared, drawn, held out, repeated and recognised again."""

import json
import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.planted_run import planted_spec
from typer.testing import CliRunner

from budgetscope.calibrate.corpus.model import META_NAME, Corpus, open_tokens
from budgetscope.calibrate.corpus.prepare import prepare, prepare_mix
from budgetscope.calibrate.corpus.sampling import Tokens
from budgetscope.calibrate.fit import build_fit, isoflop_table
from budgetscope.calibrate.orchestrate import Stop, carry_on
from budgetscope.calibrate.plan.mixture import SourceFacts, parse_data, split_data
from budgetscope.calibrate.plan.repetition import votes, without_vote
from budgetscope.calibrate.plan.spec import Spec, dump_spec, parse_spec
from budgetscope.calibrate.prepare import corpus_facts, prepare_data_again
from budgetscope.calibrate.run.folder import RunFolder
from budgetscope.calibrate.run.stages import voting
from budgetscope.cli.calibrate import app
from budgetscope.core.counting.ledger import Shape
from budgetscope.core.errors import FailureError, UsageError

SHAPE = Shape(depth=1, width=16, d_ff=24, n_heads=2, n_kv_heads=2, vocab_size=257, seq_len=16)


def written(path: Path, letter: str, n_documents: int, also: str = "") -> Path:
    """Write documents of one letter and numbers, which never repeat."""
    rng = random.Random(letter)
    texts = [letter.join(str(rng.random()) for _ in range(60)) for _ in range(n_documents)]
    path.parent.mkdir(exist_ok=True)
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in [*texts, *([also] if also else [])]))
    return path


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("mix")
    shared = "the same words in both " * 40
    return written(folder / "a.jsonl", "a", 120, shared), written(folder / "b.jsonl", "b", 40, shared)


def mixed(files: tuple[Path, Path], cache: Path, *shares: float) -> Corpus:
    named = [f"{path}={share}" for path, share in zip(files, shares, strict=True)]
    return prepare_mix(parse_data(named), tokenizer="bytes", cache=cache)


def test_a_source_named_twice_or_with_next_to_no_share_is_refused(tmp_path: Path) -> None:
    place = tmp_path / "a.txt"
    place.write_text("text")
    with pytest.raises(UsageError, match="is named twice; name it once, with the sum of its shares"):
        parse_data([f"{place}=1", f"{tmp_path}/../{tmp_path.name}/a.txt=2"])
    with pytest.raises(UsageError, match=r"--data 'b' has the share 1e-14 of all; give it at least 0.0001"):
        parse_data(["a=1", "b=1e-14"])
    assert [source.share for source in parse_data(["a=1e308", "b=1e308"])] == [0.5, 0.5]


def test_sources_are_named_with_shares(tmp_path: Path) -> None:
    both = [(source.name, source.share) for source in parse_data(["a.txt=7", "b=c.txt=3"])]
    assert both == [("a.txt", 0.7), ("b=c.txt", 0.3)]
    assert parse_data(["a=b.txt"])[0].name == "a=b.txt"
    odd = tmp_path / "x=1"
    odd.write_text("")
    assert parse_data([str(odd)])[0].name == str(odd)
    assert split_data("a.txt=0.7, my b.txt=0.3") == ("a.txt=0.7", "my b.txt=0.3")
    assert split_data("one, two.txt") == ("one, two.txt",)


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["a.txt=0.7", "b.txt"], "--data 'b.txt' is one of 2 and has no share; give it one: b.txt=0.5"),
        (["a.txt=0.7", "b.txt=0"], "--data 'b.txt=0' has the share 0; give a number above 0"),
        (["a.txt=0.7", "b.txt=nan"], "has the share nan"),
        (["=0.7", "b.txt=1"], "--data '=0.7' names nothing"),
        ([" "], "--data ' ' names nothing"),
    ],
)
def test_sources_without_a_name_or_share_are_refused(texts: list[str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        parse_data(texts)


def test_mix_keeps_the_tokens_of_each_source_together(files: tuple[Path, Path], tmp_path: Path) -> None:
    corpus = mixed(files, tmp_path, 0.7, 0.3)
    a, b = corpus.meta.sources
    assert [(source.title, source.share) for source in (a, b)] == [("a.jsonl", 0.7), ("b.jsonl", 0.3)]
    assert corpus.title == "70% a.jsonl + 30% b.jsonl"
    for array, n_a in ((corpus.train, a.train_tokens), (corpus.validation, a.validation_tokens)):
        assert (array[:n_a] == ord("a")).any()
        assert not (array[:n_a] == ord("b")).sum() > 200  # the shared words have some
        assert (array[n_a:] == ord("b")).any()
        assert not (array[n_a:] == ord("a")).any()
    assert a.train_tokens + b.train_tokens == len(corpus.train)
    # The document in both counts once, for the first.
    assert (corpus.meta.n_documents, corpus.meta.n_duplicates) == (161, 1)
    # Bytes, and an end for each document.
    assert corpus.bytes_per_token == pytest.approx(1.0, abs=0.01)


def test_copy_of_another_source_is_told_with_both_names(files: tuple[Path, Path], tmp_path: Path) -> None:
    copy = tmp_path / "copy.jsonl"
    copy.write_bytes(files[0].read_bytes())
    said = (
        r"^'copy\.jsonl' holds the same text as 'a\.jsonl': of its 121 documents 121 are in 'a\.jsonl' too, and a "
        "document counts once"
    )
    with pytest.raises(UsageError, match=said):
        mixed((files[0], copy), tmp_path / "cache", 0.5, 0.5)
    # With a document of its own, and a third source between.
    written(copy, "a", 120, "words that no other source has")
    sources = parse_data([f"{path}=1" for path in (files[1], copy, files[0])])
    with pytest.raises(UsageError, match=r"^'copy\.jsonl' holds .* of its 121 documents 120 are in 'a\.jsonl' too"):
        prepare_mix(sources, tokenizer="bytes", cache=tmp_path / "cache")
    assert not list((tmp_path / "cache").glob("*/meta.json"))


def test_repeats_are_told_where_they_leave_too_little(tmp_path: Path) -> None:
    path = tmp_path / "same.jsonl"
    path.write_text(json.dumps({"text": "the same words " * 30}) + "\n")
    once = path.read_text()
    for more, said in (
        (once * 2000, "in 1 documents, after 2000 repeats of a document were dropped; a calibration needs"),
        (once * 2000 + '{"text": "other words"}\n', "training tokens, after 2000 repeats of a document were dropped;"),
    ):
        path.write_text(once + more)
        with pytest.raises(UsageError, match=said):
            prepare(str(path), tokenizer="bytes", cache=tmp_path / "cache")


def test_mix_is_recognised_by_content_and_shares(files: tuple[Path, Path], tmp_path: Path) -> None:
    corpus = mixed(files, tmp_path, 0.7, 0.3)
    swapped = mixed((files[1], files[0]), tmp_path, 3, 7)
    assert (swapped.path, swapped.sha256) == (corpus.path, corpus.sha256)
    assert open_tokens(corpus.path).sha256 == corpus.sha256
    assert mixed(files, tmp_path, 0.6, 0.4).sha256 != corpus.sha256
    meta = json.loads((corpus.path / META_NAME).read_text())
    meta["sources"][0]["train_tokens"] += 1
    (corpus.path / META_NAME).write_text(json.dumps(meta))
    with pytest.raises(FailureError, match="is damaged"):
        open_tokens(corpus.path)


def test_sources_of_one_name_are_told_apart(tmp_path: Path) -> None:
    files = (written(tmp_path / "x" / "t.jsonl", "a", 60), written(tmp_path / "y" / "t.jsonl", "b", 60))
    corpus = mixed(files, tmp_path / "cache", 1, 1)
    assert corpus.title == "50% x/t.jsonl + 50% y/t.jsonl"


def test_tokens_in_a_mix_are_refused(files: tuple[Path, Path], tmp_path: Path) -> None:
    tokens = tmp_path / "some.bin"
    tokens.write_bytes(bytes(4))
    prepared = prepare(str(files[0]), tokenizer="bytes", cache=tmp_path / "cache").path
    for other in (tokens, prepared):
        with pytest.raises(UsageError, match="holds tokens, and a mix is made of text"):
            mixed((files[0], other), tmp_path / "cache", 1, 1)


def test_spec_says_the_sources_and_a_resumed_run_finds_them(files: tuple[Path, Path], tmp_path: Path) -> None:
    corpus = mixed(files, tmp_path / "cache", 0.7, 0.3)
    spec = replace(planted_spec(), corpus=corpus_facts(corpus))
    assert parse_spec(dump_spec(spec)) == spec
    assert spec.corpus.sources == corpus.meta.sources
    named = [f"{files[1]}=0.3", f"{files[0]}=0.7"]
    assert prepare_data_again(spec, named, None, on_corpus=lambda _: None).sha256 == corpus.sha256
    assert prepare_data_again(spec, [str(corpus.path)], None, on_corpus=lambda _: None).sha256 == corpus.sha256
    for other in ([f"{files[1]}=0.5", f"{files[0]}=0.5"], [str(files[0])]):
        with pytest.raises(UsageError, match=r"is not the data that run .* began with, 70% a.jsonl \+ 30% b.jsonl"):
            prepare_data_again(spec, other, None, on_corpus=lambda _: None)


def planted(*shares: float, n: int = 4000) -> Tokens:
    """Return a mix whose tokens are the numbers of their sources."""
    facts = tuple(SourceFacts(str(k), share, "0" * 64, n, 400, 1.0) for k, share in enumerate(shares))
    train, validation = (np.repeat(np.arange(len(shares), dtype=np.uint16), size) for size in (n, 400))
    return Tokens(train, validation, 257, facts)


@given(st.lists(st.floats(0.05, 1), min_size=2, max_size=4), st.integers(40, 600), st.integers(0, 4))
def test_shares_hold_wherever_a_run_ends(weights: list[float], n_sequences: int, seed: int) -> None:
    shares = [weight / sum(weights) for weight in weights]
    tokens = planted(*shares)
    starts = tokens.training_starts(n_sequences, SHAPE, seed)
    drawn = np.bincount(tokens.train[starts], minlength=len(shares))
    # The discrepancy of the golden ratio's sequence is below 3 sequences for each end of a share up to here.
    assert np.abs(drawn - n_sequences * np.array(shares)).max() <= 6
    assert (tokens.train[starts] == tokens.train[starts + SHAPE.seq_len]).all()
    assert (starts == tokens.training_starts(2 * n_sequences, SHAPE, seed)[:n_sequences]).all()


def test_each_source_has_epochs_of_its_own() -> None:
    tokens = planted(0.9, 0.1, n=1000)
    starts = tokens.training_starts(300, SHAPE, 0)
    large, small = (starts[tokens.train[starts] == k] for k in range(2))
    assert len(set(small.tolist())) == len(small)
    windows = 61  # of 16 tokens in 1000, whatever the offset
    assert len(set(large[:windows].tolist())) == windows
    assert len(large) > 4 * windows
    assert (starts != tokens.training_starts(300, SHAPE, 1)).any()


def test_held_out_windows_weigh_as_their_sources() -> None:
    tokens = planted(0.7, 0.29, 0.01)
    starts, weights = tokens.held_out(20, 16)
    source = tokens.validation[starts]
    assert np.bincount(source).tolist() == [14, 6, 1]
    assert [weights[source == k].sum() / len(starts) for k in range(3)] == pytest.approx([0.7, 0.29, 0.01])
    assert weights.dtype == np.float32


def test_small_source_is_refused_by_name() -> None:
    tokens = planted(0.5, 0.5, n=20)
    with pytest.raises(UsageError, match="20 training tokens of 0 are too few for sequences of 16"):
        tokens.check(SHAPE)


def test_epochs_are_those_of_the_most_repeated_source() -> None:
    sources = (SourceFacts("web", 0.9, "", 9_000_000, 1, 1.0), SourceFacts("books", 0.1, "", 100_000, 1, 1.0))
    facts = replace(planted_spec().corpus, train_tokens=9_100_000, sources=sources)
    assert facts.epochs(4_000_000) == pytest.approx(4.0)
    assert votes(4_000_000, facts)
    assert not votes(4_000_100, facts)
    assert facts.most_repeated == "books"
    cell = planted_spec().design.stage1[0]
    some = replace(cell, tokens=8_000_000, readings=(2_000_000, 8_000_000))
    assert without_vote([some], facts) == (
        "1 of 2 readings pass more than 4 times over books, up to 8.0 times, and do not vote in the fit: repeated text "
        "teaches less and would bend the laws."
    )


def test_readings_beyond_four_epochs_do_not_vote(
    spec: Spec, fake: ModuleType, new_run: Callable[[], RunFolder]
) -> None:
    folder = new_run()
    state = carry_on(folder, spec, fake.FakeTrainer(noise=0.0), Stop(folder.stop_file))
    whole = isoflop_table(state)
    assert whole is not None
    limit = int(np.quantile(whole.tokens, 0.9))
    short = replace(spec, corpus=replace(spec.corpus, train_tokens=limit // 4))
    table = isoflop_table(voting(state, short.corpus))
    assert table is not None
    assert len(table) == int((whole.tokens <= limit // 4 * 4).sum()) < len(whole)
    told = without_vote((s.cell for s in state.cells.values()), short.corpus)
    assert told in build_fit(state, short).flags
    assert not any("do not vote" in flag for flag in build_fit(state, spec).flags)
    none = replace(spec, corpus=replace(spec.corpus, train_tokens=100))
    with pytest.raises(UsageError, match="no reading of stage 2 has passed at most 4 times over the data"):
        build_fit(state, none)


def test_run_notes_the_readings_without_a_vote(spec: Spec, fake: ModuleType) -> None:
    short = replace(spec, corpus=replace(spec.corpus, train_tokens=20_000))
    folder = RunFolder.create(short)
    state = carry_on(folder, short, fake.FakeTrainer(), Stop(folder.stop_file))
    (told,) = (problem for problem in state.problems if "do not vote" in problem)
    assert told == without_vote((s.cell for s in state.cells.values()), short.corpus)


def test_command_prices_a_mix_with_a_decay(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    both = (written(tmp_path / "a.jsonl", "a", 60), written(tmp_path / "b.jsonl", "b", 60))
    named = [word for path, share in zip(both, (0.7, 0.3), strict=True) for word in ("--data", f"{path}={share}")]
    options = ["--preset", "smoke", "--device", "cpu", "--minutes", "2", *named, "--decay", "20%", "--dry-run"]
    shown = " ".join(CliRunner().invoke(app, options, catch_exceptions=False).stdout.split())
    assert "calibration on 70% a.jsonl + 30% b.jsonl" in shown
    assert "read after a decay over the last 20% of its tokens" in shown
    assert "times over a.jsonl, up to" in shown
    spec = json.loads(CliRunner().invoke(app, [*options, "--json"], catch_exceptions=False).stdout)["spec"]
    assert spec["design"]["decay"] == 0.2
    assert [source["share"] for source in spec["corpus"]["sources"]] == [0.7, 0.3]
    with pytest.raises(UsageError, match=r"decay"):
        CliRunner().invoke(app, [*options, "--decay", "0.9"], catch_exceptions=False)

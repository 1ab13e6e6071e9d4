"""Layers, shadowing, and writing, undoing and reporting fits."""

import json
import math
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.bundled import bundled, fit

from budgetscope.core.errors import FailureError, UsageError
from budgetscope.core.laws.fit import Fit, Law
from budgetscope.core.laws.forms import Constant
from budgetscope.store.fit_library import Entry, Layer, Library
from budgetscope.store.fit_schema import dump, encode
from budgetscope.store.locations import bundled_fits, user_fits

RULE = "porian2024/rounded-rule"
SHIPPED = {
    RULE: fit(RULE),
    "porian2024/sweep-fit": fit("porian2024/sweep-fit"),
    "kaplan2020/fixed-batch": fit("kaplan2020/fixed-batch"),
}


def mine(fit_id: str = "mine/lab", title: str = "Mine") -> Fit:
    return replace(fit(RULE), id=fit_id, title=title)


def put(folder: Path, each: Fit) -> Path:
    path = folder / f"{each.id}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(dump(each), encoding="utf-8")
    return path


@pytest.fixture
def library(tmp_path: Path) -> Library:
    """Return the user's layer over a few of the bundled fits."""
    for each in SHIPPED.values():
        put(tmp_path / "shipped", each)
    return Library((Layer("user", tmp_path / "fits"), Layer("bundled", tmp_path / "shipped")))


def entries(library: Library) -> dict[str, Entry]:
    return {entry.id: entry for entry in library.entries() if entry.fit}


def test_without_fits_of_ones_own_all_bundled_ones_are_there() -> None:
    found = Library.standard().entries()
    assert [entry.id for entry in found] == sorted(bundled())
    assert {(entry.layer, entry.shadows, entry.edited, entry.problem) for entry in found} == {
        ("bundled", (), False, "")
    }
    assert {entry.path.parents[1] for entry in found} == {bundled_fits()}


def test_a_fit_is_saved_and_found(library: Library) -> None:
    path = library.save(mine())
    assert path == library.path("mine/lab")
    assert library.get("mine/lab") == mine()
    assert library.get(str(path)) == mine()
    assert entries(library)["mine/lab"].layer == "user"


def test_the_nearest_layer_wins_and_says_what_it_hides(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library.save(mine(RULE, "user's"))
    override = tmp_path / "override"
    put(override, mine(RULE, "override's"))
    entry = entries(library)[RULE]
    assert (entry.layer, entry.shadows) == ("user", ("bundled",))
    assert library.get(RULE).title == "user's"
    monkeypatch.setenv("BUDGETSCOPE_FITS", str(override))
    put(user_fits(), mine(RULE, "user's"))
    standard = Library.standard()
    entry = entries(standard)[RULE]
    assert (entry.layer, entry.shadows) == ("override", ("user", "bundled"))
    assert standard.get(RULE).title == "override's"


def test_an_override_that_is_no_folder_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (tmp_path / "gone", "~nobody-has-this-name/fits"):
        monkeypatch.setenv("BUDGETSCOPE_FITS", str(name))
        with pytest.raises(UsageError, match="BUDGETSCOPE_FITS names"):
            Library.standard()


def test_an_edit_is_shown(library: Library, tmp_path: Path) -> None:
    record = encode(mine())
    record["laws"]["weight_decay"]["parameters"]["value"] = 2e-4
    path = tmp_path / "fits" / "mine" / "lab.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(record))
    entry = entries(library)["mine/lab"]
    assert entry.edited
    assert entry.fit is not None
    assert entry.fit.laws["weight_decay"].law == Constant(2e-4)
    library.save(mine())
    assert not entries(library)["mine/lab"].edited


def test_a_rewritten_file_is_read_again(library: Library) -> None:
    library.save(mine(title="first"))
    assert library.get("mine/lab").title == "first"
    library.save(mine(title="second"))
    assert library.get("mine/lab").title == "second"


# Broken and hostile files -----------------------------------------------------------------------------------------


def test_a_broken_file_is_reported_and_hides_nothing(library: Library, tmp_path: Path) -> None:
    library.save(mine())
    path = put(tmp_path / "fits", mine(RULE))
    path.write_text(path.read_text()[:200])
    found = library.entries()
    (broken,) = [entry for entry in found if entry.problem]
    assert (broken.id, broken.fit) == (RULE, None)
    assert str(path) in broken.problem
    assert set(entries(library)) == {*SHIPPED, "mine/lab"}
    assert entries(library)[RULE].layer == "bundled"
    # Asked for by name, the broken file is not passed over in silence.
    with pytest.raises(FailureError, match="not valid JSON"):
        library.get(RULE)


HOSTILE: list[tuple[str, bytes]] = [
    ("empty", b""),
    ("null", b"null"),
    ("a list", b"[]"),
    ("not JSON", b"{'a': 1}"),
    ("cut off", b'{"schema": 1'),
    ("not UTF-8", b'{"schema": "\xff"}'),
    ("NaN", b'{"schema": NaN}'),
    ("infinity", b'{"schema": Infinity}'),
    ("nested", b"[" * 100_000),
    ("nested in objects", b'{"a":' * 100_000),
    ("a number of 10,000 digits", b'{"schema": ' + b"9" * 10_000 + b"}"),
    ("pickle", b"\x80\x04\x95\x00\x00\x00\x00\x00\x00\x00\x00."),
    ("another schema", b'{"schema": 2}'),
]


@pytest.mark.parametrize(("name", "content"), HOSTILE, ids=[name for name, _ in HOSTILE])
def test_a_file_that_is_no_fit_is_refused_in_one_sentence(
    library: Library, tmp_path: Path, name: str, content: bytes
) -> None:
    path = tmp_path / "fits" / "mine" / "bad.json"
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    with pytest.raises(FailureError) as refused:
        library.get(str(path))
    assert str(path) in str(refused.value), name
    assert str(refused.value).isprintable()
    assert len(str(refused.value)) < 1000
    assert len(entries(library)) == len(SHIPPED)


def changed(place: tuple[Any, ...], value: Any) -> dict[str, Any]:
    record: Any = encode(mine())
    entry = record
    for key in place[:-1]:
        entry = entry[key]
    entry[place[-1]] = value
    return dict(record)


LR = ("laws", "learning_rate")


@pytest.mark.parametrize(
    ("place", "value", "said"),
    [
        (("id",), "../../etc/passwd", "not a fit's id"),
        (("id",), "/etc/passwd", "not a fit's id"),
        (("id",), "mine/../lab", "not a fit's id"),
        (("id",), "a/b/c", "not a fit's id"),
        (("id",), "Mine/Lab", "not a fit's id"),
        (("id",), "mine/lab\n", "printable"),
        (("id",), ".history/lab", "not a fit's id"),
        (("id",), "mine/" + "x" * 100, "not a fit's id"),
        (("id",), "mine/other", "does not match its place"),
        (("title",), "\x1b]0;owned\x07\x1b[2J", "printable"),
        (("title",), "two\nlines", "printable"),
        (("title",), "\ud800", "printable"),
        (("title",), "x" * 2001, "2000"),
        (("title",), None, "'title'"),
        (("title",), ["Mine"], "'title'"),
        (("counting",), "mine", "not a counting convention"),
        (("vocab_size",), 0, "'vocab_size'"),
        (("vocab_size",), 10**400, "'vocab_size'"),
        (("vocab_size",), 1.5, "'vocab_size'"),
        (("vocab_size",), True, "'vocab_size'"),
        (("ablation",), "yes", "'ablation'"),
        (("flags",), [1], "a flag"),
        (("provenance",), {"\x1b[31m": "x"}, "printable"),
        (("laws",), {}, "holds no law"),
        (("laws",), {"magic": {}}, "'magic' is not a role"),
        (("laws", "x" * 3000), {}, "2000"),
        ((*LR, "form"), "exec", "not a form of law"),
        ((*LR, "form"), "chinchilla", "no parameter"),
        ((*LR, "parameters", "coefficient"), -1, "out of bounds"),
        ((*LR, "parameters", "coefficient"), 0, "out of bounds"),
        ((*LR, "parameters", "coefficient"), 1e61, "ordinary size"),
        ((*LR, "parameters", "coefficient"), 10**400, "ordinary size"),
        ((*LR, "parameters", "coefficient"), "1", "ordinary size"),
        ((*LR, "parameters", "coefficient"), True, "ordinary size"),
        ((*LR, "parameters", "n_params_exponent"), 11, "out of bounds"),
        ((*LR, "confidence"), "sure", "not a confidence"),
        ((*LR, "fitted"), {"n_params": [2, 1]}, "does not grow"),
        ((*LR, "fitted"), {"n_params": [-1, 1]}, "does not grow"),
        ((*LR, "fitted"), {"n_params": [1]}, "not a pair"),
        ((*LR, "uncertainty"), {"kind": "guess"}, "not a kind of uncertainty"),
        ((*LR, "uncertainty"), {"kind": "draws", "columns": ["magic"], "rows": [[1], [2]]}, "no parameter"),
        ((*LR, "uncertainty"), {"kind": "draws", "columns": ["coefficient"], "rows": [[1]]}, "at least two"),
        ((*LR, "uncertainty"), {"kind": "draws", "columns": ["coefficient"], "rows": [[1], [1, 2]]}, "1 numbers"),
        ((*LR, "uncertainty"), {"kind": "draws", "columns": ["coefficient"], "rows": [[1]] * 20_001}, "at most"),
        (
            (*LR, "uncertainty"),
            {"kind": "draws", "columns": ["coefficient", "ln_coefficient"], "rows": [[1, 0], [2, 0]]},
            "in two columns",
        ),
        (("laws", "beta2", "form"), "monomial", "no parameter"),
        (("points",), {"columns": ["a"], "rows": []}, "columns of points"),
    ],
)
def test_a_wrong_entry_is_named(
    library: Library, tmp_path: Path, place: tuple[Any, ...], value: Any, said: str
) -> None:
    path = tmp_path / "fits" / "mine" / "lab.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(changed(place, value)))
    with pytest.raises(FailureError, match=said) as refused:
        library.get("mine/lab")
    assert str(refused.value).isprintable()
    assert len(entries(library)) == len(SHIPPED)


def test_a_law_of_the_wrong_kind_for_its_role_is_refused(library: Library, tmp_path: Path) -> None:
    record = encode(mine())
    record["laws"]["beta2"] = record["laws"]["weight_decay"]
    path = tmp_path / "x.json"
    path.write_text(json.dumps(record))
    with pytest.raises(FailureError, match="constant cannot serve as beta2"):
        library.get(str(path))


def test_markup_in_a_title_is_text(library: Library) -> None:
    title = "[bold red]<script>alert(1)</script> [ 1, 2 ] | `x` {0} %s"
    library.save(mine(title=title))
    assert library.get("mine/lab").title == title
    assert not entries(library)["mine/lab"].edited


@pytest.mark.parametrize("target", ["/dev/zero", "itself", "a folder", "a pipe", "nowhere"])
def test_a_link_to_what_is_no_file_neither_hangs_nor_hides(library: Library, tmp_path: Path, target: str) -> None:
    folder = tmp_path / "fits" / "mine"
    folder.mkdir(parents=True)
    link = folder / "lab.json"
    match target:
        case "itself":
            link.symlink_to(link)
        case "a folder":
            link.symlink_to(tmp_path)
        case "a pipe":
            os.mkfifo(link)
        case "nowhere":
            link.symlink_to(tmp_path / "gone")
        case _:
            link.symlink_to(target)
    assert len(entries(library)) == len(SHIPPED)
    with pytest.raises((FailureError, UsageError)):
        library.get("mine/lab")
    with pytest.raises(FailureError):
        library.get(str(link))


def test_a_link_to_a_fit_is_that_fit(library: Library, tmp_path: Path) -> None:
    elsewhere = put(tmp_path / "elsewhere", mine())
    link = tmp_path / "fits" / "mine" / "lab.json"
    link.parent.mkdir(parents=True)
    link.symlink_to(elsewhere)
    assert library.get("mine/lab") == mine()


@pytest.mark.parametrize(
    "name", ["", "mine", "mine/", "/mine", "a/b/c", "../x/y", "Mine/lab", "mine/lab ", "a/..", "a\0/b"]
)
def test_a_name_that_is_no_id_is_refused(library: Library, name: str) -> None:
    for ask in (library.get, library.path, library.undo):
        with pytest.raises(UsageError, match="not a fit's id"):
            ask(name)


@pytest.mark.parametrize("name", ["gone.json", "~nobody-has-this-name/x.json", "x" * 300 + ".json"])
def test_a_path_to_nothing_is_refused(library: Library, name: str) -> None:
    with pytest.raises(FailureError, match="there is no fit file"):
        library.get(name)


@pytest.mark.parametrize("name", ["a\0b.json", "\ud800.json"])
def test_a_path_that_no_file_can_have_is_refused(library: Library, name: str) -> None:
    with pytest.raises(UsageError, match="holds a character that no file name can hold"):
        library.get(name)


def test_an_unknown_id_names_near_ones(library: Library) -> None:
    with pytest.raises(UsageError, match="did you mean porian2024/rounded-rule"):
        library.get("porian2024/round-rule")
    with pytest.raises(UsageError, match="no id is near it"):
        library.get("zzz/qqq")


# Saving and undoing -------------------------------------------------------------------------------------------------


def test_saving_keeps_what_it_replaces_and_undoing_brings_it_back(library: Library) -> None:
    for title in ("first", "second", "third"):
        library.save(mine(title=title))
    restored = [library.undo("mine/lab"), library.undo("mine/lab")]
    assert [each.title for each in restored if each] == ["second", "first"]
    assert library.get("mine/lab").title == "first"
    assert library.undo("mine/lab") is None
    with pytest.raises(UsageError, match="no fit has the id"):
        library.get("mine/lab")
    with pytest.raises(UsageError, match="not among your own fits"):
        library.undo("mine/lab")


def test_a_save_after_an_undo_replaces_nothing_that_was_undone(library: Library) -> None:
    library.save(mine(title="first"))
    assert library.undo("mine/lab") is None
    library.save(mine(title="second"))
    # The second save replaced nothing: the first fit must not come back.
    assert library.undo("mine/lab") is None


def test_an_undo_loses_no_fit(library: Library, tmp_path: Path) -> None:
    for title in ("first", "second"):
        library.save(mine(title=title))
    library.undo("mine/lab")
    library.undo("mine/lab")
    kept = (tmp_path / "fits" / ".history" / "mine" / "lab").glob("*.json")
    assert {json.loads(path.read_text())["title"] for path in kept} == {"first", "second"}


def test_the_history_and_hidden_folders_are_not_listed(library: Library, tmp_path: Path) -> None:
    library.save(mine(title="first"))
    library.save(mine(title="second"))
    (tmp_path / "fits" / ".trash").mkdir()
    (tmp_path / "fits" / ".trash" / "lab.json").write_text("{")
    assert not [entry for entry in library.entries() if entry.problem]
    assert set(entries(library)) == {*SHIPPED, "mine/lab"}


def test_bundled_fits_cannot_be_undone(library: Library) -> None:
    with pytest.raises(UsageError, match="not among your own fits"):
        library.undo(RULE)
    library.save(mine(RULE))
    assert library.undo(RULE) is None
    assert library.get(RULE) == fit(RULE)


def with_decay(value: float) -> Fit:
    return replace(mine(), laws={"weight_decay": Law(Constant(value), "V1", {})})


@pytest.mark.parametrize(
    "unreadable",
    [replace(mine(), title="two\nlines"), replace(mine(), title="\ud800"), with_decay(math.nan), with_decay(-1.0)],
    ids=["line break", "surrogate", "NaN", "negative"],
)
def test_a_fit_that_could_not_be_read_back_is_not_written(library: Library, tmp_path: Path, unreadable: Fit) -> None:
    library.save(mine(title="kept"))
    with pytest.raises(FailureError):
        library.save(unreadable)
    assert library.get("mine/lab").title == "kept"
    assert not (tmp_path / "fits" / ".history").exists()


@pytest.mark.parametrize("fit_id", ["../x/y", "/etc/passwd", "mine", "a/b/c"])
def test_a_fit_is_never_written_outside_its_folder(library: Library, tmp_path: Path, fit_id: str) -> None:
    with pytest.raises(UsageError, match="not a fit's id"):
        library.save(mine(fit_id))
    assert not (tmp_path / "fits").exists()
    assert len(list(tmp_path.rglob("*.json"))) == len(SHIPPED)


def test_an_unwritable_folder_is_reported_and_changes_nothing(library: Library, tmp_path: Path) -> None:
    (tmp_path / "fits").write_text("a file where the folder should be")
    with pytest.raises(FailureError, match="choose a folder that you can write to"):
        library.save(mine())
    assert (tmp_path / "fits").read_text() == "a file where the folder should be"
    assert len(entries(library)) == len(SHIPPED)

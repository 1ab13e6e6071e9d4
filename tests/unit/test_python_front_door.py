"""`import budgetscope`: lazy, the same answers as the command line, and results that show themselves."""

import inspect
import json
import math
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import FrozenInstanceError, replace
from fractions import Fraction
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.bundled import fit as bundled
from tools import python_page

import budgetscope as bs
from budgetscope.api.fields import FIELDS
from budgetscope.api.notebook import frames
from budgetscope.api.notebook.options import FitOptions, RequestOptions
from budgetscope.api.notebook.remedies import in_python
from budgetscope.cli.main import main
from budgetscope.core import language
from budgetscope.core.answers.comparison import Comparison
from budgetscope.core.answers.plan import Plan
from budgetscope.core.extras import install_command
from budgetscope.core.laws.fit import Fit
from budgetscope.store.locations import user_fits
from budgetscope.store.tables.formats import option

TUNED = "porian2024/refinedweb-tuned"
RUNS = Path(__file__).parents[2] / "docs/data/english-h200-runs.csv"
AUDITED = RUNS.parent / "audit/small.toml"
HOSTILE = "<script>alert('x')</script> & \"$1 to $2\""
ANY: Any = bs
"""What a type checker would refuse."""
RESULTS: dict[str, Callable[[], Any]] = {
    "plan": lambda: bs.plan("1e21"),
    "compare": lambda: bs.compare("1e21"),
    "explain": lambda: bs.explain("1e21"),
    "machines": lambda: bs.machines("1e21"),
    "memory": lambda: bs.memory("1e21"),
    "whatif": lambda: bs.whatif("1e21", size="1B", served="1T"),
    "recipe": lambda: bs.recipe("1e21"),
    "value": lambda: bs.value("1e21", calibration="2%"),
    "audit": lambda: bs.audit(AUDITED),
    "count": lambda: bs.count(depth=15, width=640),
    "fits": bs.fits,
    "load": lambda: bs.load(TUNED),
}


@pytest.fixture
def columns() -> dict[str, list[float]]:
    """Return runs that lie on IsoFLOP curves, by column."""
    found: dict[str, list[float]] = {"flops": [], "n_params": [], "loss": [], "seed": []}
    for flops in (1e17, 1e18, 1e19, 1e20):
        for step in range(-3, 4):
            for seed in (0, 1):
                n_params = (flops / 6) ** 0.5 * 1.5**step
                loss = 1.7 + 400 / n_params**0.34 + 400 / (flops / 6 / n_params) ** 0.34 + 0.002 * (-1) ** seed
                row = zip(found, (flops, n_params, loss, seed), strict=True)
                for name, value in row:
                    found[name].append(value)
    return found


@pytest.fixture
def printed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Return what a command prints."""

    def run(*words: str) -> str:
        monkeypatch.setattr(sys, "argv", ["budgetscope", *words])
        with pytest.raises(SystemExit) as stop:
            main()
        assert stop.value.code == 0
        return capsys.readouterr().out

    return run


# Laziness


def loaded_after(code: str) -> set[str]:
    told = f"import sys; {code}; print(*sys.modules)"
    ran = subprocess.run([sys.executable, "-I", "-c", told], capture_output=True, text=True, check=True, timeout=60)
    return set(ran.stdout.split())


def test_importing_it_imports_nothing_else() -> None:
    bare, found = loaded_after("pass"), loaded_after("import budgetscope; dir(budgetscope); budgetscope.__version__")
    assert found - bare == {"budgetscope", "budgetscope._version"}


def test_asking_imports_neither_numpy_nor_the_app() -> None:
    calls = ("repr(bs.plan('1e21'))", "bs.compare('1e21')._repr_html_()", "bs.fits()", "bs.count(size=1e8)")
    found = loaded_after("; ".join(("import budgetscope as bs", *calls)))
    assert "budgetscope.api.ask" in found
    assert found.isdisjoint({"numpy", "scipy", "textual", "torch", "matplotlib", "pandas", "polars", "httpx", "typer"})


def test_its_names() -> None:
    assert set(bs.__all__) <= set(dir(bs))
    assert all(getattr(bs, name) is not None for name in bs.__all__)
    with pytest.raises(AttributeError, match="no attribute 'plann'"):
        _ = bs.plann  # type: ignore[attr-defined]


def test_the_options_that_a_notebook_completes_are_those_of_the_command() -> None:
    assert tuple(RequestOptions.__annotations__) == tuple(field.name for field in FIELDS[1:])
    assert list(inspect.signature(bs.plan).parameters) == [field.name for field in FIELDS]
    assert list(inspect.signature(bs.explain).parameters) == ["budget", "device", "gpus", "mfu", "counting"]
    assert set(inspect.signature(bs.fit).parameters) == {"runs", *FitOptions.__annotations__}
    assert "depth" in inspect.signature(bs.count).parameters


# The same answers as the command line


@pytest.mark.parametrize(
    ("result", "words"),
    [
        (lambda: bs.plan("64 H100 for 14 days", mfu="45%"), ("plan", "64 H100 for 14 days", "--mfu", "0.45")),
        (lambda: bs.plan("1e21", seq_len="4k", vocab=32_000), ("plan", "1e21", "--seq-len", "4k", "--vocab", "32000")),
        (lambda: bs.memory("1e21", gpus=16), ("memory", "1e21", "--gpus", "16")),
        (lambda: bs.compare("1e21"), ("compare", "1e21")),
        (lambda: bs.explain("1e21"), ("explain", "1e21")),
        (lambda: bs.machines("1e21", grid=380), ("machines", "1e21", "--grid", "380")),
        (
            lambda: bs.whatif("1e21", size="1B", served=1e12),
            ("whatif", "1e21", "--size", "1B", "--served", "1T"),
        ),
        (lambda: bs.recipe("1e21", seq_len="4k"), ("recipe", "1e21", "--seq-len", "4k")),
        (lambda: bs.value("1e21", calibration=0.02), ("value", "1e21", "--calibration", "2%")),
        (lambda: bs.count(depth=15, width=640), ("flops", "--depth", "15", "--width", "640")),
        (bs.fits, ("fits", "list")),
        (
            lambda: bs.fit(RUNS, counting="standard", draws="100"),
            ("fit", str(RUNS), "--counting", "standard", "--draws", "100"),
        ),
    ],
    ids=lambda each: each[0] if isinstance(each, tuple) else "",
)
def test_the_numbers_are_those_of_the_command(
    result: Callable[[], Any], words: tuple[str, ...], printed: Callable[..., str]
) -> None:
    assert result().to_json() == printed(*words, "--json")


@pytest.mark.parametrize(
    ("name", "words", "options"),
    [
        ("plan.html", (), {}),
        ("plan.md", ("--lang", "ja", "--mfu", "45%"), {"lang": "ja", "mfu": "45%"}),
        ("plan.json", (), {}),
        ("plan.txt", ("--format", "csv"), {"format": "csv"}),
        ("run", ("--recipe", "torchtitan", "--lang", "ja"), {"recipe": "torchtitan", "lang": "ja"}),
    ],
    ids=["html", "md, ja", "json", "csv", "recipe, ja"],
)
def test_an_export_has_the_bytes_of_the_command(
    name: str, words: tuple[str, ...], options: dict[str, Any], printed: Callable[..., str], tmp_path: Path
) -> None:
    wanted, own = tmp_path / "command" / name, tmp_path / "python" / name
    for path in (wanted, own):
        path.parent.mkdir()
    printed("export", "64xH100 14d", "-o", str(wanted), *words)
    language.use(None)
    taken = bs.export("64xH100 14d", own, **options)
    assert taken.path == own
    assert _bytes(own.parent) == _bytes(wanted.parent)
    assert taken.files == len(_bytes(own.parent))
    assert language.code() == "en"


def _bytes(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_an_export_writes_over_nothing_without_force(tmp_path: Path) -> None:
    file, folder = tmp_path / "plan.md", tmp_path / "run"
    file.write_text("mine")
    folder.mkdir()
    (folder / "mine").touch()
    with pytest.raises(bs.UsageError, match=r"plan\.md' exists; name another file or add `force=True`"):
        bs.export("1e21", file)
    with pytest.raises(bs.UsageError, match="run' is not empty; name another folder or add `force=True`"):
        bs.export("1e21", folder, recipe="litgpt")
    with pytest.raises(bs.UsageError, match=r"plan\.md' is a file, and a recipe is a folder"):
        bs.export("1e21", file, recipe="litgpt", force=True)
    with pytest.raises(bs.UsageError, match="run' is a folder, and an export is one file"):
        bs.export("1e21", folder, format="md", force=True)
    assert _bytes(tmp_path) == {"plan.md": b"mine", "run/mine": b""}
    assert bs.export("1e21", file, force=True).path.read_text().startswith("# Training plan")
    assert "pretrain.yaml" in _bytes(bs.export("1e21", folder, recipe="litgpt", force=True).path)


@pytest.mark.parametrize(
    ("output", "options", "sentence"),
    [
        ("plan.pdf", {}, "'pdf' is not a format; choose one of html, md, csv, json"),
        ("plan", {}, "has no ending that names a format"),
        ("plan.html", {"format": "md"}, "ends as html does, and `format` is md"),
        ("run", {"recipe": "litgpt", "format": "md"}, "a recipe has the files of its trainer, and no `format`"),
        ("run", {"recipe": "nemo"}, "'nemo' is not a recipe; choose one of huggingface"),
        ("gone/plan.md", {}, "make it with `mkdir -p "),
        ("plan.md", {"lang": "fr"}, "'fr' is not a language here"),
        ("plan.md", {"lang": 3}, "`lang=3` is not a text"),
        ("plan.md", {"force": "yes"}, "force = 'yes' is neither True nor False"),
        ("plan.md", {"mfuu": 1}, "export has no option 'mfuu': did you mean mfu"),
        ("a\0b.md", {}, "holds a character that no file name can hold"),
        ("\ud800.md", {}, "holds a character that no file name can hold"),
        ("a\0b", {"recipe": "litgpt"}, "holds a character that no file name can hold"),
        (3, {}, "`output=3` is not a path; write it like plan.html"),
    ],
)
def test_an_export_that_is_not_understood_writes_nothing(
    output: Any, options: dict[str, Any], sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(bs.UsageError, match=sentence):
        bs.export("1e21", output, **options)
    assert not _bytes(tmp_path)


@pytest.mark.parametrize("name", ["a\0b.csv", "\ud800.csv"])
def test_runs_of_an_impossible_name_are_refused(name: str) -> None:
    with pytest.raises(bs.UsageError, match="holds a character that no file name can hold"):
        bs.fit(name)


def test_an_export_names_no_fit_that_its_command_would_not_find(
    columns: dict[str, list[float]], tmp_path: Path, printed: Callable[..., str]
) -> None:
    lab, path = bs.fit(columns, counting="standard", draws=100), tmp_path / "plan.json"
    other = replace(bundled("steplaw2025/dense"), title="Another")
    for options in ({"law": lab}, {"hyperparameters": other}):
        with pytest.raises(bs.UsageError, match="is not stored as it is given"):
            bs.export("1e21", path, **options)
    stored = lab.save("mine/lab")
    bs.export("1e21", path, law=stored)
    assert path.read_text() == printed("export", "1e21", "--law", "mine/lab", "--format", "json")


def test_a_budget_is_a_text_a_number_or_a_request() -> None:
    found = bs.plan("1e21", mfu="45%")
    assert bs.plan(1e21, mfu=0.45) == bs.plan(np.float64(1e21), mfu=np.float64(0.45)) == found
    assert bs.plan(10**21, mfu=0.45) == found
    # By a law without an interval, which may be followed as far as this.
    for flops in (10**10, 10**11, 2e10, np.int64(10**11), 1e32):
        assert ANY.plan(flops, law="besiroglu2024/refit").answered.optimum.flops == pytest.approx(float(flops))
    assert bs.plan(bs.PlanRequest("1e21", mfu=0.45)) == found
    assert bs.plan(bs.PlanRequest("1e21", mfu=0.3, law=TUNED), mfu="45%", gpus=None) == found
    assert found.answered.request == bs.PlanRequest("1e21", mfu=0.45)
    json.loads(ANY.plan("1e21", seq_len=np.int64(4096)).to_json())


def test_a_plan_is_a_plan_and_frozen() -> None:
    found = bs.plan("1e21")
    assert isinstance(found, Plan)
    assert found.n_params == found.answered.plan.n_params
    assert found.recipe.learning_rate.value > 0
    with pytest.raises(FrozenInstanceError):
        found.flops = 1.0  # type: ignore[misc]


@pytest.mark.parametrize("name", RESULTS)
def test_equal_results_have_one_hash(name: str) -> None:
    assert len({RESULTS[name](), RESULTS[name]()}) == 1


def test_a_shape_is_counted_from_texts_and_numbers() -> None:
    assert bs.count(depth="15", width="1k", vocab="50k") == ANY.count(depth=15, width=1000, vocab=np.int64(50_000))
    assert bs.count(size="108M", counting="kaplan") == bs.count(size=108e6, counting="kaplan", seq_len=None)


# Refusals


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: ANY.plan("1e21", mfuu=0.4), "plan has no option 'mfuu': did you mean mfu"),
        (lambda: ANY.plan("1e21", seqlen=1), "did you mean seq_len"),
        (lambda: ANY.plan("1e21", qqqq=1), "no option is near it; it takes law, hyperparameters"),
        (lambda: ANY.explain("1e21", price=2), "explain has no option 'price'"),
        (lambda: ANY.count(dept=3), "count has no option 'dept': did you mean depth"),
        (lambda: ANY.count(depth="x", width=1), "`depth` 'x' is not a whole number"),
        (lambda: ANY.fit({}, countin="standard"), "fit has no option 'countin': did you mean counting"),
        (lambda: ANY.plan("1e21", mfu="x"), "`mfu` 'x' is not a share; write it like 0.4 or 40%"),
        (lambda: ANY.plan("1e21", mfu=45), "`mfu=45` is above 1; write 45% or 0.45"),
        (lambda: ANY.plan("1e21", device=bs.load(TUNED)), "`device` .* is not a text"),
        (lambda: ANY.plan("soon"), "soon"),
        (lambda: ANY.plan(None), "None is no budget"),
        (lambda: ANY.plan(True), "True is no budget"),
        (lambda: bs.plan(10**400), "budget 1000.* lies outside 1e\\+10 to 1e\\+32 FLOPs"),
        (lambda: bs.plan(10**5000), "budget a number of thousands of digits lies outside"),
        (lambda: bs.plan(5), "budget 5 lies outside"),
        (lambda: bs.plan(float("nan")), "budget nan lies outside"),
        (lambda: bs.plan(ANY.PlanRequest(1e21)), "1e\\+21 is no budget; write it as a text, such as '1e21'"),
        (lambda: bs.plan(ANY.PlanRequest(None)), "None is no budget"),
        (lambda: ANY.plan("1e21", gpus=Fraction(2, 5)), "`gpus` Fraction\\(2, 5\\) is not a number; write it like 8"),
        (lambda: ANY.plan("1e21", mfu=Fraction(2, 5)), "`mfu` Fraction\\(2, 5\\) is not a share; write it like 0.4"),
        (lambda: ANY.plan("1e21", price=Fraction(2, 5)), "`price` Fraction\\(2, 5\\) is not an amount of dollars"),
        (lambda: ANY.value("1e21", calibration=[2]), "`calibration` \\[2\\] is not a share; write it like 0.4 or 40%"),
        (lambda: bs.value("1e21", calibration=" "), "`calibration` is empty; give it a value.$"),
        (lambda: ANY.load(None), "`name` None is not a fit's id; write it like mine/lab"),
        (lambda: ANY.load(b"mine/lab"), "`name` b'mine/lab' is not a fit's id"),
        (lambda: ANY.load(TUNED).save(None), "`name` None is not a fit's id; write it like mine/lab"),
        (lambda: ANY.load(TUNED).save("mine/lab", title=5), "`title=5` is not a text of at most 2000"),
        (lambda: ANY.count(size=[1]), "`size` \\[1\\] is not a number"),
        (lambda: bs.count(size=10**5000), "`size` a number of thousands of digits is outside the shape family"),
        (lambda: ANY.count(size=1e8, counting=3), "`counting=3` is not a text"),
        (lambda: ANY.plan("1e21", law="mine/gone"), "no fit has the id 'mine/gone'"),
        (lambda: bs.load("mine/gone"), "no fit has the id 'mine/gone'"),
        (lambda: bs.value("1e21", calibration="200%"), "`calibration='200%'` is out of bounds"),
        (lambda: ANY.fit({}, seed="x"), "`seed` 'x' is not a whole number; write it like 2048 or 4k"),
        (lambda: ANY.fit({}, seed=-1), "`seed=-1` is out of bounds; give a whole number from 0 to 9223372036"),
        (lambda: ANY.fit(3), "'int' is no table of runs"),
        (lambda: ANY.fit({"flops": [1.0, 2.0], "loss": [1.0]}), "'loss' has 1 cells and 'flops' 2"),
        (lambda: ANY.fit({"flops": "1e21"}), "'flops' is no list of cells"),
        (lambda: ANY.fit({}), "'a dict of columns' holds no runs"),
        (lambda: ANY.fit({"loss": [1.0]}, where=["a"]), "where = \\['a'\\] is no dict"),
        (lambda: ANY.fit({"loss": [1.0]}, counting=1), "counting = 1 is no text"),
        (lambda: ANY.fit({"loss": [1.0], "C": [1e18], "N": [1e7]}), "the table does not say what its parameters count"),
        (lambda: ANY.fit({"loss": [1.0]}), "no column for flops"),
        (lambda: ANY.fit({"loss": [1.0]}, counting="standard"), "no column for flops"),
        (lambda: ANY.plan("1e21").plot("pie"), "'pie' is no chart of a plan; choose one of allocation, isoflop"),
        (lambda: ANY.plan("1e21", law="kaplan2020/fixed-batch").plot("isoflop"), "has no law of"),
        (lambda: bs.load("marek2025/token-half-life").plot(), "has no law for N and D"),
        (lambda: bs.load("meta2024/llama3").to_frame(), "keeps no optima"),
    ],
)
def test_what_is_not_understood_is_refused_in_a_sentence(call: Callable[[], object], sentence: str) -> None:
    with pytest.raises(bs.UsageError, match=sentence):
        call()


def test_a_failure_is_another_error(tmp_path: Path) -> None:
    with pytest.raises(bs.FailureError, match=r"gone\.json"):
        bs.load(tmp_path / "gone.json")
    with pytest.raises(bs.FailureError, match=r"gone\.csv"):
        bs.fit(tmp_path / "gone.csv", counting="standard")


# Fits


def test_runs_from_memory_are_read_as_those_of_a_file(columns: dict[str, list[float]], tmp_path: Path) -> None:
    path = tmp_path / "runs.json"
    path.write_text(json.dumps([dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]))
    found = bs.fit(path, counting="standard", draws=100)
    sources: dict[str, Any] = {"dict of columns": {name: np.array(cells) for name, cells in columns.items()}}
    sources["dict of columns"]["seed"] = tuple(np.int64(cell) for cell in columns["seed"])
    for library in ("pandas", "polars"):
        try:
            sources[f"{library} DataFrame"] = __import__(library).DataFrame(columns)
        except ImportError:
            continue
    for name, runs in sources.items():
        own = bs.fit(runs, counting="standard", draws=100)
        assert (own.laws, own.points, own.provenance) == (found.laws, found.points, found.provenance)
        assert own.citation == f"runs of a {name}"
        assert own.fitted is not None
        assert found.fitted is not None
        assert own.fitted.intake == found.fitted.intake


def test_an_index_with_a_name_is_a_column_and_nan_an_empty_cell(columns: dict[str, list[float]]) -> None:
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    runs = pandas.DataFrame(columns).assign(beta2=float("nan")).set_index(["flops", "n_params"])
    runs.iloc[0, runs.columns.get_loc("loss")] = float("nan")
    found = bs.fit(runs, counting="standard", draws=100)
    assert found.fitted is not None
    intake = found.fitted.intake
    assert (intake.read, intake.used) == (len(columns["loss"]), len(columns["loss"]) - 1)
    assert [drop.rows for drop in intake.dropped] == [(1,)]


def test_two_columns_of_one_name_are_refused() -> None:
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    runs = pandas.DataFrame([[1.0, 2.0]], columns=["loss", "loss"])
    with pytest.raises(bs.UsageError, match="'a pandas DataFrame' has two columns named 'loss'"):
        bs.fit(runs, counting="standard")


def test_another_table_is_joined_from_memory(columns: dict[str, list[float]]) -> None:
    names = [f"run-{index}" for index in range(len(columns["loss"]))]
    about = {"run": names, "n_params": columns["n_params"], "seed": columns["seed"]}
    runs = {"run": names, "flops": columns["flops"], "loss": columns["loss"]}
    whole = bs.fit({"run": names, **columns}, counting="standard", draws=100)
    assert bs.fit(runs, join=about, counting="standard", draws=100).laws == whole.laws


def test_a_law_is_followed_before_it_is_stored_and_after(columns: dict[str, list[float]]) -> None:
    lab = bs.fit(columns, counting="standard", title="Lab", draws=100)
    before = bs.plan("1e21", law=lab)
    assert before.law_id == "unsaved/fit"
    assert not user_fits().exists()
    stored = lab.save("mine/lab")
    assert (stored.id, stored.title) == ("mine/lab", "Lab")
    assert isinstance(stored, Fit)
    after = bs.plan("1e21", law="mine/lab")
    assert after.n_params == before.n_params
    assert bs.plan("1e21", law=stored) == after
    assert bs.plan("1e21", law=user_fits() / "mine/lab.json").n_params == after.n_params
    assert bs.compare("1e21", law=lab).law_id == "unsaved/fit"
    assert bs.load("mine/lab").laws == lab.laws
    assert "mine/lab" in {entry.id for entry in bs.fits()}


def test_no_fit_is_stored_under_a_bundled_id(columns: dict[str, list[float]]) -> None:
    sentence = f"^{TUNED} is a fit that ships with budgetscope; choose a name of your own, like mine/lab.$"
    with pytest.raises(bs.UsageError, match=sentence):
        bs.load("besiroglu2024/refit").save(TUNED)
    with pytest.raises(bs.UsageError, match=sentence):
        bs.load(TUNED).save(TUNED)
    with pytest.raises(bs.UsageError, match=sentence):
        bs.fit(columns, counting="standard", draws=100, name=TUNED)
    assert not user_fits().exists()


def test_a_recipe_is_followed_without_being_stored() -> None:
    own = replace(bundled("steplaw2025/dense"), id="mine/recipe")
    found = bs.plan("1e21", hyperparameters=own)
    assert found.recipe.sources["learning_rate"] == "mine/recipe"
    assert (
        found.recipe.learning_rate.value
        == bs.plan("1e21", hyperparameters="steplaw2025/dense").recipe.learning_rate.value
    )


def test_a_loaded_fit_tells_what_its_file_tells() -> None:
    path = user_fits() / "mine/lab.json"
    bs.load(TUNED).save("mine/lab")
    path.write_text(path.read_text().replace('"title": "Porian', '"title": "By hand'))
    by_id, by_fit = bs.plan("1e21", law="mine/lab"), bs.plan("1e21", law=bs.load("mine/lab"))
    assert by_fit == by_id
    assert any(caution.code == "own-file" for caution in by_fit.cautions)
    other = replace(bs.load("mine/lab").stored(), title="Another")
    assert not any(caution.code == "own-file" for caution in bs.plan("1e21", law=other).cautions)


# Showing


class _Tags(HTMLParser):
    """Collects the tags and the text of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.opened: set[str] = set()
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del attrs
        self.opened.add(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize("name", RESULTS)
def test_a_result_shows_itself(name: str) -> None:
    found = RESULTS[name]()
    assert 1 <= len(repr(found).splitlines()) <= 10
    assert len(repr(found)) < 1600
    tags = _Tags()
    tags.feed(found._repr_html_())
    assert "table" in tags.opened
    assert tags.opened <= {"div", "p", "strong", "table", "thead", "tbody", "tr", "th", "td"}


def test_what_a_plan_shows_is_what_the_report_says() -> None:
    found = bs.plan("64 H100 for 14 days")
    page = found._repr_html_()
    for text in ("18.8 B", "[7.87 B, 44.8 B]", "44 x 5888", "0.00019", "assumed MFU: 41.5% of the dense peak"):
        assert text in page
    assert all(caution.text.replace("'", "&#x27;") in page for caution in found.cautions)
    assert "N 18.8 B [7.87 B, 44.8 B]" in repr(found)


def test_machines_are_shown_as_the_command_shows_them() -> None:
    found = bs.machines("64 H100 for 14 days")
    assert found.cheapest in {each.machine.device.id for each in found.alternatives}
    for text in ("fastest", "cheapest", "this plan", "H200", "FSDP2 over 8", "not live"):
        assert text in found._repr_html_()
    assert "this plan" in repr(found)
    assert "holds the model" in repr(bs.machines("N=400B D=1T on 1 H100"))


def test_hostile_texts_are_escaped() -> None:
    hostile = replace(bundled(TUNED), id="mine/hostile", title=HOSTILE, method=HOSTILE, flags=(HOSTILE,))
    saved = bs.load(TUNED).save("mine/hostile", title=HOSTILE)
    pages = [
        bs.plan("1e21", law=hostile)._repr_html_(),
        bs.compare("1e21", law=hostile)._repr_html_(),
        bs.value("1e21", calibration="2%", law=hostile)._repr_html_(),
        saved._repr_html_(),
        bs.fits()._repr_html_(),
    ]
    for page in pages:
        tags = _Tags()
        tags.feed(page)
        assert "script" not in tags.opened
        assert page.startswith('<div class="tex2jax_ignore mathjax_ignore">')
    assert HOSTILE in _text(pages[0])


def _text(page: str) -> str:
    tags = _Tags()
    tags.feed(page)
    return tags.text


# Frames


@pytest.mark.parametrize("library", ["pandas", "polars"])
@pytest.mark.parametrize("name", RESULTS)
def test_a_result_becomes_a_frame(library: str, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    made = pytest.importorskip(library, reason=f"{library} is not installed").DataFrame
    if library == "polars":
        monkeypatch.setitem(sys.modules, "pandas", None)
    found = RESULTS[name]().to_frame()
    assert isinstance(found, made)
    assert found.shape[0] > 1
    if name == "compare":
        comparison = bs.compare("1e21")
        assert isinstance(comparison, Comparison)
        assert found["fit_id"].to_list() == [row.fit_id for row in comparison.rows]
        assert found["n_params"].to_list()[0] == comparison.rows[0].n_params


def test_without_a_library_a_frame_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    for library in ("pandas", "polars"):
        monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(bs.FailureError, match=r"needs pandas or polars, and neither is installed: .* install pandas"):
        frames.frame(("a",), [(1,)])


# Charts


@pytest.fixture
def charts(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return pyplot without a screen, its figures closed afterwards."""
    matplotlib = pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    monkeypatch.setenv("MPLBACKEND", "Agg")
    matplotlib.use("Agg")
    pyplot = pytest.importorskip("matplotlib.pyplot")
    yield pyplot
    pyplot.close("all")


def test_a_plan_draws_its_law_and_its_budget(charts: Any) -> None:
    found = bs.plan("1e21", counting="kaplan")
    chart: Any = found.plot()
    assert chart.get_xlabel() == "C, training FLOPs by the kaplan count"
    assert chart.get_ylabel() == "N, parameters by the kaplan count"
    assert TUNED in chart.get_title()
    assert (chart.get_xscale(), chart.get_yscale()) == ("log", "log")
    budget = next(line for line in chart.lines if list(line.get_xdata()) == [found.flops])
    assert list(budget.get_ydata()) == [found.n_params.value]
    legend = {text.get_text() for text in chart.get_legend().get_texts()}
    assert {"95% interval", "the optima it was fitted on"} < legend
    chart.figure.canvas.draw()
    given = charts.subplots()[1]
    assert found.plot(ax=given) is given


def test_a_plan_draws_the_loss_over_n(charts: Any) -> None:
    found = bs.plan("1e21")
    chart: Any = found.plot("isoflop")
    assert chart.get_xlabel() == "N, parameters by the standard count"
    assert chart.get_ylabel() == "pre-decay loss, nats/token, at C = 1e21 FLOPs"
    assert found.loss is not None
    optimum = next(line for line in chart.lines if list(line.get_xdata()) == [found.n_params.value])
    assert list(optimum.get_ydata()) == [pytest.approx(found.loss.value)]
    measured = [loss for loss in chart.lines[0].get_ydata() if math.isfinite(loss)]
    assert min(measured) == pytest.approx(found.loss.value)
    assert charts.get_fignums()


def test_a_comparison_and_a_fit_draw(charts: Any) -> None:
    comparison: Any = bs.compare("1e21").plot()
    assert "Llama 3 2024" in [text.get_text() for text in comparison.get_legend().get_texts()]
    fit = bs.load(TUNED)
    chart: Any = fit.plot(ax=charts.subplots()[1])
    assert fit.points is not None
    assert any(len(line.get_xdata()) == len(fit.points.rows) for line in chart.lines)
    hostile = bs.plan("1e21", law=replace(fit.stored(), id="mine/hostile", title="$\\frac$ and $"))
    hostile.plot().figure.canvas.draw()


def test_without_matplotlib_a_chart_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(bs.FailureError, match=re.escape(f"a chart needs matplotlib: {install_command('plot')}")):
        bs.plan("1e21").plot()


# The page


def test_the_page_runs_and_prints_what_it_says(charts: Any) -> None:
    pytest.importorskip("pandas", reason="the page shows frames of pandas")
    assert charts
    for path, text in python_page.wanted(python_page.PAGE.read_text(encoding="utf-8")).items():
        assert path.read_text(encoding="utf-8") == text, f"{path} is out of date: run python -m tools.python_page"


def test_the_notebook_is_one(charts: Any) -> None:
    record = json.loads(python_page.PAGE.with_suffix(".ipynb").read_text(encoding="utf-8"))
    assert charts
    assert (record["nbformat"], record["nbformat_minor"]) == (4, 5)
    assert {cell["cell_type"] for cell in record["cells"]} == {"markdown", "code"}
    assert len({cell["id"] for cell in record["cells"]}) == len(record["cells"])
    for cell in record["cells"]:
        assert set(cell) == {"cell_type", "id", "metadata", "source"} | (
            {"outputs", "execution_count"} if cell["cell_type"] == "code" else set()
        )


@pytest.mark.parametrize(
    ("sentence", "said"),
    [
        ("name another file or add --force.", "name another file or add `force=True`."),
        ("choose another law with --law.", "choose another law with `law`."),
        ("say one, for example --price 2.50.", "say one, for example `price=2.50`."),
        (
            "8 x H100 SXM (--gpus 8) or 3 B (--max-params 3.66B).",
            "8 x H100 SXM (`gpus=8`) or 3 B (`max_params='3.66B'`).",
        ),
        ("(--mfu, or --measured)", "(`mfu`, or `measured`)"),
        (
            "say --loss-unit bits-per-byte and --bytes-per-token if",
            "say `loss_unit='bits-per-byte'` and `bytes_per_token` if",
        ),
        ("--best takes the lowest loss", "`best=True` takes the lowest loss"),
        (f"say so with {option('--map', 'tokens', 'a b*1e6')}.", "say so with `mapping={'tokens': 'a b*1e6'}`."),
        (f"choose {option('--where', 'lr', '0.01')}, or", "choose `where={'lr': '0.01'}`, or"),
        ("it says `budgetscope value 1e21 --law x` -- ok", "it says `budgetscope value 1e21 --law x` -- ok"),
    ],
)
def test_options_of_the_command_line_are_said_as_arguments(sentence: str, said: str) -> None:
    assert in_python(sentence) == said


def test_the_remedy_of_an_export_works_as_it_is_said(tmp_path: Path) -> None:
    path = tmp_path / "plan.md"
    bs.export("1e21", path)
    with pytest.raises(bs.UsageError) as refused:
        bs.export("1e21", path)
    (remedy,) = re.findall("add `(.*?)`", str(refused.value))
    assert remedy == "force=True"
    bs.export("1e21", path, force=True)


def test_a_notebook_names_no_option_of_the_command_line() -> None:
    shown = bs.plan("1e21")._repr_html_() + repr(bs.plan("$50k on H100"))
    assert "`mfu`" in shown
    assert not re.search(r"(?<![\w-])--[a-z]", re.sub("`[^`]*`", "", shown))

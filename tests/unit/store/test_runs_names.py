"""What the names of columns say: fields, groups, units, and columns that may be C."""

import math
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest

from budgetscope.core.counting.ledger import Convention
from budgetscope.core.errors import UsageError
from budgetscope.store.tables.formats import option
from budgetscope.store.tables.intake import Intake
from budgetscope.store.tables.names import is_named, likely, unit_in
from budgetscope.store.tables.read import read_runs

SIZES = [(1e7 * 2.0**k, 2e9 * 3.0**k) for k in range(4)]


def read(folder: Path, columns: Mapping[str, Iterable[object]], counting: str = "standard", **mapping: str) -> Intake:
    """Read a table of columns."""
    rows = zip(*columns.values(), strict=True)
    path = folder / "runs.csv"
    lines = [",".join(f'"{name}"' for name in columns), *(",".join(map(str, row)) for row in rows)]
    path.write_text("\n".join(lines), encoding="utf-8")
    return read_runs(path, counting=counting, mapping=mapping)


def table(**more: Iterable[object]) -> dict[str, Iterable[object]]:
    return {"params": [n for n, _ in SIZES], "tokens": [d for _, d in SIZES], **more, "loss": [3.0, 2.9, 2.8, 2.7]}


@pytest.mark.parametrize(
    ("field", "names"),
    [
        ("flops", "Training FLOP|compute_budget|flops_total|C (FLOPs)|trainFLOPs"),
        ("n_params", "Model parameters|parameter_count|N (params)|No. of parameters|hyperparameters/N|params.n_params"),
        ("tokens", "tokens_processed|# tokens|D (tokens)|numTrainTokens|config.data.tokens"),
        ("learning_rate", "hyperparameters/lr|params.lr|config/optimizer/lr"),
        ("batch_tokens", "batch_in_tokens|batch size (tokens)|global_batch_size_tokens"),
        ("batch_sequences", "batch (sequences)|batch_size_seqs"),
        ("loss", "loss_validation|metrics.val_loss|C4 Eval Loss"),
    ],
)
def test_names_are_read_word_by_word_behind_any_group(field: str, names: str) -> None:
    assert [name for name in names.split("|") if not is_named(field, name)] == []


OTHER_WORDS = """
flops_per_token tokens/s tokens_per_parameter max_tokens eval/tokens unique_tokens embedding_params time_budget
"""


@pytest.mark.parametrize("name", OTHER_WORDS.split())
def test_a_name_with_another_word_is_no_count(name: str) -> None:
    assert not any(is_named(field, name) for field in ("flops", "n_params", "tokens"))


def test_a_name_that_says_what_it_counts_goes_by_the_convention() -> None:
    of_all = {name: is_named("n_params", name, Convention.TOTAL) for name in ("params.total", "total_model_params")}
    of_blocks = {name: is_named("n_params", name, Convention.KAPLAN) for name in ("params (non-embedding)",)}
    assert all((of_all | of_blocks).values())
    assert not any(is_named("n_params", name, Convention.STANDARD) for name in of_all | of_blocks)


@pytest.mark.parametrize(
    ("name", "factor"),
    [
        ("tokens (B)", 1e9),
        ("N [millions]", 1e6),
        ("Tokens (1e9)", 1e9),
        ("tokens_in_billions", 1e9),
        ("params_m", 1e6),
        ("throughput/total_gflops", 1e9),
        ("C (ZFLOP)", 1e21),
        ("Compute (PF-days)", 8.64e19),
        ("tokens", 1.0),
        ("model_b", 1.0),
        ("loss (nats)", 1.0),
    ],
)
def test_a_name_states_its_unit(name: str, factor: float) -> None:
    assert unit_in(name)[1] == factor


def test_a_unit_in_the_header_multiplies_bare_numbers_and_is_told(tmp_path: Path) -> None:
    columns: dict[str, Iterable[object]] = {"params (M)": [10, 20], "tokens (B)": [2, "6B"], "loss (bits)": [4.5, 4.4]}
    intake = read(tmp_path, columns)
    assert [(run.n_params, run.tokens) for run in intake.runs] == [(1e7, 2e9), (2e7, 6e9)]
    assert intake.runs[0].loss == pytest.approx(4.5 * math.log(2))
    assert "tokens is 'tokens (B)' times 1e+09, as the column's name says." in intake.assumptions
    # A factor that the user gives takes the place of the header's.
    columns["tokens (B)"] = [2, 6]
    assert read(tmp_path, columns, tokens="tokens (B)*1e8").runs[0].tokens == 2e8


def test_a_unit_that_the_cells_contradict_is_refused(tmp_path: Path) -> None:
    columns: dict[str, Iterable[object]] = {"params": [1e7, 2e7], "tokens (B)": [2e9, 6e9], "loss": [3, 2.9]}
    with pytest.raises(UsageError, match=r"tokens would be 6e\+18.* say so with --map 'tokens=tokens \(B\)\*1'"):
        read(tmp_path, columns)
    assert read(tmp_path, columns, tokens="tokens (B)*1").runs[0].tokens == 2e9


@pytest.mark.parametrize(("name", "scale"), [("budget", 1.0), ("GFLOP", 1e9)])
def test_a_budget_near_6nd_is_c(tmp_path: Path, name: str, scale: float) -> None:
    nominal = [f"{6 * n * d * (0.95 if n > 1.5e7 else 1.05) / scale:.5g}" for n, d in SIZES]
    intake = read(tmp_path, table(**{name: nominal}))
    assert intake.mapping["flops"] == name
    assert intake.runs[0].flops == pytest.approx(1.05 * 6 * 1e7 * 2e9, rel=1e-4)
    assert any("they may be nominal budgets" in sentence for sentence in intake.assumptions)


@pytest.mark.parametrize("name", ["budget", "tflops"])
def test_a_budget_in_dollars_or_a_rate_is_not_c(tmp_path: Path, name: str) -> None:
    intake = read(tmp_path, table(**{name: [300, 310, 290, 305]}))
    assert "flops" not in intake.mapping
    assert intake.runs[0].flops == 6 * 1e7 * 2e9
    assert any(sentence.startswith(f"'{name}' is not read as flops") for sentence in intake.assumptions)
    with pytest.raises(UsageError, match="exact counting needs it: name its column with --map flops=COLUMN"):
        read(tmp_path, table(**{name: [300, 310, 290, 305]}), "exact")


def test_a_budget_in_dollars_does_not_stand_for_tokens(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="flops is 400 at most, too few to train: if 'budget' counts millions"):
        read(tmp_path, {"params": [1e8, 2e8], "budget": [300, 400], "loss": [3, 2.9]})


def test_of_several_rates_none_is_c(tmp_path: Path) -> None:
    assert "flops" not in read(tmp_path, table(tflops=[300] * 4, total_tflops=[2400] * 4)).mapping


@pytest.mark.parametrize(("scale", "said"), [(1.0, "--map flops=level"), (1e9, "--map 'flops=level*1e9'")])
def test_a_column_that_looks_like_c_is_named(tmp_path: Path, scale: float, said: str) -> None:
    intake = read(tmp_path, table(level=[6 * n * d * 1.2 / scale for n, d in SIZES], depth=[8, 12, 16, 20]))
    assert sum(f"if it is C, say so with {said}." in sentence for sentence in intake.assumptions) == 1
    plain = read(tmp_path, table(level=[6e17, 1e18, 1e18, 2e18]))
    assert not any("if it is C" in sentence for sentence in plain.assumptions)


def test_columns_that_agree_are_one(tmp_path: Path) -> None:
    again = [f"{d:.5e}" if n > 1e7 else "" for n, d in SIZES]
    intake = read(tmp_path, table(train_tokens=again, **{"C4 Eval Loss": [3.0, 2.9, 2.8, 2.7]}))
    assert intake.mapping["tokens"] == "tokens"
    assert intake.used == len(SIZES)
    with pytest.raises(
        UsageError, match=r"C4 Eval Loss, loss could each be loss; choose with --map 'loss=C4 Eval Loss'"
    ):
        read(tmp_path, table(**{"C4 Eval Loss": [3.1, 2.9, 2.8, 2.7]}))


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
@pytest.mark.parametrize("name", ["C4 Loss", "it's a \\loss", "$(x) *", "loss\x07\u202e\n'é"])
def test_an_option_that_is_advised_reaches_the_command_as_it_is(name: str) -> None:
    said = option("--map", "loss", name)
    assert said.isprintable()
    words = subprocess.run(
        ["bash", "-c", f"printf '%s|' {said}"], capture_output=True, check=True, env={"LC_ALL": "C.UTF-8"}
    )
    assert words.stdout.decode() == f"--map|loss={name}|"


def test_columns_that_matter_are_named_first(tmp_path: Path) -> None:
    wide = {f"cfg_{k}": [k] * 4 for k in range(20)}
    with pytest.raises(UsageError, match=r"--map flops=flopcount, .* columns are flopcount, weights, cfg_0"):
        read(tmp_path, {**wide, "weights": [1] * 4, "flopcount": [1] * 4, "loss": [3] * 4})
    assert likely(("n_params",), ["hparams", "n_star", "size"]) == ["n_star", "size"]

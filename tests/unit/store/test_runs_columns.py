import math
from pathlib import Path

import pytest

from budgetscope.core.counting.ledger import Convention
from budgetscope.core.errors import UsageError
from budgetscope.store.tables.read import read_runs

# Headers that people have; the sources stand beside the names in columns.py.
NANOCHAT = (
    "flops_budget,depth,model_dim,params_wte,params_bigram_embed,params_value_embeds,params_lm_head,params_transformer,"
    "params_scalars,params_total,num_iterations,tokens_trained,val_bpb,core_score,train_time_sec"
)
NANOCHAT_ROW = "1e18,8,512,16777216,0,67108864,16777216,25165824,32,125829152,3000,1572864000,0.95,0.1,900"
STEP_LAW = "N,D,h,ffnh,numl,lr,bs,ti,loss,smooth loss"
STEP_LAW_ROW = "214663680,11400000000,960,9368,7,0.00195,96,57983,2.64,2.65"


def write(folder: Path, *lines: str, name: str = "runs.csv") -> Path:
    path = folder / name
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "header",
    [
        "C,N,D,loss",
        "flops,params,tokens,loss",
        "Training FLOPs,Num Params,Total_Tokens,Val/Loss",
        "COMPUTE,nParams,tokensSeen,LOSS",
        "summary/flops,config/n_params,throughput/total_tokens,eval/loss",
        "summary.flops,config/model/n_params,config.train_tokens,eval/loss",
    ],
)
def test_names_that_people_use_are_known_in_any_case(tmp_path: Path, header: str) -> None:
    (run,) = read_runs(write(tmp_path, header, "6e17,1e8,1e9,3"), counting="total").runs
    assert (run.flops, run.n_params, run.tokens, run.loss) == (6e17, 1e8, 1e9, 3.0)


def test_a_letter_behind_a_group_is_no_count(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no column for n_params and tokens"):
        read_runs(write(tmp_path, "flops,config/model/n,model.d,loss", "6e17,1e8,1e9,3"), counting="total")


def test_nanochat_counts_are_chosen_by_the_convention(tmp_path: Path) -> None:
    path = write(tmp_path, NANOCHAT, NANOCHAT_ROW)

    def n_params(counting: str, **mapping: str) -> float:
        return read_runs(path, counting=counting, bytes_per_token=4.5, mapping=mapping).runs[0].n_params

    assert n_params("kaplan") == 25165824
    assert n_params("total") == 125829152
    assert n_params("standard", n_params="params_transformer+params_lm_head") == 25165824 + 16777216
    with pytest.raises(UsageError, match=r"no column for n_params .*exact|no column"):
        read_runs(write(tmp_path, NANOCHAT.replace("tokens_trained", "x"), NANOCHAT_ROW), counting="standard")


def test_without_a_count_of_that_convention_n_is_derived_and_said_so(tmp_path: Path) -> None:
    intake = read_runs(write(tmp_path, NANOCHAT, NANOCHAT_ROW), counting="standard", bytes_per_token=4.5)
    assert intake.runs[0].n_params == pytest.approx(1e18 / 6 / 1572864000)
    assert "n_params = flops / (6 tokens) in 1 row, the definition under standard counting." in intake.assumptions


def test_bits_per_byte_named_by_the_column_need_the_bytes_per_token(tmp_path: Path) -> None:
    path = write(tmp_path, NANOCHAT, NANOCHAT_ROW)
    with pytest.raises(UsageError, match=r"bits per byte \(as 'val_bpb' says\) need .*--bytes-per-token 4\.5"):
        read_runs(path, counting="kaplan")
    intake = read_runs(path, counting="kaplan", bytes_per_token=4.5)
    assert intake.runs[0].loss == pytest.approx(0.95 * math.log(2) * 4.5)
    assert any("bits-per-byte (as 'val_bpb' says)" in sentence for sentence in intake.assumptions)


@pytest.mark.parametrize(
    ("unit", "header", "loss", "nats"),
    [
        (None, "loss", "3", 3.0),
        ("nats", "val_bpb", "3", 3.0),
        ("bits", "loss", "4", 4 * math.log(2)),
        ("bits-per-byte", "loss", "1", math.log(2) * 4.0),
        ("perplexity", "loss", "20", math.log(20)),
        (None, "val_ppl", "20", math.log(20)),
        (None, "bits_per_token", "4", 4 * math.log(2)),
    ],
)
def test_losses_become_nats_per_token(tmp_path: Path, unit: str | None, header: str, loss: str, nats: float) -> None:
    path = write(tmp_path, f"C,N,D,{header}", f"6e17,1e8,1e9,{loss}")
    intake = read_runs(path, counting="total", loss_unit=unit, bytes_per_token=4.0)
    assert intake.runs[0].loss == pytest.approx(nats)
    assert sum("The loss is in" in sentence for sentence in intake.assumptions) == 1


def test_an_unknown_unit_or_option_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, "C,N,D,loss", "6e17,1e8,1e9,3")
    with pytest.raises(UsageError, match="'furlongs' is not a unit of loss; choose one of nats, bits"):
        read_runs(path, counting="total", loss_unit="furlongs")
    with pytest.raises(UsageError, match="'furlong' is not a counting convention"):
        read_runs(path, counting="furlong")
    with pytest.raises(UsageError, match="'best' is not a choice of points"):
        read_runs(path, counting="total", curves="best")
    with pytest.raises(UsageError, match="0 is not a sequence length"):
        read_runs(path, counting="total", seq_len=0)
    with pytest.raises(UsageError, match="nan bytes per token"):
        read_runs(path, counting="total", bytes_per_token=math.nan)


def test_two_losses_are_asked_about(tmp_path: Path) -> None:
    path = write(tmp_path, "C,N,D,train_loss,val_loss,loss_std,z_loss", "6e17,1e8,1e9,3,3.5,1,1")
    with pytest.raises(UsageError, match=r"train_loss, val_loss could each be loss; choose with --map loss=val_loss"):
        read_runs(path, counting="total")
    assert read_runs(path, counting="total", mapping={"loss": "VAL LOSS"}).runs[0].loss == 3.5


def test_a_batch_of_unclear_unit_is_asked_about(tmp_path: Path) -> None:
    path = write(tmp_path, STEP_LAW, STEP_LAW_ROW)
    loss = {"loss": "smooth loss"}
    with pytest.raises(UsageError, match="loss, smooth loss could each be loss"):
        read_runs(path, counting="kaplan")
    unclear = read_runs(path, counting="kaplan", mapping=loss)
    assert unclear.runs[0].batch_tokens is None
    assert "'bs' could count tokens or sequences" in unclear.unread_batch
    assert f"No batch is read: {unclear.unread_batch}" in unclear.assumptions
    of_unknown_length = read_runs(path, counting="kaplan", mapping={**loss, "batch_sequences": "bs"})
    assert "'bs' counts sequences of unknown length; give --seq-len" in of_unknown_length.unread_batch
    assert of_unknown_length.runs[0].batch_tokens is None
    sequences = read_runs(path, counting="kaplan", mapping={**loss, "batch_sequences": "bs"}, seq_len=2048).runs[0]
    tokens = read_runs(path, counting="kaplan", mapping={**loss, "batch_tokens": "bs*2048"}).runs[0]
    assert sequences == tokens
    assert (tokens.batch_tokens, tokens.learning_rate, tokens.loss) == (96 * 2048, 0.00195, 2.65)


def test_a_sequence_length_in_the_table_serves_each_row(tmp_path: Path) -> None:
    path = write(tmp_path, "C,N,D,loss,batch_sequences,seq_len", "6e17,1e8,1e9,3,10,2048", "9e17,1e8,15e8,2,10,1024")
    assert [run.batch_tokens for run in read_runs(path, counting="total").runs] == [20480, 10240]


@pytest.mark.parametrize(
    ("mapping", "message"),
    [
        ({"width": "N"}, "'width' is not a field of a run; --map takes one of flops"),
        ({"loss": "nothing"}, "--map loss=nothing: the table has no column 'nothing'; it has C, N, D, score"),
        ({"loss": "score*zero"}, "'zero' is not a factor; write it as score"),
        ({"loss": "score*-1"}, "'-1' is not a factor"),
        ({"run": "score*2"}, "no column 'score"),
    ],
)
def test_a_mapping_that_does_not_fit_is_refused(tmp_path: Path, mapping: dict[str, str], message: str) -> None:
    path = write(tmp_path, "C,N,D,score", "6e17,1e8,1e9,3")
    with pytest.raises(UsageError, match=message):
        read_runs(path, counting="total", mapping=mapping)


def test_numbers_are_read_as_people_write_them(tmp_path: Path) -> None:
    path = write(tmp_path, "N;D;loss", "7B;1,000,000,000;3", "1.5e9;140 billion;2.5", "100M;2e+09;3.5")
    assert [(run.n_params, run.tokens) for run in read_runs(path, counting="total").runs] == [
        (7e9, 1e9),
        (1.5e9, 140e9),
        (1e8, 2e9),
    ]


@pytest.mark.parametrize(
    "row",
    ["7B;1e9;3,210", "7B;8,276;3.2", "7,5;1e9;3.2", "1,5e9;1e9;3.2"],
)
@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_a_comma_that_may_be_a_decimal_point_is_refused(tmp_path: Path, row: str, delimiter: str) -> None:
    path = write(tmp_path, *(line.replace(";", delimiter) for line in ("N;D;loss", "7B;2e9;3.1", row)))
    with pytest.raises(UsageError, match=r"'\d,\w+' in the column '\w+' has a comma; write .* a decimal point"):
        read_runs(path, counting="total")


def test_commas_between_thousands_are_read_where_nothing_else_can_be_meant(tmp_path: Path) -> None:
    quoted = write(tmp_path, "N,D,loss", '1M,"800,276",3.2', '1M,1e9,"3,210"')
    intake = read_runs(quoted, counting="total")
    assert [run.tokens for run in intake.runs] == [800_276]
    assert intake.dropped[0].reason == "loss is not a number: '3,210'"
    settled = write(tmp_path, "N;D;loss", "1M;999,999;3.2", "1M;1,000,000;3.1")
    assert [run.tokens for run in read_runs(settled, counting="total").runs] == [999_999, 1_000_000]


def test_batches_below_one_sequence_are_doubted(tmp_path: Path) -> None:
    path = write(tmp_path, "C,N,D,loss,bs", "6e17,1e8,1e9,3,64", "9e17,1e8,15e8,2.9,512")

    def doubts(column: str, seq_len: int | None) -> list[str]:
        intake = read_runs(path, counting="total", mapping={"batch_tokens": column}, seq_len=seq_len)
        return [sentence for sentence in intake.assumptions if sentence.startswith("batch_tokens is")]

    (doubt,) = doubts("bs", None)
    assert doubt.startswith("batch_tokens is 512 at most")
    assert "--map batch_sequences=bs" in doubt
    assert doubts("bs*1024", None) == []
    assert doubts("bs", 512) == []
    assert len(doubts("bs*4", 4096)) == 1


def test_units_of_a_column_are_asked_for(tmp_path: Path) -> None:
    path = write(tmp_path, "N,D,loss", "1300,26,3", "2700,54,2.8")
    with pytest.raises(UsageError, match=r"n_params is 2700 at most.*--map 'n_params=N\*1e6'"):
        read_runs(path, counting="total")
    intake = read_runs(path, counting="total", mapping={"n_params": "N*1e6", "tokens": "D*1e+9"})
    assert (intake.runs[0].n_params, intake.runs[0].tokens) == (1.3e9, 26e9)
    assert intake.mapping == {"n_params": "N*1e6", "tokens": "D*1e+9", "loss": "loss"}


def test_flops_in_another_unit_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path, "total_flops,N,D,loss", "6e8,1e8,1e9,3")
    with pytest.raises(UsageError, match=r"flops are 1e-09 times 6 n_params tokens.*another unit"):
        read_runs(path, counting="total")


@pytest.mark.parametrize("names", [("C", "N"), ("C", "D"), ("N", "D")])
def test_two_of_three_suffice_where_flops_are_6nd(tmp_path: Path, names: tuple[str, str]) -> None:
    values = {"C": "6e17", "N": "1e8", "D": "1e9"}
    path = write(tmp_path, ",".join((*names, "loss")), ",".join((*(values[name] for name in names), "3")))
    intake = read_runs(path, counting="standard")
    run = intake.runs[0]
    assert (run.flops, run.n_params, run.tokens) == pytest.approx((6e17, 1e8, 1e9))
    assert any("6 " in sentence and "in 1 row" in sentence for sentence in intake.assumptions)
    with pytest.raises(UsageError, match="exact derives none of them from 6 N D"):
        read_runs(path, counting="exact")


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no column for loss and n_params and tokens .*the columns are C, width"):
        read_runs(write(tmp_path, "C,width", "1e18,512"), counting="standard")


def test_what_is_missing_under_every_convention_is_said_before_a_convention_is_asked_for(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no column for loss and flops and n_params and tokens .*are a, b"):
        read_runs(write(tmp_path, "a,b", "1,2"))
    with pytest.raises(UsageError, match="no column for loss:"):
        read_runs(write(tmp_path, "C,non_embedding_params", "1e18,1e7"))
    # One convention alone takes this column for N.
    with pytest.raises(UsageError, match="does not say what its parameters count"):
        read_runs(write(tmp_path, "D,non_embedding_params,loss", "1e9,1e7,3"))


def test_the_convention_is_asked_for_with_all_six_named(tmp_path: Path) -> None:
    path = write(tmp_path, "C,N,D,loss", "6e17,1e8,1e9,3")
    with pytest.raises(UsageError, match="--counting standard") as refusal:
        read_runs(path)
    assert all(f"{name} (" in str(refusal.value) for name in Convention)


def test_a_column_of_conventions_speaks_for_itself(tmp_path: Path) -> None:
    rows = ("6e17,1e8,1e9,3,Kaplan", "6e17,1.2e8,833333333,3.1,standard")
    both = write(tmp_path, "C,N,D,loss,counting", *rows)
    with pytest.raises(UsageError, match=r"has 2 conventions \(Kaplan, standard\); choose one, as --counting Kaplan"):
        read_runs(both)
    intake = read_runs(both, counting="kaplan")
    assert [run.n_params for run in intake.runs] == [1e8]
    assert [(drop.rows, drop.reason) for drop in intake.dropped] == [((2,), "counting is not kaplan")]
    with pytest.raises(UsageError, match="no row has counting=exact"):
        read_runs(both, counting="exact")
    one = read_runs(write(tmp_path, "C,N,D,loss,counting", rows[0]))
    assert one.counting is Convention.KAPLAN
    assert "Parameters count as kaplan, as 'counting' says." in one.assumptions


@pytest.mark.parametrize(
    ("factor", "counting", "expected"),
    [
        (1.001, "total", None),
        (1.2, "standard", "flops are 1.2 times 6 n_params tokens (1.2 to 1.2) although standard counting"),
        (1.2, "kaplan", "the output head"),
        (1 / 3, "total", "the forward pass alone, 2 N D"),
        (4 / 3, "total", "recomputed activations, 8 N D"),
        (0.8, "total", "the input embedding"),
        (1.2, "exact", None),
    ],
)
def test_flops_that_are_not_6nd_are_reported(
    tmp_path: Path, factor: float, counting: str, expected: str | None
) -> None:
    rows = [f"{factor * 6 * n * 1e9},{n},1e9,{3 - n / 1e9}" for n in (1e8, 2e8, 3e8)]
    intake = read_runs(write(tmp_path, "C,N,D,loss", *rows), counting=counting)
    told = [sentence for sentence in intake.assumptions if sentence.startswith("flops are")]
    assert told == [] if expected is None else expected in told[0]
    assert intake.runs[0].flops == pytest.approx(factor * 6e17)

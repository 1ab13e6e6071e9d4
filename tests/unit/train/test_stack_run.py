"""Stacks as a whole: readings, divergence, splitting, checkpoints, stopping, refusals."""

import gc
import json
import math
import weakref
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import numpy as np
import pytest
import torch
from tests.unit.train.conftest import SHAPE, cell

from budgetscope.calibrate.corpus.sampling import Tokens, training_starts
from budgetscope.calibrate.plan.cells import Cell
from budgetscope.calibrate.plan.memory import token_bytes
from budgetscope.calibrate.run.progress import (
    Checkpointed,
    CheckpointLost,
    Diverged,
    Finished,
    LossReading,
    Split,
    Started,
    Step,
    TrainEvent,
)
from budgetscope.calibrate.run.readings import Readings
from budgetscope.calibrate.run.train_settings import Mode, TrainSettings
from budgetscope.calibrate.train import checkpoint as checkpoint_module
from budgetscope.calibrate.train import feed as feed_module
from budgetscope.calibrate.train import stack as stack_module
from budgetscope.calibrate.train.checkpoint import Checkpoint
from budgetscope.calibrate.train.engine import Engine
from budgetscope.calibrate.train.loop import StackOutcome
from budgetscope.calibrate.train.stack import train_stack
from budgetscope.core.errors import FailureError, UsageError

Kind = TypeVar("Kind")

SETTINGS = TrainSettings(eval_sequences=24, report_seconds=0.02)


class Stack:
    """One call of the facade, and what it reported."""

    def __init__(self, cells: Sequence[Cell], corpus: Tokens, **options: Any) -> None:
        self.events: list[TrainEvent] = []
        settings = options.pop("settings", SETTINGS)
        self.outcome = train_stack(cells, corpus, device="cpu", settings=settings, emit=self.events.append, **options)

    def of(self, kind: type[Kind]) -> list[Kind]:
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def losses(self) -> dict[tuple[str, int], float]:
        return {(r.cell_id, r.tokens): r.loss for r in self.of(LossReading)}


def stop_after(polls: int) -> Callable[[], bool]:
    """Return an answer to `should_stop` that is True from that poll on."""
    asked = iter(range(10**9))
    return lambda: next(asked) >= polls


def run_out_of_memory() -> NoReturn:
    message = "CUDA out of memory."
    raise torch.cuda.OutOfMemoryError(message)


def without_time(run: Stack) -> list[TrainEvent]:
    return [event for event in run.events if not isinstance(event, Step | Started | Checkpointed)]


GRID = [cell(3e-3, 2), cell(1e-2, 4, 0.99, 1), cell(5e-3, 8, 0.999)]


@pytest.fixture(scope="session")
def whole_grid(corpus: Tokens) -> Stack:
    """The grid, trained in one go."""
    return Stack(GRID, corpus)


RESUMED = [cell(3e-3, 2, readings=(2048, 4096)), *GRID[1:]]
EVERY_STEP = replace(SETTINGS, eval_sequences=4, report_seconds=1e-9)


@pytest.fixture(scope="session")
def straight(corpus: Tokens) -> Stack:
    """What the resumed stacks below must come to."""
    return Stack(RESUMED, corpus, settings=EVERY_STEP)


@pytest.fixture
def saves_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Save as often as asked, however long the disk takes."""
    monkeypatch.setattr(checkpoint_module, "_SHARE", math.inf)


PAIR = [cell(seed=seed, tokens=64 * 16 * 2) for seed in range(2)]


@pytest.fixture(scope="session")
def whole_pair(corpus: Tokens) -> Stack:
    """Two short models, trained in one go."""
    return Stack(PAIR, corpus)


def test_the_loss_falls_to_what_the_corpus_leaves(corpus: Tokens) -> None:
    member = cell(1e-2, 4, tokens=64 * 16 * 32)
    run = Stack([member], corpus)
    # Nine of ten follow; the tenth is uniform over 32: 0.56 nats of entropy.
    chance = 0.9 + 0.1 / 32
    entropy = -chance * math.log(chance) - 31 * 0.1 / 32 * math.log(0.1 / 32)
    assert entropy - 0.05 < run.losses[member.id, member.tokens] < entropy + 0.15
    first, *_, last = (step.train_loss[0] for step in run.of(Step))
    assert first is not None
    assert last is not None
    assert first == pytest.approx(math.log(32), abs=1.0)
    assert last < first - 1
    assert run.outcome == StackOutcome((member.id,), (), ())
    assert run.of(Finished) == [Finished(member.id)]


def test_a_reading_is_the_mean_over_its_last_tenth(corpus: Tokens) -> None:
    member = cell(1e-2, 2, tokens=64 * 16 * 6, readings=(64 * 16 * 4, 64 * 16 * 6))
    run = Stack([member], corpus, settings=replace(SETTINGS, eval_sequences=4))
    engine = Engine([member], corpus, "cpu", micro_sequences=2, eval_sequences=4, mode=Mode.EAGER)
    for reading in run.of(LossReading):
        points = sorted({(reading.tokens - j * reading.tokens // 80) // member.batch_tokens for j in range(8)})
        assert points[0] >= 0.9 * reading.tokens / member.batch_tokens - 1
        losses = []
        for step in points:
            engine.train(step - engine.done)
            losses += engine.evaluate()
        assert reading.n_evaluations == len(points) == 8
        assert reading.loss == pytest.approx(np.mean(losses), rel=1e-6)
        assert reading.loss_sd == pytest.approx(np.std(losses, ddof=1), rel=1e-3)


def test_readings_do_not_depend_on_the_stack(corpus: Tokens, whole_grid: Stack) -> None:
    for member in GRID:
        alone = Stack([member], corpus, settings=replace(SETTINGS, micro_tokens=32))
        assert alone.of(Started)[0].micro_sequences == 2
        (expected,) = alone.of(LossReading)
        (reading,) = [r for r in whole_grid.of(LossReading) if r.cell_id == member.id]
        assert (reading.tokens, reading.n_evaluations) == (expected.tokens, expected.n_evaluations)
        assert reading.loss == pytest.approx(expected.loss, rel=1e-3)


def test_evaluations_cost_at_most_a_tenth(corpus: Tokens) -> None:
    readings = tuple(range(64 * 16, 64 * 16 * 9, 64 * 16))
    member = cell(batch_sequences=1, tokens=readings[-1], readings=readings)
    found = Stack([member], corpus, settings=replace(SETTINGS, eval_sequences=10)).of(LossReading)
    assert [r.tokens for r in found] == list(readings)
    # 0.3 · 1024 tokens between readings pay for one evaluation of 160 tokens.
    assert {r.n_evaluations for r in found} == {1}


def test_members_with_fewer_tokens_finish_first(corpus: Tokens) -> None:
    short, long = cell(seed=0, tokens=64 * 16 * 2), cell(seed=1, tokens=64 * 16 * 6)
    run = Stack([long, short], corpus)
    assert [event.cell_id for event in run.of(Finished)] == [short.id, long.id]
    alone = Stack([short], corpus)
    assert run.losses[short.id, short.tokens] == pytest.approx(alone.losses[short.id, short.tokens], rel=1e-4)


@pytest.mark.parametrize("fits", [True, False])
def test_a_stack_that_has_ended_holds_no_memory(corpus: Tokens, monkeypatch: pytest.MonkeyPatch, fits: bool) -> None:
    engines: list[weakref.ref[Engine]] = []

    class Kept(Engine):
        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **options)
            engines.append(weakref.ref(self))

        def train(self, micro_steps: int) -> None:
            super().train(micro_steps)
            if not fits and len(self.cells) > 1:
                run_out_of_memory()

    monkeypatch.setattr(stack_module, "Engine", Kept)
    gc.disable()
    try:
        Stack([cell(seed=seed, tokens=64 * 16) for seed in range(2)], corpus)
        assert [engine() for engine in engines] == [None] * (1 if fits else 3)
    finally:
        gc.enable()


@pytest.mark.parametrize("absurd", [1e4, 1e38])
def test_a_member_that_diverges_leaves_the_others_as_they_are(corpus: Tokens, absurd: float) -> None:
    tame = [cell(3e-3, 2), cell(5e-3, 4)]
    calm = Stack([tame[0], cell(3e-3, 4, seed=2), tame[1]], corpus)
    wild = cell(absurd, 4, seed=2)
    run = Stack([tame[0], wild, tame[1]], corpus)
    (event,) = run.of(Diverged)
    assert event.cell_id == wild.id
    assert 0 < event.tokens < wild.tokens
    assert run.outcome == StackOutcome((tame[0].id, tame[1].id), (wild.id,), ())
    assert {r.cell_id for r in run.of(LossReading)} == {member.id for member in tame}
    for member in tame:
        assert run.losses[member.id, member.tokens] == calm.losses[member.id, member.tokens]


def test_a_diverged_members_weights_are_frozen(corpus: Tokens) -> None:
    engine = Engine([cell(1e38), cell()], corpus, "cpu", micro_sequences=4, eval_sequences=4, mode=Mode.EAGER)
    engine.train(20)
    assert engine.alive.tolist() == [False, True]
    frozen = engine.weights.clone()
    engine.train(5)
    torch.testing.assert_close(engine.weights[0], frozen[0], rtol=0, atol=0, equal_nan=True)
    assert not torch.equal(engine.weights[1], frozen[1])


@pytest.mark.parametrize("neighbour", [2, 4, 8])
def test_who_diverges_does_not_depend_on_the_neighbours(corpus: Tokens, neighbour: int) -> None:
    """The same losses of every sequence, in batches of 8, mask at the same step whatever the micro-step is."""
    random = np.random.default_rng(0)
    # Batches rise through the limit; their sequences scatter far about it.
    sequences = np.linspace(4.0, 12.0, 128)[:, None] + 6.0 * random.standard_normal((128, 8))
    survived = []
    for cells, micro in (
        ([cell(batch_sequences=8)], 8),
        ([cell(batch_sequences=8), cell(batch_sequences=neighbour)], 2),
    ):
        engine = Engine(cells, corpus, "cpu", micro_sequences=micro, eval_sequences=4, mode=Mode.EAGER)
        for losses in torch.from_numpy(sequences.reshape(-1, micro).mean(1)).float():
            engine._account(losses.expand(len(cells)))
            if engine.index % (8 // micro) == 0:
                engine._update()
        survived.append((bool(engine.alive[0]), int(engine.alive_steps[0]) * micro))
    assert survived[0] == survived[1]
    assert survived[0][0] is False
    assert 0 < survived[0][1] < 1024


def test_one_bad_batch_is_forgiven(corpus: Tokens) -> None:
    engine = Engine([cell()], corpus, "cpu", micro_sequences=4, eval_sequences=4, mode=Mode.EAGER)
    for loss in (3.0, 9.0, 3.0, 3.0):
        engine._account(torch.tensor([loss]))
        engine._update()
    assert engine.alive.tolist() == [True]
    engine._account(torch.tensor([math.nan]))
    engine._update()
    assert engine.alive.tolist() == [False]


def test_a_stack_whose_members_all_diverge_ends(corpus: Tokens) -> None:
    wild = [cell(1e38, seed=0), cell(1e38, seed=1)]
    run = Stack(wild, corpus)
    assert run.outcome == StackOutcome((), (wild[0].id, wild[1].id), ())
    assert run.of(LossReading) == []


def engine_that_fits(limit: int, asked: list[int]) -> Callable[..., Engine]:
    def build(cells: Sequence[Cell], *args: Any, **options: Any) -> Engine:
        asked.append(len(cells))
        if len(cells) > limit:
            run_out_of_memory()
        return Engine(cells, *args, **options)

    return build


def test_a_stack_that_does_not_fit_splits(corpus: Tokens, monkeypatch: pytest.MonkeyPatch) -> None:
    members = [cell(seed=seed) for seed in range(5)]
    whole = Stack(members, corpus)
    asked: list[int] = []
    monkeypatch.setattr(stack_module, "Engine", engine_that_fits(2, asked))
    run = Stack(members, corpus)
    assert asked == [5, 3, 2, 1, 2]
    assert run.of(Split) == [Split((3, 2)), Split((2, 1))]
    assert run.outcome == whole.outcome
    assert run.losses == pytest.approx(whole.losses, rel=1e-3)


def test_one_model_that_does_not_fit_is_refused(corpus: Tokens, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stack_module, "Engine", engine_that_fits(0, []))
    with pytest.raises(
        FailureError, match=r"width 16 and depth 2 does not fit in the memory of cpu, beside .* MB of tokens"
    ):
        Stack(GRID, corpus)


def test_a_stack_holds_the_tokens_that_it_reads_and_no_more(corpus: Tokens) -> None:
    members = [cell(seed=seed, tokens=64 * 16) for seed in range(2)]
    held = [
        Engine(members, tokens, "cpu", micro_sequences=4, eval_sequences=4, mode=Mode.EAGER)._feed
        for tokens in (corpus, replace(corpus, train=corpus.train[:1500]))
    ]
    assert [len(feed._tokens) for feed in held] == [2 * 64 * 17, 1500]
    starts = training_starts(len(corpus.train), 64, SHAPE, 1)
    window = held[0].training(torch.tensor(3))[1, 2]
    assert window.tolist() == corpus.train[starts[14] : starts[14] + 17].tolist()
    assert token_bytes(members, 10**9) == 2 * 2 * 64 * 17 + 8 * 2 * 64
    assert token_bytes(members, 1500) == 2 * 1500 + 8 * 2 * 64


def test_tokens_that_do_not_fit_are_refused_by_name(corpus: Tokens, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> None:
        raise MemoryError

    monkeypatch.setattr(feed_module, "_on_device", full)
    with pytest.raises(FailureError, match=r"the tokens that the longest model of N=.* reads, .* GB, do not fit"):
        Stack(GRID, corpus)


def test_other_errors_are_not_taken_for_a_lack_of_memory(corpus: Tokens, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any, **__: Any) -> Engine:
        message = "something else"
        raise RuntimeError(message)

    monkeypatch.setattr(stack_module, "Engine", broken)
    with pytest.raises(RuntimeError, match="something else"):
        Stack(GRID, corpus)


@pytest.mark.parametrize("polls", [1, 3, 6])
def test_a_resumed_stack_goes_on_bit_by_bit(corpus: Tokens, straight: Stack, tmp_path: Path, polls: int) -> None:
    begun = Stack(
        RESUMED, corpus, settings=EVERY_STEP, checkpoint=Checkpoint(tmp_path), should_stop=stop_after(8 * polls)
    )
    assert begun.outcome.unfinished
    (saved,) = begun.of(Checkpointed)
    assert 0 < saved.tokens < 4096
    resumed = Stack(RESUMED, corpus, settings=EVERY_STEP, checkpoint=Checkpoint(tmp_path))
    assert resumed.of(Started)[0].tokens == saved.tokens
    repeated = [event for event in without_time(resumed) if event in begun.events]
    assert all(isinstance(event, LossReading) for event in repeated)
    new = [event for event in without_time(resumed) if event not in repeated]
    assert without_time(begun) + new == without_time(straight)


@pytest.mark.usefixtures("saves_at_once")
def test_a_killed_stack_loses_what_came_after_its_last_checkpoint(
    corpus: Tokens, whole_grid: Stack, tmp_path: Path
) -> None:
    class KilledError(Exception):
        pass

    events: list[TrainEvent] = []

    def emit(event: TrainEvent) -> None:
        events.append(event)
        if sum(isinstance(e, Checkpointed) for e in events) == 3:
            raise KilledError

    with pytest.raises(KilledError):
        train_stack(
            GRID,
            corpus,
            device="cpu",
            settings=replace(SETTINGS, report_seconds=1e-9),
            emit=emit,
            checkpoint=Checkpoint(tmp_path, every_seconds=0),
        )
    resumed = Stack(GRID, corpus, checkpoint=Checkpoint(tmp_path))
    assert resumed.of(Started)[0].tokens > 0
    assert resumed.losses == whole_grid.losses


def test_some_members_of_a_checkpoint_go_on_and_others_start(corpus: Tokens, whole_grid: Stack, tmp_path: Path) -> None:
    Stack(GRID, corpus, checkpoint=Checkpoint(tmp_path), should_stop=stop_after(2))
    new = cell(seed=5)
    run = Stack([new, GRID[2], GRID[0]], corpus, checkpoint=Checkpoint(tmp_path))
    resumed, fresh = run.of(Started)
    assert resumed.cell_ids == (GRID[2].id, GRID[0].id)
    assert resumed.tokens > 0
    assert (fresh.cell_ids, fresh.tokens) == ((new.id,), 0)
    for member in (GRID[0], GRID[2]):
        expected = whole_grid.losses[member.id, member.tokens]
        assert run.losses[member.id, member.tokens] == pytest.approx(expected, rel=1e-3)


def test_an_unfinished_checkpoint_does_not_count(corpus: Tokens, tmp_path: Path) -> None:
    (tmp_path / "state-x-1-1.pt.tmp").write_bytes(b"torn")
    (tmp_path / "meta.json.tmp").write_bytes(b"{")
    run = Stack(GRID[:1], corpus, checkpoint=Checkpoint(tmp_path))
    assert run.of(Started)[0].tokens == 0
    assert run.outcome.finished == (GRID[0].id,)


@pytest.mark.usefixtures("saves_at_once")
def test_a_checkpoint_leaves_one_state_file(corpus: Tokens, tmp_path: Path) -> None:
    settings = replace(SETTINGS, report_seconds=1e-9)
    Stack(GRID, corpus, settings=settings, checkpoint=Checkpoint(tmp_path, 0), should_stop=stop_after(9))
    (stack,) = json.loads((tmp_path / "meta.json").read_text())["stacks"]
    assert {path.name for path in tmp_path.iterdir()} == {"meta.json", stack["file"]}


def torn(content: bytes) -> bytes:
    return content[: len(content) // 2]


def overwritten(content: bytes) -> bytes:
    # In the middle lie weights: torch reads others as gladly.
    middle = len(content) // 2
    return content[:middle] + bytes(400) + content[middle + 400 :]


def edited(content: bytes) -> bytes:
    return content.replace(b'"micro_steps": ', b'"micro_steps": 1')


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        ("meta.json", torn),
        ("meta.json", edited),
        ("meta.json", lambda _: b""),
        ("meta.json", lambda _: b"[]"),
        ("meta.json", lambda _: b'{"format": 1}'),
        ("state-*.pt", torn),
        ("state-*.pt", overwritten),
        ("state-*.pt", lambda _: b""),
    ],
)
def test_a_damaged_checkpoint_is_as_none(
    corpus: Tokens, whole_pair: Stack, tmp_path: Path, name: str, damage: Callable[[bytes], bytes]
) -> None:
    Stack(PAIR, corpus, checkpoint=Checkpoint(tmp_path), should_stop=stop_after(2))
    (victim,) = tmp_path.glob(name)
    victim.write_bytes(damage(victim.read_bytes()))
    run = Stack(PAIR, corpus, checkpoint=Checkpoint(tmp_path))
    (lost,) = run.of(CheckpointLost)
    assert victim.name in lost.reason
    assert run.of(Started)[0].tokens == 0
    assert (run.losses, run.of(Diverged)) == (whole_pair.losses, [])


def test_what_the_log_lost_is_reported_again_from_the_checkpoint(corpus: Tokens, tmp_path: Path) -> None:
    short, long = cell(tokens=64 * 16 * 2, readings=(64 * 16, 64 * 16 * 2)), cell(seed=1)
    wild = cell(1e38, seed=2, tokens=64 * 16 * 2)
    settings = replace(SETTINGS, eval_sequences=4, report_seconds=1e-9)
    # Spans of one micro-step: the others end after 32 of them.
    begun = Stack(
        [short, wild, long], corpus, settings=settings, checkpoint=Checkpoint(tmp_path), should_stop=stop_after(60)
    )
    assert begun.outcome == StackOutcome((short.id,), (wild.id,), (long.id,))
    run = Stack([short, wild, long], corpus, settings=settings, checkpoint=Checkpoint(tmp_path))
    again = [event for event in run.events if not isinstance(event, Step)]
    assert isinstance(again[0], Started)
    assert again[1:5] == [*begun.of(Diverged), *begun.of(LossReading), Finished(short.id)]
    assert run.outcome == StackOutcome((short.id, long.id), (wild.id,), ())
    assert [(r.tokens, r.n_evaluations) for r in begun.of(LossReading)] == [(1024, 3), (2048, 4)]


@pytest.mark.usefixtures("saves_at_once")
def test_halves_of_a_stack_go_on_from_what_the_whole_had_saved(
    corpus: Tokens, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    members = [cell(seed=seed) for seed in range(4)]
    straight = Stack(members, corpus)
    settings = replace(SETTINGS, report_seconds=1e-9)
    Stack(members, corpus, settings=settings, checkpoint=Checkpoint(tmp_path), should_stop=stop_after(20))
    monkeypatch.setattr(stack_module, "Engine", engine_that_fits(2, []))
    # The first half saves at every step, then the run stops before the second has begun.
    stopped = Stack(members, corpus, settings=settings, checkpoint=Checkpoint(tmp_path, 0), should_stop=stop_after(30))
    assert stopped.of(Split) == [Split((2, 2))]
    run = Stack(members, corpus, settings=settings, checkpoint=Checkpoint(tmp_path, 0))
    first, second = run.of(Started)
    assert first.tokens > second.tokens > 0
    assert run.losses == pytest.approx(straight.losses, rel=1e-3)
    assert len(list(tmp_path.glob("state-*.pt"))) == 1


def test_memory_that_runs_out_in_training_loses_no_ended_member(
    corpus: Tokens, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Full(Engine):
        def train(self, micro_steps: int) -> None:
            super().train(micro_steps)
            if len(self.cells) > 2 and self.done > 40:
                run_out_of_memory()

    members = [cell(tokens=64 * 16 * 2), cell(seed=1), cell(seed=2)]
    straight = Stack(members, corpus)
    monkeypatch.setattr(stack_module, "Engine", Full)
    run = Stack(members, corpus)
    assert run.of(Split) == [Split((1, 1))]
    assert sorted(event.cell_id for event in run.of(Finished)) == sorted(member.id for member in members)
    assert run.losses == pytest.approx(straight.losses, rel=1e-3)


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), RuntimeError("PytorchStreamWriter failed")])
def test_a_full_disk_is_one_sentence_and_keeps_the_last_checkpoint(
    corpus: Tokens, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def full(*_: object) -> None:
        raise error

    begun = Stack(GRID, corpus, checkpoint=Checkpoint(tmp_path), should_stop=stop_after(2))
    with monkeypatch.context() as patched:
        patched.setattr(torch, "save", full)
        with pytest.raises(FailureError, match=r"cannot be written .*free some space"):
            Stack(GRID, corpus, checkpoint=Checkpoint(tmp_path), should_stop=stop_after(1))
    assert not list(tmp_path.glob("*.tmp"))
    resumed = Stack(GRID, corpus, checkpoint=Checkpoint(tmp_path))
    assert resumed.of(Started)[0].tokens == begun.of(Checkpointed)[0].tokens


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        ([], "at least one cell"),
        ([GRID[0], GRID[0]], "only once"),
        ([GRID[0], replace(GRID[1], shape=replace(SHAPE, width=32))], "all of one shape"),
        ([replace(GRID[0], tokens=100)], "whole batches of 32 tokens"),
        ([replace(GRID[0], readings=(4096, 2048))], "ascending readings that end at its 4096 tokens"),
        ([replace(GRID[0], readings=(8, 4096))], "a first reading after its first batch"),
        ([replace(GRID[0], beta2=1.0)], "beta2 between 0 and 1"),
        ([replace(GRID[0], learning_rate=0.0)], "a learning rate above 0"),
        ([replace(GRID[0], shape=replace(SHAPE, tied=True))], "the trainer cannot build"),
    ],
)
def test_cells_that_cannot_be_trained_are_refused(corpus: Tokens, cells: list[Cell], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Stack(cells, corpus)


def test_a_mode_without_its_device_is_refused(corpus: Tokens) -> None:
    with pytest.raises(UsageError, match=r"graph needs CUDA graphs, which cpu does not have"):
        Stack(GRID, corpus, settings=replace(SETTINGS, mode=Mode.GRAPH))


def test_values_survive_a_checkpoint() -> None:
    members = [cell(readings=(2048, 4096)), cell(seed=1)]
    readings = Readings(members, SETTINGS, 32)
    stop = readings.next_stop(0)
    assert stop is not None
    readings.record(stop, [1.5, 2.5])
    again = Readings(members, SETTINGS, 32)
    again.restore(json.loads(json.dumps(readings.values())))
    assert again.values() == readings.values()

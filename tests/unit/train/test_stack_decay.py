"""Readings after a decay: branches from the run at constant rate, and what a stop or a kill leaves of them."""

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from tests.unit.train.conftest import cell
from tests.unit.train.test_stack_run import EVERY_STEP, SETTINGS, Stack, stop_after, without_time

from budgetscope.calibrate.corpus.sampling import Tokens
from budgetscope.calibrate.plan.cells import Cell
from budgetscope.calibrate.run import events
from budgetscope.calibrate.run.events import Record
from budgetscope.calibrate.run.fold import fold
from budgetscope.calibrate.run.progress import (
    Checkpointed,
    Diverged,
    Finished,
    LossReading,
    Started,
    Step,
    TrainEvent,
)
from budgetscope.calibrate.run.state import RunState, combine
from budgetscope.calibrate.run.train_settings import Mode
from budgetscope.calibrate.train import checkpoint as checkpoint_module
from budgetscope.calibrate.train import optimizer
from budgetscope.calibrate.train.checkpoint import Checkpoint
from budgetscope.calibrate.train.engine import Engine
from budgetscope.calibrate.train.stack import train_stack
from budgetscope.core.errors import UsageError
from budgetscope.core.laws.hyperparameters import BETA1

BATCH = 2 * 16


def decaying(seed: int = 0, readings: Sequence[int] = (10, 20, 40), decay: float = 0.3) -> Cell:
    """Return a cell with readings in batches of two sequences."""
    tokens = tuple(BATCH * n for n in readings)
    return replace(cell(1e-2, 2, seed=seed, tokens=tokens[-1], warmup_tokens=128, readings=tokens), decay=decay)


MEMBERS = [decaying(seed) for seed in range(2)]


@pytest.fixture(scope="module")
def straight(corpus: Tokens) -> Stack:
    return Stack(MEMBERS, corpus, settings=EVERY_STEP)


@pytest.fixture
def saves_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoint_module, "_SHARE", math.inf)


def test_a_branch_takes_whole_batches_and_counts_as_training() -> None:
    member = decaying()
    assert [member.branch(reading) // BATCH for reading in member.readings] == [7, 14, 28]
    assert member.trained_tokens == BATCH * (28 + 3 + 6 + 12)
    assert member.tokens_left(BATCH * 16, [BATCH * 10]) == BATCH * (12 + 6 + 12)
    constant = replace(member, decay=0.0)
    assert constant.trunk_tokens == constant.trained_tokens == constant.tokens
    assert constant.id != member.id
    assert decaying(readings=(2, 4)).branch(2 * BATCH) == BATCH


def test_learning_rate_falls_linearly_to_zero_a_step_after_the_branch(
    corpus: Tokens, monkeypatch: pytest.MonkeyPatch
) -> None:
    rates, real = [], optimizer.step_scalars

    def kept(steps: object, *others: object) -> object:
        scalars = real(steps, *others)  # type: ignore[arg-type]
        rates.append(round(float(scalars[0][0] * (1 - BETA1 ** float(steps[0]))) / 1e-2, 4))  # type: ignore[index]
        assert float(1 - scalars[2][0]) == pytest.approx(1e-4 * rates[-1], abs=1e-6)
        return scalars

    monkeypatch.setattr(optimizer, "step_scalars", kept)
    Stack([decaying(readings=(10, 20))], corpus, settings=EVERY_STEP)
    # Warmup over 4 steps; branches over steps 8 to 10 and 15 to 20 between constant ones.
    warm = [0.25, 0.5, 0.75]
    first, second = [0.75, 0.5, 0.25], [round(k / 7, 4) for k in range(6, 0, -1)]
    run = [*warm, *[1.0] * 4, *first, *[1.0] * 7, *second]
    at = len(rates) - len(run)  # the engine first runs each function once
    assert rates[at:] == pytest.approx(run, abs=1e-3)


def test_a_reading_is_that_of_a_run_that_ends_there(corpus: Tokens, straight: Stack) -> None:
    for reading in MEMBERS[0].readings:
        alone = [replace(m, tokens=reading, readings=(reading,)) for m in MEMBERS]
        single = Stack(alone, corpus, settings=EVERY_STEP)
        for short, member in zip(alone, MEMBERS, strict=True):
            assert single.losses[short.id, reading] == straight.losses[member.id, reading]


def test_a_reading_is_one_evaluation_after_the_branch(corpus: Tokens, straight: Stack) -> None:
    engine = Engine(MEMBERS, corpus, "cpu", micro_sequences=2, eval_sequences=4, mode=Mode.EAGER)
    engine.train(7)
    engine.decay(10)
    engine.train(3)
    losses = engine.evaluate()
    found = [r for r in straight.of(LossReading) if r.tokens == 10 * BATCH]
    assert [(r.loss, r.loss_sd, r.n_evaluations, r.decay_tokens) for r in found] == [
        (loss, 0.0, 1, 3 * BATCH) for loss in losses
    ]
    assert straight.outcome.finished == tuple(m.id for m in MEMBERS)


def test_a_decay_lowers_the_loss_of_a_noisy_run(corpus: Tokens) -> None:
    hot = replace(decaying(readings=(200,)), learning_rate=0.03)
    settings = replace(SETTINGS, eval_sequences=64)
    decayed, constant = (
        next(iter(Stack([member], corpus, settings=settings).losses.values()))
        for member in (hot, replace(hot, decay=0.0))
    )
    assert decayed < constant - 0.02


def test_events_count_every_branch_and_say_where_training_is(straight: Stack) -> None:
    steps = straight.of(Step)
    ends = [(step.since, step.tokens, step.branch) for step in steps]
    assert all(step.since is not None and step.since < step.tokens for step in steps)
    # With one micro-step each: the second branch goes from 14 to 20 batches, then the trunk on from 14.
    at = ends.index((19 * BATCH, 20 * BATCH, True))
    assert ends[at - 5 : at + 2] == [(k * BATCH, (k + 1) * BATCH, True) for k in range(14, 20)] + [
        (14 * BATCH, 15 * BATCH, False)
    ]
    state = folded(straight.events)
    assert state.trained_tokens == sum(member.trained_tokens for member in MEMBERS)
    assert state.remaining_flops == 0
    for member in MEMBERS:
        found = state.cells[member.id]
        assert (found.status, found.tokens) == ("done", member.tokens)
        assert [r.tokens for r in found.readings] == list(member.readings)
        assert [r.begin for r in found.readings] == [member.branch(tokens) for tokens in member.readings]
        assert max(tokens for tokens, _ in found.curve) == member.trunk_tokens
    # Whatever was trained and is to be trained is the whole.
    for end in range(1, len(straight.events)):
        part = folded(straight.events[:end])
        left = sum(s.cell.tokens_left(s.tokens, [r.tokens for r in s.readings]) for s in part.cells.values())
        finished = sum(s.finished for s in part.cells.values())
        assert finished or left + part.trained_tokens == state.trained_tokens


def folded(found: Sequence[TrainEvent]) -> RunState:
    planned = events.StagePlanned(2, tuple(MEMBERS), complete=True)
    return combine([fold(Record(k, float(k), 1, event) for k, event in enumerate((planned, *found)))])


@pytest.mark.parametrize("polls", [3, 9, 12, 22, 44])
def test_a_stop_anywhere_changes_no_reading(corpus: Tokens, straight: Stack, tmp_path: Path, polls: int) -> None:
    begun = Stack(MEMBERS, corpus, settings=EVERY_STEP, checkpoint=Checkpoint(tmp_path), should_stop=stop_after(polls))
    assert begun.outcome.unfinished
    (saved,) = begun.of(Checkpointed)
    resumed = Stack(MEMBERS, corpus, settings=EVERY_STEP, checkpoint=Checkpoint(tmp_path))
    assert resumed.of(Started)[0].tokens == saved.tokens <= MEMBERS[0].trunk_tokens
    new = [event for event in without_time(resumed) if event not in begun.events]
    assert without_time(begun) + new == without_time(straight)
    both = folded(begun.events + resumed.events)
    assert [r for s in both.cells.values() for r in s.readings] == [
        r for s in folded(straight.events).cells.values() for r in s.readings
    ]


@pytest.mark.usefixtures("saves_at_once")
@pytest.mark.parametrize("kill", [5, 20, 38, 55, 80])
def test_a_kill_anywhere_changes_no_reading(corpus: Tokens, straight: Stack, tmp_path: Path, kill: int) -> None:
    class KilledError(Exception):
        pass

    found: list[TrainEvent] = []

    def emit(event: TrainEvent) -> None:
        found.append(event)
        if len(found) == kill:
            raise KilledError

    def train(every_seconds: float) -> None:
        train_stack(
            MEMBERS,
            corpus,
            device="cpu",
            settings=EVERY_STEP,
            emit=emit,
            checkpoint=Checkpoint(tmp_path, every_seconds=every_seconds),
        )

    with pytest.raises(KilledError):
        train(0)
    train(3600)
    kept = {(r.cell_id, r.tokens): r.loss for r in found if isinstance(r, LossReading)}
    assert kept == straight.losses
    assert {event.cell_id for event in found if isinstance(event, Finished)} == {m.id for m in MEMBERS}
    assert not any(isinstance(event, Diverged) for event in found)


@pytest.mark.usefixtures("saves_at_once")
def test_checkpoints_on_a_branch_hold_where_it_begins(corpus: Tokens, tmp_path: Path) -> None:
    run = Stack(MEMBERS, corpus, settings=EVERY_STEP, checkpoint=Checkpoint(tmp_path, every_seconds=0))
    places = [saved.tokens // BATCH for saved in run.of(Checkpointed)]
    assert max(places) == 28
    # Twice where each of the first two branches begins: on the branch, and after it.
    assert [places.count(n) for n in (6, 7, 8, 14)] == [1, 2, 1, 2]


@pytest.mark.parametrize(
    ("others", "message"),
    [
        ([decaying(1, (10, 20))], "cells that decay branch together"),
        ([replace(decaying(1), decay=0.0)], "cells that decay branch together"),
    ],
)
def test_members_that_branch_apart_are_refused(corpus: Tokens, others: list[Cell], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Stack([decaying(), *others], corpus)
    for readings in ((1, 10), (19, 20)):
        with pytest.raises(UsageError, match="overlap or begin before its first batch"):
            Stack([decaying(readings=readings, decay=0.1)], corpus)

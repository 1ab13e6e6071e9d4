"""What runs on CUDA only: captured and compiled stacks against each other and against the processor."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from tests.unit.train.conftest import cell

from budgetscope.calibrate.corpus.sampling import Tokens
from budgetscope.calibrate.plan.cells import Cell
from budgetscope.calibrate.run.progress import Checkpointed, Diverged, LossReading, Started, TrainEvent
from budgetscope.calibrate.run.train_settings import Mode, TrainSettings
from budgetscope.calibrate.train.checkpoint import Checkpoint
from budgetscope.calibrate.train.stack import train_stack

pytestmark = [
    pytest.mark.skipif(not torch.cuda.is_available(), reason="PyTorch sees no CUDA GPU here"),
    # What torch.compile imports and advises is not ours.
    pytest.mark.filterwarnings("default"),
]

MODES = [Mode.EAGER, Mode.GRAPH, Mode.COMPILE, Mode.COMPILE_GRAPH]
CAPTURED = [Mode.GRAPH, Mode.COMPILE_GRAPH]
GRID = [
    cell(3e-3, 2, tokens=8192, readings=(4096, 8192)),
    cell(1e-2, 4, 0.99, 1, tokens=8192),
    cell(5e-3, 8, 0.999, tokens=8192),
]
# Products in bf16, and sums of embeddings' gradients in whatever order the device takes.
ROUNDING = 0.02


def trained(
    cells: Sequence[Cell],
    corpus: Tokens,
    mode: Mode,
    device: str = "cuda:0",
    checkpoint: Checkpoint | None = None,
    should_stop: Callable[[], bool] = lambda: False,
) -> list[TrainEvent]:
    events: list[TrainEvent] = []
    settings = TrainSettings(mode, eval_sequences=24, report_seconds=0.02)
    train_stack(
        cells,
        corpus,
        device=device,
        settings=settings,
        emit=events.append,
        checkpoint=checkpoint,
        should_stop=should_stop,
    )
    return events


def losses(events: Sequence[TrainEvent]) -> dict[tuple[str, int], float]:
    return {(event.cell_id, event.tokens): event.loss for event in events if isinstance(event, LossReading)}


@pytest.mark.parametrize("mode", MODES)
def test_every_mode_gives_the_processors_readings(corpus: Tokens, mode: Mode) -> None:
    expected = losses(trained(GRID, corpus, Mode.EAGER, "cpu"))
    assert losses(trained(GRID, corpus, mode)) == pytest.approx(expected, rel=ROUNDING)


@pytest.mark.parametrize("mode", CAPTURED)
def test_readings_do_not_depend_on_the_captured_stack(corpus: Tokens, mode: Mode) -> None:
    together = losses(trained(GRID, corpus, mode))
    alone = [losses(trained([member], corpus, mode)) for member in GRID]
    assert together == pytest.approx({key: loss for one in alone for key, loss in one.items()}, rel=ROUNDING)


@pytest.mark.parametrize("mode", CAPTURED)
@pytest.mark.parametrize("absurd", [1e4, 1e38])
def test_a_captured_member_that_diverges_leaves_the_others_as_they_are(
    corpus: Tokens, mode: Mode, absurd: float
) -> None:
    wild = replace(GRID[1], learning_rate=absurd)
    events = trained([GRID[0], wild, *GRID[1:]], corpus, mode)
    (diverged,) = (event for event in events if isinstance(event, Diverged))
    assert diverged.cell_id == wild.id
    assert 0 < diverged.tokens < wild.tokens
    assert losses(events) == pytest.approx(losses(trained(GRID, corpus, mode)), rel=ROUNDING)


@pytest.mark.parametrize("mode", CAPTURED)
def test_a_captured_stack_goes_on_from_its_checkpoint(corpus: Tokens, tmp_path: Path, mode: Mode) -> None:
    asked = iter([False, False, True])
    begun = trained(GRID, corpus, mode, checkpoint=Checkpoint(tmp_path), should_stop=lambda: next(asked))
    (saved,) = (event for event in begun if isinstance(event, Checkpointed))
    resumed = trained(GRID, corpus, mode, checkpoint=Checkpoint(tmp_path))
    (started,) = (event for event in resumed if isinstance(event, Started))
    assert 0 < started.tokens == saved.tokens < GRID[0].tokens
    found = losses(begun) | losses(resumed)
    assert found == pytest.approx(losses(trained(GRID, corpus, mode)), rel=ROUNDING)

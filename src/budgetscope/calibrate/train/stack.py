"""Train cells of one shape as a stack: the entry point of the trainer."""

import gc
import time
from collections import deque
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from typing import Any

import torch

from budgetscope.calibrate.corpus.sampling import Tokens
from budgetscope.calibrate.plan.cells import Cell
from budgetscope.calibrate.plan.device import repays_compilation
from budgetscope.calibrate.plan.memory import choose_micro_sequences, token_bytes
from budgetscope.calibrate.run.progress import CheckpointLost, Split, Started, TrainEvent
from budgetscope.calibrate.run.train_settings import Mode, TrainSettings
from budgetscope.calibrate.train.ahead import Job, graph_counts
from budgetscope.calibrate.train.checkpoint import Checkpoint, DamagedCheckpointError, Saved
from budgetscope.calibrate.train.device import is_out_of_memory
from budgetscope.calibrate.train.engine import Engine
from budgetscope.calibrate.train.loop import Loop, StackOutcome
from budgetscope.core.errors import FailureError, UsageError

# Logits of a micro-step below which one thread is as fast as two: 2 members of width 4 to 24 over bytes, with 64 to 200
# thousand logits, took a quarter less time on one of two cores than on both.
_LOGITS_FOR_THREADS = 2**18


def train_stack(
    cells: Sequence[Cell],
    tokens: Tokens,
    *,
    device: str,
    settings: TrainSettings,
    emit: Callable[[TrainEvent], None],
    checkpoint: Checkpoint | None = None,
    should_stop: Callable[[], bool] = lambda: False,
    waited: float = 0.0,
) -> StackOutcome:
    """Train cells of one shape together, and report their validation losses through `emit`.

    A cell's result depends only on the cell, the tokens and the settings: not on the other members, the size of the
    stack, the micro-step or a resume, up to floating-point rounding. A stack that does not fit in memory splits in two,
    repeatedly if needed. A checkpoint of some of the cells is resumed first, and its readings are reported again; the
    other cells follow. A damaged checkpoint is ignored.

    Args:
        cells: at least one, all of one shape.
        tokens: of the corpus.
        device: a name as `available_device` gives it.
        settings: of the training.
        emit: receives events in order, in this thread.
        checkpoint: where to keep the state; None keeps none.
        should_stop: called about every `settings.report_seconds`; True saves and returns.
        waited: seconds that the start has taken before this call; they count in the first `Started`.

    Returns:
        The cells that finished, diverged and were stopped.

    Raises:
        UsageError: the cells or the tokens are unsuitable.
        FailureError: one cell alone does not fit in memory, or a checkpoint cannot be written.
    """
    _check(cells)
    tokens.check(cells[0].shape)
    if device.startswith("cuda"):
        torch.cuda.set_device(device)
    waiting = deque(_groups(cells, _saved(checkpoint, emit)))
    finished: list[str] = []
    diverged: list[str] = []
    while waiting:
        group, begun = waiting.popleft(), time.perf_counter() - waited
        waited = 0.0
        if checkpoint:
            checkpoint.waiting = frozenset(cell.id for other in waiting for cell in other)
        outcome, fits = _train_group(group, tokens, device, settings, emit, checkpoint, should_stop, begun)
        _release(device)
        finished += outcome.finished
        diverged += outcome.diverged
        if outcome.unfinished and not fits:
            halves = _halves([cell for cell in group if cell.id in outcome.unfinished], tokens, device)
            emit(Split(tuple(len(half) for half in halves)))
            waiting.extendleft(reversed(halves))
        elif outcome.unfinished:
            left = [*outcome.unfinished, *(cell.id for other in waiting for cell in other)]
            return StackOutcome(tuple(finished), tuple(diverged), tuple(left))
    return StackOutcome(tuple(finished), tuple(diverged), ())


def _check(cells: Sequence[Cell]) -> None:
    if len({cell.shape for cell in cells}) != 1 or len({cell.id for cell in cells}) != len(cells):
        raise UsageError("a stack holds at least one cell, each only once and all of one shape.")
    for cell in cells:
        ascending = list(cell.readings) == sorted(set(cell.readings)) and bool(cell.readings)
        if cell.tokens % cell.batch_tokens or not ascending or cell.readings[-1] != cell.tokens:
            raise UsageError(
                f"cell {cell.id} needs whole batches of {cell.batch_tokens} tokens and ascending readings that end "
                f"at its {cell.tokens} tokens."
            )
        if cell.readings[0] < cell.batch_tokens or not 0 < cell.beta2 < 1 or cell.learning_rate <= 0:
            raise UsageError(
                f"cell {cell.id} needs a first reading after its first batch, a learning rate above 0, and beta2 "
                "between 0 and 1."
            )


def _saved(checkpoint: Checkpoint | None, emit: Callable[[TrainEvent], None]) -> tuple[Saved, ...]:
    """Return the states in a checkpoint, the latest first; a damaged one is reported and dropped."""
    if checkpoint is None:
        return ()
    try:
        return checkpoint.saved()
    except DamagedCheckpointError as error:
        checkpoint.drop()
        emit(CheckpointLost(str(error)))
        return ()


def _groups(cells: Sequence[Cell], stacks: Sequence[Saved]) -> list[Sequence[Cell]]:
    """Return the cells grouped by the saved stack that holds them, and last the other cells."""
    groups, left = [], list(cells)
    for saved in stacks:
        groups.append([cell for cell in left if cell.id in saved.cell_ids])
        left = [cell for cell in left if cell.id not in saved.cell_ids]
    return [group for group in (*groups, left) if group]


def _loaded(
    cells: Sequence[Cell], checkpoint: Checkpoint | None, emit: Callable[[TrainEvent], None]
) -> tuple[Saved, dict[str, Any]] | None:
    """Return the latest intact state that holds all of these cells, and its tensors; None if there is none."""
    ids = {cell.id for cell in cells}
    for saved in _saved(checkpoint, emit):
        if checkpoint is None or not ids <= set(saved.cell_ids):
            continue
        try:
            return saved, checkpoint.load(saved)
        except DamagedCheckpointError as error:
            checkpoint.drop(saved)
            emit(CheckpointLost(str(error)))
    return None


def _train_group(
    cells: Sequence[Cell],
    tokens: Tokens,
    device: str,
    settings: TrainSettings,
    emit: Callable[[TrainEvent], None],
    checkpoint: Checkpoint | None,
    should_stop: Callable[[], bool],
    begun: float,
) -> tuple[StackOutcome, bool]:
    """Train one stack whose start began at `begun`; return its outcome, and whether it fits in memory."""
    ids = tuple(cell.id for cell in cells)
    known = _loaded(cells, checkpoint, emit)
    mode = choose_mode(cells, device, settings.mode)
    if known:
        micro = known[0].micro_sequences
    else:
        micro = usual_micro(cells, len(tokens.train), device, settings, free_bytes(device))
    loop = None
    threads, graphs = torch.get_num_threads(), graph_counts()
    try:
        torch.set_num_threads(usual_threads(cells, micro, device, threads))
        engine = Engine(cells, tokens, device, micro_sequences=micro, eval_sequences=settings.eval_sequences, mode=mode)
        loop = Loop(engine, settings, emit, checkpoint, should_stop)
        if known:
            saved, state = known
            engine.load(state, [saved.cell_ids.index(key) for key in ids], saved.micro_steps)
            loop.resume(saved.evaluations)
        done = engine.done * micro * cells[0].shape.seq_len
        found, compiled = (now - then for now, then in zip(graph_counts(), graphs, strict=True))
        emit(Started(ids, done, engine.mode.value, micro, time.perf_counter() - begun, found, compiled))
        return loop.run(), True
    except RuntimeError as error:
        if not is_out_of_memory(error):
            raise
    finally:
        torch.set_num_threads(threads)
    return StackOutcome((), (), ids) if loop is None else loop.outcome, False


def usual_micro(
    cells: Sequence[Cell], n_train: int, device: str, settings: TrainSettings, free_bytes: int | None
) -> int:
    """Return the sequences per member and micro-step of a stack that no checkpoint resumes.

    Args:
        cells: members of the stack.
        n_train: training tokens in the corpus.
        device: a name as `available_device` gives it.
        settings: of the training.
        free_bytes: memory of the device for the stack and its tokens; None if it has none of its own.
    """
    free = None if free_bytes is None else free_bytes - token_bytes(cells, n_train)
    compiled = choose_mode(cells, device, settings.mode).compiles
    return choose_micro_sequences(cells, device, settings.micro_tokens, free_bytes=free, compiled=compiled)


def job_of(
    cells: Sequence[Cell], n_train: int, device: str, settings: TrainSettings, free_bytes: int | None
) -> Job | None:
    """Return what a helper has to compile for a stack, with the arguments of `usual_micro`; None if nothing."""
    if not choose_mode(cells, device, settings.mode).compiles:
        return None
    return Job(cells[0].shape, len(cells), usual_micro(cells, n_train, device, settings, free_bytes))


def usual_threads(cells: Sequence[Cell], micro_sequences: int, device: str, available: int) -> int:
    """Return the number of threads for a stack: for small operations, waking a second thread costs too much."""
    shape = cells[0].shape
    logits = len(cells) * micro_sequences * shape.seq_len * shape.vocab_size
    return 1 if device == "cpu" and logits < _LOGITS_FOR_THREADS else available


def choose_mode(cells: Sequence[Cell], device: str, wanted: Mode) -> Mode:
    """Return the mode for these cells: `wanted`, or the one that `Mode.AUTO` stands for.

    Raises:
        UsageError: the mode needs CUDA.
    """
    if wanted.captures and not device.startswith("cuda"):
        raise UsageError(
            f"mode {wanted} needs CUDA graphs, which {device} does not have; choose auto, eager or compile."
        )
    if wanted is not Mode.AUTO:
        return wanted
    if not device.startswith("cuda"):
        return Mode.EAGER
    return Mode.COMPILE_GRAPH if repays_compilation(cells) and find_spec("triton") else Mode.GRAPH


def free_bytes(device: str) -> int | None:
    """Return nine tenths of a GPU's free memory, since estimates may be off; None on other devices."""
    return int(0.9 * torch.cuda.mem_get_info(device)[0]) if device.startswith("cuda") else None


def _release(device: str) -> None:
    """Release the memory of an accelerator; on a processor it is free already, since nothing refers to the engine."""
    if device != "cpu":
        gc.collect()
    if device.startswith("cuda"):
        torch.cuda.empty_cache()


def _halves(cells: Sequence[Cell], tokens: Tokens, device: str) -> tuple[Sequence[Cell], Sequence[Cell]]:
    if len(cells) == 1:
        shape = cells[0].shape
        raise FailureError(
            f"one model of width {shape.width} and depth {shape.depth} does not fit in the memory of {device}, beside "
            f"{token_bytes(cells, len(tokens.train)) / 1e6:.3g} MB of tokens; free it, or design smaller models."
        )
    middle = (len(cells) + 1) // 2
    return cells[:middle], cells[middle:]

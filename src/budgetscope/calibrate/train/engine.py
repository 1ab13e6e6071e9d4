"""One stack on its device: weights, optimizer state, data, and the micro-step that trains all members at once."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from budgetscope.calibrate.corpus.sampling import Tokens
from budgetscope.calibrate.plan.cells import Cell
from budgetscope.calibrate.plan.memory import LOGITS_AT_ONCE
from budgetscope.calibrate.run.train_settings import Mode
from budgetscope.calibrate.train import model, optimizer
from budgetscope.calibrate.train.feed import Feed
from budgetscope.calibrate.train.layout import Layout

# A member counts as diverged when the mean training loss of its batches is more than HOPELESS_NATS above
# ln(vocabulary), the loss of a uniform guess. The mean is exponential, over _PATIENCE of its optimizer steps and at
# least _PATIENCE_STEPS. Our choice: learning rates that recover from an early spike stay below it.
_PATIENCE = 0.02
_PATIENCE_STEPS = 4.0
HOPELESS_NATS = 2.0

# Elements per slice of the uncompiled optimizer; slices of this size stay in a GPU's cache.
_OPTIMIZER_SLICE = 2**24

# Logits per forward pass of an evaluation in eager mode: few passes, and they fit in a processor's cache.
_EVALUATED_LOGITS = 2**19

# The tensors of each member in a checkpoint.
MEMBER_STATE = ("weights", "mean", "square", "grads", "alive", "alive_steps", "batch_loss", "average_loss")


@dataclass(frozen=True, slots=True)
class _Functions:
    """The functions that modes replace: compiled once per shape, fused, or operation by operation."""

    block: Callable[..., Tensor] = model.block
    norm: Callable[..., Tensor] = model.norm
    next_token_loss: Callable[..., tuple[Tensor, Tensor, Tensor]] = model.next_token_loss
    logits_gradient: Callable[..., Tensor] = model.logits_gradient
    adamw: Callable[..., None] = optimizer.adamw

    @classmethod
    def of(cls, mode: Mode, device: torch.device) -> "_Functions":
        # These give an fp32 gradient, as a processor's products need; CUDA's products are bf16.
        if mode is Mode.EAGER and device.type != "cuda":
            return cls(next_token_loss=model.next_token_loss_by_parts, logits_gradient=model.logits_gradient_by_parts)
        return cls.compiled() if mode.compiles else cls()

    @classmethod
    def compiled(cls) -> "_Functions":
        # Stacks differ in size. Without the reset they would count as recompilations of one function.
        torch.compiler.reset()
        return cls(*(torch.compile(getattr(cls(), name), fullgraph=True, dynamic=False) for name in cls.__slots__))


class _Work(NamedTuple):
    """What an engine launches: its own functions, or CUDA graphs that were captured from them."""

    train: Callable[["Engine"], None]
    update: Callable[["Engine"], None]
    evaluate: Callable[["Engine"], None]


def _replay(graph: torch.cuda.CUDAGraph, _engine: "Engine") -> None:
    graph.replay()


class Engine:
    """A stack of members that share a shape.

    A micro-step feeds each member `micro_sequences` sequences and adds up gradients. An update, run when a member's
    batch is complete, steps all members with a complete batch. Neither waits for the device.

    Attributes:
        cells: the members.
        micro_sequences: sequences per member and micro-step; a divisor of every member's batch.
        mode: how micro-steps run; never auto.
        done: number of micro-steps so far.
        index: `done` on the device, int64 ().
        weights: fp32, (M, P).
        grads: accumulated gradients, fp32, (M, P).
        mean: first moments, (M, P).
        square: second moments, (M, P).
        alive: whether a member has not diverged, bool (M,).
        alive_steps: micro-steps at the last optimizer step before a member diverged, int64 (M,).
        batch_loss: the present batch's share of its mean loss so far, fp32 (M,).
        average_loss: exponential mean over batches, for the divergence check, fp32 (M,).
        loss_sum: sum of training losses since it was last read, fp32 (M,).
    """

    def __init__(
        self,
        cells: Sequence[Cell],
        tokens: Tokens,
        device: str,
        *,
        micro_sequences: int,
        eval_sequences: int,
        mode: Mode,
        most_blocks: int | None = None,
    ) -> None:
        """Allocate a stack on its device, and compile and capture it if the mode does.

        Args:
            cells: the members.
            tokens: of the corpus.
            device: a name as `available_device` gives it.
            micro_sequences: as the attribute.
            eval_sequences: most held-out sequences per evaluation.
            mode: as the attribute.
            most_blocks: blocks that run; None for all. All compile to the same code, so that a few take less memory
                where an engine is only to be compiled.
        """
        self.cells = tuple(cells)
        self.micro_sequences = micro_sequences
        self.mode = mode
        self._device = torch.device(device)
        shape = self.cells[0].shape
        self._layout = Layout(shape)
        self._n_blocks = min(shape.depth, most_blocks or shape.depth)
        # Compiled and captured functions take one size only, that of the training micro-steps.
        a_sequence = len(self.cells) * shape.seq_len * shape.vocab_size
        eval_chunk = _EVALUATED_LOGITS // a_sequence if mode is Mode.EAGER else 0
        self._feed = Feed(
            cells, tokens, self._device, micro_sequences, eval_sequences, max(micro_sequences, eval_chunk)
        )
        self._rope = model.rope_table(shape.seq_len, shape.width // shape.n_heads, self._device)
        self._functions = _Functions.of(mode, self._device)
        self._set_hyperparameters()
        self._allocate()
        self.done = 0
        # Unbound functions: bound ones would form a cycle with the engine and keep its buffers alive.
        self._work = _Work(Engine._micro_step, Engine._update, Engine._evaluate_chunk)
        self._prepare()
        self._initialise()

    def _set_hyperparameters(self) -> None:
        """Copy the members' hyperparameters to the device, each (M, 1) or, for masks, (M,)."""
        shape = self.cells[0].shape
        self._micro_steps_a_batch = [cell.batch_sequences // self.micro_sequences for cell in self.cells]
        n_steps = [cell.tokens // cell.batch_tokens for cell in self.cells]
        self._loss_rate = self._column([1 / max(_PATIENCE_STEPS, _PATIENCE * n) for n in n_steps])[:, 0]
        micro_steps = [k * n for k, n in zip(self._micro_steps_a_batch, n_steps, strict=True)]
        self._k = torch.tensor(self._micro_steps_a_batch, device=self._device)
        self._last = torch.tensor(micro_steps, device=self._device)
        self._loss_limit = math.log(shape.vocab_size) + HOPELESS_NATS
        self._share = self._column([1 / k for k in self._micro_steps_a_batch])
        self._learning_rate = self._column([cell.learning_rate for cell in self.cells])
        self._beta2 = self._column([cell.beta2 for cell in self.cells])
        self._log_beta2 = self._column([math.log(cell.beta2) for cell in self.cells])
        # Without a warmup the first step is at the peak.
        self._warmup_steps = self._column([max(1.0, cell.warmup_tokens / cell.batch_tokens) for cell in self.cells])

    def _column(self, values: Sequence[float]) -> Tensor:
        return torch.tensor(values, dtype=torch.float32, device=self._device)[:, None]

    def _allocate(self) -> None:
        members, layout, device = len(self.cells), self._layout, self._device
        self.weights, self.grads, self.mean, self.square = (
            torch.zeros(members, layout.size, device=device) for _ in range(4)
        )
        self._compute = self.weights
        if device.type == "cuda":
            self._compute = torch.zeros_like(self.weights, dtype=torch.bfloat16)
        self._eval_sum, self.loss_sum, self.batch_loss, self.average_loss = (
            torch.zeros(members, device=device) for _ in range(4)
        )
        self.index, self._eval_chunk = (torch.zeros((), dtype=torch.int64, device=device) for _ in range(2))
        self.alive_steps = torch.zeros(members, dtype=torch.int64, device=device)
        self.alive = torch.ones(members, dtype=torch.bool, device=device)
        first_rows = torch.arange(members, device=device) * (layout.size // layout.shape.width)
        self._first_row = first_rows[:, None]
        matrices = [part for block in layout.blocks[: self._n_blocks] for part in block]
        parts = [*matrices, *layout.gains[: self._n_blocks], layout.last_gain]
        # Gains stay in fp32, matrices have the products' type; every leaf is a view of a flat buffer.
        self._leaves = [
            layout.view(self.weights if part.std is None else self._compute, part).detach().requires_grad_()
            for part in parts
        ]
        self._leaf_grads = [layout.view(self.grads, part) for part in parts]
        self._head = layout.view(self._compute, layout.head)
        self._head_grad = layout.view(self.grads, layout.head)

    def _prepare(self) -> None:
        """Run all functions on zero weights, which compiles them, and capture them if the mode does."""
        if not self.mode.captures:
            if self.mode.compiles:
                for function in self._work:
                    function(self)
            return
        stream = torch.cuda.Stream(self._device)
        stream.wait_stream(torch.cuda.current_stream(self._device))
        with torch.cuda.stream(stream):
            for function in 2 * self._work:
                self._eval_chunk.zero_()
                function(self)
        torch.cuda.current_stream(self._device).wait_stream(stream)
        torch.cuda.synchronize(self._device)
        torch.cuda.empty_cache()
        pool = torch.cuda.graph_pool_handle()
        replays = []
        for function in self._work:
            graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(graph, pool=pool):
                function(self)
            replays.append(partial(_replay, graph))
        self._work = _Work(*replays)

    def _initialise(self) -> None:
        rows = {seed: self._layout.initial_weights(seed) for seed in {cell.seed for cell in self.cells}}
        for member, cell in enumerate(self.cells):
            self.weights[member].copy_(rows[cell.seed])
        self._compute.copy_(self.weights)
        zeroed = (self.grads, self.mean, self.square, self.loss_sum, self.batch_loss, self.index, self.alive_steps)
        for buffer in zeroed:
            buffer.zero_()
        self.alive.fill_(True)
        self.average_loss.fill_(math.log(self.cells[0].shape.vocab_size))

    def load(self, state: dict[str, Tensor], rows: Sequence[int], micro_steps: int) -> None:
        """Load the state of a checkpoint; `rows` are this stack's members in it."""
        for name in MEMBER_STATE:
            buffer: Tensor = getattr(self, name)
            for member, row in enumerate(rows):
                buffer[member].copy_(state[name][row])
        self._compute.copy_(self.weights)
        self.index.fill_(micro_steps)
        self.done = micro_steps

    def train(self, micro_steps: int) -> None:
        """Launch micro-steps, and the updates that become due."""
        for _ in range(micro_steps):
            self._work.train(self)
            self.done += 1
            if any(self.done % k == 0 for k in self._micro_steps_a_batch):
                self._work.update(self)

    def embedded(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
        """Return the rows (M, T) of these tokens (M, T) in the flat buffer, and their embeddings."""
        rows = inputs + self._first_row
        return rows, functional.embedding(rows, self.weights.view(-1, self._layout.shape.width))

    def hidden(self, embedded: Tensor) -> Tensor:
        """Return the output of the last norm, (M, T, w), in the products' type."""
        x, n_blocks = embedded, self._n_blocks
        for layer in range(n_blocks):
            matrices = self._leaves[4 * layer : 4 * layer + 4]
            x = self._functions.block(x, self._leaves[4 * n_blocks + layer], *matrices, *self._rope)
        return self._functions.norm(x, self._leaves[-1]).to(self._compute.dtype)

    def _member_chunks(self, n_tokens: int) -> list[slice]:
        """Return slices of members, all of one length, whose logits fit."""
        members = len(self.cells)
        fitting = max(1, LOGITS_AT_ONCE // (n_tokens * self._layout.shape.vocab_size))
        size = max(n for n in range(1, members + 1) if members % n == 0 and n <= max(1, fitting))
        return [slice(first, first + size) for first in range(0, members, size)]

    def _micro_step(self) -> None:
        windows = self._feed.training(self.index)
        inputs, targets = windows[..., :-1].flatten(1), windows[..., 1:].flatten(1)
        rows, embedded = self.embedded(inputs)
        embedded.requires_grad_()
        hidden = self.hidden(embedded)
        with torch.no_grad():
            hidden_grad, losses = torch.empty_like(hidden), []
            for some in self._member_chunks(inputs.shape[1]):
                source, goal = hidden[some], targets[some]
                logits, log_total, loss = self._functions.next_token_loss(source, self._head[some], goal)
                gradient = self._functions.logits_gradient(logits, log_total, goal)
                torch.bmm(gradient, self._head[some].transpose(1, 2), out=hidden_grad[some])
                self._head_grad[some].add_(torch.bmm(source.transpose(1, 2), gradient))
                losses.append(loss.mean(1))
        embedded_grad, *grads = torch.autograd.grad(hidden, [embedded, *self._leaves], hidden_grad)
        with torch.no_grad():
            for total, grad in zip(self._leaf_grads, grads, strict=True):
                total.add_(grad)
            width = embedded.shape[-1]
            table_rows = rows.view(-1, 1).expand(-1, width)
            self.grads.view(-1, width).scatter_add_(0, table_rows, embedded_grad.float().view(-1, width))
            self._account(torch.cat(losses))

    def _account(self, loss: Tensor) -> None:
        """Add the loss (M,) of a micro-step to the sums, and count the micro-step."""
        self.loss_sum.add_(torch.where(self.index < self._last, loss, 0.0))
        self.batch_loss.add_(loss * self._share[:, 0])
        self.index.add_(1)

    def _mask_diverged(self, due: Tensor, norm: Tensor) -> None:
        """Mask members that diverged, each checked only at its own optimizer steps.

        Args:
            due: whether a member's batch is complete, bool (M,).
            norm: of the gradients, (M,).
        """
        average = torch.lerp(self.average_loss, self.batch_loss, self._loss_rate)
        self.average_loss.copy_(torch.where(self.alive & due, average, self.average_loss))
        self.batch_loss.copy_(torch.where(due, 0.0, self.batch_loss))
        # A NaN loss compares as False too.
        self.alive.logical_and_((self.average_loss < self._loss_limit) & norm.isfinite() | ~due)
        self.alive_steps.copy_(torch.where(self.alive & due, self.index, self.alive_steps))

    @torch.no_grad()
    def _update(self) -> None:
        norm = optimizer.gradient_norm(self.grads)
        due = (self.index % self._k == 0) & (self.index <= self._last)
        self._mask_diverged(due, norm[:, 0])
        steps = (self.index // self._k)[:, None].float()
        scalars = optimizer.step_scalars(steps, self._learning_rate, self._log_beta2, self._warmup_steps)
        columns = self._layout.size if self.mode.compiles else max(1, _OPTIMIZER_SLICE // len(self.cells))
        for first in range(0, self._layout.size, columns):
            some = slice(first, first + columns)
            self._functions.adamw(
                self.weights[:, some],
                None if self._compute is self.weights else self._compute[:, some],
                self.grads[:, some],
                self.mean[:, some],
                self.square[:, some],
                (self.alive & due)[:, None],
                optimizer.clipped(self._share, norm),
                *scalars,
                self._beta2,
            )

    def _evaluate_chunk(self) -> None:
        windows, counted = self._feed.held_out(self._eval_chunk)
        inputs, targets = (part.flatten().repeat(len(self.cells), 1) for part in (windows[:, :-1], windows[:, 1:]))
        # With gradients, so that the compiled block is that of the training.
        with torch.set_grad_enabled(self.mode is not Mode.EAGER):
            hidden = self.hidden(self.embedded(inputs)[1].requires_grad_()).detach()
        losses = []
        for some in self._member_chunks(inputs.shape[1]):
            with torch.no_grad():
                loss = self._functions.next_token_loss(hidden[some], self._head[some], targets[some])[2]
            losses.append(loss.view(len(loss), *windows[:, 1:].shape).mean(2) @ counted)
        self._eval_sum.add_(torch.cat(losses))
        self._eval_chunk.add_(1)

    def evaluate(self) -> list[float]:
        """Return the mean loss of each member on the held-out sequences, nats per token; waits for the device."""
        self._eval_sum.zero_()
        self._eval_chunk.zero_()
        for _ in range(self._feed.n_eval_chunks):
            self._work.evaluate(self)
        values: list[float] = (self._eval_sum / self._feed.n_eval_sequences).tolist()
        return values

    def state(self) -> dict[str, Any]:
        """Return the state that `load` takes, on the CPU."""
        return {name: getattr(self, name).detach().cpu() for name in MEMBER_STATE}

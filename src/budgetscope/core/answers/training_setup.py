"""The training setup of a plan: all that a trainer has to be told, in units that none of them prefers."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from budgetscope.core.answers.answer import Answer
from budgetscope.core.answers.checkpoints import Checkpoint, checkpoints
from budgetscope.core.answers.layout import Placed, best_where, require_shape
from budgetscope.core.answers.recipe import COOLDOWN_SHARE
from budgetscope.core.counting.ledger import Convention, Shape
from budgetscope.core.hardware.machine import require_memory
from budgetscope.core.hardware.memory import Layout
from budgetscope.core.laws.hyperparameters import BETA1, CLIP, EPS

INTERVALS = 80
"""Equal intervals of a run that end at C/16, C/8, C/4, C/2 and where the decay starts; no fewer do."""


@dataclass(frozen=True, slots=True)
class TrainingSetup:
    """What a trainer needs for the run of a plan.

    Attributes:
        budget: canonical text.
        law_id: the fit for N, D and the loss.
        shape: the model to build.
        batch_sequences: sequences of a step.
        steps: optimizer steps; the last one may be needed only in part.
        warmup_steps: of linear warmup.
        decay_steps: of the linear decay to zero, at the end.
        learning_rate: peak, for AdamW.
        weight_decay: as PyTorch's AdamW takes it: a step shrinks the weights by the rate of the step times this.
        weight_decay_independent: shrinkage of the weights a step at peak learning rate.
        clip: largest norm of the gradient.
        precision: of the plan's products; the weights stay in fp32.
        checkpoints: to keep.
        placed: the layout, with its memory.
        fits: whether it leaves its margin of the device's memory.
        device: its name.
        devices_per_node: of the device.
        n_devices: of the machine; one node when the budget leaves their number open.
    """

    budget: str
    law_id: str
    shape: Shape
    batch_sequences: int
    steps: int
    warmup_steps: int
    decay_steps: int
    learning_rate: float
    beta1: float
    beta2: float
    eps: float
    weight_decay: float
    weight_decay_independent: float
    clip: float
    precision: str
    checkpoints: tuple[Checkpoint, ...]
    placed: Placed
    fits: bool
    device: str
    devices_per_node: int
    n_devices: int

    @property
    def layout(self) -> Layout:
        """The layout on the devices."""
        return self.placed.layout

    @property
    def batch_tokens(self) -> int:
        """Tokens of a step."""
        return self.batch_sequences * self.shape.seq_len

    @property
    def tokens(self) -> int:
        """Tokens of all steps."""
        return self.steps * self.batch_tokens

    @property
    def decay_start(self) -> int:
        """The step after which the learning rate falls."""
        return self.steps - self.decay_steps

    @property
    def checkpoint_interval(self) -> int:
        """Steps between checkpoints, for a trainer that keeps them at equal intervals only; see `INTERVALS`."""
        return max(1, round(self.steps / INTERVALS))

    @property
    def n_params(self) -> int:
        """Weights of blocks, head and input embedding; norms are not counted (see `Convention`)."""
        return self.shape.count(Convention.TOTAL).n_params

    @property
    def n_params_norms(self) -> int:
        """Weights of RMSNorms before attention, before the feed-forward layer and before the head: (2L + 1) w."""
        return (2 * self.shape.depth + 1) * self.shape.width


def training_setup(answer: Answer, allowed: Callable[[Layout], bool]) -> TrainingSetup:
    """Return the training setup of an answer.

    Args:
        answer: with the plan.
        allowed: whether the trainer can hold a layout (see `layout.best_where`).

    Raises:
        UsageError: the plan has no shape, or the memory of its machine is not known.
        FailureError: the answer's law gives no usable numbers.
    """
    question, plan = answer.question, answer.plan
    shape, recipe, steps = require_shape(plan.run.shape), plan.recipe, plan.run.steps
    require_memory(question.machine)
    placed, fits = best_where(question, shape, recipe.batch_sequences, allowed)
    decay_steps = steps - round((1 - COOLDOWN_SHARE) * plan.run.tokens / recipe.batch_tokens.value)
    warmup_steps = math.ceil(recipe.warmup_tokens / recipe.batch_tokens.value)
    device = question.machine.device
    return TrainingSetup(
        budget=plan.budget,
        law_id=plan.law_id,
        shape=shape,
        batch_sequences=recipe.batch_sequences,
        steps=steps,
        warmup_steps=min(warmup_steps, steps - decay_steps),
        decay_steps=decay_steps,
        learning_rate=_six_digits(recipe.learning_rate.value),
        beta1=BETA1,
        beta2=_six_digits(recipe.beta2),
        eps=EPS,
        weight_decay=_six_digits(recipe.weight_decay_coupled),
        weight_decay_independent=_six_digits(recipe.weight_decay_independent),
        clip=CLIP,
        precision=question.machine.precision,
        checkpoints=checkpoints(answer),
        placed=placed,
        fits=fits,
        device=device.name,
        devices_per_node=device.devices_per_node,
        n_devices=placed.layout.n_devices + placed.idle,
    )


def _six_digits(value: float) -> float:
    """Return a value as it is written: no trainer needs more digits than a law gives."""
    return float(f"{value:.6g}")

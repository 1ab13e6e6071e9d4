"""AdamW over the flat buffer of all members, each with its own settings; a mask says which members step."""

import torch
from torch import Tensor

from budgetscope.calibrate.plan.porian_rule import WEIGHT_DECAY
from budgetscope.core.laws.hyperparameters import BETA1, CLIP, EPS

# Porian et al. 2024 decay every parameter independently: a step shrinks the weights by WEIGHT_DECAY·lr/lr_peak.
# As torch.nn.utils.clip_grad_norm_ adds to the norm.
_CLIP_EPS = 1e-6


def adamw(
    weights: Tensor,
    compute: Tensor | None,
    grads: Tensor,
    mean: Tensor,
    square: Tensor,
    stepping: Tensor,
    scale: Tensor,
    step_size: Tensor,
    root_bias2: Tensor,
    decay: Tensor,
    beta2: Tensor,
) -> None:
    """Step the members that `stepping` marks, in place, and zero their gradients; leave the others unchanged.

    Loshchilov and Hutter 2019, algorithm 2, with the decay independent of the learning rate's peak.

    Args:
        weights: fp32, (M, p).
        compute: copy of the weights in the products' type, (M, p); None if that is fp32.
        grads: sum of the gradients of the micro-steps, fp32, (M, p).
        mean: first moment, (M, p).
        square: second moment, (M, p).
        stepping: whether a member steps, bool, (M, 1).
        scale: factor from `grads` to the clipped gradient of the batch's mean loss, (M, 1).
        step_size: learning rate divided by the first moment's bias, (M, 1).
        root_bias2: square root of the second moment's bias, (M, 1).
        decay: factor on the weights, (M, 1).
        beta2: (M, 1).
    """
    gradient = grads * scale
    new_mean = torch.lerp(mean, gradient, 1 - BETA1)
    new_square = square * beta2 + gradient * gradient * (1 - beta2)
    update = step_size * new_mean / (new_square.sqrt() / root_bias2 + EPS)
    new_weights = torch.where(stepping, weights * decay - update, weights)
    mean.copy_(torch.where(stepping, new_mean, mean))
    square.copy_(torch.where(stepping, new_square, square))
    grads.copy_(torch.where(stepping, 0.0, grads))
    weights.copy_(new_weights)
    if compute is not None:
        compute.copy_(new_weights)


def step_scalars(
    steps: Tensor, learning_rate: Tensor, log_beta2: Tensor, warmup_steps: Tensor, cooling: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Return the step size, the root of the second bias, and the decay for `adamw`, each (M, 1).

    The learning rate rises linearly over the warmup and is constant after it, times `cooling`.

    Args:
        steps: number of the step, from 1, fp32 (M, 1).
        learning_rate: peak, (M, 1).
        log_beta2: natural logarithm of beta2, computed in double precision, (M, 1).
        warmup_steps: (M, 1).
        cooling: share of the rate that a decay leaves, (M, 1); 1 without one.
    """
    warmth = (steps / warmup_steps).clamp(max=1.0) * cooling
    # In fp32, 1 - beta2^t would lose half its digits at the first steps.
    root_bias2 = torch.sqrt(-torch.expm1(steps * log_beta2))
    return learning_rate * warmth / (1 - BETA1**steps), root_bias2, 1 - WEIGHT_DECAY * warmth


def gradient_norm(grads: Tensor) -> Tensor:
    """Return the global gradient norm of each member, (M, 1), of gradients (M, P)."""
    norm: Tensor = torch.linalg.vector_norm(grads, dim=1, keepdim=True)
    return norm


def clipped(scale: Tensor, norm: Tensor) -> Tensor:
    """Return `scale` times the factor that clips the global norm `scale`·`norm` of each member to 1."""
    return scale * (CLIP / (scale * norm + _CLIP_EPS)).clamp(max=1.0)

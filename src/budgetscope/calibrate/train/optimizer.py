"""AdamW for all members at once over one flat buffer, each with its own settings, step by mask."""

import torch
from torch import Tensor

# Source: Porian et al. 2024, launch files and section 2: beta1 0.9, eps 1e-8, clip 1, and an independent
# weight decay of 1e-4 on every parameter: a step shrinks the weights by 1e-4·lr/lr_peak.
BETA1 = 0.9
EPS = 1e-8
CLIP = 1.0
WEIGHT_DECAY = 1e-4
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
    """Step every member that `stepping` marks, in place, and zero its gradients; leave the others alone.

    Loshchilov and Hutter 2019, algorithm 2, with the decay independent of the learning rate's peak.

    Args:
        weights: fp32, (M, p).
        compute: the weights' copy in the products' type, (M, p); None when they share it.
        grads: sum of the micro-steps' gradients, fp32, (M, p).
        mean: first moment, (M, p).
        square: second moment, (M, p).
        stepping: which members step, bool, (M, 1).
        scale: what turns `grads` into the clipped gradient of the batch's mean loss, (M, 1).
        step_size: learning rate over the first moment's bias, (M, 1).
        root_bias2: square root of the second moment's bias, (M, 1).
        decay: what the weights are multiplied with, (M, 1).
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
    steps: Tensor, learning_rate: Tensor, log_beta2: Tensor, warmup_steps: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Return `adamw`'s step size, root of the second bias, and decay, each (M, 1).

    The learning rate rises linearly over the warmup and stays.

    Args:
        steps: which step this is, from 1, fp32 (M, 1).
        learning_rate: at its peak, (M, 1).
        log_beta2: natural logarithm of beta2, rounded from double precision, (M, 1).
        warmup_steps: (M, 1).
    """
    warmth = (steps / warmup_steps).clamp(max=1.0)
    # 1 - beta2^t would lose half its digits in fp32 at the first steps.
    root_bias2 = torch.sqrt(-torch.expm1(steps * log_beta2))
    return learning_rate * warmth / (1 - BETA1**steps), root_bias2, 1 - WEIGHT_DECAY * warmth


def gradient_norm(grads: Tensor) -> Tensor:
    """Return each member's global gradient norm, (M, 1), of gradients (M, P)."""
    norm: Tensor = torch.linalg.vector_norm(grads, dim=1, keepdim=True)
    return norm


def clipped(scale: Tensor, norm: Tensor) -> Tensor:
    """Return `scale` times what clips the global norm `scale`·`norm` of each member to 1."""
    return scale * (CLIP / (scale * norm + _CLIP_EPS)).clamp(max=1.0)

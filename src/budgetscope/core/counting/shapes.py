"""Shape families: the shape for a size, and the conversion of N and FLOPs between counting conventions.

The `porian` family has the 16 shapes of Porian et al. 2024. The `dense` family has the same depths at the same
widths, and continues through published Llama and GPT-3 shapes to above 10 trillion parameters.
"""

import bisect
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property, lru_cache
from itertools import pairwise

from budgetscope.core.counting.ledger import Convention, Shape, default_d_ff
from budgetscope.core.errors import UsageError

PORIAN_VOCAB_SIZE = 50432
PORIAN_SEQ_LEN = 2048

# (width, depth) of the 16 models of Porian et al. 2024; source: open_lm_fork, open_lm/model_configs.
PORIAN_SHAPES = (
    (96, 3), (128, 4), (160, 5), (224, 6), (288, 8), (320, 9), (384, 10), (480, 12),
    (576, 14), (640, 15), (704, 18), (832, 21), (1024, 23), (1120, 26), (1312, 26), (1504, 30),
)  # fmt: skip

# (width, depth) of the published shapes above Porian's that the dense family follows.
_PUBLISHED_ANCHORS = (
    (4096, 32),  # Touvron et al. 2023 (LLaMA), table 2, 6.7B
    (5120, 40),  # LLaMA 13B
    (6656, 60),  # LLaMA 33B
    (8192, 80),  # LLaMA 65B
    (12288, 96),  # Brown et al. 2020 (GPT-3), table 2.1, 175B
    (16384, 126),  # Grattafiori et al. 2024 (Llama 3), table 3, 405B
)
# Largest relative change of a family's depth to meet a size: published shapes scatter as much.
_DEPTH_SHARE = 0.15
_CLOSE_ENOUGH = math.log(1.01)
_NEAR_ENOUGH = math.log(1.05)

_HEAD_STEP = 16
"""Least width of a head; every width is a multiple of it."""

# No dense shape above 405B is published. Depth grows as the square root of the width there (our choice).
_WIDEST = 98304


def _dense_widths() -> list[int]:
    """Return the widths: multiples of 16, then of 32, 256 and 1024, which GPUs compute efficiently."""
    return [
        *range(16, 96, 16),
        *range(96, 2048, 32),
        *range(2048, 8192, 256),
        *range(8192, _WIDEST + 1, 1024),
    ]


def _dense_depth(width: int) -> int:
    anchors = ((16, 1), *PORIAN_SHAPES, *_PUBLISHED_ANCHORS)
    last_width, last_depth = anchors[-1]
    if width >= last_width:
        return round(last_depth * math.sqrt(width / last_width))
    after = next(i for i, (w, _) in enumerate(anchors) if w > width)
    (w0, d0), (w1, d1) = anchors[after - 1], anchors[after]
    return round(d0 + (d1 - d0) * math.log(width / w0) / math.log(w1 / w0))


def _dense_heads(width: int) -> int:
    """Return the number of heads: of width 128 from width 2048 up, else the widest of 64, 32, 16 that divides it."""
    head_dims = (128,) if width >= 2048 else (64, 32, _HEAD_STEP)
    return width // next(dim for dim in head_dims if width % dim == 0)


@dataclass(frozen=True, slots=True)
class _ShapeRule:
    """The (width, depth) of each shape of a family, and its number of heads by width."""

    sizes: tuple[tuple[int, int], ...]
    heads: Callable[[int], int]


@cache
def _shape_rules() -> dict[str, _ShapeRule]:
    dense = tuple((width, _dense_depth(width)) for width in _dense_widths())
    return {"dense": _ShapeRule(dense, _dense_heads), "porian": _ShapeRule(PORIAN_SHAPES, lambda _: 4)}


FAMILIES = ("dense", "porian")


class ShapeFamily:
    """Shapes by growing size, with parameters and FLOPs of every convention interpolated between them.

    A position in the family is a real number: 0 is the smallest member, 1 the next one. Between two members counts are
    interpolated linearly in their logarithms, and beyond the ends they are extrapolated. Conversions are exact at the
    members and continuous everywhere.
    """

    def __init__(self, shapes: Sequence[Shape], *, fixed: bool = False) -> None:
        """Take the members.

        Args:
            shapes: by growing size.
            fixed: whether `to_build` returns members only.
        """
        self.shapes = tuple(shapes)
        self._fixed = fixed
        self._logs: dict[Convention, tuple[list[float], list[float]]] = {}

    def _log_params(self, convention: Convention) -> list[float]:
        return self._counted(convention)[0]

    def _log_flops(self, convention: Convention) -> list[float]:
        return self._counted(convention)[1]

    def _counted(self, convention: Convention) -> tuple[list[float], list[float]]:
        """Return ln N and ln FLOPs a token of the members by a convention, counted when first asked for."""
        if convention not in self._logs:
            counts = [shape.count(convention) for shape in self.shapes]
            self._logs[convention] = (
                [math.log(count.n_params) for count in counts],
                [math.log(count.flops_per_token) for count in counts],
            )
        return self._logs[convention]

    @cached_property
    def _log_executed(self) -> list[float]:
        return [math.log(shape.executed_flops_per_token) for shape in self.shapes]

    def position(self, n_params: float, convention: Convention) -> float:
        """Return the position at which the family has `n_params` parameters by that convention."""
        return _inverse(self._log_params(convention), math.log(n_params))

    def n_params(self, position: float, convention: Convention) -> float:
        """Return the parameters at a position."""
        return math.exp(_interpolate(self._log_params(convention), position))

    def flops_per_token(self, position: float, convention: Convention) -> float:
        """Return the training FLOPs a token at a position, by a convention."""
        return math.exp(_interpolate(self._log_flops(convention), position))

    def executed_flops_per_token(self, position: float) -> float:
        """Return the FLOPs a token that the machine executes at a position (see `Shape`)."""
        return math.exp(_interpolate(self._log_executed, position))

    def convert(self, n_params: float, source: Convention, target: Convention) -> float:
        """Convert a number of parameters from the convention `source` to the convention `target`."""
        if source == target:
            return n_params
        return self.n_params(self.position(n_params, source), target)

    def nearest(self, n_params: float, convention: Convention) -> Shape | None:
        """Return the member whose size is nearest in ratio; None beyond the family's ends."""
        position = self.position(n_params, convention)
        if not -0.5 <= position <= len(self.shapes) - 0.5:
            return None
        logs, wanted = self._log_params(convention), math.log(n_params)
        return self.shapes[min(range(len(logs)), key=lambda i: abs(logs[i] - wanted))]

    def to_build(self, n_params: float, convention: Convention) -> Shape | None:
        """Return a shape of about `n_params`: a member within 1%, else one with changed depth, else a width between.

        The members are steps in width, so that the nearest one may be 15% off; depth is chosen to come closer. In a
        small model the output head has most of the weights: where no depth comes within 5%, a width halfway between
        two members may. None where `nearest` returns None.
        """
        member = self.nearest(n_params, convention)

        def miss(shape: Shape) -> float:
            return abs(math.log(shape.count(convention).n_params / n_params))

        if member is None or self._fixed or miss(member) <= _CLOSE_ENOUGH:
            return member
        index = self.shapes.index(member)
        near = self.shapes[max(index - 1, 0) : index + 2]
        best = min(_with_depths(near), key=miss)
        if miss(best) <= _NEAR_ENOUGH:
            return best
        return min((best, *_with_depths(_halfway(near))), key=miss)


def _with_depths(shapes: Sequence[Shape]) -> list[Shape]:
    return [replace(shape, depth=depth) for shape in shapes for depth in _depths_near(shape.depth)]


def _halfway(shapes: Sequence[Shape]) -> list[Shape]:
    """Return the shapes halfway in width between neighbours, where their heads can have a usual width."""
    found = []
    for lower, upper in pairwise(shapes):
        width = (lower.width + upper.width) // 2
        if not width % _HEAD_STEP:
            heads = _dense_heads(width)
            shape = replace(lower, width=width, d_ff=default_d_ff(width), n_heads=heads, n_kv_heads=heads)
            found.append(shape)
    return found


def _depths_near(depth: int) -> range:
    """Return the allowed depths around a member's depth: at least one layer more or less."""
    spare = max(round(_DEPTH_SHARE * depth), 1)
    return range(max(depth - spare, 1), depth + spare + 1)


def _interpolate(values: Sequence[float], position: float) -> float:
    left = min(max(math.floor(position), 0), len(values) - 2)
    return values[left] + (position - left) * (values[left + 1] - values[left])


def _inverse(values: Sequence[float], wanted: float) -> float:
    left = min(max(bisect.bisect_right(values, wanted) - 1, 0), len(values) - 2)
    return left + (wanted - values[left]) / (values[left + 1] - values[left])


@lru_cache(maxsize=64)
def shape_family(
    name: str = "dense",
    *,
    vocab_size: int = PORIAN_VOCAB_SIZE,
    seq_len: int = PORIAN_SEQ_LEN,
    tied: bool = False,
) -> ShapeFamily:
    """Return the shape family of a name, with this vocabulary and context.

    Raises:
        UsageError: no family has that name, or a size is out of bounds.
    """
    if name not in FAMILIES:
        raise UsageError(f"{name!r} is not a shape family; choose one of {', '.join(FAMILIES)}.")
    rule = _shape_rules()[name]
    shapes = [
        Shape(
            depth=depth,
            width=width,
            d_ff=default_d_ff(width),
            n_heads=rule.heads(width),
            n_kv_heads=rule.heads(width),
            vocab_size=vocab_size,
            seq_len=seq_len,
            tied=tied,
        )
        for width, depth in rule.sizes
    ]
    return ShapeFamily(shapes, fixed=name == "porian")

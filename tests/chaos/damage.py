"""Damage to the bytes of a file: flipped, overwritten, deleted, inserted or cut."""

import random
from dataclasses import dataclass

_KINDS = ("flip", "overwrite", "zero", "delete", "insert", "cut")


@dataclass(frozen=True)
class Damaged:
    """Bytes with one damaged place.

    Attributes:
        data: the bytes.
        kind: of the damage.
        start, end: of the damaged bytes in the original; all from `start` on for a cut.
    """

    data: bytes
    kind: str
    start: int
    end: int


def _noise(length: int, rng: random.Random) -> bytes:
    """Return any bytes, or such as numbers and JSON are made of, which a reader does not refuse at once."""
    return rng.randbytes(length) if rng.random() < 0.5 else bytes(rng.choices(b'0123456789.,eE+-"{}[]: \n', k=length))


def damage(whole: bytes, rng: random.Random, longest: int = 40) -> Damaged:
    """Return a copy with one damaged place of at most `longest` bytes; never the same bytes."""
    while True:
        kind = rng.choice(_KINDS)
        start = rng.randrange(len(whole))
        end = min(len(whole), start + rng.randint(1, longest))
        inside = {
            "flip": bytes([whole[start] ^ 1 << rng.randrange(8)]) + whole[start + 1 : end],
            "overwrite": _noise(end - start, rng),
            "zero": bytes(end - start),
            "delete": b"",
            "insert": _noise(rng.randint(1, longest), rng) + whole[start:end],
            "cut": b"",
        }[kind]
        end = len(whole) if kind == "cut" else end
        data = whole[:start] + inside + whole[end:]
        if data != whole:
            return Damaged(data, kind, start, end)

"""Budgets of known meaning: read as what they were made from, or refused in one line."""

import random

from tests.chaos.counts import Counts

from budgetscope.core.budget.describe import describe
from budgetscope.core.budget.parse import (
    Budget,
    ComputeBudget,
    HardwareBudget,
    LossTarget,
    SizeTarget,
    TokensTarget,
    parse_budget,
)

_DEVICES = ("H100", "H100 SXM", "A100-80GB", "L40S", "T4", "RTX 4090", "MI300X", "GH200", "my-cluster")
_JOINTS = (" ", ", ", " for ", " at ", " on ", " with ")
_NOISE = (" ", ",", "-", ".", "%", "x", "/", "10", "k", " not ", "½", "\x1b", "\u2028")


def campaign(seed: int, deadline: float) -> Counts:
    """Read sentences of known meaning, and the same ones after a slip of the keyboard."""
    counts = Counts()
    for rng in counts.attempts(seed, deadline):
        text, meaning = sentence(rng)
        with counts.watched(text):
            found = parse_budget(text)
            if found != meaning:
                counts.fault("wrong", f"{text!r} means {describe(meaning)!r} and was read as {describe(found)!r}")
        slipped = slip(rng, text)
        with counts.watched(slipped):
            found = parse_budget(slipped)
            if parse_budget(describe(found)) != found:
                counts.fault("wrong", f"{slipped!r} was read as what its description {describe(found)!r} does not mean")
    return counts


def sentence(rng: random.Random) -> tuple[str, Budget]:
    """Return a text and what it means."""
    amount = float(f"{rng.uniform(1, 999):.3g}e{rng.choice((3, 6, 9, 12))}")
    kind = rng.randrange(6)
    if kind == 0:
        return _spelled(rng, f"{amount * 1e9!r}", ("{}", "{} FLOPs", "C={}")), ComputeBudget(amount * 1e9)
    if kind == 1:
        return _spelled(rng, f"{amount:.0f}", ("N={}", "N = {}")), SizeTarget(amount)
    if kind == 2:
        return _spelled(rng, f"{amount:,.0f}", ("D={}", "{} tokens")), TokensTarget(amount)
    if kind == 3:
        loss = round(rng.uniform(1.8, 4.0), 3)
        return f"loss {loss}", LossTarget(loss)
    if kind == 4:
        return _spelled(rng, f"{amount:,.0f}", ("${}", "{} USD")), HardwareBudget(usd=amount)
    n, days, mfu, price = rng.randint(2, 4096), rng.randint(2, 99), rng.randint(10, 70), rng.randint(1, 99) / 10
    phrases = [f"{n} x {rng.choice(_DEVICES)},", f"{days} days", f"{mfu}% MFU", f"${price:.2f}/h"]
    device = phrases[0].split(" x ")[1].rstrip(",")
    budget = HardwareBudget(
        device=device, n_devices=n, hours=24.0 * days, mfu=mfu / 100, price_usd_per_device_hour=price
    )
    rng.shuffle(phrases)
    text = phrases[0]
    for phrase in phrases[1:]:
        text += rng.choice(_JOINTS) + phrase
    return text, budget


def _spelled(rng: random.Random, amount: str, ways: tuple[str, ...]) -> str:
    return rng.choice(ways).format(amount)


def slip(rng: random.Random, text: str) -> str:
    """Return a text with a place of up to three characters dropped, repeated or replaced."""
    start = rng.randrange(len(text))
    end = start + rng.randint(0, 3)
    inside = rng.choice(("", 2 * text[start:end], rng.choice(_NOISE), text[start:end][::-1]))
    return text[:start] + inside + text[end:]

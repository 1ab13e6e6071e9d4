"""Budgets of known meaning, and slips of the keyboard: read as what they were made from, or refused in one line."""

from tests import budget_sentences
from tests.budget_sentences import sentence, slip
from tests.chaos.counts import Counts


def campaign(seed: int, deadline: float) -> Counts:
    """Read sentences of known meaning, and each again after a slip of the keyboard."""
    counts = Counts()
    for rng in counts.attempts(seed, deadline):
        said = sentence(rng)
        with counts.watched(said.text):
            if wrong := budget_sentences.fault(said):
                counts.fault("wrong", wrong)
        slipped = slip(rng, said.text)
        with counts.watched(slipped):
            if wrong := budget_sentences.fault_of_slip(slipped):
                counts.fault("wrong", wrong)
    return counts

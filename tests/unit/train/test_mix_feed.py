"""The windows of a mix, as a stack reads them from its device."""

from importlib.util import find_spec

import numpy as np
import pytest
from tests.unit.train.conftest import SHAPE, cell

from budgetscope.calibrate.corpus.sampling import Tokens
from budgetscope.calibrate.plan.mixture import SourceFacts

if not find_spec("torch"):
    pytest.skip("torch is not installed", allow_module_level=True)

import torch

from budgetscope.calibrate.train.feed import Feed


@pytest.mark.parametrize("n_train", [1000, 100_000])  # the device holds the whole corpus, or the windows
def test_windows_come_from_their_sources_by_share(n_train: int) -> None:
    facts = tuple(SourceFacts(str(k), share, "", n_train, 400, 1.0) for k, share in enumerate((0.75, 0.25)))
    train, validation = (np.repeat(np.arange(2, dtype=np.uint16), n) for n in (n_train, 400))
    tokens = Tokens(train, validation, 32, facts)
    members = [cell(seed=seed) for seed in range(2)]
    feed = Feed(members, tokens, torch.device("cpu"), 4, 10, 4)
    micro_steps = members[0].tokens // (4 * SHAPE.seq_len)
    windows = torch.cat([feed.training(torch.tensor(k)) for k in range(micro_steps)], dim=1)
    assert (windows == windows[..., :1]).all()
    shares = windows[..., 0].float().mean(1)
    assert shares.tolist() == pytest.approx([0.25, 0.25], abs=0.01)
    of_second, weight = 0.0, 0.0
    for chunk in range(feed.n_eval_chunks):
        some, weights = feed.held_out(torch.tensor(chunk))
        of_second += float(weights @ some[:, 0].float())
        weight += float(weights.sum())
    assert weight == pytest.approx(feed.n_eval_sequences)
    assert of_second / weight == pytest.approx(0.25)

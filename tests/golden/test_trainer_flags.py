"""Command lines of recipes against the flags of their trainers, and nanochat's published sizes.

`trainer_flags.json` has the names of flags, transcribed from the files that it names; of Megatron-LM's those in use.
Its checksum shows an edit. What installs is read by its own parser too (tests/recipes).
"""

import hashlib
import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from tests.asking import ADVISOR

from budgetscope.api import PlanRequest
from budgetscope.core.answers.training_setup import TrainingSetup
from budgetscope.core.counting.ledger import Shape
from budgetscope.core.hardware.memory import Layout, Recompute, Regime
from budgetscope.report.recipes.nanochat import n_params
from budgetscope.report.recipes.page import trainer_recipe
from budgetscope.report.recipes.targets import target

TABLES = json.loads((Path(__file__).parent / "trainer_flags.json").read_text(encoding="utf-8"))
_FLAG = re.compile(r"^ +(--[a-z0-9-]+)", re.MULTILINE)


@pytest.mark.parametrize("name", TABLES)
def test_the_tables_are_as_they_were_transcribed(name: str) -> None:
    flags = TABLES[name]["flags"]
    assert hashlib.sha256("\n".join(flags).encode()).hexdigest() == TABLES[name]["flags_sha256"]


def setups(name: str) -> list[TrainingSetup]:
    """Return the setup of a plan, and one that needs the trainer's rarer flags."""
    plain = ADVISOR.trainer_recipe(ADVISOR.answer(PlanRequest("1e18")), name).setup
    grouped = Shape(depth=8, width=512, d_ff=1536, n_heads=8, n_kv_heads=4, vocab_size=50432, seq_len=2048)
    regime = Regime.MEGATRON if name == "megatron" else Regime.FSDP2
    lean = Layout(regime, 4, 2 if name == "megatron" else 1, sequence_parallel=True, recompute=Recompute.FULL)
    return [plain, replace(plain, shape=grouped, placed=replace(plain.placed, layout=lean))]


@pytest.mark.parametrize("name", TABLES)
def test_every_flag_of_a_recipe_is_one_of_its_trainer(name: str) -> None:
    for setup in setups(name):
        script = dict(trainer_recipe(target(name), setup, "").files)["train.sh"]
        # torchrun's own flags stand in its line.
        used = {flag for flag in _FLAG.findall(script) if not flag.startswith("--rdzv")}
        assert len(used) > 10
        assert used <= set(TABLES[name]["flags"])


@pytest.mark.parametrize(
    ("depth", "published"), [(12, 286_261_730), (20, 896_533_746), (24, 1_384_122_122)], ids=["d12", "d20", "d24"]
)
def test_nanochats_parameters(depth: int, published: int) -> None:
    assert n_params(depth, 64 * depth, depth // 2, 32_768) == published

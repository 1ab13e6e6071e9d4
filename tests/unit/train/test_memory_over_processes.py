"""The shards of a model over two processes, as the benchmark of memory makes them: bytes and loss."""

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch")

from tests.unit.train.test_memory_of_training import REPEATS_HEADS

BENCHMARK = Path(__file__).resolve().parents[3] / "benchmarks" / "memory.py"
_LINES = 8


@pytest.mark.slow
@pytest.mark.skipif(REPEATS_HEADS, reason="torch before 2.9 has no fused kernel of grouped heads here")
def test_two_processes_hold_the_shards_that_are_estimated() -> None:
    """The benchmark stops where bytes of weights, gradients and moments, or the loss, are not what they should be."""
    launched = (sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2")
    ran = subprocess.run([*launched, BENCHMARK, "--device", "cpu"], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    held = [line for line in ran.stdout.splitlines() if "loss x" in line]
    assert len(held) == _LINES
    for line in held:
        measured, expected = line[line.index("(") : line.index(";")].split(" of ")
        assert measured == expected

"""What a user sees is what was recorded; after a change that is meant: python tools/record.py."""

import subprocess
import sys
from pathlib import Path

import pytest

RECORDER = Path(__file__).resolve().parents[2] / "tools" / "record.py"


def check(kind: str) -> None:
    """Record anew in a process of its own, where no other test has left its traces."""
    ran = subprocess.run([sys.executable, RECORDER, "--check", kind], capture_output=True, text=True, check=False)
    if ran.returncode:
        pytest.fail(f"{ran.stdout}{ran.stderr}", pytrace=False)


@pytest.mark.slow
def test_commands_say_what_they_said() -> None:
    check("commands")


@pytest.mark.slow
def test_screens_show_what_they_showed() -> None:
    check("screens")

"""Write requirements-dev.lock: the versions of this environment, as constraints for pip."""

import subprocess
import sys
from pathlib import Path

LOCK = Path(__file__).resolve().parents[1] / "requirements-dev.lock"
HEAD = "# Versions of the development environment that CI uses; written by `just lock`.\n"
# Tools of the environment itself, and packages of one particular build of torch.
LEFT_OUT = ("pip==", "setuptools==", "wheel==", "nvidia-", "triton==")


def main() -> None:
    """Write the file without build labels such as torch's +cpu, so that any build of the version matches."""
    frozen = subprocess.run(
        [sys.executable, "-m", "pip", "freeze", "--exclude-editable"], capture_output=True, text=True, check=True
    ).stdout
    lines = [line.partition("+")[0] for line in frozen.splitlines() if "==" in line and not line.startswith(LEFT_OUT)]
    LOCK.write_text(HEAD + "\n".join(lines) + "\n", encoding="utf-8")
    print(f"wrote {len(lines)} versions to {LOCK.name}")


if __name__ == "__main__":
    main()

"""Time the whole process of `budgetscope plan 1e21`, alternating with `python -c "import numpy"`.

Target: at most 5 times. Run: python benchmarks/start.py
"""

import statistics
import subprocess
import sys
import time

RUNS = 15
PLAN = [sys.executable, "-m", "budgetscope", "plan", "1e21"]
BASELINE = [sys.executable, "-c", "import numpy"]


def seconds(command: list[str]) -> float:
    """Return the wall time of one run."""
    start = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def main() -> None:
    """Time both in turn after a warm-up; print the medians and the median ratio of the pairs."""
    seconds(PLAN), seconds(BASELINE)
    pairs = [(seconds(PLAN), seconds(BASELINE)) for _ in range(RUNS)]
    plan, baseline = (statistics.median(column) for column in zip(*pairs, strict=True))
    ratio = statistics.median(a / b for a, b in pairs)
    print(f"budgetscope plan 1e21    {plan:.3f} s (median of {RUNS})")
    print(f"python -c 'import numpy' {baseline:.3f} s")
    print(f"ratio                    {ratio:.2f} (target: at most 5)")


if __name__ == "__main__":
    main()

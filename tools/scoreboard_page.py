"""Write docs/reference/scoreboard.md from the bundled scoreboard; with --check, fail when it is out of date.

Run from the repository's root: `python -m tools.scoreboard_page`. With --score, the bundled scoreboard itself is made
anew first, from the folder of published points that BUDGETSCOPE_REFERENCE names, with the bundled fits.
"""

import sys
from pathlib import Path

from budgetscope.api.scoreboard import bundled_scoreboard, dump, score_all
from budgetscope.core.laws.scoreboard import Scoreboard
from budgetscope.report.scoreboard import markdown
from budgetscope.store.fit_library import Layer, Library
from budgetscope.store.locations import bundled_fits, bundled_scoreboard_file

PAGE = Path(__file__).resolve().parents[1] / "docs/reference/scoreboard.md"
HEAD = """# Scoreboard of recipes

What the bundled laws of learning rate and batch would have cost on public grids that vary both. Written by
`python -m tools.scoreboard_page` from the bundled `src/budgetscope/data/scoreboard.json`, which is made by
`budgetscope score --all` and holds only figures that this project derived.

- **Excess** is the loss at the law's learning rate and batch, interpolated between the runs around it, above the lowest
  loss that was measured at the same N and D. The interpolation keeps to the losses of the runs and does not leave the
  grid. One run's noise is 0.001 to 0.003 nats: differences below that mean nothing.
- **Compute** is the factor of compute that a run with this recipe needs to reach the lowest loss, N and D growing
  alike, along the surface E + A/N^alpha + B/D^beta through the lowest losses of the cells.
- **In range** counts the cells inside the range of N, D, C and D/N that the law was fitted on.
- N is converted into each law's counting by the dense shape family, with a vocabulary of 50,432.

"""


def scored() -> Scoreboard:
    """Return the scoreboard of the bundled fits."""
    entries = Library((Layer("bundled", bundled_fits()),)).entries()
    return score_all([entry.fit for entry in entries if entry.fit is not None])


def main() -> int:
    """Write or check the page."""
    check = "--check" in sys.argv[1:]
    if "--score" in sys.argv[1:]:
        bundled_scoreboard_file().write_text(dump(scored()), encoding="utf-8")
    text = HEAD + "\n".join(markdown(bundled_scoreboard())).rstrip() + "\n"
    if PAGE.exists() and PAGE.read_text(encoding="utf-8") == text:
        return 0
    print(f"{'out of date' if check else 'wrote'}: {PAGE.name}")
    if not check:
        PAGE.write_text(text, encoding="utf-8")
    return int(check)


if __name__ == "__main__":
    sys.exit(main())

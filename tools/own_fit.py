"""Fit the runs of this project's own calibration together and write the bundled fit.

Run from the repository's root: `python -m tools.own_fit`, with BUDGETSCOPE_REFERENCE naming the folder of published
points and run folders. On one machine the same runs give the same file to the last digit.

The two runs have one design and one corpus; the second has other weights and another order of the text. Each took its
own settings from its own stage 1, so that the scatter of the six seeds holds the error of the settings, too.
"""

import os
import sys
import tarfile
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from budgetscope.calibrate.fit import build_fit
from budgetscope.calibrate.plan.spec import Spec, parse_spec
from budgetscope.calibrate.run import events
from budgetscope.calibrate.run.fold import fold
from budgetscope.calibrate.run.state import CellState, RunState, combine
from budgetscope.core.laws.fit import Fit
from budgetscope.store.files import write_atomically
from budgetscope.store.fit_schema import dump

FITS = Path(__file__).resolve().parents[1] / "fits"
FIT_ID = "budgetscope2026/english"
ARCHIVE = Path("calibration-2026-11-29", "runs.tar.xz")
"""Of the run folders, below the folder of published points; a folder of its own for each letter."""
LETTERS = "ab"


def run_folders(reference: Path, letters: str = LETTERS) -> dict[str, tuple[Spec, RunState]]:
    """Return spec and state of run folders, by letter."""
    found = {}
    with tarfile.open(reference / ARCHIVE) as archive:
        for letter in letters:
            spec = parse_spec(_read(archive, f"{letter}/spec.json").decode())
            lines = _read(archive, f"{letter}/events.jsonl").splitlines(keepends=True)
            # Written before lines had checksums.
            found[letter] = spec, combine([fold(events.decode(line, checked=False) for line in lines)])
    return found


def _read(archive: tarfile.TarFile, name: str) -> bytes:
    file = archive.extractfile(f"./{name}")
    if file is None:
        raise ValueError(name)
    return file.read()


def joined(runs: Sequence[tuple[Spec, RunState]]) -> tuple[Spec, RunState]:
    """Return runs of one design and one corpus as one run, the seeds of each after those of the one before.

    Raises:
        ValueError: the designs or the corpora differ.
    """
    (spec, state), *others = runs
    for other, _ in others:
        if (other.design, other.corpus.sha256) != (spec.design, spec.corpus.sha256):
            raise ValueError(f"the runs {spec.run!r} and {other.run!r} differ in design or corpus")
    step = 1 + max(s.cell.seed for _, each in runs for s in each.cells.values())
    cells = [_renumbered(each.cells.values(), step * number) for number, (_, each) in enumerate(runs)]
    seeds = tuple(seed + step * number for number in range(len(runs)) for seed in spec.design.seeds)
    whole = replace(
        state,
        cells={s.cell.id: s for each in cells for s in each},
        # What stage 1 says is said of all of it.
        problems=(),
        starts=sum(each.starts for _, each in runs),
        trained_flops=sum(each.trained_flops for _, each in runs),
        trained_seconds=sum(each.trained_seconds for _, each in runs),
        trained_tokens=sum(each.trained_tokens for _, each in runs),
        startup_seconds=sum(each.startup_seconds for _, each in runs),
    )
    names = ", ".join(each.run for each, _ in runs)
    return replace(spec, run=names, design=replace(spec.design, seeds=seeds)), whole


def _renumbered(states: Iterable[CellState], shift: int) -> list[CellState]:
    return [replace(s, cell=replace(s.cell, seed=s.cell.seed + shift)) for s in states]


def own_fit(runs: Sequence[tuple[Spec, RunState]]) -> Fit:
    """Return the fit of runs together, as it is bundled."""
    spec, state = joined(runs)
    corpus = replace(spec.corpus, title="an English mix")
    fit = build_fit(state, replace(spec, fit_id=FIT_ID, corpus=corpus))
    return replace(
        fit,
        title="budgetscope 2026, English mix",
        citation=f"budgetscope's own calibration, {len(runs)} runs on one H200 each, {spec.created[:10]}, {spec.run}",
        url="docs/explanation/calibration.md",
        provenance={**fit.provenance, "spec_sha256": ", ".join(each.sha256 for each, _ in runs)},
    )


def main() -> int:
    """Write the fit."""
    named = os.environ.get("BUDGETSCOPE_REFERENCE")
    if not named:
        print("set BUDGETSCOPE_REFERENCE to the folder of published points and run folders", file=sys.stderr)
        return 2
    fit = own_fit(list(run_folders(Path(named)).values()))
    write_atomically(FITS / f"{fit.id}.json", dump(fit))
    print(fit.id)
    return 0


if __name__ == "__main__":
    sys.exit(main())

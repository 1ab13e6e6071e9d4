"""Whether intervals hold out of sample: N* and L* at budgets that a fit has not seen.

    BUDGETSCOPE_REFERENCE=../shared/reference python -m benchmarks.coverage [--seeds 10] [--draws 300]

Each data set is cut below each of its budgets that leaves at least five, fitted by the joint fit with the loss
forecast and by the present Akima bootstrap, and asked for every budget above the cut. The five-minute calibration c
is also asked for the budgets of a and b above its own, and every cut of the calibrations for 1e22 FLOPs against
Porian et al.'s tuned law. "weighed" is a calibration's law with the published exponents. Planted surfaces know the
truth; planted calibrations have the cells of a, b and c and heads that bend their optima (`coverage_planted.py`). Of
measured sets the truth is the optimum that Akima's spline finds in the whole table at that budget: `held`
counts those inside the interval as they stand; `+own` allows for their own noise, in quadrature (a measured optimum
would lie off a law known exactly).
"""

from __future__ import annotations

import argparse
import os
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
from benchmarks.coverage_data import TRUTHS, DataSet, calibrations, hoffmann, planted, porian
from benchmarks.coverage_planted import planted_calibration

from budgetscope.core.errors import UsageError
from budgetscope.fitting.isoflop import IsoFlopFit, fit_isoflop
from budgetscope.fitting.joint import DRIFT_START, JointFit, fit_joint
from budgetscope.fitting.loss_forecast import LossForecast, forecast_of
from budgetscope.fitting.run_table import RunTable, budget_levels
from budgetscope.fitting.weighing import PUBLISHED, Weighed, prior_of, weighed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MIN_TRAINED = 5
FAR = 1e22
Z = 1.96
NOTHING = (np.nan, np.nan, np.nan)


class Optimum(NamedTuple):
    """A held-out optimum: C, ln N*, ln L*, and the standard deviations of the last two by its own noise."""

    flops: float
    log_n: float
    log_loss: float
    n_std: float
    loss_std: float


class Predicted(NamedTuple):
    """Predictions at a budget: middle, low and high of ln N* and of ln L*; NaN where there is none."""

    n: tuple[float, float, float]
    loss: tuple[float, float, float]


@dataclass
class Tally:
    """Predictions of one way on one group."""

    errors: list[list[float]]
    held: list[list[bool]]
    own: list[list[bool]]
    half: list[list[float]]
    distance: list[float]
    noise: list[float] = field(default_factory=list)
    bend: list[float] = field(default_factory=list)

    def add(self, predicted: Predicted, truth: Optimum, distance: float) -> None:
        """Count one prediction."""
        pairs = ((predicted.n, truth.log_n, truth.n_std), (predicted.loss, truth.log_loss, truth.loss_std))
        self.errors.append([s[0] - t for s, t, _ in pairs])
        self.held.append([bool(s[1] <= t <= s[2]) for s, t, _ in pairs])
        self.own.append([_inside(s, t, noise) for s, t, noise in pairs])
        self.half.append([(s[2] - s[1]) / 2 for s, _, _ in pairs])
        self.distance.append(distance)

    def line(self) -> str:
        """Coverage and errors, ln N in hundredths, loss in permille."""
        predicted = ~np.isnan(np.array(self.errors))
        kinds = [k for k in (0, 1) if predicted[:, k].any()]
        rms = [float(np.sqrt(np.mean(np.array(self.errors)[predicted[:, k], k] ** 2))) for k in kinds]
        mean = [float(np.array(self.errors)[predicted[:, k], k].mean()) for k in kinds]
        held, own = ([float(np.array(v)[predicted[:, k], k].mean()) for k in kinds] for v in (self.held, self.own))
        half = [float(np.median(np.array(self.half)[predicted[:, k], k])) for k in kinds]
        of_n = f"{predicted.shape[0]:5d} | {rms[0]:6.3f} {mean[0]:+7.3f} {held[0]:6.1%} {own[0]:6.1%} {half[0]:6.2f} |"
        if kinds == [0]:
            return of_n
        return f"{of_n} {1e3 * rms[1]:6.1f} {1e3 * mean[1]:+6.1f} {held[1]:6.1%} {own[1]:6.1%} {1e3 * half[1]:6.1f}"


def _inside(predicted: tuple[float, float, float], truth: float, noise: float) -> bool:
    middle, low, high = predicted
    reach = np.hypot(high - middle if truth > middle else middle - low, Z * noise)
    return bool(abs(truth - middle) <= reach)


def logs(values: list[float]) -> tuple[float, float, float]:
    """Logarithms of a middle, a low and a high."""
    middle, low, high = np.log(values).tolist()
    return middle, low, high


def by_joint(data: DataSet, table: RunTable) -> tuple[JointFit, LossForecast | None]:
    """The joint fit and the loss forecast, None where there are too few budgets for it."""
    fit = fit_joint(table)
    try:
        return fit, forecast_of(fit, bytes_per_token=data.bytes_per_token)
    except UsageError:
        return fit, None


def joint_predicts(fits: tuple[JointFit, LossForecast | None], flops: float) -> Predicted:
    """Return their prediction at a budget."""
    fit, forecast = fits
    loss = NOTHING if forecast is None else logs([forecast.at(flops), *forecast.interval_at(flops)])
    return Predicted(logs([fit.at(flops), *fit.interval_at(flops)]), loss)


def weighed_predicts(law: Weighed, flops: float) -> Predicted:
    """Return the prediction of a weighed law at a budget; it has none of the loss."""
    middle, half = law.log_n_at(flops), law.line.half_width(flops)
    return Predicted((middle, middle - half, middle + half), NOTHING)


def akima_predicts(fit: IsoFlopFit, flops: float) -> Predicted:
    """Return the prediction of an IsoFLOP fit at a budget."""
    curve = fit.loss_curve
    loss = NOTHING if curve is None else logs([curve.at(flops), *curve.interval_at(flops)])
    return Predicted(logs([fit.n_params.at(flops), *fit.n_params.interval_at(flops)]), loss)


def akima(data: DataSet, table: RunTable, draws: int) -> IsoFlopFit:
    """The present engine, with the noise and the intervals that `budgetscope fit` would take."""
    how: Literal["scatter", "noise"] = "scatter" if data.noise is None else "noise"
    return fit_isoflop(table, noise=data.noise, draws=draws, intervals=how)


def measured(data: DataSet, draws: int) -> list[Optimum]:
    """The optima of a data set at all its budgets: exact for planted runs, Akima's for measured ones."""
    if data.truth is not None:
        return [Optimum(c, *data.truth(c), 0.0, 0.0) for c in budget_levels(data.table).tolist()]
    optima = akima(data, data.table, draws).optima
    return [Optimum(o.flops, np.log(o.n_params), np.log(o.loss), o.n_log_std, o.loss_log_std) for o in optima]


def cuts(data: DataSet) -> Iterator[RunTable]:
    """The table without its largest budgets, one more at a time."""
    levels = budget_levels(data.table)
    for cut in range(levels.size - 1, MIN_TRAINED - 1, -1):
        yield data.table.rows(data.table.flops <= levels[cut - 1] * 1.05)


def count(data: DataSet, table: RunTable, ahead: list[Optimum], tallies: dict[str, Tally], draws: int) -> None:
    """Fit a cut both ways and count their predictions of the budgets ahead of it."""
    top = float(table.flops.max())
    ahead = [each for each in ahead if each.flops > top * 1.1]
    for way in ("Akima", "joint", *(("weighed",) if data.name.startswith("calibration") else ())):
        tally = tallies.setdefault(way, Tally([], [], [], [], []))
        try:
            predict, noise, bend = _fitted(way, data, table, draws)
        except UsageError as error:
            print(f"  {data.name}, up to {top:.2g}, {way}: {error}")
            continue
        for each in ahead:
            tally.add(predict(each.flops), each, float(np.log(each.flops / top)))
            tally.noise.append(noise(each.flops))
            tally.bend.append(bend)


def _fitted(
    way: str, data: DataSet, table: RunTable, draws: int
) -> tuple[Callable[[float], Predicted], Callable[[float], float], float]:
    """Return a way's predictor, its half-width of ln N* by noise alone, and the bend that it found."""
    if way == "Akima":
        isoflop = akima(data, table, draws)
        return (lambda flops: akima_predicts(isoflop, flops)), (lambda _: np.nan), np.nan
    if way == "weighed":
        law = weighed(fit_joint(table))
        return (lambda flops: weighed_predicts(law, flops)), (lambda _: np.nan), np.nan
    fits = by_joint(data, table)
    fit = fits[0]
    return (lambda flops: joint_predicts(fits, flops)), (lambda flops: fit.half_width(flops, law=False)), fit.bend


def far_away(sets: list[DataSet]) -> str:
    """Errors of ln N* at 1e22 FLOPs against Porian et al.'s tuned law, of every cut and whole calibration.

    The weighed law's prior is without Porian et al.'s two, so that the truth is not in it.
    """
    others = [exponent for name, exponent in PUBLISHED.items() if not name.startswith("porian")]
    truth = float(np.log(0.118926) + 0.4969 * np.log(FAR))
    rows = []
    for data in sets:
        for table in (*cuts(data), data.table):
            fit = fit_joint(table)
            law = weighed(fit, prior_of(others))
            own, both = float(np.log(fit.at(FAR))) - truth, law.log_n_at(FAR) - truth
            half = law.line.half_width(FAR)
            rows.append((own, both, abs(own) <= fit.half_width(FAR), abs(both) <= half, half))
    own, both, own_held, held, half = np.array(rows, dtype=float).T
    rms = [float(np.sqrt(np.mean(errors**2))) for errors in (own, both)]
    return (
        f"N* at {FAR:g} against Porian's tuned law, {len(rows)} cuts: rms error of ln N* {rms[0]:.2f} own, "
        f"{rms[1]:.2f} weighed without Porian; held {own_held.mean():.0%}, {held.mean():.0%}; "
        f"half {np.median(half):.2f} weighed"
    )


def planted_far(sets: dict[str, DataSet], seeds: int) -> Iterator[str]:
    """Yield errors and coverage of weighed laws of planted calibrations, ten times beyond their budgets and at 1e22."""
    for letter in "abc":
        data = sets[letter]
        for noise in (0.003, 0.01):
            found: dict[str, list[tuple[float, float]]] = {}
            refused = 0
            for seed in range(seeds):
                table, truth = planted_calibration(data, seed, noise)
                try:
                    law = weighed(fit_joint(table))
                except UsageError:
                    refused += 1
                    continue
                for where, flops in (("ten times beyond", 10 * law.flops), (f"{FAR:g}", FAR)):
                    error = law.log_n_at(flops) - truth.log_optimum(flops)
                    found.setdefault(where, []).append((error, law.line.half_width(flops)))
            told = []
            for where, rows in found.items():
                error, half = np.array(rows).T
                rms, held = np.sqrt(np.mean(error**2)), np.mean(np.abs(error) <= half)
                told.append(f"{where} rms {rms:.2f}, half {np.median(half):.2f}, held {held:.0%}")
            lost = f"; {refused} refused" if refused else ""
            yield f"planted like {letter}, noise {noise:g}, weighed: {'; '.join(told)}{lost}"


def head_line(whole: DataSet, bodies: DataSet) -> str:
    """Exponent, its interval and budgets of a calibration, with all sizes and without those that are mostly head."""
    told = []
    for data in (whole, bodies):
        try:
            fit = fit_joint(data.table)
        except UsageError:
            told.append("no fit")
            continue
        low, high = fit.exponent_interval()
        told.append(f"{fit.exponent:.3f} [{low:.2f}, {high:.2f}] from {len(fit.flops)} budgets")
    return f"{whole.name}, exponent with all sizes {told[0]}; without heads above half of N {told[1]}"


def noise_alone(seeds: int) -> dict[str, float]:
    """Coverage of N* a factor 8 beyond straight planted surfaces by the covariance alone."""
    found: dict[str, list[bool]] = {}
    for name in ("straight", "skewed"):
        for noise in (0.0005, 0.005):
            for seed in range(seeds):
                data = planted(name, seed, noise=noise)
                fit = fit_joint(data.table)
                flops = fit.flops_range[1] * 8
                error = np.log(fit.at(flops)) - TRUTHS[name].optimum(flops)[0]
                held = bool(abs(error) <= fit.half_width(flops, law=False))
                found.setdefault(f"{name}, noise {noise:g}", []).append(held)
    return {name: float(np.mean(held)) for name, held in found.items()}


def learned_drift(tallies: dict[str, Tally]) -> dict[str, tuple[float, float]]:
    """For each measured group the constant that the others ask for, and the share of its own that this holds.

    It is the least drift at which 95% of the predictions of N* are held, every group counting alike.
    """

    def held(tally: Tally, drift: float) -> float:
        law = Z * np.hypot(drift, tally.bend) * (DRIFT_START + np.array(tally.distance))
        return float((np.abs([n for n, _ in tally.errors]) <= np.hypot(tally.noise, law)).mean())

    grid = np.arange(0.0, 0.1501, 0.001)
    found = {}
    for name in (*tallies, "none"):
        others = [tally for other, tally in tallies.items() if other != name]
        enough = np.array([np.mean([held(t, float(d)) for t in others]) >= 0.95 for d in grid])
        drift = float(grid[enough.argmax()])
        found[name] = drift, held(tallies[name], drift) if name in tallies else np.nan
    return found


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reference", type=Path, default=os.environ.get("BUDGETSCOPE_REFERENCE"))
    parser.add_argument("--seeds", type=int, default=10, help="planted data sets of each truth")
    parser.add_argument("--draws", type=int, default=300, help="of the Akima bootstrap")
    options = parser.parse_args()
    groups: dict[str, dict[str, Tally]] = {}
    start = time.perf_counter()
    sets = [planted(name, seed, noise=0.003) for name in TRUTHS for seed in range(options.seeds)]
    if options.reference:
        sets += [*porian(Path(options.reference)), hoffmann(Path(options.reference))]
        four = calibrations(Path(options.reference))
        sets += four.values()
        bodies = calibrations(Path(options.reference), max_head=0.5)
        heads = [head_line(data, bodies[letter]) for letter, data in four.items()]
        print(far_away(list(four.values())), *heads, *planted_far(four, 20 * options.seeds), sep="\n")
        for other in ("a", "b"):
            ahead = measured(four[other], options.draws)
            count(four["c"], four["c"].table, ahead, groups.setdefault("c against a, b", {}), options.draws)
    for data in sets:
        optima = measured(data, options.draws)
        for table in cuts(data):
            count(data, table, optima, groups.setdefault(data.group, {}), options.draws)
    print(f"{'':28s} {'':5s} | ln N*: rms   mean   held   +own   half | loss permille: rms mean held +own half")
    for name in sorted(groups):
        for way, tally in groups[name].items():
            print(f"{name:20s} {way:7s} {tally.line()}")
    measured_groups = {name: by["joint"] for name, by in groups.items() if not name.startswith("planted")}
    for name, (drift, share) in learned_drift(measured_groups).items() if measured_groups else ():
        held = "" if np.isnan(share) else f", which holds {share:.1%} of its own"
        print(f"drift of ln N* an e-fold that 95% of the others ask for, left out {name}: {drift:.3f}{held}")
    for name, share in noise_alone(20 * options.seeds).items():
        print(f"covariance alone, N* eight times beyond, {name}: {share:.1%}")
    print(f"{time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main()

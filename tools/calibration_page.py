"""Write the charts and tables of the calibration that ships; with --check, fail when one is out of date.

Run from the repository's root: `python -m tools.calibration_page`.

Read: docs/data/english-h200-grid.csv (stage 1), docs/data/english-h200-runs.csv (stage 2), and the bundled fits.
Written: docs/images/calibration-*.svg, and every block between `<!-- calibration: NAME -->` and
`<!-- /calibration -->` in docs/explanation/calibration.md and docs/howto/calibrate.md.
"""

import csv
import math
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import Akima1DInterpolator
from tools.svg import GREY, INK, Axis, Chart

from budgetscope.calibrate.plan.cells import n_params
from budgetscope.calibrate.plan.design import PRESETS
from budgetscope.calibrate.plan.ladder import ladder
from budgetscope.core.laws.fit import Fit
from budgetscope.core.laws.forms import PowerLawParams
from budgetscope.fitting.bootstrap import interval
from budgetscope.fitting.hyperparameters import HyperparameterFit, fit_hyperparameters
from budgetscope.fitting.isoflop import fit_isoflop
from budgetscope.fitting.noise import noise_from_seeds
from budgetscope.fitting.run_table import RunTable, budgets
from budgetscope.fitting.sweep import SweepTable, sweep_cells
from budgetscope.store.fit_library import load

ROOT = Path(__file__).resolve().parents[1]
IMAGES = ROOT / "docs/images"
PAGES = (ROOT / "docs/explanation/calibration.md", ROOT / "docs/howto/calibrate.md")
PROTOTYPE = ((1.2e14, 1.0e6), (2.4e14, 1.2e6), (4.8e14, 1.6e6))
"""(C, N of the lowest loss) of a separate prototype on a similar mix, three seeds; not computed by this code."""
SPLIT = (724992, 899584)
"""Sizes whose seeds fall into two groups."""

_BLOCK = re.compile(r"(<!-- calibration: (?P<name>\w+) -->\n).*?(<!-- /calibration -->)", re.DOTALL)
_RAMP = ("#3b0f70", "#57237c", "#7a2f82", "#a1397f", "#c74a72", "#d95f4e", "#c9781a", "#8f8a00")
_RED = "#b3261e"

Floats = NDArray[np.float64]


@cache
def columns(name: str) -> dict[str, Floats]:
    """Return the columns of a table in docs/data."""
    with (ROOT / "docs/data" / f"english-h200-{name}.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return {key: np.array([float(row[key]) for row in rows]) for key in rows[0]}


@cache
def stored(fit_id: str) -> Fit:
    """Return a bundled fit."""
    return load(ROOT / "fits" / f"{fit_id}.json")


def own() -> Fit:
    """Return the fit of this calibration."""
    return stored("budgetscope2026/english")


def optima() -> tuple[tuple[float, ...], ...]:
    """Return (C, N*, D*, loss, sigma of ln N*, sizes) of each budget."""
    points = own().points
    return () if points is None else points.rows


def allocation(fit: Fit) -> PowerLawParams:
    """Return a fit's N*(C), which is a power law here."""
    law = fit.laws["allocation"].law
    if not isinstance(law, PowerLawParams):
        raise TypeError(fit.id)
    return law


def runs(keep: NDArray[np.bool_] | None = None) -> RunTable:
    """Return the readings of stage 2, or some of them."""
    c = columns("runs")
    keep = np.ones(c["loss"].size, dtype=bool) if keep is None else keep
    seeds = c["seed"][keep].astype(np.int64)
    return RunTable(c["flops"][keep], c["n_params"][keep], c["tokens"][keep], c["loss"][keep], seeds)


@cache
def grid() -> SweepTable:
    """Return the cells of stage 1."""
    c = columns("grid")
    return SweepTable(
        n_params=c["n_params"],
        tokens=c["tokens"],
        learning_rate=c["learning_rate"],
        batch_tokens=c["batch_tokens"],
        loss=c["loss"],
        beta2=c["beta2"],
        seeds=c["seed"].astype(np.int64),
    )


@cache
def recipe() -> HyperparameterFit:
    """Return the laws of stage 1, as a calibration fits them."""
    return fit_hyperparameters(grid(), method="quadratic")


def rule(n: float) -> tuple[float, float]:
    """Return learning rate and batch in tokens by the rounded rule of Porian et al. 2024 (their released code)."""
    return 0.0047 * (n / 108e6) ** (-1 / 3), 160 * 2048 * (n / 108e6) ** (2 / 3)


def short(value: float) -> str:
    """Return a number with three digits and a suffix."""
    for size, suffix in ((1e6, " M"), (1e3, " K")):
        if value >= size:
            return f"{value / size:.3g}{suffix}"
    return f"{value:.3g}"


def power(value: float) -> str:
    """Return a FLOP count, like 4.7e14."""
    mantissa, exponent = f"{value:.1e}".split("e")
    return f"{mantissa}e{int(exponent)}"


def isoflop_chart() -> str:
    """Return the loss over N, a curve a budget."""
    chart = Chart(860, 560, "IsoFLOP curves: loss over N at eight budgets")
    x, y = Axis(6e4, 1e7, 70, 840), Axis(3.5, 5.5, 500, 40, log=False)
    chart.frame(x, y, "N, parameters by the standard count", "loss, nats a token", [3.5, 4, 4.5, 5, 5.5])
    readings = runs()
    for group, row, colour in zip(budgets(readings), optima(), _RAMP, strict=True):
        here = np.abs(np.log(readings.flops / group.flops)) < 0.1
        for n, loss in zip(readings.n_params[here], readings.loss[here], strict=True):
            chart.dot(x.at(n), y.at(loss), colour, 2)
        logs = np.linspace(math.log(group.n_params[0]), math.log(group.n_params[-1]), 60)
        curve = np.exp(Akima1DInterpolator(np.log(group.n_params), np.log(group.loss))(logs))
        chart.line([(x.at(math.exp(n)), y.at(v)) for n, v in zip(logs, curve, strict=True)], colour)
        chart.dot(x.at(row[1]), y.at(row[3]), colour, 5, hollow=True)
        chart.text(x.at(group.n_params[-1]) + 7, y.at(group.loss[-1]) + 4, power(group.flops), colour=colour, size=11)
    chart.text(620, 62, "FLOPs at the right end of each curve", size=11)
    chart.text(620, 79, "dots: one seed each; curve: mean, Akima", size=11)
    chart.text(620, 96, "ring: optimum, median over noisy copies", size=11)
    return chart.svg()


def allocation_chart() -> str:
    """Return N*(C) with its band, beside the tuned law of Porian et al. and the prototype."""
    chart = Chart(860, 520, "N*(C): this calibration, its 95% band, and Porian et al.")
    x, y = Axis(2e12, 2e15, 70, 840), Axis(1e5, 6e6, 460, 40)
    chart.frame(x, y, "C, FLOPs by the standard count", "N*, parameters by the standard count")
    fit = own()
    flops = np.geomspace(x.low, x.high, 40)
    bands = [band(float(c)) for c in flops]
    edge = [(x.at(c), y.at(low)) for c, (low, _) in zip(flops, bands, strict=True)]
    edge += [(x.at(c), y.at(high)) for c, (_, high) in reversed(list(zip(flops, bands, strict=True)))]
    chart.area(edge, _RAMP[2])
    porian = allocation(stored("porian2024/refinedweb-tuned"))
    for law, colour, dash in ((allocation(fit), _RAMP[2], ""), (porian, _RED, "7 4")):
        chart.line([(x.at(c), y.at(law.allocate(float(c)).n_params)) for c in flops], colour, 2, dash)
    for row in optima():
        low, high = row[1] * math.exp(-row[4]), row[1] * math.exp(row[4])
        chart.line([(x.at(row[0]), y.at(low)), (x.at(row[0]), y.at(high))], _RAMP[2], 1.5)
        chart.dot(x.at(row[0]), y.at(row[1]), _RAMP[2], 4.5, hollow=True)
    for c, n in PROTOTYPE:
        chart.box(x.at(c) - 4, y.at(n) - 4, 8, 8, INK)
    legend = (
        (_RAMP[2], f"this calibration: {formula(allocation(fit))}, band 95%; rings: optima, bars one sigma"),
        (_RED, f"Porian 2024, RefinedWeb, tuned: {formula(porian)}; fitted from 1.25e16 FLOPs on"),
        (INK, "squares: lowest N of a throw-away prototype on a similar mix"),
    )
    for k, (colour, text) in enumerate(legend):
        chart.text(85, 62 + 17 * k, text, colour=colour)
    return chart.svg()


def band(flops: float) -> tuple[float, float]:
    """Return the 95% interval of this calibration's N*."""
    draws = own().laws["allocation"].uncertainty
    rows = np.array(getattr(draws, "rows", ()))
    low, high = interval(rows[:, 0] + rows[:, 1] * math.log(flops))
    return math.exp(low), math.exp(high)


def formula(law: PowerLawParams) -> str:
    """Return a law as a formula."""
    return f"{law.coefficient:.3g} C^{law.exponent:.3f}"


def grid_chart() -> str:
    """Return the loss over learning rate and batch, a panel a size."""
    chart = Chart(880, 420, "Loss above the best cell over learning rate and batch, three sizes")
    cells = sweep_cells(grid())
    for k, (cell, best) in enumerate(zip(cells, recipe().optima, strict=True)):
        loss = cell.best_beta2(np.log(cell.loss)[None])[0]
        lrs, batches = cell.learning_rate[cell.starts], cell.batch_tokens[cell.starts]
        left, wide, high = 75 + 270 * k, 54, 46
        step = 2.0
        x = Axis(batches.min() / step**0.5, batches.max() * step**0.5, left, left + 4 * wide)
        y = Axis(lrs.min() / step**0.5, lrs.max() * step**0.5, 60 + 6 * high, 60)
        chart.text(left, 42, f"N = {short(cell.n_params)}: lowest {np.exp(loss.min()):.3f} nats")
        for lr, batch, value in zip(lrs, batches, np.exp(loss) - np.exp(loss.min()), strict=True):
            colour = f"hsl(210, 45%, {94 - 52 * min(1.0, float(value) / 0.4) ** 0.6:.0f}%)"
            chart.box(x.at(batch) - wide / 2 + 1, y.at(lr) - high / 2 + 1, wide - 2, high - 2, colour)
            dark = value > 0.25
            chart.text(x.at(batch), y.at(lr) + 19, f"{value:.3f}", colour="#ffffff" if dark else INK, anchor="middle")
        for lr in np.unique(lrs):
            chart.text(left - 5, y.at(lr) + 4, f"{lr:.2g}", anchor="end", size=11)
        for batch in np.unique(batches):
            chart.text(x.at(batch), y.start + 16, f"{batch / 512:.0f}", anchor="middle", size=11)
        (lr_low, lr_high), (b_low, b_high) = best.learning_rate_interval(), best.batch_interval()
        at = (x.at(best.batch_tokens), y.at(best.learning_rate))
        chart.line([(at[0], y.at(lr_low)), (at[0], y.at(lr_high))], _RED)
        chart.line([(x.at(max(b_low, x.low)), at[1]), (x.at(b_high), at[1])], _RED)
        chart.dot(*at, _RED, 5, hollow=True)
        rule_lr, rule_batch = rule(cell.n_params)
        chart.box(x.at(rule_batch) - 4, y.at(rule_lr) - 4, 8, 8, INK)
    chart.text(30, 22, "learning rate")
    chart.text(440, 372, "batch, sequences of 512 tokens", anchor="middle")
    note = "number: nats above the lowest; ring: smoothed optimum, 95%; square: rounded rule of Porian et al."
    chart.text(440, 400, note, anchor="middle", size=11)
    return chart.svg()


def beta2_chart() -> str:
    """Return the excess loss of each beta2 at each batch."""
    chart = Chart(760, 420, "What each beta2 costs, by batch")
    x, y = Axis(800, 42000, 70, 740), Axis(-0.03, 0.19, 360, 40, log=False)
    ticks = [0, 0.05, 0.1, 0.15]
    chart.frame(x, y, "batch, tokens", "nats above the best beta2, each at its best learning rate", ticks)
    for beta2, colour, shift in ((0.95, _RAMP[5], 0.97), (0.99, _RAMP[0], 1.0), (0.999, "#1f7a5c", 1.03)):
        places = [(x.at(r.batch_tokens * shift), r.penalty[beta2], r.std_error) for r in recipe().beta2]
        chart.line([(px, y.at(v)) for px, v, _ in places], colour, 1.2, "3 3")
        for px, v, error in places:
            chart.line([(px, y.at(v - error)), (px, y.at(v + error))], colour)
            chart.dot(px, y.at(v), colour, 4)
        chart.text(600, 70 + 18 * ("0.95", "0.99", "0.999").index(f"{beta2:g}"), f"beta2 {beta2:g}", colour=colour)
    chart.text(600, 130, "bars: one standard error", size=11, colour=GREY)
    return chart.svg()


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def optima_table() -> str:
    """Return the optimum of each budget beside the laws and the prototype."""
    porian, near = allocation(stored("porian2024/refinedweb-tuned")), dict(PROTOTYPE)
    rows = []
    for flops, n, tokens, loss, sd, sizes in optima():
        seen = next((value for c, value in near.items() if abs(math.log(c / flops)) < 0.05), None)
        low, high = band(flops)
        rows.append((
            power(flops), f"{sizes:.0f}", f"{short(n)} (± {sd:.0%})", f"[{short(low)}, {short(high)}]",
            short(porian.allocate(flops).n_params), short(seen) if seen else "-", f"{tokens / n:.0f}", f"{loss:.3f}",
        ))  # fmt: skip
    return table(("C", "sizes", "N* here", "law, 95%", "Porian's law", "prototype", "D/N", "loss"), rows)


def sensitivity_table() -> str:
    """Return the exponent under other choices."""
    c = columns("runs")
    everything = np.ones(c["loss"].size, dtype=bool)
    slow = ((c["n_params"] == SPLIT[0]) & (c["seed"] == 0)) | ((c["n_params"] == SPLIT[1]) & (c["seed"] != 0))
    choices = [("as shipped", everything), *((f"without seed {k}", c["seed"] != k) for k in range(3))]
    choices += [
        ("without the seeds that stayed high", ~slow),
        ("without both sizes whose seeds part", ~np.isin(c["n_params"], SPLIT)),
        ("the five lower budgets", c["flops"] < 1e14),
        ("the five upper budgets", c["flops"] > 2e13),
    ]
    fits = [(name, fit_isoflop(runs(keep), intervals="scatter")) for name, keep in choices]
    fits.append(("a parabola a budget", fit_isoflop(runs(), intervals="scatter", method="parabola")))
    rows = []
    for name, fit in fits:
        low, high = fit.n_params.exponent_interval()
        noise = re.search(r"noise ([\d.]+)", fit.noise)
        rows.append((name, f"{fit.n_params.exponent:.2f}", f"[{low:.2f}, {high:.2f}]", noise[1] if noise else "-"))
    return table(("choice", "exponent", "95%", "noise, share of the loss"), rows)


def seeds_table() -> str:
    """Return the losses of the two sizes whose seeds fall into two groups."""
    c = columns("runs")
    rows = []
    for group in budgets(runs())[-5:]:
        here = np.abs(np.log(c["flops"] / group.flops)) < 0.1
        losses = [c["loss"][here & (c["n_params"] == n)] for n in SPLIT]
        rows.append((power(group.flops), *(", ".join(f"{v:.2f}" for v in each) for each in losses)))
    names = (f"N = {short(n)}: seeds 0, 1, 2" for n in SPLIT)
    parted = np.isin(c["n_params"], SPLIT) & (c["flops"] > 1e14)
    scatter = [getattr(noise_from_seeds(runs(keep)), "log_std", math.nan) for keep in (~parted, ~parted | parted)]
    note = (
        f"\nWithout these two sizes above 1e14 FLOPs the seeds scatter by {scatter[0]:.2g} of the loss, with them by "
    )
    return table(("C", *names), rows) + f"{note}{scatter[1]:.2g}.\n"


def recipe_table() -> str:
    """Return the best settings of each size beside the rule and what stage 2 used."""
    c = columns("runs")
    rows = []
    for best in recipe().optima:
        lr, batch = rule(best.n_params)
        used = (
            c["learning_rate"][c["n_params"] == best.n_params][0],
            c["batch_tokens"][c["n_params"] == best.n_params][0],
        )
        (a, b), (d, e) = best.learning_rate_interval(), best.batch_interval()
        rows.append((
            short(best.n_params), f"{best.learning_rate:.3f} [{a:.3f}, {b:.3f}]", f"{lr:.3f}", f"{used[0]:.3f}",
            f"{short(best.batch_tokens)} [{short(d)}, {short(e)}]", short(batch), short(used[1]),
        ))  # fmt: skip
    return table(("N", "best lr", "rule", "stage 2", "best batch, tokens", "rule", "stage 2"), rows)


def shapes_table() -> str:
    """Return the sizes of stage 2 with the share of the head."""
    sizes = set(columns("runs")["n_params"])
    rows = [
        (short(n_params(s)), str(s.width), str(s.depth), f"{s.width * s.vocab_size / n_params(s):.0%}",
         f"{s.executed_flops_per_token / 6 / n_params(s):.2f}")
        for s in ladder(own().vocab_size or 0, own().seq_len or 0) if n_params(s) in sizes
    ]  # fmt: skip
    return table(("N", "width", "depth", "head's share of N", "executed FLOPs / 6ND"), rows)


def presets_table() -> str:
    """Return the presets."""
    rows = []
    for name, p in PRESETS.items():
        settings = p.learning_rates * p.batches * len(p.beta2s)
        grid_of = f"{p.stage1_sizes} x {p.learning_rates} x {p.batches} x {len(p.beta2s)}"
        cells = p.stage1_sizes * (settings + p.seeds - 1)
        rows.append((f"`{name}`", f"{p.minutes:g}", grid_of, str(cells), str(p.budgets), str(p.seeds)))
    return table(
        ("preset", "minutes", "sizes x lr x batches x beta2", "cells of stage 1", "budgets", "seeds of stage 2"), rows
    )


CHARTS: dict[str, Callable[[], str]] = {
    "isoflop": isoflop_chart, "allocation": allocation_chart, "grid": grid_chart, "beta2": beta2_chart,
}  # fmt: skip
TABLES: dict[str, Callable[[], str]] = {
    "optima": optima_table, "sensitivity": sensitivity_table, "seeds": seeds_table, "recipe": recipe_table,
    "shapes": shapes_table, "presets": presets_table,
}  # fmt: skip


def main() -> int:
    """Write or check every chart and table."""
    check = "--check" in sys.argv[1:]
    wanted = {IMAGES / f"calibration-{name}.svg": draw() for name, draw in CHARTS.items()}
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        wanted[page] = _BLOCK.sub(lambda m: f"{m[1]}\n{TABLES[m['name']]()}\n{m[3]}", text)
    stale = [path for path, text in wanted.items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    for path in stale:
        print(f"{'out of date' if check else 'wrote'}: {path.relative_to(ROOT)}")
        if not check:
            path.write_text(wanted[path], encoding="utf-8")
    if check and stale:
        print("run `python -m tools.calibration_page` and commit what it writes")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())

"""Write the charts and tables of the calibration that ships; with --check, fail when one is out of date.

Run from the repository's root: `python -m tools.calibration_page`.

Read: the run folders that BUDGETSCOPE_REFERENCE names (`tools/own_fit.py`), and the bundled fits. Without the run
folders only the tables that need none are written or checked.
Written: docs/images/calibration-*.svg, and every block between `<!-- calibration: NAME -->` and
`<!-- /calibration -->` in docs/explanation/calibration.md and docs/howto/calibrate.md.
"""

import math
import os
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import Akima1DInterpolator
from tools.own_fit import FIT_ID, joined, run_folders
from tools.svg import GREY, INK, Axis, Chart

from budgetscope.calibrate.fit import isoflop_table
from budgetscope.calibrate.plan.cells import n_params
from budgetscope.calibrate.plan.design import PRESETS
from budgetscope.calibrate.plan.ladder import ladder
from budgetscope.calibrate.plan.spec import Spec
from budgetscope.calibrate.run.stages import measured_grid, voting
from budgetscope.calibrate.run.state import RunState
from budgetscope.core.laws.drifting_line import DriftingLine
from budgetscope.core.laws.fit import Fit
from budgetscope.core.laws.forms import Monomial, PowerLawParams
from budgetscope.fitting.hyperparameters import HyperparameterFit, fit_hyperparameters
from budgetscope.fitting.joint import fit_joint
from budgetscope.fitting.loss_forecast import forecast_of
from budgetscope.fitting.noise import noise_from_seeds
from budgetscope.fitting.run_table import RunTable, budgets
from budgetscope.fitting.sweep import SweepTable, sweep_cells
from budgetscope.fitting.weighing import weighed
from budgetscope.store.fit_library import load

ROOT = Path(__file__).resolve().parents[1]
IMAGES = ROOT / "docs/images"
PAGES = (ROOT / "docs/explanation/calibration.md", ROOT / "docs/howto/calibrate.md")
SPLIT = (724992, 899584)
"""Sizes whose seeds fall into two groups."""

_BLOCK = re.compile(r"(<!-- calibration: (?P<name>\w+) -->\n).*?(<!-- /calibration -->)", re.DOTALL)
_RAMP = ("#3b0f70", "#57237c", "#7a2f82", "#a1397f", "#c74a72", "#d95f4e", "#c9781a", "#8f8a00")
_RED = "#b3261e"
_HALF = 4
"""Budgets of the lower half."""
_FAR = (1e18, 1e20, 1e22)

Floats = NDArray[np.float64]


@cache
def calibration() -> tuple[Spec, RunState]:
    """Return the runs that ship, as one."""
    return joined(list(run_folders(Path(os.environ["BUDGETSCOPE_REFERENCE"])).values()))


@cache
def stored(fit_id: str) -> Fit:
    """Return a bundled fit."""
    return load(ROOT / "fits" / f"{fit_id}.json")


def own() -> Fit:
    """Return the fit of this calibration."""
    return stored(FIT_ID)


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


@cache
def runs() -> RunTable:
    """Return the readings of stage 2 that vote in the fit."""
    spec, state = calibration()
    table = isoflop_table(voting(state, spec.corpus))
    if table is None:
        raise ValueError(FIT_ID)
    return table


@cache
def grid() -> SweepTable:
    """Return the cells of stage 1."""
    spec, state = calibration()
    table = measured_grid(voting(state, spec.corpus))
    if table is None:
        raise ValueError(FIT_ID)
    return table


@cache
def recipe() -> HyperparameterFit:
    """Return the laws of stage 1, as a calibration fits them."""
    return fit_hyperparameters(grid(), method="quadratic")


def seeds_of(table: RunTable) -> NDArray[np.int64]:
    """Return the seeds of readings."""
    if table.seeds is None:
        raise ValueError(FIT_ID)
    return table.seeds


def rule(n: float) -> tuple[float, float]:
    """Return learning rate and batch in tokens by the rounded rule of Porian et al. 2024 (their released code)."""
    return 0.0047 * (n / 108e6) ** (-1 / 3), 160 * 2048 * (n / 108e6) ** (2 / 3)


def short(value: float) -> str:
    """Return a number with three digits and a suffix."""
    for size, suffix in ((1e9, " B"), (1e6, " M"), (1e3, " K")):
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
    x, y = Axis(1.5e5, 3e7, 70, 840), Axis(3.1, 4.8, 500, 40, log=False)
    chart.frame(x, y, "N, parameters by the standard count", "loss, nats a token", [3.2, 3.6, 4, 4.4, 4.8])
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
    chart.text(590, 62, "FLOPs at the right end of each curve", size=11)
    chart.text(590, 79, "dots: one seed each; curve: mean, Akima", size=11)
    chart.text(590, 96, "ring: optimum by the common curve", size=11)
    return chart.svg()


def allocation_chart() -> str:
    """Return N*(C) with its band, beside the law of the lower half and the tuned law of Porian et al."""
    chart = Chart(860, 520, "N*(C): this calibration, its lower half, and Porian et al.")
    x, y = Axis(2e13, 1e18, 70, 840), Axis(3e5, 3e8, 460, 40)
    chart.frame(x, y, "C, FLOPs by the standard count", "N*, parameters by the standard count")
    fit = own()
    flops = np.geomspace(x.low, x.high, 40)
    bands = [band(float(c)) for c in flops]
    edge = [(x.at(c), y.at(low)) for c, (low, _) in zip(flops, bands, strict=True)]
    edge += [(x.at(c), y.at(high)) for c, (_, high) in reversed(list(zip(flops, bands, strict=True)))]
    chart.area(edge, _RAMP[2])
    porian, half = allocation(stored("porian2024/refinedweb-tuned")), weighed(fit_joint(lower(_HALF)))
    lines = (
        (allocation(fit), _RAMP[2], ""), (porian, _RED, "7 4"),
        (PowerLawParams(half.coefficient, half.exponent), GREY, "2 3"),
    )  # fmt: skip
    for law, colour, dash in lines:
        chart.line([(x.at(c), y.at(law.allocate(float(c)).n_params)) for c in flops], colour, 2, dash)
    for row in optima():
        chart.dot(x.at(row[0]), y.at(row[1]), _RAMP[2], 4.5, hollow=True)
    legend = (
        (_RAMP[2], f"this calibration: {formula(allocation(fit))}, band 95%; rings: optima of its budgets"),
        (GREY, f"the same from the lower four budgets alone: {formula(lines[2][0])}"),
        (_RED, f"Porian 2024, RefinedWeb, tuned: {formula(porian)}; fitted from 1.25e16 FLOPs on"),
    )
    for k, (colour, text) in enumerate(legend):
        chart.text(85, 62 + 17 * k, text, colour=colour)
    return chart.svg()


def lower(count: int) -> RunTable:
    """Return the readings of the lowest budgets."""
    return runs().rows(runs().flops <= 1.05 * optima()[count - 1][0])


def band(flops: float) -> tuple[float, float]:
    """Return the 95% interval of the N* that plans take from this calibration."""
    law = own().laws["allocation"]
    if not isinstance(law.uncertainty, DriftingLine):
        raise TypeError(FIT_ID)
    n, half = allocation(own()).allocate(flops).n_params, law.uncertainty.half_width(flops)
    return n * math.exp(-half), n * math.exp(half)


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
    x, y = Axis(800, 42000, 70, 740), Axis(-0.07, 0.15, 360, 40, log=False)
    ticks = [-0.05, 0, 0.05, 0.1, 0.15]
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
    """Return the optimum of each budget beside the laws."""
    law, porian = allocation(own()), allocation(stored("porian2024/refinedweb-tuned"))
    rows = [
        (
            power(flops), f"{sizes:.0f}", f"{short(n)} (± {sd:.0%})", short(law.allocate(flops).n_params),
            f"[{short(band(flops)[0])}, {short(band(flops)[1])}]", short(porian.allocate(flops).n_params),
            f"{tokens / n:.0f}", f"{loss:.3f}",
        )
        for flops, n, tokens, loss, sd, sizes in optima()
    ]  # fmt: skip
    return table(("C", "sizes", "N* measured", "by the law", "95%", "Porian's law", "D/N", "loss"), rows)


def far_table() -> str:
    """Return N* far beyond the budgets, beside Porian et al.'s tuned law."""
    law, porian = allocation(own()), allocation(stored("porian2024/refinedweb-tuned"))
    rows = []
    for flops in _FAR:
        low, high = band(flops)
        n, theirs = law.allocate(flops).n_params, porian.allocate(flops).n_params
        beyond = f"{flops / optima()[-1][0]:,.0f} times"
        rows.append(
            (f"{flops:.0e}".replace("+", ""), beyond, short(n), f"[{short(low)}, {short(high)}]", short(theirs))
        )
    return table(("C", "beyond the largest budget", "N*", "95%", "Porian's law"), rows)


def halves_table() -> str:
    """Return what the lower four budgets foretell of the upper four."""
    half = lower(_HALF)
    fit = fit_joint(half)
    law, losses = weighed(fit), forecast_of(fit, bytes_per_token=calibration()[0].corpus.bytes_per_token)
    rows = []
    for flops, n, _, loss, *_ in optima()[_HALF:]:
        middle, width = law.log_n_at(flops), law.line.half_width(flops)
        alone, plans, foretold = fit.at(flops), math.exp(middle), losses.at(flops)
        low, high = losses.interval_at(flops)
        rows.append((
            power(flops), short(n), f"{short(alone)} ({alone / n - 1:+.0%})", f"{short(plans)} ({plans / n - 1:+.0%})",
            f"[{short(math.exp(middle - width))}, {short(math.exp(middle + width))}]", f"{loss:.3f}",
            f"{foretold:.3f} ({foretold / loss - 1:+.1%})", f"[{low:.2f}, {high:.2f}]",
        ))  # fmt: skip
    header = ("C", "N* measured", "by their own law", "as plans take it", "95%", "loss measured", "foretold", "95%")
    return table(header, rows)


def sensitivity_table() -> str:
    """Return the exponent under other choices."""
    t = runs()
    levels = [row[0] for row in optima()]
    choices = (
        ("as shipped", t.flops > 0),
        ("run `a` alone", seeds_of(t) < 3),
        ("run `b` alone", seeds_of(t) >= 3),
        ("the five lower budgets", t.flops <= 1.05 * levels[4]),
        ("the five upper budgets", t.flops >= 0.95 * levels[3]),
        ("without both sizes whose seeds part", ~np.isin(t.n_params, SPLIT)),
        ("without readings beyond two epochs", t.tokens <= 2 * calibration()[0].corpus.train_tokens),
        ("without heads above half of N", ~np.isin(t.n_params, _mostly_head())),
    )
    rows = []
    for name, keep in choices:
        fit = fit_joint(t.rows(keep))
        law, (low, high) = weighed(fit), fit.exponent_interval()
        far, half = law.log_n_at(1e22), law.line.half_width(1e22)
        rows.append((
            name, f"{fit.exponent:.3f}", f"[{low:.2f}, {high:.2f}]", f"{short(fit.at(1e22))}", short(math.exp(far)),
            f"[{short(math.exp(far - half))}, {short(math.exp(far + half))}]",
        ))  # fmt: skip
    return table(("choice", "own exponent", "95%, noise", "N* at 1e22, own", "as plans take it", "95%"), rows)


def _mostly_head() -> list[int]:
    shapes = ladder(own().vocab_size or 0, own().seq_len or 0)
    return [n_params(s) for s in shapes if s.width * s.vocab_size > 0.5 * n_params(s)]


def seeds_table() -> str:
    """Return the losses of the two sizes whose seeds fall into two groups."""
    t = runs()
    rows = []
    for group in budgets(t)[:6]:
        here = np.abs(np.log(t.flops / group.flops)) < 0.1
        losses = [t.loss[here & (t.n_params == n)][np.argsort(seeds_of(t)[here & (t.n_params == n)])] for n in SPLIT]
        rows.append((power(group.flops), *(", ".join(f"{v:.2f}" for v in each) or "-" for each in losses)))
    names = (f"N = {short(n)}: six seeds" for n in SPLIT)
    parted = np.isin(t.n_params, SPLIT) & (t.flops > 1e14)
    scatter = [getattr(noise_from_seeds(t.rows(keep)), "log_std", math.nan) for keep in (~parted, ~parted | parted)]
    note = (
        f"\nWithout these two sizes above 1e14 FLOPs the seeds scatter by {scatter[0]:.2g} of the loss, with them by "
    )
    return table(("C", *names), rows) + f"{note}{scatter[1]:.2g}.\n"


def recipe_table() -> str:
    """Return the best settings of each size beside the rule and the law that is stored."""
    lr_law, batch_law = (own().laws[role].law for role in ("learning_rate", "batch_size"))
    if not isinstance(lr_law, Monomial) or not isinstance(batch_law, Monomial):
        raise TypeError(FIT_ID)
    rows = []
    for best in recipe().optima:
        lr, batch = rule(best.n_params)
        (a, b), (d, e) = best.learning_rate_interval(), best.batch_interval()
        held = [law.coefficient * best.n_params**law.n_params_exponent for law in (lr_law, batch_law)]
        rows.append((
            short(best.n_params), f"{best.learning_rate:.3f} [{a:.3f}, {b:.3f}]", f"{held[0]:.3f}", f"{lr:.3f}",
            f"{short(best.batch_tokens)} [{short(d)}, {short(e)}]", short(held[1]), short(batch),
        ))  # fmt: skip
    return table(("N", "best lr", "law", "rule", "best batch, tokens", "law", "rule"), rows)


def shapes_table() -> str:
    """Return the sizes of stage 2 with the share of the head."""
    sizes = set(runs().n_params)
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
STORED: dict[str, Callable[[], str]] = {"optima": optima_table, "far": far_table, "presets": presets_table}
"""Tables that need no run folders."""
MEASURED: dict[str, Callable[[], str]] = {
    "halves": halves_table, "sensitivity": sensitivity_table, "seeds": seeds_table, "recipe": recipe_table,
    "shapes": shapes_table,
}  # fmt: skip


def main() -> int:
    """Write or check every chart and table."""
    check, has_runs = "--check" in sys.argv[1:], bool(os.environ.get("BUDGETSCOPE_REFERENCE"))
    tables = STORED | (MEASURED if has_runs else {})
    wanted = {IMAGES / f"calibration-{name}.svg": draw() for name, draw in (CHARTS if has_runs else {}).items()}
    if not has_runs:
        print(
            "BUDGETSCOPE_REFERENCE does not name the run folders: charts and tables of their readings stay as they are"
        )
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        wanted[page] = _BLOCK.sub(
            lambda m: f"{m[1]}\n{tables[m['name']]()}\n{m[3]}" if m["name"] in tables else m[0], text
        )
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

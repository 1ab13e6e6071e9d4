"""Fit files with odd numbers and damaged bytes: refused, told or answered, and never taken for what was written."""

import copy
import json
import math
import random
from pathlib import Path
from typing import Any

from tests.bundled import bundled
from tests.chaos.counts import Counts
from tests.chaos.damage import damage
from tests.property.test_hostile_fit_properties import EXTREMES, RECORDS, numbers

from budgetscope.api import Advisor, PlanRequest
from budgetscope.core.counting.ledger import Convention
from budgetscope.core.laws.fit import Fit
from budgetscope.report.fit_page import fit_lines
from budgetscope.report.fits import law_cells
from budgetscope.report.tables import export_csv, export_json, plan_markdown
from budgetscope.store.fit_schema import decode, dump
from budgetscope.store.locations import user_fits

_ID = "mine/lab"
_BUDGETS = ("1e10 FLOPs", "1e17", "1e21", "1e25", "64xH100 14d", "$50k on H100", "N=7B", "D=140B", "loss 2.6")


def campaign(seed: int, deadline: float) -> Counts:
    """Store a fit with other numbers or damaged bytes, then list it, plan and compare by it."""
    counts, advisor = Counts(), Advisor()
    # The shadowed ids keep the library from hiding the file behind a bundled one.
    records = [record for record in RECORDS if "allocation" in record["laws"] or "surface" in record["laws"]]
    texts = [dump(decode(_renamed(record))) for record in records]
    for rng in counts.attempts(seed, deadline):
        record, text = rng.choice(list(zip(records, texts, strict=True)))
        if rng.random() < 0.5:
            content = json.dumps(_hostile(_renamed(record), rng)).encode()
        else:
            content = damage(text.encode(), rng).data
        # A name of its own: files are told apart by path, size and time.
        path = user_fits() / "mine" / f"{counts.tried}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        with counts.watched((str(path.name), content[:200])):
            _use(advisor, path, decode(json.loads(text)), rng, counts)
        path.unlink()
    return counts


def _renamed(record: dict[str, Any]) -> dict[str, Any]:
    return {**record, "id": _ID}


def _hostile(record: dict[str, Any], rng: random.Random) -> dict[str, Any]:
    changed = copy.deepcopy(record)
    places = [*numbers(changed["laws"]), *numbers(changed["points"])]
    for _ in range(rng.randint(1, 3)):
        container, key = rng.choice(places)
        near = 1.0 * max(-1e300, min(container[key], 1e300)) * 10 ** rng.uniform(-2, 2)
        container[key] = rng.choice([*EXTREMES, rng.uniform(-1e3, 1e3), near])
    return changed


def _use(advisor: Advisor, path: Path, original: Fit, rng: random.Random, counts: Counts) -> None:
    fit = advisor.library.get(str(path))
    if fit != original and not advisor.library.remarks(str(path)):
        counts.fault("wrong", f"{path.name} holds another fit than was written, without a caution")
    if not fit_lines(fit) or not [law_cells(role, law) for role, law in fit.laws.items()]:
        counts.fault("wrong", f"{path.name} has nothing to show")
    request = PlanRequest(rng.choice(_BUDGETS), law=str(path), counting=str(rng.choice(list(Convention))))
    answer = advisor.answer(request)
    comparison = advisor.compare(answer) if rng.random() < 0.05 else None
    if comparison is not None:
        export_csv(answer.plan, comparison, "x")
        json.loads(export_json(answer.plan, comparison, "x"), parse_constant=_refuse)
    plan_markdown(answer.plan, "x")
    n, codes = answer.plan.n_params, {caution.code for caution in answer.plan.cautions}
    if not (math.isfinite(n.value) and n.value > 0):
        counts.fault("wrong", f"N is {n.value}")
    within = n.low is None or n.high is None or n.low <= n.value <= n.high
    if not within and "interval-off" not in codes:
        counts.fault("wrong", f"N={n.value} is outside [{n.low}, {n.high}], without a caution")


def _refuse(name: str) -> float:
    raise ValueError(f"{name} is no number")


# Every fit is read once, before the first attempt is timed.
bundled()

"""Any fit survives its file; any JSON either is a fit or is refused with one sentence."""

import copy
import json
from collections.abc import Iterator
from dataclasses import fields, replace
from functools import cache
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.bundled import bundled
from tests.sizes import examples

from budgetscope.core.counting.ledger import MAX_COUNT, Convention
from budgetscope.core.errors import FailureError
from budgetscope.core.laws.drifting_line import MAX_DOF, DriftingLine
from budgetscope.core.laws.fit import (
    CONFIDENCE,
    POINT_COLUMNS,
    Draws,
    ExponentInterval,
    Fit,
    Law,
    Points,
    Range,
    Uncertainty,
)
from budgetscope.core.laws.forms import (
    BatchStep,
    Constant,
    ExcessLaw,
    LogLinear,
    LossCurve,
    LossPower,
    LossSurface,
    Monomial,
    PowerLawFlopsPerToken,
    PowerLawParams,
    PowerLawTokens,
    TokenHalfLife,
    TokensPerParam,
    WarmupParams,
)
from budgetscope.store.fit_schema import SCHEMA, decode, digest, dump, encode

names = st.from_regex(r"[a-z0-9][a-z0-9_-]{0,20}", fullmatch=True)
texts = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")) | st.sampled_from(' []{}",0123.-')) | (
    # What looks like a row of the file itself.
    st.sampled_from(["[ 1, 2 ]", "a [ 0.5 ] b", '"rows": [ [ 1 ] ]', "[bold]x[/bold]"])
)
positive = st.floats(1e-12, 1e12)
exponents = st.floats(-2, 2)
shares = st.floats(0.01, 1)
variances = st.floats(0, 1e4)
# Of laws over all budgets, such that none leaves the size of ordinary numbers there.
scales = st.floats(1e-3, 1e3)
slopes = st.floats(0.2, 1)

allocation = (
    st.builds(PowerLawParams, positive, shares, positive)
    | st.builds(PowerLawTokens, positive, shares)
    | st.builds(PowerLawFlopsPerToken, positive, shares)
    | st.builds(TokensPerParam, positive, shares, positive)
)
monomial = st.builds(Monomial, positive, exponents, positive, exponents, positive, exponents, positive)
hyperparameter = (
    monomial
    | st.builds(LogLinear, exponents, exponents)
    | st.builds(LossPower, positive, exponents)
    | st.builds(Constant, positive)
)
LAWS = {
    "allocation": allocation,
    "surface": st.builds(LossSurface, positive, scales, scales, slopes, slopes),
    "loss_curve": st.builds(LossCurve, positive, shares, exponents, positive),
    "excess": st.builds(ExcessLaw, positive, exponents, st.floats(-0.9, 0.9), st.just(1.0)),
    "learning_rate": hyperparameter,
    "batch_size": hyperparameter,
    "beta2": st.builds(BatchStep, positive, shares, shares) | st.builds(TokenHalfLife, positive),
    "critical_batch_size": monomial,
    "warmup": st.builds(WarmupParams, positive, shares),
    "weight_decay": st.builds(Constant, positive),
}


@st.composite
def ranges(draw: st.DrawFn) -> Range:
    low = draw(positive)
    return Range(low, draw(st.floats(low, 1e13)))


@st.composite
def lines(draw: st.DrawFn) -> DriftingLine:
    level, slope, correlation = draw(variances), draw(variances), draw(st.floats(-1, 1))
    low, centre, high = sorted(draw(st.tuples(positive, positive, positive)))
    covariance = correlation * (level * slope) ** 0.5
    dof = draw(st.integers(1, MAX_DOF))
    return DriftingLine(level, slope, covariance, centre, dof, draw(shares), draw(variances), draw(shares), low, high)


@st.composite
def uncertainties(draw: st.DrawFn, law: Any) -> Uncertainty | None:
    match draw(st.sampled_from(["draws", "interval", "line", "none"])):
        case "draws":
            own = draw(st.lists(st.sampled_from([field.name for field in fields(law)]), unique=True, min_size=1))
            columns = tuple(draw(st.sampled_from(["", "ln_"])) + name for name in own)
            row = st.tuples(*(st.floats(-20, 20) for _ in columns))
            return Draws(columns, tuple(draw(st.lists(row, min_size=2, max_size=4))), draw(st.booleans()))
        case "line" if isinstance(law, PowerLawParams):
            return draw(lines())
        case "interval":
            low = draw(st.floats(-1, 1))
            return ExponentInterval(low, low + draw(st.floats(0.001, 1)), draw(st.floats(0.5, 0.9999)), draw(positive))
        case _:
            return None


@st.composite
def laws(draw: st.DrawFn, role: str) -> Law:
    law = draw(LAWS[role])
    fitted = draw(st.dictionaries(names, ranges(), max_size=3))
    unknown = tuple(draw(st.lists(st.sampled_from([field.name for field in fields(law)]), unique=True)))
    return Law(law, draw(st.sampled_from(list(CONFIDENCE))), fitted, draw(uncertainties(law)), draw(texts), unknown)


@st.composite
def fits(draw: st.DrawFn) -> Fit:
    roles = draw(st.lists(st.sampled_from(list(LAWS)), unique=True, min_size=1))
    row = st.tuples(positive, positive, positive, *(st.floats(-1e20, 1e20) for _ in POINT_COLUMNS[3:]))
    return Fit(
        id=f"{draw(names)}/{draw(names)}",
        title=draw(texts),
        counting=draw(st.sampled_from(list(Convention))),
        laws={role: draw(laws(role)) for role in roles},
        citation=draw(texts),
        url=draw(texts),
        method=draw(texts),
        vocab_size=draw(st.none() | st.integers(2, MAX_COUNT)),
        tokenizer=draw(st.none() | texts),
        loss_unit=draw(st.none() | st.just("nats/token")),
        seq_len=draw(st.none() | st.integers(1, MAX_COUNT)),
        schedule=draw(st.none() | st.sampled_from(["constant", "cosine"])),
        ablation=draw(st.booleans()),
        flags=tuple(draw(st.lists(texts, max_size=2))),
        points=draw(
            st.none() | st.lists(row, min_size=1, max_size=3).map(lambda rows: Points(POINT_COLUMNS, tuple(rows)))
        ),
        provenance=draw(st.dictionaries(texts, texts, max_size=2)),
    )


@examples(60)
@given(fits())
def test_a_fit_comes_back_from_its_file_as_it_was(fit: Fit) -> None:
    text = dump(fit)
    record = json.loads(text)
    assert decode(record, fit.id) == fit
    # Sealed: reading back what was written gives the hash that stands in it, and the same bytes again.
    assert record["sha256"] == digest(record)
    assert record["schema"] == SCHEMA
    assert dump(decode(record)) == text


@examples(20)
@given(fits(), st.text(min_size=1))
def test_an_edit_breaks_the_seal(fit: Fit, addition: str) -> None:
    record = encode(fit)
    record["title"] += addition
    assert record["sha256"] != digest(record)


scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(-(10**400), 10**400)
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["", "\x1b[31m", "\ud800", "../../etc/passwd", "[red]", "a\nb", "x" * 5000, "porian2024/x"])
)
anything: st.SearchStrategy[Any] = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4)
)


def check_loads_or_is_refused(record: object) -> None:
    """Anything but a FailureError of one sentence escapes and fails the test."""
    try:
        fit = decode(record)
    except FailureError as error:
        refusal = str(error)
    else:
        assert decode(json.loads(dump(fit))) == fit
        return
    assert refusal.endswith(".")
    assert refusal.isprintable()


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"dof": 0}, "dof"),
        ({"dof": 1.5}, "dof"),
        ({"slope_variance": -1e-9}, "variances"),
        ({"drift": 1e9}, "drift"),
        ({"low": 1e19, "high": 1e17}, "low <= flops_centre"),
        ({"covariance": 1.0}, "covariance"),
        ({"level_variance": 10**400}, "ordinary size"),
        ({"kind": "line"}, "kind of uncertainty"),
    ],
)
def test_a_line_that_cannot_be_is_refused(changes: dict[str, Any], reason: str) -> None:
    record = trimmed(with_a_line(bundled()["porian2024/refinedweb-tuned"]))
    assert decode(record)
    record["laws"]["allocation"]["uncertainty"] |= changes
    with pytest.raises(FailureError, match=reason):
        decode(record)


def test_a_line_is_of_a_power_law_in_compute_alone() -> None:
    record = trimmed(with_a_line(bundled()["porian2024/refinedweb-tuned"]))
    record["laws"]["loss_curve"]["uncertainty"] = record["laws"]["allocation"]["uncertainty"]
    with pytest.raises(FailureError, match="drifting line"):
        decode(record)


@examples(200)
@given(anything)
def test_arbitrary_json_is_no_fit_and_says_so(record: Any) -> None:
    check_loads_or_is_refused(record)


def trimmed(fit: Fit) -> dict[str, Any]:
    """Return a real record with three rows of every table: mutations then reach every kind of entry."""
    record = encode(fit)
    for law in record["laws"].values():
        if law["uncertainty"] and "rows" in law["uncertainty"]:
            del law["uncertainty"]["rows"][3:]
    if record["points"]:
        del record["points"]["rows"][3:]
    return record


def with_a_line(fit: Fit) -> Fit:
    """Return a fit whose law of N and D has the uncertainty of a joint fit."""
    line = DriftingLine(0.01, 0.0004, 0.001, 1e18, 6, 0.05, 1.5, 0.02, 1e17, 1e19)
    return replace(fit, laws=dict(fit.laws) | {"allocation": replace(fit.laws["allocation"], uncertainty=line)})


@cache
def records() -> list[dict[str, Any]]:
    """Return what mutations begin with."""
    return [
        *(trimmed(fit) for fit in bundled().values()),
        trimmed(with_a_line(bundled()["porian2024/refinedweb-tuned"])),
    ]


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Yield (container, key) of every entry, at any depth."""
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, entry in entries:
        yield value, key
        yield from places(entry)


@examples(250)
@given(st.deferred(lambda: st.sampled_from(records())), st.data())
def test_a_mutated_record_loads_or_is_refused(original: dict[str, Any], data: st.DataObject) -> None:
    record = copy.deepcopy(original)
    for _ in range(data.draw(st.integers(1, 3))):
        all_places = list(places(record))
        container, key = all_places[data.draw(st.integers(0, len(all_places) - 1))]
        match data.draw(st.sampled_from(["replace", "delete", "scale", "add"])):
            case "replace":
                container[key] = data.draw(anything)
            case "delete":
                del container[key]
            case "scale" if isinstance(container[key], int | float) and abs(container[key]) < 1e100:
                container[key] = container[key] * data.draw(st.sampled_from([-1.0, 0.0, 1e60, 1e-60, 1e200]))
            case _ if isinstance(container, dict):
                container[data.draw(st.text(max_size=10))] = data.draw(anything)
            case _:
                container.append(data.draw(anything))
        if not list(places(record)):
            break
    check_loads_or_is_refused(record)

"""Stored probes, as `devices` shows them."""

import json
from collections.abc import Sequence

import pytest
from typer.testing import CliRunner

from budgetscope.api import Advisor, PlanRequest
from budgetscope.cli.main import app
from budgetscope.core.errors import FailureError
from budgetscope.store.locations import probes_file


def store(names: Sequence[tuple[str, str]]) -> None:
    """Write the file of measured rates; each of them trains at 200 of 700 TFLOP/s."""
    probes = [
        {
            "device": {
                "device": kind,
                "index": None,
                "name": name,
                "free_bytes": None,
                "total_bytes": None,
                "torch": "2.11",
            },
            "measured": "2026-11-24T03:38:50Z",
            "matrix_flops_per_s": 700e12,
            "training_flops_per_s": {"64": 50e12, "256": 200e12},
        }
        for kind, name in names
    ]
    probes_file().parent.mkdir(parents=True)
    probes_file().write_text(json.dumps(probes))


def test_devices_shows_what_was_measured_and_leaves_the_plan_its_mfu() -> None:
    store([("cuda", "NVIDIA H200"), ("cuda", "Unheard 9000"), ("cpu", "x86_64")])
    shown = " ".join(CliRunner().invoke(app, ["devices"]).stdout.split())
    assert "Measured here on 2026-11-24: NVIDIA H200 trains stacks of width 256 at 200 TFLOP/s" in shown
    # 200 of 700 measured, and of the data sheet's 989.
    assert "29% of its matrix rate of 700 and 20% of the peak of h200" in shown
    assert "Unheard 9000 trains" in shown
    assert "x86_64" not in shown
    records = json.loads(CliRunner().invoke(app, ["devices", "--json"]).stdout)
    measured = {record["id"]: record["measured"] for record in records if record["measured"]}
    assert measured["h200"]["training_flops_per_s"]["256"] == 200e12
    assert list(measured) == ["h200"]


def test_broken_file_of_rates_is_refused() -> None:
    probes_file().parent.mkdir(parents=True)
    probes_file().write_text("[{}]")
    result = CliRunner().invoke(app, ["devices"])
    assert isinstance(result.exception, FailureError)
    with pytest.raises(FailureError, match="delete it and run --probe again"):
        raise result.exception


def test_a_plan_of_a_model_as_small_takes_the_probed_rate_and_a_large_one_does_not() -> None:
    store([("cuda", "NVIDIA H200")])
    small = Advisor().answer(PlanRequest("N=3M", device="H200")).plan
    assert small.machine.mfu == pytest.approx(200e12 / 989.4e12, rel=1e-3)
    assert "measured by calibrate --probe on " in " ".join(small.assumptions)
    large = Advisor().answer(PlanRequest("N=3B", device="H200")).plan
    assert "--probe" not in " ".join(large.assumptions)
    assert "--probe" not in " ".join(Advisor().answer(PlanRequest("N=3M", device="H100")).plan.assumptions)


def test_a_broken_file_of_rates_is_told_and_stops_no_plan() -> None:
    probes_file().parent.mkdir(parents=True)
    probes_file().write_text("[{}]")
    plan = Advisor().answer(PlanRequest("1e21")).plan
    (told,) = [caution.text for caution in plan.cautions if caution.code == "probes-file"]
    assert "is broken; delete it and run --probe again" in told

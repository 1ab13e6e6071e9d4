"""`machines`: the same training on every device, each a plan that gives the same figures."""

import csv
import io
import json
import shlex
from typing import Any

import pytest
from tests.cli.conftest import Cli

from budgetscope.store.locations import devices_file

WEEKS = "64 H100 for 14 days"


def rows(cli: Cli, *words: str) -> dict[str, dict[str, Any]]:
    return {each["device"]: each for each in json.loads(cli("machines", *words, "--json").out)["alternatives"]}


def test_the_plans_own_device_has_the_figures_of_the_plan(cli: Cli) -> None:
    run = json.loads(cli("plan", WEEKS, "--grid", "380", "--json").out)["run"]
    own = rows(cli, WEEKS, "--grid", "380")["h100-sxm"]
    assert own["mark"] == "this plan"
    assert own["hours"] == pytest.approx(run["hours"])
    assert own["cost_usd"] == pytest.approx(run["cost_usd"]["value"])
    assert own["energy_kwh"] == pytest.approx(run["energy"]["kwh"]["value"])
    assert own["co2e_kg"] == pytest.approx(run["energy"]["co2e_kg"]["value"])


@pytest.mark.parametrize("budget", [WEEKS, "1e21", "$50k on A100", "N=7B D=140B on 64 H100 at $2/h in fp8 25% MFU"])
def test_the_command_of_a_row_plans_the_same_training_with_the_same_figures(cli: Cli, budget: str) -> None:
    found = rows(cli, budget)
    for device in list(found)[::8]:
        row = found[device]
        run = json.loads(cli(*shlex.split(row["command"])[1:], "--json").out)["run"]
        assert run["hours"] == pytest.approx(row["hours"], rel=1e-6)
        assert run["n_params"] == json.loads(cli("machines", budget, "--json").out)["n_params"]
        cost = run["cost_usd"]
        assert (cost or {"value": None})["value"] == pytest.approx(row["cost_usd"])


def test_a_device_has_the_mfu_and_the_ranges_of_a_plan_on_it(cli: Cli) -> None:
    found = rows(cli, WEEKS)
    for device in ("h100-sxm", "a100-80gb", "mi300x"):
        row = found[device]
        plan = json.loads(cli(*shlex.split(row["command"])[1:], "--json").out)
        spread, run = plan["spread"], plan["run"]
        assert (row["mfu"], [row["mfu_low"], row["mfu_high"]]) == (plan["machine"]["mfu"], spread["mfu"])
        assert [row["hours_low"], row["hours_high"]] == pytest.approx(spread["hours"])
        assert row["hours_low"] < row["hours"] < row["hours_high"]
        for of, name in ((run["cost_usd"], "cost_usd"), (run["energy"]["kwh"], "energy_kwh")):
            assert [row[f"{name}_low"], row[f"{name}_high"]] == pytest.approx([of["low"], of["high"]])
    assert found["a100-80gb"]["mfu"] > found["h100-sxm"]["mfu"] > found["mi300x"]["mfu"]
    assert rows(cli, WEEKS, "--mfu", "0.4")["a100-80gb"]["hours_low"] is None


def test_the_fastest_comes_first_and_the_cheapest_is_marked(cli: Cli) -> None:
    found = list(rows(cli, WEEKS).values())
    hours = [row["hours"] for row in found]
    assert hours == sorted(hours)
    assert "fastest" in found[0]["mark"]
    priced = [row for row in found if row["cost_usd"] is not None]
    cheapest = min(priced, key=lambda row: row["cost_usd"])
    assert [row["device"] for row in found if "cheapest" in row["mark"]] == [cheapest["device"]]


def test_a_device_that_cannot_hold_the_model_is_left_out_with_the_reason(cli: Cli) -> None:
    found = json.loads(cli("machines", "N=70B D=1T on 16 H200", "--json").out)
    devices = [row["device"] for row in found["alternatives"]]
    assert "h200" in devices
    assert "t4" not in devices
    (told,) = [note for note in found["notes"] if note.startswith("left out, since 16 do not hold the model: ")]
    assert "T4" in told.partition(": ")[2].split(", ")
    assert all(row["fewest_devices"] <= 16 for row in found["alternatives"])


def test_where_nothing_fits_the_reasons_are_all_there_is(cli: Cli) -> None:
    ran = cli("machines", "N=400B D=1T on 1 H100")
    assert ran.code == 0
    assert "No device that is known here holds the model, 1 of one kind; the model of 401 B parameters" in ran.out
    assert "the nearest that fits: " in ran.out
    assert "fastest" not in ran.out
    found = json.loads(cli("machines", "N=400B D=1T on 1 H100", "--json").out)
    assert (found["cheapest"], found["alternatives"]) == (None, [])
    assert "**No device that is known here" in cli("machines", "N=400B D=1T on 1 H100", "--md").out


def test_a_stated_price_and_measured_watts_are_of_the_own_device_alone(cli: Cli) -> None:
    found = rows(cli, WEEKS, "--price", "1", "--watts", "500", "--pue", "1")
    assert found["h100-sxm"]["price_basis"] == "as stated"
    assert found["h100-sxm"]["energy_kwh"] == pytest.approx(found["h100-sxm"]["device_hours"] / 2)
    assert found["h200"]["price_basis"] != "as stated"
    assert found["h200"]["energy_kwh"] == pytest.approx(found["h200"]["device_hours"] * 1.05)


@pytest.mark.parametrize("words", [("--mfu", "0.5"), ("--measured", "9600tok/s at 7B")])
def test_a_stated_or_measured_mfu_holds_for_all(cli: Cli, words: tuple[str, str]) -> None:
    mfu = json.loads(cli("plan", WEEKS, *words, "--json").out)["machine"]["mfu"]
    assert {row["mfu"] for row in rows(cli, WEEKS, *words).values()} == {mfu}


def test_an_own_device_takes_part_and_hides_the_bundled_one_of_its_name(cli: Cli) -> None:
    devices_file().parent.mkdir(parents=True)
    devices_file().write_text(
        "[h200]\npeak_flops_per_s = { bf16 = 2e15 }\nmemory_bytes = 80e9\nmemory_bandwidth_bytes_per_s = 3e12\n"
        "price_usd_per_hour_low = 0.5\nprice_usd_per_hour_high = 0.5\n",
        encoding="utf-8",
    )
    listed = json.loads(cli("machines", WEEKS, "--json").out)
    assert [row["price_usd_per_device_hour"] for row in listed["alternatives"] if row["device"] == "h200"] == [0.5]
    assert listed["cheapest"] == "h200"


def test_the_formats_tell_the_same(cli: Cli) -> None:
    found = rows(cli, WEEKS)
    table = list(csv.DictReader(io.StringIO(cli("machines", WEEKS, "--csv").out)))
    assert [row["device"] for row in table] == list(found)
    page = cli("machines", WEEKS, "--md").out
    assert page.startswith("# Machines for 64 x H100 for 14 days")
    assert f"budgetscope machines '{WEEKS}'" in page
    assert "| this plan | H100 SXM | 14 days | \\$92.5 K | 4.30 | 2026-11 |" in page
    assert "CO2e" not in page
    assert "CO2e" in cli("machines", WEEKS, "--md", "--grid", "100").out
    assert "by the bundled table, not live" in page


def test_a_size_without_a_shape_is_refused_in_one_sentence(cli: Cli) -> None:
    ran = cli("machines", "N=6e13", "--law", "hoffmann2022/approach-2")
    assert ran.code == 2
    assert "no shape is given for a model of this size" in ran.err


def test_two_formats_exclude_each_other(cli: Cli) -> None:
    assert cli("machines", "1e21", "--csv", "--md").code == 2

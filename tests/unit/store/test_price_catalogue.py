"""Prices of SkyPilot's catalogue: what a row means, what is refused, and the file that keeps them."""

import hashlib
import json
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from budgetscope.core.errors import FailureError
from budgetscope.core.hardware.devices import default_price, find_device
from budgetscope.core.hardware.prices import CloudPrice, device_price, price_text, priced
from budgetscope.store.catalogue import CLOUDS, TITLE, catalogue, prices_in, read_catalogue, write_catalogue
from budgetscope.store.devices import bundled_devices

HEADER = "InstanceType,AcceleratorName,AcceleratorCount,vCPUs,MemoryGiB,GpuInfo,Price,SpotPrice,Region,Arch\n"
H100 = find_device("h100", bundled_devices().devices)
DAY = date(2026, 11, 30)


def row(
    instance: str = "p5.48xlarge", name: str = "H100", count: str = "8.0", price: str = "55.04", spot: str = "20"
) -> str:
    return f"{instance},{name},{count},192,2048,\"{{'Gpus': [8, 'x']}}\",{price},{spot},us-east-1,x86_64\n"


def read(*rows: str, cloud: str = "aws") -> dict[str, CloudPrice]:
    return {price.device: price for price in prices_in(cloud, (HEADER + "".join(rows)).encode())}


def test_the_price_of_an_instance_is_divided_by_its_devices_and_spot_stands_apart() -> None:
    found = read(row(), row(price="", spot="16"))["h100-sxm"]
    assert found.on_demand == pytest.approx(6.88)
    assert found.spot == 2.0
    assert found.on_demand_place == "p5.48xlarge, us-east-1"


def test_the_cheapest_instance_counts() -> None:
    found = read(row(price="80", spot=""), row("p5.4xlarge", count="1", price="6.5", spot=""), row(spot=""))
    assert found["h100-sxm"].on_demand == 6.5
    assert found["h100-sxm"].spot is None


def test_one_name_covers_three_devices() -> None:
    assert set(read(row("Standard_NC40ads_H100_v5"), row("Standard_ND96isr_H100_v5"), cloud="azure")) == {
        "h100-nvl", "h100-sxm",
    }  # fmt: skip
    assert set(read(row("gpu_1x_h100_pcie"), row("gpu_8x_h100_sxm5"), cloud="lambda")) == {"h100-pcie", "h100-sxm"}
    assert set(read(row("1x_H100_SECURE"), row("1x_X", name="H100-SXM"), cloud="runpod")) == {"h100-pcie", "h100-sxm"}


def test_every_name_leads_to_a_bundled_device() -> None:
    from budgetscope.store import catalogue as file  # noqa: PLC0415 - its table is private

    assert {*file._DEVICES.values()} <= {device.id for device in bundled_devices().devices}


@pytest.mark.parametrize(
    "left_out",
    [
        row("", price="9"),  # a GPU without its host, as in Google's rows
        row(name="", count=""),  # no accelerator
        row(name="K80"),
        row(count="0.125"),  # a share of a GPU
        row(count="0"),
        row(price="0", spot="0.0"),
        row(price="", spot=""),
        "\n",
    ],
)
def test_rows_that_price_no_whole_device_are_left_out(left_out: str) -> None:
    assert read(left_out, row(name="B200", price="8", spot="")) == {
        "b200": CloudPrice("b200", "aws", 1.0, "p5.48xlarge, us-east-1")
    }


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (HEADER + row(price="-3.2"), "row 2 of the prices of aws gives '-3.2' as Price"),
        (HEADER + row() + row(spot="-1"), "row 3 of the prices of aws gives '-1' as SpotPrice"),
        (HEADER + row(price="nan"), "gives 'nan' as Price"),
        (HEADER + row(price="1e99"), "gives '1e99' as Price"),
        (HEADER + row(price="0.0001"), "gives '0.0001' as Price"),
        (HEADER + row(price="$2.50"), r"gives '\$2.50' as Price"),
        (HEADER + row(count="-8"), "gives '-8' as AcceleratorCount"),
        (HEADER + row(count="1e9"), "gives '1e9' as AcceleratorCount"),
        (HEADER + row("\x1b]0;owned\x07"), "names .* as its instance and region"),
        (HEADER + row("x" * 81), "as its instance and region"),
        (HEADER + "p5.48xlarge,H100,8.0,19", "row 2 of the prices of aws has 4 of 10 columns"),
        (HEADER.replace("Price,Spot", "Cost,Spot") + row(), "other columns than expected: Price is missing"),
        (HEADER.replace("Arch", "Price") + row(), "other columns than expected: Price is missing"),
        ("", "InstanceType is missing"),
        ("<!DOCTYPE html><html>Sign in</html>", "InstanceType is missing"),
        (HEADER + row(name="K80"), "the prices of aws name no device that is known here"),
        (HEADER + '"' + "x" * 200_000, r"the prices of aws are not CSV \(field larger"),
        (HEADER + row() + '"p5', r"not CSV \(unexpected end of data"),
        (HEADER + row("a\0b"), "the prices of aws"),
    ],
)
def test_other_content_is_refused_with_the_place(content: str, told: str) -> None:
    with pytest.raises(FailureError, match=told) as refused:
        prices_in("aws", content.encode())
    assert str(refused.value).isprintable()


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"\x1f\x8b\x08" + bytes(range(256)), bytes(100)])
def test_bytes_that_are_no_text_are_refused(content: bytes) -> None:
    with pytest.raises(FailureError, match="the prices of aws"):
        prices_in("aws", content)


def test_columns_may_come_in_another_order_and_without_spot() -> None:
    text = (
        "\ufeffRegion,Price,AcceleratorCount,AcceleratorName,InstanceType\neu-north1,23.60,8,H100,gpu-h100-sxm_8gpu\n"
    )
    (found,) = prices_in("nebius", text.encode())
    assert found.on_demand == pytest.approx(2.95)
    assert found.spot is None


CONTENTS = {
    "aws": (HEADER + row(spot="")).encode(),
    "lambda": (HEADER + row("gpu_8x_h100_sxm5", price="23.92", spot="")).encode(),
    "runpod": (HEADER + row("1x", name="H100-SXM", count="1", price="2.69", spot="1.75")).encode(),
}
FOUND = catalogue("https://prices.example/v8", DAY, CONTENTS)


def test_fetched_prices_are_kept_with_the_day_and_the_checksums() -> None:
    assert read_catalogue() is None
    path = write_catalogue(FOUND)
    assert read_catalogue() == FOUND
    assert read_catalogue(path) == FOUND
    assert FOUND.fetched == "2026-11-30"
    assert dict(FOUND.sha256)["aws"] == hashlib.sha256(CONTENTS["aws"]).hexdigest()


@pytest.mark.parametrize("change", ["price", "day", "schema", "no checksum", "cut", "list", "deep", "text"])
def test_damaged_prices_are_refused_with_the_remedy(change: str) -> None:
    path = write_catalogue(FOUND)
    text = path.read_text(encoding="utf-8")
    record = json.loads(text)
    if change == "price":
        record["prices"][0]["on_demand"] = 0.01
    elif change == "day":
        record["fetched"] = "2027-01-01"
    elif change == "schema":
        record["schema"] = 2
    elif change == "no checksum":
        del record["checksum"]
    changed = {"cut": text[:-40], "list": "[]", "deep": "[" * 100_000, "text": "\0"}
    path.write_text(changed.get(change, json.dumps(record)), encoding="utf-8")
    with pytest.raises(FailureError, match=r"damaged .* fetch them again with `budgetscope prices update`"):
        read_catalogue()


def test_a_bundled_device_takes_the_median_of_the_clouds_with_its_source_and_date() -> None:
    (found,) = priced([H100], FOUND)
    price = device_price(found)
    assert price is not None
    assert (price.value, price.low) == (2.99, 2.69)
    assert price.high == pytest.approx(6.88)
    assert price.basis == f"on-demand prices by {TITLE} of 2026-11-30"
    told = price_text(found)
    for part in (
        "$2.99 a device-hour",
        "the median of $2.69-6.88",
        TITLE,
        "2026-11-30",
        "not live",
        "aws, lambda, runpod",
    ):
        assert part in told


@pytest.mark.parametrize(
    "kept",
    [
        replace(H100, user_defined=True),
        replace(H100, price_date="2026-12"),
        find_device("b300", bundled_devices().devices),
    ],
)
def test_own_newer_and_other_devices_keep_their_price(kept: object) -> None:
    assert priced([kept], FOUND) == (kept,)  # type: ignore[list-item]


def test_spot_alone_is_no_price() -> None:
    spot = catalogue("https://x/v8", DAY, {"aws": (HEADER + row(price="", spot="9")).encode()})
    assert priced([H100], spot) == (H100,)
    assert default_price(H100) == 4.3


def test_the_clouds_that_are_read_leave_out_those_whose_rows_are_no_prices() -> None:
    assert {"gcp", "mithril"}.isdisjoint(CLOUDS)


def test_a_folder_that_cannot_be_written_keeps_the_old_prices(tmp_path: Path) -> None:
    path = write_catalogue(FOUND, tmp_path / "prices.json")
    (tmp_path / "file").touch()
    with pytest.raises(FailureError, match="cannot write"):
        write_catalogue(FOUND, tmp_path / "file" / "prices.json")
    assert read_catalogue(path) == FOUND

"""The user's settings and devices, as found and as broken."""

from pathlib import Path

import pytest

import budgetscope
from budgetscope.core.errors import FailureError
from budgetscope.store.devices import UserDevices, bundled_devices, user_devices
from budgetscope.store.locations import bundled_devices_file, devices_file, settings_file
from budgetscope.store.settings import Settings, read_settings, write_settings


def put(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def test_without_a_file_the_defaults_hold() -> None:
    assert read_settings() == Settings(law=None, hyperparameters=None)
    assert user_devices() == UserDevices()


def test_the_bundled_table_is_package_data_and_read_once() -> None:
    assert bundled_devices_file().is_relative_to(Path(budgetscope.__file__).parent)
    bundled = bundled_devices()
    assert bundled_devices() is bundled
    assert bundled.date == "2026-11"
    assert len({device.id for device in bundled.devices}) == len(bundled.devices) == 32
    assert not any(device.user_defined for device in bundled.devices)


def test_settings_come_back() -> None:
    settings = Settings("mine/lab", "porian2024/rounded-rule")
    assert write_settings(settings) == settings_file()
    assert read_settings() == settings


def test_settings_of_a_later_version_are_read_as_far_as_known() -> None:
    put(settings_file(), b'{"law": "mine/lab", "colour": "green"}')
    assert read_settings() == Settings("mine/lab", None)


@pytest.mark.parametrize(
    "content",
    [b"", b"[]", b"null", b"{", b'{"law": 1}', b'{"law": ["x"]}', b"\xff", b"[" * 100_000, b"1"],
    ids=["empty", "list", "null", "cut off", "number", "list inside", "not UTF-8", "nested", "scalar"],
)
def test_broken_settings_are_reported_with_their_file(content: bytes) -> None:
    put(settings_file(), content)
    with pytest.raises(FailureError, match=r"settings\.json") as refused:
        read_settings()
    assert str(refused.value).isprintable()
    assert settings_file().read_bytes() == content


def test_settings_that_cannot_be_written_are_reported(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(FailureError, match="choose a folder"):
        write_settings(Settings(), tmp_path / "file" / "settings.json")


def test_a_device_of_ones_own() -> None:
    put(
        devices_file(),
        b"""
        [my-card]
        peak_flops_per_s = {bf16 = 1e15}
        memory_bytes = 80e9
        memory_bandwidth_bytes_per_s = 3e12
        """.replace(b"80e9", b"80000000000"),
    )
    (device,) = user_devices().devices
    assert (device.id, device.user_defined) == ("my-card", True)
    assert device.peak_flops_per_s == {"bf16": 1e15}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"a = [1", "not TOML"),
        (b"a = " + b"[" * 20_000, "nested too deeply"),
        (b"card = 5", "write it as a table"),
        (b"[card]\n", "card"),
        (b"[card]\npeak_flops_per_s = {bf16 = -1.0}\nmemory_bytes = 1\nmemory_bandwidth_bytes_per_s = 1.0", "card"),
        (b"[card]\npeak_flops_per_s = {bf16 = nan}\nmemory_bytes = 1\nmemory_bandwidth_bytes_per_s = 1.0", "card"),
        (b"[card]\npeak_flops_per_s = 'fast'\nmemory_bytes = 1\nmemory_bandwidth_bytes_per_s = 1.0", "card"),
        (b'["a\\u001b[31mb"]\nx = 1', "not a valid id"),
        (b"[card]\nmemory_bytes = " + b"9" * 5000, "not TOML"),
        (b"card = 0x" + b"f" * 5000, "a number of thousands of digits"),
        (
            b"[card]\npeak_flops_per_s = {bf16 = 1e15}\nmemory_bandwidth_bytes_per_s = 1e12\n"
            b"memory_bytes = 0x" + b"f" * 5000,
            "a number of thousands of digits; give",
        ),
        (b"[" + b"x" * 5000 + b"]", "not a valid id"),
    ],
)
def test_a_broken_device_file_is_reported(content: bytes, said: str) -> None:
    put(devices_file(), content)
    found = user_devices()
    assert found.devices == ()
    (problem,) = found.problems
    assert said in problem
    assert problem.isprintable()
    assert len(problem) < 700


def test_a_device_file_that_cannot_be_read_is_told_and_stops_no_plan() -> None:
    put(devices_file(), b"\xff")
    (problem,) = user_devices().problems
    assert "not UTF-8" in problem
    devices_file().unlink()
    devices_file().mkdir()
    (problem,) = user_devices().problems
    assert "not a regular file" in problem


def test_a_copy_of_the_bundled_table_is_a_device_file() -> None:
    put(devices_file(), bundled_devices_file().read_bytes())
    found = user_devices()
    assert found.problems == ()
    assert len(found.devices) == len(bundled_devices().devices)


def test_a_broken_device_leaves_the_others() -> None:
    whole = (
        "[{0}]\npeak_flops_per_s = {{bf16 = 1e15}}\nmemory_bytes = 80000000000\nmemory_bandwidth_bytes_per_s = 3e12\n"
    )
    put(devices_file(), f"[bad]\n{whole.format('good')}name = 'ours'\n".encode())
    found = user_devices()
    assert [device.id for device in found.devices] == ["good"]
    (problem,) = found.problems
    assert "'bad'" in problem


def test_a_name_that_would_steer_the_terminal_is_refused() -> None:
    entry = (
        b"[card]\npeak_flops_per_s = {bf16 = 1e15}\nmemory_bytes = 80000000000\nmemory_bandwidth_bytes_per_s = 3e12\n"
    )
    put(devices_file(), entry + b'name = "H\\u001b[31mred"\n')
    (problem,) = user_devices().problems
    assert "printable" in problem
    assert problem.isprintable()

"""`prices`: the fetch against a server of our own, and what a plan takes afterwards."""

import json
import socket
import threading
import time
from collections.abc import Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest
from tests.cli.conftest import Cli

from budgetscope.api import prices
from budgetscope.store import http
from budgetscope.store.locations import devices_file, prices_file

CSV = (
    "InstanceType,AcceleratorName,AcceleratorCount,Price,SpotPrice,Region\n"
    "gpu-h100-sxm_8x,H100,8,24,8,east\n"
    "x,B200,8,40,,east\n"
)
HOLD_SECONDS = 0.5


class Server(ThreadingHTTPServer):
    """Serves every cloud the same file; `fault` is what goes wrong with `bad`."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.content = CSV.encode()
        self.fault = ""
        self.bad = "nebius"
        self.asked: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v8"

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of clients that go."""


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        server = self.server
        server.asked.append(self.path)
        fault = server.fault if server.bad in self.path else ""
        if fault == "status":
            self.send_error(429)
        elif fault in ("away", "loop", "file"):
            self.send_response(302)
            loop = self.path
            self.send_header("Location", {"away": "/moved", "loop": loop, "file": "file:///etc/passwd"}[fault])
            self.send_header("Content-Length", "0")
            self.end_headers()
        else:
            self._send(server.content, fault)

    def _send(self, content: bytes, fault: str) -> None:
        self.send_response(200)
        if fault == "huge":
            self.send_header("Transfer-Encoding", "chunked")
        elif fault != "no length":
            self.send_header("Content-Length", str(len(content) + (100 if fault in ("cut", "slow", "silent") else 0)))
        self.end_headers()
        if fault == "silent":
            time.sleep(3 * HOLD_SECONDS)
            return
        if fault == "slow":
            for byte in content:
                self.wfile.write(bytes([byte]))
                self.wfile.flush()
                time.sleep(HOLD_SECONDS / 10)
        block = b"x" * 100_000
        while fault == "huge":
            self.wfile.write(f"{len(block):x}\r\n".encode() + block + b"\r\n")
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Keep the tests' output clean."""


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_fetched_prices_are_shown_kept_and_taken_by_plans_offline(cli: Cli, server: Server) -> None:
    ran = cli("prices", "update", "--from", server.url)
    assert ran.code == 0
    assert next(line for line in ran.out.splitlines() if "H100 SXM" in line).split()[2:4] == ["3.00", "1.00"]
    assert server.asked == [f"/v8/{cloud}/vms.csv" for cloud in prices.CLOUDS]
    server.shutdown()
    plan = json.loads(cli("plan", "64 H100 for 14 days", "--json").out)
    price = plan["machine"]["price"]
    assert price["value"] == 3.0
    assert "SkyPilot's catalogue of 20" in price["basis"]
    (told,) = [text for text in plan["assumptions"] if text.startswith("price")]
    assert "not live" in told
    assert server.url in told
    assert len(server.asked) == len(prices.CLOUDS)


def test_show_names_every_source_and_what_a_plan_takes(cli: Cli, server: Server) -> None:
    before = cli("prices", "show", "H100")
    assert "the bundled table of 2026-" in before.out
    assert "No prices were fetched; `budgetscope prices update`" in before.out
    cli("prices", "update", "--from", server.url, "--cloud", "aws", "--cloud", "lambda")
    after = cli("prices", "show", "H100").out
    for part in ("takes $3 a device-hour", "the bundled table", "aws", "lambda", "gpu-h100-sxm_8x, east", "not live"):
        assert part in after
    shown = json.loads(cli("prices", "show", "H100", "--json").out)
    assert [cloud["spot"] for cloud in shown["fetched"]["clouds"]] == [1.0, 1.0]
    assert shown["table"]["low"] == 2.69


def test_the_users_own_rate_wins_then_the_device_file(cli: Cli, server: Server) -> None:
    cli("prices", "update", "--from", server.url)
    stated = json.loads(cli("plan", "64 H100 for 14 days", "--price", "2", "--json").out)["machine"]["price"]
    assert (stated["value"], stated["basis"]) == (2.0, "as stated")
    devices_file().parent.mkdir(parents=True)
    devices_file().write_text(
        '["h100-sxm"]\naliases = ["h100"]\npeak_flops_per_s = { bf16 = 989e12 }\nmemory_bytes = 80e9\n'
        "memory_bandwidth_bytes_per_s = 3e12\n"
        'price_usd_per_hour_low = 1.5\nprice_usd_per_hour_high = 1.5\nprice_date = "2025-01"\n',
        encoding="utf-8",
    )
    own = json.loads(cli("plan", "64 H100 for 14 days", "--json").out)["machine"]["price"]
    assert (own["value"], own["basis"]) == (1.5, "price by your own device file of 2025-01")


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ("status", "127.0.0.1 answers 429 for 'nebius/vms.csv'"),
        ("cut", "broke off 'nebius/vms.csv'"),
        ("no length", "does not say how long 'nebius/vms.csv' is"),
        ("slow", "has not sent 'nebius/vms.csv' within"),
        ("silent", "broke off 'nebius/vms.csv'"),
        ("huge", "sends more than 1 MB as 'nebius/vms.csv'"),
        ("loop", "broke off 'nebius/vms.csv' (exceeded maximum allowed redirects.)"),
        ("file", "broke off 'nebius/vms.csv'"),
        ("columns", "the prices of nebius have other columns than expected: Price is missing"),
        ("negative", "row 2 of the prices of nebius gives '-24' as Price"),
        ("bytes", "the prices of nebius are not UTF-8 text"),
    ],
)
def test_a_failed_fetch_says_why_and_changes_nothing(
    cli: Cli, server: Server, monkeypatch: pytest.MonkeyPatch, fault: str, told: str
) -> None:
    monkeypatch.setattr(prices, "_LIMIT_BYTES", 1_000_000)
    assert cli("prices", "update", "--from", server.url, "--cloud", "aws").code == 0
    if fault == "slow":
        monkeypatch.setattr(prices, "_LIMIT_SECONDS", HOLD_SECONDS)
    elif fault == "silent":
        monkeypatch.setattr(http, "_TIMEOUT_SECONDS", HOLD_SECONDS)
    kept = prices_file().read_bytes()
    server.fault = fault
    contents = {"columns": CSV.replace("Price,Spot", "Cost,Spot"), "negative": CSV.replace("24", "-24")}
    words = ("prices", "update", "--from", server.url, "--cloud", "nebius")
    server.content = b"\xff\xfe" if fault == "bytes" else contents.get(fault, CSV).encode()
    ran = cli(*words)
    assert ran.code == 1
    assert told in ran.err
    assert ran.err.rstrip().endswith("the prices stay as they were.")
    assert ran.err.count("budgetscope: ") == 1
    assert not ran.out
    assert prices_file().read_bytes() == kept


def test_what_one_cloud_sends_does_not_replace_the_others(cli: Cli, server: Server) -> None:
    server.fault = "status"
    assert cli("prices", "update", "--from", server.url).code == 1
    assert not prices_file().exists()


def test_a_cloud_with_another_format_can_be_left_out_by_the_printed_command(cli: Cli, server: Server) -> None:
    server.content = CSV.replace("Price,Spot", "Cost,Spot").encode()
    refused = cli("prices", "update", "--from", server.url).err
    printed = refused.partition("(budgetscope ")[2].partition(")")[0].split()
    assert "aws" not in printed
    server.content = CSV.encode()
    assert cli(*printed).code == 0


def test_a_redirect_is_followed(cli: Cli, server: Server) -> None:
    server.fault = "away"
    assert cli("prices", "update", "--from", server.url).code == 0
    assert "/moved" in server.asked


def test_an_encrypted_address_is_not_left_for_an_open_one(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.scheme == "https":
            return httpx.Response(302, headers={"Location": "http://127.0.0.1/v8"})
        return httpx.Response(200, content=CSV.encode())

    client = partial(httpx.Client, transport=httpx.MockTransport(answer))
    monkeypatch.setattr(httpx, "Client", client)
    ran = cli("prices", "update", "--from", "https://prices.example/v8")
    assert ran.code == 1
    assert "leads 'aws/vms.csv' to an address without encryption" in ran.err
    assert not prices_file().exists()


def test_without_a_network_the_refusal_names_the_mirror(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    monkeypatch.setattr(prices, "URL", f"http://127.0.0.1:{port}/v8")
    ran = cli("prices", "update")
    assert ran.code == 1
    assert "cannot reach 127.0.0.1" in ran.err
    assert f"budgetscope prices update --from {prices.MIRROR}" in ran.err


@pytest.mark.parametrize(
    "address",
    ["prices", "ftp://x/v8", "file:///tmp", "http://", "https://x/v8?y=1", "http://[", "http://x:9999999", ""],
)
def test_an_address_that_is_none_is_refused(cli: Cli, address: str) -> None:
    ran = cli("prices", "update", "--from", address)
    assert ran.code == 2
    assert "is no address of a catalogue; write it like https://" in ran.err


def test_an_unknown_cloud_and_device_are_refused(cli: Cli) -> None:
    ran = cli("prices", "update", "--cloud", "gcp")
    assert ran.code == 2
    assert "--cloud 'gcp' is not read; choose of aws, azure" in ran.err
    assert cli("prices", "show", "H1000").code == 2


def test_damaged_prices_are_told_and_the_bundled_ones_used(cli: Cli, server: Server) -> None:
    cli("prices", "update", "--from", server.url)
    prices_file().write_text("{}", encoding="utf-8")
    ran = cli("plan", "1e21", "--small-print")
    assert ran.code == 0
    assert "the fetched prices in" in ran.out
    assert "by the bundled table of" in ran.out
    assert "skipped: the fetched prices" in cli("prices", "show", "H100").err

"""The app in a browser: over plain HTTP and web sockets always, and in a real browser where there is one."""

import asyncio
import contextlib
import json
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

aiohttp = pytest.importorskip("aiohttp")
pytest.importorskip("textual_serve")

from tests.e2e.browser import PATIENCE_SECONDS, browse, first_page, found, plain  # noqa: E402 - which needs aiohttp

from budgetscope.api import Advisor, PlanRequest  # noqa: E402
from budgetscope.cli.server import LocalServer, _checked  # noqa: E402
from budgetscope.core.budget.quantities import format_count  # noqa: E402
from budgetscope.store.app_state import AppState, read_state, write_state  # noqa: E402
from budgetscope.tui.app import DEFAULT_BUDGET  # noqa: E402


@dataclass(frozen=True)
class Served:
    """An app that is served, and its address."""

    process: subprocess.Popen[str]
    port: int
    token: str

    @property
    def root(self) -> str:
        return f"http://localhost:{self.port}"

    @property
    def address(self) -> str:
        return f"{self.root}/{self.token}"

    def interrupt(self) -> int:
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(timeout=PATIENCE_SECONDS)


def free_port() -> int:
    with socket.create_server(("localhost", 0)) as taken:
        port: int = taken.getsockname()[1]
    return port


@pytest.fixture
def served() -> Iterator[Served]:
    """Serve the app to a user who has taken the tour."""
    write_state(AppState(toured=True))
    port = free_port()
    with subprocess.Popen(
        [sys.executable, "-m", "budgetscope", "serve", "--port", str(port), "--max-sessions", "2"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        try:
            assert process.stderr is not None
            said = process.stdout.readline()
            found = re.fullmatch(rf"The app is at http://localhost:{port}/([\w-]{{40,}})/ \(Ctrl-C ends it\)\.\n", said)
            assert found is not None, said
            assert "whoever has this address can use the app and read your files" in process.stderr.readline()
            yield Served(process, port, found[1])
        finally:
            process.kill()


TYPED = "b\x151e21"
"""Keys: to the budget, empty it, and type another."""


def figures(budget: str) -> set[str]:
    run = Advisor().answer(PlanRequest(budget)).plan.run
    return {format_count(run.n_params), format_count(run.tokens)}


def keeps(request: dict[str, str]) -> None:
    """Wait until the app has stored what it showed."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while read_state().request != request:
        assert time.monotonic() < deadline, read_state()
        time.sleep(0.1)


async def receives(connection: Any, texts: set[str]) -> None:
    """Wait until all texts have come."""
    received = b""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not all(text in plain(received) for text in texts):
            message = await connection.receive()
            assert message.type in (aiohttp.WSMsgType.BINARY, aiohttp.WSMsgType.TEXT)
            if message.type is aiohttp.WSMsgType.BINARY:
                received += message.data


@contextlib.asynccontextmanager
async def typed(served: Served) -> AsyncIterator[None]:
    """Open a page, see the plan, type another budget, and see that one's."""
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(f"{served.address}/ws?width=120&height=40") as connection,
    ):
        await receives(connection, figures(DEFAULT_BUDGET))
        await connection.send_json(["stdin", TYPED])
        await receives(connection, figures("1e21"))
        yield


async def test_the_plan_arrives_follows_what_is_typed_and_is_kept_when_the_page_is_closed(served: Served) -> None:
    async with aiohttp.ClientSession() as session, session.get(f"{served.address}/") as answer:
        assert answer.status == 200
        assert f"ws://localhost:{served.port}/{served.token}/ws" in await answer.text()
    async with typed(served):
        pass
    assert served.interrupt() == 0
    assert read_state().request == {"budget": "1e21"}


async def test_the_page_has_a_title_and_asks_nothing_of_another_host(served: Served) -> None:
    async with aiohttp.ClientSession() as session, session.get(f"{served.address}/") as answer:
        page = await answer.text()
    assert "<title>budgetscope</title>" in page
    addresses = set(re.findall(r"""(?:src|href)=["'](?:https?:)?//([^/"']+)""", page))
    assert addresses <= {f"localhost:{served.port}"}


async def test_the_browser_gets_the_picture_and_the_server_s_folder_none(served: Served) -> None:
    before = set(Path.cwd().iterdir())
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(f"{served.address}/ws?width=120&height=40") as connection,
    ):
        await receives(connection, figures(DEFAULT_BUDGET))
        await connection.send_json(["stdin", "\x1b[19~"])
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                message = await connection.receive()
                if message.type is aiohttp.WSMsgType.TEXT and "deliver_file_start" in message.data:
                    key = json.loads(message.data)[1]
                    break
        async with session.get(f"{served.address}/download/{key}") as answer:
            assert answer.status == 200
            assert answer.headers["Content-Disposition"].startswith("attachment; filename=budgetscope-plan-")
            assert (await answer.text()).startswith("<svg")
    assert set(Path.cwd().iterdir()) == before


async def test_an_interrupt_closes_an_open_page_and_keeps_what_it_showed(served: Served) -> None:
    async with typed(served):
        assert served.interrupt() == 0
    assert read_state().request == {"budget": "1e21"}


async def test_an_app_ends_with_a_server_that_is_killed_and_keeps_what_it_showed(served: Served) -> None:
    async with typed(served):
        served.process.kill()
    keeps({"budget": "1e21"})


async def test_nothing_is_shown_to_who_lacks_the_token(served: Served) -> None:
    wrong = f"{served.root}/{'A' * len(served.token)}"
    async with aiohttp.ClientSession() as session:
        for base in (served.root, wrong, f"{served.root}/é", f"{served.root}//{served.token}"):
            for path in ("", "/", "/ws", "/static/js/textual.js", "/static/", "/download/x", "/nothing"):
                async with session.get(f"{base}{path}", allow_redirects=False) as answer:
                    assert answer.status == 403, f"{base}{path}"
            with pytest.raises(aiohttp.WSServerHandshakeError) as refusal:
                await session.ws_connect(f"{base}/ws")
            assert refusal.value.status == 403
        async with session.get(f"{served.address}/static/js/textual.js") as answer:
            assert answer.status == 200


async def test_another_sites_page_cannot_reach_the_app(served: Served) -> None:
    async with aiohttp.ClientSession() as session:
        for origin in (
            "http://elsewhere.example",
            f"http://elsewhere.example:{served.port}",
            "http://localhost:1",
            "http://localhost",
            "null",
            "http://[::1",
            "http://localhost:port",
            "http://localhost:99999999",
            "",
        ):
            with pytest.raises(aiohttp.WSServerHandshakeError) as refusal:
                await session.ws_connect(f"{served.address}/ws", origin=origin)
            assert refusal.value.status == 403, origin


@pytest.mark.parametrize(
    ("port", "origin", "own"),
    [
        (80, "http://localhost", True),
        (80, "http://box", True),
        (80, "http://box:8000", False),
        (443, "http://box:443", True),
        (8000, "http://[::1]:8000", True),
        (8000, "http://localhost", False),
    ],
)
def test_a_browser_leaves_port_80_out_of_its_origin(port: int, origin: str, *, own: bool) -> None:
    assert LocalServer("true", "Box", port, 1)._is_own(origin) is own


@pytest.mark.parametrize(
    "message",
    [
        "",
        "{",
        "[]",
        "1",
        "null",
        '"x"',
        "{}",
        '["stdin"]',
        '["stdin", 1]',
        '["stdin", "\\ud800"]',
        '["resize", {"width": "x", "height": 24}]',
        '["resize", {"width": 100000, "height": 3000}]',
        '["resize", {"width": 0, "height": 24}]',
        '["resize", {"width": -1, "height": 24}]',
        '["resize", {"width": 80.5, "height": 24}]',
        '["resize", {"width": true, "height": 24}]',
        '["resize", {"width": 80}]',
        '["resize", [80, 24]]',
        f'["resize", {{"width": {"9" * 5000}, "height": 24}}]',
        '["unknown"]',
        "[" * 100_000,
    ],
)
def test_a_message_that_no_page_sends_is_refused(message: str) -> None:
    with pytest.raises((ValueError, TypeError, KeyError, RecursionError)):
        _checked(message)


async def test_hostile_messages_close_their_own_page_alone_and_without_a_traceback(served: Served) -> None:
    hostile = (
        '["resize", {"width": "x", "height": 3}]',
        '["resize", {"width": 100000, "height": 3000}]',
        "{",
        "x" * 2**21,
    )
    with socket.create_connection(("localhost", served.port)) as other_program:
        other_program.sendall(b"GET / HTTP/1.1\r\nHost: x\rUpgrade: y\r\n\r\n")
        assert b" 400 " in other_program.recv(100)
    async with aiohttp.ClientSession() as session:
        for size in ("width=100000&height=3000", "width=x", f"width={'9' * 5000}", "height=0"):
            with pytest.raises(aiohttp.WSServerHandshakeError) as refusal:
                await session.ws_connect(f"{served.address}/ws?{size}")
            assert refusal.value.status == 400
        async with session.ws_connect(f"{served.address}/ws?width=120&height=40") as other:
            await receives(other, figures(DEFAULT_BUDGET))
            for message in hostile:
                connection = await opened(session, served)
                await connection.send_str(message)
                async with asyncio.timeout(PATIENCE_SECONDS):
                    while not connection.closed:
                        await connection.receive()
                assert connection.close_code in (1008, 1009)
            await other.send_json(["stdin", TYPED])
            await receives(other, figures("1e21"))
    assert served.interrupt() == 0
    assert served.process.stderr is not None
    assert served.process.stdout is not None
    assert served.process.stderr.read() == ""
    assert served.process.stdout.read() == ""


async def opened(session: Any, served: Served) -> Any:
    """Open a page as soon as there is room for one."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            with contextlib.suppress(aiohttp.WSServerHandshakeError):
                return await session.ws_connect(f"{served.address}/ws")
            await asyncio.sleep(0.1)


async def test_more_pages_than_the_limit_are_refused_until_one_closes(served: Served) -> None:
    async with aiohttp.ClientSession() as session:
        async with (
            session.ws_connect(f"{served.address}/ws"),
            session.ws_connect(f"{served.address}/ws"),
        ):
            with pytest.raises(aiohttp.WSServerHandshakeError) as refusal:
                await session.ws_connect(f"{served.address}/ws")
            assert refusal.value.status == 503
        await (await opened(session, served)).close()


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[str]:
    """Start a real browser, or skip."""
    command = found()
    if command is None:
        pytest.skip("no Chromium or Chrome on the path, and BUDGETSCOPE_BROWSER names none")
    with browse(command, tmp_path / "profile") as address:
        yield address


async def test_a_real_browser_shows_it(browser: str, served: Served) -> None:
    async with first_page(browser) as page:
        blank = await page.picture()
        await page.open(f"{served.address}/")
        for text in figures(DEFAULT_BUDGET):
            await page.receives(text)
        assert await page.value("document.body.classList.contains('-first-byte')")
        # Keys go to the app without a click.
        await page.type("b")
        await page.press("u", ctrl=True)
        await page.type("1e21")
        for text in figures("1e21"):
            await page.receives(text)
        shown = await page.picture()
        assert len(shown) > 5 * len(blank)
        assert page.faults == []
        # The package's page asks for a font elsewhere; it is not let to.
        outside = [address for address in page.requested if not address.startswith(served.root)]
        assert set(outside) <= set(page.blocked)
        assert served.interrupt() == 0
        await page.value("1")
        assert await page.value("document.body.classList.contains('-closed')")

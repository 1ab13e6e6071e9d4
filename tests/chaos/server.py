"""The browser's server under odd requests and messages: each ends its own page at most, and the others go on."""

import asyncio
import contextlib
import json
import os
import random
import re
import signal
import socket
import string
import subprocess
import sys
import time
from typing import Any

import aiohttp
from tests.chaos.counts import Counts
from tests.chaos.damage import damage

from budgetscope.store.app_state import AppState, write_state

_PATIENCE_SECONDS = 30.0
_ODD: tuple[Any, ...] = (
    None, True, 0, -1, 1.5, 10**30, "", "x", "\ud800", "\x1b[999;999R", [], [[]], {}, {"width": 80},
    {"width": 10**9, "height": 1},
)  # fmt: skip


def campaign(seed: int, deadline: float) -> Counts:
    """Serve the app, keep one page open, and send oddities beside it."""
    counts = Counts()
    write_state(AppState(toured=True))
    with socket.create_server(("localhost", 0)) as taken:
        port = taken.getsockname()[1]
    with subprocess.Popen(
        [sys.executable, "-m", "budgetscope", "serve", "--port", str(port), "--max-sessions", "3"],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stderr is not None
            said = process.stdout.readline()
            process.stderr.readline()
            found = re.search(r"(http://localhost:\d+)/([\w-]{40,})/", said)
            assert found is not None, said
            asyncio.run(_attempts(counts, seed, deadline, port, found[1], found[2]))
            process.send_signal(signal.SIGINT)
            code, rest = process.wait(_PATIENCE_SECONDS), process.stderr.read()
            if code or rest:
                counts.fault("tracebacks", f"the server ended with {code} and said {rest[-500:]}")
        except subprocess.TimeoutExpired:
            counts.fault("hangs", "the server does not end")
        finally:
            process.kill()
    return counts


async def _attempts(counts: Counts, seed: int, deadline: float, port: int, root: str, token: str) -> None:
    async with aiohttp.ClientSession() as session, session.ws_connect(f"{root}/{token}/ws") as good:
        for rng in counts.attempts(seed, deadline):
            if rng.random() < 0.7:
                await _request(counts, rng, port, token)
            else:
                await _message(counts, rng, session, f"{root}/{token}/ws")
            if not await _answers(good, counts.tried):
                counts.fault("lost", "the page beside it is gone or silent")
                return


async def _answers(page: Any, number: int) -> bool:
    """Whether the server answers a page that did nothing wrong."""
    with contextlib.suppress(TimeoutError, ConnectionError):
        await page.send_str(json.dumps(["ping", str(number)]))
        async with asyncio.timeout(_PATIENCE_SECONDS):
            async for message in page:
                if message.type is aiohttp.WSMsgType.TEXT and json.loads(message.data) == ["pong", str(number)]:
                    return True
    return False


async def _request(counts: Counts, rng: random.Random, port: int, token: str) -> None:
    """Send a request that is damaged or has no token, and look at the answer."""
    known = rng.random() < 0.5
    path = rng.choice(
        ("/", "/ws", "/ws?width=1e9", "/static/js/textual.js", "/static/../../etc/passwd", "/download/x", "//")
    )
    first = token if known else "".join(rng.choices(string.printable, k=rng.randint(0, 60)))
    request = (
        f"GET /{first}{path} HTTP/1.1\r\nHost: localhost:{port}\r\nOrigin: http://localhost:{port}\r\n"
        "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAA\r\n\r\n"
    ).encode()
    content = damage(request, rng).data if rng.random() < 0.8 else request
    answer = b""
    with contextlib.suppress(ConnectionError, TimeoutError):
        reader, writer = await asyncio.open_connection("localhost", port)
        writer.write(content)
        writer.write_eof()
        begun = time.monotonic()
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                answer = await reader.read(200)
        except TimeoutError:
            counts.fault("hangs", f"no answer to {content!r} in {time.monotonic() - begun:.0f} s")
        writer.close()
    status = answer.split(b" ", 2)[1:2]
    if status == [b"500"]:
        counts.fault("tracebacks", f"{content!r} is answered {answer!r}")
    if token.encode() not in content and status in ([b"200"], [b"101"]):
        counts.fault("wrong", f"without the token, {content!r} is answered {answer!r}")


async def _message(counts: Counts, rng: random.Random, session: Any, address: str) -> None:
    """Open a page, send it one odd message, and see it closed or alive."""
    kind = rng.choice(("stdin", "resize", "ping", "blur", "unknown", 1, None))
    text = json.dumps([kind, *rng.choices(_ODD, k=rng.randint(0, 2))])
    if rng.random() < 0.4:
        text = damage(text.encode(), rng).data.decode(errors="replace")
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            page = await _opened(session, address)
            await page.send_str(text)
            if not page.closed and not await _answers(page, -1) and page.close_code not in (1000, 1007, 1008, 1009):
                counts.fault("wrong", f"after {text[:200]!r} the page was closed with {page.close_code}")
            await page.close()
    except TimeoutError:
        counts.fault("hangs", f"no answer to the message {text[:200]!r}")


async def _opened(session: Any, address: str) -> Any:
    """Open a page as soon as there is room for one."""
    while True:
        with contextlib.suppress(aiohttp.WSServerHandshakeError):
            return await session.ws_connect(address)
        await asyncio.sleep(0.05)

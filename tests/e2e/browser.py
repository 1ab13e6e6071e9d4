"""A headless browser, driven over its debugging protocol."""

import asyncio
import base64
import contextlib
import os
import re
import shutil
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import aiohttp

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chromium-headless-shell", "chrome")
ESCAPES = re.compile(rb"\x1b\[[0-9;?<>=]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)")
PATIENCE_SECONDS = 20.0


def found() -> str | None:
    """Return a browser: that of BUDGETSCOPE_BROWSER, or the first on the path."""
    return os.environ.get("BUDGETSCOPE_BROWSER") or next(filter(None, map(shutil.which, NAMES)), None)


def plain(data: bytes) -> str:
    """Return what an app sent without the terminal's escapes."""
    return ESCAPES.sub(b"", data).decode(errors="replace")


class Page:
    """One page of a browser.

    Attributes:
        requested: every address that it asked for over the network.
        blocked: of these, those that it was not let to.
        faults: what scripts threw.
        asked: what it sent over its web sockets.
        sent: what came over its web sockets, without the terminal's escapes.
    """

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._calls = 0
        self._addresses: dict[str, str] = {}
        self._received = b""
        self.blocked: list[str] = []
        self.faults: list[str] = []
        self.asked: list[str] = []

    @property
    def requested(self) -> list[str]:
        return list(self._addresses.values())

    @property
    def sent(self) -> str:
        return plain(self._received)

    async def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Call a method of the protocol, and take the events that come before its answer."""
        self._calls += 1
        call = self._calls
        await self._socket.send_json({"id": call, "method": method, "params": parameters})
        while True:
            message = await self._socket.receive_json(timeout=PATIENCE_SECONDS)
            if message.get("id") == call:
                assert "error" not in message, message
                result: dict[str, Any] = message["result"]
                return result
            if "method" in message:
                self._take(message["method"], message["params"])

    def _take(self, event: str, told: dict[str, Any]) -> None:
        if event == "Network.requestWillBeSent":
            self._addresses[told["requestId"]] = told["request"]["url"]
        elif event == "Network.loadingFailed":
            self.blocked.append(self._addresses[told["requestId"]])
        elif event == "Network.webSocketFrameReceived" and told["response"]["opcode"] == 2:
            self._received += base64.b64decode(told["response"]["payloadData"])
        elif event == "Network.webSocketFrameSent":
            self.asked.append(told["response"]["payloadData"])
        elif event == "Runtime.exceptionThrown":
            self.faults.append(str(told["exceptionDetails"]))

    async def open(self, address: str) -> None:
        for domain in ("Page", "Network", "Runtime"):
            await self.call(f"{domain}.enable")
        await self.call("Page.navigate", url=address)

    async def value(self, expression: str) -> Any:
        return (await self.call("Runtime.evaluate", expression=expression))["result"].get("value")

    async def receives(self, text: str) -> None:
        """Wait until a text has come over the web socket."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while text not in self.sent:
            assert time.monotonic() < deadline, (
                f"no {text!r} after {self.asked}; the last that came: {self.sent[-4000:]}"
            )
            await self.value("1")
            await asyncio.sleep(0.05)

    async def press(self, key: str, text: str = "", *, ctrl: bool = False) -> None:
        """Press the key of a letter or digit; with Ctrl, it has no text."""
        known = {"key": key, "windowsVirtualKeyCode": ord(key.upper()), "modifiers": 2 if ctrl else 0}
        await self.call("Input.dispatchKeyEvent", type="keyDown", text=text, **known)
        await self.call("Input.dispatchKeyEvent", type="keyUp", **known)

    async def type(self, text: str) -> None:
        for character in text:
            await self.press(character, character)

    async def picture(self) -> bytes:
        return base64.b64decode((await self.call("Page.captureScreenshot"))["data"])


@contextlib.contextmanager
def browse(browser: str, profile: Path) -> Iterator[str]:
    """Start a browser with one empty page; return the address of its debugging protocol."""
    # Its own sandbox does not run as root, as which tests run in containers.
    rootly = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    options = ["--headless", "--remote-debugging-port=0", f"--user-data-dir={profile}", "--window-size=1280,800"]
    with subprocess.Popen(
        [browser, *rootly, *options, "about:blank"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            told = profile / "DevToolsActivePort"
            deadline = time.monotonic() + PATIENCE_SECONDS
            while not (told.exists() and "\n" in told.read_text()):
                assert process.poll() is None
                assert time.monotonic() < deadline
                time.sleep(0.05)
            yield f"http://127.0.0.1:{told.read_text().split()[0]}"
        finally:
            process.terminate()


@contextlib.asynccontextmanager
async def first_page(browser: str) -> AsyncIterator[Page]:
    """Attach to the empty page of a browser at an address."""
    async with aiohttp.ClientSession() as session:
        async with session.get(f"{browser}/json/list") as answer:
            pages = [target for target in await answer.json() if target["type"] == "page"]
        async with session.ws_connect(pages[0]["webSocketDebuggerUrl"], max_msg_size=0) as socket:
            yield Page(socket)

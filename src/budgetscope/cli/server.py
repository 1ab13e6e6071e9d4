"""The web server of `serve`; a separate module, since its packages are an extra.

Everything that comes over the network is hostile: any program on this machine can connect, whoever runs it. A random
token in the address is what lets a browser in.
"""

import asyncio
import contextlib
import json
import logging
import re
import secrets
import socket
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

from aiohttp import WSMsgType, web
from aiohttp.http import HttpProcessingError
from textual_serve.app_service import AppService
from textual_serve.server import Server

# How long an open page may take to close before its app is stopped, and an app to stop before it is killed.
_PATIENCE_SECONDS = 0.5
_LEAVING_SECONDS = 10.0
_MOST_CELLS = 1000
"""Most columns and most rows of a terminal."""
_MAX_MESSAGE_BYTES = 2**20
_DEFAULT_PORTS = {"http": 80, "https": 443}
_FOREIGN_FONT = re.compile(r"<link[^>]*fonts\.googleapis\.com[^>]*>")
_HEAD = """<title>budgetscope</title>
<link rel="icon" href="data:,">
<script>
  // Without this the page of textual_serve takes keys only after a click.
  addEventListener('load', () => document.querySelector('.xterm-helper-textarea').focus());
  // That page fetches a file from the root of the server, where the token is missing, in a window that browsers block.
  const openWindow = window.open.bind(window);
  window.open = (url, target) => {
    const root = `${location.origin}/download/`;
    if (!String(url).startsWith(root)) return openWindow(url, target);
    const link = document.createElement('a');
    link.href = location.pathname.replace(/\\/*$/, '/download/') + String(url).slice(root.length);
    link.download = '';
    document.body.append(link);
    link.click();
    link.remove();
    return null;
  };
</script>
"""

_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class LocalServer(Server):
    """A server whose pages load nothing from other hosts, and whose app only browsers with its address reach.

    Attributes:
        address: of the app, with the token.
    """

    def __init__(self, command: str, host: str, port: int, max_sessions: int) -> None:
        """Set the address.

        Args:
            command: shell command that starts the app.
            host: name or address in the page's URL.
            port: where the server listens.
            max_sessions: most apps at once.
        """
        shown = f"[{host}]" if ":" in host else host
        super().__init__(command, host, port, title="budgetscope", public_url=f"http://{shown}:{port}")
        self._token = secrets.token_urlsafe()
        self.address = f"{self.public_url}/{self._token}/"
        self._max_sessions, self._sessions = max_sessions, 0

    def listen(self, sockets: list[socket.socket]) -> None:
        """Serve until interrupted."""
        logging.getLogger("aiohttp.server").addFilter(_is_about_us)
        web.run_app(
            self._make_app(), sock=sockets, shutdown_timeout=_PATIENCE_SECONDS, access_log=None, print=lambda *_: None
        )

    async def _make_app(self) -> web.Application:
        """Put every page, file and socket below the token."""
        outer = web.Application(middlewares=[self._require_token])
        outer.add_subapp(f"/{self._token}", await super()._make_app())
        return outer

    @web.middleware
    async def _require_token(self, request: web.Request, handler: _Handler) -> web.StreamResponse:
        given = request.path.split("/")[1]
        if not secrets.compare_digest(given.encode(errors="replace"), self._token.encode()):
            raise web.HTTPForbidden(text="Open the address that budgetscope printed; it ends in a token.")
        return await handler(request)

    async def on_startup(self, app: web.Application) -> None:
        """Print nothing; the command has printed the address."""

    async def handle_index(self, request: web.Request) -> web.Response:
        """Return the page of textual_serve with a title, without its font of another host, which a policy forbids."""
        response = await super().handle_index(request)
        assert isinstance(response, web.Response)  # noqa: S101 - the package types it wider than it is
        response.text = _FOREIGN_FONT.sub("", response.text or "").replace("</head>", f"{_HEAD}</head>")
        own = f"'self' {self.public_url}"
        response.headers["Content-Security-Policy"] = (
            f"default-src {own} data: 'unsafe-inline'; connect-src ws{self.public_url.removeprefix('http')}; "
            "frame-ancestors 'none'"
        )
        # The address holds the token.
        response.headers["Referrer-Policy"] = "no-referrer"
        return response

    async def handle_websocket(self, request: web.Request) -> web.WebSocketResponse:
        """Connect a page to a new app.

        Raises:
            web.HTTPForbidden: the page is of another site. Browsers let every page open a socket to this machine.
            web.HTTPBadRequest: the size of the terminal is out of bounds.
            web.HTTPServiceUnavailable: there are as many apps as may be.
        """
        if not self._is_own(request.headers.get("Origin")):
            raise web.HTTPForbidden(text="The app answers its own page alone.")
        try:
            width, height = (_cells(int(request.query.get(*side))) for side in (("width", "80"), ("height", "24")))
        except ValueError as error:
            raise web.HTTPBadRequest(text=str(error)[:100]) from None
        if self._sessions >= self._max_sessions:
            raise web.HTTPServiceUnavailable(text=f"{self._sessions} pages are open, the most; close one of them.")
        self._sessions += 1
        try:
            return await self._connect(request, width, height)
        finally:
            self._sessions -= 1

    def _is_own(self, origin: str | None) -> bool:
        """Return whether a page of this origin is ours; what is no browser sends no origin."""
        if origin is None:
            return True
        try:
            asking = urlsplit(origin)
            # Browsers leave a scheme's own port out.
            port = asking.port or _DEFAULT_PORTS.get(asking.scheme)
        except ValueError:
            return False
        return port == self.port and asking.hostname in {self.host.lower(), "localhost", "127.0.0.1", "::1"}

    async def _connect(self, request: web.Request, width: int, height: int) -> web.WebSocketResponse:
        page = web.WebSocketResponse(heartbeat=15, max_msg_size=_MAX_MESSAGE_BYTES)
        await page.prepare(request)

        async def close() -> None:
            await page.close()

        service = AppService(
            self.command,
            write_bytes=page.send_bytes,
            write_str=page.send_str,
            close=close,
            download_manager=self.download_manager,
        )
        try:
            await service.start(width, height)
            # The page may go while it is answered.
            with contextlib.suppress(ConnectionError):
                await self._process_messages(page, service)
        finally:
            await _end(service)
            await page.close()
        return page

    async def _process_messages(self, websocket: web.WebSocketResponse, app_service: AppService) -> None:
        """Pass the messages of a page on to its app; one that the page of textual_serve never sends ends both."""
        async for message in websocket:
            if message.type is not WSMsgType.TEXT:
                continue
            try:
                kind, value = _checked(message.data)
            except (ValueError, TypeError, KeyError, RecursionError):
                await websocket.close(code=1008, message=b"not a message of the page")
                return
            match kind:
                case "stdin":
                    await app_service.send_bytes(value)
                case "resize":
                    await app_service.set_terminal_size(*value)
                case "ping":
                    await websocket.send_json(["pong", value])
                case "blur":
                    await app_service.blur()
                case "focus":
                    await app_service.focus()


def _checked(message: str) -> tuple[str, Any]:
    """Return the kind of a page's message and its value, checked; a kind that is unknown is refused.

    Raises:
        ValueError, TypeError, KeyError, RecursionError: it is not a message that a page sends.
    """
    kind, *values = json.loads(message)
    value = values[0] if values else None
    match kind, value:
        case "stdin", str():
            return kind, value.encode()
        case "resize", dict():
            return kind, (_cells(value["width"]), _cells(value["height"]))
        case ("ping", _) | ("blur", _) | ("focus", _):
            return kind, value
    raise ValueError


def _cells(number: object) -> int:
    """Return a number of columns or rows.

    Raises:
        ValueError: it is not a whole number from 1 to `_MOST_CELLS`.
    """
    if type(number) is not int or not 1 <= number <= _MOST_CELLS:
        raise ValueError(f"a terminal has from 1 to {_MOST_CELLS} columns and rows")
    return number


def _is_about_us(record: logging.LogRecord) -> bool:
    """Return whether a message is not about a request that is no HTTP, which any program here can send."""
    return not (record.exc_info and isinstance(record.exc_info[1], HttpProcessingError))


async def _end(service: AppService) -> None:
    """Stop an app, and kill it if it does not stop."""
    stopped = asyncio.ensure_future(service.stop())
    _, waiting = await asyncio.wait({stopped}, timeout=_LEAVING_SECONDS)
    process = service._process  # noqa: SLF001 - the package has no way to kill an app
    if waiting and process is not None:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await stopped

"""The web server of `serve`; a separate module, since its packages are an extra."""

import socket
from urllib.parse import urlsplit

from aiohttp import web
from textual_serve.server import Server

# How long an open page may take to close before its app is stopped.
_PATIENCE_SECONDS = 0.5
# Without this script the page of textual_serve takes keys only after a click.
_FOCUS = "<script>addEventListener('load', () => document.querySelector('.xterm-helper-textarea').focus())</script>"


class LocalServer(Server):
    """A server whose pages load nothing from other hosts, and refuse connections from pages of other sites."""

    def __init__(self, command: str, host: str, port: int) -> None:
        """Set the address.

        Args:
            command: shell command that starts the app.
            host: name or address in the page's URL.
            port: where the server listens.
        """
        shown = f"[{host}]" if ":" in host else host
        super().__init__(command, host, port, title="budgetscope", public_url=f"http://{shown}:{port}")

    def listen(self, sockets: list[socket.socket]) -> None:
        """Serve until interrupted."""
        web.run_app(
            self._make_app(), sock=sockets, shutdown_timeout=_PATIENCE_SECONDS, access_log=None, print=lambda *_: None
        )

    async def on_startup(self, app: web.Application) -> None:
        """Print nothing; the command has printed the address."""

    async def handle_index(self, request: web.Request) -> web.Response:
        """Return the page with a policy against other hosts; the page of textual_serve loads a font from Google."""
        response = await super().handle_index(request)
        assert isinstance(response, web.Response)  # noqa: S101 - the package types it wider than it is
        response.text = (response.text or "").replace("</head>", f"{_FOCUS}</head>")
        own = f"'self' {self.public_url}"
        response.headers["Content-Security-Policy"] = (
            f"default-src {own} data: 'unsafe-inline'; connect-src ws{self.public_url.removeprefix('http')}; "
            "frame-ancestors 'none'"
        )
        return response

    async def handle_websocket(self, request: web.Request) -> web.WebSocketResponse:
        """Connect a page to a new app.

        Raises:
            web.HTTPForbidden: the page is of another site. Browsers let every page open a socket to this machine.
        """
        origin = request.headers.get("Origin")
        if origin is not None:
            asking = urlsplit(origin)
            if asking.port != self.port or asking.hostname not in {self.host, "localhost", "127.0.0.1", "::1"}:
                raise web.HTTPForbidden(text="The app answers its own page alone.")
        return await super().handle_websocket(request)

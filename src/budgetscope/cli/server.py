"""The web server of `serve`; apart from it, since the extra may not be installed."""

import socket
from urllib.parse import urlsplit

from aiohttp import web
from textual_serve.server import Server

# A page that is still open has so long to go before its app is told to end.
_PATIENCE_SECONDS = 0.5
# The package's page waits for a click before it takes keys.
_FOCUS = "<script>addEventListener('load', () => document.querySelector('.xterm-helper-textarea').focus())</script>"


class LocalServer(Server):
    """Serves the app to pages of its own: neither does a page ask others, nor may others' pages reach the app."""

    def __init__(self, command: str, host: str, port: int) -> None:
        """Take the address.

        Args:
            command: starts the app; a line for the shell.
            host: what browsers ask for.
            port: where it listens.
        """
        shown = f"[{host}]" if ":" in host else host
        super().__init__(command, host, port, title="budgetscope", public_url=f"http://{shown}:{port}")

    def listen(self, sockets: list[socket.socket]) -> None:
        """Serve until interrupted."""
        web.run_app(
            self._make_app(), sock=sockets, shutdown_timeout=_PATIENCE_SECONDS, access_log=None, print=lambda *_: None
        )

    async def on_startup(self, app: web.Application) -> None:
        """Say nothing: the command has said where the app is."""

    async def handle_index(self, request: web.Request) -> web.Response:
        """Return the page, which may load nothing from elsewhere: the package's own asks Google for a font."""
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
        """Connect a page to an app of its own, unless the page is another site's.

        Raises:
            web.HTTPForbidden: it is: browsers let every page open a socket to this machine.
        """
        origin = request.headers.get("Origin")
        if origin is not None:
            asking = urlsplit(origin)
            if asking.port != self.port or asking.hostname not in {self.host, "localhost", "127.0.0.1", "::1"}:
                raise web.HTTPForbidden(text="The app answers its own page alone.")
        return await super().handle_websocket(request)

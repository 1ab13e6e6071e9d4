"""`serve`: show the app in a browser on this machine."""

import errno
import ipaddress
import os
import shlex
import socket
import sys
from importlib.util import find_spec
from typing import Annotated

import typer

from budgetscope.cli import options
from budgetscope.core.errors import FailureError, UsageError
from budgetscope.core.language import code


@options.spoken
def serve(
    port: Annotated[int, options.whole("port", "Port to listen on.", 1, 65535)] = 8000,
    host: Annotated[str, typer.Option(help="Name or address of this machine that the browser asks for.")] = "localhost",
    max_sessions: Annotated[int, options.whole("max_sessions", "Most pages that may be open at once.", 1, 1000)] = 8,
) -> None:
    """Show the app in a browser; every page that is opened is an app of its own. Ctrl-C ends it."""
    if find_spec("textual_serve") is None:
        from budgetscope.api.extras import install_command

        raise FailureError(f"serving the app needs textual-serve, not installed here; {install_command('serve')}")
    sockets = _listen(host, port)
    from budgetscope.api.language import use_language
    from budgetscope.cli.server import LocalServer

    chosen = code()
    # Without the flag the app takes the setting or the environment.
    words = () if use_language() == chosen else ("--lang", chosen)
    command = shlex.join((sys.executable, "-m", "budgetscope", *words))
    # With exec the app replaces the shell: it is then the server's own child and notices the end of the server.
    server = LocalServer(f"exec {command}" if os.name == "posix" else command, host, port, max_sessions)
    print(f"The app is at {server.address} (Ctrl-C ends it).", flush=True)
    sys.stderr.write("budgetscope: whoever has this address can use the app and read your files through it.\n")
    server.listen(sockets)


def _listen(host: str, port: int) -> list[socket.socket]:
    """Return sockets that listen on every address of `host`.

    Raises:
        UsageError: the host is unknown, another machine, or a wildcard such as 0.0.0.0.
        FailureError: the port is taken or reserved.
    """
    try:
        # An empty name would mean every address.
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM) if host else []
    except (OSError, UnicodeError):
        raise UsageError(f"--host {host!r} is not known here; give a name or address of this machine.") from None
    sockets = []
    for family, _, _, _, address in found:
        if ipaddress.ip_address(address[0]).is_unspecified:
            raise UsageError(f"--host {host!r} is not an address that a browser can ask for; give the machine's own.")
        try:
            sockets.append(socket.create_server(address, family=family))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise FailureError(f"port {port} is taken by another program; give another with --port.") from None
            if error.errno == errno.EACCES:
                raise FailureError(
                    f"port {port} is reserved for the system; give one above 1023 with --port."
                ) from None
    if not sockets:
        raise UsageError(f"--host {host!r} is not this machine; give a name or address of this machine.")
    return sockets

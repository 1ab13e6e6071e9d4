"""Reads from public servers over HTTP, with one wording of what goes wrong."""

import contextlib
import time
from collections.abc import Iterator, Mapping

import httpx

from budgetscope.core.errors import FailureError

_TIMEOUT_SECONDS = 30.0
"""Of the connection, and of each part of the answer."""
_MOST_REDIRECTS = 5


def host_of(url: str) -> str:
    """Return the server's name."""
    return httpx.URL(url).host


@contextlib.contextmanager
def answered(url: str, name: str, remedy: str, headers: Mapping[str, str] | None = None) -> Iterator[httpx.Response]:
    """Ask for a file as it is stored, and yield the answer before its content is read; redirects are followed.

    A connection that breaks later raises the `httpx.RequestError` as it is.

    Args:
        url: of the file.
        name: of the file, for the refusals.
        remedy: ends the refusals.
        headers: further ones.

    Raises:
        FailureError: there is no connection, the server refuses, or it leads from an encrypted to an open address.
    """
    host = host_of(url)
    with contextlib.ExitStack() as stack:
        client = stack.enter_context(
            httpx.Client(follow_redirects=True, max_redirects=_MOST_REDIRECTS, timeout=_TIMEOUT_SECONDS)
        )
        asked = {"Accept-Encoding": "identity"} | dict(headers or {})
        try:
            answer = stack.enter_context(client.stream("GET", url, headers=asked))
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise FailureError(
                f"cannot reach {host} ({reason(error)}); connect to the internet and run again, {remedy}."
            ) from None
        if answer.is_error:
            raise FailureError(f"{host} answers {answer.status_code} for {name!r}; try again later, {remedy}.")
        if url.startswith("https:") and any(step.url.scheme != "https" for step in (*answer.history, answer)):
            raise FailureError(f"{host} leads {name!r} to an address without encryption; try again later, {remedy}.")
        yield answer


def fetch_bytes(url: str, name: str, remedy: str, *, limit_bytes: int, limit_seconds: float) -> bytes:
    """Return the content of a small file.

    Raises:
        FailureError: as `answered`; or it breaks off, is larger, or takes longer than the limits.
    """
    deadline, content, host = time.monotonic() + limit_seconds, bytearray(), host_of(url)
    try:
        with answered(url, name, remedy) as answer:
            # Without either, a body that is cut short looks whole.
            if not {"content-length", "transfer-encoding"} & {*answer.headers}:
                raise FailureError(f"{host} does not say how long {name!r} is; try again later, {remedy}.")
            for chunk in answer.iter_raw():
                content += chunk
                if len(content) > limit_bytes:
                    raise FailureError(
                        f"{host} sends more than {limit_bytes / 1e6:.0f} MB as {name!r}, which is no such file; "
                        f"try again later, {remedy}."
                    )
                if time.monotonic() > deadline:
                    raise FailureError(
                        f"{host} has not sent {name!r} within {limit_seconds:.0f} seconds; try again later, {remedy}."
                    )
    except httpx.RequestError as error:
        raise FailureError(f"{host} broke off {name!r} ({reason(error)}); try again later, {remedy}.") from None
    return bytes(content)


def reason(error: httpx.RequestError) -> str:
    """Return the message of the error as one lower-case clause."""
    return " ".join((str(error) or type(error).__name__).split()).lower()

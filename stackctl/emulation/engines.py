"""The way to the engines: HTTP, with every header that is theirs to see."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager

import httpx2

from stackctl.emulation.errors import RefusedError
from stackctl.emulation.where import SERVER, Place

#: what is of one connection only (RFC 9110, 7.6.1), and what our server has answered itself
_HOP = frozenset(
    b"connection keep-alive proxy-authenticate proxy-authorization proxy-connection te trailer "
    b"transfer-encoding upgrade expect".split()
)
#: by which we know our own requests, should a name lead back to us
VIA = b"1.1 stackctl-tools"
#: seconds; an answer may take as long as it takes, as engines let requests wait
_CONNECT = 5.0

Headers = tuple[tuple[bytes, bytes], ...]


def kept(headers: Iterable[tuple[bytes, bytes]]) -> Headers:
    """Without those of the connection, and those that it names."""
    given = [(name.lower(), value) for name, value in headers]
    words = b",".join(value for name, value in given if name == b"connection")
    gone = _HOP | {word.strip().lower() for word in words.split(b",")}
    return tuple((name, value) for name, value in given if name not in gone)


class Engines:
    """`address`: a name's URL, without a path."""

    def __init__(self, address: Callable[[str], str]) -> None:
        self._address = address
        # each request on a connection of its own: an engine that closes one that it kept alive
        # just when the next request goes out would be an error that it never made
        limits = httpx2.Limits(max_connections=None, max_keepalive_connections=0)
        timeout = httpx2.Timeout(None, connect=_CONNECT)
        self._client = httpx2.AsyncClient(limits=limits, timeout=timeout, trust_env=False)

    async def close(self) -> None:
        await self._client.aclose()

    @asynccontextmanager
    async def sent(
        self,
        place: Place,
        method: str,
        headers: Iterable[tuple[bytes, bytes]],
        body: bytes | AsyncIterator[bytes] | None,
    ) -> AsyncIterator[httpx2.Response]:
        """The answer, its body unread. RefusedError if there is none."""
        ours = (SERVER, b"host", b"via")
        passed = [(name, value) for name, value in kept(headers) if name not in ours]
        via = [value for name, value in headers if name.lower() == b"via"]
        if any(VIA in each for each in via):
            raise RefusedError(508, f"{place.engine} leads back here: it is no engine", "loop")
        request = httpx2.Request(
            method,
            self._address(place.engine),
            headers=[*passed, (b"via", b", ".join([*via, VIA]))],
            content=body,
            extensions={"target": place.target, "timeout": self._client.timeout.as_dict()},
        )
        try:
            response = await self._client.send(request, stream=True)
        except httpx2.ConnectTimeout:
            raise _unreachable(place, f"no connection within {_CONNECT:.0f} s") from None
        except httpx2.ConnectError as error:
            raise _unreachable(place, str(error)) from None
        except httpx2.TransportError as error:
            raise broken(place.engine, error) from None
        try:
            yield response
        finally:
            await response.aclose()


def broken(engine: str, error: Exception) -> RefusedError:
    """An engine that ended, or wrote what is no answer."""
    return RefusedError(
        502, f"the engine {engine} broke off: {error or type(error).__name__}", "engine_broke_off"
    )


def _unreachable(place: Place, why: str) -> RefusedError:
    return RefusedError(
        502,
        f"the engine {place.engine} cannot be reached ({why}): does it run, and is that its name?",
        "engine_unreachable",
    )

"""One exchange with a client: its request in pieces, its going away, the answer's way back."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Mapping
from typing import Any

from starlette.types import Message, Receive, Scope, Send

from stackctl.emulation.engines import Headers
from stackctl.emulation.errors import AnsweredError, RefusedError, form

#: bytes of a body that has to be read as a whole
LARGEST = 16 * 2**20


class GoneError(Exception):
    """The client went away."""


class Exchange:
    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.method: str = scope["method"]
        self.path: bytes = scope["raw_path"]
        self.query: bytes = scope["query_string"]
        self.headers: Headers = tuple(scope["headers"])
        self.begun = False
        self._receive, self._send = receive, send
        self._read = asyncio.Event()

    def header(self, name: bytes) -> str | None:
        """The first of this name."""
        values = (value for key, value in self.headers if key == name)
        return next((value.decode("latin-1") for value in values), None)

    @property
    def has_body(self) -> bool:
        return any(name in (b"content-length", b"transfer-encoding") for name, _ in self.headers)

    async def pieces(self) -> AsyncIterator[bytes]:
        """The body as it comes; GoneError if it does not come to its end."""
        while True:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise GoneError
            more = message.get("more_body", False)
            if not more:
                self._read.set()
            if piece := message.get("body", b""):
                yield piece
            if not more:
                return

    async def body(self) -> bytes:
        """All of it; RefusedError if it is too large."""
        told = self.header(b"content-length") or ""
        body = bytearray()
        if not (told.isdecimal() and int(told) > LARGEST):
            async for piece in self.pieces():
                body += piece
                if len(body) > LARGEST:
                    break
            else:
                return bytes(body)
        raise RefusedError(413, f"the body is larger than {LARGEST // 2**20} MiB", "too_large")

    async def while_there(self, work: Awaitable[None]) -> None:
        """Do the work unless the client goes away, which ends it at once."""
        doing = asyncio.ensure_future(work)
        leaving = asyncio.ensure_future(self._left())
        try:
            await asyncio.wait((doing, leaving), return_when=asyncio.FIRST_COMPLETED)
            if doing.done():
                doing.result()
        finally:
            for task in (doing, leaving):
                task.cancel()
            await asyncio.gather(doing, leaving, return_exceptions=True)

    async def _left(self) -> None:
        if self.has_body:
            await self._read.wait()
        while (await self._receive())["type"] != "http.disconnect":
            pass

    async def begin(self, status: int, headers: Headers) -> None:
        self.begun = True
        await self._send(
            {"type": "http.response.start", "status": status, "headers": list(headers)}
        )

    async def write(self, data: bytes, *, more: bool = True) -> None:
        message: Message = {"type": "http.response.body", "body": data, "more_body": more}
        await self._send(message)

    async def answer(self, status: int, headers: Headers, body: bytes) -> None:
        length = (b"content-length", str(len(body)).encode())
        kept = (pair for pair in headers if pair[0] not in (b"content-length", b"content-encoding"))
        await self.begin(status, (*kept, length))
        await self.write(body, more=False)

    async def json(self, value: Mapping[str, Any], status: int = 200) -> None:
        body = json.dumps(value, ensure_ascii=False).encode()
        await self.answer(status, ((b"content-type", b"application/json"),), body)

    async def refuse(self, error: RefusedError | AnsweredError) -> None:
        """Where nothing was sent yet."""
        if isinstance(error, AnsweredError):
            await self.answer(error.status, error.headers, error.body)
        else:
            await self.json(form(error), error.status)

"""What happens to a request: passed on as it came, or answered with emulated tool calls."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Mapping
from typing import Any

import httpx2
from starlette.types import Receive, Scope, Send

from stackctl.emulation import prompt, wanted
from stackctl.emulation.abilities import Abilities
from stackctl.emulation.engines import Engines, kept
from stackctl.emulation.errors import AnsweredError, RefusedError
from stackctl.emulation.exchange import Exchange, GoneError
from stackctl.emulation.run import Run
from stackctl.emulation.settings import Settings
from stackctl.emulation.wanted import Need
from stackctl.emulation.where import SERVER, Place, place

CHAT, RESPONSES = "/v1/chat/completions", "/v1/responses"


class Service:
    """An ASGI application."""

    def __init__(self, engines: Engines, chosen: Settings) -> None:
        self._engines, self._chosen = engines, chosen
        self._abilities = Abilities(time.monotonic)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        exchange = Exchange(scope, receive, send)
        try:
            await self._serve(exchange)
        except (RefusedError, AnsweredError) as error:
            # amid an answer there is no way to say so but to break off, as the engine did
            if not exchange.begun:
                await exchange.refuse(error)
        except RecursionError:
            await exchange.refuse(RefusedError(400, "the request is nested too deeply"))
        except GoneError:
            pass

    async def _serve(self, exchange: Exchange) -> None:
        server = exchange.header(SERVER)
        if server is None and exchange.path == b"/healthz":
            await exchange.answer(200, ((b"content-type", b"text/plain"),), b"ok\n")
            return
        there = place(exchange.path, exchange.query, server)
        if exchange.method == "POST" and there.path in (CHAT, RESPONSES):
            await self._look(exchange, there)
        else:
            body = exchange.pieces() if exchange.has_body else None
            await exchange.while_there(self._pass(exchange, there, body))

    async def _look(self, exchange: Exchange, there: Place) -> None:
        """Read the body, and see whether there are tools in it."""
        raw = await exchange.body()
        body = _parsed(raw)
        if there.path == RESPONSES:
            if isinstance(body, dict) and body.get("tools"):
                raise RefusedError(
                    404,
                    f"tools of this engine are emulated, for {CHAT} only",
                    "tools_not_offered",
                )
        elif (need := wanted.need(body)) is Need.TOOLS:
            await exchange.while_there(self._emulate(exchange, there, body))
            return
        elif need is Need.HISTORY:
            raw = _without_tools(body)
        await exchange.while_there(self._pass(exchange, there, raw))

    async def _pass(
        self, exchange: Exchange, there: Place, body: bytes | AsyncIterator[bytes] | None
    ) -> None:
        """Byte for byte, each piece as it comes."""
        headers = exchange.headers
        if isinstance(body, bytes):
            length = (b"content-length", str(len(body)).encode())
            headers = (*(pair for pair in headers if pair[0] != b"content-length"), length)
        async with self._engines.sent(there, exchange.method, headers, body) as response:
            await exchange.begin(response.status_code, kept(response.headers.raw))
            try:
                async for piece in response.aiter_raw():
                    await exchange.write(piece)
            except httpx2.TransportError:
                return  # cut for the engine's client as it was for us
            await exchange.write(b"", more=False)

    async def _emulate(self, exchange: Exchange, there: Place, body: Mapping[str, Any]) -> None:
        asked = wanted.read(body)
        if not isinstance(body.get("messages"), list):
            raise RefusedError(400, "messages is no list")
        run = Run(self._engines, self._abilities, self._chosen.retries, exchange, there, body)
        await (run.streamed(asked) if asked.stream else run.whole(asked))


def _parsed(raw: bytes) -> Any:
    """None for what is no JSON: the engine has words of its own for that."""
    try:
        return json.loads(raw)
    except (ValueError, RecursionError):
        return None


def _without_tools(body: Mapping[str, Any]) -> bytes:
    """For an engine that knows neither tools nor their results."""
    ours = ("tools", "tool_choice", "parallel_tool_calls")
    made = {key: value for key, value in body.items() if key not in ours}
    if isinstance(body.get("messages"), list):
        made["messages"] = prompt.told(body["messages"], None)
    return json.dumps(made).encode()

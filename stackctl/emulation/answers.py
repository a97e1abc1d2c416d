"""An engine's answer as it arrives -> the events of a chat completion."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx2

from stackctl.emulation import sse
from stackctl.emulation.engines import broken
from stackctl.emulation.where import Place

#: bytes of an engine's error, and of an answer that it did not stream
_LONGEST = 16 * 2**20


async def events(response: httpx2.Response, place: Place) -> AsyncIterator[Any]:
    """Of a stream; of an engine that does not stream, its one answer.
    RefusedError for what is no answer."""
    kind = response.headers.get("content-type", "")
    if "json" in kind:
        text = await body(response, place)
        try:
            yield json.loads(text)
        except (ValueError, RecursionError):
            raise broken(place.engine, ValueError("an answer that is no JSON")) from None
        return
    if "event-stream" not in kind:
        raise broken(place.engine, ValueError(f"an answer of type {kind[:80] or 'unknown'}"))
    lines = sse.Events()
    try:
        async for piece in response.aiter_bytes():
            for data in lines.feed(piece):
                if data == sse.DONE:
                    return
                yield json.loads(data)
        for data in lines.end():
            if data != sse.DONE:
                yield json.loads(data)
    except UnicodeDecodeError:
        raise broken(place.engine, ValueError("half a character, which is no UTF-8")) from None
    except (ValueError, RecursionError) as error:
        raise broken(place.engine, ValueError(f"an event that is no JSON: {error}")) from None
    except httpx2.RequestError as error:
        raise broken(place.engine, error) from None


async def body(response: httpx2.Response, place: Place) -> bytes:
    """All of it, within limits; RefusedError."""
    whole = bytearray()
    try:
        async for piece in response.aiter_bytes():
            whole += piece
            if len(whole) > _LONGEST:
                raise broken(place.engine, ValueError("an answer without end"))
    except httpx2.RequestError as error:
        raise broken(place.engine, error) from None
    return bytes(whole)

"""An OpenAI-compatible server that computes nothing, and does wrong what its path says.

`python -m tests.integration.bench.server [TTFT_MS ITL_MS]` prints its port. The path ahead of
`/chat/completions` is the fault (see FAULTS); with any other the answer is right.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from collections.abc import Awaitable, Callable
from typing import Any

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
END = b"0\r\n\r\n"


def chunked(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def event(delta: dict[str, Any], **more: Any) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": None, **more}
    body = {"id": "x", "object": "chat.completion.chunk", "model": "null", "choices": [choice]}
    return chunked(b"data: " + json.dumps(body, separators=(",", ":")).encode() + b"\n\n")


def usage(prompt: int, tokens: int) -> bytes:
    body = {"choices": [], "usage": {"prompt_tokens": prompt, "completion_tokens": tokens}}
    return chunked(b"data: " + json.dumps(body).encode() + b"\n\n")


DONE = chunked(b"data: [DONE]\n\n") + END
TOKEN = event({"content": "word "})
THOUGHT = event({"reasoning": "hm "})
STOP = event({}, finish_reason="length")


def tail(body: dict[str, Any], tokens: int) -> bytes:
    words = len(str(body["messages"][0]["content"]).split())
    return STOP + usage(words + 7, tokens) + DONE


def plain(status: str, content: bytes, kind: str = "application/json", *more: str) -> bytes:
    lines = (
        f"HTTP/1.1 {status}",
        f"Content-Type: {kind}",
        f"Content-Length: {len(content)}",
        *more,
    )
    return "".join(f"{line}\r\n" for line in lines).encode() + b"\r\n" + content


Writer = asyncio.StreamWriter
Fault = Callable[[Writer, dict[str, Any]], Awaitable[None]]


async def html(writer: Writer, body: dict[str, Any]) -> None:
    writer.write(plain("200 OK", b"<html>It works!</html>", "text/html"))


async def cut(writer: Writer, body: dict[str, Any]) -> None:
    writer.write(HEAD + TOKEN * 2 + b"fff\r\ndata: {")
    writer.close()


async def half_character(writer: Writer, body: dict[str, Any]) -> None:
    whole = chunked(b'data: {"choices":[{"delta":{"content":"\xec\x84"}}]}\n\n')
    writer.write(HEAD + TOKEN + whole + DONE)


async def keep_alives(writer: Writer, body: dict[str, Any]) -> None:
    writer.write(HEAD)
    while not writer.is_closing():
        writer.write(chunked(b": ping\n\n"))
        await asyncio.sleep(0.05)


async def wrong_json(writer: Writer, body: dict[str, Any]) -> None:
    writer.write(HEAD + TOKEN + chunked(b"data: {'choices': []}\n\n") + DONE)


async def error_in_stream(writer: Writer, body: dict[str, Any]) -> None:
    error = chunked(b'data: {"error": {"message": "CUDA out of memory", "code": 500}}\n\n')
    writer.write(HEAD + TOKEN * 3 + error + DONE)


async def internal(writer: Writer, body: dict[str, Any]) -> None:
    writer.write(plain("500 Internal Server Error", b'{"error": {"message": "engine is dead"}}'))


async def silent(writer: Writer, body: dict[str, Any]) -> None:
    await asyncio.sleep(3600)


async def stalls(writer: Writer, body: dict[str, Any]) -> None:
    writer.write(HEAD + TOKEN * 2)
    await asyncio.sleep(3600)


async def endless(writer: Writer, body: dict[str, Any]) -> None:
    writer.write(HEAD)
    while not writer.is_closing():
        writer.write(TOKEN * 100)
        await asyncio.sleep(0.001)


async def nonsense(writer: Writer, body: dict[str, Any]) -> None:
    writer.write(b"SSH-2.0-OpenSSH_9.9\r\n")


async def no_tokens(writer: Writer, body: dict[str, Any]) -> None:
    writer.write(HEAD + tail(body, 0))


async def not_a_stream(writer: Writer, body: dict[str, Any]) -> None:
    writer.write(plain("200 OK", b'{"choices": [{"message": {"content": "word"}}]}'))


async def hangs_up(writer: Writer, body: dict[str, Any]) -> None:
    writer.close()


async def leaks(writer: Writer, body: dict[str, Any]) -> None:
    writer.write(plain("401 Unauthorized", b'{"error": {"message": "Incorrect key sk-secret-1"}}'))


async def limited(writer: Writer, body: dict[str, Any]) -> None:
    content = b'{"error": {"message": "slow down"}}'
    writer.write(plain("429 Too Many Requests", content, "application/json", "Retry-After: 9"))


async def impatient(writer: Writer, body: dict[str, Any]) -> None:
    content = b'{"error": {"message": "at once, please"}}'
    writer.write(plain("429 Too Many Requests", content, "application/json", "Retry-After: 0"))


async def nested(writer: Writer, body: dict[str, Any]) -> None:
    writer.write(HEAD + TOKEN + chunked(b"data: " + b"[" * 200_000 + b"\n\n") + DONE)


async def slow(writer: Writer, body: dict[str, Any]) -> None:
    writer.write(HEAD)
    while not writer.is_closing():
        writer.write(TOKEN)
        await asyncio.sleep(0.2)


async def picky(writer: Writer, body: dict[str, Any]) -> None:
    """As the newest models of OpenAI: they take neither of these."""
    for name in ("max_tokens", "temperature", "stream_options"):
        if name in body:
            message = f"Unsupported parameter: '{name}' is not supported with this model."
            content = json.dumps({"error": {"message": message}}).encode()
            writer.write(plain("400 Bad Request", content))
            return
    writer.write(HEAD + TOKEN * 5 + STOP + DONE)


FAULTS: dict[str, Fault] = {
    fault.__name__.replace("_", "-"): fault
    for fault in (
        *(html, cut, half_character, keep_alives, wrong_json, error_in_stream, internal, silent),
        *(
            stalls,
            endless,
            nonsense,
            no_tokens,
            not_a_stream,
            hangs_up,
            leaks,
            limited,
            impatient,
            nested,
            slow,
            picky,
        ),
    )
}


class Server:
    """`ttft` and `itl` in seconds; at 0 the whole answer is one write."""

    def __init__(self, ttft: float = 0.0, itl: float = 0.0, slots: int = 1 << 20) -> None:
        self.ttft, self.itl = ttft, itl
        self.requests = 0
        self._slots = asyncio.Semaphore(slots)

    async def serve(self, reader: asyncio.StreamReader, writer: Writer) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
                body = await reader.readexactly(length)
                self.requests += 1
                await self._answer(head.split(b" ", 2)[1].decode(), body, writer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _answer(self, path: str, raw: bytes, writer: Writer) -> None:
        name = path.split("/")[1]
        if name == "null":
            writer.write(NULL)
            return
        body = json.loads(raw)
        if name == "once-limited" and self.requests % 2:
            content = b'{"error": {"message": "slow down"}}'
            more = "Retry-After: 0.1"
            writer.write(plain("429 Too Many Requests", content, "application/json", more))
        elif name in FAULTS:
            await FAULTS[name](writer, body)
        else:
            async with self._slots:
                await self._good(body, writer, thinks=name == "thinks")

    async def _good(self, body: dict[str, Any], writer: Writer, *, thinks: bool) -> None:
        tokens = body.get("max_tokens") or body.get("max_completion_tokens", 16)
        loop = asyncio.get_running_loop()
        due = loop.time() + self.ttft
        writer.write(HEAD)
        for number in range(tokens):
            await asyncio.sleep(max(0.0, due - loop.time()))
            if writer.is_closing():
                raise ConnectionResetError
            writer.write(THOUGHT if thinks and number < tokens // 4 else TOKEN)
            due += self.itl
        writer.write(tail(body, tokens))


#: 50 chunks with tokens, ready to be written
NULL = HEAD + TOKEN * 50 + STOP + usage(10, 50) + DONE


async def main(ttft: float, itl: float) -> None:
    server = await asyncio.start_server(Server(ttft, itl).serve, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    pace = [float(word) / 1000 for word in sys.argv[1:]] or [0.0, 0.0]
    asyncio.run(main(*pace))

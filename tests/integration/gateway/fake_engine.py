"""A fake engine behind the gateway: OpenAI-shaped, obedient, and with a memory of what it was sent.

Runs alone in a container, so nothing but the standard library. A request tells how it is to be
answered, in its header X-Fake: `{"wait": 2}` seconds of silence first, `{"chunks": 9, "pace": 0.1}`
a stream (`"step": true`: each but the first waits for POST /next; `"tell": [TEXT]`: more events at
its end; `"halves": true`: each in two parts), `{"die": 3}` breaks it off after so many chunks,
`{"status": 500}`, `{"hang": true}`, `{"size": 1000000}` bytes of answer, `{"slow": 0.1}` reads the
body in steps with pauses between.
It reads requests as leniently as the worst server would: whatever the gateway lets through shows.

Port 8000 serves; port 8001 is for the test: GET /state, POST /reset, POST /next.
"""

import asyncio
import base64
import hashlib
import json
import time
from collections.abc import Callable
from typing import Any

SERVED, TOLD = 8000, 8001
READY = ("/health", "/system_stats", "/api/version", "/ready")
KEPT = 4000  # bytes kept of a body
#: the window of requests that are remembered in full
REMEMBERED = 2000

works: set[asyncio.Future[bool]] = set()
steps: asyncio.Queue[None] = asyncio.Queue()
state: dict[str, Any] = {"active": 0, "count": 0, "received": [], "gone": 0}


class Reader(asyncio.StreamReader):
    """Tells at once that the other side has gone, also while nobody reads."""

    def __init__(self) -> None:
        super().__init__(limit=1 << 20)
        self.gone = asyncio.Event()

    def feed_eof(self) -> None:
        self.gone.set()
        super().feed_eof()

    def set_exception(self, exc: Exception) -> None:
        self.gone.set()
        super().set_exception(exc)


class Request:
    """One request, as it came."""

    def __init__(self, head: bytes) -> None:
        first, *rest = head.decode("latin-1").replace("\r\n", "\n").rstrip("\n").split("\n")
        self.line = first
        words = first.split(" ")
        self.method, self.target = words[0], words[1] if len(words) > 1 else ""
        self.pairs = [
            (n.strip().lower(), v.strip()) for n, _, v in (r.partition(":") for r in rest)
        ]
        self.headers = dict(self.pairs)
        self.sha, self.length, self.body = hashlib.sha256(), 0, b""

    def took(self, data: bytes) -> None:
        self.sha.update(data)
        self.length += len(data)
        if len(self.body) < KEPT:
            self.body += data[: KEPT - len(self.body)]

    def told(self) -> dict[str, Any]:
        return {
            "line": self.line,
            "method": self.method,
            "target": self.target,
            "headers": self.pairs,
            "length": self.length,
            "sha256": self.sha.hexdigest(),
            "body": self.body.decode("latin-1"),
        }


async def read_body(reader: Reader, request: Request, pause: float) -> None:
    if "chunked" in request.headers.get("transfer-encoding", "").lower():
        while size := int((await reader.readline()).split(b";")[0], 16):
            request.took(await reader.readexactly(size))
            await reader.readline()
        while (await reader.readline()).strip():
            pass
        return
    left = int(request.headers.get("content-length", "0"))
    while left:
        data = await reader.read(min(left, 1 << 18))
        if not data:
            raise asyncio.IncompleteReadError(b"", left)
        request.took(data)
        left -= len(data)
        if pause:
            await asyncio.sleep(pause)


def answer(body: bytes, status: int = 200, kind: str = "application/json") -> bytes:
    return (
        f"HTTP/1.1 {status} Fake\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode() + body


def completion(request: Request) -> bytes:
    return json.dumps(
        {
            "id": "fake",
            "object": "chat.completion",
            "choices": [
                {
                    "index": 0,
                    "finish_reason": "stop",
                    "message": {"role": "assistant", "content": "fake"},
                }
            ],
            "text": "fake",
            "length": request.length,
            "sha256": request.sha.hexdigest(),
            "usage": {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10},
        }
    ).encode()


async def stream(writer: asyncio.StreamWriter, how: dict[str, Any]) -> bool:
    """Server-sent events, each with the time at which it left; False: broken off."""
    writer.write(
        b"HTTP/1.1 200 Fake\r\nContent-Type: text/event-stream\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n"
    )

    async def send(data: str) -> None:
        text = f"data: {data}\n\n".encode()
        half = len(text) // 2 if how.get("halves") else len(text)
        for part in filter(None, (text[:half], text[half:])):
            writer.write(b"%x\r\n%s\r\n" % (len(part), part))
            await writer.drain()
            await asyncio.sleep(0.05 if how.get("halves") else 0)

    for number in range(how["chunks"]):
        if number and how.get("step"):
            await steps.get()
        if how.get("die") == number:
            writer.transport.abort()
            return False
        delta = {"choices": [{"index": 0, "delta": {"content": f"{number} "}}]}
        await send(json.dumps(delta | {"at": time.monotonic()}))
        await asyncio.sleep(how.get("pace", 0))
    for event in how.get("tell", ()):
        await send(event)
    await send("[DONE]")
    writer.write(b"0\r\n\r\n")
    return True


async def echo(reader: Reader, writer: asyncio.StreamWriter, request: Request) -> None:
    """A web socket that says again what it hears, as it came but without the mask."""
    proof = request.headers.get("sec-websocket-key", "") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
    accept = base64.b64encode(hashlib.sha1(proof.encode()).digest()).decode()
    writer.write(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Accept: {accept}\r\n\r\n".encode()
    )
    while True:
        first, length = await reader.readexactly(2)
        length &= 127
        mask = await reader.readexactly(4)
        data = bytes(b ^ mask[i % 4] for i, b in enumerate(await reader.readexactly(length)))
        writer.write(bytes([first, length]) + data)
        await writer.drain()


async def respond(reader: Reader, writer: asyncio.StreamWriter, request: Request) -> bool:
    """Whether the connection can be used again."""
    how = json.loads(request.headers.get("x-fake", "{}"))
    await read_body(reader, request, how.get("slow", 0))
    if request.headers.get("upgrade", "").lower() == "websocket":
        await echo(reader, writer, request)
        return False
    await asyncio.sleep(how.get("wait", 0))
    if how.get("hang"):
        await asyncio.Event().wait()
    if how.get("die") == -1:
        writer.transport.abort()
        return False
    if "chunks" in how:
        return await stream(writer, how)
    if "size" in how:
        writer.write(answer(b"x" * how["size"], kind="application/octet-stream"))
    elif "status" in how:
        body = {"error": {"message": "the engine's own words", "type": "server_error"}}
        writer.write(answer(json.dumps(body).encode(), how["status"]))
    else:
        writer.write(answer(completion(request)))
    await writer.drain()
    return True


async def serve(reader: Reader, writer: asyncio.StreamWriter) -> None:
    while True:
        head = b""
        while not head.strip() or not head.endswith((b"\r\n\r\n", b"\n\n")):
            if not (line := await reader.readline()):
                return
            head += line
        request = Request(head)
        if request.target in READY and "x-stackctl-key" not in request.headers:
            writer.write(answer(b"{}"))
            return
        state["active"] += 1
        state["count"] += 1
        if len(state["received"]) < REMEMBERED:
            state["received"].append(request)
        work = asyncio.ensure_future(respond(reader, writer, request))
        works.add(work)
        gone = asyncio.ensure_future(reader.gone.wait())
        try:
            await asyncio.wait({work, gone}, return_when=asyncio.FIRST_COMPLETED)
            if reader.gone.is_set() and (not work.done() or work.exception()):
                state["gone"] += 1
                return
            if not work.result():
                return
        finally:
            state["active"] -= 1
            works.discard(work)
            work.cancel()
            gone.cancel()


async def tell(reader: Reader, writer: asyncio.StreamWriter) -> None:
    line = await reader.readline()
    while (await reader.readline()).strip():
        pass
    if line.startswith(b"POST /next"):
        steps.put_nowait(None)
    elif line.startswith(b"POST /reset"):
        for work in works:
            work.cancel()
        while not steps.empty():  # that nobody took
            steps.get_nowait()
        state["received"].clear()
        state["count"] = state["gone"] = 0
    told = state | {"received": [request.told() for request in state["received"]]}
    writer.write(answer(json.dumps(told).encode()))


Handler = Callable[[Reader, asyncio.StreamWriter], Any]


async def listen(port: int, handler: Handler) -> None:
    async def handle(reader: Reader, writer: asyncio.StreamWriter) -> None:
        try:
            await handler(reader, writer)
            if not writer.transport.is_closing():
                await writer.drain()
        except (OSError, asyncio.IncompleteReadError, ValueError):
            pass
        finally:
            writer.close()

    def protocol() -> asyncio.StreamReaderProtocol:
        return asyncio.StreamReaderProtocol(Reader(), handle)  # type: ignore[arg-type]

    server = await asyncio.get_running_loop().create_server(protocol, "0.0.0.0", port, backlog=1024)
    await server.serve_forever()


async def main() -> None:
    await asyncio.gather(listen(SERVED, serve), listen(TOLD, tell))


asyncio.run(main())

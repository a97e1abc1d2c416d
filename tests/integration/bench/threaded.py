"""The server in a thread of the test."""

from __future__ import annotations

import asyncio
import queue
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tests.integration.bench.server import Server


@contextmanager
def serving(
    context: ssl.SSLContext | None = None, *, ttft: float = 0.0, slots: int = 1 << 20
) -> Iterator[int]:
    """A server in a thread; its port."""
    started: queue.Queue[tuple[int, asyncio.AbstractEventLoop, asyncio.Event]] = queue.Queue()

    async def live() -> None:
        ended = asyncio.Event()
        serve = Server(ttft, slots=slots).serve
        async with await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context) as server:
            port = server.sockets[0].getsockname()[1]
            started.put((port, asyncio.get_running_loop(), ended))
            await ended.wait()

    thread = threading.Thread(target=lambda: asyncio.run(live()))
    thread.start()
    port, loop, ended = started.get(timeout=30)
    try:
        yield port
    finally:
        loop.call_soon_threadsafe(ended.set)
        thread.join()

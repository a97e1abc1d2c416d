"""Streams: a token goes on when it comes; who leaves frees the engine."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import pytest

from tests.integration.gateway.client import chat, raw_chat, wire
from tests.integration.gateway.door import Door, until

STREAMS = 200


@pytest.mark.parametrize("tls", [False, True])
def test_a_token_arrives_before_the_next_is_made(door: Door, key: str, tls: bool) -> None:
    with wire(door, tls=tls) as connection:
        connection.send(raw_chat(key, chunks=5, step=True))
        for number in range(5):
            event = connection.event()
            assert event["choices"][0]["delta"]["content"] == f"{number} "
            door.engine("main").next()


@pytest.mark.parametrize("how", [{"hang": True}, {"chunks": 1000, "pace": 0.05}])
@pytest.mark.parametrize("tls", [False, True])
def test_who_leaves_frees_the_engine(door: Door, key: str, tls: bool, how: dict[str, Any]) -> None:
    main = door.engine("main")
    with wire(door, tls=tls) as connection:
        connection.send(raw_chat(key, **how))
        until(lambda: main.active, "at work")
        if "chunks" in how:
            connection.event()
    until(main.idle, "the engine is free")
    assert main.state()["gone"] == 1


def test_who_leaves_the_queue_never_reaches_the_engine(door: Door, key: str) -> None:
    coder = door.engine("coder")
    with wire(door) as first, wire(door) as second:
        for connection in (first, second):
            connection.send(raw_chat(key, model="coder", hang=True))
        until(lambda: coder.active == 2, "both at work")
        with wire(door) as third:
            third.send(raw_chat(key, model="coder"))
            until(lambda: door.queued("coder") == 1, "one waits")
        until(lambda: door.queued("coder") == 0, "nobody waits")
    until(coder.idle, "the engine is free")
    assert coder.state()["count"] == 2


def test_a_long_prompt_and_pauses_are_no_timeout(door: Door, key: str) -> None:
    """The client's timeout is for what a client has to send."""
    with door.changed({"timeout client": "500ms", "timeout http-keep-alive": "500ms"}):
        assert chat(door, key, wait=2).status_code == 200
        stream = chat(door, key, chunks=3, pace=1)
        assert stream.text.count("data: ") == 4
        assert "[DONE]" in stream.text


def test_engine_dies_in_the_middle(door: Door, key: str) -> None:
    """What had come is there, and the end is no proper one."""
    with wire(door) as connection:
        connection.send(raw_chat(key, chunks=10, die=3, pace=0.05))
        answer = connection.read()
    assert answer.startswith(b"HTTP/1.1 200")
    assert answer.count(b"data: {") == 3
    assert not answer.endswith(b"0\r\n\r\n")
    assert b"HTTP/1.1 5" not in answer
    assert chat(door, key).status_code == 200


async def follow(port: int, request: str) -> int:
    """Events of one stream that came to its proper end."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(request.encode())
        data = await asyncio.wait_for(reader.readuntil(b"[DONE]\n\n\r\n0\r\n\r\n"), 60)
        return data.count(b"data: {")
    finally:
        writer.close()


def test_reload_in_the_middle_of_many_streams(door: Door, key: str) -> None:
    port, request = door.http_port, raw_chat(key, chunks=40, pace=0.1)

    async def streams() -> list[int]:
        tasks = [asyncio.create_task(follow(port, request)) for _ in range(STREAMS)]
        main = door.engine("main")
        while await asyncio.to_thread(lambda: main.active) < STREAMS:
            await asyncio.sleep(0.05)
        for _ in range(2):
            await asyncio.to_thread(door.reload)
            # and others come meanwhile
            answer = await asyncio.to_thread(chat, door, key)
            assert answer.status_code == 200
        assert not any(task.done() for task in tasks), "they ended before the reload"
        return await asyncio.gather(*tasks)

    started = time.monotonic()
    counts = asyncio.run(streams())
    print(json.dumps({"memory_kib": door.memory(), "seconds": time.monotonic() - started}))
    assert counts == [40] * STREAMS

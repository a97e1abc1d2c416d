"""Who has no key gets nowhere, and disturbs nobody who has one."""

from __future__ import annotations

import asyncio
import base64
import json
import threading
import time
from collections import Counter
from statistics import quantiles

import pytest
import requests

from stackctl.gateway.keys import digest
from tests.integration.gateway.client import (
    CHAT,
    MAIN,
    Wire,
    bearer,
    chat,
    error,
    head,
    statuses,
    wire,
    works,
)
from tests.integration.gateway.door import ENGINES, Door

PATHS = [
    CHAT,
    "/v1/models",
    f"/m/{MAIN}{CHAT}",
    "/",
    "/comfyui/",
    "/comfyui/ws",
    "/metrics",
    "/api/x",
]
FLOOD, CONNECTIONS = 10_000, 8


def untouched(door: Door) -> bool:
    return not any(door.engine(name).received for name in ENGINES)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_without_a_key(door: Door, method: str, path: str) -> None:
    answer = requests.request(method, door.url + path, json={"model": MAIN}, timeout=10)
    assert error(answer, 401)
    assert answer.headers["www-authenticate"]
    assert untouched(door)


def test_wrong_keys(door: Door, key: str) -> None:
    wrong = ["", "null", key[:-1], key + "x", key.upper(), digest(key), f'"{key}"', f"x,{key}"]
    for text in [*wrong, "client", "sk-stack-" + "x" * 100_000]:
        answer = requests.post(
            door.url + CHAT, json={"model": MAIN}, headers=bearer(text), timeout=10
        )
        assert error(answer, 401) == "invalid_api_key"
    assert untouched(door)
    works(door, key)


def test_keys_in_other_places(door: Door, key: str) -> None:
    """A key in an address stays in logs and in histories: it is none."""
    places: list[tuple[str, dict[str, str]]] = [
        (f"{CHAT}?api_key={key}", {}),
        (f"{CHAT}?key={key}&Authorization=Bearer%20{key}", {}),
        (CHAT, {"Cookie": f"Authorization=Bearer {key}"}),
        (CHAT, {"Proxy-Authorization": f"Bearer {key}"}),
        (CHAT, {"X-Forwarded-Authorization": f"Bearer {key}"}),
        (CHAT, {"X-Stackctl-Key": "client"}),
        (CHAT, {"Authorization": key}),
        (CHAT, {"Authorization": f"Token {key}"}),
    ]
    for path, headers in places:
        body = {"model": MAIN, "api_key": key}
        answer = requests.post(door.url + path, json=body, headers=headers, timeout=10)
        assert error(answer, 401)
    assert untouched(door)
    assert key not in door.logs()


def test_a_password_opens_pages_and_not_the_api(door: Door, key: str) -> None:
    """A browser would send it along from any other page."""
    basic = "Basic " + base64.b64encode(f"anybody:{key}".encode()).decode()
    for path in (CHAT, f"/m/{MAIN}{CHAT}", "/v1/models"):
        answer = requests.post(
            door.url + path, json={"model": MAIN}, headers={"Authorization": basic}, timeout=10
        )
        assert error(answer, 401) == "invalid_api_key"
    assert untouched(door)


def test_body_of_a_stranger_is_neither_waited_for_nor_taken_for_a_request(door: Door) -> None:
    inner = head("POST", "/healthz")
    with wire(door) as connection:
        connection.send(head("POST", CHAT, Content_Length=1 << 30) + inner)
        assert error(connection.answer(), 401) == "missing_api_key"
        connection.half_close()
        assert statuses(connection.read()) == []
    with wire(door) as connection:
        connection.send(head("POST", CHAT, Content_Length=100, Expect="100-continue"))
        assert error(connection.answer(), 401) == "missing_api_key"


def seconds_of(door: Door, key: str, enough: threading.Event) -> list[float]:
    """How long each answer to a good client took, until it is enough."""
    found = []
    while not enough.is_set():
        started = time.monotonic()
        works(door, key)
        found.append(time.monotonic() - started)
    return found


async def flood(port: int) -> Counter[int]:
    """Wrong keys, one after the other on each connection -> how often each status."""
    counted: Counter[int] = Counter()

    async def one(number: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for count in range(FLOOD // CONNECTIONS):
            request = head("GET", "/v1/models", f"sk-stack-{number}-{count}")
            writer.write(request.encode())
            answer = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 30)
            counted[int(answer[9:12])] += 1
            length = int(answer.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
            await reader.readexactly(length)
        writer.close()

    await asyncio.gather(*(one(number) for number in range(CONNECTIONS)))
    return counted


def test_ten_thousand_wrong_keys_disturb_no_good_client(door: Door, key: str) -> None:
    enough = threading.Event()
    threading.Timer(1.0, enough.set).start()
    before = seconds_of(door, key, enough)
    counted: Counter[int] = Counter()
    over = threading.Event()

    def attack() -> None:
        counted.update(asyncio.run(flood(door.http_port)))
        over.set()

    attacker = threading.Thread(target=attack)
    attacker.start()
    during = seconds_of(door, key, over)
    attacker.join()
    assert counted.keys() == {401, 429}
    assert counted.total() == FLOOD
    # 30 in the sliding minute, and not forgotten at once
    assert counted[401] < 100
    assert len(during) > 10
    assert door.engine("main").state()["count"] == len(before) + len(during)
    figures = {
        name: [round(1000 * quantiles(times, n=100)[at], 1) for at in (49, 98)]
        for name, times in (("before", before), ("during", during))
    }
    print("p50 and p99 of a good client, ms:", json.dumps(figures), len(before), len(during))
    slowed = requests.get(door.url + "/v1/models", headers=bearer("wrong"), timeout=10)
    assert error(slowed, 429) == "too_many_wrong_keys"
    assert int(slowed.headers["retry-after"]) > 0


def test_a_revoked_key(door: Door) -> None:
    """Also on a connection that it had opened."""
    key = door.add_key("leaver")
    with wire(door) as connection:
        assert asked(connection, key) == 200
        door.remove_key("leaver")
        assert asked(connection, key) == 401
    assert chat(door, key).status_code == 401


def asked(connection: Wire, key: str) -> int:
    connection.send(head("GET", "/v1/models", key))
    return connection.answer().status_code

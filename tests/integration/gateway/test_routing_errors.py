"""Every error in OpenAI's shape, and which."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_address

import pytest
import requests

from tests.integration.gateway.client import (
    CHAT,
    MAIN,
    bearer,
    chat,
    error,
    head,
    post,
    wire,
    works,
)
from tests.integration.gateway.door import Door, until
from tests.integration.stack.box import docker

SPEAK = "/v1/audio/speech"


def test_health_needs_no_key(door: Door) -> None:
    answer = requests.get(door.url + "/healthz", timeout=10)
    assert (answer.status_code, answer.text) == (200, "ok")


def test_unauthorized(door: Door) -> None:
    answer = requests.post(door.url + CHAT, json={"model": MAIN}, timeout=10)
    assert error(answer, 401) == "missing_api_key"
    assert answer.headers["www-authenticate"] == "Bearer"
    assert error(post(door, "sk-stack-wrong", json={"model": MAIN}), 401) == "invalid_api_key"
    expired = door.add_key(expires=1.0)
    assert error(chat(door, expired), 401) == "expired_api_key"


def test_not_found(door: Door, key: str) -> None:
    assert error(post(door, key, "/v1/threads", json={}), 404) == "unknown_url"
    assert error(chat(door, key, "nobody"), 404) == "model_not_found"


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
def test_method(door: Door, key: str, method: str) -> None:
    answer = requests.request(method, door.url + CHAT, headers=bearer(key), timeout=10)
    assert answer.status_code == 405
    assert answer.headers["allow"] == "POST"
    if method != "HEAD":
        assert error(answer, 405) == "method_not_allowed"


@pytest.mark.parametrize("data", ["", "{", "[]", '{"messages": []}', "\x1f\x8b\x08 not text"])
def test_no_model_to_be_read(door: Door, key: str, data: str) -> None:
    assert error(post(door, key, data=data), 400) == "model_not_readable"


def test_what_the_engine_says_comes_unchanged(door: Door, key: str) -> None:
    answer = chat(door, key, status=500)
    assert answer.status_code == 500
    assert answer.json()["error"]["message"] == "the engine's own words"
    works(door, key)


def test_engine_breaks_the_connection(door: Door, key: str) -> None:
    assert error(chat(door, key, die=-1), 502) == "engine_error"
    assert door.engine("main").state()["count"] == 1, "a prompt is not sent twice"
    works(door, key)


def test_engine_silent(door: Door, key: str) -> None:
    with door.changed({"timeout server": "1s"}):
        assert error(chat(door, key, hang=True), 504) == "engine_timeout"
        until(door.engine("main").idle, "the engine is free")


def test_queue(door: Door, key: str) -> None:
    """Two at once, two wait, the fifth is told to come back; who waits too long as well."""
    coder = door.engine("coder")
    with door.changed({"timeout queue": "2s"}), ThreadPoolExecutor(4) as pool:
        at_work = [pool.submit(chat, door, key, "coder", wait=4) for _ in range(2)]
        until(lambda: coder.active == 2, "two at work")
        waiting = [pool.submit(chat, door, key, "coder") for _ in range(2)]
        until(lambda: door.queued("coder") == 2, "two wait")
        fifth = chat(door, key, "coder")
        assert error(fifth, 429) == "engine_overloaded"
        assert int(fifth.headers["retry-after"]) > 0
        for one in waiting:
            answer = one.result()
            assert error(answer, 429)
            assert int(answer.headers["retry-after"]) > 0
        assert [one.result().status_code for one in at_work] == [200, 200]
    assert coder.state()["count"] == 2
    assert chat(door, key, "coder").status_code == 200


def test_limits_of_a_key(door: Door) -> None:
    often = door.add_key(rpm=2)
    assert [chat(door, often).status_code for _ in range(2)] == [200, 200]
    refused = chat(door, often)
    assert error(refused, 429) == "rate_limit_exceeded"
    assert int(refused.headers["retry-after"]) > 0
    one = door.add_key(concurrent=1)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(chat, door, one, wait=3)
        until(lambda: door.engine("main").active, "one at work")
        assert error(chat(door, one), 429) == "concurrency_limit_exceeded"
        assert first.result().status_code == 200
    assert chat(door, one).status_code == 200


def test_slow_body(door: Door, key: str) -> None:
    with door.changed({"wait-for-body time": "1s"}), wire(door) as slow:
        slow.send(head("POST", CHAT, key, Content_Length=100) + '{"mod')
        assert error(slow.answer(), 408) == "request_timeout"
    assert not door.engine("main").received


def test_engines_down_and_back_at_other_addresses(door: Door, key: str) -> None:
    """Each even at the other's: nothing is sent to the wrong one for long."""
    audio, image = door.engine("audio"), door.engine("image")
    spoken, network = {"model": "whisper-large-v3"}, f"{door.project}_default"
    for engine in (audio, image):
        docker("network", "disconnect", network, engine.container)
    try:
        until(lambda: post(door, key, SPEAK, json=spoken).status_code == 503, "it is down")
        answer = post(door, key, SPEAK, json=spoken)
        assert error(answer, 503) == "engine_unavailable"
        assert int(answer.headers["retry-after"]) > 0
        works(door, key)
    finally:
        # the daemon gives the lowest address that is free
        for engine in sorted((audio, image), key=lambda e: ip_address(e.address), reverse=True):
            docker("network", "connect", "--alias", engine.name, network, engine.container)
            del door.engines[engine.name]
    assert door.engine("audio").address == image.address
    assert door.engine("image").address == audio.address

    def arrives() -> bool:
        door.engine("audio").reset()
        return post(door, key, SPEAK, json=spoken).ok and bool(door.engine("audio").received)

    until(arrives, "the engine is found again")
    door.wait()


def test_every_line_of_the_log_is_json(door: Door, key: str) -> None:
    with wire(door) as odd:
        odd.send(head("GET", '/v1/"\\\x01\x80\xff%00%22', key))
        odd.read()
    post(door, key, data='{"model": "a\\\\\\"\\n\x07é"}'.encode())
    rows = door.access()
    assert [row["status"] for row in rows[-1:]] == [404]
    assert rows[-1]["model"].startswith('a\\"')
    long = '"' * 5000
    post(door, key, f"/v1/{long}")
    post(door, key, json={"model": long})
    ends = door.access()[-2:]
    assert [row["status"] for row in ends] == [404, 404]
    assert all(row["ended"] == "LR" for row in ends)

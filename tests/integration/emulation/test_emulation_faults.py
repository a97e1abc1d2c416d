"""Engines that fail, clients that leave, requests that are wrong: each has an end and a name."""

from __future__ import annotations

import http.client
import json
import socket
import threading
from collections.abc import Callable
from typing import Any

import pytest
import requests

from tests.integration.emulation.service import PATIENCE, Fake, ask, emulating, stream
from tests.integration.engine_server import serving
from tests.unit.stackctl.emulation.asked import body


def _html(x: Fake) -> None:
    x.send(200, "text/html", b"<!doctype html><title>Log in</title>")


def _no_json(x: Fake) -> None:
    x.begin_stream()
    x.chunk(b"data: {oops\n\n")
    x.end_stream()


def _half(x: Fake) -> None:
    x.begin_stream()
    x.chunk('data: {"choices": [{"delta": {"content": "서'.encode()[:-1] + b'"}}]}\n\n')
    x.end_stream()


def _cut(x: Fake) -> None:
    x.begin_stream()
    x.piece({"role": "assistant"})
    x.cut()


def _no_end(x: Fake) -> None:
    x.begin_stream()
    x.piece({"content": '{"answer": '})
    x.end_stream(done=False)


def _odd(x: Fake) -> None:
    x.begin_stream()
    x.event([1])
    x.end_stream()


FAULTS: tuple[tuple[Callable[[Fake], None], str], ...] = (
    (_html, "text/html"),
    (_no_json, "no JSON"),
    (_half, "no UTF-8"),
    (_cut, "broke off"),
    (_no_end, "no end"),
    (_odd, "no object"),
    (lambda x: x.cut(), "broke off"),
    (lambda x: x.send(200, "application/json", b"[" * 200_000), "no JSON"),
)


@pytest.mark.parametrize(("act", "says"), FAULTS)
def test_an_engine_that_fails(act: Callable[[Fake], None], says: str) -> None:
    with serving(act, Fake) as server, emulating(fake=server.url) as url:
        answer = ask(url)
        streamed = ask(url, stream=True)
    error = answer.json()["error"]
    assert answer.status_code == 502
    assert "fake" in error["message"]
    assert says in error["message"]
    if streamed.status_code == 502:
        assert says in streamed.json()["error"]["message"]
    else:
        *_, last, _ = streamed.text.split("\n\n")
        assert says in json.loads(last.removeprefix("data: "))["error"]["message"]
        assert "[DONE]" not in streamed.text


def test_it_fails_amid_an_answer() -> None:
    def act(x: Fake) -> None:
        x.begin_stream()
        x.piece({"content": '{"answer": "It is'})
        x.event({"error": {"message": "out of memory"}})
        x.end_stream()

    with serving(act, Fake) as server, emulating(fake=server.url) as url:
        seen = stream(url)
    assert "out of memory" in seen.events.pop()["error"]["message"]
    assert seen.text == "It is"
    assert not seen.done


@pytest.mark.parametrize("streamed", [False, True])
def test_errors_of_the_engine_are_the_clients_to_see(streamed: bool) -> None:
    def act(x: Fake) -> None:
        x.send(429, "application/problem+json", b'{"error": "slow  down"}', Retry_After="30")

    with serving(act, Fake) as server, emulating(fake=server.url) as url:
        answer = ask(url, stream=streamed)
    assert (answer.status_code, answer.content) == (429, b'{"error": "slow  down"}')
    assert answer.headers["Retry-After"] == "30"
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert len(server.requests) == 1


def test_too_long_a_prompt_is_not_tried_in_other_forms() -> None:
    words = {"error": {"message": "the request exceeds the available context size"}}
    with serving(lambda x: x.json(words, 400), Fake) as server, emulating(fake=server.url) as url:
        assert ask(url).json() == words
    assert len(server.requests) == 1


def test_nobody_there() -> None:
    with emulating() as url:
        for answer in (ask(url), requests.get(f"{url}/fake/v1/models", timeout=PATIENCE)):
            assert answer.status_code == 502
            assert "the engine fake cannot be reached" in answer.json()["error"]["message"]


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("began", [False, True])
@pytest.mark.parametrize("path", ["/fake/v1/chat/completions", "/fake/other"])
def test_a_client_that_leaves(path: str, began: bool, streamed: bool) -> None:
    asked, left = threading.Event(), threading.Event()

    def act(x: Fake) -> None:
        if began:
            x.begin_stream()
            x.piece({"role": "assistant"})
        asked.set()
        if x.until_left():
            left.set()

    with serving(act, Fake) as server, emulating(fake=server.url) as url:
        data = json.dumps(body(stream=streamed)).encode()
        host, port = url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), PATIENCE) as client:
            head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(data)}\r\n\r\n"
            client.sendall(head.encode() + data)
            assert asked.wait(PATIENCE)
        assert left.wait(PATIENCE / 2)


def test_wrong_requests_are_named_and_do_not_reach_the_engine() -> None:
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"tool_choice": "any"}, "tool_choice"),
        ({"tools": [{}]}, "tools[0]"),
        ({"messages": "hello"}, "messages"),
        ({"functions": [{"name": "f"}]}, "`tools`"),
    ]
    with serving(lambda x: x.say("no"), Fake) as server, emulating(fake=server.url) as url:
        for more, says in wrong:
            answer = ask(url, **more)
            assert answer.status_code == 400
            assert says in answer.json()["error"]["message"]
        path = "/fake/v1/responses"
        answer = requests.post(f"{url}{path}", json={"tools": [{}]}, timeout=PATIENCE)
        assert answer.status_code == 404
        assert "/v1/chat/completions only" in answer.json()["error"]["message"]
        answer = requests.get(f"{url}/v1/models", timeout=PATIENCE)
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "engine_not_named")
    assert server.requests == []


def test_a_body_that_is_too_large() -> None:
    data = b'{"messages": "' + b"x" * (16 * 2**20)
    with serving(lambda x: x.say("no"), Fake) as server, emulating(fake=server.url) as url:
        path = "/fake/v1/chat/completions"
        client = http.client.HTTPConnection(url.removeprefix("http://"), timeout=PATIENCE)
        client.putrequest("POST", path)
        client.putheader("Content-Length", str(len(data)))
        client.endheaders()
        told = client.getresponse().status
        client.close()
        pieces = iter([data[i : i + 2**20] for i in range(0, len(data), 2**20)])
        untold = requests.post(url + path, data=pieces, timeout=PATIENCE)
    assert told == untold.status_code == 413
    assert "16 MiB" in untold.json()["error"]["message"]
    assert server.requests == []


def test_it_does_not_ask_itself() -> None:
    with serving(lambda x: x.say("no"), Fake), emulating() as last, emulating(fake=last) as url:
        answer = requests.get(f"{url}/fake/main/v1/models", timeout=PATIENCE)
    assert answer.status_code == 508


def test_one_that_waits_holds_up_nobody_else() -> None:
    release = threading.Event()

    def act(x: Fake) -> None:
        release.wait(PATIENCE)
        x.say('{"answer": "17"}')

    with serving(act, Fake) as server, emulating(fake=server.url) as url:
        waiting = threading.Thread(target=ask, args=(url,))
        waiting.start()
        assert requests.get(f"{url}/healthz", timeout=PATIENCE / 2).ok
        assert waiting.is_alive()
        release.set()
        waiting.join(PATIENCE)

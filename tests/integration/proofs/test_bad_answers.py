"""Whatever a server does: it ends in time, and has a name."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from stackctl.model.reply import Reply
from stackctl.proofs.tools.cases import CASES, Case, body
from stackctl.proofs.tools.judge import judge
from stackctl.system.exchange import Door, post
from tests.integration.proofs.fake import Exchange, serving

WHOLE, STREAMED = (next(c for c in CASES if c.id == name) for name in ("single", "stream"))
#: seconds given to one answer, and those in which a test must end whatever happens
PATIENCE = 1.5


def ask(url: str, case: Case, patience: float = 20.0) -> Reply:
    return post(Door(url), case.path, body(case, "m", 99), timeout=patience)


def kinds(reply: Reply, case: Case) -> list[str]:
    return [trouble.kind for trouble in judge(case, reply)]


def _half_a_character(x: Exchange) -> None:
    x.begin_stream()
    x.chunk('data: {"choices": [{"delta": {"content": "서'.encode()[:-1] + b'"}}]}\n\n')
    x.end_stream()


def _end_inside_a_character(x: Exchange) -> None:
    x.begin_stream()
    x.chunk('data: {"choices": [{"delta": {"content": "서'.encode()[:-1])
    x.chunk(b"")


def _keep_alives(x: Exchange) -> None:
    x.begin_stream()
    while not x.ended.wait(0.05):
        x.chunk(b": ping\n\n")


def _begin_and_cut(x: Exchange) -> None:
    x.begin_stream()
    x.event({"choices": [{"delta": {"role": "assistant"}}]})
    x.cut()


def _begin_and_end(x: Exchange) -> None:
    x.begin_stream()
    x.event({"choices": [{"delta": {"role": "assistant"}}]})
    x.end_stream(done=False)


def _begin_and_hang(x: Exchange) -> None:
    x.begin_stream()
    x.event({"choices": [{"delta": {"role": "assistant"}}]})
    x.hang()


def _fail_on_the_way(x: Exchange) -> None:
    x.begin_stream()
    x.event({"choices": [{"delta": {"role": "assistant"}}]})
    x.event({"error": {"message": "out of memory", "code": 500}})
    x.end_stream(done=False)


def _less_than_promised(x: Exchange) -> None:
    x.handler.send_response(200)
    x.handler.send_header("Content-Type", "application/json")
    x.handler.send_header("Content-Length", "5000")
    x.handler.end_headers()
    x.handler.wfile.write(b'{"choices": [')


def _drop_by_drop(x: Exchange) -> None:
    """Headers that never end: each byte comes in time."""
    while not x.ended.wait(0.05):
        x.handler.wfile.write(b"H")
        x.handler.wfile.flush()


def _html(x: Exchange) -> None:
    x.send(200, "text/html", b"<!doctype html><title>Log in</title>")


def _hidden_html(x: Exchange) -> None:
    x.send(200, "application/json", b"\n<HTML>")


def _wrong_json(x: Exchange) -> None:
    x.send(200, "application/json", b'{"choices": [}')


def _wrong_json_streamed(x: Exchange) -> None:
    x.begin_stream()
    x.chunk(b"data: {oops\n\n")
    x.end_stream()


def _garbage(x: Exchange) -> None:
    x.handler.wfile.write(b"SSH-2.0-OpenSSH_9.9\r\n")


ACTS: tuple[tuple[str, Case, Callable[[Exchange], None]], ...] = (
    ("html", WHOLE, _html),
    ("html", STREAMED, _html),
    ("html", WHOLE, _hidden_html),
    ("not-json", WHOLE, _wrong_json),
    ("not-json", STREAMED, _wrong_json_streamed),
    ("not-json", WHOLE, lambda x: x.send(200, "application/json", b"[" * 200_000)),
    ("not-utf8", WHOLE, lambda x: x.send(200, "application/json", "서".encode()[:-1])),
    ("not-utf8", STREAMED, _half_a_character),
    ("cut-off", STREAMED, _end_inside_a_character),
    ("cut-off", STREAMED, _begin_and_cut),
    ("cut-off", STREAMED, _begin_and_end),
    ("cut-off", WHOLE, _less_than_promised),
    ("cut-off", WHOLE, lambda x: x.cut()),
    ("error-in-stream", STREAMED, _fail_on_the_way),
    ("not-http", WHOLE, _garbage),
    ("server-error", WHOLE, lambda x: x.send(500, "text/plain", b"Internal Server Error")),
    ("server-error", STREAMED, lambda x: x.send(502, "text/html", b"<html>Bad Gateway")),
    ("rate-limited", WHOLE, lambda x: x.json({"error": {}}, 429, Retry_After="30")),
    ("not-a-completion", WHOLE, lambda x: x.json([])),
    ("not-a-stream", STREAMED, lambda x: x.json({"choices": []})),
)


@pytest.mark.parametrize(("kind", "case", "act"), ACTS)
def test_it_has_a_name(kind: str, case: Case, act: Callable[[Exchange], None]) -> None:
    with serving(act) as server:
        assert kinds(ask(server.url, case), case) == [kind]


@pytest.mark.parametrize(
    ("kind", "act"),
    [
        ("no-answer", lambda x: x.hang()),
        ("no-answer", _drop_by_drop),
        ("keep-alives-only", _keep_alives),
        ("too-slow", _begin_and_hang),
    ],
)
def test_it_ends_when_the_time_is_over(kind: str, act: Callable[[Exchange], None]) -> None:
    with serving(act) as server:
        reply = ask(server.url, STREAMED, PATIENCE)
    assert kinds(reply, STREAMED) == [kind]
    assert reply.seconds >= PATIENCE


@contextmanager
def silent() -> Iterator[int]:
    """A port that takes connections and never reads."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def test_nobody_reads() -> None:
    with silent() as port:
        assert kinds(ask(f"http://127.0.0.1:{port}", WHOLE, PATIENCE), WHOLE) == ["no-answer"]


def test_nobody_listens() -> None:
    with silent() as port:
        pass
    assert kinds(ask(f"http://127.0.0.1:{port}", WHOLE), WHOLE) == ["unreachable"]


def test_no_https_there() -> None:
    with serving(lambda x: x.right()) as server:
        reply = ask(server.url.replace("http:", "https:"), WHOLE)
    assert kinds(reply, WHOLE) == ["unreachable"]


def test_characters_may_come_in_pieces() -> None:
    def act(x: Exchange) -> None:
        x.begin_stream()
        event = (
            'data: {"choices": [{"delta": {"content": "서울"}, "finish_reason": "stop"}]}\r\n\r\n'
        )
        for byte in event.encode():
            x.chunk(bytes([byte]))
        x.end_stream()

    with serving(act) as server:
        reply = ask(server.url, STREAMED)
    assert reply.broken is None
    assert reply.events[0]["choices"][0]["delta"]["content"] == "서울"
    assert len(reply.times) == len(reply.events)


def test_many_at_once() -> None:
    with serving(lambda x: x.right()) as server:
        found: list[list[str]] = []
        threads = [
            threading.Thread(
                target=lambda: found.append(kinds(ask(server.url, STREAMED), STREAMED))
            )
            for _ in range(16)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
    assert found == [[]] * 16

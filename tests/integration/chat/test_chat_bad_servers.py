"""Whatever a server does: one line that tells it, what to do, exit 1; no hang, no traceback."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable

import pytest

from tests.integration.chat.client import chat
from tests.integration.chat.server import Request, serving

KEY = "of-no-form-that-is-known-7731"
#: cases that end by the timeout; the others get more than they need
SILENT = {"keep-alives", "empty-events", "never", "stalls"}
Act = Callable[[Request], None]


def _half_a_character(x: Request) -> None:
    x.begin()
    x.delta(content="so far ")
    x.chunk('data: {"choices": [{"delta": {"content": "\uc11c'.encode()[:-1] + b'"}}]}\n\n')
    x.finish()


def _ends_in_a_character(x: Request) -> None:
    x.begin()
    x.chunk('data: {"choices": [{"delta": {"content": "\uc11c'.encode()[:-1])
    x.chunk(b"")


def _begin_and_cut(x: Request) -> None:
    x.begin()
    x.delta(content="so far ")
    x.cut()


def _end_without_an_end(x: Request) -> None:
    x.begin()
    x.delta(content="so far ")
    x.chunk(b"")


def _keep_alives(x: Request) -> None:
    x.begin()
    while not x.ended.wait(0.05):
        x.chunk(b": ping\n\n")


def _empty_events(x: Request) -> None:
    x.begin()
    while not x.ended.wait(0.05):
        x.delta(content="")


def _begin_and_hang(x: Request) -> None:
    x.begin()
    x.delta(content="so far ")
    x.hang()


def _error_within(x: Request) -> None:
    x.begin()
    x.delta(content="so far ")
    x.event({"error": {"message": "CUDA out of memory", "code": 500}})
    x.chunk(b"")


def _nothing_said(x: Request) -> None:
    x.begin()
    x.delta(reasoning_content="hmm")
    x.finish("length")


def _endless_line(x: Request) -> None:
    x.begin()
    while True:
        x.chunk(b"x" * (1 << 20))


def _wrong_json(x: Request) -> None:
    x.begin()
    x.chunk(b'data: {"choices": [\n\n')
    x.finish()


def _short(x: Request) -> None:
    x.handler.send_response(200)
    x.handler.send_header("Content-Type", "application/json")
    x.handler.send_header("Content-Length", "100")
    x.handler.end_headers()
    x.handler.wfile.write(b"{")


PAGE = b"<!DOCTYPE html><html><body>Bad Gateway</body></html>"
CASES: tuple[tuple[str, Act, str, str], ...] = (
    ("html", lambda x: x.send(200, "text/html", PAGE), "sent a web page", "check --url"),
    ("html-502", lambda x: x.send(502, "text/html", PAGE), "web page (HTTP 502)", "check --url"),
    ("text", lambda x: x.send(200, "text/plain", b"hello"), "no JSON: hello", "check --url"),
    ("wrong-json", _wrong_json, "no JSON", "check --url"),
    ("list", lambda x: x.send(200, "application/json", b"[]"), "another form", "check --url"),
    ("choices", lambda x: x.send(200, "application/json", b'{"choices": 7}'), "form", "--url"),
    ("deep", lambda x: x.send(200, "application/json", b"[" * 200000), "no JSON", "--url"),
    ("half", _half_a_character, "bytes that are no UTF-8", "stackctl logs"),
    ("ends-in-half", _ends_in_a_character, "cut the answer off", "stackctl logs"),
    ("cut", _begin_and_cut, "cut the answer off", "stackctl logs"),
    ("short", _short, "cut the answer off", "stackctl logs"),
    ("no-end", _end_without_an_end, "cut the answer off", "stackctl logs"),
    ("at-once", Request.cut, "cut the answer off", "stackctl logs"),
    ("keep-alives", _keep_alives, "keep-alives and no answer", "--timeout"),
    ("empty-events", _empty_events, "keep-alives and no answer", "--timeout"),
    ("never", Request.hang, "said nothing", "--timeout"),
    ("stalls", _begin_and_hang, "fell silent", "--timeout"),
    ("500-within", _error_within, "in the middle of the answer: CUDA out", "stackctl logs"),
    ("500", lambda x: x.refuse(500, "it\nbroke \x1b[2J"), "(HTTP 500): it broke [2J", "logs"),
    ("401", lambda x: x.refuse(401, f"bad key {KEY}"), "refuses the key", "--key-env NAME"),
    ("404", lambda x: x.refuse(404, "no such model"), "has no model other", "--model: m\n"),
    ("429", lambda x: x.refuse(429, "slow down", Retry_After="7"), "too many", "again in 7 s"),
    ("429-html", lambda x: x.send(429, "text/html", PAGE), "too many", "again later"),
    ("302", lambda x: x.send(302, "text/plain", b"", Location="/x"), "leads elsewhere", "--url"),
    ("empty", _nothing_said, "has no text", "--max-tokens"),
    ("endless", _endless_line, "sends without end", "stackctl logs"),
    ("context", lambda x: x.refuse(400, "maximum context length is 9"), "longer than", "shorten"),
    ("tools", lambda x: x.refuse(400, "tools are not here"), "takes no tools", "without --tools"),
)


@pytest.mark.parametrize(("name", "act", "says", "fix"), CASES, ids=[c[0] for c in CASES])
def test_told(name: str, act: Act, says: str, fix: str) -> None:
    timeout = ("--timeout", "1" if name in SILENT else "20")
    words = (*timeout, "--model", "other", "--key-env", "A_KEY", "--tools", "hi")
    with serving(act) as server:
        done = chat(server.url, *words, env={"A_KEY": KEY})
    assert done.code == 1, done
    lines = done.told[done.told.index("error: ") :].splitlines()
    assert len(lines) == 2, done.told
    assert says in lines[0]
    assert fix in lines[1] + "\n"
    assert KEY not in done.told + done.out.decode()
    assert "\x1b" not in done.told
    assert done.out in (b"", b"so far \n")


def test_json_says_nothing_of_half_an_answer() -> None:
    with serving(_begin_and_cut) as server:
        done = chat(server.url, "--model", "m", "--json", "hi")
    assert (done.code, done.out) == (1, b"")
    assert "cut the answer off" in done.told


def test_not_http() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def greet() -> None:
            peer, _ = listener.accept()
            with peer:
                peer.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")
                peer.recv(1 << 16)

        thread = threading.Thread(target=greet)
        thread.start()
        done = chat(f"http://127.0.0.1:{listener.getsockname()[1]}", "--model", "m", "hi")
        thread.join()
    assert done.code == 1
    assert "does not speak HTTP" in done.told


def test_nobody_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    done = chat(f"http://127.0.0.1:{port}", "--model", "m", "hi")
    assert done.code == 1
    assert "cannot be reached" in done.told


@pytest.mark.parametrize("host", ["a..b", "\uc11c\uc6b8" * 40])
def test_no_such_name(host: str) -> None:
    done = chat(f"http://{host}", "--model", "m", "hi")
    assert done.code == 1
    assert "there is no such name" in done.told


def test_no_tls_there() -> None:
    with serving(lambda x: x.say("hi")) as server:
        done = chat(server.url.replace("http:", "https:"), "--model", "m", "hi")
    assert done.code == 1
    assert "does not speak TLS" in done.told


@pytest.mark.parametrize(
    "words",
    [
        ("--url", "ftp://h"),
        ("--url", "http://h:99999"),
        ("--url", "http://user:secret@h"),
        ("--url", "http://"),
        ("--url", "http://[::"),
        ("--url", "http://h/\uc11c"),
        ("--ca", "/nowhere/ca.pem"),
        ("--key-env", "NOT_SET"),
        ("--key-env", "BAD_KEY"),
    ],
)
def test_usage(words: tuple[str, ...]) -> None:
    done = chat("http://127.0.0.1:1", "--model", "m", *words, "hi", env={"BAD_KEY": "a\nsecret"})
    assert done.code == 2
    assert "secret" not in done.told


def test_stream_options_are_left_out_where_they_are_refused() -> None:
    def act(x: Request) -> None:
        if "stream_options" in x.body:
            x.refuse(422, "Extra inputs are not permitted: stream_options")
        else:
            x.say("hello")

    with serving(act) as server:
        done = chat(server.url, "hi")  # without --model: the one there is
    assert (done.code, done.out) == (0, b"hello\n"), done.told


def test_a_document_instead_of_a_stream() -> None:
    answer = (
        b'{"choices": [{"message": {"content": "hello", "reasoning": "hm"}, '
        b'"finish_reason": "stop"}]}'
    )
    with serving(lambda x: x.send(200, "application/json", answer)) as server:
        done = chat(server.url, "--model", "m", "hi")
    assert (done.code, done.out) == (0, b"hello\n"), done.told
    assert "hm" in done.told

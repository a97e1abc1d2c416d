"""Two servers that count a request's end differently: the engine must see none that we did not."""

from __future__ import annotations

import pytest

from tests.integration.gateway.client import CHAT, MAIN, raw_chat, statuses, wire, works
from tests.integration.gateway.door import ENGINES, Door

BODY = f'{{"model": "{MAIN}"}}'
INNER = "POST /api/pull HTTP/1.1\r\nHost: a\r\nX-Stackctl-Key: root\r\nContent-Length: 0\r\n\r\n"
LAST = "GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
LENGTH = f"Content-Length: {len(BODY)}"
CHUNKED = "Transfer-Encoding: chunked"
CHUNKS = f"{len(BODY):x}\r\n{BODY}\r\n0\r\n\r\n"

#: headers and body of requests that are one for some servers, and two for others
DOUBTFUL = {
    "CL.TE": (f"Content-Length: {len(BODY + INNER)}\r\n{CHUNKED}", f"0\r\n\r\n{INNER}"),
    "TE.CL": (f"Content-Length: 4\r\n{CHUNKED}", f"{len(INNER):x}\r\n{INNER}\r\n0\r\n\r\n"),
    "CL.CL": (f"{LENGTH}\r\nContent-Length: {len(BODY + INNER)}", BODY + INNER),
    "CL, CL": (f"Content-Length: {len(BODY)}, {len(BODY + INNER)}", BODY + INNER),
    "CL +": (f"Content-Length: +{len(BODY)}", BODY + INNER),
    "CL -": ("Content-Length: -1", BODY + INNER),
    "CL hex": (f"Content-Length: 0x{len(BODY):x}", BODY + INNER),
    "CL space": (f"Content-Length: {len(BODY)} {len(BODY + INNER)}", BODY + INNER),
    "CL huge": (f"Content-Length: {2**64 + len(BODY)}", BODY + INNER),
    "CL no value": ("Content-Length:", BODY + INNER),
    "CL underscore": (f"Content_Length: {len(BODY + INNER)}\r\n{LENGTH}", BODY + INNER),
    "CL blank before colon": (f"Content-Length : {len(BODY)}", BODY + INNER),
    "TE.TE": (f"{CHUNKED}\r\nTransfer-Encoding: identity", CHUNKS + INNER),
    "TE twice": (f"{CHUNKED}\r\n{CHUNKED}", CHUNKS + INNER),
    "TE chunked, chunked": ("Transfer-Encoding: chunked, chunked", CHUNKS + INNER),
    "TE xchunked": (f"Transfer-Encoding: xchunked\r\n{LENGTH}", BODY + INNER),
    "TE chunked;x": (f"Transfer-Encoding: chunked;x\r\n{LENGTH}", BODY + INNER),
    "TE chunked, identity": (f"Transfer-Encoding: chunked, identity\r\n{LENGTH}", BODY + INNER),
    "TE quoted": (f'Transfer-Encoding: "chunked"\r\n{LENGTH}', BODY + INNER),
    "TE vertical tab": (f"Transfer-Encoding:\x0bchunked\r\n{LENGTH}", BODY + INNER),
    "TE blank before colon": (f"Transfer-Encoding : chunked\r\n{LENGTH}", BODY + INNER),
    "TE on a folded line": (f"Transfer-Encoding:\r\n chunked\r\n{LENGTH}", BODY + INNER),
    "obs-fold": (f"X-A: b\r\n {CHUNKED}\r\n{LENGTH}", BODY + INNER),
    "bare LF": (f"X-A: b\n{CHUNKED}\r\n{LENGTH}", BODY + INNER),
    "bare CR": (f"X-A: b\r{CHUNKED}\r\n{LENGTH}", BODY + INNER),
    "NUL": (f"X-A: b\0{CHUNKED}\r\n{LENGTH}", BODY + INNER),
    "no colon": (f"X-A\r\n{LENGTH}", BODY + INNER),
    "empty name": (f": x\r\n{LENGTH}", BODY + INNER),
    "first line blank": (f" {CHUNKED}\r\n{LENGTH}", BODY + INNER),
    "chunk extension": (CHUNKED, f'{len(BODY):x};a="\r\n{BODY}\r\n0\r\n\r\n{INNER}'),
    "chunk extension with LF": (CHUNKED, f"{len(BODY):x};a\n{BODY}\r\n0\r\n\r\n{INNER}"),
    "chunk size with sign": (CHUNKED, f"+{len(BODY):x}\r\n{BODY}\r\n0\r\n\r\n{INNER}"),
    "chunk size 0x": (CHUNKED, f"0x{len(BODY):x}\r\n{BODY}\r\n0\r\n\r\n{INNER}"),
    "chunk size huge": (CHUNKED, f"1{len(BODY):016x}\r\n{BODY}\r\n0\r\n\r\n{INNER}"),
    "chunk too long": (CHUNKED, f"{len(BODY) - 2:x}\r\n{BODY}\r\n0\r\n\r\n{INNER}"),
    "chunk ends with LF": (CHUNKED, f"{len(BODY):x}\n{BODY}\n0\n\n{INNER}"),
    "chunk ends with CR": (CHUNKED, f"{len(BODY):x}\r{BODY}\r0\r\r{INNER}"),
    "trailer": (CHUNKED, f"{len(BODY):x}\r\n{BODY}\r\n0\r\nX-Stackctl-Key: root\r\n\r\n{INNER}"),
    "upgrade": (f"{LENGTH}\r\nConnection: Upgrade\r\nUpgrade: websocket", BODY + INNER),
    "h2c": (f"{LENGTH}\r\nConnection: Upgrade\r\nUpgrade: h2c\r\nHTTP2-Settings: AA", BODY + INNER),
    "hop by hop": (f"{LENGTH}\r\nConnection: X-Stackctl-Key, Content-Length", BODY + INNER),
    "expect": (f"{LENGTH}\r\nExpect: 100-continue", BODY + INNER),
}


@pytest.mark.parametrize("version", ["1.1", "1.0"])
@pytest.mark.parametrize("case", DOUBTFUL)
def test_no_second_request(door: Door, key: str, case: str, version: str) -> None:
    """What follows it is another request without a key, or nothing."""
    headers, body = DOUBTFUL[case]
    first = f"POST {CHAT} HTTP/{version}\r\nHost: door\r\nAuthorization: Bearer {key}\r\n"
    with wire(door) as connection:
        connection.send(f"{first}{headers}\r\n\r\n{body}{LAST}")
        # some of them are waited for: their sender said that more would come
        found = connection.read(0.7)
    answers = [status for status in statuses(found) if status != 100]
    assert answers[:1] in ([], [200], [400], [401], [403], [413], [422], [501])
    assert answers[1:] in ([], [200], [400], [401], [401, 200]), "the inner one has no key"
    assert answers.count(200) - found.endswith(b"\r\n\r\nok") <= 1
    received = [request for name in ENGINES for request in door.engine(name).received]
    assert len(received) <= 1
    for request in received:
        assert request["line"] == f"POST {CHAT} HTTP/{version}"
        names = [name for name, _ in request["headers"]]
        assert names.count("content-length") + names.count("transfer-encoding") == 1
        assert ("x-stackctl-key", "client") in map(tuple, request["headers"])
        assert names.count("x-stackctl-key") == 1
        assert "api/pull" not in request["body"]
    works(door, key)


def test_pipelined_requests_are_each_asked_for_their_key(door: Door, key: str) -> None:
    with wire(door) as connection:
        connection.send(raw_chat(key) + raw_chat("") + raw_chat("wrong") + raw_chat(key))
        found = [connection.answer().status_code for _ in range(4)]
    assert found == [200, 401, 401, 200]
    assert door.engine("main").state()["count"] == 2


def test_http_0_9(door: Door) -> None:
    with wire(door) as connection:
        connection.send("GET /healthz\r\n\r\n")
        assert b"ok" not in connection.read().split(b"\r\n\r\n")[-1:]


def test_another_protocol(door: Door) -> None:
    for hello in (b"\x16\x03\x01\x02\x00\x01\x00", b"SSH-2.0-x\r\n", b"EHLO x\r\n", b"\0" * 100):
        with wire(door) as connection:
            connection.send(hello)
            connection.half_close()
            assert statuses(connection.read()) in ([], [400])
    with wire(door) as connection:
        connection.send(
            b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\nGET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"
        )
        connection.half_close()
        assert statuses(connection.read()) in ([], [400])

"""However the bytes of an answer are cut into pieces, it means the same; and nothing crashes."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stackctl.model.load import Outcome
from stackctl.system.load.answer import Answer
from stackctl.system.load.events import Broken, Events

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"


def chunk(**delta: Any) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": None}
    return b"data: " + json.dumps({"choices": [choice]}, ensure_ascii=False).encode() + b"\n\n"


def last(**usage: Any) -> bytes:
    return b"data: " + json.dumps({"choices": [], "usage": usage}).encode() + b"\n\n"


GOOD = (
    chunk(role="assistant", content="")
    + chunk(reasoning="hm")
    + b": ping\n\n"
    + chunk(content="서울")
    + chunk(content="data: [DONE]\n\n\r\n")
    + b'data: {"choices": [{"delta": {}, "finish_reason": "stop"}]}\n\n'
    + last(prompt_tokens=11, completion_tokens=4, completion_tokens_details={"reasoning_tokens": 2})
    + b"data: [DONE]\n\n"
)


def encoded(body: bytes, size: int) -> bytes:
    parts = [body[at : at + size] for at in range(0, len(body), size)]
    return b"".join(b"%X\r\n%b\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


def read(data: bytes, cuts: list[int] | None = None, *, limit: int = 1000) -> Outcome:
    """Fed piece by piece, one second apart, and then the end of the connection."""
    outcome = Outcome()
    answer = Answer(Events(outcome, 0.0, limit))
    edges = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts or [])})
    try:
        for number, (start, end) in enumerate(pairwise(edges)):
            if not answer.complete:
                answer.feed(data[start:end], float(number + 1))
        answer.eof()
    except Broken as broken:
        outcome.failure = broken.name
        outcome.detail = broken.detail
    if answer.status not in (0, 200) and not outcome.failure:
        outcome.failure, outcome.detail = str(answer.status), answer.said
    return outcome


@given(st.lists(st.integers(0, 5000), max_size=30), st.integers(1, 400))
@settings(max_examples=150, deadline=None)
def test_pieces_do_not_matter(cuts: list[int], size: int) -> None:
    outcome = read(CHUNKED + encoded(GOOD, size), cuts)
    assert outcome.failure == ""
    assert (outcome.thoughts, outcome.chunks) == (1, 2)
    assert (outcome.prompt_tokens, outcome.tokens, outcome.reasoning) == (11, 4, 2)
    assert len(outcome.gaps) == 4
    assert outcome.first <= outcome.ttft <= outcome.latency


@pytest.mark.parametrize("end", [b"\n\n", b"\r\n\r\n"])
def test_all_forms_of_a_stream(end: bytes) -> None:
    body = GOOD.replace(b"\n\n", end)
    length = HEAD + b"Content-Length: %d\r\n\r\n" % len(body)
    until_closed = HEAD + b"Connection: close\r\n\r\n"
    for head in (length, until_closed, b"HTTP/1.1 100 Continue\r\n\r\n" + length):
        outcome = read(head + body)
        assert (outcome.failure, outcome.count) == ("", 4)


@given(st.lists(st.integers(0, 200), max_size=10), st.binary(max_size=200))
@settings(max_examples=300, deadline=None)
def test_garbage_is_a_failure_and_never_an_error(cuts: list[int], data: bytes) -> None:
    assert read(data, cuts).failure
    assert read(CHUNKED + data, cuts).failure
    assert read(HEAD + b"\r\n" + data, cuts).failure


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=5), lambda x: (
    st.lists(x, max_size=3) | st.dictionaries(
        st.sampled_from(["choices", "delta", "content", "usage", "error", "message"]), x, max_size=3
    )
)))  # fmt: skip
@settings(max_examples=300, deadline=None)
def test_json_of_another_shape_is_a_failure_and_never_an_error(body: Any) -> None:
    data = b"data: " + json.dumps(body).encode() + b"\n\ndata: [DONE]\n\n"
    outcome = read(HEAD + b"\r\n" + data)
    assert outcome.failure or outcome.chunks


@pytest.mark.parametrize(
    ("body", "failure"),
    [
        (chunk(content="a"), "cut-stream"),
        (b"", "cut-stream"),
        (b"data: [DONE]\n\n", "no-tokens"),
        (chunk(content="a") + b"data: {'a'}\n\n", "wrong-json"),
        (b'data: {"choices": [{"delta": {"content": "\xec\x84"}}]}\n\n', "wrong-utf8"),
        (chunk(content="a") + b'data: {"error": {"message": "OOM"}}\n\n', "error-in-stream"),
        (b"<html></html>\n\n", "not-sse"),
        (b"data: [1]\n\n", "wrong-json"),
        (chunk(content="a") * 9, "endless"),
    ],
)
def test_failures_have_names(body: bytes, failure: str) -> None:
    assert read(CHUNKED + encoded(body, 40), limit=8).failure == failure


@pytest.mark.parametrize(
    ("answer", "failure"),
    [
        (b"", "closed"),
        (b"HTTP/1.1 20", "not-http"),
        (b"220 mail.example ESMTP\r\n\r\n", "not-http"),
        (b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<html>", "html"),
        (b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{}", "not-a-stream"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n", "not-http"),
        (CHUNKED + b"xyz\r\n", "not-http"),
        (CHUNKED + b"ff\r\ndata: ", "cut-stream"),
        (HEAD + b"Content-Length: 99\r\n\r\ndata: ", "cut-stream"),
        (b"HTTP/1.1 " + b"A" * 70000, "not-http"),
    ],
)
def test_what_is_no_answer_has_a_name(answer: bytes, failure: str) -> None:
    assert read(answer).failure == failure


def test_errors_say_what_the_server_said() -> None:
    def said(body: bytes) -> str:
        head = b"HTTP/1.1 500 Oops\r\nContent-Length: %d\r\n\r\n"
        return read(head % len(body) + body).detail

    assert said(b'{"error": {"message": "engine is dead"}}') == "engine is dead"
    assert said(b'[{"error": {"message": "as Gemini"}}]') == "as Gemini"
    assert said(b'{"error": "plain"}') == "plain"
    assert said(b'{"detail": "as FastAPI"}') == "as FastAPI"
    assert said(b" <html>") == "an HTML page"
    assert said(b"") == ""
    assert said(b"\xff oops") == "\\ufffd oops"


def test_times_are_those_of_the_tokens() -> None:
    outcome = Outcome()
    events = Events(outcome, 10.0, 100)
    events.feed(chunk(role="assistant"), 10.1)
    events.feed(chunk(reasoning_content="hm"), 10.5)
    events.feed(chunk(content="a"), 10.75)
    events.feed(b": ping\n\n", 11.0)
    events.feed(chunk(content="b") + chunk(content="c"), 11.5)
    events.feed(last(prompt_tokens=3, completion_tokens=5) + b"data: [DONE]\n\n", 12.0)
    events.check_end()
    assert outcome.first == pytest.approx(0.1)
    assert outcome.ttft == pytest.approx(0.5)
    assert outcome.latency == pytest.approx(1.5)
    assert list(outcome.gaps) == pytest.approx([0.4, 0.25, 0.75, 0.0])
    assert outcome.tpot == pytest.approx(1.4 / 4)
    assert outcome.reasoning == 1  # of 5 tokens in 4 chunks, one of which was a thought


def test_without_usage_a_chunk_is_a_token() -> None:
    outcome = read(CHUNKED + encoded(chunk(content="a") * 3 + b"data: [DONE]\n\n", 500))
    assert (outcome.tokens, outcome.count) == (None, 3)

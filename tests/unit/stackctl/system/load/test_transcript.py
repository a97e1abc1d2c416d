"""A transcript comes whole, in however many pieces; what is none has a name."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stackctl.model.load import Outcome
from stackctl.system.load.answer import Answer
from stackctl.system.load.events import Broken
from stackctl.system.load.transcript import Transcript

TEXT = '{"text": " 서울 hails\\n"}'.encode()
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
#: its clock: sent at 10 s, a piece each second from 11 s on
BEGAN = 10.0


def read(*pieces: bytes) -> Outcome:
    outcome = Outcome()
    answer = Answer(Transcript(outcome, BEGAN))
    for at, piece in enumerate(pieces, 1):
        answer.feed(piece, BEGAN + at)
    answer.eof()
    assert answer.complete
    return outcome


@given(cut=st.integers(1, len(HEAD % len(TEXT) + TEXT) - 1))
def test_cut_anywhere(cut: int) -> None:
    whole = HEAD % len(TEXT) + TEXT
    outcome = read(whole[:cut], whole[cut:])
    assert (outcome.latency, outcome.count, outcome.tpot) == (2.0, 0, None)
    assert (outcome.first, outcome.ttft) == (0.0, 0.0)


def test_a_sound_without_words() -> None:
    assert read(HEAD % 12 + b'{"text": ""}').ok


@pytest.mark.parametrize(
    ("body", "name", "detail"),
    [
        (b"", "wrong-json", ""),
        (b"hello", "wrong-json", "hello"),
        (b"[" * 99_999, "wrong-json", "[["),
        (b'{"text": "\xec\x84"}', "wrong-utf8", ""),
        (b"[]", "no-transcript", "[]"),
        (b'{"text": 7}', "no-transcript", "7"),
        (b'{"error": "failed to read audio"}', "no-transcript", "failed to read audio"),
    ],
)
def test_what_is_no_transcript(body: bytes, name: str, detail: str) -> None:
    with pytest.raises(Broken) as broken:
        read(HEAD % len(body) + body)
    assert broken.value.name == name
    assert detail in broken.value.detail


def test_a_page_and_an_answer_without_its_end() -> None:
    with pytest.raises(Broken, match="html"):
        read(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<html>")
    with pytest.raises(Broken, match="cut-stream"):
        read(HEAD % 99 + TEXT)

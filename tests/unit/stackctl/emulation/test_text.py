"""Strings of JSON cut anywhere, and stop words."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stackctl.emulation.text import JsonString, Stops, whole

WORDS = st.lists(st.text("ab", min_size=1, max_size=4))
TEXTS = st.text() | st.text(alphabet='\\"/bfnrtu0dD8é😀\n')


def fed(pieces: list[str]) -> tuple[str, bool]:
    string = JsonString()
    told = "".join(string.feed(piece) for piece in pieces)
    return told, string.closed


def cut(text: str, size: int) -> list[str]:
    return [text[i : i + size] for i in range(0, len(text), size)]


@given(TEXTS, st.booleans(), st.integers(1, 7))
def test_it_reads_what_json_wrote(text: str, ascii_only: bool, size: int) -> None:
    written = json.dumps(text, ensure_ascii=ascii_only)[1:]
    assert fed(cut(written, size)) == (whole(text), True)


@given(st.text(alphabet='\\u"dDcC89aé😀0b/ ', max_size=40), st.data())
def test_a_cut_changes_nothing(written: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(written)))
    assert fed([written[:at], written[at:]]) == fed([written])


@given(st.text(alphabet='\\u"dDcC89aé😀0b/ ', max_size=40))
def test_it_agrees_with_json(written: str) -> None:
    try:
        value = json.loads(f'"{written}"')
    except ValueError:
        return
    assert fed([*written, '"']) == (whole(value), True)


def test_what_follows_the_string_is_no_part_of_it() -> None:
    assert fed(['Paris", "tool', '_calls": []}']) == ("Paris", True)


@pytest.mark.parametrize(
    ("written", "told"),
    [
        (r"\ud83d\ude00", "😀"),
        (r"\ud83dx", "\ufffdx"),
        (r"\ud83d\u0041", "\ufffdA"),
        (r"\ud83d\ud83d\ude00", "\ufffd😀"),
        (r"\ude00", "\ufffd"),
        (r"\q", "q"),
        (r"\ud83", ""),  # it may go on
    ],
)
def test_halves_of_characters(written: str, told: str) -> None:
    assert fed(list(written))[0] == told


@given(
    st.text(alphabet="ab", max_size=30), st.lists(st.text("ab", min_size=1, max_size=4)), st.data()
)
def test_stop_words_cut_the_same_wherever_the_stream_is_cut(
    text: str, words: list[str], data: st.DataObject
) -> None:
    at = data.draw(st.integers(0, len(text)))
    stops = Stops(words)
    told = stops.feed(text[:at]) + stops.feed(text[at:])
    told += stops.end()
    # a word that is whole is not kept waiting for one that begins earlier and ends later
    firsts = [part for part in (text[:at], text) if any(word in part for word in words)]
    expected = min(firsts[0].find(w) for w in words if w in firsts[0]) if firsts else len(text)
    assert told == text[:expected]
    assert stops.hit == bool(firsts)


def test_the_beginning_of_a_stop_word_is_held_back() -> None:
    stops = Stops(("###",))
    assert [stops.feed(piece) for piece in ("a#", "#b", "#", "##", "c")] == ["a", "##b", "", "", ""]
    assert stops.hit
    assert stops.end() == ""

"""Text between a terminal of any encoding and a model."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from stackctl.chat.text import Shown, decoded, line, whole


def test_whole() -> None:
    assert whole("\uc11c\uc6b8") == "\uc11c\uc6b8"
    assert whole("\uc11c".encode().decode("ascii", "surrogateescape")) == "\uc11c"
    assert whole("\ud83d\ude00") == "\U0001f600"
    assert whole("\ud83d\udc80") == "\U0001f480"  # its second half looks like an escaped byte
    assert whole("a\ud83d") == "a\ufffd"


@given(st.text(st.characters(codec=None, categories=None, exclude_categories=())))
def test_whole_can_always_be_sent(text: str) -> None:
    whole(text).encode()


def test_decoded() -> None:
    assert decoded(b"abc", "cp949") == ("abc", "")
    assert decoded("\uc11c".encode("utf-16"), "utf-8") == ("\uc11c", "")
    assert decoded("\uc11c".encode("cp949"), "cp949")[0] == "\uc11c"
    assert decoded(b"\xff", "no-such-encoding")[0] == "\ufffd"
    assert decoded(b"\xff\xff", "cp949")[0] == "\ufffd\ufffd"


@given(st.binary(), st.sampled_from(["utf-8", "cp949", "cp1252", "ascii", ""]))
def test_decoded_takes_anything(data: bytes, encoding: str) -> None:
    decoded(data, encoding)[0].encode()


def test_line() -> None:
    assert line("a\n b\t\x1b[2Jc") == "a b [2Jc"
    assert line("x" * 300) == "x" * 197 + "..."


def test_shown_joins_halves_and_drops_controls() -> None:
    shown = Shown()
    assert [shown.feed(text) for text in ("a\ud83d", "\ude00b", "\x1b]0;t\x07\x9b\r\n\t")] == [
        "a",
        "\U0001f600b",
        "]0;t\n\t",
    ]
    assert shown.feed("\ud83d") == ""
    assert shown.end() == "\ufffd"
    assert shown.end() == ""


@given(st.lists(st.text(st.characters(exclude_categories=["Cc", "Cs"]))))
def test_shown_loses_nothing(pieces: list[str]) -> None:
    shown = Shown()
    halves = [half for piece in pieces for half in _halves(piece)]
    assert "".join(map(shown.feed, halves)) + shown.end() == "".join(pieces)


def _halves(text: str) -> list[str]:
    """Each UTF-16 code unit on its own, as JSON escapes them."""
    data = text.encode("utf-16-le")
    return [chr(int.from_bytes(data[at : at + 2], "little")) for at in range(0, len(data), 2)]

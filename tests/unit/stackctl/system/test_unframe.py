"""The frames of a container's log."""

from __future__ import annotations

import pytest

from stackctl.system.inspect import unframe


def frame(stream: int, text: bytes) -> bytes:
    return bytes([stream, 0, 0, 0]) + len(text).to_bytes(4) + text


WHOLE = frame(1, b"one\n") + frame(2, b"two\n") + frame(1, b"x" * 70000)


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b"", b""),
        (WHOLE, b"one\ntwo\n" + b"x" * 70000),
        (WHOLE[:-10], b"one\ntwo\n" + b"x" * 69990),
        (WHOLE[:15], b"one\n"),
        (WHOLE[:20], b"one\n"),
        (WHOLE[:22], b"one\ntw"),
        (frame(1, b"") + frame(2, b"x"), b"x"),
        (b"a terminal's log\n", b"a terminal's log\n"),
        (b"\x01bcdefghijkl", b"\x01bcdefghijkl"),
    ],
)
def test_unframe(raw: bytes, text: bytes) -> None:
    assert unframe(raw) == text

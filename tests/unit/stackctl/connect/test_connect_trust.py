"""How clients come to trust the CA, as text."""

from __future__ import annotations

from pathlib import Path

from stackctl.connect import trust


def test_every_way_is_told_in_lines_that_fit() -> None:
    text = trust.how(Path("/clone/.stackctl/tls/ca.pem"), "ab" * 32)
    assert text.isascii()
    assert "/clone/.stackctl/tls/ca.pem" in text
    assert "AB:AB:" in text
    for way in (*trust.PROGRAMS, *trust.SYSTEMS):
        assert way.system in text
        assert way.commands or way.words
    assert "()" not in text
    assert max(map(len, text.splitlines())) <= 100

"""The documentation tells every kind of failure."""

from __future__ import annotations

from tests import proofs_page


def test_is_up_to_date() -> None:
    written = proofs_page.PAGE.read_text(encoding="utf-8")
    assert written == proofs_page.page(), "run: python -m tests.proofs_page"

"""docs/clients.md shows the examples as they are."""

from __future__ import annotations

from stackctl.connect.examples import CLIENTS
from tests.clients_page import PAGE, page


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "python -m tests.clients_page"


def test_every_client_is_told_how_far_it_was_tried() -> None:
    by_hand = page().partition("<!--")[0]
    assert all(client.title in by_hand for client in CLIENTS)

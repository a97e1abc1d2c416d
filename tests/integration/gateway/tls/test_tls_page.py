"""The page at / hands out the CA that clients have to trust."""

from __future__ import annotations

import base64

import pytest

from tests.integration.gateway.browser.chromium import Browser
from tests.integration.gateway.door import Door
from tests.integration.gateway.tls.conftest import Tls, store

pytestmark = pytest.mark.docker


def test_it_has_the_ca_for_those_who_come_by_tls(
    door: Door, key: str, tls: Tls, browser: Browser
) -> None:
    tls("init", "--force", "--name", "127.0.0.1", door.container)
    browser.open(f"https://{door.container}:8443/", key)
    assert "Trust this gateway" in browser.text()
    link = browser.evaluate("document.querySelector('a[download]').href")
    assert base64.b64decode(link.partition(",")[2]) == store(door).ca.read_bytes()
    assert all("--cacert ca.pem" in block for block in browser.blocks()[:3])
    browser.open(f"http://{door.container}:8080/", key)
    assert "Trust this gateway" not in browser.text()
    assert not any("--cacert" in block for block in browser.blocks())
    assert browser.complaints() == []

"""The page at /, through the real gateway, in a real browser."""

from __future__ import annotations

import pytest
import requests

from tests.integration.gateway.browser.chromium import Browser
from tests.integration.gateway.client import MAIN, error
from tests.integration.gateway.door import Door

pytestmark = pytest.mark.docker
CLIENTS = ("curl", "Python", "LangChain", "JavaScript", "PowerShell", "Open WebUI", "Continue")
BOTH = pytest.mark.parametrize("tls", [False, True], ids=["http", "https"])


def address(door: Door, *, tls: bool = False) -> str:
    """As the browser, in a container of its own, reaches it: not as it was written in the page."""
    return f"https://{door.container}:8443" if tls else f"http://{door.container}:8080"


@BOTH
def test_it_follows_the_address_and_asks_nobody_else(
    door: Door, key: str, browser: Browser, tls: bool
) -> None:
    url = address(door, tls=tls)
    browser.open(f"{url}/", key)
    text = browser.text()
    for name in (f"{url}/v1", MAIN, "131,072 tokens", "gpt-4o", "whisper-large-v3", "ComfyUI"):
        assert name in text
    assert all(client in text for client in CLIENTS)
    assert all(f"{url}/v1" in block for block in browser.blocks())
    assert ("plain HTTP" in text) is not tls
    assert set(browser.requests()) == {f"{url}/"}
    assert browser.complaints() == []
    assert key not in browser.evaluate("document.documentElement.outerHTML")


def test_each_client_has_its_tab(door: Door, key: str, browser: Browser) -> None:
    browser.open(f"{address(door)}/", key)
    seen = set()
    for client in CLIENTS:
        tabs = "[...document.querySelectorAll('[role=tab]')]"
        browser.evaluate(f"{tabs}.find(tab => tab.innerText === '{client}').click()")
        seen.add("".join(browser.blocks()))
    assert len(seen) == len(CLIENTS)
    assert browser.complaints() == []


def test_a_key_that_is_typed_is_in_the_examples_and_sent_nowhere(
    door: Door, key: str, browser: Browser
) -> None:
    url = address(door)
    browser.open(f"{url}/#python", key)
    assert all('api_key="sk-stack-YOUR-KEY"' in block for block in browser.blocks())

    def type_key(text: str) -> None:
        browser.evaluate(
            f"{{ const field = document.getElementById('key'); field.value = {text!r};"
            "field.dispatchEvent(new Event('input')) }"
        )

    type_key("sk-typed")
    assert all('api_key="sk-typed"' in block for block in browser.blocks())
    type_key('"); import os')
    assert all('api_key="sk-stack-YOUR-KEY"' in block for block in browser.blocks())
    assert set(browser.requests()) == {f"{url}/"}


@BOTH
def test_copy(door: Door, key: str, browser: Browser, tls: bool) -> None:
    """By plain HTTP browsers have no clipboard, but the old way."""
    url = address(door, tls=tls)
    browser.open(f"{url}/", key)
    assert browser.evaluate("window.isSecureContext") is tls
    browser.evaluate(
        "document.addEventListener('copy', e => { window.copied = e.target.value });"
        "if (navigator.clipboard)"
        " navigator.clipboard.writeText = async text => { window.copied = text };"
    )
    said = browser.evaluate(
        "(async () => { const button = document.querySelector('dd button[data-copy]');"
        " button.click(); while (button.innerText === 'Copy')"
        " await new Promise(done => setTimeout(done, 10)); return button.innerText })()"
    )
    assert (said, browser.evaluate("window.copied")) == ("Copied", f"{url}/v1")
    assert browser.complaints() == []


def test_without_a_script_and_on_a_phone(door: Door, key: str, browser: Browser) -> None:
    browser.script(on=False)
    try:
        browser.open(f"{address(door)}/", key, size=(360, 700))
        text = browser.text()
        assert browser.evaluate("document.documentElement.scrollWidth") == 360
    finally:
        browser.script(on=True)
    for name in ("pip install openai", "langchain_openai", "apiBase", "Invoke-RestMethod"):
        assert name in text
    assert "Copy" not in text


def test_nobody_sees_it_without_a_key(door: Door, key: str) -> None:
    answer = requests.get(f"{door.url}/", timeout=10)
    assert error(answer, 401) == "invalid_api_key"
    assert answer.headers["WWW-Authenticate"].startswith("Basic ")
    shown = requests.get(f"{door.url}/", auth=("anybody", key), timeout=10)
    assert shown.status_code == 200
    assert shown.headers["Cache-Control"] == "no-store"
    assert door.url in shown.text
    assert key not in shown.text

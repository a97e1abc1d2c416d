"""Pages for browsers: / and ComfyUI below its own path, with its web socket."""

from __future__ import annotations

import base64

import pytest
import requests

from tests.integration.gateway.client import Wire, error, head, wire
from tests.integration.gateway.door import Door

SOCKET = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec_WebSocket_Version": "13",
    "Sec_WebSocket_Key": base64.b64encode(b"0123456789abcdef").decode(),
}


def basic(key: str) -> str:
    return "Basic " + base64.b64encode(f"anybody:{key}".encode()).decode()


def say(connection: Wire, text: bytes) -> bytes:
    """One frame, masked with zeros, and the echo of it."""
    connection.send(bytes([0x81, 0x80 | len(text)]) + bytes(4) + text)
    first, length = connection.exactly(2)
    assert first == 0x81
    return connection.exactly(length)


@pytest.mark.parametrize("tls", [False, True])
def test_web_socket(door: Door, key: str, tls: bool) -> None:
    with wire(door, tls=tls) as connection:
        asked = {"Authorization": basic(key), "Origin": "https://door", **SOCKET}
        connection.send(head("GET", "/comfyui/ws?clientId=1", **asked))
        answer = connection.answer()
        assert answer.status_code == 101
        for text in (b"one", b"two"):
            assert say(connection, text) == text
        (seen,) = door.engine("image").received
        assert seen["target"] == "/ws?clientId=1"
    assert "authorization" not in dict(seen["headers"])


def test_paths(door: Door, key: str) -> None:
    session = ("anybody", key)
    away = requests.get(door.url + "/comfyui", auth=session, timeout=10, allow_redirects=False)
    assert (away.status_code, away.headers["location"]) == (301, "/comfyui/")
    for path in ("/comfyui/", "/comfyui/view?filename=a%20b.png", "/comfyui/api/prompt"):
        assert requests.get(door.url + path, auth=session, timeout=10).status_code == 200
    seen = [request["target"] for request in door.engine("image").received]
    assert seen == ["/", "/view?filename=a%20b.png", "/api/prompt"]


def test_browsers_are_asked_for_a_password(door: Door) -> None:
    for path in ("/", "/comfyui", "/comfyui/"):
        answer = requests.get(door.url + path, timeout=10, allow_redirects=False)
        assert error(answer, 401) == "invalid_api_key"
        assert answer.headers["www-authenticate"].startswith("Basic ")


def test_the_page(door: Door, key: str) -> None:
    answer = requests.get(door.url + "/", auth=("anybody", key), timeout=10)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]

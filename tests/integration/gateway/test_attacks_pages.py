"""Browsers keep a password and send it along for any page that asks; and upgrades make tunnels."""

from __future__ import annotations

import pytest
import requests

from tests.integration.gateway.client import CHAT, MAIN, error, head, wire, works
from tests.integration.gateway.door import ENGINES, Door
from tests.integration.gateway.test_routing_comfyui import SOCKET, basic

FOREIGN = [
    "https://evil.example",
    "http://door.evil.example",
    "https://door:444",
    "https://door@evil.example",
    "https://door, https://evil.example",
    "null",
    "file://",
    "HTTPS://door.",
    "",
]


@pytest.mark.parametrize("origin", FOREIGN)
@pytest.mark.parametrize("path", ["/", "/comfyui/", "/comfyui/prompt", "/comfyui/ws"])
def test_foreign_pages(door: Door, key: str, path: str, origin: str) -> None:
    for method in ("GET", "POST"):
        with wire(door) as connection:
            asked = {"Authorization": basic(key), "Origin": origin, "Content_Length": "0"}
            connection.send(head(method, path, **asked))
            assert error(connection.answer(), 403) == "foreign_origin"
    with wire(door) as connection:
        connection.send(head("GET", path, **SOCKET, Authorization=basic(key), Origin=origin))
        assert error(connection.answer(), 403) == "foreign_origin"
    assert not door.engine("image").received


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_foreign_pages_that_send_no_origin(door: Door, key: str, site: str) -> None:
    """A picture's address is asked for without an origin; browsers tell by Sec-Fetch-Site."""
    for path in ("/comfyui/", "/comfyui/prompt"):
        with wire(door) as connection:
            asked = {"Authorization": basic(key), "Sec_Fetch_Site": site}
            connection.send(head("GET", path, **asked, Sec_Fetch_Mode="no-cors"))
            assert error(connection.answer(), 403) == "foreign_origin"
    with wire(door) as connection:
        asked = {"Authorization": basic(key), "Sec_Fetch_Site": site, "Sec_Fetch_Mode": "navigate"}
        connection.send(head("GET", "/comfyui/", **asked))
        assert connection.answer().status_code == 200, "a link may lead here"
        connection.send(head("POST", "/comfyui/prompt", **asked, Content_Length=0))
        assert error(connection.answer(), 403) == "foreign_origin"


def test_own_pages(door: Door, key: str) -> None:
    for origin in ("https://door", "http://door"):
        with wire(door) as connection:
            asked = {"Authorization": basic(key), "Origin": origin, "Content_Length": "0"}
            connection.send(head("POST", "/comfyui/prompt", **asked, Sec_Fetch_Site="same-origin"))
            assert connection.answer().status_code == 200


@pytest.mark.parametrize("path", [CHAT, "/v1/models", f"/m/{MAIN}{CHAT}", "/", "/healthz", "/x"])
@pytest.mark.parametrize("to", ["websocket", "h2c", "TLS/1.0", "websocket, h2c"])
def test_no_tunnel(door: Door, key: str, path: str, to: str) -> None:
    body = f'{{"model": "{MAIN}"}}'
    for method in ("GET", "POST"):
        with wire(door) as connection:
            asked = SOCKET | {"Upgrade": to, "HTTP2_Settings": "AAMAAABkAAQAAP"}
            connection.send(head(method, path, key, **asked, Content_Length=len(body)) + body)
            assert connection.answer().status_code in (200, 400, 401, 404, 405)
            connection.send("GET /api/pull HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            assert b" 401 " in connection.read()
    for name in ENGINES:
        for request in door.engine(name).received:
            assert request["line"] == f"POST {CHAT} HTTP/1.1"
            assert "upgrade" not in dict(request["headers"])
    works(door, key)


def test_a_web_socket_needs_the_key(door: Door) -> None:
    for key in ("", "wrong"):
        with wire(door) as connection:
            connection.send(head("GET", "/comfyui/ws", key, **SOCKET))
            assert error(connection.answer(), 401)
    assert not door.engine("image").received


def test_an_engine_that_refuses_the_web_socket(door: Door, key: str) -> None:
    """What follows is asked for its key like any other request."""
    with wire(door) as connection:
        asked = SOCKET | {"Upgrade": "other"}
        connection.send(head("GET", "/comfyui/ws", key, **asked))
        assert connection.answer().status_code == 200
        connection.send("GET /comfyui/x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        assert b" 401 " in connection.read()
    assert door.engine("image").state()["count"] == 1


def test_nothing_is_said_of_the_server(door: Door, key: str) -> None:
    for path in ("/", "/healthz", "/v1/models", "/x", CHAT):
        answer = requests.get(door.url + path, headers={"x-api-key": key}, timeout=10)
        assert "server" not in answer.headers
        assert "haproxy" not in answer.text.lower()

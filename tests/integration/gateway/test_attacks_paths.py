"""Only the paths of the API lead anywhere; an engine's own ones do not."""

from __future__ import annotations

import pytest

from tests.integration.gateway.client import CHAT, MAIN, head, refused, wire, works
from tests.integration.gateway.door import ENGINES, Door

BODY = f'{{"model": "{MAIN}"}}'
NAMED = f"/m/{MAIN}"
TRICKS = [
    "/api/pull",
    "//api/pull",
    "/./api/pull",
    "/API/PULL",
    "/%61pi/pull",
    "/api%2fpull",
    "/v1/../api/pull",
    "/v1/..;/api/pull",
    "/v1/%2e%2e/api/pull",
    "/v1/%2E%2E%2Fapi%2Fpull",
    "/v1/..%5capi%5cpull",
    "/v1/..\\api\\pull",
    f"{CHAT}/../../../api/pull",
    f"{CHAT}/..%2f..%2f..%2fapi/pull",
    f"{CHAT};/../../../api/pull",
    f"{CHAT};x=1",
    f"{CHAT}/",
    f"{CHAT}%00",
    f"{CHAT}%20",
    f"{CHAT}%3fx",
    f"/{CHAT}",
    CHAT.upper(),
    CHAT.replace("/", "%2f"),
    "/m/x/../../api/pull/v1/",
    "/m/x/../../api/pull/v1/chat/completions",
    "/m//v1/chat/completions",
    f"{NAMED}/api/pull",
    f"{NAMED}/v1/../api/pull",
    f"{NAMED}/v1/api/pull",
    f"{NAMED}{CHAT}/../../../api/pull",
    f"{NAMED}/v1/%2e%2e/api/pull",
    f"{NAMED}//v1/chat/completions",
    f"/M/{MAIN}{CHAT}",
    f"/x/../m/{MAIN}{CHAT}",
    "/metrics",
    "//metrics",
    "/v1/metrics",
    "/v1/../metrics",
    f"{NAMED}/metrics",
    f"{NAMED}/v1/../metrics",
    "/health",
    "/v1/load_lora_adapter",
    "/.well-known/acme-challenge/../../api/pull",
    "http://main:8000/api/pull",
    "http://127.0.0.1:8404/metrics",
    "http:///api/pull",
    "api/pull",
    "*",
    "",
    "?/api/pull",
    "#/api/pull",
    f"{CHAT}#/../../../api/pull",
    f"{CHAT}\x00",
    f"{CHAT}\x0b/api/pull",
    f"{CHAT} /api/pull",
    f"/v1/{'x' * 100_000}",
]
#: toward ComfyUI, which has files
UPWARD = [
    "/comfyui/../api/pull",
    "/comfyui/%2e%2e/api/pull",
    "/comfyui/view/..%2f..%2fetc/passwd",
    "/comfyui/..\\..\\etc",
    "/comfyui/..%5c..%5cetc",
    "/comfyui/a/../../b",
    "/comfyui/..;/x",
    "/comfyui/.%2e/x",
    "/comfyui/..",
]


def seen(door: Door) -> list[str]:
    return [request["line"] for name in ENGINES for request in door.engine(name).received]


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_tricks(door: Door, key: str, method: str) -> None:
    for path in TRICKS:
        with wire(door) as connection:
            connection.send(head(method, path, key, Content_Length=len(BODY)) + BODY)
            assert refused(connection) in (0, 400, 404, 405), path
    assert seen(door) == []
    works(door, key)


def test_upward_from_comfyui(door: Door, key: str) -> None:
    for path in UPWARD:
        with wire(door) as connection:
            connection.send(head("GET", path, key))
            assert refused(connection) in (0, 400, 404), path
    assert seen(door) == []


@pytest.mark.parametrize("host", ["main:8000", "127.0.0.1:8404", "", "a, b", "door\\@main", "[::1"])
def test_the_host_decides_nothing(door: Door, key: str, host: str) -> None:
    with wire(door) as connection:
        request = head("POST", CHAT, key, Content_Length=len(BODY), Connection="close")
        connection.send(request.replace("Host: door", f"Host: {host}") + BODY)
        answer = connection.answer()
    assert answer.status_code in (200, 400)
    assert all(line == f"POST {CHAT} HTTP/1.1" for line in seen(door))
    with wire(door) as connection:
        request = head("POST", "/api/pull", key, Content_Length=len(BODY))
        connection.send(request.replace("Host: door", f"Host: {host}") + BODY)
        assert connection.answer().status_code in (400, 404)


def test_absolute_address(door: Door, key: str) -> None:
    """As a proxy is asked: the engine is the one that the model names, whatever host is named."""
    for host in ("coder:8000", "door"):
        with wire(door) as connection:
            address = f"http://{host}{CHAT}"
            connection.send(head("POST", address, key, Content_Length=len(BODY)) + BODY)
            if host == "door":
                assert connection.answer().status_code == 200
            else:
                assert refused(connection) in (0, 400)
    assert [name for name in ENGINES if door.engine(name).received] == ["main"]


@pytest.mark.parametrize(
    "method", ["CONNECT", "TRACE", "OPTIONS", "PROPFIND", "get", "G\tT", "PRI"]
)
@pytest.mark.parametrize("path", ["main:8000", "/v1/models", CHAT, "*", "/comfyui/"])
def test_methods(door: Door, key: str, method: str, path: str) -> None:
    with wire(door) as connection:
        connection.send(head(method, path, key))
        refused(connection)
    assert seen(door) == []

"""Which engine a request is for."""

from __future__ import annotations

import pytest

from stackctl.emulation.errors import RefusedError
from stackctl.emulation.where import Place, place


@pytest.mark.parametrize(
    ("path", "query", "server", "found"),
    [
        (b"/main/v1/models", b"", None, Place("main", "/v1/models", b"/v1/models")),
        (b"/main/health", b"a=%20&b", None, Place("main", "/health", b"/health?a=%20&b")),
        (b"/v1/models", b"", "coder-2_x", Place("coder-2_x", "/v1/models", b"/v1/models")),
        (b"/healthz", b"", "main", Place("main", "/healthz", b"/healthz")),
        (b"/main", b"", None, Place("main", "/", b"/")),
        (b"/main/a%2Fb//c", b"", None, Place("main", "/a%2Fb//c", b"/a%2Fb//c")),
    ],
)
def test_found(path: bytes, query: bytes, server: str | None, found: Place) -> None:
    assert place(path, query, server) == found


@pytest.mark.parametrize(
    ("path", "server"),
    [
        (b"/", None),
        (b"/v1/models", None),
        (b"/a.b/v1/models", None),
        (b"/a:80/v1/models", None),
        (b"/a%40b/v1/models", None),
        (b"/-a/v1", None),
        (b"/\xff/v1", None),
        (b"/2130706433/v1/models", None),  # 127.0.0.1
        (b"/0x7f000001/v1/models", None),
        (b"/v1/models", ""),
        (b"/v1/models", "evil.example"),
        (b"/v1/models", "a/b"),
    ],
)
def test_no_name(path: bytes, server: str | None) -> None:
    with pytest.raises(RefusedError) as caught:
        place(path, b"", server)
    assert caught.value.status == 404

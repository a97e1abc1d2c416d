"""A client that shows what really came over the wire."""

from __future__ import annotations

import http.client
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Reply:
    """`body` is what arrived, `broken` how it ended where it ended early."""

    status: int
    headers: dict[str, str]
    body: bytes
    broken: type[Exception] | None = None

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def ask(url: str, method: str = "GET", timeout: float = 5, **headers: str) -> Reply:
    """One request on a connection of its own; no redirect is followed."""
    place = urlsplit(url)
    target = place.path + (f"?{place.query}" if place.query else "")
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    connection = http.client.HTTPConnection(place.netloc, timeout=timeout)
    try:
        connection.request(method, target, headers=named)
        with connection.getresponse() as reply:
            found = {name.lower(): value for name, value in reply.getheaders()}
            body = b""
            broken: type[Exception] | None = None
            try:
                while piece := reply.read1(1 << 16):
                    body += piece
                if reply.length:
                    broken = http.client.IncompleteRead
            except (OSError, http.client.HTTPException) as problem:
                broken = type(problem)
            return Reply(reply.status, found, body, broken)
    finally:
        connection.close()

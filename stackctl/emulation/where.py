"""Which engine a request is for. Pure."""

from __future__ import annotations

import re
import socket
from dataclasses import dataclass

from stackctl.emulation.errors import RefusedError

SERVER = b"x-stackctl-server"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
_WAYS = "name the engine: /NAME/v1/..., or the header X-Stackctl-Server: NAME"


@dataclass(frozen=True, slots=True)
class Place:
    """`target`: path and query as they came, byte for byte."""

    engine: str
    path: str
    target: bytes


def place(raw_path: bytes, query: bytes, server: str | None) -> Place:
    """By the header where there is one, else by the first step of the path; RefusedError (404)."""
    if server is None:
        first, _, rest = raw_path.lstrip(b"/").partition(b"/")
        name, path = first.decode("latin-1"), b"/" + rest
        if name == "v1":
            raise RefusedError(404, _WAYS, "engine_not_named")
    else:
        name, path = server, raw_path
    if not _NAME.fullmatch(name) or _address(name):
        raise RefusedError(404, f"{name[:80]!r} is no engine's name; {_WAYS}", "engine_not_named")
    return Place(name, path.decode("latin-1"), path + (b"?" + query if query else b""))


def _address(name: str) -> bool:
    """Whether resolvers take it for an IP address written as one number."""
    try:
        socket.inet_aton(name)
    except OSError:
        return False
    return True

"""What is asked, what is answered, and what is noted about it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from urllib.parse import parse_qsl, unquote

#: changes bytes on their way out: the chunk and the offset in the file where it begins
Patch = Callable[[bytearray, int], None]


@dataclass(frozen=True)
class Request:
    """One request, its header names in lower case."""

    method: str
    target: str
    headers: dict[str, str]

    @cached_property
    def path(self) -> str:
        """Decoded: good for matching, not for splitting."""
        return unquote(self.target.partition("?")[0])

    @cached_property
    def parts(self) -> tuple[str, ...]:
        """Split before decoding: a branch `refs%2Fpr%2F1` stays one part."""
        return tuple(unquote(part) for part in self.target.partition("?")[0][1:].split("/"))

    @cached_property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(self.target.partition("?")[2], keep_blank_values=True))

    @property
    def host(self) -> str:
        return self.headers.get("host", "")

    @property
    def token(self) -> str | None:
        """What came as `Authorization: Bearer`."""
        value = self.headers.get("authorization")
        return value.removeprefix("Bearer ") if value is not None else None

    def says(self, name: str) -> bool:
        """A query flag, however its language spells it."""
        return self.query.get(name, "").lower() in ("true", "1")


@dataclass
class Content:
    """The part of a file that is asked for, and the size the client is told."""

    path: Path
    size: int
    range: str | None = None
    shift: int = 0

    @property
    def ranged(self) -> bool:
        return self.range is not None and self._match() is not None

    def span(self) -> tuple[int, int] | None:
        """First byte and the one after the last; None where nothing satisfies the range."""
        if (match := self._match()) is None:
            return 0, self.size
        first, last = match.groups()
        if not first:
            return max(0, self.size - int(last)), self.size
        start = max(0, int(first) + self.shift)
        stop = min(int(last) + 1, self.size) if last else self.size
        return (start, stop) if start < stop else None

    def _match(self) -> re.Match[str] | None:
        return re.fullmatch(r"bytes=(?!-$)(\d*)-(\d*)", self.range or "")


@dataclass
class Wire:
    """How an answer leaves, where it does not simply leave; counts are bytes of the body."""

    cut: int | None = None
    reset: bool = False
    pause: tuple[int, float] | None = None
    rate: float | None = None
    patches: list[Patch] = field(default_factory=list)
    length: int | None = None
    unmeasured: bool = False
    skew: float = 0.0


@dataclass
class Answer:
    """Bytes, or part of a file, with all that faults make of it."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    content: Content | None = None
    wire: Wire = field(default_factory=Wire)

    @classmethod
    def of_json(cls, value: object, status: int = 200, **headers: str) -> Answer:
        named = {name.replace("_", "-"): text for name, text in headers.items()}
        return cls(
            status,
            {"Content-Type": "application/json", **named},
            json.dumps(value, separators=(",", ":")).encode(),
        )

    @classmethod
    def of_file(cls, request: Request, path: Path, size: int, headers: dict[str, str]) -> Answer:
        """The file, or the part of it that the request names; `If-Range` is honoured."""
        wanted, etag = request.headers.get("range"), headers.get("ETag")
        if request.headers.get("if-range", etag) != etag:
            wanted = None
        fixed = {"Content-Type": "application/octet-stream", "Accept-Ranges": "bytes"}
        return cls(200, fixed | headers, content=Content(path, size, wanted))

    @classmethod
    def redirect(cls, status: int, location: str, headers: dict[str, str] | None = None) -> Answer:
        text = f"{status}: see {location}".encode()
        return cls(status, {**(headers or {}), "Location": location}, text)

    @property
    def good(self) -> bool:
        """Carries what was asked for: what faults of the body may touch."""
        return self.status in (200, 206)

    def span(self) -> tuple[int, int]:
        """The bytes the body is made of, in the file's own count."""
        if self.content is None:
            return 0, len(self.body)
        return self.content.span() or (0, 0)

    @property
    def length(self) -> int:
        start, stop = self.span()
        return stop - start

    def settle(self) -> None:
        """Status and headers that follow from the range and the size, once faults are in."""
        if self.content is None:
            return
        size, span = self.content.size, self.content.span()
        if "X-Linked-Size" in self.headers:
            self.headers["X-Linked-Size"] = str(size)
        if span is None:
            self.status, self.content = 416, None
            self.headers["Content-Range"] = f"bytes */{size}"
        elif self.content.ranged:
            self.status = 206
            self.headers["Content-Range"] = f"bytes {span[0]}-{span[1] - 1}/{size}"


@dataclass
class Served:
    """One line of the log; `sent` grows while the body leaves."""

    method: str
    path: str
    range: str | None
    status: int
    host: str
    has_authorization: bool
    user_agent: str
    faults: tuple[str, ...] = ()
    sent: int = 0

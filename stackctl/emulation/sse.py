"""Server-sent events: bytes in pieces -> the data of events, and back. Pure."""

from __future__ import annotations

import codecs
import json
import re
from dataclasses import dataclass, field
from typing import Any

DONE = "[DONE]"
KEEP_ALIVE = b": keep-alive\n\n"
_LINE = re.compile(r"\r\n|\n|\r(?!$)")
#: characters of one event
_LONGEST = 16 * 2**20


@dataclass(slots=True)
class Events:
    """Cut anywhere, in the middle of a character as well. UnicodeDecodeError for what is no
    UTF-8, ValueError for an event without end."""

    _decoder: codecs.IncrementalDecoder = field(
        default_factory=lambda: codecs.getincrementaldecoder("utf-8")()
    )
    _rest: str = ""
    _data: list[str] = field(default_factory=list)

    def feed(self, piece: bytes) -> list[str]:
        """The data of the events that are whole now."""
        *lines, self._rest = _LINE.split(self._rest + self._decoder.decode(piece))
        if len(self._rest) > _LONGEST:
            raise ValueError("an event without end")
        return [data for line in lines if (data := self._line(line)) is not None]

    def end(self) -> list[str]:
        """What was left: some servers do not end their last line."""
        self._decoder.decode(b"", final=True)
        last, self._rest = self._rest.rstrip("\r"), ""
        return [data for line in (last, "") if (data := self._line(line)) is not None]

    def _line(self, line: str) -> str | None:
        if line:
            if line.startswith("data:"):
                self._data.append(line[5:].removeprefix(" "))
            return None
        data, self._data = self._data, []
        return "\n".join(data) if data else None


def event(value: Any) -> bytes:
    return b"data: " + json.dumps(value, ensure_ascii=False).encode() + b"\n\n"


def done() -> bytes:
    return f"data: {DONE}\n\n".encode()

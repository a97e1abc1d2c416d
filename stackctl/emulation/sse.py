"""Server-sent events: bytes in pieces -> the data of events, and back. Pure."""

from __future__ import annotations

import codecs
import json
from dataclasses import dataclass, field
from typing import Any

DONE = "[DONE]"
KEEP_ALIVE = b": keep-alive\n\n"
#: characters of one event
_LONGEST = 16 * 2**20


@dataclass(slots=True)
class Events:
    """Cut anywhere, in the middle of a character as well. UnicodeDecodeError for what is no
    UTF-8, ValueError for an event without end."""

    _decoder: codecs.IncrementalDecoder = field(
        default_factory=lambda: codecs.getincrementaldecoder("utf-8")()
    )
    _held: str = ""  # a CR, of which it is not known yet whether a LF belongs to it
    _line: list[str] = field(default_factory=list)
    _length: int = 0
    _data: list[str] = field(default_factory=list)

    def feed(self, piece: bytes) -> list[str]:
        """The data of the events that are whole now."""
        text = self._held + self._decoder.decode(piece)
        self._held = "\r" if text.endswith("\r") else ""
        text = text.removesuffix("\r").replace("\r\n", "\n").replace("\r", "\n")
        found = []
        *ended, rest = text.split("\n")
        for part in ended:
            found += self._ended("".join((*self._line, part)))
            self._line, self._length = [], 0
        self._line.append(rest)
        self._length += len(rest)
        if self._length > _LONGEST:
            raise ValueError("an event without end")
        return found

    def end(self) -> list[str]:
        """What was left: some servers do not end their last line."""
        self._decoder.decode(b"", final=True)
        return [*self._ended("".join(self._line)), *self._ended("")]

    def _ended(self, line: str) -> list[str]:
        if line.startswith("data:"):
            self._data.append(line[5:].removeprefix(" "))
        if line or not self._data:
            return []
        data, self._data = self._data, []
        return ["\n".join(data)]


def event(value: Any) -> bytes:
    return b"data: " + json.dumps(value, ensure_ascii=False).encode() + b"\n\n"


def done() -> bytes:
    return f"data: {DONE}\n\n".encode()

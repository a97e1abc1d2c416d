"""Server-sent events out of the bytes of a stream, as they arrive."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Events:
    """Feed it bytes, in any pieces; it gives the data of each event that is complete."""

    comments: int = 0  # lines that only keep the connection alive
    _rest: bytes = b""
    _data: list[str] = field(default_factory=list)

    def feed(self, data: bytes) -> list[str]:
        """UnicodeDecodeError if a line is not UTF-8: it is decoded whole, so never by halves."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        found = []
        for raw in lines:
            line = raw.rstrip(b"\r").decode("utf-8")
            if not line:
                if self._data:
                    found.append("\n".join(self._data))
                self._data = []
            elif line.startswith(":"):
                self.comments += 1
            elif line.startswith("data:"):
                self._data.append(line[5:].removeprefix(" "))
        return found

    @property
    def pending(self) -> bool:
        """Whether an event has begun and not ended."""
        return bool(self._rest.strip() or self._data)
